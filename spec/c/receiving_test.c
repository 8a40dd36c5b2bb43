/*
 * receiving_test.c: when a response is over, and what its deadlines do then.
 * Time stands still, and is moved by hand. And how much of it each read takes.
 */
#include <fcntl.h>

#include "../../csrc/handles/request.h"
#include "../../csrc/hinternet_file.h"
#include "../../csrc/net/clock.h"
#include "policy_fixture.h"

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

/* The longer of the two. */
TEST(a_head_has_a_time_of_its_own) {
  for (int i = 1; i <= 5; i += 4) {
    struct serve s;
    struct client c;
    struct hn_event e;
    open_at_rest(&c, &s, serve_silence);
    client_set_number(&c, "receive_timeout", HN_TYPE_TIME, i * TOTAL);
    client_set_number(&c, "receive_response_timeout", HN_TYPE_TIME,
                      (6 - i) * TOTAL);
    hn_handle r = client_request(&c, "GET");
    CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
    CHECK(client_await(&c, r, HN_OP_SEND_REQUEST, &e));
    CHECK_INT(hn_receive_response(c.rt, r), 0);
    for (int k = 0; k < 20; k++) CHECK_INT(hn_step(c.rt, 0), 0);
    CHECK_INT(hn_next_timeout(c.rt), 5 * TOTAL);
    end(&c, &s);
  }
}

/* ---------------------------------------------------------- how much it takes
 */

enum { MANY = 1 << 20 };

static char many[MANY];

static void serve_chunks(int fd) {
  while (serve_take_head(fd))
    serve_say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n3\r\ndef\r\n4\r\nghij\r\n0\r\n\r\n");
}

static void serve_many(int fd) {
  if (!serve_take_head(fd)) return;
  serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
  serve_put(fd, many, MANY);
  (void)serve_take_head(fd);
}

/* A body that stays away after its beginning. */
static void serve_beginning(int fd) {
  if (!serve_take_head(fd)) return;
  serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
  serve_put(fd, many, MANY / 2);
  (void)serve_take_head(fd);
}

struct scene {
  struct serve s;
  struct client c;
  struct hn_request *r;
  hn_handle h;
  struct hn_event e;
};

/* The head is here. */
static void scene_open(struct scene *t, serve_fn *run) {
  memset(t, 0, sizeof *t);
  open_at_rest(&t->c, &t->s, run);
  client_set_number(&t->c, "total_timeout", HN_TYPE_TIME, TOTAL);
  t->h = client_request(&t->c, "GET");
  CHECK_INT(request_find(t->c.rt, t->h, &t->r), 0);
  CHECK(client_exchange(&t->c, t->h));
}

/* The bytes that came, or the code of the failure as a negative number. */
static int64_t await_read(struct scene *t) {
  if (client_await(&t->c, t->h, HN_OP_READ_DATA, &t->e))
    return (int64_t)t->e.number;
  return -(int64_t)t->e.code;
}

static int64_t read_some(struct scene *t, size_t n, enum hn_read_mode mode) {
  CHECK_INT(hn_read(t->c.rt, t->h, n, mode), 0);
  return await_read(t);
}

TEST(a_read_that_fills_takes_what_it_was_asked_for) {
  struct scene t;
  scene_open(&t, serve_chunks);
  CHECK_INT(read_some(&t, 4, HN_READ_FILL), 4);
  CHECK_TEXT(t.e.text, "abcd");
  CHECK_INT(read_some(&t, 1, HN_READ_SOME), 1);
  CHECK_TEXT(t.e.text, "e");
  CHECK(timer_is_set(&t.r->deadline));
  CHECK_INT(read_some(&t, 100, HN_READ_FILL), 5);
  CHECK_TEXT(t.e.text, "fghij");
  CHECK(!t.e.ended);
  CHECK(!timer_is_set(&t.r->deadline));
  CHECK_INT(read_some(&t, 100, HN_READ_FILL), 0);
  CHECK(t.e.ended);
  CHECK_INT(read_some(&t, 0, HN_READ_ALL), 0);
  CHECK(!t.e.ended);
  end(&t.c, &t.s);
}

