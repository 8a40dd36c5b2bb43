/*
 * event_test.c: who is handed which event, and in which order.
 */
#include "../../csrc/core/duplex.h"
#include "serve_fixture.h"

enum { SESSIONS = 40, EACH = 5 };

/* A session that tells of ends, and a connection whose requests do so too and
 * tell of their beginning. */
static hn_handle open_session(hn_runtime *rt, hn_handle *connection) {
  hn_handle h = 0;
  CHECK_INT(hn_open(rt, none(), HN_OPEN_ASYNC, &h), 0);
  CHECK_INT(hn_set_mask(rt, h, HN_STATUS_HANDLE_CLOSING), 0);
  CHECK_INT(hn_connect(rt, h, slice_of("127.0.0.1"), 1, connection), 0);
  CHECK_INT(hn_set_mask(rt, *connection,
                        HN_STATUS_HANDLE_CREATED | HN_STATUS_HANDLE_CLOSING),
            0);
  return h;
}

static hn_handle open_request(hn_runtime *rt, hn_handle connection) {
  struct hn_request_spec spec = {.path = none()};
  hn_handle h = 0;
  CHECK_INT(hn_open_request(rt, connection, &spec, &h), 0);
  return h;
}

/* The handle the next event of a scope is about; 0: there is none. */
static hn_handle take(hn_runtime *rt, hn_handle scope, hn_handle session) {
  struct hn_event e;
  if (!hn_next_event(rt, scope, &e)) return 0;
  CHECK(e.session == session);
  return e.handle;
}

struct crowd {
  hn_runtime *rt;
  hn_handle sessions[SESSIONS], connections[SESSIONS];
  hn_handle made[EACH][SESSIONS]; /* in the order of their events */
};

static void crowd_open(struct crowd *c) {
  CHECK_INT(hn_runtime_new(&c->rt), 0);
  for (int s = 0; s < SESSIONS; s++)
    c->sessions[s] = open_session(c->rt, &c->connections[s]);
  for (int i = 0; i < EACH; i++)
    for (int s = 0; s < SESSIONS; s++)
      c->made[i][s] = open_request(c->rt, c->connections[s]);
}

TEST(events_of_all_sessions_come_in_the_order_of_posting) {
  struct crowd c;
  crowd_open(&c);
  for (int i = 0; i < EACH; i++)
    for (int s = 0; s < SESSIONS; s++)
      CHECK(take(c.rt, 0, c.sessions[s]) == c.made[i][s]);
  CHECK(take(c.rt, 0, 0) == 0);
  hn_runtime_free(c.rt);
}

TEST(a_session_or_a_handle_gets_its_own_and_leaves_the_rest_in_order) {
  struct crowd c;
  crowd_open(&c);
  CHECK(take(c.rt, c.made[2][7], c.sessions[7]) == c.made[2][7]);
  CHECK(take(c.rt, c.made[2][7], 0) == 0);
  for (int i = 0; i < EACH; i++)
    if (i != 2) CHECK(take(c.rt, c.sessions[7], c.sessions[7]) == c.made[i][7]);
  CHECK(take(c.rt, c.sessions[7], 0) == 0);
  for (int i = 0; i < EACH; i++)
    for (int s = 0; s < SESSIONS; s++)
      if (s != 7) CHECK(take(c.rt, 0, c.sessions[s]) == c.made[i][s]);
  CHECK(take(c.rt, 0, 0) == 0);
  hn_runtime_free(c.rt);
}

TEST(a_closed_session_keeps_its_events_and_a_discarded_one_does_not) {
  struct crowd c;
  crowd_open(&c);
  CHECK_INT(hn_close(c.rt, c.sessions[3]), 0);
  hn_discard(c.rt, c.sessions[4]);
  hn_discard(c.rt, c.made[0][5]);
  CHECK(take(c.rt, c.sessions[4], 0) == 0);
  CHECK(take(c.rt, c.made[0][5], 0) == 0);
  CHECK(take(c.rt, c.made[4][3], c.sessions[3]) == c.made[4][3]);
  for (int i = 0; i < EACH - 1; i++)
    CHECK(take(c.rt, c.sessions[3], c.sessions[3]) == c.made[i][3]);
  for (int i = 0; i < EACH; i++) /* their ends, and the connection's */
    CHECK(take(c.rt, c.sessions[3], c.sessions[3]) == c.made[i][3]);
  CHECK(take(c.rt, c.sessions[3], c.sessions[3]) == c.connections[3]);
  CHECK(take(c.rt, c.sessions[3], c.sessions[3]) == c.sessions[3]);
  CHECK(take(c.rt, c.sessions[3], 0) == 0);
  for (int i = 0; i < EACH; i++) {
    for (int s = 0; s < SESSIONS; s++) {
      if (s == 3 || s == 4 || (s == 5 && i == 0)) continue;
      CHECK(take(c.rt, 0, c.sessions[s]) == c.made[i][s]);
    }
  }
  CHECK(take(c.rt, 0, 0) == 0);
  hn_runtime_free(c.rt);
}

