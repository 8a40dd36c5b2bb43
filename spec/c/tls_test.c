#include "tls_fixture.h"
#include "wire_fixture.h"

#include <errno.h>

#include "../../csrc/net/tls.h"

/* One connection: the client under test and a server. */
struct pair {
  struct wire wire;
  struct hn_stream *client;
  SSL_CTX *ctx;
  SSL *server;
  int closed;
};

static struct fixture_cert authority, stranger;
static char authority_pem[] = "/tmp/hn_tls_XXXXXX";
static struct hn_tls_context *context;

static struct fixture_cert leaf(const char *names, const char *usage,
                                long from, long to) {
  struct fixture_wish w = {.name = "some.example", .names = names,
                           .usage = usage, .from = from, .to = to};
  return fixture_sign(&w, &authority);
}

static struct fixture_cert good_leaf(void) {
  return leaf("DNS:localhost,IP:127.0.0.1,IP:::1", "serverAuth", -FIXTURE_DAY,
              FIXTURE_DAY);
}

static int pair_open(struct pair *p, const struct fixture_cert *cert,
                     struct hn_slice host) {
  memset(p, 0, sizeof *p);
  p->wire.base.ops = &wire_ops;
  p->wire.closed = &p->closed;
  buf_init(&p->wire.to_server, 1 << 24);
  buf_init(&p->wire.to_client, 1 << 24);
  p->ctx = fixture_server(cert);
  p->server = SSL_new(p->ctx);
  SSL_set_bio(p->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_accept_state(p->server);
  return tls_new(context, &p->wire.base, host, &p->client);
}

static void pair_close(struct pair *p) {
  if (p->client) p->client->ops->close(p->client);
  CHECK_INT(p->closed, 1);
  SSL_free(p->server);
  SSL_CTX_free(p->ctx);
  ERR_clear_error();
}

/* Moves what lies on the wire to the server and back. */
static void pair_carry(struct pair *p) {
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

static int pair_handshake(struct pair *p) {
  int rc = HN_AGAIN;
  for (int i = 0; i < 100000 && rc == HN_AGAIN; i++) {
    /* Somebody else's leftovers in this thread's queue of errors. */
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    rc = p->client->ops->step_connect(p->client);
    pair_carry(p);
  }
  return rc;
}

static int read_step(struct pair *p, char *text, size_t n, size_t *got) {
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
static void check_read(struct pair *p, const char *expected) {
  char text[64];
  size_t sum = 0, got = 0;
  while (sum < strlen(expected)) {
    int rc = read_step(p, text + sum, sizeof text - sum, &got);
    if (!CHECK_INT(rc, 0) || !CHECK(got > 0)) return;
    sum += got;
  }
  CHECK_TEXT(slice_make(text, sum), expected);
}

static void check_exchange(struct pair *p) {
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
  check_read(p, "pong");
}

TEST(a_good_server) {
  static const char *const hosts[] = {"localhost", "LOCALHOST", "localhost.",
                                      "127.0.0.1", "::1", "[::1]"};
  struct fixture_cert cert = good_leaf();
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    struct pair p;
    char text[8];
    size_t n = 99;
    test_label(hosts[i]);
    CHECK_INT(pair_open(&p, &cert, slice_of(hosts[i])), 0);
    CHECK_INT(pair_handshake(&p), 0);
    CHECK_INT(p.client->ops->step_connect(p.client), 0);
    CHECK_INT(p.client->ops->fd(p.client), 4711);
    const char *sni = SSL_get_servername(p.server, TLSEXT_NAMETYPE_host_name);
    CHECK_INT(sni != NULL, i < 3);
    if (sni) CHECK_INT(sni[strlen(sni) - 1] != '.', 1);
    check_exchange(&p);
    p.client->ops->idle(p.client);
    check_exchange(&p);
    CHECK_INT(p.client->ops->read(p.client, text, 8, &n), HN_AGAIN);
    CHECK_INT(n, 99);
    CHECK_INT(p.client->ops->want(p.client), HN_WANT_READ);
    /* A clean end is one with close_notify. */
    SSL_shutdown(p.server);
    pair_carry(&p);
    p.wire.ended = true;
    CHECK_INT(p.client->ops->read(p.client, text, 8, &n), 0);
    CHECK_INT(n, 0);
    CHECK_INT(p.client->ops->read(p.client, text, 8, &n), 0);
    p.client->ops->shutdown(p.client);
    pair_carry(&p);
    CHECK(SSL_read(p.server, text, 8) <= 0);
    CHECK_INT(SSL_get_shutdown(p.server) & SSL_RECEIVED_SHUTDOWN,
              SSL_RECEIVED_SHUTDOWN);
    pair_close(&p);
  }
  fixture_drop(&cert);
}

TEST(over_an_unkind_stream) {
  struct fixture_cert cert = good_leaf();
  for (int i = 0; i < 4; i++) {
    struct pair p;
    CHECK_INT(pair_open(&p, &cert, slice_of("localhost")), 0);
    p.wire.most = i < 2 ? 1 : 7;
    p.wire.again = i % 2 == 1;
    CHECK_INT(pair_handshake(&p), 0);
    check_exchange(&p);
    pair_close(&p);
  }
  fixture_drop(&cert);
}

struct refusal_row {
  const char *host, *names, *usage;
  long from, to;
  uint32_t secure;
  const char *detail; /* its beginning */
};

static const struct refusal_row refusals[] = {
  {"localhost", "DNS:wrong.example", NULL, -1, 1, HN_SECURE_CERT_CN_INVALID,
   "certificate is for \"wrong.example\", not \"localhost\""},
  {"localhost", "DNS:a.example,DNS:b.example,IP:127.0.0.1", NULL, -1, 1,
   HN_SECURE_CERT_CN_INVALID,
   "certificate is for \"a.example\" and others, not \"localhost\""},
  {"127.0.0.2", "IP:127.0.0.1", NULL, -1, 1, HN_SECURE_CERT_CN_INVALID,
   "certificate is for \"127.0.0.1\", not \"127.0.0.2\""},
  {"::2", "IP:::1", NULL, -1, 1, HN_SECURE_CERT_CN_INVALID,
   "certificate is for \"::1\", not \"::2\""},
  {"127.0.0.1", "DNS:127.0.0.1", NULL, -1, 1, HN_SECURE_CERT_CN_INVALID,
   "certificate is for"},
  {"some.example", NULL, NULL, -1, 1, HN_SECURE_CERT_CN_INVALID,
   "certificate names no host (subjectAltName), not \"some.example\""},
  {"www.example.org", "DNS:w*.example.org", NULL, -1, 1,
   HN_SECURE_CERT_CN_INVALID, "certificate is for"},
  {"a.b.example.org", "DNS:*.example.org", NULL, -1, 1,
   HN_SECURE_CERT_CN_INVALID, "certificate is for"},
  {"localhost", "DNS:localhost", NULL, -20, -10, HN_SECURE_CERT_DATE_INVALID,
   "certificate has expired (20"},
  {"localhost", "DNS:localhost", NULL, 10, 20, HN_SECURE_CERT_DATE_INVALID,
   "certificate is not valid yet"},
  {"localhost", "DNS:localhost", "clientAuth", -1, 1,
   HN_SECURE_CERT_WRONG_USAGE, "certificate refused: "},
};

static void check_refused(struct pair *p, uint32_t secure,
                          const char *detail) {
  size_t n;
  char text[8];
  CHECK_INT(pair_handshake(p), HN_ERR_SECURE_FAILURE);
  CHECK_INT(p->client->secure, secure);
  if (CHECK(p->client->detail != NULL))
    CHECK_TEXT(slice_sub(slice_of(p->client->detail), 0, strlen(detail)),
               detail);
  /* And so it stays. */
  CHECK_INT(p->client->ops->step_connect(p->client), HN_ERR_SECURE_FAILURE);
  CHECK_INT(p->client->ops->write(p->client, "x", 1, &n),
            HN_ERR_SECURE_FAILURE);
  CHECK_INT(p->client->ops->read(p->client, text, 1, &n),
            HN_ERR_SECURE_FAILURE);
  CHECK(!p->client->ops->has_pending(p->client));
  p->client->ops->shutdown(p->client);
}

TEST(bad_certificates) {
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    const struct refusal_row *row = &refusals[i];
    struct fixture_cert cert = leaf(row->names, row->usage,
                                    row->from * FIXTURE_DAY,
                                    row->to * FIXTURE_DAY);
    struct pair p;
    test_label(row->detail);
    CHECK_INT(pair_open(&p, &cert, slice_of(row->host)), 0);
    check_refused(&p, row->secure, row->detail);
    CHECK(p.client->system != 0);
    pair_close(&p);
    fixture_drop(&cert);
  }
}

TEST(unknown_authorities) {
  struct fixture_wish w = {.name = "x", .names = "DNS:localhost",
                           .from = -FIXTURE_DAY, .to = FIXTURE_DAY};
  struct fixture_cert strange = fixture_sign(&w, &stranger);
  struct fixture_cert own = fixture_sign(&w, NULL);
  struct pair p;
  CHECK_INT(pair_open(&p, &strange, slice_of("localhost")), 0);
  check_refused(&p, HN_SECURE_INVALID_CA,
                "certificate authority unknown: A Str?nger (name its issuer "
                "with the ca_file option)");
  pair_close(&p);
  CHECK_INT(pair_open(&p, &own, slice_of("localhost")), 0);
  check_refused(&p, HN_SECURE_INVALID_CA,
                "certificate authority unknown: self-signed certificate "
                "(name its issuer with the ca_file option)");
  pair_close(&p);
  fixture_drop(&strange);
  fixture_drop(&own);
}

/* RFC 8446 6.1: an end without close_notify may be an attacker's cut. */
TEST(truncation) {
  struct fixture_cert cert = good_leaf();
  struct pair p;
  char text[8];
  size_t n = 99;
  CHECK_INT(pair_open(&p, &cert, slice_of("localhost")), 0);
  CHECK_INT(pair_handshake(&p), 0);
  check_exchange(&p);
  p.wire.ended = true;
  CHECK_INT(p.client->ops->read(p.client, text, 8, &n),
            HN_ERR_CONNECTION_ERROR);
  CHECK_TEXT(slice_of(p.client->detail), "closed without close_notify");
  CHECK_INT(n, 99);
  CHECK_INT(p.client->ops->read(p.client, text, 8, &n),
            HN_ERR_CONNECTION_ERROR);
  pair_close(&p);
  fixture_drop(&cert);
}

TEST(an_end_during_the_handshake) {
  struct fixture_cert cert = good_leaf();
  struct pair p;
  CHECK_INT(pair_open(&p, &cert, slice_of("localhost")), 0);
  CHECK_INT(p.client->ops->step_connect(p.client), HN_AGAIN);
  p.wire.ended = true;
  CHECK_INT(p.client->ops->step_connect(p.client), HN_ERR_CONNECTION_ERROR);
  CHECK_TEXT(slice_of(p.client->detail), "closed during the TLS handshake");
  pair_close(&p);
  fixture_drop(&cert);
}

TEST(a_broken_stream_below) {
  struct fixture_cert cert = good_leaf();
  struct pair p;
  char text[8];
  size_t n = 99;
  CHECK_INT(pair_open(&p, &cert, slice_of("localhost")), 0);
  CHECK_INT(pair_handshake(&p), 0);
  CHECK_INT(SSL_write(p.server, "last words", 10), 10);
  pair_carry(&p);
  /* A write that fails does not keep a last answer from being read. */
  p.wire.broken = EPIPE;
  CHECK_INT(p.client->ops->write(p.client, "x", 1, &n),
            HN_ERR_CONNECTION_ERROR);
  CHECK_INT(p.client->system, EPIPE);
  p.wire.broken = 0;
  check_read(&p, "last words");
  p.wire.broken = ECONNRESET;
  CHECK_INT(p.client->ops->read(p.client, text, 8, &n),
            HN_ERR_CONNECTION_ERROR);
  CHECK_INT(p.client->system, ECONNRESET);
  CHECK(p.client->detail == NULL);
  pair_close(&p);
  fixture_drop(&cert);
}

TEST(a_server_without_tls) {
  struct fixture_cert cert = good_leaf();
  struct pair p;
  CHECK_INT(pair_open(&p, &cert, slice_of("localhost")), 0);
  CHECK_INT(p.client->ops->step_connect(p.client), HN_AGAIN);
  CHECK_INT(buf_append_text(&p.wire.to_client,
                            "HTTP/1.1 400 Bad Request\r\n\r\n"), 0);
  CHECK_INT(p.client->ops->step_connect(p.client), HN_ERR_SECURE_FAILURE);
  CHECK_INT(p.client->secure, HN_SECURE_CHANNEL_ERROR);
  CHECK(strstr(p.client->detail, "does the server speak TLS") != NULL);
  pair_close(&p);
  fixture_drop(&cert);
}

TEST(an_old_server) {
  struct fixture_cert cert = good_leaf();
  struct pair p;
  CHECK_INT(pair_open(&p, &cert, slice_of("localhost")), 0);
  SSL_set_security_level(p.server, 0);
  SSL_set_min_proto_version(p.server, TLS1_VERSION);
  SSL_set_max_proto_version(p.server, TLS1_1_VERSION);
  CHECK_INT(pair_handshake(&p), HN_ERR_SECURE_FAILURE);
  CHECK_INT(p.client->secure, HN_SECURE_CHANNEL_ERROR);
  CHECK(p.client->detail != NULL);
  pair_close(&p);
  CHECK_INT(pair_open(&p, &cert, slice_of("localhost")), 0);
  SSL_set_max_proto_version(p.server, TLS1_2_VERSION);
  CHECK_INT(pair_handshake(&p), 0);
  check_exchange(&p);
  pair_close(&p);
  fixture_drop(&cert);
}

TEST(a_record_that_was_changed) {
  struct fixture_cert cert = good_leaf();
  struct pair p;
  char text[8];
  size_t n;
  CHECK_INT(pair_open(&p, &cert, slice_of("localhost")), 0);
  CHECK_INT(pair_handshake(&p), 0);
  check_exchange(&p);
  CHECK_INT(SSL_write(p.server, "pong", 4), 4);
  pair_carry(&p);
  p.wire.to_client.bytes[p.wire.to_client.tail - 1] ^= 1;
  CHECK_INT(p.client->ops->read(p.client, text, 8, &n),
            HN_ERR_CONNECTION_ERROR);
  CHECK(p.client->detail && strstr(p.client->detail, "TLS: ") != NULL);
  pair_close(&p);
  fixture_drop(&cert);
}

/* Read-ahead takes all there is, two records and a half: the whole ones are
 * pending, the half one must not keep a loop spinning. */
TEST(pending_is_what_can_be_read) {
  struct fixture_cert cert = good_leaf();
  struct pair p;
  char text[64];
  size_t n = 0;
  CHECK_INT(pair_open(&p, &cert, slice_of("localhost")), 0);
  CHECK_INT(pair_handshake(&p), 0);
  check_exchange(&p);
  CHECK_INT(p.client->ops->read(p.client, text, 8, &n), HN_AGAIN);
  CHECK(!p.client->ops->has_pending(p.client));
  CHECK_INT(SSL_write(p.server, "one", 3), 3);
  CHECK_INT(SSL_write(p.server, "two", 3), 3);
  CHECK_INT(SSL_write(p.server, "three", 5), 5);
  pair_carry(&p);
  struct hn_buf kept;
  buf_init(&kept, 64);
  struct hn_slice all = buf_peek(&p.wire.to_client);
  CHECK_INT(buf_append(&kept, slice_from(all, all.n - 4)), 0);
  buf_truncate(&p.wire.to_client, all.n - 4);

  CHECK_INT(p.client->ops->read(p.client, text, 2, &n), 0);
  CHECK_TEXT(slice_make(text, n), "on");
  CHECK(p.client->ops->has_pending(p.client));
  CHECK_INT(p.client->ops->read(p.client, text, 64, &n), 0);
  CHECK_TEXT(slice_make(text, n), "e");
  CHECK(p.client->ops->has_pending(p.client));
  CHECK_INT(p.client->ops->read(p.client, text, 64, &n), 0);
  CHECK_TEXT(slice_make(text, n), "two");
  CHECK_INT(p.client->ops->read(p.client, text, 64, &n), HN_AGAIN);
  CHECK(!p.client->ops->has_pending(p.client));
  CHECK_INT(buf_append(&p.wire.to_client, buf_peek(&kept)), 0);
  CHECK_INT(p.client->ops->read(p.client, text, 64, &n), 0);
  CHECK_TEXT(slice_make(text, n), "three");
  buf_fini(&kept);
  pair_close(&p);
  fixture_drop(&cert);
}

TEST(much_to_write_and_little_room) {
  enum { SIZE = 200000 };
  static char bytes[SIZE], back[SIZE];
  struct fixture_cert cert = good_leaf();
  struct pair p;
  size_t put = 0, got = 0, n;
  for (size_t i = 0; i < SIZE; i++) bytes[i] = (char)(i * 7 + i / 251);
  CHECK_INT(pair_open(&p, &cert, slice_of("localhost")), 0);
  CHECK_INT(pair_handshake(&p), 0);
  p.wire.room = 5000;
  for (int round = 0; round < 10000 && got < SIZE; round++) {
    /* The buffer moves: what is offered again lies elsewhere. */
    char *moved = malloc(SIZE - put + 1);
    memcpy(moved, bytes + put, SIZE - put);
    int rc = put < SIZE ? p.client->ops->write(p.client, moved, SIZE - put, &n)
                        : HN_AGAIN;
    free(moved);
    if (rc == 0) put += n;
    if (rc == HN_AGAIN && put < SIZE)
      CHECK_INT(p.client->ops->want(p.client), HN_WANT_WRITE);
    if (rc > 0) break;
    pair_carry(&p);
    int done = SSL_read(p.server, back + got, SIZE - (int)got);
    if (done > 0) got += (size_t)done;
  }
  CHECK_INT(put, SIZE);
  CHECK_INT(got, SIZE);
  CHECK(memcmp(bytes, back, SIZE) == 0);
  pair_close(&p);
  fixture_drop(&cert);
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *n,
                       const unsigned char *in, unsigned in_size, void *arg) {
  (void)ssl;
  (void)arg;
  if (in_size != 9 || memcmp(in, "\x08http/1.1", 9) != 0)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = in + 1;
  *n = 8;
  return SSL_TLSEXT_ERR_OK;
}

TEST(alpn_is_offered) {
  struct fixture_cert cert = good_leaf();
  struct pair p;
  CHECK_INT(pair_open(&p, &cert, slice_of("localhost")), 0);
  SSL_CTX_set_alpn_select_cb(p.ctx, choose_alpn, NULL);
  CHECK_INT(pair_handshake(&p), 0);
  const unsigned char *name;
  unsigned size;
  SSL_get0_alpn_selected(p.server, &name, &size);
  CHECK_INT(size, 8);
  pair_close(&p);
  fixture_drop(&cert);
}

/* A leading dot would accept every certificate below the domain. */
TEST(hosts_that_cannot_be_verified) {
  static const struct hn_slice bad[] = {
    {"", 0}, {".example", 8}, {"localhost\0.evil", 15}, {".", 1}};
  struct fixture_cert cert = good_leaf();
  char text[HN_MAX_HOST + 1];
  struct pair p;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    CHECK_INT(pair_open(&p, &cert, bad[i]), HN_ERR_INVALID_PARAMETER);
    CHECK(p.client == NULL);
    pair_close(&p);
  }
  memset(text, 'a', sizeof text);
  CHECK_INT(pair_open(&p, &cert, slice_make(text, sizeof text)),
            HN_ERR_INVALID_PARAMETER);
  pair_close(&p);
  fixture_drop(&cert);
}

