/*
 * op_test.c: an operation is begun once and ends once, whatever it held.
 */
#include <fcntl.h>
#include <unistd.h>

#include "toy_fixture.h"

static const struct hn_errinfo trouble = {.code = HN_ERR_CONNECTION_ERROR,
                                          .phase = HN_PHASE_SEND,
                                          .host = "there:80",
                                          .text = "something broke"};

/* A runtime with one toy, on whose operations the tests lay hands. */
struct bench {
  hn_runtime *rt;
  hn_handle session, toy;
  struct toy *t;
};

static void bench_open(struct bench *b, bool is_async) {
  CHECK_INT(hn_runtime_new(&b->rt), 0);
  b->session = toy_session(b->rt, is_async, &b->toy);
  b->t = toy_at(b->rt, b->toy);
}

static void begin(struct bench *b, struct hn_operation *op) {
  int api = op == &b->t->tx ? TOY_SAY : TOY_HEAR;
  CHECK_INT(op_begin(&b->t->node, op, (enum hn_op)api), 0);
  CHECK(op->running && op->record && !op->awaited);
  CHECK_INT(op->moved, 0);
}

static bool timer_left(struct bench *b, int64_t least, int64_t most) {
  int64_t left = b->t->rx.timer.when - env_now(&b->rt->env);
  return timer_is_set(&b->t->rx.timer) && left >= least && left <= most;
}

