#include "tls_starve_fixture.h"

#include <errno.h>

TEST(a_good_server) {
  const struct hn_tls_options o = pair_options();
  static const char *const hosts[] = {"localhost", "LOCALHOST", "localhost.",
                                      "127.0.0.1", "::1",       "[::1]"};
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    struct pair p;
    char text[8];
    size_t n = 99;
    test_label(hosts[i]);
    CHECK_INT(pair_open(&p, &o, &cert, slice_of(hosts[i])), 0);
    CHECK_INT(pair_handshake(&p), 0);
    CHECK_INT(p.client->ops->step_connect(p.client), 0);
    CHECK_INT(p.client->ops->fd(p.client), 4711);
    const char *sni = SSL_get_servername(p.server, TLSEXT_NAMETYPE_host_name);
    CHECK_INT(sni != NULL, i < 3);
    if (sni) CHECK_INT(sni[strlen(sni) - 1] != '.', 1);
    pair_check_exchange(&p);
    p.client->ops->idle(p.client);
    pair_check_exchange(&p);
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
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = pair_good_leaf();
  for (int i = 0; i < 4; i++) {
    struct pair p;
    CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
    p.wire.most = i < 2 ? 1 : 7;
    p.wire.again = i % 2 == 1;
    CHECK_INT(pair_handshake(&p), 0);
    pair_check_exchange(&p);
    pair_close(&p);
  }
  fixture_drop(&cert);
}

/* RFC 8446 6.1: an end without close_notify may be an attacker's cut. */
TEST(truncation) {
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = pair_good_leaf();
  struct pair p;
  char text[8];
  size_t n = 99;
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  CHECK_INT(pair_handshake(&p), 0);
  pair_check_exchange(&p);
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
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = pair_good_leaf();
  struct pair p;
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  CHECK_INT(p.client->ops->step_connect(p.client), HN_AGAIN);
  p.wire.ended = true;
  CHECK_INT(p.client->ops->step_connect(p.client), HN_ERR_CONNECTION_ERROR);
  CHECK_TEXT(slice_of(p.client->detail),
             "closed during the TLS handshake (does the server speak TLS on "
             "this port?)");
  pair_close(&p);
  /* One that has answered speaks it. */
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  CHECK_INT(p.client->ops->step_connect(p.client), HN_AGAIN);
  pair_carry(&p);
  buf_truncate(&p.wire.to_client, 200);
  p.wire.ended = true;
  CHECK_INT(p.client->ops->step_connect(p.client), HN_ERR_CONNECTION_ERROR);
  CHECK_TEXT(slice_of(p.client->detail), "closed during the TLS handshake");
  pair_close(&p);
  fixture_drop(&cert);
}

TEST(a_broken_stream_below) {
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = pair_good_leaf();
  struct pair p;
  char text[8];
  size_t n = 99;
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  CHECK_INT(pair_handshake(&p), 0);
  CHECK_INT(SSL_write(p.server, "last words", 10), 10);
  pair_carry(&p);
  /* A write that fails does not keep a last answer from being read. */
  p.wire.broken = EPIPE;
  CHECK_INT(p.client->ops->write(p.client, "x", 1, &n),
            HN_ERR_CONNECTION_ERROR);
  CHECK_INT(p.client->system, EPIPE);
  p.wire.broken = 0;
  pair_check_read(&p, "last words");
  p.wire.broken = ECONNRESET;
  CHECK_INT(p.client->ops->read(p.client, text, 8, &n),
            HN_ERR_CONNECTION_ERROR);
  CHECK_INT(p.client->system, ECONNRESET);
  CHECK(p.client->detail == NULL);
  pair_close(&p);
  fixture_drop(&cert);
}

/* A peer that closed with a reset before it had read: what it said is there, a
 * write is not possible any more. */
