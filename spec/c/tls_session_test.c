#include "tls_pair_fixture.h"

/* One connection from beginning to end; what came of it. */
struct visit {
  const char *host;
  unsigned port;
  bool rude; /* the server leaves without a goodbye */
};

/* True when the session was resumed. */
static bool visit(struct hn_tls_context *c, SSL_CTX *ctx,
                  const struct visit *v) {
  struct hn_tls_info info = {.resumed = false};
  struct pair p;
  char text[8];
  size_t n;
  CHECK_INT(pair_join(&p, c, ctx, slice_of(v->host), v->port), 0);
  if (CHECK_INT(pair_handshake(&p), 0)) {
    pair_check_exchange(&p);
    CHECK(tls_get_info(p.client, &info));
    CHECK_INT(SSL_session_reused(p.server), info.resumed);
  }
  if (v->rude) {
    p.wire.ended = true;
    CHECK_INT(p.client->ops->read(p.client, text, 8, &n),
              HN_ERR_CONNECTION_ERROR);
  } else {
    p.client->ops->shutdown(p.client);
    SSL_shutdown(p.server);
  }
  pair_close(&p);
  return info.resumed;
}

static bool visit_plainly(struct hn_tls_context *c, SSL_CTX *ctx) {
  return visit(c, ctx, &(struct visit){.host = "localhost", .port = 443});
}

static const uint32_t versions[] = {HN_TLS_1_2, HN_TLS_1_3};

/* A server that knows its own tickets and session ids again. */
static SSL_CTX *lasting_server(const struct fixture_cert *cert, int tickets) {
  SSL_CTX *ctx = fixture_server(cert);
  CHECK(SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"x", 1));
  SSL_CTX_set_num_tickets(ctx, (size_t)tickets);
  return ctx;
}

TEST(the_second_visit_is_resumed) {
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < 6; i++) {
    struct hn_tls_options o = pair_options();
    o.max_version = versions[i % 2];
    struct hn_tls_context *c = pair_context(&o);
    SSL_CTX *ctx = lasting_server(&cert, 2);
    struct visit v = {.host = "localhost", .port = 443, .rude = i >= 4};
    /* By session id and cache, not by ticket. */
    if (i == 2 || i == 3) SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    char label[16];
    snprintf(label, sizeof label, "way %zu", i);
    test_label(label);
    CHECK(!visit(c, ctx, &v));
    for (int k = 0; k < 6; k++) CHECK(visit(c, ctx, &v));
    SSL_CTX_free(ctx);
    tls_context_free(c);
  }
  fixture_drop(&cert);
}

TEST(by_host_and_port) {
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < 2; i++) {
    struct hn_tls_options o = pair_options();
    o.max_version = versions[i];
    struct hn_tls_context *c = pair_context(&o);
    SSL_CTX *ctx = lasting_server(&cert, 2);
    static const struct {
      struct visit v;
      bool resumed;
    } rows[] = {
        {{.host = "localhost", .port = 443}, false},
        {{.host = "127.0.0.1", .port = 443}, false},
        {{.host = "localhost", .port = 8443}, false},
        {{.host = "LOCALHOST.", .port = 443}, true},
        {{.host = "127.0.0.1", .port = 443}, true},
        {{.host = "localhost", .port = 8443}, true},
        {{.host = "::1", .port = 8443}, false},
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
      char label[16];
      snprintf(label, sizeof label, "row %zu", k);
      test_label(label);
      CHECK_INT(visit(c, ctx, &rows[k].v), rows[k].resumed);
    }
    SSL_CTX_free(ctx);
    tls_context_free(c);
  }
  fixture_drop(&cert);
}

TEST(never_across_contexts) {
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < 2; i++) {
    struct hn_tls_options o = pair_options();
    o.max_version = versions[i];
    struct hn_tls_context *c = pair_context(&o), *d = pair_context(&o);
    SSL_CTX *ctx = lasting_server(&cert, 2);
    CHECK(!visit_plainly(c, ctx));
    CHECK(!visit_plainly(d, ctx));
    CHECK(visit_plainly(c, ctx));
    CHECK(visit_plainly(d, ctx));
    SSL_CTX_free(ctx);
    tls_context_free(c);
    tls_context_free(d);
  }
  fixture_drop(&cert);
}

