/*
 * sleeper_test.c: time that passes as the operation of a handle of its own.
 */
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../csrc/core/duplex.h"
#include "../../csrc/hinternet_policy.h"
#include "serve_fixture.h"

static hn_handle lie_down(hn_runtime *rt, int64_t ms) {
  hn_handle h = 0;
  CHECK_INT(hn_sleep(rt, ms, &h), 0);
  return h;
}

static size_t running(hn_runtime *rt, size_t *handles) {
  size_t operations;
  hn_live(rt, handles, &operations);
  return operations;
}

/* The next event of a scope is the end of that sleep. */
static void expect_awake(hn_runtime *rt, hn_handle scope, hn_handle h,
                         int code) {
  struct hn_event e = {0};
  CHECK(hn_next_event(rt, scope, &e));
  CHECK(e.handle == h && e.session == h);
  CHECK_INT(e.op, HN_OP_SLEEP);
  CHECK_INT(e.code, code);
  CHECK_INT(e.status, code ? HN_STATUS_REQUEST_ERROR : 0);
  CHECK(e.quiet);
}

TEST(no_sleep_is_shorter_than_it_was_to_be) {
  hn_runtime *rt;
  struct hn_event e;
  CHECK_INT(hn_runtime_new(&rt), 0);
  for (int64_t ms = 0; ms < 8; ms++) {
    int64_t began = hn_monotonic_time();
    hn_handle h = lie_down(rt, ms);
    while (!hn_take_result(rt, h, HN_OP_SLEEP, &e))
      CHECK_INT(hn_step(rt, 1000), 0);
    CHECK(hn_monotonic_time() - began >= ms * 1000);
    CHECK_INT(e.code, 0);
    CHECK_INT(hn_close(rt, h), 0);
  }
  hn_runtime_free(rt);
}

/* The clock was read long before, and stands within a millisecond. */
TEST(the_deadline_is_counted_from_now_and_in_full) {
  hn_runtime *rt;
  CHECK_INT(hn_runtime_new(&rt), 0);
  for (int64_t ms = 1; ms < 4; ms++) {
    int64_t read = env_now_us(&rt->env), began;
    do began = hn_monotonic_time();
    while (began - read < 5000);
    hn_handle h = lie_down(rt, ms);
    const struct hn_timer *t = heap_peek(&rt->env.deadlines);
    CHECK(t && t->when * 1000 >= began + ms * 1000);
    hn_discard(rt, h);
    CHECK(list_is_empty(&rt->queues));
  }
  hn_runtime_free(rt);
}

TEST(it_is_a_handle_without_a_parent) {
  hn_runtime *rt;
  hn_handle got = 1;
  size_t handles;
  bool is_async = true;
  char text[20];
  struct hn_value v = {.type = HN_TYPE_SPAN, .number = 1};
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle h = lie_down(rt, -1);
  CHECK_INT(hn_kind_of(h), HN_KIND_SLEEPER);
  CHECK_INT(hn_parent(rt, h, &got), 0);
  CHECK(got == 0);
  CHECK_INT(hn_session_of(rt, h, &got), 0);
  CHECK(got == h);
  CHECK_INT(hn_is_async(rt, h, &is_async), 0);
  CHECK(!is_async);
  CHECK_INT(hn_describe(rt, h, text, sizeof text), 0);
  CHECK_TEXT(slice_of(text), "asleep");
  CHECK_INT(running(rt, &handles), 1);
  CHECK_INT(handles, 1);
  CHECK_INT(hn_connect(rt, h, slice_of("a"), 1, &got),
            HN_ERR_INCORRECT_HANDLE_TYPE);
  CHECK_INT(hn_read(rt, h, 1, HN_READ_SOME), HN_ERR_INCORRECT_HANDLE_TYPE);
  CHECK_INT(hn_set_option(rt, h, slice_of("poll_budget"), &v),
            HN_ERR_INCORRECT_HANDLE_TYPE);
  CHECK_INT(hn_cancel(rt, h, HN_OP_READ_DATA), HN_ERR_INVALID_PARAMETER);
  hn_runtime_free(rt); /* asleep */
}