/* What is queued ahead of a result has to be heard first. */
TEST(a_result_is_taken_only_when_it_is_its_sessions_oldest_event) {
  struct hn_event e;
  struct crowd c;
  crowd_open(&c);
  while (hn_next_event(c.rt, c.sessions[0], &e)) continue;
  hn_handle r = open_request(c.rt, c.connections[0]);
  CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(!hn_take_result(c.rt, r, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(hn_close(c.rt, r), 0); /* cancels it */
  CHECK(!hn_take_result(c.rt, r, HN_OP_SEND_REQUEST, &e));
  CHECK(take(c.rt, c.sessions[0], c.sessions[0]) == r); /* its creation */
  CHECK(!hn_take_result(c.rt, r, HN_OP_READ_DATA, &e));
  CHECK(hn_take_result(c.rt, r, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(e.code, HN_ERR_OPERATION_CANCELLED);
  CHECK(!hn_take_result(c.rt, r, HN_OP_SEND_REQUEST, &e));
  CHECK(take(c.rt, c.sessions[0], c.sessions[0]) == r); /* its end */
  hn_runtime_free(c.rt);
}

static void say_hello(int fd) {
  if (serve_take_head(fd))
    serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

TEST(a_result_that_is_there_is_handed_over_past_the_queue) {
  struct serve s;
  struct client c;
  struct hn_event e;
  serve_start(&s, say_hello);
  client_open(&c, s.port, 0);
  hn_handle r = client_request(&c, "GET");
  CHECK(!hn_try_result(c.rt, r, HN_OP_SEND_REQUEST, &e)); /* not begun */
  CHECK(client_exchange(&c, r));
  CHECK_INT(hn_read(c.rt, r, 2, HN_READ_SOME), 0);
  CHECK(!hn_try_result(c.rt, r, HN_OP_SEND_REQUEST, &e));
  CHECK(hn_try_result(c.rt, r, HN_OP_READ_DATA, &e));
  CHECK(slice_equal(e.text, slice_of("he")));
  CHECK(e.handle == r && e.session == c.session);
  CHECK_INT(e.op, HN_OP_READ_DATA);
  CHECK(!hn_next_event(c.rt, 0, &e));
  CHECK(!hn_try_result(c.rt, r, HN_OP_READ_DATA, &e)); /* taken */
  CHECK_INT(hn_read(c.rt, r, 2, HN_READ_SOME), 0);
  CHECK_INT(hn_step(c.rt, 0), 0);
  CHECK(hn_try_result(c.rt, r, HN_OP_READ_DATA, &e)); /* from the queue */
  CHECK(slice_equal(e.text, slice_of("ll")));
  CHECK(!hn_next_event(c.rt, 0, &e));
  CHECK_INT(hn_set_mask(c.rt, r, HN_STATUS_READ_COMPLETE), 0);
  CHECK_INT(hn_read(c.rt, r, 2, HN_READ_SOME), 0);
  CHECK(!hn_try_result(c.rt, r, HN_OP_READ_DATA, &e)); /* to be heard */
  CHECK(client_await(&c, r, HN_OP_READ_DATA, &e));
  CHECK(slice_equal(e.text, slice_of("o")));
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

/* After a few in a row the others get their turn. */
/* How many results in a row are had without a wait, after one with that news.
 */
static int results_without_a_wait(size_t news) {
  struct serve s;
  struct client c;
  struct hn_event e;
  int n = 0;
  serve_start(&s, say_hello);
  client_open(&c, s.port, 0);
  hn_handle r = client_request(&c, "GET");
  CHECK(client_exchange(&c, r));
  c.rt->news_count = c.rt->news_at = news;
  do CHECK_INT(hn_read(c.rt, r, 0, HN_READ_ALL), 0);
  while (hn_try_result(c.rt, r, HN_OP_READ_DATA, &e) && ++n < 1000);
  CHECK(client_await(&c, r, HN_OP_READ_DATA, &e));
  hn_runtime_free(c.rt);
  serve_stop(&s);
  return n;
}

TEST(results_that_are_there_do_not_keep_a_step_from_looking) {
  int few = results_without_a_wait(1), many = results_without_a_wait(64);
  CHECK(few > 1 && few < 64);
  CHECK(many > 64 && many < 1000);
}

TEST(a_queue_goes_with_the_last_event_of_a_closed_session) {
  struct crowd c;
  crowd_open(&c);
  for (int s = 0; s < SESSIONS; s++)
    CHECK_INT(hn_close(c.rt, c.sessions[s]), 0);
  CHECK(!list_is_empty(&c.rt->queues));
  struct hn_event e;
  while (hn_next_event(c.rt, 0, &e))
    CHECK(list_is_empty(&c.rt->queues) == (c.rt->queued == 0));
  CHECK(list_is_empty(&c.rt->queues));
  hn_runtime_free(c.rt);
}

/* What was posted since the last step is for somebody who will look; what was
 * there before may be for somebody who does not. */
TEST(an_event_keeps_one_step_from_waiting) {
  struct crowd c;
  crowd_open(&c);
  CHECK_INT(hn_step(c.rt, -1), 0); /* or it would never return */
  for (int n = 0; n < 2; n++) {
    int64_t began = hn_monotonic_time();
    CHECK_INT(hn_step(c.rt, 2), 0);
    CHECK(hn_monotonic_time() - began >= 2000);
  }
  CHECK_INT(hn_close(c.rt, c.made[0][0]), 0);
  CHECK_INT(hn_step(c.rt, -1), 0);
  hn_runtime_free(c.rt);
}

TEST_MAIN(ROW(events_of_all_sessions_come_in_the_order_of_posting),
          ROW(a_session_or_a_handle_gets_its_own_and_leaves_the_rest_in_order),
          ROW(a_closed_session_keeps_its_events_and_a_discarded_one_does_not),
          ROW(a_result_is_taken_only_when_it_is_its_sessions_oldest_event),
          ROW(a_result_that_is_there_is_handed_over_past_the_queue),
          ROW(results_that_are_there_do_not_keep_a_step_from_looking),
          ROW(a_queue_goes_with_the_last_event_of_a_closed_session),
          ROW(an_event_keeps_one_step_from_waiting))
