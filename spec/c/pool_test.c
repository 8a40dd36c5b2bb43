/*
 * pool_test.c: who gets a connection when there are only so many.
 */
#include "net_fixture.h"

#include "../../csrc/http/h1.h"

struct bench {
  struct hn_env env;
  struct hn_pool pool;
  struct hn_pool_wish wish;
  struct hn_waiter waiters[5];
  int listener;
};

static void bench_open(struct bench *b, int64_t most) {
  struct hn_address a;
  memset(b, 0, sizeof *b);
  CHECK(fixture_open(&b->env));
  pool_init(&b->pool, &b->env, 1);
  b->pool.max_per_server = most;
  b->listener = fixture_listen("127.0.0.1", &a);
  CHECK_INT(listen(b->listener, 64), 0);
  b->wish.origin.host = slice_of("127.0.0.1");
  b->wish.origin.port = address_port(&a);
  b->wish.protocols = protocols_h1();
  b->wish.limits = (struct hn_connect_limits){
      .resolve_timeout = -1, .connect_timeout = 5000, .max_attempts = 1};
  for (size_t i = 0; i < 5; i++)
    waiter_init(&b->waiters[i], 100 + i, protocols_h1());
}

static void bench_close(struct bench *b) {
  for (size_t i = 0; i < 5; i++) pool_forget(&b->pool, &b->waiters[i]);
  pool_fini(&b->pool);
  close(b->listener);
  fixture_close(&b->env);
}

/* The i-th asks: the answer, with the connection if it got one. */
static int bench_ask(struct bench *b, size_t i, struct hn_conn **out) {
  bool reused;
  b->wish.owner = 100 + i;
  return pool_acquire(&b->pool, &b->wish, &b->waiters[i], out, &reused);
}

static void bench_connect(struct bench *b, struct hn_conn *c) {
  struct hn_times times;
  struct hn_errinfo info;
  while (conn_step_connect(c, NULL, &times, &info) == HN_AGAIN)
    (void)fixture_wait(&b->env, c->tag, 1000);
  CHECK(c->transport != NULL);
  CHECK_INT(pool_note_connected(&b->pool, c, &b->wish), 0);
}

/* Somebody has left so much of a body unread. */
static void bench_drain(struct bench *b, struct hn_conn *c, uint64_t rest) {
  h1_line(c)->rest = rest;
  pool_drain(&b->pool, c);
}

/* Whose turn it is; 0: nobody's. */
static uint64_t bench_called(struct bench *b) {
  struct hn_link *l = list_first(&b->env.woken);
  if (!l) return 0;
  list_remove(l);
  return HN_CONTAINER_OF(l, struct hn_wake, link)->owner;
}

TEST(the_line_is_served_in_its_order) {
  struct bench b;
  struct hn_conn *first = NULL, *c = NULL;
  bench_open(&b, 1);
  CHECK_INT(bench_ask(&b, 0, &first), 0);
  bench_connect(&b, first);
  CHECK_INT(bench_ask(&b, 1, &c), HN_AGAIN);
  CHECK_INT(bench_ask(&b, 2, &c), HN_AGAIN);
  pool_release(&b.pool, first);
  CHECK_INT(bench_called(&b), 101);
  CHECK_INT(bench_called(&b), 0);
  CHECK_INT(bench_ask(&b, 1, &c), 0);
  CHECK(c == first);
  pool_drop(&b.pool, c, false);
  CHECK_INT(bench_called(&b), 102);
  bench_close(&b);
}

TEST(one_who_goes_although_called_makes_room_for_the_next) {
  struct bench b;
  struct hn_conn *first = NULL, *c = NULL;
  bench_open(&b, 1);
  CHECK_INT(bench_ask(&b, 0, &first), 0);
  bench_connect(&b, first);
  CHECK_INT(bench_ask(&b, 1, &c), HN_AGAIN);
  CHECK_INT(bench_ask(&b, 2, &c), HN_AGAIN);
  pool_release(&b.pool, first);
  pool_forget(&b.pool, &b.waiters[1]);
  CHECK_INT(bench_called(&b), 102);
  bench_close(&b);
}

