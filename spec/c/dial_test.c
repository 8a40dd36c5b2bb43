#include "dial_fixture.h"
#include "tls_fixture.h"

#include <pthread.h>
#include <signal.h>

#include "../../csrc/net/openssl/openssl.h"

TEST(a_literal) {
  struct hn_env env;
  struct hn_address a;
  struct result r;
  CHECK(fixture_open(&env));
  int listener = fixture_listen("127.0.0.1", &a);
  struct wish o = options("127.0.0.1", fixture_port(&a), NULL);
  dial_all(&env, &o, &r);
  CHECK_INT(r.code, 0);
  check_all_news(&r, "127.0.0.1");
  if (CHECK(r.transport != NULL)) {
    CHECK(r.transport->next == NULL);
    r.transport->ops->close(r.transport);
  }
  close(listener);
  fixture_close(&env);
}

/* localhost may be both families; only one has a listener. */
TEST(a_name) {
  struct hn_env env;
  struct hn_address a;
  struct result r;
  long live = mem_live();
  CHECK(fixture_open(&env));
  int listener = fixture_listen("127.0.0.1", &a);
  struct wish o = options("localhost", fixture_port(&a), NULL);
  for (int i = 0; i < 2; i++) {
    dial_all(&env, &o, &r);
    CHECK_INT(r.code, 0);
    CHECK(r.log.count >= 4);
    check_news(&r, 0, HN_STATUS_RESOLVING_NAME, "localhost");
    check_news(&r, r.log.count - 1, HN_STATUS_CONNECTED_TO_SERVER, "127.0.0.1");
    if (CHECK(r.transport != NULL)) r.transport->ops->close(r.transport);
  }
  close(listener);
  fixture_close(&env);
  fixture_settle(live);
}

TEST(no_such_name) {
  struct hn_env env;
  struct result r;
  long live = mem_live();
  CHECK(fixture_open(&env));
  struct wish o = options("nothing.invalid", 80, NULL);
  dial_all(&env, &o, &r);
  CHECK_INT(r.code, HN_ERR_NAME_NOT_RESOLVED);
  CHECK_INT(r.info.phase, HN_PHASE_RESOLVE);
  CHECK_TEXT(slice_of(r.info.host), "nothing.invalid");
  CHECK(strncmp(r.info.text, "name not resolved (", 19) == 0);
  CHECK_INT(r.log.count, 1);
  o = options("not a name", 80, NULL);
  dial_all(&env, &o, &r);
  CHECK_INT(r.code, HN_ERR_NAME_NOT_RESOLVED);
  CHECK_TEXT(slice_of(r.info.text),
             "name not resolved while resolving not a name");
  fixture_close(&env);
  fixture_settle(live);
}

TEST(refused) {
  struct hn_env env;
  struct hn_address a;
  struct result r;
  char text[128];
  CHECK(fixture_open(&env));
  int refuse = fixture_refuse("127.0.0.1", &a);
  struct wish o = options("127.0.0.1", fixture_port(&a), NULL);
  dial_all(&env, &o, &r);
  CHECK_INT(r.code, HN_ERR_CANNOT_CONNECT);
  CHECK_INT(r.info.phase, HN_PHASE_CONNECT);
  CHECK_INT(r.info.system, ECONNREFUSED);
  snprintf(text, sizeof text,
           "cannot connect (connection refused) while "
           "connecting to 127.0.0.1:%u",
           fixture_port(&a));
  CHECK_TEXT(slice_of(r.info.text), text);
  CHECK_INT(r.log.count, 3);
  close(refuse);
  fixture_close(&env);
}

TEST(nobody_answers) {
  struct hn_env env;
  struct hn_address a;
  struct fixture_hole hole;
  struct result r;
  CHECK(fixture_open(&env));
  fixture_open_hole(&hole, &a);
  struct wish o = options("127.0.0.1", fixture_port(&a), NULL);
  o.limits.connect_timeout = 50;
  dial_all(&env, &o, &r);
  CHECK_INT(r.code, HN_ERR_TIMEOUT);
  CHECK_INT(r.info.phase, HN_PHASE_CONNECT);
  fixture_close_hole(&hole);
  fixture_close(&env);
}

