#include <fcntl.h>
#include <unistd.h>

#include "../../csrc/handles/request.h"
#include "../../csrc/hinternet_file.h"
#include "../../csrc/net/clock.h"
#include "policy_fixture.h"

enum { MANY = 1 << 20, PACKET = 4096 };

static char many[MANY];

/* What the server has taken of a body, and the first of it. */
static _Atomic size_t taken;
static char first[16];

static void serve_taking(int fd) {
  static char piece[1 << 16];
  ssize_t got;
  if (!serve_take_head(fd)) return;
  while ((got = recv(fd, piece, sizeof piece, 0)) > 0) {
    for (size_t i = 0; i < (size_t)got && taken + i < sizeof first; i++)
      first[taken + i] = piece[i];
    taken += (size_t)got;
  }
}

/* Nothing is taken until the test is over. */
static _Atomic bool over;

static void serve_full(int fd) {
  while (!over) serve_nap(1);
  (void)fd;
}

static void serve_refusal(int fd) {
  char waste;
  if (!serve_take_head(fd)) return;
  serve_say(fd, "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
  while (recv(fd, &waste, 1, 0) > 0) continue;
}

static hn_handle start(struct client *c, unsigned port, uint64_t total) {
  hn_handle r = policy_request(c, "127.0.0.1", port, 0);
  CHECK_INT(hn_send(c->rt, r, none(), none(), total), 0);
  CHECK(heard(c, r, HN_OP_SEND_REQUEST));
  return r;
}

static size_t running(struct client *c) {
  size_t handles, operations;
  hn_live(c->rt, &handles, &operations);
  return operations;
}

/* Each allocation of it in turn: the next one may be made as if it had never
 * been. */
TEST(a_write_without_memory_begins_nothing) {
  static char data[3000];
  struct serve s;
  struct client c;
  struct hn_progress p;
  int rc = HN_ERR_NOT_ENOUGH_MEMORY, failed = 0;
  serve_start(&s, serve_ok);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK});
  hn_handle r = start(&c, s.port, sizeof data);
  size_t used = hn_memory_used(c.rt);
  for (long n = 1; n < 100 && rc == HN_ERR_NOT_ENOUGH_MEMORY; n++) {
    mem_fail_at(n);
    rc = hn_write(c.rt, r, slice_make(data, sizeof data));
    mem_fail_at(0);
    if (rc == 0) break;
    failed++;
    CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK_INT(running(&c), 0);
    CHECK_INT(hn_next_timeout(c.rt), -1);
    CHECK_INT(hn_query_progress(c.rt, r, &p), 0);
    CHECK(p.unsent == sizeof data && p.sent == 0);
    CHECK(p.announced == sizeof data && p.given == 0);
    CHECK(hn_memory_used(c.rt) <= used + sizeof(struct hn_event) + 512);
  }
  CHECK_INT(rc, 0);
  CHECK(failed > 0);
  CHECK_INT(running(&c), 1);
  CHECK(heard(&c, r, HN_OP_WRITE_DATA));
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  CHECK(heard(&c, r, HN_OP_RECEIVE_RESPONSE));
  policy_close(&c);
  serve_stop(&s);
}

/* The account's limit is such a failure too. */
TEST(nor_does_one_beyond_the_policys_memory) {
  static char data[60000];
  struct serve s;
  struct client c;
  serve_start(&s, serve_ok);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK,
                                     .max_memory = 40000});
  hn_handle r = start(&c, s.port, sizeof data);
  size_t used = hn_memory_used(c.rt);
  CHECK_INT(hn_write(c.rt, r, slice_make(data, sizeof data)),
            HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(running(&c), 0);
  CHECK(hn_memory_used(c.rt) <= used + 512);
  for (int i = 0; i < 60; i++) {
    CHECK_INT(hn_write(c.rt, r, slice_make(data, 1000)), 0);
    CHECK(heard(&c, r, HN_OP_WRITE_DATA));
  }
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  CHECK(heard(&c, r, HN_OP_RECEIVE_RESPONSE));
  policy_close(&c);
  serve_stop(&s);
}

/* ------------------------------------------------------ what a write is for */

