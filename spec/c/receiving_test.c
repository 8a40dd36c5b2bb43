/*
 * receiving_test.c: when a response is over, and what its deadlines do then.
 * Time stands still, and is moved by hand.
 */
#include "../../csrc/net/clock.h"
#include "serve_fixture.h"

enum { TOTAL = 1000, SECOND = 1000 * 1000, TOO_LONG = 60 /* s */ };

/* Answers each request as its method asks, and says that it is gzip. */
static void serve_coded(int fd) {
  while (serve_take_head(fd))
    serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                  "Content-Length: 20\r\n\r\n");
}

static void serve_nothing(int fd) {
  while (serve_take_head(fd))
    serve_say(fd, "HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n");
}

static void serve_unchanged(int fd) {
  while (serve_take_head(fd))
    serve_say(fd, "HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\n"
                  "Content-Length: 20\r\n\r\n");
}

static void serve_silence(int fd) {
  while (serve_take_head(fd)) continue;
}

static void open_at_rest(struct client *c, struct serve *s, serve_fn *run) {
  serve_start(s, run);
  client_open(c, s->port, 0);
  clock_set_fake(clock_now_us() / 1000 * 1000); /* deadlines count in ms */
}

static void end(struct client *c, struct serve *s) {
  hn_runtime_free(c->rt);
  serve_stop(s);
  clock_set_fake(-1);
}

static void pass(int64_t us) {
  clock_set_fake(clock_now_us() + us);
}

/* What a read comes to when total_timeout has passed since the head came. */
static int read_late(serve_fn *run, const char *method, uint64_t *moved) {
  struct serve s;
  struct client c;
  struct hn_event e = {0};
  open_at_rest(&c, &s, run);
  client_set_number(&c, "total_timeout", HN_TYPE_TIME, TOTAL);
  hn_handle r = client_request(&c, method);
  CHECK(client_exchange(&c, r));
  pass(2 * SECOND);
  CHECK_INT(hn_read(c.rt, r, 0, HN_READ_ALL), 0);
  (void)client_await(&c, r, HN_OP_READ_DATA, &e);
  *moved = e.number;
  int code = e.code;
  end(&c, &s);
  return code;
}

TEST(a_response_without_a_body_is_over_with_its_head_whatever_its_coding) {
  static const struct {
    serve_fn *run;
    const char *method;
    int code;
  } rows[] = {
      {serve_coded, "HEAD", 0},
      {serve_nothing, "GET", 0},
      {serve_unchanged, "GET", 0},
      {serve_coded, "GET", HN_ERR_TIMEOUT},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint64_t moved;
    CHECK_INT(read_late(rows[i].run, rows[i].method, &moved), rows[i].code);
    CHECK_INT(moved, 0);
  }
}

/* Whether a step ends at once although it may wait for ever: a watchdog kills
 * the test else. */
TEST(a_step_behind_a_deadline_does_not_wait) {
  static const int64_t late[] = {0, 1, 5 * SECOND};
  for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
    struct serve s;
    struct client c;
    struct hn_event e;
    open_at_rest(&c, &s, serve_silence);
    client_set_number(&c, "receive_timeout", HN_TYPE_TIME, TOTAL);
    client_set_number(&c, "receive_response_timeout", HN_TYPE_TIME, TOTAL);
    hn_handle r = client_request(&c, "GET");
    CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
    CHECK(client_await(&c, r, HN_OP_SEND_REQUEST, &e));
    CHECK_INT(hn_receive_response(c.rt, r), 0);
    for (int k = 0; k < 20; k++) CHECK_INT(hn_step(c.rt, 0), 0);
    CHECK_INT(hn_next_timeout(c.rt), TOTAL);
    pass(TOTAL * 1000 - 1);
    CHECK_INT(hn_next_timeout(c.rt), 1);
    CHECK_INT(hn_step(c.rt, 0), 0);
    CHECK(!hn_next_event(c.rt, 0, &e));
    pass(1 + late[i]);
    CHECK_INT(hn_next_timeout(c.rt), 0);
    bool told = false;
    alarm(TOO_LONG);
    for (int k = 0; k < 20 && !told; k++) {
      CHECK_INT(hn_step(c.rt, -1), 0);
      told = hn_next_event(c.rt, 0, &e);
    }
    alarm(0);
    CHECK(told);
    CHECK_INT(e.code, HN_ERR_TIMEOUT);
    end(&c, &s);
  }
}

/* The same for what has run out while nothing ran. */
TEST(what_is_begun_behind_the_total_deadline_fails_at_once) {
  struct serve s;
  struct client c;
  struct hn_event e;
  open_at_rest(&c, &s, serve_coded);
  client_set_number(&c, "total_timeout", HN_TYPE_TIME, TOTAL);
  hn_handle r = client_request(&c, "GET");
  CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(client_await(&c, r, HN_OP_SEND_REQUEST, &e));
  pass(SECOND - 1);
  CHECK(hn_next_timeout(c.rt) <= 1);
  pass(1);
  CHECK_INT(hn_next_timeout(c.rt), 0);
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  alarm(TOO_LONG);
  CHECK(!client_await(&c, r, HN_OP_RECEIVE_RESPONSE, &e));
  alarm(0);
  CHECK_INT(e.code, HN_ERR_TIMEOUT);
  end(&c, &s);
}

TEST_MAIN(
    ROW(a_response_without_a_body_is_over_with_its_head_whatever_its_coding),
    ROW(a_step_behind_a_deadline_does_not_wait),
    ROW(what_is_begun_behind_the_total_deadline_fails_at_once))