/* RFC 8446 C.4: connections that run at the same time have a ticket each, and
 * no ticket is offered twice. */
TEST(tickets_are_used_once) {
  struct fixture_cert cert = pair_good_leaf();
  const struct hn_tls_options o = pair_options();
  struct hn_tls_context *c = pair_context(&o);
  SSL_CTX *ctx = lasting_server(&cert, 6);
  struct pair p[6];
  CHECK(!visit_plainly(c, ctx));
  for (size_t i = 0; i < 6; i++) {
    struct hn_tls_info info;
    CHECK_INT(pair_join(&p[i], c, ctx, slice_of("localhost"), 443), 0);
    CHECK_INT(pair_handshake(&p[i]), 0);
    CHECK(tls_get_info(p[i].client, &info));
    /* Four of the six were kept. */
    CHECK_INT(info.resumed, i < 4);
  }
  for (size_t i = 0; i < 6; i++) pair_close(&p[i]);
  SSL_CTX_free(ctx);
  tls_context_free(c);
  fixture_drop(&cert);
}

TEST(one_of_tls_1_2_serves_many) {
  struct fixture_cert cert = pair_good_leaf();
  struct hn_tls_options o = pair_options();
  o.max_version = HN_TLS_1_2;
  struct hn_tls_context *c = pair_context(&o);
  SSL_CTX *ctx = lasting_server(&cert, 1);
  struct pair p[6];
  CHECK(!visit_plainly(c, ctx));
  for (size_t i = 0; i < 6; i++) {
    struct hn_tls_info info;
    struct hn_tls_certificate seen;
    CHECK_INT(pair_join(&p[i], c, ctx, slice_of("localhost"), 443), 0);
    CHECK_INT(pair_handshake(&p[i]), 0);
    CHECK(tls_get_info(p[i].client, &info) && info.resumed);
    /* It still knows whom it talks to. */
    if (CHECK_INT(tls_get_certificate(&info, &seen), 0)) {
      CHECK_TEXT(seen.subject, "CN=some.example");
      tls_certificate_fini(&seen);
    }
  }
  for (size_t i = 0; i < 6; i++) pair_close(&p[i]);
  SSL_CTX_free(ctx);
  tls_context_free(c);
  fixture_drop(&cert);
}

TEST(the_newest_are_kept) {
  enum { HOSTS = 260 };
  struct fixture_cert cert = pair_good_leaf();
  struct hn_tls_options o = pair_options();
  o.max_version = HN_TLS_1_2;
  struct hn_tls_context *c = pair_context(&o);
  SSL_CTX *ctx = lasting_server(&cert, 1);
  for (unsigned i = 0; i < HOSTS; i++)
    CHECK(!visit(c, ctx, &(struct visit){.host = "localhost", .port = i}));
  /* The last 256; those that are resumed do not push others out. */
  for (unsigned i = HOSTS; i-- > 4;)
    CHECK(visit(c, ctx, &(struct visit){.host = "localhost", .port = i}));
  for (unsigned i = 0; i < 4; i++)
    CHECK(!visit(c, ctx, &(struct visit){.host = "localhost", .port = i}));
  SSL_CTX_free(ctx);
  tls_context_free(c);
  fixture_drop(&cert);
}

TEST(a_server_that_forgot) {
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < 2; i++) {
    struct hn_tls_options o = pair_options();
    o.max_version = versions[i];
    struct hn_tls_context *c = pair_context(&o);
    SSL_CTX *one = lasting_server(&cert, 2), *two = lasting_server(&cert, 2);
    CHECK(!visit_plainly(c, one));
    CHECK(!visit_plainly(c, two));
    /* One of TLS 1.2 takes the place of that before it. */
    if (versions[i] == HN_TLS_1_2) CHECK_INT(c->session_count, 1);
    CHECK(visit_plainly(c, two));
    SSL_CTX_free(one);
    SSL_CTX_free(two);
    tls_context_free(c);
  }
  fixture_drop(&cert);
}

/* A visit now, and what a visit after its time brings. */
struct aging {
  struct hn_tls_context *c;
  SSL_CTX *ctx;
};