struct scene {
  struct serve s;
  struct client c;
  hn_handle h;
  struct hn_request *r;
};

static void scene_begin(struct scene *t, serve_fn *run) {
  taken = 0;
  over = false;
  memset(first, 0, sizeof first);
  serve_start(&t->s, run);
  client_open(&t->c, t->s.port, 0);
  t->h = client_request(&t->c, "POST");
  CHECK_INT(request_find(t->c.rt, t->h, &t->r), 0);
}

static void scene_open(struct scene *t, serve_fn *run, uint64_t total) {
  scene_begin(t, run);
  CHECK_INT(hn_send(t->c.rt, t->h, none(), none(), total), 0);
  CHECK(heard(&t->c, t->h, HN_OP_SEND_REQUEST));
}

static void scene_close(struct scene *t) {
  over = true;
  hn_runtime_free(t->c.rt);
  serve_stop(&t->s);
  clock_set_fake(-1);
}

/* How many bytes the write that runs comes to, or the code of its failure as a
 * negative number. */
static int64_t written(struct scene *t) {
  struct hn_event e = {0};
  if (client_await(&t->c, t->h, HN_OP_WRITE_DATA, &e)) return (int64_t)e.number;
  return -(int64_t)e.code;
}

static void await_taken(size_t n) {
  for (int i = 0; i < 10000 && taken < n; i++) serve_nap(1);
  CHECK(taken >= n);
}

/* Steps until nothing moves any more: a few in a row without a byte. */
static void step_to_rest(struct scene *t) {
  uint64_t before = t->r->tx.moved;
  for (int still = 0; still < 50 && t->r->tx.running; still++) {
    CHECK_INT(hn_step(t->c.rt, 1), 0);
    if (t->r->tx.moved != before) still = 0;
    before = t->r->tx.moved;
  }
}

/* With the completion, not with the next write. */
TEST(a_chunk_is_out_when_its_write_is_over) {
  struct scene t;
  scene_open(&t, serve_taking, HN_LENGTH_CHUNKED);
  CHECK_INT(hn_write(t.c.rt, t.h, slice_of("abc")), 0);
  CHECK_INT(written(&t), 3);
  await_taken(8);
  CHECK_TEXT(slice_of(first), "3\r\nabc\r\n");
  scene_close(&t);
}

TEST(nor_is_its_write_over_before) {
  struct scene t;
  const size_t n = 60000;
  scene_open(&t, serve_full, HN_LENGTH_CHUNKED);
  for (int i = 0; i < 5000; i++) {
    CHECK_INT(hn_write(t.c.rt, t.h, slice_make(many, n)), 0);
    step_to_rest(&t);
    if (t.r->tx.running) break;
    CHECK_INT(written(&t), n);
  }
  CHECK(t.r->tx.running);
  CHECK_INT(t.r->tx.moved, n);
  scene_close(&t);
}

TEST(what_is_short_is_copied) {
  struct scene t;
  char text[] = "abcdef";
  scene_open(&t, serve_taking, 6);
  CHECK_INT(hn_write(t.c.rt, t.h, slice_of(text)), 0);
  memset(text, 'x', 6);
  CHECK_INT(written(&t), 6);
  await_taken(6);
  CHECK_TEXT(slice_of(first), "abcdef");
  scene_close(&t);
}

/* A reader as fast as we are: each step leaves the others their turn. A first
 * step may come twice, for the news of its connection. */
static void check_turns(struct scene *t) {
  uint64_t before = 0;
  int steps = 0;
  while (t->r->tx.running) {
    CHECK_INT(hn_step(t->c.rt, 1000), 0);
    if (!t->r->tx.running) break;
    CHECK(t->r->tx.moved - before < (uint64_t)4 * HN_SMALL_PORTION);
    before = t->r->tx.moved;
    steps++;
  }
  CHECK(steps >= 2);
}

TEST(a_long_write_takes_turns) {
  struct scene t;
  scene_open(&t, serve_taking, MANY);
  CHECK_INT(hn_set_budget(t.c.rt, INT64_MAX / 8), 0);
  CHECK_INT(hn_write(t.c.rt, t.h, slice_make(many, MANY)), 0);
  check_turns(&t);
  CHECK_INT(written(&t), MANY);
  await_taken(MANY);
  scene_close(&t);
}

