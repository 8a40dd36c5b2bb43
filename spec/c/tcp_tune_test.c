#include "net_fixture.h"

#include <netinet/tcp.h>

enum { TAG = 77 };

struct tuned {
  struct hn_env env;
  struct hn_addresses list;
  int listener;
  struct hn_transport *transport;
  struct hn_news_log log;
};

/* A stream towards a listener on 127.0.0.1; more addresses may be added before
 * it is stepped. */
static void tuned_open(struct tuned *t) {
  memset(t, 0, sizeof *t);
  CHECK(fixture_open(&t->env));
  t->log.mask = HN_STATUS_CONNECTING_TO_SERVER;
  t->listener = fixture_listen("127.0.0.1", &t->list.list[0]);
  t->list.count = 1;
}

static int tuned_new(struct tuned *t, const struct hn_tcp_tuning *tuning) {
  const struct hn_tcp_target to = {.addresses = &t->list};
  const struct hn_connect_limits limits = {
      .tuning = tuning, .max_attempts = 16, .connect_timeout = 5000};
  int rc = tcp_new(&t->env, &to, &limits, TAG, &t->transport);
  if (rc == 0) tcp_set_news(t->transport, &t->log);
  return rc;
}

static int tuned_connect(struct tuned *t, const struct hn_tcp_tuning *tuning) {
  int rc = tuned_new(t, tuning);
  if (rc != 0) return rc;
  rc = t->transport->ops->step_connect(t->transport);
  for (int i = 0; i < 100 && rc == HN_AGAIN; i++) {
    fixture_wait(&t->env, TAG, 100);
    rc = t->transport->ops->step_connect(t->transport);
  }
  return rc;
}

static void tuned_close(struct tuned *t) {
  if (t->transport) t->transport->ops->close(t->transport);
  close(t->listener);
  CHECK(heap_peek(&t->env.deadlines) == NULL);
  fixture_close(&t->env);
}

static int tuned_get(const struct tuned *t, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  int fd = t->transport->ops->fd(t->transport);
  CHECK_INT(getsockopt(fd, level, option, &value, &size), 0);
  return value;
}

static struct hn_tcp_tuning from(const char *local) {
  struct hn_tcp_tuning u = HN_TCP_TUNING_DEFAULT;
  CHECK(address_parse(slice_of(local), 0, &u.local));
  return u;
}

static void check_refused(const struct hn_tcp_tuning *u, int system,
                          const char *detail) {
  struct tuned t;
  tuned_open(&t);
  CHECK_INT(tuned_connect(&t, u), HN_ERR_CANNOT_CONNECT);
  CHECK_INT(t.transport->system, system);
  CHECK_TEXT(slice_of(t.transport->detail), detail);
  tuned_close(&t);
}

TEST(the_defaults) {
  static const struct hn_tcp_tuning usual = HN_TCP_TUNING_DEFAULT;
  const struct hn_tcp_tuning *either[] = {NULL, &usual};
  for (int i = 0; i < 2; i++) {
    struct tuned t;
    size_t n;
    tuned_open(&t);
    CHECK_INT(tuned_connect(&t, either[i]), 0);
    CHECK_INT(tuned_get(&t, SOL_SOCKET, SO_KEEPALIVE), 0);
    CHECK_INT(tuned_get(&t, IPPROTO_TCP, TCP_NODELAY), 0);
    CHECK_INT(t.transport->ops->write(t.transport, "x", 1, &n), 0);
    CHECK_INT(tuned_get(&t, IPPROTO_TCP, TCP_NODELAY), 0);
    CHECK_INT(t.transport->ops->write(t.transport, "x", 1, &n), 0);
    CHECK_INT(tuned_get(&t, IPPROTO_TCP, TCP_NODELAY), 1);
    tuned_close(&t);
  }
}

TEST(a_local_address) {
  struct tuned t;
  struct hn_endpoints ends;
  struct hn_address client = {.size = sizeof client.u};
  char text[HN_ADDRESS_TEXT];
  struct hn_tcp_tuning u = from("127.0.0.2");
  tuned_open(&t);
  CHECK_INT(tuned_connect(&t, &u), 0);
  int peer = accept(t.listener, &client.u.any, &client.size);
  address_format(&client, text);
  CHECK_TEXT(slice_of(text), "127.0.0.2");
  CHECK_INT(tcp_get_endpoints(t.transport, &ends), 0);
  CHECK_TEXT(slice_of(ends.local.text), "127.0.0.2");
  CHECK_INT(ends.local.port, fixture_port(&client));
  CHECK_TEXT(slice_of(ends.remote.text), "127.0.0.1");
  CHECK_INT(ends.remote.port, fixture_port(&t.list.list[0]));
  CHECK_INT(tuned_get(&t, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), 1);
  close(peer);
  tuned_close(&t);
}

