#include "net_fixture.h"

enum { TAG = 77 };

static struct hn_addresses list_of(const struct hn_address *a,
                                   const struct hn_address *b) {
  struct hn_addresses list = {.count = b ? 2 : 1};
  list.list[0] = *a;
  if (b) list.list[1] = *b;
  return list;
}

static struct hn_transport *
open_tcp(struct hn_env *env, const struct hn_addresses *list, int64_t timeout) {
  const struct hn_tcp_target to = {.addresses = list};
  const struct hn_connect_limits limits = {.max_attempts = 16,
                                           .connect_timeout = timeout};
  struct hn_transport *s = NULL;
  return tcp_new(env, &to, &limits, TAG, &s) == 0 ? s : NULL;
}

/* Steps until there is an answer. */
static int connect_all(struct hn_env *env, struct hn_transport *s) {
  int rc = s->ops->step_connect(s);
  for (int i = 0; i < 100 && rc == HN_AGAIN; i++) {
    fixture_wait(env, TAG, 100);
    rc = s->ops->step_connect(s);
  }
  return rc;
}

static void check_news(const struct hn_news *n, uint32_t status,
                       const char *text) {
  CHECK_INT(n->status, status);
  CHECK_TEXT(slice_of(n->text), text);
}

static unsigned peer_port(const struct hn_transport *s) {
  struct hn_endpoints ends;
  return CHECK_INT(tcp_get_endpoints(s, &ends), 0) ? ends.remote.port : 0;
}

TEST(connects_reads_and_writes) {
  struct hn_env env;
  struct hn_address a;
  struct hn_news_log log = {.mask = UINT32_MAX};
  char text[16];
  size_t n = 99;
  CHECK(fixture_open(&env));
  int listener = fixture_listen("127.0.0.1", &a);
  struct hn_addresses list = list_of(&a, NULL);
  struct hn_transport *s = open_tcp(&env, &list, 5000);
  CHECK_INT(s->ops->fd(s), -1);
  CHECK_INT(s->ops->read(s, text, 1, &n), HN_ERR_CONNECTION_ERROR);
  tcp_set_news(s, &log);
  CHECK_INT(connect_all(&env, s), 0);
  CHECK_INT(s->ops->step_connect(s), 0);
  CHECK_INT(log.count, 2);
  check_news(&log.items[0], HN_STATUS_CONNECTING_TO_SERVER, "127.0.0.1");
  check_news(&log.items[1], HN_STATUS_CONNECTED_TO_SERVER, "127.0.0.1");
  CHECK_INT(peer_port(s), fixture_port(&a));
  CHECK(heap_peek(&env.deadlines) == NULL);
  int peer = accept(listener, NULL, NULL);
  CHECK(peer >= 0 && s->ops->fd(s) >= 0);

  CHECK_INT(s->ops->read(s, text, sizeof text, &n), HN_AGAIN);
  CHECK_INT(s->ops->want(s), HN_WANT_READ);
  CHECK_INT(n, 99);
  CHECK(!fixture_wait(&env, TAG, 0)); /* not watched for writing */
  CHECK_INT(write(peer, "hello", 5), 5);
  CHECK(fixture_wait(&env, TAG, 5000));
  CHECK_INT(s->ops->read(s, text, sizeof text, &n), 0);
  CHECK_TEXT(slice_make(text, n), "hello");
  CHECK(!s->ops->has_pending(s));

  for (int i = 0; i < 2; i++) {
    CHECK_INT(s->ops->write(s, "world", 5, &n), 0);
    CHECK_INT(n, 5);
    CHECK_INT(read(peer, text, sizeof text), 5);
  }
  s->ops->shutdown(s);
  s->ops->idle(s);
  close(peer);
  CHECK(fixture_wait(&env, TAG, 5000));
  CHECK_INT(s->ops->read(s, text, sizeof text, &n), 0);
  CHECK_INT(n, 0);
  s->ops->close(s);
  close(listener);
  fixture_close(&env);
}

