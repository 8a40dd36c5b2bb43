/*
 * duplex_test.c: a fifth kind of handle, a toy, does what all kinds do, without
 * a word about it in the engine.
 */
#include "toy_fixture.h"

#include "../../csrc/http/pool.h"

static const struct hn_slice nothing = {NULL, 0};

TEST(a_toy_is_a_handle_like_the_others) {
  hn_runtime *rt;
  hn_handle toy = 0, child = 0, got = 0;
  char text[40];
  struct hn_value v = {.type = HN_TYPE_SPAN, .number = 1};
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle session = toy_session(rt, true, &toy);
  CHECK_INT(hn_kind_of(toy), TOY);
  CHECK(hn_is_valid(rt, toy));
  CHECK_INT(hn_parent(rt, toy, &got), 0);
  CHECK(got == session);
  CHECK_INT(toy_open(rt, toy, &child), 0);
  CHECK_INT(hn_session_of(rt, child, &got), 0);
  CHECK(got == session);
  CHECK_INT(hn_describe(rt, toy, text, sizeof text), 0);
  CHECK_TEXT(slice_of(text), "a toy, at play");
  /* Nothing that belongs to other kinds may be done with it. */
  CHECK_INT(hn_read(rt, toy, 1, HN_READ_SOME), HN_ERR_INCORRECT_HANDLE_TYPE);
  CHECK_INT(hn_connect(rt, toy, slice_of("a"), 1, &got),
            HN_ERR_INCORRECT_HANDLE_TYPE);
  CHECK_INT(hn_set_option(rt, toy, slice_of("connect_timeout"), &v),
            HN_ERR_INCORRECT_HANDLE_TYPE);
  CHECK_INT(hn_query_option(rt, toy, slice_of("context_value"), &v),
            HN_ERR_INCORRECT_HANDLE_TYPE);
  CHECK_INT(toy_say(rt, session, 1), HN_ERR_INCORRECT_HANDLE_TYPE);
  CHECK_INT(hn_close(rt, toy), 0);
  CHECK(!hn_is_valid(rt, child));
  CHECK_INT(toy_say(rt, child, 1), HN_ERR_INVALID_HANDLE);
  CHECK_INT(hn_await(rt, toy, (enum hn_op)TOY_SAY), HN_ERR_INVALID_HANDLE);
  CHECK_INT(toys, 0);
  hn_runtime_free(rt);
}

TEST(its_operations_begin_are_stepped_and_complete_in_order) {
  hn_runtime *rt;
  hn_handle toy = 0;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle session = toy_session(rt, true, &toy);
  CHECK_INT(toy_hear(rt, toy), 0);
  CHECK_INT(toy_say(rt, toy, 3000), 0);
  CHECK_INT(toy_running(rt), 2);
  CHECK_INT(hn_next_timeout(rt), 0);
  toy_expect_none(rt, 0); /* a start does nothing by itself */
  CHECK_INT(hn_step(rt, 0), 0);
  struct hn_event e =
      toy_expect(rt, session, toy, HN_STATUS_WRITE_COMPLETE, TOY_SAY);
  CHECK_INT(e.number, 3000);
  CHECK(e.session == session && e.quiet);
  e = toy_expect(rt, toy, toy, HN_STATUS_READ_COMPLETE, TOY_HEAR);
  CHECK_INT(e.number, 3000);
  toy_expect_none(rt, 0);
  CHECK_INT(toy_running(rt), 0);
  CHECK_INT(hn_next_timeout(rt), -1);
  hn_runtime_free(rt);
  CHECK_INT(toys, 0);
}