TEST(a_whole_body_may_be_as_long_as_its_limit) {
  for (int limit = 9; limit <= 11; limit++) {
    struct scene t;
    struct hn_value v = {.type = HN_TYPE_INTEGER, .number = limit};
    scene_open(&t, serve_chunks);
    CHECK_INT(hn_set_option(t.c.rt, t.h, slice_of("max_response_body"), &v), 0);
    CHECK_INT(read_some(&t, 0, HN_READ_ALL),
              limit < 10 ? -HN_ERR_INSUFFICIENT_BUFFER : 10);
    end(&t.c, &t.s);
  }
}

TEST(reads_that_make_no_sense_begin_nothing) {
  struct scene t;
  scene_open(&t, serve_chunks);
  CHECK_INT(hn_read(t.c.rt, t.h, 0, HN_READ_SOME), HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_read(t.c.rt, t.h, 0, HN_READ_FILL), HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_read(t.c.rt, t.h, 1, (enum hn_read_mode)(HN_READ_ALL + 1)),
            HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_read_to(t.c.rt, t.h, -1, 9), HN_ERR_INVALID_PARAMETER);
  CHECK(!t.r->rx.running);
  CHECK_INT(hn_read_to(t.c.rt, t.h, 99999, 9), 0);
  CHECK_INT(await_read(&t), -HN_ERR_WRITE_FAULT);
  end(&t.c, &t.s);
}

static int64_t copy(struct scene *t, int fd, uint64_t limit) {
  CHECK_INT(hn_read_to(t->c.rt, t->h, fd, limit), 0);
  return await_read(t);
}

TEST(a_copy_stops_at_its_limit) {
  struct scene t;
  int fds[2];
  char text[16] = "";
  CHECK_INT(pipe(fds), 0);
  scene_open(&t, serve_chunks);
  CHECK_INT(copy(&t, fds[1], 4), 4);
  CHECK(timer_is_set(&t.r->deadline));
  CHECK_INT(read_some(&t, 1, HN_READ_SOME), 1);
  CHECK_TEXT(t.e.text, "e");
  CHECK_INT(copy(&t, fds[1], UINT64_MAX), 5);
  CHECK(!timer_is_set(&t.r->deadline));
  CHECK_INT(copy(&t, fds[1], UINT64_MAX), 0);
  CHECK(!t.e.ended);
  CHECK_INT(read(fds[0], text, sizeof text), 9);
  CHECK_TEXT(slice_of(text), "abcdfghij");
  close(fds[0]);
  close(fds[1]);
  end(&t.c, &t.s);
}

/* A server as fast as we are: each step leaves the others their turn. */
TEST(a_long_read_takes_turns) {
  for (int i = 0; i < 2; i++) {
    struct scene t;
    uint64_t before = 0;
    int fd = open("/dev/null", O_WRONLY), steps = 0;
    scene_open(&t, serve_many);
    CHECK_INT(hn_set_budget(t.c.rt, INT64_MAX / 8), 0);
    serve_nap(20); /* for more to lie there, which may be less as well */
    if (i == 0)
      CHECK_INT(hn_read(t.c.rt, t.h, 0, HN_READ_ALL), 0);
    else
      CHECK_INT(hn_read_to(t.c.rt, t.h, fd, UINT64_MAX), 0);
    while (t.r->rx.running) {
      CHECK_INT(hn_step(t.c.rt, 1000), 0);
      if (!t.r->rx.running) break;
      CHECK(t.r->rx.moved - before < (uint64_t)4 * HN_SMALL_PORTION);
      before = t.r->rx.moved;
      steps++;
    }
    CHECK(steps >= 2);
    CHECK_INT(await_read(&t), MANY);
    close(fd);
    end(&t.c, &t.s);
  }
}

/* Each report of it would be a step for nothing. */
TEST(a_file_is_not_watched_while_the_server_says_nothing) {
  static char waste[1 << 16];
  struct scene t;
  int fds[2];
  size_t reports = 0;
  CHECK_INT(pipe2(fds, O_NONBLOCK), 0);
  scene_open(&t, serve_beginning);
  CHECK_INT(hn_read_to(t.c.rt, t.h, fds[1], UINT64_MAX), 0);
  for (int i = 0; i < 1000 && !t.r->rx.file_waits; i++)
    CHECK_INT(hn_step(t.c.rt, 1000), 0);
  for (int i = 0; i < 10000 && t.r->rx.moved < MANY / 2; i++) {
    while (read(fds[0], waste, sizeof waste) > 0) continue;
    CHECK_INT(hn_step(t.c.rt, 1), 0);
  }
  while (read(fds[0], waste, sizeof waste) > 0) continue;
  for (int i = 0; i < 20; i++) {
    CHECK_INT(hn_step(t.c.rt, 0), 0);
    reports += t.c.rt->news_count;
  }
  CHECK(reports <= 2);
  CHECK(!t.r->rx.file_waits);
  close(fds[0]);
  close(fds[1]);
  end(&t.c, &t.s);
}