TEST(for_ever_is_until_it_is_cancelled_closed_or_discarded) {
  hn_runtime *rt;
  struct hn_event e;
  size_t handles;
  char text[20];
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle h = lie_down(rt, -1), other = lie_down(rt, INT64_MAX / 4);
  CHECK(hn_next_timeout(rt) > INT64_MAX / 8);
  hn_discard(rt, other);
  CHECK_INT(hn_next_timeout(rt), -1);
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK(!hn_next_event(rt, 0, &e));
  CHECK(!hn_try_result(rt, h, HN_OP_SLEEP, &e));
  CHECK_INT(hn_cancel(rt, h, HN_OP_SLEEP), 0);
  CHECK(!hn_next_event(rt, 0, &e));
  CHECK_INT(hn_describe(rt, h, text, sizeof text), 0);
  CHECK_TEXT(slice_of(text), "awake");
  CHECK_INT(hn_close(rt, h), 0);
  CHECK(!hn_next_event(rt, 0, &e));
  h = lie_down(rt, -1);
  CHECK_INT(hn_set_mask(rt, h, HN_STATUS_HANDLE_CLOSING), 0);
  CHECK_INT(hn_close(rt, h), 0);
  CHECK_INT(running(rt, &handles), 0);
  CHECK_INT(handles, 0);
  expect_awake(rt, h, h, HN_ERR_OPERATION_CANCELLED);
  CHECK(hn_next_event(rt, 0, &e) && e.handle == h);
  CHECK_INT(e.status, HN_STATUS_HANDLE_CLOSING);
  CHECK(!hn_next_event(rt, 0, &e));
  hn_runtime_free(rt);
}

/* No time at all: not before the network was looked at. */
TEST(nothing_is_over_without_a_look) {
  hn_runtime *rt;
  struct hn_event e;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle h = lie_down(rt, 0), other = lie_down(rt, 0);
  CHECK(!hn_next_event(rt, 0, &e));
  CHECK_INT(hn_next_timeout(rt), 0);
  hn_wake(rt);
  CHECK_INT(hn_step(rt, 0), 0); /* which takes the wake, too */
  expect_awake(rt, h, h, 0);
  expect_awake(rt, 0, other, 0);
  CHECK_INT(hn_next_timeout(rt), -1);
  CHECK_INT(hn_close(rt, h), 0);
  CHECK(!hn_next_event(rt, 0, &e));
  hn_runtime_free(rt);
}

TEST(an_end_outlives_its_handle_but_not_a_discarded_one) {
  hn_runtime *rt;
  struct hn_event e;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle h = lie_down(rt, 0), other = lie_down(rt, 0);
  CHECK_INT(hn_step(rt, 0), 0);
  hn_discard(rt, other);
  CHECK_INT(hn_close(rt, h), 0);
  CHECK(hn_take_result(rt, h, HN_OP_SLEEP, &e));
  CHECK(!hn_next_event(rt, 0, &e));
  h = lie_down(rt, 0);
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK_INT(hn_cancel(rt, h, HN_OP_NONE), 0); /* nobody is to hear of it */
  CHECK(!hn_next_event(rt, 0, &e));
  lie_down(rt, 0);
  CHECK_INT(hn_step(rt, 0), 0);
  hn_runtime_free(rt); /* untaken */
}

TEST(times_that_make_no_sense_are_refused) {
  static const int64_t wrong[] = {-2, INT64_MIN, INT64_MAX, INT64_MAX / 4 + 1};
  hn_runtime *rt;
  size_t handles;
  CHECK_INT(hn_runtime_new(&rt), 0);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    hn_handle h = 5;
    CHECK_INT(hn_sleep(rt, wrong[i], &h), HN_ERR_INVALID_PARAMETER);
    CHECK(h == 5);
  }
  CHECK_INT(running(rt, &handles), 0);
  CHECK_INT(handles, 0);
  hn_runtime_free(rt);
}