/* The answer to the look-up is simply not handed in. */
TEST(the_name_server_does_not_answer) {
  struct hn_env env;
  struct hn_news_log log = {.mask = UINT32_MAX};
  struct hn_errinfo info;
  struct hn_dial *d = NULL;
  struct hn_resolved other = {.job = 999, .code = HN_ERR_NAME_NOT_RESOLVED};
  long live = mem_live();
  CHECK(fixture_open(&env));
  struct wish o = options("localhost", 80, NULL);
  CHECK_INT(begin(&env, &o, &d), 0);
  env.now_us = 1000000;
  CHECK_INT(dial_step(d, &log, &info), HN_AGAIN);
  struct hn_timer *timer = heap_peek(&env.deadlines);
  if (CHECK(timer != NULL)) {
    CHECK_INT(timer->when, 11000);
    CHECK_INT(timer->tag, TAG);
    CHECK_INT(timer->kind, HN_TIMER_CONN);
  }
  dial_give_resolved(d, &other); /* somebody else's */
  env.now_us = 10999000;
  CHECK_INT(dial_step(d, &log, &info), HN_AGAIN);
  env.now_us = 11000000;
  (void)heap_take_expired(&env.deadlines, 11000);
  CHECK_INT(dial_step(d, &log, &info), HN_ERR_TIMEOUT);
  CHECK_INT(info.phase, HN_PHASE_RESOLVE);
  CHECK_TEXT(slice_of(info.text), "timeout while resolving localhost");
  CHECK_INT(resolver_pending(env.resolver), 0);
  dial_free(d);
  fixture_close(&env);
  fixture_settle(live);
}

TEST(freed_while_at_work) {
  struct hn_env env;
  struct hn_address a;
  struct fixture_hole hole;
  struct hn_errinfo info;
  struct hn_dial *d = NULL;
  long live = mem_live();
  CHECK(fixture_open(&env));
  struct wish o = options("localhost", 80, NULL);
  CHECK_INT(begin(&env, &o, &d), 0);
  dial_free(d);
  CHECK_INT(begin(&env, &o, &d), 0);
  CHECK_INT(dial_step(d, NULL, &info), HN_AGAIN);
  dial_free(d);
  CHECK_INT(resolver_pending(env.resolver), 0);
  fixture_open_hole(&hole, &a);
  o = options("127.0.0.1", fixture_port(&a), NULL);
  CHECK_INT(begin(&env, &o, &d), 0);
  CHECK_INT(dial_step(d, NULL, &info), HN_AGAIN);
  dial_free(d);
  CHECK(heap_peek(&env.deadlines) == NULL);
  dial_free(NULL);
  fixture_close_hole(&hole);
  fixture_close(&env);
  fixture_settle(live);
}

TEST(fixed_addresses) {
  struct hn_env env;
  struct hn_address a;
  struct result r;
  CHECK(fixture_open(&env));
  int listener = fixture_listen("127.0.0.1", &a);
  struct wish o = options("nothing.invalid", fixture_port(&a), NULL);
  o.origin.route =
      (struct hn_route){HN_ROUTE_ADDRESSES, slice_of("::1, 127.0.0.1")};
  dial_all(&env, &o, &r);
  CHECK_INT(r.code, 0);
  CHECK_INT(r.log.count, 5);
  check_news(&r, 0, HN_STATUS_RESOLVING_NAME, "nothing.invalid");
  check_news(&r, 1, HN_STATUS_NAME_RESOLVED, "::1");
  check_news(&r, 2, HN_STATUS_CONNECTING_TO_SERVER, "::1");
  check_news(&r, 3, HN_STATUS_CONNECTING_TO_SERVER, "127.0.0.1");
  check_news(&r, 4, HN_STATUS_CONNECTED_TO_SERVER, "127.0.0.1");
  if (CHECK(r.transport != NULL)) r.transport->ops->close(r.transport);
  struct hn_dial *d = NULL;
  o.origin.route.via = slice_of("no address");
  CHECK_INT(begin(&env, &o, &d), HN_ERR_INVALID_PARAMETER);
  close(listener);
  fixture_close(&env);
}

