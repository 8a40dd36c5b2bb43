/*
 * exchange_test.c: one request and its response, over HTTP/1.1: what is known
 * of the answer, and what becomes of the connection.
 */
#include "exchange_fixture.h"

TEST(an_answer_is_told_in_words_of_no_protocol) {
  struct desk d;
  struct side s;
  desk_open(&d, protocols_h1());
  side_open(&s, &d, 0, "GET", "");
  CHECK_INT(side_ask(&s, &d,
                     "HTTP/1.1 200 All right\r\nA: b\r\n"
                     "Content-Length: 5\r\n\r\nhello"),
            0);
  const struct hn_response *r = &s.x.response;
  CHECK_INT(r->status, 200);
  CHECK_INT(r->major, 1);
  CHECK_INT(r->minor, 1);
  CHECK(slice_equal(
      slice_make(buf_peek(&s.answer.bytes).p + r->reason, r->reason_size),
      slice_of("All right")));
  CHECK_INT(r->rest, 5);
  CHECK(!r->done);
  CHECK_INT(side_read(&s, &d), 5);
  CHECK_INT(r->rest, 0);
  CHECK(r->done && !r->is_last);
  CHECK_INT(s.x.sides.rx, HN_RX_DONE);
  side_close(&s);
  desk_close(&d);
}

/* Where the connection is when the exchange is over. */
TEST(a_connection_goes_where_its_answer_lets_it) {
  static const struct {
    const char *answer;
    bool read; /* to the end */
    int idle, draining;
  } rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true, 1, 0},
      {"HTTP/1.1 204 No\r\n\r\n", true, 1, 0},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 1, 0},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", false, 0, 1},
      {"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\nok", false, 0, 0},
      {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
       true, 0, 0},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok, and more", false, 0, 0},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"
       "0\r\n\r\n",
       false, 1, 0},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
       false, 0, 0},
      {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", true, 0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct desk d;
    struct side s;
    desk_open(&d, protocols_h1());
    side_open(&s, &d, 0, "GET", "");
    CHECK_INT(side_ask(&s, &d, rows[i].answer), 0);
    if (rows[i].read) CHECK(side_read(&s, &d) >= 0);
    side_close(&s);
    CHECK_INT(desk_count(&d.pool.idle), rows[i].idle);
    CHECK_INT(desk_count(&d.pool.draining), rows[i].draining);
    CHECK_INT(desk_count(&d.pool.busy), 0);
    desk_close(&d);
  }
}

TEST(the_next_one_uses_the_same_connection) {
  struct desk d;
  desk_open(&d, protocols_h1());
  for (int i = 0; i < 3; i++) {
    struct side s;
    side_open(&s, &d, 0, "GET", "");
    CHECK_INT(side_ask(&s, &d, "HTTP/1.1 204 No\r\n\r\n"), 0);
    CHECK_INT(s.x.reused, i > 0);
    side_close(&s);
  }
  CHECK_INT(d.pool.opened, 1);
  desk_close(&d);
}