TEST(a_full_socket_wants_to_write) {
  enum { SIZE = 1 << 20 };
  static char bytes[SIZE];
  struct hn_env env;
  struct hn_address a;
  size_t n, sum = 0;
  int rc;
  CHECK(fixture_open(&env));
  int listener = fixture_listen("127.0.0.1", &a);
  struct hn_addresses list = list_of(&a, NULL);
  struct hn_transport *s = open_tcp(&env, &list, 5000);
  CHECK_INT(connect_all(&env, s), 0);
  int peer = accept(listener, NULL, NULL);
  while ((rc = s->ops->write(s, bytes, SIZE, &n)) == 0 && sum < 64u * SIZE)
    sum += n;
  CHECK_INT(rc, HN_AGAIN);
  CHECK_INT(s->ops->want(s), HN_WANT_WRITE);
  CHECK(sum > 0);
  CHECK_INT(reactor_change(env.reactor, s->ops->fd(s), TAG, HN_WANT_WRITE), 0);
  while (sum > 0) {
    ssize_t got = read(peer, bytes, SIZE);
    if (!CHECK(got > 0)) break;
    sum -= (size_t)got;
  }
  CHECK(fixture_wait(&env, TAG, 5000));
  CHECK_INT(s->ops->write(s, "x", 1, &n), 0);
  s->ops->close(s);
  close(peer);
  close(listener);
  fixture_close(&env);
}

TEST(a_reset_is_an_error_without_a_signal) {
  struct hn_env env;
  struct hn_address a;
  struct linger hard = {.l_onoff = 1};
  char text[4];
  size_t n = 99;
  int rc = 0;
  CHECK(fixture_open(&env));
  int listener = fixture_listen("127.0.0.1", &a);
  struct hn_addresses list = list_of(&a, NULL);
  struct hn_transport *s = open_tcp(&env, &list, 5000);
  CHECK_INT(connect_all(&env, s), 0);
  int peer = accept(listener, NULL, NULL);
  setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(peer);
  CHECK(fixture_wait(&env, TAG, 5000));
  CHECK_INT(s->ops->read(s, text, 4, &n), HN_ERR_CONNECTION_ERROR);
  CHECK_INT(s->system, ECONNRESET);
  for (int i = 0; i < 10 && rc == 0; i++) rc = s->ops->write(s, "x", 1, &n);
  CHECK_INT(rc, HN_ERR_CONNECTION_ERROR);
  CHECK_INT(s->system, EPIPE);
  s->ops->close(s);
  close(listener);
  fixture_close(&env);
}

TEST(refused) {
  struct hn_env env;
  struct hn_address a, b;
  struct hn_news_log log = {.mask = HN_STATUS_CONNECTING_TO_SERVER};
  CHECK(fixture_open(&env));
  int fd1 = fixture_refuse("127.0.0.1", &a);
  int fd2 = fixture_refuse("127.0.0.2", &b);
  struct hn_addresses list = list_of(&a, &b);
  struct hn_transport *s = open_tcp(&env, &list, 5000);
  tcp_set_news(s, &log);
  CHECK_INT(connect_all(&env, s), HN_ERR_CANNOT_CONNECT);
  CHECK_INT(s->system, ECONNREFUSED);
  CHECK_INT(log.count, 2);
  check_news(&log.items[1], HN_STATUS_CONNECTING_TO_SERVER, "127.0.0.2");
  CHECK_INT(s->ops->step_connect(s), HN_ERR_CANNOT_CONNECT);
  CHECK(heap_peek(&env.deadlines) == NULL);
  s->ops->close(s);
  close(fd1);
  close(fd2);
  fixture_close(&env);
}

TEST(no_more_attempts_than_allowed) {
  struct hn_env env;
  struct hn_address a, b;
  struct hn_transport *s = NULL;
  struct hn_news_log log = {.mask = UINT32_MAX};
  CHECK(fixture_open(&env));
  int refuse = fixture_refuse("127.0.0.1", &a);
  int listener = fixture_listen("127.0.0.1", &b);
  struct hn_addresses list = list_of(&a, &b);
  const struct hn_tcp_target to = {.addresses = &list};
  const struct hn_connect_limits limits = {.max_attempts = 1,
                                           .connect_timeout = -1};
  CHECK_INT(tcp_new(&env, &to, &limits, TAG, &s), 0);
  tcp_set_news(s, &log);
  tcp_set_news(s, NULL);
  CHECK_INT(connect_all(&env, s), HN_ERR_CANNOT_CONNECT);
  CHECK_INT(log.count, 0);
  s->ops->close(s);
  close(listener);
  close(refuse);
  fixture_close(&env);
}