static struct aging aging_begin(const struct hn_tls_options *o,
                                const struct fixture_cert *cert, long life) {
  struct aging a = {pair_context(o), lasting_server(cert, 2)};
  SSL_CTX_set_timeout(a.ctx, life); /* the hint in its tickets */
  CHECK(!visit_plainly(a.c, a.ctx));
  return a;
}

static void aging_end(struct aging *a) {
  SSL_CTX_free(a->ctx);
  tls_context_free(a->c);
}

/* Resuming looks at no certificate: one that ran out meanwhile would never be
 * noticed. Nor does a ticket last longer than its server said. */
TEST(not_for_ever) {
  struct fixture_cert brief = pair_leaf("DNS:localhost", NULL, -FIXTURE_DAY, 2);
  struct fixture_cert cert = pair_good_leaf();
  struct aging strict[2], lax[2], ticket[2];
  for (size_t i = 0; i < 2; i++) {
    struct hn_tls_options o = pair_options();
    o.max_version = versions[i];
    strict[i] = aging_begin(&o, &brief, 300);
    ticket[i] = aging_begin(&o, &cert, 1);
    o.ignore = HN_TLS_IGNORE_DATE_INVALID;
    lax[i] = aging_begin(&o, &brief, 300);
  }
  sleep(3);
  for (size_t i = 0; i < 2; i++) {
    struct pair p;
    CHECK_INT(
        pair_join(&p, strict[i].c, strict[i].ctx, slice_of("localhost"), 443),
        0);
    pair_check_refused(&p, HN_SECURE_CERT_DATE_INVALID, "certificate has");
    CHECK_INT(strict[i].c->session_count, 0);
    pair_close(&p);
    CHECK(visit_plainly(lax[i].c, lax[i].ctx));
    CHECK(!visit_plainly(ticket[i].c, ticket[i].ctx));
    aging_end(&strict[i]);
    aging_end(&lax[i]);
    aging_end(&ticket[i]);
  }
  fixture_drop(&brief);
  fixture_drop(&cert);
}

/* A session that was refused while it was being resumed is not tried again. */
TEST(forgotten_after_a_failure) {
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < 2; i++) {
    struct hn_tls_options o = pair_options();
    o.max_version = versions[i];
    struct hn_tls_context *c = pair_context(&o);
    SSL_CTX *ctx = lasting_server(&cert, 4);
    struct pair p;
    CHECK(!visit_plainly(c, ctx));
    CHECK_INT(pair_join(&p, c, ctx, slice_of("localhost"), 443), 0);
    CHECK_INT(p.client->ops->step_connect(p.client), HN_AGAIN);
    p.wire.ended = true;
    CHECK_INT(p.client->ops->step_connect(p.client), HN_ERR_CONNECTION_ERROR);
    pair_close(&p);
    CHECK(!visit_plainly(c, ctx));
    CHECK(visit_plainly(c, ctx));
    SSL_CTX_free(ctx);
    tls_context_free(c);
  }
  fixture_drop(&cert);
}

/* Faults that were forgiven do not come back, and those that were not have
 * left no session. */
TEST(with_faults) {
  struct fixture_cert cert =
      pair_leaf("DNS:wrong.example", NULL, -FIXTURE_DAY, FIXTURE_DAY);
  for (size_t i = 0; i < 4; i++) {
    struct hn_tls_options o = pair_options();
    o.max_version = versions[i % 2];
    o.ignore = i < 2 ? HN_TLS_IGNORE_CN_INVALID : 0;
    struct hn_tls_context *c = pair_context(&o);
    SSL_CTX *ctx = lasting_server(&cert, 2);
    if (i < 2) {
      CHECK(!visit_plainly(c, ctx));
      CHECK(visit_plainly(c, ctx));
    }
    for (int k = 0; i >= 2 && k < 2; k++) {
      struct pair p;
      CHECK_INT(pair_join(&p, c, ctx, slice_of("localhost"), 443), 0);
      pair_check_refused(&p, HN_SECURE_CERT_CN_INVALID, "certificate is for");
      pair_close(&p);
    }
    SSL_CTX_free(ctx);
    tls_context_free(c);
  }
  fixture_drop(&cert);
}