/* For whoever hears may need one more; those in line before stand there on. */
TEST(one_on_hold_is_in_nobodys_way) {
  struct bench b;
  struct hn_conn *first = NULL, *c = NULL;
  struct hn_link told;
  bench_open(&b, 1);
  CHECK_INT(bench_ask(&b, 0, &first), 0);
  pool_put_on_hold(&b.pool, first);
  CHECK_INT(bench_ask(&b, 1, &c), HN_AGAIN);
  list_append(&b.env.told, &told);
  CHECK_INT(bench_ask(&b, 1, &c), HN_AGAIN);
  CHECK_INT(bench_ask(&b, 2, &c), 0);
  CHECK_INT(bench_ask(&b, 3, &c), HN_AGAIN);
  bench_connect(&b, c);
  pool_put_on_hold(&b.pool, c);
  CHECK_INT(bench_called(&b), 101);
  CHECK_INT(bench_called(&b), 103);
  CHECK_INT(bench_ask(&b, 1, &c), HN_AGAIN);
  list_remove(&told);
  pool_take_off_hold(c);
  pool_release(&b.pool, c); /* one too many now */
  CHECK(list_is_empty(&b.pool.idle));
  bench_close(&b);
}

TEST(an_idle_connection_gives_way_to_a_fresh_one) {
  struct bench b;
  struct hn_conn *first = NULL, *c = NULL;
  bench_open(&b, 1);
  CHECK_INT(bench_ask(&b, 0, &first), 0);
  bench_connect(&b, first);
  pool_release(&b.pool, first);
  b.wish.fresh = true;
  CHECK_INT(bench_ask(&b, 1, &c), 0);
  CHECK_INT(b.pool.opened, 2);
  CHECK(list_is_empty(&b.pool.idle));
  bench_close(&b);
}