TEST(the_next_address_after_a_refusal) {
  struct hn_env env;
  struct hn_address a, b;
  CHECK(fixture_open(&env));
  int refuse = fixture_refuse("127.0.0.1", &a);
  int listener = fixture_listen("127.0.0.1", &b);
  struct hn_addresses list = list_of(&a, &b);
  struct hn_transport *s = open_tcp(&env, &list, 5000);
  int64_t before = clock_now_us();
  CHECK_INT(connect_all(&env, s), 0);
  CHECK(clock_now_us() - before < 200000); /* not after the stagger */
  CHECK_INT(peer_port(s), fixture_port(&b));
  s->ops->close(s);
  close(listener);
  close(refuse);
  fixture_close(&env);
}

/* The clock is the environment's own: nothing here takes real time. */
TEST(the_next_address_after_the_stagger) {
  struct hn_env env;
  struct hn_address a, b;
  struct fixture_hole hole;
  struct hn_news_log log = {.mask = UINT32_MAX};
  CHECK(fixture_open(&env));
  fixture_open_hole(&hole, &a);
  int listener = fixture_listen("127.0.0.1", &b);
  struct hn_addresses list = list_of(&a, &b);
  struct hn_transport *s = open_tcp(&env, &list, 5000);
  env.now_us = 1000000;
  tcp_set_news(s, &log);
  CHECK_INT(s->ops->step_connect(s), HN_AGAIN);
  CHECK_INT(s->ops->want(s), HN_WANT_WRITE);
  CHECK_INT(log.count, 1);
  struct hn_timer *timer = heap_peek(&env.deadlines);
  if (CHECK(timer != NULL)) {
    CHECK_INT(timer->when, 1000 + HN_TCP_STAGGER);
    CHECK_INT(timer->tag, TAG);
    CHECK_INT(timer->kind, HN_TIMER_CONN);
  }
  env.now_us += 249000;
  CHECK_INT(s->ops->step_connect(s), HN_AGAIN);
  CHECK_INT(log.count, 1);
  env.now_us += 1000;
  int rc = s->ops->step_connect(s);
  for (int i = 0; i < 100 && rc == HN_AGAIN; i++) {
    struct hn_ready ready[4];
    size_t count;
    CHECK_INT(reactor_wait(env.reactor, 100, ready, 4, &count), 0);
    rc = s->ops->step_connect(s);
  }
  CHECK_INT(rc, 0);
  CHECK_INT(log.count, 3);
  check_news(&log.items[1], HN_STATUS_CONNECTING_TO_SERVER, "127.0.0.1");
  check_news(&log.items[2], HN_STATUS_CONNECTED_TO_SERVER, "127.0.0.1");
  CHECK_INT(peer_port(s), fixture_port(&b));
  CHECK(heap_peek(&env.deadlines) == NULL);
  s->ops->close(s);
  close(listener);
  fixture_close_hole(&hole);
  fixture_close(&env);
}

TEST(every_attempt_has_its_own_time) {
  struct hn_env env;
  struct hn_address a, b;
  struct fixture_hole holes[2];
  CHECK(fixture_open(&env));
  fixture_open_hole(&holes[0], &a);
  fixture_open_hole(&holes[1], &b);
  struct hn_addresses list = list_of(&a, &b);
  struct hn_transport *s = open_tcp(&env, &list, 1000);
  env.now_us = 5000000;
  CHECK_INT(s->ops->step_connect(s), HN_AGAIN);
  env.now_us += 250000;
  CHECK_INT(s->ops->step_connect(s), HN_AGAIN);
  CHECK_INT(heap_peek(&env.deadlines)->when, 6000);
  env.now_us = 6000000;
  CHECK_INT(s->ops->step_connect(s), HN_AGAIN);
  CHECK_INT(heap_peek(&env.deadlines)->when, 6250);
  env.now_us = 6250000;
  CHECK_INT(s->ops->step_connect(s), HN_ERR_TIMEOUT);
  CHECK_INT(s->system, 0);
  CHECK(heap_peek(&env.deadlines) == NULL);
  s->ops->close(s);
  fixture_close_hole(&holes[0]);
  fixture_close_hole(&holes[1]);
  fixture_close(&env);
}

