#include "test.h"

#include "../../csrc/handles/session.h"

static int ask(hn_runtime *rt, hn_handle session, int64_t us) {
  struct hn_value v = {.type = HN_TYPE_SPAN, .number = us};
  return hn_set_option(rt, session, slice_of("poll_budget"), &v);
}

static int64_t asked(hn_runtime *rt, hn_handle session) {
  struct hn_value v;
  CHECK_INT(hn_query_option(rt, session, slice_of("poll_budget"), &v), 0);
  return v.number;
}

static hn_handle open_session(hn_runtime *rt) {
  hn_handle h = 0;
  CHECK_INT(hn_open(rt, slice_make(NULL, 0), HN_OPEN_ASYNC, &h), 0);
  return h;
}

TEST(a_session_lowers_the_hosts_and_never_lifts_it) {
  hn_runtime *rt;
  CHECK_INT(hn_runtime_new(&rt), 0);
  CHECK_INT(hn_set_budget(rt, 250), 0);
  hn_handle one = open_session(rt), other = open_session(rt);
  static const int64_t more[] = {-1, 251, 1000, 86400000000};
  for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
    CHECK_INT(ask(rt, one, more[i]), HN_ERR_ACCESS_DENIED);
    CHECK_INT(hn_budget(rt), 250);
  }
  CHECK_INT(ask(rt, one, 100), 0);
  CHECK_INT(hn_budget(rt), 100);
  CHECK_INT(asked(rt, other), 100);
  CHECK_INT(ask(rt, other, 40), 0);
  CHECK_INT(ask(rt, one, 150), 0);
  CHECK_INT(hn_budget(rt), 40);
  CHECK_INT(ask(rt, one, 251), HN_ERR_ACCESS_DENIED); /* 150 stays */
  CHECK_INT(hn_close(rt, other), 0);
  CHECK_INT(hn_budget(rt), 150);
  /* The host is free to do both. */
  CHECK_INT(hn_set_budget(rt, 50), 0);
  CHECK_INT(hn_budget(rt), 50);
  CHECK_INT(hn_set_budget(rt, 500), 0);
  CHECK_INT(hn_budget(rt), 150);
  CHECK_INT(ask(rt, one, 500), 0);
  CHECK_INT(hn_budget(rt), 500);
  hn_discard(rt, one);
  CHECK_INT(hn_budget(rt), 500);
  hn_runtime_free(rt);
}

TEST(without_a_hosts_sessions_have_their_own) {
  hn_runtime *rt;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle one = open_session(rt), other = open_session(rt);
  CHECK_INT(asked(rt, one), -1);
  CHECK_INT(ask(rt, one, 100), 0);
  CHECK_INT(ask(rt, other, 200), 0);
  CHECK_INT(hn_budget(rt), 100);
  CHECK(rt->env.is_hurried);
  CHECK_INT(ask(rt, one, -1), 0);
  CHECK_INT(hn_budget(rt), 200);
  CHECK_INT(hn_close(rt, other), 0);
  CHECK_INT(hn_budget(rt), 0);
  CHECK(!rt->env.is_hurried);
  CHECK_INT(asked(rt, one), -1);
  hn_runtime_free(rt);
}

/* A moment that far ahead must not lie in the past. */
TEST(what_no_clock_reaches_is_refused) {
  static const int64_t wrong[] = {-1, INT64_MIN, INT64_MAX, INT64_MAX / 2,
                                  INT64_MAX / 4 + 1};
  hn_runtime *rt;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle h = open_session(rt);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CHECK_INT(hn_set_budget(rt, wrong[i]), HN_ERR_INVALID_PARAMETER);
    CHECK_INT(hn_budget(rt), 0);
  }
  CHECK_INT(ask(rt, h, INT64_MAX), 0); /* any time may be asked for */
  CHECK_INT(hn_budget(rt), INT64_MAX / 4);
  CHECK_INT(hn_set_budget(rt, INT64_MAX / 4), 0);
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK(rt->until > INT64_MAX / 4);
  hn_runtime_free(rt);
}

TEST(a_wish_that_was_taken_back_does_not_outlive_its_session) {
  hn_runtime *rt;
  CHECK_INT(hn_runtime_new(&rt), 0);
  hn_handle one = open_session(rt), other = open_session(rt);
  CHECK_INT(ask(rt, one, 100), 0);
  CHECK_INT(ask(rt, one, -1), 0);
  CHECK_INT(ask(rt, other, -1), 0);
  CHECK(list_is_empty(&rt->budgets));
  CHECK_INT(hn_close(rt, one), 0);
  CHECK_INT(hn_close(rt, other), 0);
  CHECK_INT(hn_set_budget(rt, 5), 0);
  CHECK_INT(hn_budget(rt), 5);
  hn_runtime_free(rt);
}

TEST(a_wish_is_held_to_what_clocks_reach) {
  hn_runtime *rt;
  struct hn_budget b;
  CHECK_INT(hn_runtime_new(&rt), 0);
  budget_init(&b);
  CHECK_INT(budget_ask(rt, &b, -1), HN_ERR_INVALID_PARAMETER);
  CHECK_INT(budget_ask(rt, &b, INT64_MAX / 4 + 1), HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_budget(rt), 0);
  CHECK_INT(budget_ask(rt, &b, INT64_MAX / 4), 0);
  CHECK_INT(hn_budget(rt), INT64_MAX / 4);
  budget_fini(rt, &b);
  CHECK_INT(hn_budget(rt), 0);
  budget_fini(rt, &b);
  hn_runtime_free(rt);
}

TEST_MAIN(ROW(a_session_lowers_the_hosts_and_never_lifts_it),
          ROW(without_a_hosts_sessions_have_their_own),
          ROW(what_no_clock_reaches_is_refused),
          ROW(a_wish_that_was_taken_back_does_not_outlive_its_session),
          ROW(a_wish_is_held_to_what_clocks_reach))