/* The first address is of the other family: it is not even tried. */
TEST(only_addresses_of_its_family) {
  struct tuned t;
  struct hn_tcp_tuning u = from("0.0.0.0");
  tuned_open(&t);
  t.list.list[1] = t.list.list[0];
  CHECK(address_parse(slice_of("::1"), 1, &t.list.list[0]));
  t.list.count = 2;
  CHECK_INT(tuned_connect(&t, &u), 0);
  CHECK_INT(t.log.count, 1);
  CHECK_TEXT(slice_of(t.log.items[0].text), "127.0.0.1");
  tuned_close(&t);
  u = from("::");
  check_refused(&u, EAFNOSUPPORT,
                "cannot connect (no address is of the local "
                "address's family)");
}

/* RFC 5737: nobody has that address. */
TEST(a_local_address_of_somebody_else) {
  struct hn_tcp_tuning u = from("198.51.100.77");
  check_refused(&u, EADDRNOTAVAIL,
                "cannot connect (the local address is not "
                "this machine's)");
}

TEST(a_refusal_is_not_the_tuning_s) {
  struct tuned t;
  struct hn_tcp_tuning u = from("127.0.0.2");
  tuned_open(&t);
  int fd = fixture_refuse("127.0.0.1", &t.list.list[0]);
  CHECK_INT(tuned_connect(&t, &u), HN_ERR_CANNOT_CONNECT);
  CHECK_INT(t.transport->system, ECONNREFUSED);
  CHECK(t.transport->detail == NULL);
  close(fd);
  tuned_close(&t);
}

TEST(an_interface) {
  struct tuned t;
  struct hn_tcp_tuning u = HN_TCP_TUNING_DEFAULT;
  char name[IF_NAMESIZE] = "";
  socklen_t size = sizeof name;
  CHECK_INT(tcp_tune_set_interface(&u, slice_of("lo")), 0);
  tuned_open(&t);
  int rc = tuned_connect(&t, &u);
  if (rc == 0) {
    CHECK_INT(getsockopt(t.transport->ops->fd(t.transport), SOL_SOCKET,
                         SO_BINDTODEVICE, name, &size),
              0);
    CHECK_TEXT(slice_of(name), "lo");
  } else { /* an old kernel, and no privilege */
    CHECK_INT(t.transport->system, EPERM);
    CHECK_TEXT(slice_of(t.transport->detail),
               "cannot connect (no permission to "
               "choose the network interface)");
  }
  tuned_close(&t);
  if (rc != 0) return;
  CHECK_INT(tcp_tune_set_interface(&u, slice_of("hn-none-such")), 0);
  check_refused(&u, ENODEV, "cannot connect (no such network interface)");
}

TEST(names_of_interfaces) {
  struct hn_tcp_tuning u = HN_TCP_TUNING_DEFAULT;
  CHECK_INT(tcp_tune_set_interface(&u, slice_of("fifteen.letters")), 0);
  CHECK_TEXT(slice_of(u.interface), "fifteen.letters");
  CHECK_INT(tcp_tune_set_interface(&u, slice_of("sixteen..letters")),
            HN_ERR_INVALID_PARAMETER);
  CHECK_INT(tcp_tune_set_interface(&u, slice_make("e\0o", 3)),
            HN_ERR_INVALID_PARAMETER);
  CHECK_TEXT(slice_of(u.interface), "fifteen.letters");
  CHECK_INT(tcp_tune_set_interface(&u, slice_of("lo")), 0);
  CHECK_TEXT(slice_of(u.interface), "lo");
  CHECK_INT(tcp_tune_set_interface(&u, slice_of("")), 0);
  CHECK_TEXT(slice_of(u.interface), "");
}

