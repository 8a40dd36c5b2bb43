/*
 * transfer_test.c: a request that waits until its announcement was heard: what
 * runs meanwhile, what wakes it, and what is left of it when it is not to go
 * on. Time stands still, and is moved by hand.
 */
#include "../../csrc/core/event.h"
#include "../../csrc/net/clock.h"
#include "serve_fixture.h"

enum { SECOND = 1000 * 1000, LONG = 10 * SECOND, TIMEOUT = 1000 /* ms */ };

/* In the order in which a request comes to them: how much of it the server has
 * got by then. */
static const struct hold_row {
  uint32_t status;
  int connections, heads;
} holds[] = {
    {HN_STATUS_RESOLVING_NAME, 0, 0},
    {HN_STATUS_NAME_RESOLVED, 0, 0},
    {HN_STATUS_CONNECTING_TO_SERVER, 0, 0},
    {HN_STATUS_CONNECTED_TO_SERVER, 1, 0},
    {HN_STATUS_SENDING_REQUEST, 1, 0},
    {HN_STATUS_INTERMEDIATE_RESPONSE, 1, 1},
    {HN_STATUS_REDIRECT, 1, 1},
};

enum { HOLDS = sizeof holds / sizeof *holds };

static int heads; /* that the server has read */
static int ended; /* connections that it has closed */

static void count_one(int *n) {
  __atomic_add_fetch(n, 1, __ATOMIC_SEQ_CST);
}

/* 103, a redirect to the same server, 200. */
static void serve_journey(int fd) {
  static const char *const answers[] = {
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 5\r\n\r\nmoved",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend"};
  for (int i = 0; serve_take_head(fd); i++) {
    count_one(&heads);
    serve_say(fd, answers[i > 0]);
  }
}

static void serve_hanging_up(int fd) {
  shutdown(fd, SHUT_RDWR);
  count_one(&ended);
}

/* 103 and no more, or a redirect whose body never comes to its end. */
static void serve_some(int fd) {
  if (serve_take_head(fd))
    serve_say(fd, "HTTP/1.1 103 Early Hints\r\n\r\n"
                  "HTTP/1.1 302 Found\r\nLocation: /b\r\n"
                  "Content-Length: 9\r\n\r\nmoved");
  serve_hanging_up(fd);
}

/* A request that stands at a hold; its event was taken, or is about to be. */
struct scene {
  struct serve s;
  struct client c;
  hn_handle r;
};

static void scene_open(struct scene *t, serve_fn *run, uint32_t status) {
  static const char *const times[] = {"resolve_timeout", "connect_timeout",
                                      "send_timeout", "receive_timeout",
                                      "receive_response_timeout"};
  heads = ended = 0;
  serve_start(&t->s, run);
  client_open(&t->c, t->s.port, status);
  for (size_t i = 0; i < sizeof times / sizeof *times; i++)
    client_set_number(&t->c, times[i], HN_TYPE_TIME, TIMEOUT);
  clock_set_fake(clock_now_us() / 1000 * 1000);
}

static void scene_close(struct scene *t) {
  hn_runtime_free(t->c.rt);
  serve_stop(&t->s);
  clock_set_fake(-1);
}

static uint32_t scene_next_status(const struct scene *t) {
  struct hn_link *l = list_first(&t->c.rt->events);
  if (!l) return 0;
  return HN_CONTAINER_OF(l, struct hn_event_record, all)->event.status;
}

/* Sends, and goes on to receive, until that status is the next event. */
static void scene_send(struct scene *t, uint32_t status) {
  struct hn_event e;
  t->r = client_request(&t->c, "GET");
  CHECK_INT(hn_send(t->c.rt, t->r, none(), none(), HN_LENGTH_AUTO), 0);
  for (int i = 0; i < 1000 && scene_next_status(t) != status; i++) {
    if (!hn_next_event(t->c.rt, 0, &e))
      CHECK_INT(hn_step(t->c.rt, 1000), 0);
    else if (e.op == HN_OP_SEND_REQUEST)
      CHECK_INT(hn_receive_response(t->c.rt, t->r), 0);
  }
  CHECK_INT(scene_next_status(t), status);
}