TEST(a_refusal_says_more_than_a_timeout) {
  struct hn_env env;
  struct hn_address a, b;
  struct fixture_hole hole;
  CHECK(fixture_open(&env));
  fixture_open_hole(&hole, &a);
  int refuse = fixture_refuse("127.0.0.1", &b);
  struct hn_addresses list = list_of(&b, &a);
  struct hn_transport *s = open_tcp(&env, &list, 100);
  CHECK_INT(connect_all(&env, s), HN_ERR_CANNOT_CONNECT);
  CHECK_INT(s->system, ECONNREFUSED);
  s->ops->close(s);
  close(refuse);
  fixture_close_hole(&hole);
  fixture_close(&env);
}

TEST(closing_while_it_connects) {
  struct hn_env env;
  struct hn_address a;
  struct fixture_hole hole;
  CHECK(fixture_open(&env));
  fixture_open_hole(&hole, &a);
  struct hn_addresses list = list_of(&a, &a);
  struct hn_transport *s = open_tcp(&env, &list, -1);
  CHECK_INT(s->ops->step_connect(s), HN_AGAIN);
  s->ops->close(s);
  CHECK(heap_peek(&env.deadlines) == NULL);
  CHECK(!fixture_wait(&env, TAG, 0));
  fixture_close_hole(&hole);
  fixture_close(&env);
}

static void parse_path(const char *path, struct hn_unix_path *out) {
  const char *detail;
  CHECK_INT(address_parse_path(slice_of(path), out, &detail), 0);
}

static struct hn_transport *open_path(struct hn_env *env, const char *path,
                                      int64_t timeout) {
  struct hn_unix_path a;
  parse_path(path, &a);
  const struct hn_tcp_target to = {.path = &a};
  const struct hn_connect_limits limits = {.max_attempts = 5,
                                           .connect_timeout = timeout};
  struct hn_transport *s = NULL;
  return tcp_new(env, &to, &limits, TAG, &s) == 0 ? s : NULL;
}

/* Abstract names are the whole machine's: ours differ by process. */
static const char *own_name(char out[40]) {
  snprintf(out, 40, "@hn tcp %ld", (long)getpid());
  return out;
}

static void check_path(const char *path, int listener) {
  struct hn_env env;
  struct hn_news_log log = {.mask = UINT32_MAX};
  struct hn_endpoints ends;
  char text[16];
  size_t n = 0;
  CHECK(fixture_open(&env));
  struct hn_transport *s = open_path(&env, path, 5000);
  tcp_set_news(s, &log);
  CHECK_INT(connect_all(&env, s), 0);
  CHECK_INT(log.count, 2);
  check_news(&log.items[0], HN_STATUS_CONNECTING_TO_SERVER, path);
  check_news(&log.items[1], HN_STATUS_CONNECTED_TO_SERVER, path);
  CHECK(heap_peek(&env.deadlines) == NULL);
  CHECK_INT(peer_port(s), 0);
  int peer = accept(listener, NULL, NULL);
  for (int i = 0; i < 2; i++) {
    CHECK_INT(s->ops->write(s, "hello", 5, &n), 0);
    CHECK_INT(read(peer, text, sizeof text), 5);
  }
  CHECK_INT(s->ops->read(s, text, sizeof text, &n), HN_AGAIN);
  CHECK_INT(write(peer, "world", 5), 5);
  CHECK(fixture_wait(&env, TAG, 5000));
  CHECK_INT(s->ops->read(s, text, sizeof text, &n), 0);
  CHECK_TEXT(slice_make(text, n), "world");
  CHECK_INT(tcp_get_endpoints(s, &ends), 0);
  CHECK_TEXT(slice_of(ends.local.text), "");
  CHECK_TEXT(slice_of(ends.remote.text), path);
  CHECK_INT(ends.local.port, 0);
  CHECK_INT(ends.remote.port, 0);
  close(peer);
  CHECK(fixture_wait(&env, TAG, 5000));
  CHECK_INT(s->ops->read(s, text, sizeof text, &n), 0);
  CHECK_INT(n, 0);
  s->ops->close(s);
  fixture_close(&env);
}