TEST(another_name_for_the_look_up) {
  struct hn_env env;
  struct hn_address a;
  struct result r;
  char text[HN_MAX_HOST + 1] = "127.0.0.1";
  struct hn_dial *d = NULL;
  long live = mem_live();
  CHECK(fixture_open(&env));
  int listener = fixture_listen("127.0.0.1", &a);
  struct wish o = options("nothing.invalid", fixture_port(&a), NULL);
  o.origin.route = (struct hn_route){HN_ROUTE_NAME, slice_of(text)};
  dial_all(&env, &o, &r);
  CHECK_INT(r.code, 0);
  check_all_news(&r, "127.0.0.1");
  if (CHECK(r.transport != NULL)) r.transport->ops->close(r.transport);
  o.origin.host = slice_of("127.0.0.1");
  o.origin.route.via = slice_of("nothing.invalid");
  dial_all(&env, &o, &r);
  CHECK_INT(r.code, HN_ERR_NAME_NOT_RESOLVED);
  CHECK_TEXT(slice_of(r.info.host), "nothing.invalid");
  memset(text, 'a', sizeof text);
  o.origin.route.via = slice_make(text, sizeof text);
  CHECK_INT(begin(&env, &o, &d), HN_ERR_NAME_NOT_RESOLVED);
  close(listener);
  fixture_close(&env);
  fixture_settle(live);
}

TEST(a_tuned_socket) {
  struct hn_env env;
  struct result r;
  struct hn_tcp_tuning tuning = HN_TCP_TUNING_DEFAULT;
  CHECK(fixture_open(&env));
  struct wish o = options("127.0.0.1", 80, NULL);
  CHECK(address_parse(slice_of("198.51.100.77"), 0, &tuning.local));
  o.limits.tuning = &tuning;
  dial_all(&env, &o, &r);
  CHECK_INT(r.code, HN_ERR_CANNOT_CONNECT);
  CHECK_INT(r.info.system, EADDRNOTAVAIL);
  CHECK_TEXT(slice_of(r.info.text),
             "cannot connect (the local address is not "
             "this machine's) while connecting to 127.0.0.1:80");
  fixture_close(&env);
}

static void check_path_news(const struct result *r, const char *path) {
  CHECK_INT(r->log.count, 2);
  check_news(r, 0, HN_STATUS_CONNECTING_TO_SERVER, path);
  check_news(r, 1, HN_STATUS_CONNECTED_TO_SERVER, path);
}

TEST(a_unix_socket) {
  struct hn_env env;
  struct fixture_local l;
  struct result r;
  struct hn_endpoints ends;
  CHECK(fixture_open(&env));
  fixture_open_local(&l);
  struct wish o = options("nothing.invalid", 80, NULL);
  o.origin.route = (struct hn_route){HN_ROUTE_UNIX, slice_of(l.path)};
  dial_all(&env, &o, &r);
  CHECK_INT(r.code, 0);
  check_path_news(&r, l.path);
  if (CHECK(r.transport != NULL)) {
    CHECK_INT(tcp_get_endpoints(r.transport, &ends), 0);
    CHECK_TEXT(slice_of(ends.remote.text), l.path);
    r.transport->ops->close(r.transport);
  }
  fixture_close_local(&l);
  fixture_close(&env);
}

static void check_no_path(struct hn_slice path, int code, const char *text) {
  struct hn_env env;
  struct result r;
  CHECK(fixture_open(&env));
  struct wish o = options("127.0.0.1", 80, NULL);
  o.origin.route = (struct hn_route){HN_ROUTE_UNIX, path};
  dial_all(&env, &o, &r);
  CHECK_INT(r.code, code);
  CHECK_INT(r.info.phase, HN_PHASE_CONNECT);
  CHECK_TEXT(slice_make(r.info.text, strlen(text)), text);
  CHECK(r.info.text[strlen(text)] == '\0' || path.n > HN_PATH_TEXT);
  CHECK_INT(r.info.system, code == HN_ERR_CANNOT_CONNECT ? ENOENT : 0);
  fixture_close(&env);
}