static void scene_take(struct scene *t, uint32_t status) {
  struct hn_event e = {0};
  CHECK(hn_next_event(t->c.rt, 0, &e));
  CHECK_INT(e.status, status);
}

/* The response's head in the end; or the code of the error. */
static int scene_finish(struct scene *t) {
  struct hn_event e;
  for (int i = 0; i < 1000; i++) {
    while (hn_next_event(t->c.rt, 0, &e)) {
      if (e.status == HN_STATUS_REQUEST_ERROR) return e.code;
      if (e.op == HN_OP_RECEIVE_RESPONSE) return 0;
      if (e.op == HN_OP_SEND_REQUEST)
        CHECK_INT(hn_receive_response(t->c.rt, t->r), 0);
    }
    CHECK_INT(hn_step(t->c.rt, 1000), 0);
  }
  return -1;
}

static void label(const struct hold_row *row) {
  const struct hn_status_entry *s;
  for (size_t i = 0; (s = hn_status_at(i)) != NULL; i++)
    if (s->bit == row->status) test_label(s->name);
}

TEST(no_time_of_its_own_runs_while_it_is_held) {
  for (int i = 0; i < 2 * HOLDS; i++) {
    const struct hold_row *row = &holds[i / 2];
    struct scene t;
    label(row);
    scene_open(&t, serve_journey, row->status);
    scene_send(&t, row->status);
    if (i % 2) scene_take(&t, row->status);
    clock_set_fake(clock_now_us() + LONG);
    for (int k = 0; k < 5; k++) CHECK_INT(hn_step(t.c.rt, 0), 0);
    CHECK_INT(scene_next_status(&t), i % 2 ? 0 : row->status);
    CHECK_INT(scene_finish(&t), 0);
    scene_close(&t);
    CHECK_INT(heads, 2);
  }
}

TEST(the_time_of_the_whole_request_runs_on) {
  for (int i = 0; i < 2 * HOLDS; i++) {
    const struct hold_row *row = &holds[i / 2];
    struct scene t;
    label(row);
    scene_open(&t, serve_journey, row->status);
    client_set_number(&t.c, "total_timeout", HN_TYPE_TIME, 2 * TIMEOUT);
    scene_send(&t, row->status);
    if (i % 2) scene_take(&t, row->status);
    clock_set_fake(clock_now_us() + LONG);
    CHECK_INT(hn_step(t.c.rt, 0), 0);
    CHECK_INT(scene_finish(&t), HN_ERR_TIMEOUT);
    /* Nothing is left of the hold. */
    CHECK_INT(hn_set_mask(t.c.rt, t.r, 0), 0);
    CHECK_INT(hn_send(t.c.rt, t.r, none(), none(), HN_LENGTH_AUTO), 0);
    CHECK_INT(scene_finish(&t), 0);
    scene_close(&t);
  }
}

/* Each report of a descriptor is a step for nothing. */
TEST(what_its_server_does_meanwhile_wakes_nobody) {
  for (int i = 3; i < HOLDS; i++) {
    const struct hold_row *row = &holds[i];
    struct scene t;
    size_t reports = 0;
    label(row);
    scene_open(&t, row->heads ? serve_some : serve_hanging_up, row->status);
    scene_send(&t, row->status);
    while (__atomic_load_n(&ended, __ATOMIC_SEQ_CST) == 0) serve_nap(1);
    for (int k = 0; k < 100; k++) {
      if (k == 50) scene_take(&t, row->status);
      CHECK_INT(hn_step(t.c.rt, 0), 0);
      reports += t.c.rt->news_count;
    }
    CHECK(reports <= 2);
    CHECK(scene_finish(&t) > 0);
    scene_close(&t);
  }
}

enum act { CLOSES, CANCELS, REFUSES, LISTENS_NO_MORE, ACTS };

