/*
 * pool_test.c: who gets a connection when there are only so many.
 */
#include "net_fixture.h"

#include "../../csrc/http/pool.h"

struct bench {
  struct hn_env env;
  struct hn_pool pool;
  struct hn_pool_wish wish;
  struct hn_waiter waiters[3];
  int listener;
};

static void bench_open(struct bench *b, int64_t most) {
  struct hn_address a;
  memset(b, 0, sizeof *b);
  CHECK(fixture_open(&b->env));
  list_init(&b->env.woken);
  pool_init(&b->pool, &b->env, 1);
  b->pool.max_per_server = most;
  b->listener = fixture_listen("127.0.0.1", &a);
  b->wish.origin.host = slice_of("127.0.0.1");
  b->wish.origin.port = address_port(&a);
  b->wish.limits = (struct hn_conn_limits){-1, 5000, 1, NULL};
  for (size_t i = 0; i < 3; i++) list_init(&b->waiters[i].link);
}

static void bench_close(struct bench *b) {
  for (size_t i = 0; i < 3; i++) pool_forget(&b->pool, &b->waiters[i]);
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
  CHECK(conn_is_connected(c));
}

/* Whose turn it is; 0: nobody's. */
static uint64_t bench_called(struct bench *b) {
  struct hn_link *l = list_first(&b->env.woken);
  if (!l) return 0;
  list_remove(l);
  return HN_CONTAINER_OF(l, struct hn_waiter, link)->owner;
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

TEST_MAIN(ROW(the_line_is_served_in_its_order),
          ROW(one_who_goes_although_called_makes_room_for_the_next),
          ROW(an_idle_connection_gives_way_to_a_fresh_one),
          ROW(a_connection_that_cannot_be_made_is_the_next_ones_chance),
          ROW(a_lowered_limit_is_reached_by_giving_up_what_lies_idle))