TEST(a_unix_socket) {
  struct fixture_local l;
  fixture_open_local(&l);
  check_path(l.path, l.listener);
  fixture_close_local(&l);
}

TEST(an_abstract_unix_socket) {
  char name[40];
  int listener = fixture_listen_path(own_name(name), 8);
  check_path(name, listener);
  close(listener);
}

static void check_no_path(const char *path, int system) {
  struct hn_env env;
  CHECK(fixture_open(&env));
  struct hn_transport *s = open_path(&env, path, 5000);
  CHECK_INT(connect_all(&env, s), HN_ERR_CANNOT_CONNECT);
  CHECK_INT(s->system, system);
  CHECK(s->detail == NULL);
  s->ops->close(s);
  fixture_close(&env);
}

TEST(no_unix_socket_there) {
  struct fixture_local l;
  fixture_open_local(&l);
  shutdown(l.listener, SHUT_RDWR);
  check_no_path(l.path, ECONNREFUSED);
  unlink(l.path);
  check_no_path(l.path, ENOENT);
  fixture_close_local(&l);
}

/* Without a tuning that a socket of that family would refuse. */
TEST(a_unix_socket_is_not_tuned) {
  struct hn_env env;
  struct hn_unix_path a;
  struct hn_tcp_tuning tuning = {.probes = 1,
                                 .probe_idle = 5,
                                 .no_delay = HN_TCP_NO_DELAY_ON,
                                 .interface = "none"};
  const struct hn_tcp_target to = {.path = &a};
  const struct hn_connect_limits limits = {.tuning = &tuning,
                                           .connect_timeout = 5000};
  struct hn_transport *s = NULL;
  char name[40];
  CHECK(fixture_open(&env));
  CHECK(address_parse(slice_of("127.0.0.1"), 0, &tuning.local));
  int listener = fixture_listen_path(own_name(name), 1);
  parse_path(name, &a);
  CHECK_INT(tcp_new(&env, &to, &limits, TAG, &s), 0);
  CHECK_INT(connect_all(&env, s), 0);
  s->ops->close(s);
  close(listener);
  fixture_close(&env);
}

static void fill_path(const char *path, int *filler, int count) {
  struct hn_unix_path a;
  parse_path(path, &a);
  for (int i = 0; i < count; i++) {
    filler[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)connect(filler[i], (struct sockaddr *)&a.name, a.size);
  }
}

/* Such a socket reports no readiness: it is asked again and again. */
TEST(a_unix_socket_with_a_full_backlog) {
  struct hn_env env;
  int filler[3];
  char name[40];
  CHECK(fixture_open(&env));
  int listener = fixture_listen_path(own_name(name), 0);
  fill_path(name, filler, 3);
  struct hn_transport *late = open_path(&env, name, 50);
  CHECK_INT(connect_all(&env, late), HN_ERR_TIMEOUT);
  late->ops->close(late);
  struct hn_transport *s = open_path(&env, name, 5000);
  CHECK_INT(s->ops->step_connect(s), HN_AGAIN);
  CHECK(heap_peek(&env.deadlines) != NULL);
  close(accept(listener, NULL, NULL)); /* a backlog of 0 holds one */
  CHECK_INT(connect_all(&env, s), 0);
  CHECK(heap_peek(&env.deadlines) == NULL);
  s->ops->close(s);
  for (int i = 0; i < 3; i++) close(filler[i]);
  close(listener);
  fixture_close(&env);
}

static void check_ends(const struct hn_transport *s,
                       const struct hn_address *client,
                       const struct hn_address *server) {
  struct hn_endpoints ends;
  char host[HN_ADDRESS_TEXT];
  address_format(server, host);
  CHECK_INT(tcp_get_endpoints(s, &ends), 0);
  CHECK_TEXT(slice_of(ends.local.text), host);
  CHECK_INT(ends.local.port, fixture_port(client));
  CHECK_TEXT(slice_of(ends.remote.text), host);
  CHECK_INT(ends.remote.port, fixture_port(server));
}