TEST(no_response_before_the_request_is_out) {
  struct serve s;
  struct client c;
  struct hn_event e;
  open_at_rest(&c, &s, serve_silence);
  hn_handle r = client_request(&c, "POST");
  CHECK_INT(hn_send(c.rt, r, none(), none(), 4), 0);
  CHECK(client_await(&c, r, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(hn_receive_response(c.rt, r), HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK_INT(hn_write(c.rt, r, slice_of("body")), 0);
  CHECK_INT(hn_receive_response(c.rt, r), HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK(client_await(&c, r, HN_OP_WRITE_DATA, &e));
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  r = client_request(&c, "POST");
  CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_CHUNKED), 0);
  CHECK(client_await(&c, r, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(hn_write(c.rt, r, slice_of("body")), 0);
  CHECK_INT(hn_receive_response(c.rt, r), HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK(client_await(&c, r, HN_OP_WRITE_DATA, &e));
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  end(&c, &s);
}

TEST(a_policy_without_files_copies_nothing) {
  struct serve s;
  struct client c;
  serve_start(&s, serve_chunks);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK});
  hn_handle r = policy_request(&c, "127.0.0.1", s.port, 0);
  CHECK_INT(policy_go(&c, r), 0);
  CHECK_INT(hn_read_to(c.rt, r, s.listener, 1), HN_ERR_ACCESS_DENIED);
  CHECK_INT(hn_read(c.rt, r, 4, HN_READ_FILL), 0);
  CHECK(heard(&c, r, HN_OP_READ_DATA));
  policy_close(&c);
  serve_stop(&s);
}

static void serve_nowhere(int fd) {
  while (serve_take_head(fd))
    serve_say(fd, "HTTP/1.1 302 Found\r\nLocation: http://a:0/\r\n"
                  "Content-Length: 0\r\n\r\n");
}

TEST(a_head_that_cannot_be_followed_ends_its_receive) {
  struct serve s;
  struct client c;
  struct hn_event e;
  open_at_rest(&c, &s, serve_nowhere);
  hn_handle r = client_request(&c, "GET");
  alarm(TOO_LONG);
  CHECK(!client_exchange(&c, r));
  alarm(0);
  CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(client_await(&c, r, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  CHECK(!client_await(&c, r, HN_OP_RECEIVE_RESPONSE, &e));
  CHECK_INT(e.code, HN_ERR_REDIRECT_FAILED);
  end(&c, &s);
}

/* Whatever the request is at. */
TEST(a_late_receive_fails_by_its_time_alone) {
  struct scene t;
  scene_open(&t, serve_chunks);
  pass(2 * SECOND);
  CHECK_INT(hn_receive_response(t.c.rt, t.h), 0);
  CHECK_INT(t.r->state, HN_REQUEST_RECEIVED);
  CHECK(!client_await(&t.c, t.h, HN_OP_RECEIVE_RESPONSE, &t.e));
  CHECK_INT(t.e.code, HN_ERR_TIMEOUT);
  end(&t.c, &t.s);
}

TEST_MAIN(
    ROW(a_response_without_a_body_is_over_with_its_head_whatever_its_coding),
    ROW(a_step_behind_a_deadline_does_not_wait),
    ROW(what_is_begun_behind_the_total_deadline_fails_at_once),
    ROW(a_head_has_a_time_of_its_own),
    ROW(a_read_that_fills_takes_what_it_was_asked_for),
    ROW(a_whole_body_may_be_as_long_as_its_limit),
    ROW(reads_that_make_no_sense_begin_nothing), ROW(a_copy_stops_at_its_limit),
    ROW(a_long_read_takes_turns),
    ROW(a_file_is_not_watched_while_the_server_says_nothing),
    ROW(no_response_before_the_request_is_out),
    ROW(a_policy_without_files_copies_nothing),
    ROW(a_head_that_cannot_be_followed_ends_its_receive),
    ROW(a_late_receive_fails_by_its_time_alone))