TEST(trust_stores) {
  struct hn_tls_context *c = NULL;
  const char *detail = NULL;
  struct hn_tls_options o = {.ca_file = "/nowhere/ca.pem"};
  CHECK_INT(tls_context_new(&o, &c, &detail), HN_ERR_SECURE_FAILURE);
  CHECK(detail && strstr(detail, "cannot be read") != NULL);
  o.ca_file = "/dev/null";
  CHECK_INT(tls_context_new(&o, &c, &detail), HN_ERR_SECURE_FAILURE);
  CHECK(detail && strstr(detail, "holds no PEM certificate") != NULL);
  CHECK(c == NULL);
  setenv("SSL_CERT_FILE", "/dev/null", 1);
  o.ca_file = NULL;
  CHECK_INT(tls_context_new(&o, &c, &detail), HN_ERR_SECURE_FAILURE);
  setenv("SSL_CERT_FILE", authority_pem, 1);
  CHECK_INT(tls_context_new(&o, &c, &detail), 0);
  tls_context_free(c);
  unsetenv("SSL_CERT_FILE");
  setenv("SSL_CERT_DIR", "/nowhere", 1);
  CHECK_INT(tls_context_new(&o, &c, &detail), 0);
  tls_context_free(c);
  unsetenv("SSL_CERT_DIR");
  CHECK_INT(tls_context_new(&o, &c, &detail), 0);
  tls_context_free(c);
  tls_context_free(NULL);
}