/* What the operation that runs comes to; 0 when nothing is said of it. */
static int act_out(struct scene *t, enum act act) {
  hn_runtime *rt = t->c.rt;
  struct hn_event e;
  switch (act) {
  case CLOSES: CHECK_INT(hn_close(rt, t->r), 0); break;
  case CANCELS: CHECK_INT(hn_cancel(rt, t->r, HN_OP_NONE), 0); break;
  case REFUSES: CHECK_INT(hn_refuse(rt, t->r), 0); break;
  default: CHECK_INT(hn_set_mask(rt, t->r, 0), 0); return scene_finish(t);
  }
  for (int i = 0; i < 10; i++) {
    CHECK_INT(hn_step(rt, 0), 0);
    if (hn_next_event(rt, 0, &e)) return e.code;
  }
  return 0;
}

TEST(what_is_not_to_be_does_not_reach_the_server) {
  for (int i = 0; i < ACTS * HOLDS; i++) {
    const struct hold_row *row = &holds[i / ACTS];
    enum act act = (enum act)(i % ACTS);
    bool goes_on = act == LISTENS_NO_MORE;
    struct scene t;
    label(row);
    scene_open(&t, serve_journey, row->status);
    scene_send(&t, row->status);
    CHECK_INT(hn_refuse(t.c.rt, t.r), 0); /* it is not being heard yet */
    scene_take(&t, row->status);
    CHECK_INT(act_out(&t, act),
              act == CLOSES || act == REFUSES ? HN_ERR_OPERATION_CANCELLED : 0);
    if (act == CANCELS || act == REFUSES)
      CHECK_INT(hn_read(t.c.rt, t.r, 1, HN_READ_SOME),
                HN_ERR_OPERATION_CANCELLED);
    hn_discard(t.c.rt, t.c.session);
    CHECK_INT(hn_next_timeout(t.c.rt), -1);
    while (__atomic_load_n(&t.s.count, __ATOMIC_SEQ_CST) < row->connections)
      serve_nap(1);
    scene_close(&t);
    CHECK_INT(heads, goes_on ? 2 : row->heads);
    CHECK_INT(t.s.count, goes_on ? 1 : row->connections);
  }
}

/* Nobody is there to take its event, and nobody waits for it. */
TEST(a_session_goes_with_what_is_held_in_it) {
  for (int i = 0; i < 2 * HOLDS; i++) {
    const struct hold_row *row = &holds[i / 2];
    size_t handles, operations;
    struct scene t;
    label(row);
    scene_open(&t, serve_journey, row->status);
    scene_send(&t, row->status);
    if (i % 2) scene_take(&t, row->status);
    hn_discard(t.c.rt, t.c.session);
    CHECK_INT(hn_next_timeout(t.c.rt), -1);
    hn_live(t.c.rt, &handles, &operations);
    CHECK_INT(handles + operations, 0);
    scene_close(&t);
  }
}

/* One taken late is not taken for one that came after it. */
TEST(a_hold_ends_with_its_own_event_alone) {
  struct scene t;
  scene_open(&t, serve_journey, HN_STATUS_HOLDS);
  scene_send(&t, HN_STATUS_RESOLVING_NAME);
  CHECK_INT(hn_cancel(t.c.rt, t.r, HN_OP_NONE), 0);
  CHECK_INT(hn_send(t.c.rt, t.r, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK_INT(hn_step(t.c.rt, 0), 0);
  scene_take(&t, HN_STATUS_RESOLVING_NAME); /* of the send before */
  scene_take(&t, HN_STATUS_RESOLVING_NAME);
  for (int k = 0; k < 3; k++) CHECK_INT(hn_step(t.c.rt, 0), 0);
  CHECK_INT(scene_next_status(&t), 0);
  CHECK_INT(scene_finish(&t), 0);
  scene_close(&t);
}

TEST_MAIN(ROW(no_time_of_its_own_runs_while_it_is_held),
          ROW(the_time_of_the_whole_request_runs_on),
          ROW(what_its_server_does_meanwhile_wakes_nobody),
          ROW(what_is_not_to_be_does_not_reach_the_server),
          ROW(a_session_goes_with_what_is_held_in_it),
          ROW(a_hold_ends_with_its_own_event_alone))