static void check_both_ends(const char *host) {
  struct hn_env env;
  struct hn_address a, client = {.size = sizeof client.u};
  struct hn_endpoints ends = {.local = {"x", 1}};
  struct hn_transport other = {.next = NULL};
  struct linger hard = {.l_onoff = 1};
  CHECK(fixture_open(&env));
  int listener = fixture_listen(host, &a);
  struct hn_addresses list = list_of(&a, NULL);
  struct hn_transport *s = open_tcp(&env, &list, 5000);
  CHECK_INT(tcp_get_endpoints(s, &ends), HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK_INT(tcp_get_endpoints(&other, &ends), HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK_TEXT(slice_of(ends.local.text), "x");
  CHECK_INT(connect_all(&env, s), 0);
  int peer = accept(listener, &client.u.any, &client.size);
  other.next = s;
  check_ends(s, &client, &a);
  check_ends(&other, &client, &a);
  setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(peer);
  CHECK(fixture_wait(&env, TAG, 5000));
  check_ends(s, &client, &a); /* after a reset, too */
  s->ops->close(s);
  close(listener);
  fixture_close(&env);
}

/* The system may have been built or started without IPv6. */
static bool has_v6(void) {
  struct sockaddr_in6 a = {.sin6_family = AF_INET6,
                           .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
  if (fd >= 0) close(fd);
  return ok;
}

TEST(both_ends) {
  check_both_ends("127.0.0.1");
  if (has_v6()) check_both_ends("::1");
}

struct try_ctx {
  struct hn_addresses list;
};

static bool try_path(void *ctx) {
  struct hn_env env;
  bool ok = false;
  if (fixture_open(&env)) {
    struct hn_transport *s = open_path(&env, ctx, 20);
    int rc = s ? connect_all(&env, s) : HN_ERR_NOT_ENOUGH_MEMORY;
    if (s) s->ops->close(s);
    ok = rc == HN_ERR_TIMEOUT;
    if (!ok) CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
  }
  fixture_close(&env);
  return ok;
}

TEST(each_allocation_failing_on_a_unix_socket) {
  char name[40];
  int filler[3];
  int listener = fixture_listen_path(own_name(name), 0);
  fill_path(name, filler, 3);
  test_each_failure(try_path, name);
  for (int i = 0; i < 3; i++) close(filler[i]);
  close(listener);
}

static bool try_connect(void *ctx) {
  struct try_ctx *try = ctx;
  struct hn_env env;
  bool ok = false;
  if (fixture_open(&env)) {
    struct hn_transport *s = open_tcp(&env, &try->list, 50);
    int rc = s ? connect_all(&env, s) : HN_ERR_NOT_ENOUGH_MEMORY;
    if (s) s->ops->close(s);
    ok = rc == HN_ERR_CANNOT_CONNECT || rc == HN_ERR_TIMEOUT;
    if (!ok) CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
  }
  fixture_close(&env);
  return ok;
}

TEST(each_allocation_failing) {
  struct hn_address a;
  struct fixture_hole hole;
  fixture_open_hole(&hole, &a);
  struct try_ctx try = {list_of(&a, &a)};
  test_each_failure(try_connect, &try);
  fixture_close_hole(&hole);
}

TEST_MAIN(ROW(connects_reads_and_writes), ROW(a_full_socket_wants_to_write),
          ROW(a_reset_is_an_error_without_a_signal), ROW(refused),
          ROW(no_more_attempts_than_allowed),
          ROW(the_next_address_after_a_refusal),
          ROW(the_next_address_after_the_stagger),
          ROW(every_attempt_has_its_own_time),
          ROW(a_refusal_says_more_than_a_timeout),
          ROW(closing_while_it_connects), ROW(a_unix_socket),
          ROW(an_abstract_unix_socket), ROW(no_unix_socket_there),
          ROW(a_unix_socket_is_not_tuned),
          ROW(a_unix_socket_with_a_full_backlog), ROW(both_ends),
          ROW(each_allocation_failing_on_a_unix_socket),
          ROW(each_allocation_failing))
