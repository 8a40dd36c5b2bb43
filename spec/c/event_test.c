/*
 * event_test.c: who is handed which event, and in which order.
 */
#include "test.h"

#include "../../csrc/hinternet.h"

enum { SESSIONS = 40, EACH = 5 };

static struct hn_slice none(void) {
  return slice_make(NULL, 0);
}

/* A session that tells of ends, and a connection whose requests do so too and
 * tell of their beginning. */
static hn_handle open_session(hn_runtime *rt, hn_handle *connection) {
  hn_handle h = 0;
  CHECK_INT(hn_open(rt, none(), HN_OPEN_ASYNC, &h), 0);
  CHECK_INT(hn_set_mask(rt, h, HN_STATUS_HANDLE_CLOSING), 0);
  CHECK_INT(hn_connect(rt, h, slice_of("127.0.0.1"), 1, connection), 0);
  CHECK_INT(hn_set_mask(rt, *connection, HN_STATUS_HANDLE_CREATED |
                                             HN_STATUS_HANDLE_CLOSING), 0);
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
    if (i != 2)
      CHECK(take(c.rt, c.sessions[7], c.sessions[7]) == c.made[i][7]);
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

TEST_MAIN(ROW(events_of_all_sessions_come_in_the_order_of_posting),
          ROW(a_session_or_a_handle_gets_its_own_and_leaves_the_rest_in_order),
          ROW(a_closed_session_keeps_its_events_and_a_discarded_one_does_not),
          ROW(a_result_is_taken_only_when_it_is_its_sessions_oldest_event))