TEST(a_peer_that_hears_no_more) {
  static const struct {
    const char *said;
    bool ended;
    int code;
    const char *detail;
  } cases[] = {
      {"SSH-2.0-OpenSSH_9.2\r\n", false, HN_ERR_SECURE_FAILURE,
       "does not speak TLS"},
      {"\x15\x03\x01\x00\x02\x02\x28", true, HN_ERR_SECURE_FAILURE,
       "alert handshake failure"},
      {"", true, HN_ERR_CONNECTION_ERROR, "closed during the TLS handshake"},
      {"", false, HN_ERR_CONNECTION_ERROR, NULL},
  };
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct pair p;
    size_t n = i == 1 ? 7 : strlen(cases[i].said);
    test_label(cases[i].said);
    CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
    p.wire.deaf = EPIPE;
    p.wire.ended = cases[i].ended;
    CHECK_INT(buf_append(&p.wire.to_client, slice_make(cases[i].said, n)), 0);
    CHECK_INT(p.client->ops->step_connect(p.client), cases[i].code);
    if (cases[i].detail)
      CHECK(p.client->detail && strstr(p.client->detail, cases[i].detail));
    else
      CHECK_INT(p.client->system, EPIPE);
    pair_close(&p);
  }
  fixture_drop(&cert);
}

/* With TLS 1.3 the handshake is over for us with what we write last. When that
 * gets nowhere, nothing written later does, even if it could. */
TEST(a_finished_that_gets_nowhere) {
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = pair_good_leaf();
  struct pair p;
  char text[8];
  size_t n = 99;
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  CHECK_INT(p.client->ops->step_connect(p.client), HN_AGAIN);
  pair_carry(&p);
  p.wire.deaf = EPIPE;
  CHECK_INT(p.client->ops->step_connect(p.client), 0);
  p.wire.deaf = 0;
  CHECK_INT(p.client->ops->write(p.client, "x", 1, &n),
            HN_ERR_CONNECTION_ERROR);
  CHECK_INT(p.client->system, EPIPE);
  CHECK_INT(buf_size(&p.wire.to_server), 0);
  CHECK_INT(p.client->ops->read(p.client, text, 8, &n),
            HN_ERR_CONNECTION_ERROR);
  CHECK_INT(n, 99);
  p.client->ops->shutdown(p.client);
  CHECK_INT(buf_size(&p.wire.to_server), 0);
  pair_close(&p);
  fixture_drop(&cert);
}

TEST(a_server_without_tls) {
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = pair_good_leaf();
  struct pair p;
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  CHECK_INT(p.client->ops->step_connect(p.client), HN_AGAIN);
  CHECK_INT(
      buf_append_text(&p.wire.to_client, "HTTP/1.1 400 Bad Request\r\n\r\n"),
      0);
  CHECK_INT(p.client->ops->step_connect(p.client), HN_ERR_SECURE_FAILURE);
  CHECK_INT(p.client->secure, HN_SECURE_CHANNEL_ERROR);
  CHECK(strstr(p.client->detail, "does not speak TLS") != NULL);
  pair_close(&p);
  fixture_drop(&cert);
}

TEST(an_old_server) {
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = pair_good_leaf();
  struct pair p;
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  SSL_set_security_level(p.server, 0);
  SSL_set_min_proto_version(p.server, TLS1_VERSION);
  SSL_set_max_proto_version(p.server, TLS1_1_VERSION);
  CHECK_INT(pair_handshake(&p), HN_ERR_SECURE_FAILURE);
  CHECK_INT(p.client->secure, HN_SECURE_CHANNEL_ERROR);
  CHECK(p.client->detail != NULL);
  pair_close(&p);
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  SSL_set_max_proto_version(p.server, TLS1_2_VERSION);
  CHECK_INT(pair_handshake(&p), 0);
  pair_check_exchange(&p);
  pair_close(&p);
  fixture_drop(&cert);
}

TEST(a_record_that_was_changed) {
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = pair_good_leaf();
  struct pair p;
  char text[8];
  size_t n;
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  CHECK_INT(pair_handshake(&p), 0);
  pair_check_exchange(&p);
  CHECK_INT(SSL_write(p.server, "pong", 4), 4);
  pair_carry(&p);
  p.wire.to_client.bytes[p.wire.to_client.tail - 1] ^= 1;
  CHECK_INT(p.client->ops->read(p.client, text, 8, &n),
            HN_ERR_CONNECTION_ERROR);
  CHECK(p.client->detail && strstr(p.client->detail, "TLS: ") != NULL);
  pair_close(&p);
  fixture_drop(&cert);
}