static SSL *ssl_of(const struct pair *p) {
  return ((struct tls_transport *)(void *)p->client)->ssl;
}

static int state_of(const struct pair *p) {
  return (int)((struct tls_transport *)(void *)p->client)->state;
}

/* Nothing of a connection whose certificate was not good stays, whatever let
 * it come about. */
TEST(a_bad_verdict_is_not_kept) {
  struct fixture_cert cert = pair_good_leaf();
  const struct hn_tls_options o = pair_options();
  struct hn_tls_context *c = pair_context(&o);
  SSL_CTX *ctx = lasting_server(&cert, 2);
  struct pair p;
  CHECK_INT(pair_join(&p, c, ctx, slice_of("localhost"), 443), 0);
  CHECK_INT(pair_handshake(&p), 0);
  SSL_set_verify_result(ssl_of(&p), X509_V_ERR_CERT_HAS_EXPIRED);
  pair_check_exchange(&p); /* the tickets come with it */
  CHECK_INT(c->session_count, 0);
  pair_close(&p);
  CHECK(!visit_plainly(c, ctx));
  CHECK(c->session_count > 0);
  SSL_CTX_free(ctx);
  tls_context_free(c);
  fixture_drop(&cert);
}

/* What the library has given up is neither kept nor offered. */
TEST(one_that_cannot_be_resumed) {
  struct fixture_cert cert = pair_good_leaf();
  struct hn_tls_options o = pair_options();
  o.max_version = HN_TLS_1_2;
  for (int late = 0; late < 2; late++) {
    struct hn_tls_context *c = pair_context(&o);
    SSL_CTX *ctx = lasting_server(&cert, 2);
    struct pair p;
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    test_label(late ? "given up later" : "given up at once");
    CHECK_INT(pair_join(&p, c, ctx, slice_of("localhost"), 443), 0);
    CHECK_INT(p.client->ops->step_connect(p.client), HN_AGAIN);
    pair_carry(&p);
    CHECK_INT(p.client->ops->step_connect(p.client), HN_AGAIN);
    if (!late) SSL_CTX_remove_session(c->ctx, SSL_get_session(ssl_of(&p)));
    CHECK_INT(pair_handshake(&p), 0);
    CHECK_INT(c->session_count, late);
    SSL_CTX_remove_session(c->ctx, SSL_get_session(ssl_of(&p)));
    pair_close(&p);
    CHECK(!visit_plainly(c, ctx));
    CHECK(visit_plainly(c, ctx));
    SSL_CTX_free(ctx);
    tls_context_free(c);
  }
  fixture_drop(&cert);
}