TEST(no_such_unix_socket) {
  char text[400];
  memset(text, 'x', sizeof text);
  text[0] = '/';
  check_no_path(slice_of("/nowhere/at/all.sock"), HN_ERR_CANNOT_CONNECT,
                "cannot connect (no such file or directory) while connecting "
                "to /nowhere/at/all.sock");
  check_no_path(slice_make(text, sizeof text), HN_ERR_INVALID_PARAMETER,
                "path of a Unix socket is too long while connecting to /xx");
  check_no_path(slice_make("\0x", 2), HN_ERR_INVALID_PARAMETER,
                "path of a Unix socket holds a NUL while connecting");
  check_no_path(slice_of("@"), HN_ERR_INVALID_PARAMETER,
                "path of a Unix socket is empty while connecting to @");
}

/* A server with a thread of its own: one handshake, or one within another, and
 * one echo. */
struct server {
  int listener;
  SSL_CTX *ctx;
  bool nested;
  pthread_t thread;
};

/* TLS whose bytes go through `outer`, which it takes. */
static SSL *serve_within(struct server *s, SSL *outer) {
  SSL *inner = SSL_new(s->ctx);
  BIO *bio = BIO_new(BIO_f_ssl());
  BIO_set_ssl(bio, outer, BIO_CLOSE);
  SSL_set_bio(inner, bio, bio);
  return inner;
}

static void *serve(void *arg) {
  struct server *s = arg;
  char text[16];
  int fd = accept(s->listener, NULL, NULL);
  SSL *ssl = SSL_new(s->ctx);
  SSL_set_fd(ssl, fd);
  if (s->nested && SSL_accept(ssl) == 1) ssl = serve_within(s, ssl);
  if (SSL_accept(ssl) == 1) {
    int n = SSL_read(ssl, text, sizeof text);
    if (n > 0) SSL_write(ssl, text, n);
    SSL_shutdown(ssl);
  }
  SSL_free(ssl);
  close(fd);
  return NULL;
}

static void check_echo(struct hn_env *env, struct hn_transport *s) {
  char text[16];
  size_t n = 0;
  struct hn_tls_info info;
  CHECK(tls_get_info(s, &info));
  CHECK_INT(s->ops->write(s, "echo", 4, &n), 0);
  int rc = s->ops->read(s, text, sizeof text, &n);
  for (int i = 0; i < 100 && rc == HN_AGAIN; i++) {
    CHECK(fixture_wait(env, TAG, 10000));
    rc = s->ops->read(s, text, sizeof text, &n);
  }
  CHECK_INT(rc, 0);
  CHECK_TEXT(slice_make(text, n), "echo");
}

/* host: what is dialled; the certificate is for 127.0.0.1 and localhost. local:
 * the Unix socket to use, or NULL. inner: the host of TLS within it, or NULL.
 */