TEST(a_connection_that_cannot_be_made_is_the_next_ones_chance) {
  struct bench b;
  struct hn_conn *first = NULL, *c = NULL;
  bench_open(&b, 1);
  CHECK_INT(bench_ask(&b, 0, &first), 0);
  CHECK_INT(bench_ask(&b, 1, &c), HN_AGAIN);
  CHECK_INT(bench_ask(&b, 2, &c), HN_AGAIN);
  pool_drop(&b.pool, first, false);
  CHECK_INT(bench_called(&b), 101);
  mem_fail_at(1);
  CHECK_INT(bench_ask(&b, 1, &c), HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(bench_called(&b), 102);
  bench_close(&b);
}

TEST(a_lowered_limit_is_reached_by_giving_up_what_lies_idle) {
  struct bench b;
  struct hn_conn *conns[3] = {NULL}, *c = NULL;
  bench_open(&b, 3);
  for (size_t i = 0; i < 3; i++) {
    CHECK_INT(bench_ask(&b, i, &conns[i]), 0);
    bench_connect(&b, conns[i]);
  }
  for (size_t i = 0; i < 3; i++) pool_release(&b.pool, conns[i]);
  b.pool.max_per_server = 1;
  b.wish.fresh = true;
  CHECK_INT(bench_ask(&b, 0, &c), 0);
  CHECK(list_is_empty(&b.pool.idle));
  bench_close(&b);
}

TEST(a_lowered_limit_closes_what_it_makes_too_many) {
  struct bench b;
  struct hn_conn *conns[3] = {NULL};
  bench_open(&b, 3);
  for (size_t i = 0; i < 3; i++) {
    CHECK_INT(bench_ask(&b, i, &conns[i]), 0);
    bench_connect(&b, conns[i]);
  }
  pool_release(&b.pool, conns[0]);
  pool_set_limits(&b.pool, 1, INT64_MAX);
  CHECK(list_is_empty(&b.pool.idle));
  pool_release(&b.pool, conns[1]);
  CHECK(list_is_empty(&b.pool.idle));
  pool_release(&b.pool, conns[2]);
  CHECK(list_first(&b.pool.idle) == &conns[2]->link);
  bench_close(&b);
}

/* Those who come too late go back to where they stood. */
TEST(a_raised_limit_calls_all_who_wait_and_leaves_them_in_order) {
  struct bench b;
  struct hn_conn *first = NULL, *c = NULL;
  bench_open(&b, 1);
  CHECK_INT(bench_ask(&b, 0, &first), 0);
  for (size_t i = 1; i < 5; i++) CHECK_INT(bench_ask(&b, i, &c), HN_AGAIN);
  pool_set_limits(&b.pool, 2, INT64_MAX);
  for (size_t i = 1; i < 5; i++) CHECK_INT(bench_called(&b), 100 + i);
  CHECK_INT(bench_called(&b), 0);
  CHECK_INT(bench_ask(&b, 2, &c), 0);
  CHECK_INT(bench_ask(&b, 4, &c), HN_AGAIN);
  CHECK_INT(bench_ask(&b, 1, &c), HN_AGAIN);
  CHECK_INT(bench_ask(&b, 3, &c), HN_AGAIN);
  for (size_t i = 1; i < 5; i += i == 1 ? 2 : 1) {
    pool_drop(&b.pool, first, false);
    CHECK_INT(bench_called(&b), 100 + i);
    CHECK_INT(bench_ask(&b, i, &first), 0);
  }
  bench_close(&b);
}

static void bench_pass(struct bench *b, int64_t ms) {
  b->env.now_us += ms * 1000;
  while (heap_take_expired(&b->env.deadlines, env_now(&b->env)))
    pool_on_timer(&b->pool);
}

static bool bench_is_alone(struct bench *b, struct hn_conn *c) {
  return b->pool.idle.next == &c->link && b->pool.idle.prev == &c->link;
}

/* One connection that lies idle from now on, of a server that says it waits for
 * `patience` ms. */
static struct hn_conn *bench_idle(struct bench *b, int64_t patience) {
  struct hn_conn *c = NULL;
  b->wish.fresh = true;
  CHECK_INT(bench_ask(b, 0, &c), 0);
  b->wish.fresh = false;
  bench_connect(b, c);
  h1_line(c)->turn.patience = patience;
  pool_release(&b->pool, c);
  return c;
}

TEST(what_lies_idle_is_closed_in_time) {
  struct bench b;
  bench_open(&b, INT64_MAX);
  (void)bench_idle(&b, INT64_MAX);
  bench_pass(&b, HN_POOL_KEEP - 1);
  CHECK(!list_is_empty(&b.pool.idle));
  bench_pass(&b, 1);
  CHECK(list_is_empty(&b.pool.idle));
  CHECK(!timer_is_set(&b.pool.timer));
  struct hn_conn *kept = bench_idle(&b, INT64_MAX);
  (void)bench_idle(&b, 5000);
  bench_pass(&b, 5000);
  CHECK(bench_is_alone(&b, kept));
  bench_close(&b);
}

TEST(what_is_kept_for_ever_is_not_closed_unless_its_server_says_so) {
  struct bench b;
  bench_open(&b, INT64_MAX);
  b.pool.keep = INT64_MAX;
  struct hn_conn *kept = bench_idle(&b, INT64_MAX);
  CHECK(!timer_is_set(&b.pool.timer));
  (void)bench_idle(&b, 1000);
  bench_pass(&b, 365 * (int64_t)24 * 3600 * 1000);
  CHECK(bench_is_alone(&b, kept));
  pool_set_keep(&b.pool, 0);
  CHECK(list_is_empty(&b.pool.idle));
  bench_close(&b);
}

/* Nobody has looked at the timer in between. */
TEST(what_has_lain_idle_too_long_is_not_used) {
  struct bench b;
  struct hn_conn *c = NULL;
  bench_open(&b, INT64_MAX);
  struct hn_conn *old = bench_idle(&b, 1000);
  b.env.now_us += 999 * 1000;
  CHECK_INT(bench_ask(&b, 0, &c), 0);
  CHECK(c == old);
  pool_release(&b.pool, c);
  b.env.now_us += 1000 * 1000;
  CHECK_INT(bench_ask(&b, 0, &c), 0);
  CHECK_INT(b.pool.opened, 2);
  CHECK_INT(b.pool.reused, 1);
  bench_close(&b);
}

TEST(what_expires_at_once_is_closed_in_portions) {
  struct bench b;
  int left = 0;
  bench_open(&b, INT64_MAX);
  for (int i = 0; i < HN_POOL_EXPIRE + 4; i++) (void)bench_idle(&b, INT64_MAX);
  b.env.now_us += (int64_t)HN_POOL_KEEP * 1000;
  CHECK(heap_take_expired(&b.env.deadlines, env_now(&b.env)) != NULL);
  pool_on_timer(&b.pool);
  for (struct hn_link *l = b.pool.idle.next; l != &b.pool.idle; l = l->next)
    left++;
  CHECK_INT(left, 4);
  bench_pass(&b, 0);
  CHECK(!list_is_empty(&b.pool.idle)); /* the next step, not this one */
  bench_pass(&b, 1);
  CHECK(list_is_empty(&b.pool.idle));
  bench_close(&b);
}

TEST(what_servers_limit_is_closed_in_the_order_of_its_ends) {
  static const int64_t patience[] = {3000, 1000, INT64_MAX, 2000};
  struct bench b;
  struct hn_conn *conns[4];
  bench_open(&b, INT64_MAX);
  for (size_t i = 0; i < 4; i++) conns[i] = bench_idle(&b, patience[i]);
  bench_pass(&b, 1000);
  CHECK(list_is_empty(&b.env.unfinished));
  CHECK_INT(b.pool.ends.count, 2);
  bench_pass(&b, 1000);
  CHECK_INT(b.pool.ends.count, 1);
  CHECK(heap_peek(&b.pool.ends) == &conns[0]->end);
  bench_pass(&b, 1000);
  CHECK(bench_is_alone(&b, conns[2]));
  bench_close(&b);
}

/* One of many servers, which all are the same. */
static void bench_name(struct bench *b, char name[16], int i) {
  (void)snprintf(name, 16, "host-%d.test", i);
  b->wish.origin.host = slice_of(name);
  b->wish.origin.route.kind = HN_ROUTE_ADDRESSES;
  b->wish.origin.route.via = slice_of("127.0.0.1");
  b->wish.origin.hash =
      origin_hash(&b->env.hash_key, b->wish.origin.host, b->wish.origin.port);
}

/* Origins met on the way to an idle connection of each of `count` servers. */
static size_t bench_search(int count) {
  struct bench b;
  struct hn_conn *c = NULL;
  char name[16];
  bench_open(&b, 4);
  for (int i = 1; i <= count; i++) {
    bench_name(&b, name, i);
    (void)bench_idle(&b, INT64_MAX);
  }
  b.pool.places.looked_at = 0;
  for (int i = 1; i <= count; i++) {
    bench_name(&b, name, i);
    CHECK_INT(bench_ask(&b, 0, &c), 0);
    pool_release(&b.pool, c);
  }
  size_t looked_at = b.pool.places.looked_at;
  CHECK_INT(b.pool.reused, count);
  bench_close(&b);
  return looked_at;
}

TEST(finding_one_of_many_origins_looks_at_few) {
  CHECK(bench_search(8) <= 8 * 3);
  CHECK(bench_search(56) <= 56 * 3);
}

TEST(each_origin_has_a_line_and_a_count_of_its_own) {
  struct bench b;
  struct hn_conn *first = NULL, *second = NULL, *c = NULL;
  char name[2][16];
  bench_open(&b, 1);
  bench_name(&b, name[0], 1);
  CHECK_INT(bench_ask(&b, 0, &first), 0);
  CHECK_INT(bench_ask(&b, 1, &c), HN_AGAIN);
  bench_name(&b, name[1], 2);
  CHECK_INT(bench_ask(&b, 2, &second), 0);
  CHECK_INT(bench_ask(&b, 3, &c), HN_AGAIN);
  pool_drop(&b.pool, second, false);
  CHECK_INT(bench_called(&b), 103);
  CHECK_INT(bench_called(&b), 0);
  pool_drop(&b.pool, first, false);
  CHECK_INT(bench_called(&b), 101);
  for (int i = 1; i <= 3; i += 2) pool_forget(&b.pool, &b.waiters[i]);
  CHECK_INT(b.pool.places.count, 0);
  bench_close(&b);
}

TEST(a_server_of_http_1_0_is_limited_by_what_it_said_last) {
  struct bench b;
  struct hn_conn *first = NULL, *c = NULL;
  bench_open(&b, INT64_MAX);
  pool_set_limits(&b.pool, INT64_MAX, 1);
  CHECK_INT(bench_ask(&b, 0, &first), 0);
  pool_note_1_0(first, true);
  CHECK_INT(bench_ask(&b, 1, &c), HN_AGAIN);
  pool_forget(&b.pool, &b.waiters[1]);
  pool_note_1_0(first, false);
  CHECK_INT(bench_ask(&b, 1, &c), 0);
  pool_note_1_0(c, true);
  pool_drop(&b.pool, c, false);
  CHECK_INT(bench_ask(&b, 1, &c), 0);
  pool_drop(&b.pool, c, false);
  pool_drop(&b.pool, first, false);
  bench_close(&b);
}

static int bench_reads; /* system calls, more or less */
static struct hn_transport_ops bench_ops;
static const struct hn_transport_ops *bench_below;

static int bench_read(struct hn_transport *s, char *p, size_t n, size_t *got) {
  bench_reads++;
  return bench_below->read(s, p, n, got);
}

static void bench_count_reads(struct hn_conn *c) {
  bench_below = c->transport->ops;
  bench_ops = *bench_below;
  bench_ops.read = bench_read;
  c->transport->ops = &bench_ops;
  bench_reads = 0;
}

/* How long the connection was out of sight, and whether it is looked at then:
 * it always is when the request could not be sent again. */
TEST(what_lies_idle_is_trusted_for_a_moment_only) {
  static const struct {
    int64_t idle, seen; /* us before it is taken; seen -1: never */
    bool probe, watched;
    int reads;
  } rows[] = {
      {0, -1, false, true, 0},
      {HN_POOL_TRUST - 1, -1, false, true, 0},
      {HN_POOL_TRUST, -1, false, true, 1},
      {50 * 1000, -1, false, true, 1},
      {0, -1, true, true, 1},
      {50 * 1000, HN_POOL_TRUST - 1, false, true, 0},
      {50 * 1000, HN_POOL_TRUST, false, true, 1},
      {50 * 1000, 0, true, true, 1},
      {50 * 1000, 0, false, false, 1},
      {HN_POOL_TRUST - 1, 50 * 1000, false, true, 0},
  };
  CHECK_INT(HN_POOL_TRUST, 1000);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bench b;
    struct hn_conn *c = NULL;
    bench_open(&b, INT64_MAX);
    struct hn_conn *idle = bench_idle(&b, INT64_MAX);
    bench_count_reads(idle);
    b.env.now_us = idle->idle_since + rows[i].idle;
    if (rows[i].seen >= 0) b.env.seen_at = b.env.now_us - rows[i].seen;
    b.wish.probe = rows[i].probe;
    if (!rows[i].watched) {
      reactor_remove(b.env.reactor, idle->transport->ops->fd(idle->transport));
      idle->interest = 0;
    }
    CHECK_INT(bench_ask(&b, 0, &c), 0);
    CHECK(c == idle);
    CHECK_INT(bench_reads, rows[i].reads);
    bench_close(&b);
  }
}