TEST(probes) {
  struct tuned t;
  struct hn_tcp_tuning u = {.stagger = HN_TCP_STAGGER, .probes = 1};
  tuned_open(&t);
  CHECK_INT(tuned_connect(&t, &u), 0);
  CHECK_INT(tuned_get(&t, SOL_SOCKET, SO_KEEPALIVE), 1);
  int idle = tuned_get(&t, IPPROTO_TCP, TCP_KEEPIDLE);
  int interval = tuned_get(&t, IPPROTO_TCP, TCP_KEEPINTVL);
  tuned_close(&t);
  u.probe_idle = idle + 11;
  tuned_open(&t);
  CHECK_INT(tuned_connect(&t, &u), 0);
  CHECK_INT(tuned_get(&t, IPPROTO_TCP, TCP_KEEPIDLE), idle + 11);
  CHECK_INT(tuned_get(&t, IPPROTO_TCP, TCP_KEEPINTVL), interval);
  tuned_close(&t);
  u.probe_interval = interval + 7;
  tuned_open(&t);
  CHECK_INT(tuned_connect(&t, &u), 0);
  CHECK_INT(tuned_get(&t, SOL_SOCKET, SO_KEEPALIVE), 1);
  CHECK_INT(tuned_get(&t, IPPROTO_TCP, TCP_KEEPIDLE), idle + 11);
  CHECK_INT(tuned_get(&t, IPPROTO_TCP, TCP_KEEPINTVL), interval + 7);
  tuned_close(&t);
}

TEST(probes_out_of_range) {
  struct hn_tcp_tuning u = {.probes = 1, .probe_idle = 32768};
  check_refused(&u, EINVAL, "cannot connect (keep-alive times refused)");
  u.probe_idle = 0;
  u.probe_interval = -1;
  check_refused(&u, EINVAL, "cannot connect (keep-alive times refused)");
}

TEST(no_delay) {
  struct tuned t;
  size_t n;
  struct hn_tcp_tuning u = {.no_delay = HN_TCP_NO_DELAY_ON};
  tuned_open(&t);
  CHECK_INT(tuned_connect(&t, &u), 0);
  CHECK_INT(tuned_get(&t, IPPROTO_TCP, TCP_NODELAY), 1);
  tuned_close(&t);
  u.no_delay = HN_TCP_NO_DELAY_OFF;
  tuned_open(&t);
  CHECK_INT(tuned_connect(&t, &u), 0);
  for (int i = 0; i < 3; i++)
    CHECK_INT(t.transport->ops->write(t.transport, "x", 1, &n), 0);
  CHECK_INT(tuned_get(&t, IPPROTO_TCP, TCP_NODELAY), 0);
  tuned_close(&t);
}

/* Steps at `now`; the count of attempts that were begun so far. */
static unsigned step_at(struct tuned *t, int64_t now) {
  t->env.now_us = now * 1000;
  CHECK_INT(t->transport->ops->step_connect(t->transport), HN_AGAIN);
  return t->log.count;
}

TEST(a_stagger_of_one_s_own) {
  struct tuned t;
  struct fixture_hole hole;
  struct hn_tcp_tuning u = {.stagger = 1000};
  tuned_open(&t);
  fixture_open_hole(&hole, &t.list.list[0]);
  t.list.list[1] = t.list.list[0];
  t.list.count = 2;
  CHECK_INT(tuned_new(&t, &u), 0);
  CHECK_INT(step_at(&t, 7000), 1);
  CHECK_INT(heap_peek(&t.env.deadlines)->when, 8000);
  CHECK_INT(step_at(&t, 7999), 1);
  CHECK_INT(step_at(&t, 8000), 2);
  CHECK_INT(heap_peek(&t.env.deadlines)->when, 12000);
  t.transport->ops->close(t.transport);
  t.transport = NULL;
  fixture_close_hole(&hole);
  tuned_close(&t);
}

TEST(one_after_the_other) {
  struct tuned t;
  struct fixture_hole hole;
  struct hn_tcp_tuning u = {.stagger = 0};
  tuned_open(&t);
  fixture_open_hole(&hole, &t.list.list[0]);
  t.list.list[1] = t.list.list[0];
  t.list.count = 2;
  CHECK_INT(tuned_new(&t, &u), 0);
  CHECK_INT(step_at(&t, 7000), 1);
  CHECK_INT(heap_peek(&t.env.deadlines)->when, 12000);
  CHECK_INT(step_at(&t, 11999), 1);
  CHECK_INT(step_at(&t, 12000), 2);
  CHECK_INT(heap_peek(&t.env.deadlines)->when, 17000);
  t.env.now_us = 17000000;
  CHECK_INT(t.transport->ops->step_connect(t.transport), HN_ERR_TIMEOUT);
  fixture_close_hole(&hole);
  tuned_close(&t);
}

TEST_MAIN(ROW(the_defaults), ROW(a_local_address),
          ROW(only_addresses_of_its_family),
          ROW(a_local_address_of_somebody_else),
          ROW(a_refusal_is_not_the_tuning_s), ROW(an_interface),
          ROW(names_of_interfaces), ROW(probes), ROW(probes_out_of_range),
          ROW(no_delay), ROW(a_stagger_of_one_s_own), ROW(one_after_the_other))