/* A server that goes on about itself and never comes to the point. */
TEST(messages_without_data) {
  static const struct {
    int messages, code;
  } cases[] = {{20, 0}, {20000, HN_ERR_CONNECTION_ERROR}};
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct pair p;
    char text[8];
    size_t n = 0;
    test_label(cases[i].code ? "too many" : "some");
    CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
    CHECK_INT(pair_handshake(&p), 0);
    pair_check_exchange(&p);
    for (int k = 0; k < cases[i].messages; k++) {
      CHECK_INT(SSL_key_update(p.server, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
      CHECK_INT(SSL_do_handshake(p.server), 1);
      if (k % 100 == 0) pair_carry(&p);
    }
    CHECK_INT(SSL_write(p.server, "data", 4), 4);
    pair_carry(&p);
    CHECK_INT(p.client->ops->read(p.client, text, sizeof text, &n),
              cases[i].code);
    if (cases[i].code)
      CHECK_TEXT(slice_of(p.client->detail),
                 "TLS: too many messages without data");
    else
      CHECK_TEXT(slice_make(text, n), "data");
    pair_close(&p);
  }
  fixture_drop(&cert);
}

/* Read-ahead takes all there is, two records and a half: the whole ones are
 * pending, the half one must not keep a loop spinning. */
TEST(pending_is_what_can_be_read) {
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = pair_good_leaf();
  struct pair p;
  char text[64];
  size_t n = 0;
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  CHECK_INT(pair_handshake(&p), 0);
  pair_check_exchange(&p);
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
  const struct hn_tls_options o = pair_options();
  enum { SIZE = 200000 };
  static char bytes[SIZE], back[SIZE];
  struct fixture_cert cert = pair_good_leaf();
  struct pair p;
  size_t put = 0, got = 0, n;
  for (size_t i = 0; i < SIZE; i++) bytes[i] = (char)(i * 7 + i / 251);
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
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
  const struct hn_slice *expected = arg;
  (void)ssl;
  CHECK(slice_equal(slice_make((const char *)in, in_size), *expected));
  *out = in + 1;
  *n = in[0];
  return SSL_TLSEXT_ERR_OK;
}

/* What is offered belongs to a connection: one identity serves any. */
TEST(alpn_is_offered) {
  static const struct {
    struct hn_slice offer, chosen;
  } rows[] = {
      {{"\x08http/1.1", 9}, {"http/1.1", 8}},
      {{"\x02h2\x08http/1.1", 12}, {"h2", 2}},
      {{NULL, 0}, {NULL, 0}},
  };
  const struct hn_tls_options o = pair_options();
  struct hn_tls_context *context = pair_context(&o);
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_tls_peer peer = {slice_of("localhost"), 443, rows[i].offer};
    struct hn_slice offer = rows[i].offer;
    struct hn_tls_info info;
    struct pair p;
    SSL_CTX *ctx = fixture_server(&cert);
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, &offer);
    CHECK_INT(pair_join_as(&p, context, ctx, &peer), 0);
    SSL_CTX_free(ctx);
    CHECK_INT(pair_handshake(&p), 0);
    CHECK(tls_get_info(p.client, &info));
    CHECK(slice_equal(info.alpn, rows[i].chosen));
    pair_close(&p);
  }
  tls_context_free(context);
  fixture_drop(&cert);
}

/* A leading dot would accept every certificate below the domain. */
TEST(hosts_that_cannot_be_verified) {
  const struct hn_tls_options o = pair_options();
  static const struct hn_slice bad[] = {
      {"", 0}, {".example", 8}, {"localhost\0.evil", 15}, {".", 1}};
  struct fixture_cert cert = pair_good_leaf();
  char text[HN_MAX_HOST + 1];
  struct pair p;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    CHECK_INT(pair_open(&p, &o, &cert, bad[i]), HN_ERR_INVALID_PARAMETER);
    CHECK(p.client == NULL);
    pair_close(&p);
  }
  memset(text, 'a', sizeof text);
  CHECK_INT(pair_open(&p, &o, &cert, slice_make(text, sizeof text)),
            HN_ERR_INVALID_PARAMETER);
  pair_close(&p);
  fixture_drop(&cert);
}

static bool try_open(void *ctx) {
  struct hn_tls_options o = pair_options();
  struct hn_tls_context *context = NULL;
  SSL_CTX *server = fixture_server(ctx);
  const char *detail = NULL;
  struct pair p;
  o.pins = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  int rc = fixture_context(&o, &context, &detail);
  if (rc == 0) {
    rc = pair_join(&p, context, server, slice_of("localhost"), 443);
    /* The stream's own reference keeps the context. */
    tls_context_free(context);
    pair_close(&p);
  }
  SSL_CTX_free(server);
  if (rc != 0) CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
  return rc == 0;
}