static void dial_secure_through(const char *host, const char *inner,
                                bool trusted, const struct fixture_local *local,
                                struct result *r) {
  char pem[] = "/tmp/hn_dial_XXXXXX";
  struct fixture_cert ca = fixture_authority("Test Authority");
  struct fixture_wish w = {.name = "x",
                           .names = "DNS:localhost,IP:127.0.0.1",
                           .from = -FIXTURE_DAY,
                           .to = FIXTURE_DAY};
  struct fixture_cert cert = fixture_sign(&w, trusted ? &ca : NULL);
  struct hn_tls_options tls = {.ca_file = pem};
  struct hn_tls_context *context = NULL;
  const char *detail = NULL;
  struct hn_address a;
  struct hn_env env;
  struct server server;
  signal(SIGPIPE, SIG_IGN); /* for the server: it uses the socket directly */
  CHECK(fixture_open(&env));
  fixture_write_pem(ca.cert, pem);
  CHECK_INT(fixture_context(&tls, &context, &detail), 0);
  int listener = fixture_listen("127.0.0.1", &a);
  server.listener = local ? local->listener : listener;
  server.ctx = fixture_server(&cert);
  server.nested = inner != NULL;
  CHECK_INT(pthread_create(&server.thread, NULL, serve, &server), 0);

  struct wish o = options(host, fixture_port(&a), context);
  o.inner = inner;
  if (local)
    o.origin.route = (struct hn_route){HN_ROUTE_UNIX, slice_of(local->path)};
  dial_all(&env, &o, r);
  tls_context_free(context);
  if (r->transport) {
    check_echo(&env, r->transport);
    r->transport->ops->close(r->transport);
  }
  CHECK_INT(pthread_join(server.thread, NULL), 0);
  SSL_CTX_free(server.ctx);
  close(listener);
  unlink(pem);
  fixture_drop(&ca);
  fixture_drop(&cert);
  fixture_close(&env);
}

static void dial_secure_server(const char *host, bool trusted,
                               struct result *r) {
  dial_secure_through(host, NULL, trusted, NULL, r);
}

TEST(with_tls_through_a_unix_socket) {
  struct fixture_local l;
  struct result r;
  char text[200];
  fixture_open_local(&l);
  dial_secure_through("localhost", NULL, true, &l, &r);
  CHECK_INT(r.code, 0);
  check_path_news(&r, l.path);
  dial_secure_through("other.invalid", NULL, true, &l, &r);
  CHECK_INT(r.code, HN_ERR_SECURE_FAILURE);
  CHECK_INT(r.info.phase, HN_PHASE_SECURE);
  CHECK_INT(r.info.secure, HN_SECURE_CERT_CN_INVALID);
  CHECK_TEXT(slice_of(r.info.host), l.path);
  snprintf(text, sizeof text, " while securing the connection to %s", l.path);
  CHECK(strstr(r.info.text, text) != NULL);
  fixture_close_local(&l);
}

TEST(with_tls) {
  struct result r;
  dial_secure_server("127.0.0.1", true, &r);
  CHECK_INT(r.code, 0);
  check_all_news(&r, "127.0.0.1");
}

TEST(with_tls_and_nobody_s_certificate) {
  struct result r;
  dial_secure_server("127.0.0.1", false, &r);
  CHECK_INT(r.code, HN_ERR_SECURE_FAILURE);
  CHECK_INT(r.info.phase, HN_PHASE_SECURE);
  CHECK_INT(r.info.secure, HN_SECURE_INVALID_CA);
  CHECK(r.info.system != 0);
  CHECK(strncmp(r.info.text,
                "certificate authority unknown: self-signed "
                "certificate (name its issuer with the ca_file option) while "
                "securing the connection to 127.0.0.1:",
                137) == 0);
}

TEST(with_tls_within_tls) {
  struct result r;
  dial_secure_through("127.0.0.1", "localhost", true, NULL, &r);
  CHECK_INT(r.code, 0);
  check_all_news(&r, "127.0.0.1");
  dial_secure_through("127.0.0.1", "other.invalid", true, NULL, &r);
  CHECK_INT(r.code, HN_ERR_SECURE_FAILURE);
  CHECK_INT(r.info.secure, HN_SECURE_CERT_CN_INVALID);
}

/* It takes the connection and then says nothing. */
TEST(a_server_that_never_shakes_hands) {
  struct hn_tls_options tls = {.ca_file = NULL};
  struct hn_tls_context *context = NULL;
  const char *detail = NULL;
  struct hn_env env;
  struct hn_address a;
  struct result r;
  CHECK(fixture_open(&env));
  CHECK_INT(fixture_context(&tls, &context, &detail), 0);
  int listener = fixture_listen("127.0.0.1", &a);
  struct wish o = options("127.0.0.1", fixture_port(&a), context);
  o.limits.connect_timeout = 50;
  dial_all(&env, &o, &r);
  CHECK_INT(r.code, HN_ERR_TIMEOUT);
  CHECK_INT(r.info.phase, HN_PHASE_SECURE);
  tls_context_free(context);
  close(listener);
  fixture_close(&env);
}