TEST(it_begins_when_its_last_completion_was_taken) {
  struct bench b;
  bench_open(&b, true);
  struct hn_operation *op = &b.t->rx;
  begin(&b, op);
  CHECK_INT(toy_running(b.rt), 1);
  op->moved = 9;
  op->awaited = true;
  CHECK_INT(op_begin(&b.t->node, op, (enum hn_op)TOY_HEAR),
            HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK(op->moved == 9 && op->awaited);
  CHECK_INT(toy_running(b.rt), 1);
  op_complete(&b.t->node, op, HN_STATUS_DATA_AVAILABLE, 7);
  CHECK(!op->running && op->untaken && !op->record);
  CHECK_INT(toy_running(b.rt), 0);
  CHECK_INT(op_begin(&b.t->node, op, (enum hn_op)TOY_HEAR),
            HN_ERR_INCORRECT_HANDLE_STATE);
  struct hn_event e =
      toy_expect(b.rt, 0, b.toy, HN_STATUS_DATA_AVAILABLE, TOY_HEAR);
  CHECK_INT(e.number, 7);
  CHECK_INT(e.code, 0);
  CHECK(e.session == b.session && !e.ended && e.text.n == 0);
  CHECK(!op->untaken);
  begin(&b, op); /* which is awaited by nobody, and has moved nothing */
  hn_runtime_free(b.rt);
}

TEST(without_memory_it_does_not_begin) {
  struct bench b;
  bench_open(&b, true);
  mem_fail_at(1);
  int rc = op_begin(&b.t->node, &b.t->tx, (enum hn_op)TOY_SAY);
  mem_fail_at(0);
  CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK(!b.t->tx.running && !b.t->tx.record);
  CHECK_INT(toy_running(b.rt), 0);
  hn_runtime_free(b.rt);
}

TEST(what_was_read_goes_with_a_read_alone) {
  struct bench b;
  bench_open(&b, true);
  struct hn_operation *op = &b.t->rx;
  begin(&b, op);
  CHECK_INT(buf_append_text(&op->data, "bytes"), 0);
  op_complete(&b.t->node, op, HN_STATUS_READ_COMPLETE, 0);
  CHECK_INT(buf_size(&op->data), 0);
  struct hn_event e =
      toy_expect(b.rt, 0, b.toy, HN_STATUS_READ_COMPLETE, TOY_HEAR);
  CHECK_TEXT(e.text, "bytes");
  CHECK(!e.ended);
  begin(&b, op);
  CHECK_INT(buf_append_text(&op->data, "a copy"), 0);
  op_complete(&b.t->node, op, HN_STATUS_WRITE_COMPLETE, 6);
  CHECK_INT(buf_size(&op->data), 0);
  e = toy_expect(b.rt, 0, b.toy, HN_STATUS_WRITE_COMPLETE, TOY_HEAR);
  CHECK_INT(e.text.n, 0);
  begin(&b, op);
  op_complete(&b.t->node, op, HN_STATUS_READ_COMPLETE, 3); /* to a file */
  e = toy_expect(b.rt, 0, b.toy, HN_STATUS_READ_COMPLETE, TOY_HEAR);
  CHECK_INT(e.text.n, 0);
  CHECK_INT(e.number, 3);
  CHECK(!e.ended);
  hn_runtime_free(b.rt);
}

TEST(the_end_of_a_body_is_told_as_such) {
  struct bench b;
  bench_open(&b, true);
  begin(&b, &b.t->rx);
  CHECK_INT(buf_append_text(&b.t->rx.data, "lost"), 0);
  op_complete_ended(&b.t->node, &b.t->rx);
  struct hn_event e =
      toy_expect(b.rt, 0, b.toy, HN_STATUS_READ_COMPLETE, TOY_HEAR);
  CHECK(e.ended && e.text.n == 0 && e.code == 0);
  hn_runtime_free(b.rt);
}

TEST(a_failure_says_what_where_and_how_far) {
  struct bench b;
  bench_open(&b, true);
  begin(&b, &b.t->tx);
  b.t->tx.moved = 12;
  op_fail(&b.t->node, &b.t->tx, &trouble);
  CHECK_INT(toy_running(b.rt), 0);
  struct hn_event e =
      toy_expect(b.rt, 0, b.toy, HN_STATUS_REQUEST_ERROR, TOY_SAY);
  CHECK_INT(e.code, HN_ERR_CONNECTION_ERROR);
  CHECK_INT(e.phase, HN_PHASE_SEND);
  CHECK_INT(e.number, 12);
  CHECK_TEXT(e.text, "something broke");
  CHECK_TEXT(e.host, "there:80");
  hn_runtime_free(b.rt);
}

/* It must end all the same. */
TEST(a_failure_without_memory_has_the_codes_own_words) {
  struct bench b;
  for (long n = 1; n < 3; n++) {
    bench_open(&b, true);
    begin(&b, &b.t->tx);
    mem_fail_at(n);
    op_fail(&b.t->node, &b.t->tx, &trouble);
    mem_fail_at(0);
    struct hn_event e =
        toy_expect(b.rt, 0, b.toy, HN_STATUS_REQUEST_ERROR, TOY_SAY);
    CHECK_INT(e.code, HN_ERR_CONNECTION_ERROR);
    if (n == 1) {
      CHECK_TEXT(e.text, hn_error_text(HN_ERR_CONNECTION_ERROR));
      CHECK_INT(e.host.n, 0);
    }
    hn_runtime_free(b.rt);
  }
}

TEST(what_is_dropped_is_as_if_it_had_never_been) {
  struct bench b;
  bench_open(&b, true);
  struct hn_operation *op = &b.t->rx;
  begin(&b, op);
  CHECK_INT(op_arm(&b.t->node, op, 1000, 0), 0);
  CHECK_INT(buf_append_text(&op->data, "bytes"), 0);
  op_drop(&b.t->node, op);
  CHECK_INT(toy_running(b.rt), 0);
  CHECK_INT(buf_size(&op->data), 0);
  CHECK_INT(hn_next_timeout(b.rt), -1);
  op_drop(&b.t->node, op); /* again */
  CHECK_INT(toy_running(b.rt), 0);
  begin(&b, op);
  op_complete(&b.t->node, op, HN_STATUS_DATA_AVAILABLE, 0);
  op_drop(&b.t->node, op);
  CHECK(!op->untaken);
  CHECK_INT(hn_next_timeout(b.rt), -1);
  toy_expect_none(b.rt, 0);
  begin(&b, op);
  op_drop(&b.t->node, op);
  hn_runtime_free(b.rt);
}

TEST(a_taker_has_it_past_the_queue) {
  struct bench b;
  struct hn_event e = {0};
  bench_open(&b, true);
  struct hn_operation *op = &b.t->rx;
  CHECK_INT(hn_set_mask(b.rt, b.toy, HN_STATUS_READ_COMPLETE), 0);
  begin(&b, op);
  CHECK_INT(buf_append_text(&op->data, "bytes"), 0);
  op->taker = &e;
  op_complete(&b.t->node, op, HN_STATUS_READ_COMPLETE, 0);
  CHECK(!op->taker && !op->untaken && !op->running);
  CHECK_TEXT(e.text, "bytes");
  CHECK(e.handle == b.toy && e.session == b.session && !e.quiet);
  CHECK_INT(e.op, TOY_HEAR);
  toy_expect_none(b.rt, 0);
  begin(&b, op);
  hn_runtime_free(b.rt);
}

TEST(only_what_a_callback_hears_is_not_quiet) {
  static const struct {
    bool is_async;
    uint32_t mask;
    bool quiet;
  } cases[] = {
      {true, HN_STATUS_WRITE_COMPLETE, false},
      {true, HN_STATUS_READ_COMPLETE, true},
      {true, 0, true},
      {false, HN_STATUS_WRITE_COMPLETE, true},
      {false, 0, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct bench b;
    bench_open(&b, cases[i].is_async);
    CHECK_INT(hn_set_mask(b.rt, b.toy, cases[i].mask), 0);
    begin(&b, &b.t->tx);
    op_complete(&b.t->node, &b.t->tx, HN_STATUS_WRITE_COMPLETE, 1);
    struct hn_event e =
        toy_expect(b.rt, 0, b.toy, HN_STATUS_WRITE_COMPLETE, TOY_SAY);
    CHECK(e.quiet == cases[i].quiet);
    hn_runtime_free(b.rt);
  }
}

TEST(a_deadline_moves_with_progress_alone) {
  struct bench b;
  bench_open(&b, true);
  struct hn_node *n = &b.t->node;
  struct hn_operation *op = &b.t->rx;
  begin(&b, op);
  CHECK(!timer_is_set(&op->timer));
  CHECK_INT(op_arm(n, op, 500000, 5), 0);
  CHECK(timer_left(&b, 400000, 500000));
  CHECK_INT(op_arm(n, op, 900000, 5), 0); /* nothing moved */
  CHECK(timer_left(&b, 400000, 500000));
  CHECK_INT(op_arm(n, op, 900000, 6), 0);
  CHECK(timer_left(&b, 800000, 900000));
  CHECK_INT(op_arm(n, op, 100000, 5), 0); /* counted anew */
  CHECK(timer_left(&b, 90000, 100000));
  CHECK_INT(op_arm(n, op, -1, 5), 0);
  CHECK(!timer_is_set(&op->timer));
  CHECK_INT(op_arm(n, op, 500000, 5), 0); /* set, though nothing moved */
  CHECK(timer_left(&b, 400000, 500000));
  CHECK(hn_next_timeout(b.rt) > 0);
  op_disarm(n, op);
  op_disarm(n, op);
  CHECK_INT(hn_next_timeout(b.rt), -1);
  CHECK_INT(op_arm(n, op, 500000, 5), 0);
  op_complete(n, op, HN_STATUS_READ_COMPLETE, 0);
  CHECK(!timer_is_set(&op->timer));
  hn_runtime_free(b.rt);
}

TEST(without_memory_there_is_no_deadline) {
  struct bench b;
  bench_open(&b, true);
  begin(&b, &b.t->rx);
  mem_fail_at(1);
  int rc = op_arm(&b.t->node, &b.t->rx, 1000, 0);
  mem_fail_at(0);
  CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK(!timer_is_set(&b.t->rx.timer));
  hn_runtime_free(b.rt);
}

static bool is_open(int fd) {
  return fcntl(fd, F_GETFD) >= 0;
}

/* Its file is a pipe's end of that side, which has nothing to do yet. */
static int hold_pipe(struct hn_operation *op, int end, int ends[2]) {
  int system;
  CHECK_INT(pipe(ends), 0);
  CHECK_INT(file_begin(&op->file, ends[end], &system), 0);
  CHECK(op->file.fd != ends[end]);
  return op->file.fd;
}

static void fill(int fd) {
  char block[4096] = {0};
  CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
  while (write(fd, block, sizeof block) > 0) continue;
}

TEST(a_file_is_watched_for_what_its_side_does) {
  struct bench b;
  int from[2], to[2];
  char block[65536];
  bench_open(&b, true);
  struct hn_node *n = &b.t->node;
  b.t->held = true; /* steps leave the operations alone */
  begin(&b, &b.t->rx);
  int fd = hold_pipe(&b.t->rx, 1, to);
  fill(to[1]);
  CHECK_INT(op_watch(n, &b.t->rx), HN_AGAIN);
  CHECK(b.t->rx.file_waits);
  CHECK_INT(hn_step(b.rt, 0), 0);
  CHECK_INT(b.t->steps, 0);
  CHECK(read(to[0], block, sizeof block) > 0); /* there is room now */
  CHECK_INT(hn_step(b.rt, 60000), 0);
  CHECK_INT(b.t->steps, 1);
  op_unwatch(n, &b.t->rx);
  op_unwatch(n, &b.t->rx);
  CHECK_INT(hn_step(b.rt, 0), 0);
  CHECK_INT(b.t->steps, 1);
  CHECK(!b.t->rx.file_waits && is_open(fd));
  op_drop(n, &b.t->rx);
  CHECK(!is_open(fd) && b.t->rx.file.fd == -1);
  begin(&b, &b.t->tx);
  b.t->tx.want = UINT64_MAX;
  fd = hold_pipe(&b.t->tx, 0, from);
  CHECK_INT(op_watch(n, &b.t->tx), HN_AGAIN);
  CHECK_INT(hn_step(b.rt, 0), 0);
  CHECK_INT(b.t->steps, 1);
  CHECK_INT(write(from[1], "x", 1), 1);
  CHECK_INT(hn_step(b.rt, 60000), 0);
  CHECK_INT(b.t->steps, 2);
  op_fail(n, &b.t->tx, &trouble); /* watched: which ends as well */
  CHECK(!is_open(fd) && !b.t->tx.file_waits);
  toy_expect(b.rt, 0, b.toy, HN_STATUS_REQUEST_ERROR, TOY_SAY);
  for (int i = 0; i < 2; i++) close(from[i]), close(to[i]);
  hn_runtime_free(b.rt);
}

TEST(a_file_that_cannot_be_waited_for_is_used_as_it_is) {
  struct bench b;
  int system;
  bench_open(&b, true);
  struct hn_operation *op = &b.t->rx;
  begin(&b, op);
  int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  CHECK_INT(file_begin(&op->file, fd, &system), 0);
  op->file.waits = op->file.blocks = true; /* as if it were a pipe */
  CHECK_INT(op_watch(&b.t->node, op), HN_ERR_NOT_SUPPORTED);
  CHECK(!op->file_waits && !op->file.waits && !op->file.blocks);
  close(fd);
  op_complete(&b.t->node, op, HN_STATUS_READ_COMPLETE, 0);
  CHECK_INT(op->file.fd, -1);
  hn_runtime_free(b.rt);
}

TEST(a_pinned_input_is_let_go_with_the_end) {
  struct bench b;
  bench_open(&b, true);
  begin(&b, &b.t->tx);
  b.t->tx.input = slice_of("pinned");
  op_complete(&b.t->node, &b.t->tx, HN_STATUS_WRITE_COMPLETE, 6);
  CHECK(!b.t->tx.input.p && b.t->tx.input.n == 0);
  hn_runtime_free(b.rt);
}

TEST(only_a_sync_one_that_nobody_waits_for_is_abandoned) {
  for (int is_async = 0; is_async < 2; is_async++) {
    for (int awaited = 0; awaited < 2; awaited++) {
      struct bench b;
      bench_open(&b, is_async != 0);
      struct hn_operation *op = &b.t->rx;
      bool abandoned = !is_async && !awaited;
      CHECK(!op_is_abandoned(&b.t->node, op)); /* there is none */
      begin(&b, op);
      op->awaited = awaited != 0;
      CHECK(op_is_abandoned(&b.t->node, op) == abandoned);
      op_complete(&b.t->node, op, HN_STATUS_READ_COMPLETE, 0);
      CHECK(op_is_abandoned(&b.t->node, op) == abandoned);
      toy_expect(b.rt, 0, b.toy, HN_STATUS_READ_COMPLETE, TOY_HEAR);
      CHECK(!op_is_abandoned(&b.t->node, op));
      hn_runtime_free(b.rt);
    }
  }
}

TEST_MAIN(ROW(it_begins_when_its_last_completion_was_taken),
          ROW(without_memory_it_does_not_begin),
          ROW(what_was_read_goes_with_a_read_alone),
          ROW(the_end_of_a_body_is_told_as_such),
          ROW(a_failure_says_what_where_and_how_far),
          ROW(a_failure_without_memory_has_the_codes_own_words),
          ROW(what_is_dropped_is_as_if_it_had_never_been),
          ROW(a_taker_has_it_past_the_queue),
          ROW(only_what_a_callback_hears_is_not_quiet),
          ROW(a_deadline_moves_with_progress_alone),
          ROW(without_memory_there_is_no_deadline),
          ROW(a_file_is_watched_for_what_its_side_does),
          ROW(a_file_that_cannot_be_waited_for_is_used_as_it_is),
          ROW(a_pinned_input_is_let_go_with_the_end),
          ROW(only_a_sync_one_that_nobody_waits_for_is_abandoned))