TEST(what_came_unasked_is_seen_before_a_request_could_believe_it) {
  struct bench b;
  struct hn_conn *c = NULL;
  bench_open(&b, INT64_MAX);
  struct hn_conn *idle = bench_idle(&b, INT64_MAX);
  int peer = accept(b.listener, NULL, NULL);
  CHECK_INT(send(peer, "HTTP", 4, 0), 4);
  CHECK(fixture_wait(&b.env, idle->tag, 5000));
  b.env.now_us = idle->idle_since + HN_POOL_TRUST;
  CHECK_INT(bench_ask(&b, 0, &c), 0);
  CHECK_INT(b.pool.opened, 2);
  CHECK_INT(b.pool.reused, 0);
  close(peer);
  bench_close(&b);
}

/* The rest of a body was thrown away, and more came behind it. */
TEST(what_follows_a_drained_body_is_seen_as_well) {
  struct bench b;
  struct hn_conn *first = NULL, *c = NULL;
  bench_open(&b, INT64_MAX);
  CHECK_INT(bench_ask(&b, 0, &first), 0);
  bench_connect(&b, first);
  int peer = accept(b.listener, NULL, NULL);
  static char waste[HN_READ_AHEAD];
  bench_drain(&b, first, sizeof waste);
  CHECK_INT(send(peer, waste, sizeof waste, 0), sizeof waste);
  CHECK_INT(send(peer, "HTTP", 4, 0), 4);
  CHECK(fixture_wait(&b.env, first->tag, 5000));
  CHECK_INT(bench_ask(&b, 1, &c), 0);
  CHECK_INT(b.pool.opened, 2);
  close(peer);
  bench_close(&b);
}