TEST(a_side_has_one_operation_until_its_completion_is_taken) {
  hn_runtime *rt;
  hn_handle toy = 0;
  CHECK_INT(hn_runtime_new(&rt), 0);
  toy_session(rt, true, &toy);
  CHECK_INT(toy_say(rt, toy, 1), 0);
  CHECK_INT(toy_say(rt, toy, 1), HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK_INT(toy_hear(rt, toy), 0); /* the other side */
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK_INT(toy_say(rt, toy, 1), HN_ERR_INCORRECT_HANDLE_STATE);
  toy_expect(rt, 0, toy, HN_STATUS_WRITE_COMPLETE, TOY_SAY);
  CHECK_INT(toy_hear(rt, toy), HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK_INT(toy_say(rt, toy, 1), 0);
  CHECK_INT(toy_running(rt), 1);
  hn_runtime_free(rt);
}

/* One that has much to do does a portion at a time. */
TEST(a_long_operation_gives_the_others_their_turn) {
  hn_runtime *rt;
  hn_handle large = 0, small = 0;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle session = toy_session(rt, true, &large);
  uint64_t portion = env_portion(&rt->env);
  CHECK_INT(toy_open(rt, session, &small), 0);
  CHECK_INT(toy_say(rt, large, 3 * portion), 0);
  CHECK_INT(toy_say(rt, small, 1), 0);
  CHECK_INT(hn_step(rt, 0), 0);
  toy_expect(rt, 0, small, HN_STATUS_WRITE_COMPLETE, TOY_SAY);
  toy_expect_none(rt, 0);
  CHECK_INT(toy_at(rt, large)->steps, 1);
  CHECK(toy_at(rt, large)->tx.moved < portion + TOY_PIECE);
  struct hn_event e;
  CHECK(toy_await(rt, 0, &e));
  CHECK(e.handle == large && e.number >= 3 * portion);
  CHECK_INT(toy_at(rt, large)->steps, 3);
  hn_runtime_free(rt);
}

/* However little a step may do, each of many gets its turn. */
TEST(a_budget_leaves_none_of_many_behind) {
  hn_runtime *rt;
  hn_handle made[20];
  struct hn_event e;
  CHECK_INT(hn_runtime_new(&rt), 0);
  CHECK_INT(hn_set_budget(rt, 1), 0);
  hn_handle session = toy_session(rt, true, &made[0]);
  for (int i = 1; i < 20; i++) CHECK_INT(toy_open(rt, session, &made[i]), 0);
  for (int i = 0; i < 20; i++) CHECK_INT(toy_say(rt, made[i], 1), 0);
  for (int i = 0; i < 20; i++) {
    CHECK(toy_await(rt, 0, &e));
    CHECK(e.handle == made[i]);
  }
  for (int i = 0; i < 20; i++) CHECK_INT(toy_at(rt, made[i])->steps, 1);
  hn_runtime_free(rt);
}

TEST(its_deadline_passes_once) {
  hn_runtime *rt;
  hn_handle toy = 0;
  struct hn_event e;
  CHECK_INT(hn_runtime_new(&rt), 0);
  toy_session(rt, true, &toy);
  toy_at(rt, toy)->patience = 2;
  CHECK_INT(toy_hear(rt, toy), 0);
  CHECK(toy_await(rt, 0, &e));
  CHECK_INT(e.status, HN_STATUS_REQUEST_ERROR);
  CHECK_INT(e.code, HN_ERR_TIMEOUT);
  CHECK_INT(e.op, TOY_HEAR);
  CHECK_TEXT(e.text, "the toy was at play");
  CHECK_TEXT(e.host, "toy");
  CHECK_INT(hn_next_timeout(rt), -1);
  toy_expect_none(rt, 0);
  /* One that ends in time leaves no deadline behind. */
  toy_at(rt, toy)->patience = 600000;
  CHECK_INT(toy_hear(rt, toy), 0);
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK(hn_next_timeout(rt) > 0);
  CHECK_INT(toy_say(rt, toy, 1), 0);
  CHECK_INT(hn_step(rt, 0), 0);
  toy_expect(rt, 0, toy, HN_STATUS_WRITE_COMPLETE, TOY_SAY);
  toy_expect(rt, 0, toy, HN_STATUS_READ_COMPLETE, TOY_HEAR);
  CHECK_INT(hn_next_timeout(rt), -1);
  hn_runtime_free(rt);
}

TEST(a_timer_of_its_own_rings) {
  hn_runtime *rt;
  hn_handle toy = 0, other = 0;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle session = toy_session(rt, true, &toy);
  CHECK_INT(toy_open(rt, session, &other), 0);
  struct toy *t = toy_at(rt, toy);
  struct hn_heap *heap = &rt->env.deadlines;
  CHECK_INT(timer_set(heap, &t->alarm, env_now(&rt->env)), 0);
  CHECK_INT(timer_set(heap, &toy_at(rt, other)->alarm, INT64_MAX / 4), 0);
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK_INT(t->rang, 1);
  CHECK_INT(toy_at(rt, other)->rang, 0);
  CHECK(hn_next_timeout(rt) > 0);
  CHECK_INT(hn_close(rt, other), 0); /* which takes its alarm along */
  CHECK_INT(hn_next_timeout(rt), -1);
  hn_runtime_free(rt);
}

/* Cancelled from the top, told of from the bottom. */
TEST(closing_cancels_what_runs_and_takes_children_along) {
  const uint32_t closing = HN_STATUS_HANDLE_CLOSING;
  const uint32_t error = HN_STATUS_REQUEST_ERROR;
  hn_runtime *rt;
  hn_handle session = 0, connection = 0, toy = 0, child = 0;
  CHECK_INT(hn_runtime_new(&rt), 0);
  CHECK_INT(hn_open(rt, nothing, HN_OPEN_ASYNC, &session), 0);
  CHECK_INT(hn_set_mask(rt, session, closing), 0);
  CHECK_INT(hn_connect(rt, session, slice_of("a"), 1, &connection), 0);
  CHECK_INT(toy_open(rt, connection, &toy), 0);
  CHECK_INT(toy_open(rt, toy, &child), 0);
  CHECK_INT(toy_hear(rt, child), 0);
  CHECK_INT(toy_hear(rt, toy), 0);
  CHECK_INT(toy_say(rt, toy, 1), 0);
  CHECK_INT(hn_close(rt, connection), 0);
  CHECK_INT(toys, 0);
  CHECK_INT(toy_running(rt), 0);
  struct hn_event e = toy_expect(rt, session, toy, error, TOY_SAY);
  CHECK_INT(e.code, HN_ERR_OPERATION_CANCELLED);
  toy_expect(rt, session, toy, error, TOY_HEAR);
  e = toy_expect(rt, session, child, error, TOY_HEAR);
  CHECK_INT(e.code, HN_ERR_OPERATION_CANCELLED);
  e = toy_expect(rt, session, child, closing, HN_OP_NONE);
  CHECK(e.number == child);
  toy_expect(rt, session, toy, closing, HN_OP_NONE);
  toy_expect(rt, session, connection, closing, HN_OP_NONE);
  toy_expect_none(rt, session);
  CHECK_INT(hn_step(rt, 0), 0);
  hn_runtime_free(rt);
}

TEST(a_completion_outlives_its_handle_but_not_a_discarded_one) {
  hn_runtime *rt;
  hn_handle toy = 0, other = 0;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle session = toy_session(rt, true, &toy);
  CHECK_INT(toy_open(rt, session, &other), 0);
  CHECK_INT(toy_say(rt, toy, 1), 0);
  CHECK_INT(toy_say(rt, other, 1), 0);
  CHECK_INT(toy_hear(rt, other), 0);
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK_INT(hn_close(rt, toy), 0);
  hn_discard(rt, other);
  CHECK_INT(toys, 0);
  toy_expect(rt, 0, toy, HN_STATUS_WRITE_COMPLETE, TOY_SAY);
  toy_expect_none(rt, 0);
  hn_runtime_free(rt);
}

TEST(cancelling_drops_one_completion_and_breaks_the_handle) {
  hn_runtime *rt;
  hn_handle toy = 0;
  CHECK_INT(hn_runtime_new(&rt), 0);
  toy_session(rt, true, &toy);
  CHECK_INT(toy_hear(rt, toy), 0);
  CHECK_INT(toy_say(rt, toy, 1), 0);
  CHECK_INT(hn_cancel(rt, toy, (enum hn_op)TOY_HEAR), 0);
  CHECK(toy_at(rt, toy)->broken);
  CHECK_INT(toy_running(rt), 0);
  struct hn_event e = toy_expect(rt, 0, toy, HN_STATUS_REQUEST_ERROR, TOY_SAY);
  CHECK_INT(e.code, HN_ERR_OPERATION_CANCELLED);
  toy_expect_none(rt, 0);
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK_INT(toy_at(rt, toy)->steps, 0); /* it stands in no line */
  CHECK_INT(toy_say(rt, toy, 1), HN_ERR_OPERATION_CANCELLED);
  hn_runtime_free(rt);
}

TEST(cancelling_drops_what_has_completed_too) {
  hn_runtime *rt;
  hn_handle toy = 0;
  CHECK_INT(hn_runtime_new(&rt), 0);
  toy_session(rt, true, &toy);
  CHECK_INT(toy_hear(rt, toy), 0);
  CHECK_INT(toy_say(rt, toy, 1), 0);
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK_INT(hn_cancel(rt, toy, HN_OP_NONE), 0);
  toy_expect_none(rt, 0);
  CHECK(toy_at(rt, toy)->broken);
  hn_runtime_free(rt);
}

TEST(only_operations_of_its_kind_are_awaited_and_cancelled) {
  static const unsigned others[] = {HN_OP_READ_DATA,
                                    HN_OP_SEND_REQUEST,
                                    19,
                                    22,
                                    31,
                                    32,
                                    33,
                                    32 + TOY_SAY,
                                    255,
                                    256,
                                    0x80000000u + TOY_SAY,
                                    UINT32_MAX};
  hn_runtime *rt;
  hn_handle toy = 0;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle session = toy_session(rt, true, &toy);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    enum hn_op op = (enum hn_op)others[i];
    CHECK_INT(hn_await(rt, toy, op), HN_ERR_INVALID_PARAMETER);
    CHECK_INT(hn_cancel(rt, toy, op), HN_ERR_INVALID_PARAMETER);
  }
  CHECK_INT(hn_await(rt, toy, HN_OP_NONE), HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_await(rt, toy, (enum hn_op)TOY_HEAR), 0); /* none runs */
  CHECK(!toy_at(rt, toy)->broken);
  CHECK_INT(hn_await(rt, session, (enum hn_op)TOY_HEAR),
            HN_ERR_INCORRECT_HANDLE_TYPE);
  CHECK_INT(hn_cancel(rt, session, HN_OP_NONE), HN_ERR_INCORRECT_HANDLE_TYPE);
  hn_runtime_free(rt);
}

/* The next start finds an operation of a sync session for which nobody waits:
 * its wait ended by an error. */
TEST(an_abandoned_wait_is_broken_off_by_the_next_start) {
  hn_runtime *rt;
  hn_handle toy = 0;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle session = toy_session(rt, false, &toy);
  CHECK_INT(toy_hear(rt, toy), 0);
  CHECK_INT(hn_await(rt, toy, (enum hn_op)TOY_HEAR), 0);
  CHECK_INT(toy_say(rt, toy, 1), 0); /* somebody waits: this is fine */
  CHECK_INT(toy_hear(rt, toy), HN_ERR_OPERATION_CANCELLED);
  CHECK(toy_at(rt, toy)->broken);
  struct hn_event e = toy_expect(rt, 0, toy, HN_STATUS_REQUEST_ERROR, TOY_HEAR);
  CHECK_INT(e.code, HN_ERR_OPERATION_CANCELLED);
  toy_expect_none(rt, 0); /* of the one that nobody waited for, nothing */
  /* A completion that lies there is as abandoned. */
  CHECK_INT(toy_open(rt, session, &toy), 0);
  CHECK_INT(toy_say(rt, toy, 1), 0);
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK_INT(toy_hear(rt, toy), HN_ERR_OPERATION_CANCELLED);
  toy_expect_none(rt, 0);
  hn_runtime_free(rt);
}

TEST(what_it_announced_waits_until_it_was_heard) {
  hn_runtime *rt;
  hn_handle toy = 0, other = 0;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle session = toy_session(rt, true, &toy);
  CHECK_INT(toy_open(rt, session, &other), 0);
  CHECK_INT(hn_set_mask(rt, toy, HN_STATUS_REDIRECT), 0);
  struct toy *t = toy_at(rt, toy);
  CHECK_INT(toy_hear(rt, toy), 0);
  t->held = true;
  CHECK_INT(node_notify(&t->node, HN_STATUS_REDIRECT, 0, slice_of("there")), 0);
  CHECK_INT(toy_say(rt, toy, 1), 0);
  CHECK_INT(hn_step(rt, 0), 0);
  struct hn_event e =
      toy_expect(rt, session, toy, HN_STATUS_REDIRECT, HN_OP_NONE);
  CHECK_TEXT(e.text, "there");
  CHECK(hn_next_timeout(rt) == 0); /* the take that goes on is due */
  toy_expect_none(rt, other);      /* one that does not cover it */
  CHECK_INT(t->went_on, 0);
  toy_expect(rt, session, toy, HN_STATUS_WRITE_COMPLETE, TOY_SAY);
  CHECK_INT(t->went_on, 1);
  CHECK_INT(hn_step(rt, 0), 0);
  toy_expect(rt, session, toy, HN_STATUS_READ_COMPLETE, TOY_HEAR);
  CHECK_INT(t->went_on, 1);
  hn_runtime_free(rt);
}

TEST(a_result_that_is_near_is_had_without_a_step) {
  hn_runtime *rt;
  hn_handle toy = 0;
  struct hn_event e;
  CHECK_INT(hn_runtime_new(&rt), 0);
  toy_session(rt, false, &toy);
  CHECK_INT(toy_say(rt, toy, 5), 0);
  CHECK(hn_try_result(rt, toy, (enum hn_op)TOY_SAY, &e));
  CHECK_INT(e.number, TOY_PIECE);
  CHECK(!hn_try_result(rt, toy, (enum hn_op)TOY_SAY, &e));
  CHECK_INT(toy_hear(rt, toy), 0);
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK(!hn_take_result(rt, toy, (enum hn_op)TOY_SAY, &e));
  CHECK(hn_take_result(rt, toy, (enum hn_op)TOY_HEAR, &e));
  CHECK_INT(toy_running(rt), 0);
  hn_runtime_free(rt);
}

static bool play(void *ctx) {
  hn_runtime *rt = *(hn_runtime **)ctx;
  hn_handle session = 0, toy = 0, child = 0;
  bool ok = hn_open(rt, nothing, HN_OPEN_ASYNC, &session) == 0 &&
            hn_set_mask(rt, session, HN_STATUS_HANDLE_CLOSING) == 0 &&
            toy_open(rt, session, &toy) == 0 &&
            toy_open(rt, toy, &child) == 0 && toy_hear(rt, child) == 0 &&
            toy_say(rt, toy, 1) == 0;
  hn_discard(rt, session);
  CHECK_INT(toys, 0);
  CHECK_INT(toy_running(rt), 0);
  return ok;
}

static bool play_alone(void *ctx) {
  hn_runtime *rt;
  (void)ctx;
  if (hn_runtime_new(&rt)) return false;
  bool ok = play(&rt);
  hn_runtime_free(rt);
  return ok;
}

TEST(without_memory_nothing_is_left_behind) {
  test_each_failure(play_alone, NULL);
}

static int flushes, timeouts;

static int count_flush(struct hn_conn *c) {
  (void)c;
  flushes++;
  return 0;
}

static int count_timeout(struct hn_conn *c) {
  (void)c;
  timeouts++;
  return 0;
}

/* Before it waits and before it returns; and a timer with the connection's tag
 * is its protocol's. */
TEST(a_step_writes_what_is_queued_and_passes_timers_on) {
  const struct hn_protocol counting = {
      .shares = true,
      .conn = {.on_flush = count_flush, .on_timer = count_timeout}};
  struct hn_conn c = {.protocol = &counting};
  struct hn_timer t;
  hn_runtime *rt = NULL;
  CHECK_INT(hn_runtime_new(&rt), 0);
  c.env = &rt->env;
  list_init(&c.flush);
  CHECK_INT(slots_put(&rt->env.slots, HN_SLOT_CONN, &c, &c.tag), 0);
  flushes = timeouts = 0;
  conn_flush_later(&c);
  conn_flush_later(&c);
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK_INT(flushes, 1);
  CHECK(list_is_empty(&rt->env.unflushed));
  timer_init(&t, c.tag, HN_TIMER_CONN);
  CHECK_INT(timer_set(&rt->env.deadlines, &t, 0), 0);
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK_INT(timeouts, 1);
  slots_remove(&rt->env.slots, c.tag);
  hn_runtime_free(rt);
}

TEST_MAIN(ROW(a_toy_is_a_handle_like_the_others),
          ROW(its_operations_begin_are_stepped_and_complete_in_order),
          ROW(a_side_has_one_operation_until_its_completion_is_taken),
          ROW(a_long_operation_gives_the_others_their_turn),
          ROW(a_budget_leaves_none_of_many_behind),
          ROW(its_deadline_passes_once), ROW(a_timer_of_its_own_rings),
          ROW(closing_cancels_what_runs_and_takes_children_along),
          ROW(a_completion_outlives_its_handle_but_not_a_discarded_one),
          ROW(cancelling_drops_one_completion_and_breaks_the_handle),
          ROW(cancelling_drops_what_has_completed_too),
          ROW(only_operations_of_its_kind_are_awaited_and_cancelled),
          ROW(an_abandoned_wait_is_broken_off_by_the_next_start),
          ROW(what_it_announced_waits_until_it_was_heard),
          ROW(a_result_that_is_near_is_had_without_a_step),
          ROW(without_memory_nothing_is_left_behind),
          ROW(a_step_writes_what_is_queued_and_passes_timers_on))
