/*
 * tls_pair_fixture.h: the client under test and a server that lives in memory,
 * joined by a wire, for the tests of the files tls_*.c.
 */
#ifndef HN_SPEC_TLS_PAIR_FIXTURE_H
#define HN_SPEC_TLS_PAIR_FIXTURE_H

#include "tls_fixture.h"
#include "wire_fixture.h"

#include "../../csrc/net/openssl/openssl.h"

/* One connection. */
struct pair {
  struct wire wire;
  struct hn_transport *client;
  SSL_CTX *ctx;
  SSL *server;
  int closed;
};

/* The one everybody trusts, and its PEM file; made by pair_main. */
static struct fixture_cert authority;
static char authority_pem[] = "/tmp/hn_tls_XXXXXX";

static inline struct fixture_cert
pair_leaf(const char *names, const char *usage, long from, long to) {
  struct fixture_wish w = {.name = "some.example",
                           .names = names,
                           .usage = usage,
                           .from = from,
                           .to = to};
  return fixture_sign(&w, &authority);
}

static inline struct fixture_cert pair_good_leaf(void) {
  return pair_leaf("DNS:localhost,IP:127.0.0.1,IP:::1", "serverAuth",
                   -FIXTURE_DAY, FIXTURE_DAY);
}

static inline struct hn_tls_options pair_options(void) {
  return (struct hn_tls_options){.ca_file = authority_pem};
}

/* A context that must come about; NULL otherwise. */
static inline struct hn_tls_context *
pair_context(const struct hn_tls_options *o) {
  struct hn_tls_context *c = NULL;
  const char *detail = NULL;
  CHECK_INT(fixture_context(o, &c, &detail), 0);
  CHECK_TEXT(slice_of(detail), NULL);
  return c;
}

/* A client of this context on a server of that one; both are shared. */
static inline int pair_join_as(struct pair *p, struct hn_tls_context *context,
                               SSL_CTX *ctx, const struct hn_tls_peer *peer) {
  memset(p, 0, sizeof *p);
  p->wire.base.ops = &wire_ops;
  p->wire.closed = &p->closed;
  buf_init(&p->wire.to_server, 1 << 24);
  buf_init(&p->wire.to_client, 1 << 24);
  SSL_CTX_up_ref(ctx);
  p->ctx = ctx;
  p->server = SSL_new(ctx);
  SSL_set_bio(p->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_accept_state(p->server);
  return tls_new(context, &p->wire.base, peer, &p->client);
}

static inline int pair_join(struct pair *p, struct hn_tls_context *context,
                            SSL_CTX *ctx, struct hn_slice host, unsigned port) {
  const struct hn_tls_peer peer = {
      .host = host, .port = port, .alpn = {"\x08http/1.1", 9}};
  return pair_join_as(p, context, ctx, &peer);
}

/* Both made on purpose. */
static inline int pair_open(struct pair *p, const struct hn_tls_options *o,
                            const struct fixture_cert *cert,
                            struct hn_slice host) {
  struct hn_tls_context *context = pair_context(o);
  SSL_CTX *ctx = fixture_server(cert);
  int rc = pair_join(p, context, ctx, host, 443);
  SSL_CTX_free(ctx);
  tls_context_free(context);
  return rc;
}

static inline void pair_close(struct pair *p) {
  if (p->client) p->client->ops->close(p->client);
  CHECK_INT(p->closed, 1);
  SSL_free(p->server);
  SSL_CTX_free(p->ctx);
  ERR_clear_error();
}

/* Moves what lies on the wire to the server and back. */
static inline void pair_carry(struct pair *p) {
  struct hn_slice up = buf_peek(&p->wire.to_server);
  char *down;
  if (up.n > 0) {
    BIO_write(SSL_get_rbio(p->server), up.p, (int)up.n);
    buf_consume(&p->wire.to_server, up.n);
  }
  if (!SSL_is_init_finished(p->server)) SSL_do_handshake(p->server);
  ERR_clear_error();
  long n = BIO_get_mem_data(SSL_get_wbio(p->server), &down);
  if (n <= 0) return;
  CHECK_INT(buf_append(&p->wire.to_client, slice_make(down, (size_t)n)), 0);
  (void)BIO_reset(SSL_get_wbio(p->server));
}

static inline int pair_handshake(struct pair *p) {
  int rc = HN_AGAIN;
  for (int i = 0; i < 100000 && rc == HN_AGAIN; i++) {
    /* Somebody else's leftovers in this thread's queue of errors. */
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    rc = p->client->ops->step_connect(p->client);
    pair_carry(p);
  }
  return rc;
}

static inline int pair_read(struct pair *p, char *text, size_t n, size_t *got) {
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  int rc = HN_AGAIN;
  for (int i = 0; i < 100000 && rc == HN_AGAIN; i++) {
    if (p->wire.again == false && i > 2) break;
    pair_carry(p);
    rc = p->client->ops->read(p->client, text, n, got);
  }
  return rc;
}

/* Reads exactly what is expected, in however many pieces. */
static inline void pair_check_read(struct pair *p, const char *expected) {
  char text[64];
  size_t sum = 0, got = 0;
  while (sum < strlen(expected)) {
    int rc = pair_read(p, text + sum, sizeof text - sum, &got);
    if (!CHECK_INT(rc, 0) || !CHECK(got > 0)) return;
    sum += got;
  }
  CHECK_TEXT(slice_make(text, sum), expected);
}

static inline void pair_check_exchange(struct pair *p) {
  char text[64];
  size_t n = 0;
  int rc = HN_AGAIN;
  for (int i = 0; i < 100000 && rc == HN_AGAIN; i++) {
    rc = p->client->ops->write(p->client, "ping", 4, &n);
    pair_carry(p);
  }
  CHECK_INT(rc, 0);
  CHECK_INT(n, 4);
  pair_carry(p);
  CHECK_INT(SSL_read(p->server, text, sizeof text), 4);
  CHECK_INT(SSL_write(p->server, "pong", 4), 4);
  pair_check_read(p, "pong");
}

/* The handshake fails for these reasons, in words that begin so, and stays
 * failed. */
static inline void pair_check_refused(struct pair *p, uint32_t secure,
                                      const char *detail) {
  size_t n;
  char text[8];
  CHECK_INT(pair_handshake(p), HN_ERR_SECURE_FAILURE);
  CHECK_INT(p->client->secure, secure);
  if (CHECK(p->client->detail != NULL))
    CHECK_TEXT(slice_sub(slice_of(p->client->detail), 0, strlen(detail)),
               detail);
  CHECK_INT(p->client->ops->step_connect(p->client), HN_ERR_SECURE_FAILURE);
  CHECK_INT(p->client->ops->write(p->client, "x", 1, &n),
            HN_ERR_SECURE_FAILURE);
  CHECK_INT(p->client->ops->read(p->client, text, 1, &n),
            HN_ERR_SECURE_FAILURE);
  CHECK(!p->client->ops->has_pending(p->client));
  p->client->ops->shutdown(p->client);
}

static inline int pair_main(const struct test_case *cases, size_t count) {
  authority = fixture_authority("Test Authority");
  fixture_write_pem(authority.cert, authority_pem);
  int failed = test_run(cases, count);
  unlink(authority_pem);
  fixture_drop(&authority);
  return failed;
}

#define PAIR_MAIN(...)                                                         \
  int main(void) {                                                             \
    static const struct test_case rows[] = {__VA_ARGS__};                      \
    return pair_main(rows, sizeof rows / sizeof *rows);                        \
  }

#endif