/* Over all pools: what drains first, then what has lain idle the longest. */
TEST(the_one_missed_least_is_given_up_first) {
  struct bench a, b;
  struct hn_conn *draining = NULL;
  bench_open(&a, INT64_MAX);
  bench_open(&b, INT64_MAX);
  list_remove(&b.pool.link);
  list_append(&a.env.pools, &b.pool.link);
  struct hn_conn *second = bench_idle(&a, INT64_MAX);
  struct hn_conn *third = bench_idle(&a, INT64_MAX);
  struct hn_conn *first = bench_idle(&b, INT64_MAX);
  first->idle_since = 1;
  second->idle_since = 2;
  third->idle_since = 3;
  a.wish.fresh = true;
  CHECK_INT(bench_ask(&a, 1, &draining), 0);
  bench_connect(&a, draining);
  bench_drain(&a, draining, 1000);
  CHECK(pool_evict_any(&a.env));
  CHECK(list_is_empty(&a.pool.draining));
  CHECK(pool_evict_any(&a.env));
  CHECK(list_is_empty(&b.pool.idle));
  CHECK(pool_evict_any(&a.env));
  CHECK(bench_is_alone(&a, third));
  CHECK(pool_evict_any(&a.env));
  CHECK(!pool_evict_any(&a.env));
  bench_close(&a);
  bench_close(&b);
}

