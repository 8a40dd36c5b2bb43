/*
 * news_test.c: what a dial announces waits until its log's owner has heard it.
 * The clock is the environment's own: nothing here takes real time.
 */
#include <fcntl.h>

#include "dial_fixture.h"

static const uint32_t holds = HN_STATUS_HOLDS;

struct scene {
  struct hn_env env;
  struct hn_news_log log;
  struct hn_errinfo info;
  struct hn_dial *dial;
};

static void scene_open(struct scene *s, const struct wish *w) {
  s->log = (struct hn_news_log){.mask = UINT32_MAX, .holds = holds};
  CHECK_INT(begin(&s->env, w, &s->dial), 0);
  s->env.now_us = 1000000;
}

static int scene_step(struct scene *s) {
  return dial_step(s->dial, &s->log, &s->info);
}

/* It has announced that, and nothing of it runs or is watched. */
static void scene_expect_hold(struct scene *s, uint32_t status,
                              const char *text) {
  if (!CHECK(s->log.count > 0)) return;
  const struct hn_news *n = &s->log.items[s->log.count - 1];
  CHECK_INT(s->log.held, status);
  CHECK_INT(n->status, status);
  CHECK_TEXT(slice_of(n->text), text);
  CHECK(!heap_peek(&s->env.deadlines));
  dial_unwatch(s->dial);
  struct hn_ready ready[4];
  size_t count = 1;
  CHECK_INT(reactor_wait(s->env.reactor, 0, ready, 4, &count), 0);
  CHECK_INT(count, 0);
}

static void scene_close(struct scene *s) {
  dial_free(s->dial);
  CHECK(!heap_peek(&s->env.deadlines));
}

TEST(only_what_holds_is_waited_for) {
  struct hn_news_log log = {.mask = UINT32_MAX};
  CHECK(!news_is_held(NULL));
  news_add(NULL, HN_STATUS_SENDING_REQUEST, 0);
  news_add(&log, HN_STATUS_SENDING_REQUEST, 0);
  CHECK(!news_is_held(&log));
  log.holds = holds;
  news_add(&log, HN_STATUS_REQUEST_SENT, 0);
  CHECK(!news_is_held(&log));
  log.mask = HN_STATUS_REQUEST_SENT;
  news_add(&log, HN_STATUS_SENDING_REQUEST, 0);
  CHECK(!news_is_held(&log));
  log.mask = UINT32_MAX;
  news_add_name(&log, HN_STATUS_RESOLVING_NAME, slice_of("x"));
  CHECK(news_is_held(&log));
  CHECK_INT(log.held, HN_STATUS_RESOLVING_NAME);
  while (log.count < HN_NEWS_ROOM) news_add(&log, HN_STATUS_REQUEST_SENT, 0);
  log.held = 0;
  news_add(&log, HN_STATUS_SENDING_REQUEST, 0); /* nobody will hear it */
  CHECK(!news_is_held(&log));
}