TEST(a_loop_that_watches_is_told) {
  hn_runtime *rt;
  struct hn_event e;
  int fd;
  CHECK_INT(hn_runtime_new(&rt), 0);
  if (hn_pollable(rt, &fd) == 0) {
    lie_down(rt, 1);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CHECK_INT(poll(&p, 1, 60000), 1);
    CHECK_INT(hn_step(rt, 0), 0);
    CHECK(hn_next_event(rt, 0, &e));
    CHECK_INT(poll(&p, 1, 0), 0);
  }
  hn_runtime_free(rt);
}

/* In a forked child the parent's sleeps are no more, and it has its own. */
TEST(a_forked_child_sleeps_anew) {
  hn_runtime *rt;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle h = lie_down(rt, -1);
  pid_t pid = fork();
  if (pid == 0) {
    struct hn_event e;
    hn_handle own = 0;
    bool ok = !hn_is_valid(rt, h) && hn_sleep(rt, 1, &own) == 0;
    while (ok && !hn_take_result(rt, own, HN_OP_SLEEP, &e))
      ok = hn_step(rt, 1000) == 0;
    _exit(ok ? 0 : 1);
  }
  int status = 1;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  CHECK(hn_is_valid(rt, h));
  hn_runtime_free(rt);
}

static bool sleep_once(void *ctx) {
  hn_runtime *rt = ctx;
  hn_handle h = 0;
  size_t handles;
  bool ok = hn_sleep(rt, 1, &h) == 0;
  CHECK(ok == (h != 0));
  hn_discard(rt, h);
  CHECK_INT(running(rt, &handles), 0);
  CHECK_INT(handles, 0);
  CHECK_INT(hn_next_timeout(rt), -1);
  return ok;
}

/* Each allocation in turn, in a runtime of its own. */
TEST(without_memory_nobody_sleeps_and_nothing_is_left) {
  bool ok = false;
  int failed = 0;
  for (long n = 1; n < 100 && !ok; n++) {
    hn_runtime *rt;
    CHECK_INT(hn_runtime_new(&rt), 0);
    size_t used = hn_memory_used(rt);
    long live = mem_live();
    mem_fail_at(n);
    ok = sleep_once(rt);
    mem_fail_at(0);
    if (!ok) CHECK_INT(hn_memory_used(rt), used);
    /* The sleeper, its queue and its slot: the runtime keeps none of them. */
    if (!ok && n <= 3) CHECK_INT(mem_live(), live);
    if (!ok) failed++;
    hn_runtime_free(rt);
  }
  CHECK(ok && failed > 3);
}

TEST(what_sleepers_take_is_on_the_account_until_they_close) {
  hn_runtime *rt;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_discard(rt, lie_down(rt, 0)); /* its event's record is kept */
  size_t before = hn_memory_used(rt);
  hn_handle h = lie_down(rt, 0);
  size_t least = sizeof(struct hn_node) + sizeof(struct hn_operation) +
                 sizeof(struct hn_queue);
  if (HN_SPARE_RECORDS == 0) least += sizeof(struct hn_event_record);
  CHECK(hn_memory_used(rt) >= before + least);
  hn_discard(rt, h);
  CHECK_INT(hn_memory_used(rt), before);
  hn_runtime_free(rt);
}

TEST_MAIN(ROW(no_sleep_is_shorter_than_it_was_to_be),
          ROW(the_deadline_is_counted_from_now_and_in_full),
          ROW(it_is_a_handle_without_a_parent),
          ROW(for_ever_is_until_it_is_cancelled_closed_or_discarded),
          ROW(nothing_is_over_without_a_look),
          ROW(an_end_outlives_its_handle_but_not_a_discarded_one),
          ROW(times_that_make_no_sense_are_refused),
          ROW(a_loop_that_watches_is_told), ROW(a_forked_child_sleeps_anew),
          ROW(without_memory_nobody_sleeps_and_nothing_is_left),
          ROW(what_sleepers_take_is_on_the_account_until_they_close))