/* Writes as much of `rest` as there is room for. */
static void bench_put(int fd, uint64_t *rest) {
  static const char waste[64 * 1024];
  while (*rest > 0) {
    size_t n = *rest < sizeof waste ? (size_t)*rest : sizeof waste;
    ssize_t put = send(fd, waste, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put <= 0) return;
    *rest -= (uint64_t)put;
  }
}

TEST(a_long_rest_is_drained_in_portions) {
  enum { SIZE = 20 * HN_SMALL_PORTION };
  struct bench b;
  struct hn_conn *c = NULL;
  uint64_t rest = SIZE;
  int paused = 0;
  bench_open(&b, INT64_MAX);
  b.env.is_hurried = true;
  CHECK_INT(bench_ask(&b, 0, &c), 0);
  bench_connect(&b, c);
  int peer = accept(b.listener, NULL, NULL);
  bench_put(peer, &rest);
  conn_mark_ready(c, HN_WANT_READ);
  bench_drain(&b, c, SIZE);
  while (h1_line(c)->rest > 0) {
    uint64_t before = h1_line(c)->rest;
    paused += !list_is_empty(&c->again);
    bench_put(peer, &rest);
    if (list_is_empty(&c->again)) {
      CHECK(fixture_wait(&b.env, c->tag, 5000));
      conn_mark_ready(c, HN_WANT_READ);
    }
    list_remove(&c->again);
    pool_on_ready(c);
    CHECK(before - h1_line(c)->rest < HN_SMALL_PORTION + HN_READ_AHEAD);
  }
  CHECK(paused > 0);
  CHECK(list_is_empty(&b.env.unfinished));
  CHECK(list_first(&b.pool.idle) == &c->link);
  close(peer);
  bench_close(&b);
}

TEST(one_that_is_retired_while_it_is_dialled_serves_no_other) {
  struct bench b;
  struct hn_conn *c = NULL;
  bench_open(&b, INT64_MAX);
  CHECK_INT(bench_ask(&b, 0, &c), 0);
  pool_retire(&b.pool);
  bench_connect(&b, c);
  CHECK(!h1_line(c)->turn.keep_alive);
  pool_release(&b.pool, c);
  CHECK_INT(b.env.connections, 0);
  bench_close(&b);
}

TEST_MAIN(ROW(one_that_is_retired_while_it_is_dialled_serves_no_other),
          ROW(the_line_is_served_in_its_order),
          ROW(one_who_goes_although_called_makes_room_for_the_next),
          ROW(one_on_hold_is_in_nobodys_way),
          ROW(an_idle_connection_gives_way_to_a_fresh_one),
          ROW(a_connection_that_cannot_be_made_is_the_next_ones_chance),
          ROW(a_lowered_limit_is_reached_by_giving_up_what_lies_idle),
          ROW(a_lowered_limit_closes_what_it_makes_too_many),
          ROW(a_raised_limit_calls_all_who_wait_and_leaves_them_in_order),
          ROW(what_lies_idle_is_closed_in_time),
          ROW(what_is_kept_for_ever_is_not_closed_unless_its_server_says_so),
          ROW(what_has_lain_idle_too_long_is_not_used),
          ROW(what_expires_at_once_is_closed_in_portions),
          ROW(what_servers_limit_is_closed_in_the_order_of_its_ends),
          ROW(finding_one_of_many_origins_looks_at_few),
          ROW(each_origin_has_a_line_and_a_count_of_its_own),
          ROW(a_server_of_http_1_0_is_limited_by_what_it_said_last),
          ROW(what_lies_idle_is_trusted_for_a_moment_only),
          ROW(what_came_unasked_is_seen_before_a_request_could_believe_it),
          ROW(what_follows_a_drained_body_is_seen_as_well),
          ROW(the_one_missed_least_is_given_up_first),
          ROW(a_long_rest_is_drained_in_portions))