/* How far it has come shows at the listener. */
TEST(each_announcement_waits_until_it_was_heard) {
  static const struct {
    uint32_t status;
    const char *text;
    bool connected;
  } rows[] = {
      {HN_STATUS_RESOLVING_NAME, "127.0.0.1", false},
      {HN_STATUS_NAME_RESOLVED, "127.0.0.1", false},
      {HN_STATUS_CONNECTING_TO_SERVER, "127.0.0.1", false},
      {HN_STATUS_CONNECTED_TO_SERVER, "127.0.0.1", true},
  };
  struct scene s;
  struct hn_address a;
  CHECK(fixture_open(&s.env));
  int listener = fixture_listen("127.0.0.1", &a);
  CHECK_INT(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
  struct wish w = options("127.0.0.1", fixture_port(&a), NULL);
  for (size_t last = 0; last < 5; last++) { /* freed at each of them */
    scene_open(&s, &w);
    int peer = -1;
    for (size_t i = 0; i < last; i++) {
      s.log.held = 0;
      CHECK_INT(scene_step(&s), HN_AGAIN);
      CHECK_INT(s.log.count, (int)i + 1);
      if (peer < 0) peer = accept(listener, NULL, NULL);
      CHECK_INT(peer >= 0, rows[i].connected);
      if (peer >= 0) CHECK_INT(send(peer, "x", 1, 0), 1);
      scene_expect_hold(&s, rows[i].status, rows[i].text);
    }
    s.log.held = 0;
    if (last == 4) {
      struct hn_ready ready[4];
      size_t count = 0;
      CHECK_INT(scene_step(&s), 0);
      CHECK_INT(reactor_wait(s.env.reactor, 0, ready, 4, &count), 0);
      CHECK(count == 1 && ready[0].tag == TAG); /* watched again */
    }
    scene_close(&s);
    if (peer >= 0) close(peer);
  }
  close(listener);
  fixture_close(&s.env);
}

/* Two addresses of one port: nobody answers at the first. */
static int open_two(struct scene *s, struct fixture_hole *hole) {
  struct hn_address a, b;
  CHECK(fixture_open(&s->env));
  fixture_open_hole(hole, &a);
  CHECK(address_parse(slice_of("127.0.0.2"), fixture_port(&a), &b));
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  CHECK_INT(bind(listener, &b.u.any, b.size), 0);
  CHECK_INT(listen(listener, 4), 0);
  struct wish w = options("x", fixture_port(&a), NULL);
  w.limits.connect_timeout = 1000;
  w.origin.route =
      (struct hn_route){HN_ROUTE_ADDRESSES, slice_of("127.0.0.1, 127.0.0.2")};
  scene_open(s, &w);
  for (int i = 0; i < 3; i++) { /* up to the connect to the first */
    CHECK_INT(scene_step(s), HN_AGAIN);
    s->log.held = 0;
  }
  CHECK_INT(scene_step(s), HN_AGAIN);
  CHECK_INT(s->log.count, 3);
  CHECK_INT(heap_peek(&s->env.deadlines)->when, 1000 + HN_TCP_STAGGER);
  s->env.now_us += HN_TCP_STAGGER * 1000;
  CHECK_INT(scene_step(s), HN_AGAIN);
  scene_expect_hold(s, HN_STATUS_CONNECTING_TO_SERVER, "127.0.0.2");
  CHECK(accept(listener, NULL, NULL) < 0);
  return listener;
}

static void close_two(struct scene *s, struct fixture_hole *hole,
                      int listener) {
  scene_close(s);
  fixture_close_hole(hole);
  close(listener);
  fixture_close(&s->env);
}

TEST(no_time_of_an_attempt_runs_while_another_is_announced) {
  struct scene s;
  struct fixture_hole hole;
  int listener = open_two(&s, &hole);
  int64_t ten_seconds = 10 * 1000 * 1000;
  s.env.now_us += ten_seconds;
  s.log.mask = s.log.holds = s.log.held = 0;
  CHECK_INT(scene_step(&s), 0); /* at once, as everybody does on loopback */
  CHECK(accept(listener, NULL, NULL) >= 0);
  close_two(&s, &hole, listener);
}

TEST(what_an_attempt_has_left_is_left_to_it_afterwards) {
  struct scene s;
  struct fixture_hole hole;
  int listener = open_two(&s, &hole);
  CHECK_INT(shutdown(listener, SHUT_RD), 0); /* refuses from here on */
  s.env.now_us += 10 * 1000 * 1000;
  s.log.held = 0;
  CHECK_INT(scene_step(&s), HN_AGAIN);
  CHECK_INT(heap_peek(&s.env.deadlines)->when, 1000 + 10 * 1000 + 1000);
  s.env.now_us = (1000 + 10 * 1000 + 1000) * (int64_t)1000;
  CHECK_INT(scene_step(&s), HN_ERR_CANNOT_CONNECT);
  close_two(&s, &hole, listener);
}

TEST_MAIN(ROW(only_what_holds_is_waited_for),
          ROW(each_announcement_waits_until_it_was_heard),
          ROW(no_time_of_an_attempt_runs_while_another_is_announced),
          ROW(what_an_attempt_has_left_is_left_to_it_afterwards))