/* Each piece of the file is less than a turn. */
TEST(so_does_a_file_in_small_pieces) {
  struct scene t;
  int fds[2];
  size_t n = 0;
  CHECK_INT(pipe2(fds, O_DIRECT | O_NONBLOCK), 0);
  (void)fcntl(fds[1], F_SETPIPE_SZ, MANY);
  while (write(fds[1], many, PACKET) == PACKET) n += PACKET;
  close(fds[1]);
  scene_open(&t, serve_taking, HN_LENGTH_CHUNKED);
  CHECK_INT(hn_set_budget(t.c.rt, INT64_MAX / 8), 0);
  CHECK_INT(hn_write_from(t.c.rt, t.h, fds[0], UINT64_MAX), 0);
  if (n >= MANY / 2) check_turns(&t);
  CHECK_INT(written(&t), n);
  close(fds[0]);
  scene_close(&t);
}

/* ------------------------------------------------------------ from a file */

static int file_of(size_t n) {
  char path[] = "/tmp/hn_body_XXXXXX";
  int fd = mkstemp(path);
  CHECK_INT(unlink(path), 0);
  CHECK_INT(ftruncate(fd, (off_t)n), 0);
  return fd;
}

TEST(a_file_is_sent_to_its_end_or_its_limit_or_the_bodys) {
  static const struct {
    uint64_t total, limit;
    int64_t sent;
  } rows[] = {
      {HN_LENGTH_CHUNKED, UINT64_MAX, MANY},
      {MANY, UINT64_MAX, MANY},
      {HN_LENGTH_CHUNKED, 5, 5},
      {MANY, 300000, 300000},
      {7, UINT64_MAX, 7},
      {HN_LENGTH_CHUNKED, 0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct scene t;
    int fd = file_of(MANY);
    scene_open(&t, serve_taking, rows[i].total);
    CHECK_INT(hn_write_from(t.c.rt, t.h, fd, rows[i].limit), 0);
    CHECK_INT(written(&t), rows[i].sent);
    CHECK_INT(lseek(fd, 0, SEEK_CUR), rows[i].sent);
    await_taken((size_t)rows[i].sent);
    close(fd);
    scene_close(&t);
  }
}

/* It is not asked whether there is more. */
TEST(nothing_is_waited_for_beyond_the_limit) {
  struct scene t;
  int fds[2];
  CHECK_INT(pipe(fds), 0);
  CHECK_INT(write(fds[1], "hello", 5), 5);
  scene_open(&t, serve_taking, HN_LENGTH_CHUNKED);
  CHECK_INT(hn_write_from(t.c.rt, t.h, fds[0], 5), 0);
  step_to_rest(&t);
  CHECK(!t.r->tx.running);
  close(fds[1]);
  CHECK_INT(written(&t), 5);
  close(fds[0]);
  scene_close(&t);
}

TEST(a_short_read_is_not_the_end) {
  struct scene t;
  int fds[2];
  CHECK_INT(pipe(fds), 0);
  scene_open(&t, serve_taking, HN_LENGTH_CHUNKED);
  CHECK_INT(hn_write_from(t.c.rt, t.h, fds[0], UINT64_MAX), 0);
  for (int i = 0; i < 3; i++) {
    CHECK_INT(write(fds[1], "hello", 5), 5);
    while (t.r->tx.running && t.r->tx.moved < (uint64_t)5 * (i + 1))
      CHECK_INT(hn_step(t.c.rt, 1000), 0);
    CHECK(t.r->tx.running);
  }
  close(fds[1]);
  CHECK_INT(written(&t), 15);
  close(fds[0]);
  scene_close(&t);
}

/* The server's word is looked for while the file has nothing to say. */
TEST(an_answer_ends_the_wait_for_a_file) {
  struct scene t;
  int fds[2];
  CHECK_INT(pipe(fds), 0);
  scene_open(&t, serve_refusal, 100);
  CHECK_INT(hn_write_from(t.c.rt, t.h, fds[0], UINT64_MAX), 0);
  for (int i = 0; i < 10000 && t.r->tx.running; i++)
    CHECK_INT(hn_step(t.c.rt, 1), 0);
  CHECK(!t.r->tx.running);
  if (!t.r->tx.running) CHECK_INT(written(&t), 0);
  /* The rest is taken for sent, however long. */
  CHECK_INT(hn_write(t.c.rt, t.h, slice_make(many, 1000)), 0);
  CHECK_INT(written(&t), 1000);
  CHECK_INT(hn_receive_response(t.c.rt, t.h), 0);
  CHECK(heard(&t.c, t.h, HN_OP_RECEIVE_RESPONSE));
  close(fds[0]);
  close(fds[1]);
  scene_close(&t);
}

/* Each report of it would be a step for nothing. */
TEST(a_file_is_not_watched_while_the_server_takes_nothing) {
  struct scene t;
  int fds[2];
  size_t reports = 0;
  CHECK_INT(pipe2(fds, O_NONBLOCK), 0);
  scene_open(&t, serve_full, HN_LENGTH_CHUNKED);
  CHECK_INT(hn_write_from(t.c.rt, t.h, fds[0], UINT64_MAX), 0);
  CHECK_INT(hn_step(t.c.rt, 0), 0);
  CHECK(t.r->tx.file_waits);
  for (int still = 0; still < 50; still++) {
    uint64_t before = t.r->tx.moved;
    bool put = write(fds[1], many, 1 << 16) > 0;
    CHECK_INT(hn_step(t.c.rt, 1), 0);
    reports += t.c.rt->news_count;
    if (put || t.r->tx.moved != before) still = 0, reports = 0;
  }
  CHECK(reports <= 2);
  CHECK(!t.r->tx.file_waits);
  close(fds[0]);
  close(fds[1]);
  scene_close(&t);
}

TEST(a_file_that_is_none_cannot_be_read) {
  struct scene t;
  scene_open(&t, serve_taking, 10);
  CHECK_INT(hn_write_from(t.c.rt, t.h, -1, 10), HN_ERR_INVALID_PARAMETER);
  CHECK(!t.r->tx.running);
  CHECK_INT(hn_write_from(t.c.rt, t.h, 99999, 10), 0);
  CHECK_INT(written(&t), -HN_ERR_READ_FAULT);
  scene_close(&t);
}

TEST(what_was_read_ahead_counts_to_the_limit) {
  struct scene t;
  int fd = file_of(100);
  struct hn_slice ahead = slice_of("hello");
  scene_open(&t, serve_taking, 7);
  CHECK_INT(hn_write_from_after(t.c.rt, t.h, ahead, fd, 4),
            HN_ERR_INVALID_PARAMETER);
  CHECK(!t.r->tx.running);
  CHECK_INT(hn_write_from_after(t.c.rt, t.h, slice_of("too much"), fd, 100),
            HN_ERR_INVALID_PARAMETER);
  CHECK(!t.r->tx.running);
  CHECK_INT(hn_write_from_after(t.c.rt, t.h, ahead, fd, 5), 0);
  CHECK_INT(written(&t), 5);
  CHECK_INT(lseek(fd, 0, SEEK_CUR), 0);
  CHECK_INT(hn_write_from_after(t.c.rt, t.h, none(), fd, 100), 0);
  CHECK_INT(written(&t), 2);
  CHECK_INT(lseek(fd, 0, SEEK_CUR), 2);
  await_taken(7);
  CHECK_TEXT(slice_make(first, 5), "hello");
  close(fd);
  scene_close(&t);
}

/* -------------------------------------------------------------- a new send */

static void set_deadline(struct scene *t) {
  clock_set_fake(clock_now_us() / 1000 * 1000);
  struct hn_value v = {.type = HN_TYPE_TIME, .number = 1000};
  CHECK_INT(hn_set_option(t->c.rt, t->h, slice_of("total_timeout"), &v), 0);
}

/* Whatever it is: what is wrong with it does not matter any more. */
TEST(a_late_write_fails_by_its_time_alone) {
  for (int i = 0; i < 3; i++) {
    struct scene t;
    int fd = file_of(100), rc;
    scene_begin(&t, serve_taking);
    set_deadline(&t);
    CHECK_INT(hn_send(t.c.rt, t.h, none(), none(), 7), 0);
    CHECK(heard(&t.c, t.h, HN_OP_SEND_REQUEST));
    clock_set_fake(clock_now_us() + 2000000);
    if (i == 0)
      rc = hn_write(t.c.rt, t.h, slice_of("hello"));
    else
      rc = hn_write_from_after(t.c.rt, t.h,
                               slice_of(i == 1 ? "hello" : "too much"), fd, 9);
    CHECK_INT(rc, 0);
    CHECK_INT(written(&t), -HN_ERR_TIMEOUT);
    CHECK_INT(taken, 0);
    close(fd);
    scene_close(&t);
  }
}

static int send_badly(struct scene *t) {
  return hn_send(t->c.rt, t->h, slice_of("bad line"), none(), 7);
}

/* No time runs for it, and what was begun before is over. */
TEST(a_send_that_is_refused_leaves_nothing) {
  struct scene t;
  struct hn_event e;
  uint32_t ends = HN_STATUS_CLOSING_CONNECTION | HN_STATUS_CONNECTION_CLOSED;
  scene_begin(&t, serve_taking);
  set_deadline(&t);
  CHECK_INT(hn_set_mask(t.c.rt, t.h, ends), 0);
  CHECK_INT(hn_send(t.c.rt, t.h, none(), none(), 7), 0);
  CHECK(heard(&t.c, t.h, HN_OP_SEND_REQUEST));
  CHECK(timer_is_set(&t.r->deadline));
  CHECK(send_badly(&t) > 0);
  CHECK(!timer_is_set(&t.r->deadline));
  CHECK_INT(t.r->state, HN_REQUEST_FAILED);
  /* It is told at once, not by the next send. */
  CHECK(hn_next_event(t.c.rt, 0, &e));
  CHECK_INT(e.status, HN_STATUS_CLOSING_CONNECTION);
  CHECK(hn_next_event(t.c.rt, 0, &e));
  CHECK_INT(e.status, HN_STATUS_CONNECTION_CLOSED);
  CHECK(!hn_next_event(t.c.rt, 0, &e));
  CHECK_INT(hn_receive_response(t.c.rt, t.h), HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK_INT(hn_next_timeout(t.c.rt), -1);
  scene_close(&t);
}

TEST(nor_can_a_response_before_it_be_read) {
  struct scene t;
  scene_begin(&t, serve_ok);
  CHECK(client_exchange(&t.c, t.h));
  CHECK(send_badly(&t) > 0);
  CHECK_INT(hn_read(t.c.rt, t.h, 1, HN_READ_SOME),
            HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK(client_exchange(&t.c, t.h));
  scene_close(&t);
}

/* What is not over is not broken by it either. */
TEST(no_send_while_one_runs_or_its_end_was_not_taken) {
  struct scene t;
  scene_begin(&t, serve_ok);
  CHECK_INT(hn_send(t.c.rt, t.h, none(), none(), 0), 0);
  CHECK_INT(hn_send(t.c.rt, t.h, none(), none(), 0),
            HN_ERR_INCORRECT_HANDLE_STATE);
  while (t.r->tx.running) CHECK_INT(hn_step(t.c.rt, 1000), 0);
  CHECK_INT(hn_send(t.c.rt, t.h, none(), none(), 0),
            HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK_INT(t.r->state, HN_REQUEST_SENT);
  CHECK(heard(&t.c, t.h, HN_OP_SEND_REQUEST));
  CHECK_INT(hn_receive_response(t.c.rt, t.h), 0);
  CHECK_INT(hn_send(t.c.rt, t.h, none(), none(), 0),
            HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK(heard(&t.c, t.h, HN_OP_RECEIVE_RESPONSE));
  scene_close(&t);
}

TEST(a_send_begins_without_what_the_last_one_knew) {
  struct scene t;
  scene_begin(&t, serve_ok);
  t.r->info.code = HN_ERR_SECURE_FAILURE;
  t.r->info.secure = HN_SECURE_INVALID_CA;
  t.r->securing = true;
  CHECK_INT(hn_send(t.c.rt, t.h, none(), none(), 0), 0);
  CHECK_INT(t.r->info.code, 0);
  CHECK_INT(t.r->info.secure, 0);
  CHECK(!t.r->securing);
  scene_close(&t);
}

static void serve_redirect(int fd) {
  char body[4];
  while (serve_take_head(fd) && recv(fd, body, 4, MSG_WAITALL) == 4)
    serve_say(fd, "HTTP/1.1 307 There\r\nLocation: /b\r\n"
                  "Content-Length: 0\r\n\r\n");
}

/* A hop that waits for its body has got it: what fails next starts over. */
TEST(a_hop_is_not_waited_for_any_more_once_it_is_sent) {
  struct scene t;
  scene_open(&t, serve_redirect, 4);
  CHECK_INT(hn_write(t.c.rt, t.h, slice_of("body")), 0);
  CHECK_INT(written(&t), 4);
  CHECK_INT(hn_receive_response(t.c.rt, t.h), 0);
  CHECK(!heard(&t.c, t.h, HN_OP_RECEIVE_RESPONSE));
  CHECK_INT(said.code, HN_ERR_RESEND_REQUEST);
  CHECK(request_awaited_hop(t.r) != NULL);
  CHECK_INT(hn_send(t.c.rt, t.h, none(), none(), 4), 0);
  CHECK(t.r->hop && !t.r->hop->wants_body);
  CHECK(heard(&t.c, t.h, HN_OP_SEND_REQUEST));
  CHECK_INT(hn_write_from(t.c.rt, t.h, 99999, 4), 0);
  CHECK_INT(written(&t), -HN_ERR_READ_FAULT);
  CHECK_INT(t.r->state, HN_REQUEST_FAILED);
  CHECK(request_awaited_hop(t.r) == NULL);
  scene_close(&t);
}

/* Of the whole body, not of each piece. */
TEST(the_policys_limit_is_that_of_all_writes) {
  struct serve s;
  struct client c;
  serve_start(&s, serve_taking);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK,
                                     .max_request_body = 10});
  hn_handle r = start(&c, s.port, HN_LENGTH_CHUNKED);
  for (int i = 0; i < 2; i++) {
    CHECK_INT(hn_write(c.rt, r, slice_of("12345")), 0);
    CHECK(heard(&c, r, HN_OP_WRITE_DATA));
  }
  CHECK_INT(hn_write_from(c.rt, r, s.listener, 1), HN_ERR_ACCESS_DENIED);
  CHECK_INT(hn_write(c.rt, r, slice_of("1")), 0);
  CHECK(!heard(&c, r, HN_OP_WRITE_DATA));
  CHECK_INT(said.code, HN_ERR_INSUFFICIENT_BUFFER);
  policy_close(&c);
  serve_stop(&s);
}

TEST_MAIN(ROW(a_write_without_memory_begins_nothing),
          ROW(nor_does_one_beyond_the_policys_memory),
          ROW(a_chunk_is_out_when_its_write_is_over),
          ROW(nor_is_its_write_over_before), ROW(what_is_short_is_copied),
          ROW(a_long_write_takes_turns), ROW(so_does_a_file_in_small_pieces),
          ROW(a_file_is_sent_to_its_end_or_its_limit_or_the_bodys),
          ROW(nothing_is_waited_for_beyond_the_limit),
          ROW(a_short_read_is_not_the_end),
          ROW(an_answer_ends_the_wait_for_a_file),
          ROW(a_file_is_not_watched_while_the_server_takes_nothing),
          ROW(a_file_that_is_none_cannot_be_read),
          ROW(what_was_read_ahead_counts_to_the_limit),
          ROW(a_late_write_fails_by_its_time_alone),
          ROW(a_send_that_is_refused_leaves_nothing),
          ROW(nor_can_a_response_before_it_be_read),
          ROW(no_send_while_one_runs_or_its_end_was_not_taken),
          ROW(a_send_begins_without_what_the_last_one_knew),
          ROW(a_hop_is_not_waited_for_any_more_once_it_is_sent),
          ROW(the_policys_limit_is_that_of_all_writes))