static bool try_open(void *ctx) {
  struct hn_tls_context *before = context;
  struct hn_tls_options o = {.ca_file = authority_pem, .alpn = "http/1.1"};
  const char *detail = NULL;
  struct pair p;
  int rc = tls_context_new(&o, &context, &detail);
  if (rc == 0) {
    rc = pair_open(&p, ctx, slice_of("localhost"));
    /* The stream's own reference keeps the context. */
    tls_context_free(context);
    pair_close(&p);
  }
  context = before;
  if (rc != 0) CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
  return rc == 0;
}

TEST(each_allocation_failing) {
  struct fixture_cert cert = good_leaf();
  test_each_failure(try_open, &cert);
  fixture_drop(&cert);
}

static const struct test_case cases[] = {
  ROW(a_good_server), ROW(over_an_unkind_stream), ROW(bad_certificates),
  ROW(unknown_authorities), ROW(truncation), ROW(an_end_during_the_handshake),
  ROW(a_broken_stream_below), ROW(a_server_without_tls), ROW(an_old_server),
  ROW(a_record_that_was_changed), ROW(pending_is_what_can_be_read),
  ROW(much_to_write_and_little_room), ROW(alpn_is_offered),
  ROW(hosts_that_cannot_be_verified), ROW(trust_stores),
  ROW(each_allocation_failing),
};

int main(void) {
  struct hn_tls_options o = {.ca_file = authority_pem, .alpn = "http/1.1"};
  const char *detail = NULL;
  authority = fixture_authority("Test Authority");
  stranger = fixture_authority("A Str\"nger");
  fixture_write_pem(authority.cert, authority_pem);
  int failed = 1;
  if (tls_context_new(&o, &context, &detail) == 0)
    failed = test_run(cases, sizeof cases / sizeof *cases);
  else
    printf("no context: %s\n", detail ? detail : "?");
  tls_context_free(context);
  unlink(authority_pem);
  fixture_drop(&authority);
  fixture_drop(&stranger);
  return failed;
}