/* What the peer has got. */
static bool desk_is_silent(struct desk *d) {
  char byte;
  return recv(d->peer, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

TEST(its_beginning_is_heard_before_a_byte_goes_out) {
  struct hn_news_log log = {.mask = UINT32_MAX,
                            .holds = HN_STATUS_SENDING_REQUEST};
  struct desk d;
  struct side s;
  desk_open(&d, protocols_h1());
  side_open(&s, &d, 0, "GET", "");
  s.x.log = &log;
  CHECK_INT(side_send(&s, &d), HN_AGAIN);
  CHECK_INT(log.held, HN_STATUS_SENDING_REQUEST);
  exchange_hold(&s.x);
  CHECK(s.x.conn->is_on_hold);
  desk_accept(&d);
  CHECK(desk_is_silent(&d));
  log.held = 0;
  exchange_go_on(&s.x);
  CHECK(!s.x.conn->is_on_hold);
  CHECK_INT(side_send(&s, &d), 0);
  CHECK(!desk_is_silent(&d));
  side_close(&s);
  desk_close(&d);
}

/* Whatever is asked: nothing has gone out on the old one. */
TEST(one_that_closes_while_it_is_heard_is_replaced) {
  for (int probe = 0; probe < 2; probe++) {
    struct hn_news_log log = {.mask = UINT32_MAX};
    struct desk d;
    struct side s;
    desk_open(&d, protocols_h1());
    side_open(&s, &d, 0, "GET", "");
    CHECK_INT(side_ask(&s, &d, "HTTP/1.1 204 No\r\n\r\n"), 0);
    side_close(&s);
    side_open(&s, &d, 1, "POST", "body");
    s.message.repeatable = false;
    s.x.setup.wish.probe = probe;
    s.x.log = &log;
    log.holds = HN_STATUS_SENDING_REQUEST;
    CHECK_INT(exchange_step_send(&s.x), HN_AGAIN);
    CHECK(log.held && s.x.reused);
    desk_hang_up(&d);
    d.env.now_us += 2 * HN_POOL_TRUST;
    log.held = 0;
    CHECK_INT(side_send(&s, &d), HN_AGAIN);
    CHECK(log.held && !s.x.reused);
    log.held = 0;
    CHECK_INT(side_send(&s, &d), 0);
    CHECK_INT(d.pool.opened, 2);
    side_close(&s);
    desk_close(&d);
  }
}

TEST(an_interim_response_is_there_until_it_was_heard) {
  struct hn_news_log log = {.mask = UINT32_MAX,
                            .holds = HN_STATUS_INTERMEDIATE_RESPONSE};
  struct hn_slice link;
  struct desk d;
  struct side s;
  desk_open(&d, protocols_h1());
  side_open(&s, &d, 0, "GET", "");
  s.x.log = &log;
  CHECK_INT(side_send(&s, &d), 0);
  desk_accept(&d);
  desk_say(&d, "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"
               "HTTP/1.1 102 Late\r\n\r\nHTTP/1.1 204 No\r\n\r\n");
  CHECK_INT(side_head(&s, &d), HN_AGAIN);
  CHECK_INT(s.x.response.status, 103);
  CHECK(headers_find(&s.answer, slice_of("Link"), 0, &link));
  log.held = 0;
  CHECK_INT(side_head(&s, &d), HN_AGAIN);
  CHECK_INT(s.x.response.status, 102);
  CHECK_INT(s.answer.count, 0);
  log.held = 0;
  CHECK_INT(side_head(&s, &d), 0);
  CHECK_INT(s.x.response.status, 204);
  CHECK_INT(s.x.interim, 2);
  side_close(&s);
  desk_close(&d);
}

TEST(an_aborted_one_takes_its_connection_along) {
  struct desk d;
  struct side s;
  desk_open(&d, protocols_h1());
  side_open(&s, &d, 0, "GET", "");
  CHECK_INT(side_ask(&s, &d, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
            0);
  exchange_abort(&s.x);
  CHECK_INT(s.x.sides.rx, HN_RX_DEAD);
  CHECK_INT(d.env.connections, 0);
  side_close(&s);
  desk_close(&d);
}

TEST(a_retired_connection_serves_no_other) {
  struct desk d;
  struct side s;
  desk_open(&d, protocols_h1());
  side_open(&s, &d, 0, "GET", "");
  CHECK_INT(side_send(&s, &d), 0);
  exchange_expire(&s.x);
  CHECK_INT(side_ask(&s, &d, "HTTP/1.1 204 No\r\n\r\n"), 0);
  CHECK_INT(d.env.connections, 0);
  side_close(&s);
  desk_close(&d);
}

/* Its patience is the exchange's, not the connection's. */
TEST(its_timer_carries_its_handle) {
  struct desk d;
  struct side s;
  desk_open(&d, protocols_h1());
  side_open(&s, &d, 7, "POST", "body");
  s.message.expects = true;
  while (!exchange_is_patient(&s.x)) {
    CHECK_INT(exchange_step_send(&s.x), HN_AGAIN);
    if (!exchange_is_patient(&s.x)) desk_pump(&d);
  }
  const struct hn_timer *t = heap_peek(&d.env.deadlines);
  CHECK(t == &s.x.patience);
  CHECK_INT(t->tag, DESK_OWNER + 7);
  CHECK_INT(t->kind, HN_TIMER_PATIENCE);
  desk_accept(&d);
  desk_say(&d, "HTTP/1.1 100 Go on\r\n\r\n");
  CHECK_INT(side_send(&s, &d), 0);
  CHECK_INT(s.x.sent, 4);
  CHECK(!timer_is_set(&s.x.patience));
  side_close(&s);
  desk_close(&d);
}

TEST(a_stale_connection_is_left_for_a_new_one) {
  struct desk d;
  struct side s;
  desk_open(&d, protocols_h1());
  side_open(&s, &d, 0, "GET", "");
  CHECK_INT(side_ask(&s, &d, "HTTP/1.1 204 No\r\n\r\n"), 0);
  side_close(&s);
  side_open(&s, &d, 0, "GET", "");
  CHECK_INT(side_send(&s, &d), 0);
  desk_hang_up(&d);
  int rc;
  while ((rc = exchange_step_head(&s.x)) == HN_AGAIN && d.pool.opened < 2)
    desk_pump(&d);
  desk_accept(&d);
  desk_say(&d, "HTTP/1.1 204 No\r\n\r\n");
  CHECK_INT(side_head(&s, &d), 0);
  CHECK(s.x.retries == 1 && !s.x.reused);
  side_close(&s);
  desk_close(&d);
}

/* The rest of the request is accepted and forgotten, the connection with it. */
TEST(an_early_answer_gives_sending_up) {
  struct desk d;
  struct side s;
  size_t put = 0;
  desk_open(&d, protocols_h1());
  side_open(&s, &d, 0, "POST", "some");
  s.message.length = 9;
  CHECK_INT(side_send(&s, &d), 0);
  CHECK_INT(s.x.sides.tx, HN_TX_BODY);
  CHECK_INT(exchange_unsent(&s.x), 5);
  desk_accept(&d);
  desk_say(&d, "HTTP/1.1 413 Much\r\nContent-Length: 2\r\n\r\nno");
  int rc;
  while ((rc = exchange_look(&s.x)) == HN_AGAIN) desk_pump(&d);
  CHECK_INT(rc, 0);
  CHECK_INT(s.x.sides.tx, HN_TX_GIVEN_UP);
  CHECK_INT(s.x.sides.rx, HN_RX_HEAD);
  CHECK_INT(exchange_unsent(&s.x), 0);
  CHECK_INT(exchange_write(&s.x, slice_of("more"), &put), 0);
  CHECK_INT(put, 4);
  CHECK_INT(exchange_step_head(&s.x), 0);
  CHECK_INT(s.x.sides.rx, HN_RX_BODY);
  CHECK_INT(side_read(&s, &d), 2);
  CHECK_INT(s.x.sides.rx, HN_RX_DONE);
  CHECK_INT(d.env.connections, 0);
  side_close(&s);
  desk_close(&d);
}

/* With every allocation failing in turn. */
TEST(without_memory_it_fails_and_leaves_nothing) {
  for (long n = 1;; n++) {
    struct desk d;
    struct side s;
    desk_open(&d, protocols_h1());
    side_open(&s, &d, 0, "GET", "");
    mem_fail_at(n);
    int rc = side_send(&s, &d);
    mem_fail_at(0);
    CHECK(rc == 0 || rc == HN_ERR_NOT_ENOUGH_MEMORY);
    if (rc) CHECK_INT(s.x.sides.rx, HN_RX_DEAD);
    side_close(&s);
    desk_close(&d);
    if (rc == 0) break;
  }
}

TEST_MAIN(ROW(an_answer_is_told_in_words_of_no_protocol),
          ROW(a_connection_goes_where_its_answer_lets_it),
          ROW(the_next_one_uses_the_same_connection),
          ROW(its_beginning_is_heard_before_a_byte_goes_out),
          ROW(one_that_closes_while_it_is_heard_is_replaced),
          ROW(an_interim_response_is_there_until_it_was_heard),
          ROW(an_aborted_one_takes_its_connection_along),
          ROW(a_retired_connection_serves_no_other),
          ROW(its_timer_carries_its_handle),
          ROW(a_stale_connection_is_left_for_a_new_one),
          ROW(an_early_answer_gives_sending_up),
          ROW(without_memory_it_fails_and_leaves_nothing))