/* A peer that was cut off for its messages is not one to come back to. */
TEST(after_messages_without_end) {
  struct fixture_cert cert = pair_good_leaf();
  const struct hn_tls_options o = pair_options();
  struct hn_tls_context *c = pair_context(&o);
  SSL_CTX *ctx = lasting_server(&cert, 2);
  struct pair p;
  char text[8];
  size_t n;
  CHECK_INT(pair_join(&p, c, ctx, slice_of("localhost"), 443), 0);
  CHECK_INT(pair_handshake(&p), 0);
  pair_check_exchange(&p);
  CHECK_INT(c->session_count, 2);
  for (int i = 0; i < 20000; i++) {
    CHECK_INT(SSL_key_update(p.server, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    CHECK_INT(SSL_do_handshake(p.server), 1);
  }
  pair_carry(&p);
  CHECK_INT(p.client->ops->read(p.client, text, sizeof text, &n),
            HN_ERR_CONNECTION_ERROR);
  pair_close(&p);
  CHECK(!visit_plainly(c, ctx));
  CHECK(visit_plainly(c, ctx));
  SSL_CTX_free(ctx);
  tls_context_free(c);
  fixture_drop(&cert);
}

/* RFC 5246 7.2.2: nor is one that broke the protocol. */
TEST(after_a_fatal_fault) {
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < 2; i++) {
    struct hn_tls_options o = pair_options();
    o.max_version = versions[i];
    struct hn_tls_context *c = pair_context(&o);
    SSL_CTX *ctx = lasting_server(&cert, 2);
    struct pair p;
    char text[8];
    size_t n;
    CHECK_INT(pair_join(&p, c, ctx, slice_of("localhost"), 443), 0);
    CHECK_INT(pair_handshake(&p), 0);
    pair_check_exchange(&p);
    CHECK(c->session_count > 0);
    CHECK_INT(buf_append_text(&p.wire.to_client, "no record of TLS"), 0);
    CHECK_INT(p.client->ops->read(p.client, text, sizeof text, &n),
              HN_ERR_CONNECTION_ERROR);
    CHECK_INT(c->session_count, 0);
    pair_close(&p);
    CHECK(!visit_plainly(c, ctx));
    CHECK(visit_plainly(c, ctx));
    SSL_CTX_free(ctx);
    tls_context_free(c);
  }
  fixture_drop(&cert);
}

/* RFC 8446 4.6.1: the first ticket says that the server has judged us, if it
 * asked who we are. */
TEST(a_ticket_is_a_verdict_where_one_was_asked_for) {
  struct fixture_cert cert = pair_good_leaf();
  for (int asked = 0; asked < 2; asked++) {
    const struct hn_tls_options o = pair_options();
    struct hn_tls_context *c = pair_context(&o);
    SSL_CTX *ctx = lasting_server(&cert, 2);
    struct pair p;
    char text[8];
    size_t n;
    if (asked) SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    CHECK_INT(pair_join(&p, c, ctx, slice_of("localhost"), 443), 0);
    CHECK_INT(pair_handshake(&p), 0);
    CHECK_INT(state_of(&p), HN_TLS_AGREED);
    pair_carry(&p);
    CHECK_INT(p.client->ops->read(p.client, text, sizeof text, &n), HN_AGAIN);
    CHECK_INT(c->session_count, 2);
    CHECK_INT(state_of(&p), asked ? HN_TLS_OPEN : HN_TLS_AGREED);
    pair_close(&p);
    SSL_CTX_free(ctx);
    tls_context_free(c);
  }
  fixture_drop(&cert);
}

/* A resumed handshake answers no question about revocation. */
TEST(none_where_revocation_matters) {
  const struct hn_tls_options o = pair_options();
  for (int i = 0; i < 3; i++) {
    struct hn_tls_context *c = pair_context(&o);
    c->revocation = i == 1;
    c->has_crl = i == 2;
    tls_sessions_set_up(c);
    CHECK_INT(SSL_CTX_get_session_cache_mode(c->ctx) == SSL_SESS_CACHE_OFF,
              i > 0);
    tls_context_free(c);
  }
}

/* Without memory to keep a session, the connection goes on all the same. */
TEST(without_memory) {
  struct fixture_cert cert = pair_good_leaf();
  SSL_CTX *ctx = lasting_server(&cert, 2);
  for (long n = 1; n < 12; n++) {
    struct hn_tls_options o = pair_options();
    struct hn_tls_context *c = pair_context(&o);
    struct pair p;
    char text[8];
    size_t got;
    CHECK_INT(pair_join(&p, c, ctx, slice_of("localhost"), 443), 0);
    CHECK_INT(pair_handshake(&p), 0);
    pair_carry(&p);
    mem_fail_at(n);
    CHECK_INT(p.client->ops->read(p.client, text, 8, &got), HN_AGAIN);
    mem_fail_at(0);
    pair_check_exchange(&p);
    pair_close(&p);
    tls_context_free(c);
  }
  SSL_CTX_free(ctx);
  fixture_drop(&cert);
}

PAIR_MAIN(ROW(the_second_visit_is_resumed), ROW(by_host_and_port),
          ROW(never_across_contexts), ROW(tickets_are_used_once),
          ROW(one_of_tls_1_2_serves_many), ROW(the_newest_are_kept),
          ROW(a_server_that_forgot), ROW(not_for_ever),
          ROW(forgotten_after_a_failure), ROW(with_faults),
          ROW(a_bad_verdict_is_not_kept), ROW(one_that_cannot_be_resumed),
          ROW(after_messages_without_end), ROW(after_a_fatal_fault),
          ROW(a_ticket_is_a_verdict_where_one_was_asked_for),
          ROW(none_where_revocation_matters), ROW(without_memory))