TEST(a_host_too_long) {
  struct hn_env env;
  struct hn_dial *d = NULL;
  char text[HN_MAX_HOST + 1];
  struct wish o = options("x", 80, NULL);
  CHECK(fixture_open(&env));
  memset(text, 'a', sizeof text);
  o.origin.host = slice_make(text, sizeof text);
  CHECK_INT(begin(&env, &o, &d), HN_ERR_NAME_NOT_RESOLVED);
  CHECK(d == NULL);
  fixture_close(&env);
}

struct try_ctx {
  unsigned port;
  struct hn_tls_context *tls;
};

/* All that can be wished for at once. */
static bool try_wishes(void *ctx) {
  struct hn_env env;
  struct result r = {.code = HN_ERR_NOT_ENOUGH_MEMORY};
  struct hn_tcp_tuning tuning = {
      .probes = 1, .probe_idle = 9, .no_delay = HN_TCP_NO_DELAY_ON};
  CHECK(address_parse(slice_of("127.0.0.2"), 0, &tuning.local));
  if (fixture_open(&env)) {
    struct wish o = options("nothing.invalid", *(unsigned *)ctx, NULL);
    o.origin.route =
        (struct hn_route){HN_ROUTE_ADDRESSES, slice_of("127.0.0.1")};
    o.limits.tuning = &tuning;
    dial_all(&env, &o, &r);
    if (r.transport) r.transport->ops->close(r.transport);
  }
  fixture_close(&env);
  if (r.code != 0) CHECK_INT(r.code, HN_ERR_NOT_ENOUGH_MEMORY);
  return r.code == 0;
}

static bool try_dial(void *ctx) {
  struct try_ctx *try = ctx;
  struct hn_env env;
  struct result r = {.code = HN_ERR_NOT_ENOUGH_MEMORY};
  if (fixture_open(&env)) {
    struct wish o = options("127.0.0.1", try->port, try->tls);
    o.limits.connect_timeout = 20;
    dial_all(&env, &o, &r);
    if (r.transport) r.transport->ops->close(r.transport);
  }
  fixture_close(&env);
  int good = try->tls ? HN_ERR_TIMEOUT : 0;
  if (r.code != good) CHECK_INT(r.code, HN_ERR_NOT_ENOUGH_MEMORY);
  return r.code == good;
}

TEST(each_allocation_failing) {
  struct hn_tls_options tls = {.ca_file = NULL};
  struct hn_tls_context *context = NULL;
  const char *detail = NULL;
  struct hn_address a;
  CHECK_INT(fixture_context(&tls, &context, &detail), 0);
  int listener = fixture_listen("127.0.0.1", &a);
  CHECK_INT(listen(listener, 100), 0);
  struct try_ctx try = {fixture_port(&a), NULL};
  test_each_failure(try_dial, &try);
  test_each_failure(try_wishes, &try.port);
  try.tls = context;
  test_each_failure(try_dial, &try);
  tls_context_free(context);
  close(listener);
}

TEST_MAIN(ROW(a_literal), ROW(a_name), ROW(no_such_name), ROW(refused),
          ROW(nobody_answers), ROW(the_name_server_does_not_answer),
          ROW(freed_while_at_work), ROW(with_tls),
          ROW(with_tls_and_nobody_s_certificate), ROW(with_tls_within_tls),
          ROW(with_tls_through_a_unix_socket), ROW(fixed_addresses),
          ROW(another_name_for_the_look_up), ROW(a_tuned_socket),
          ROW(a_unix_socket), ROW(no_such_unix_socket),
          ROW(a_server_that_never_shakes_hands), ROW(a_host_too_long),
          ROW(each_allocation_failing))