TEST(each_allocation_failing) {
  struct fixture_cert cert = pair_good_leaf();
  test_each_failure(try_open, &cert);
  fixture_drop(&cert);
}

/* How often the certificate was called a forgery. */
static long starve_forgeries;

/* A handshake whose client lacks the memory of its n-th allocation, counted
 * from the end of tls_new. Answers how many it asked for. */
static long starve(struct hn_tls_context *context, SSL_CTX *ctx, long n,
                   int *rc) {
  struct pair p;
  starve_countdown = 0;
  CHECK_INT(pair_join(&p, context, ctx, slice_of("localhost"), 443), 0);
  starve_asked = 0;
  *rc = HN_AGAIN;
  for (int i = 0; i < 20 && *rc == HN_AGAIN; i++) {
    long asked = starve_asked;
    starve_countdown = n > asked ? n - asked : 0;
    *rc = p.client->ops->step_connect(p.client);
    starve_countdown = 0;
    asked = starve_asked;
    pair_carry(&p);
    starve_asked = asked;
  }
  long sum = starve_asked;
  const char *said = *rc == HN_ERR_SECURE_FAILURE ? p.client->detail : NULL;
  if (said && strstr(said, "signature failure")) starve_forgeries++;
  pair_close(&p);
  return sum;
}

/* Whatever is missing, a certificate that must be refused is never accepted,
 * and nothing crashes. */
TEST(each_allocation_of_the_library_failing) {
  struct fixture_cert cert =
      pair_leaf("DNS:wrong.example", NULL, -20 * FIXTURE_DAY, -FIXTURE_DAY);
  struct hn_tls_options o = pair_options();
  o.pins = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  struct hn_tls_context *context = pair_context(&o);
  SSL_CTX *ctx = fixture_server(&cert);
  int rc;
  long most = starve(context, ctx, 0, &rc);
  CHECK_INT(rc, HN_ERR_SECURE_FAILURE);
  CHECK(most > 100);
  for (long n = 1; n <= most; n += 3) {
    (void)starve(context, ctx, n, &rc);
    if (!CHECK(rc > 0)) break;
  }
  SSL_CTX_free(ctx);
  tls_context_free(context);
  fixture_drop(&cert);
}

/* The library keeps some of it to itself; mostly a good server is not blamed
 * for it. */
TEST(want_of_memory_is_told_as_that) {
  static const uint32_t versions[] = {HN_TLS_1_2, HN_TLS_1_3};
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < 2; i++) {
    struct hn_tls_options o = pair_options();
    o.max_version = versions[i];
    struct hn_tls_context *context = pair_context(&o);
    SSL_CTX *ctx = fixture_server(&cert);
    int rc;
    long most = starve(context, ctx, 0, &rc), told = 0;
    starve_forgeries = 0;
    CHECK_INT(rc, 0);
    for (long n = 1; n <= most; n += 2) {
      char label[40];
      snprintf(label, sizeof label, "version %zu, allocation %ld", i, n);
      test_label(label);
      (void)starve(context, ctx, n, &rc);
      if (rc != HN_ERR_NOT_ENOUGH_MEMORY) continue;
      told++;
    }
    CHECK(told > 10);
    CHECK(starve_forgeries < 8);
    SSL_CTX_free(ctx);
    tls_context_free(context);
  }
  fixture_drop(&cert);
}

STARVE_MAIN(ROW(a_good_server), ROW(over_an_unkind_stream), ROW(truncation),
            ROW(an_end_during_the_handshake), ROW(a_broken_stream_below),
            ROW(a_peer_that_hears_no_more), ROW(a_finished_that_gets_nowhere),
            ROW(a_server_without_tls), ROW(an_old_server),
            ROW(a_record_that_was_changed), ROW(messages_without_data),
            ROW(pending_is_what_can_be_read),
            ROW(much_to_write_and_little_room), ROW(alpn_is_offered),
            ROW(hosts_that_cannot_be_verified), ROW(each_allocation_failing),
            ROW(each_allocation_of_the_library_failing),
            ROW(want_of_memory_is_told_as_that))
