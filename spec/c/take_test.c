/*
 * take_test.c: which event a take of which scope hands out, and what goes on
 * with it.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "toy_fixture.h"

static const uint32_t everything = UINT32_MAX;

/* Two sessions; in the first a connection with a toy and its child. */
struct house {
  hn_runtime *rt;
  hn_handle session, connection, toy, child, other, stranger;
};

static void house_open(struct house *h) {
  CHECK_INT(hn_runtime_new(&h->rt), 0);
  h->other = toy_session(h->rt, true, &h->stranger);
  CHECK_INT(hn_open(h->rt, slice_make(NULL, 0), HN_OPEN_ASYNC, &h->session), 0);
  CHECK_INT(hn_connect(h->rt, h->session, slice_of("a"), 1, &h->connection), 0);
  CHECK_INT(toy_open(h->rt, h->connection, &h->toy), 0);
  CHECK_INT(toy_open(h->rt, h->toy, &h->child), 0);
}

static void tell(struct house *h, hn_handle toy, uint32_t status,
                 const char *text) {
  struct hn_node *n = &toy_at(h->rt, toy)->node;
  CHECK_INT(node_notify(n, status, 42, slice_of(text)), 0);
}

TEST(every_status_is_posted_where_it_is_listened_to_and_nowhere_else) {
  const struct hn_status_entry *s;
  struct house h;
  house_open(&h);
  for (size_t i = 0; (s = hn_status_at(i)) != NULL; i++) {
    CHECK_INT(hn_set_mask(h.rt, h.toy, s->bit), 0);
    CHECK_INT(hn_set_mask(h.rt, h.child, everything & ~s->bit), 0);
    test_label(s->name);
    tell(&h, h.toy, s->bit, "text");
    tell(&h, h.child, s->bit, "text");
    struct hn_event e = toy_expect(h.rt, h.session, h.toy, s->bit, HN_OP_NONE);
    CHECK_INT(e.number, 42);
    CHECK_TEXT(e.text, "text");
    CHECK(e.session == h.session && !e.ended && !e.quiet);
    CHECK_INT(e.code, 0);
    toy_expect_none(h.rt, 0);
  }
  hn_runtime_free(h.rt);
}

/* Scope -> which of the events below it takes, in order. */
TEST(a_scope_takes_its_own_and_leaves_the_rest) {
  static const char *const takes[] = {
      "123456", "1356", "", "16", "35", "24",
  };
  for (size_t i = 0; i < sizeof takes / sizeof *takes; i++) {
    struct house h;
    struct hn_event e;
    house_open(&h);
    const hn_handle scopes[] = {0,     h.session, h.connection,
                                h.toy, h.child,   h.other};
    const hn_handle toys_of[] = {h.toy,      h.stranger, h.child,
                                 h.stranger, h.child,    h.toy};
    const hn_handle all[] = {h.toy, h.child, h.stranger};
    for (int k = 0; k < 3; k++)
      CHECK_INT(hn_set_mask(h.rt, all[k], everything), 0);
    for (int k = 0; k < 6; k++) {
      char text[2] = {(char)('1' + k), '\0'};
      tell(&h, toys_of[k], HN_STATUS_RESOLVING_NAME, text);
    }
    char got[8] = "";
    size_t n = 0;
    while (hn_next_event(h.rt, scopes[i], &e)) got[n++] = e.text.p[0];
    CHECK_TEXT(slice_make(got, n), takes[i]);
    size_t rest = 0;
    for (char last = '0'; hn_next_event(h.rt, 0, &e); rest++) {
      CHECK(e.text.p[0] > last);
      last = e.text.p[0];
    }
    CHECK_INT(n + rest, 6);
    hn_runtime_free(h.rt);
  }
}

TEST(a_closed_scope_still_takes_what_is_left_of_it) {
  const uint32_t closing = HN_STATUS_HANDLE_CLOSING;
  struct house h;
  house_open(&h);
  CHECK_INT(hn_set_mask(h.rt, h.session, closing), 0);
  CHECK_INT(hn_set_mask(h.rt, h.toy, everything), 0);
  CHECK_INT(hn_set_mask(h.rt, h.child, everything), 0);
  CHECK_INT(hn_set_mask(h.rt, h.stranger, everything), 0);
  tell(&h, h.child, HN_STATUS_CONNECTED_TO_SERVER, "before");
  tell(&h, h.stranger, HN_STATUS_CONNECTED_TO_SERVER, "elsewhere");
  CHECK_INT(toy_hear(h.rt, h.toy), 0);
  CHECK_INT(hn_close(h.rt, h.toy), 0);
  toy_expect(h.rt, h.toy, h.toy, HN_STATUS_REQUEST_ERROR, TOY_HEAR);
  toy_expect(h.rt, h.toy, h.toy, closing, HN_OP_NONE);
  toy_expect_none(h.rt, h.toy);
  CHECK_INT(hn_close(h.rt, h.session), 0);
  toy_expect(h.rt, h.session, h.child, HN_STATUS_CONNECTED_TO_SERVER, 0);
  toy_expect(h.rt, h.session, h.child, closing, HN_OP_NONE);
  toy_expect(h.rt, h.session, h.session, closing, HN_OP_NONE);
  toy_expect_none(h.rt, h.session);
  toy_expect(h.rt, 0, h.stranger, HN_STATUS_CONNECTED_TO_SERVER, 0);
  toy_expect_none(h.rt, 0);
  hn_runtime_free(h.rt);
}

TEST(a_result_is_its_sessions_oldest_event_or_waits) {
  struct house h;
  struct hn_event e;
  const enum hn_op say = (enum hn_op)TOY_SAY, hear = (enum hn_op)TOY_HEAR;
  house_open(&h);
  CHECK_INT(toy_say(h.rt, h.stranger, 1), 0); /* another session's */
  CHECK_INT(toy_say(h.rt, h.toy, 1), 0);
  CHECK_INT(toy_say(h.rt, h.child, 1), 0);
  CHECK_INT(hn_step(h.rt, 0), 0);
  CHECK(!hn_take_result(h.rt, h.child, say, &e)); /* the toy's is before */
  CHECK(!hn_take_result(h.rt, h.toy, hear, &e));
  CHECK(!hn_take_result(h.rt, h.session, say, &e));
  CHECK(!hn_take_result(h.rt, h.connection, say, &e));
  CHECK(hn_take_result(h.rt, h.toy, say, &e));
  CHECK(e.handle == h.toy && e.op == TOY_SAY);
  CHECK(!hn_take_result(h.rt, h.toy, say, &e));
  CHECK(hn_take_result(h.rt, h.child, say, &e));
  CHECK(hn_take_result(h.rt, h.stranger, say, &e));
  CHECK(!hn_take_result(h.rt, h.stranger, say, &e));
  /* Of a closed handle as well. */
  CHECK_INT(toy_hear(h.rt, h.child), 0);
  CHECK_INT(toy_hear(h.rt, h.toy), 0);
  CHECK_INT(hn_close(h.rt, h.toy), 0);
  CHECK(!hn_take_result(h.rt, h.child, hear, &e));
  CHECK(!hn_take_result(h.rt, h.toy, say, &e));
  CHECK(hn_take_result(h.rt, h.toy, hear, &e));
  CHECK_INT(e.code, HN_ERR_OPERATION_CANCELLED);
  CHECK(hn_take_result(h.rt, h.child, hear, &e));
  hn_runtime_free(h.rt);
}

/* A notification is no result, though it is first. */
TEST(a_notification_is_never_taken_as_a_result) {
  struct house h;
  struct hn_event e;
  house_open(&h);
  CHECK_INT(hn_set_mask(h.rt, h.toy, HN_STATUS_RESOLVING_NAME), 0);
  tell(&h, h.toy, HN_STATUS_RESOLVING_NAME, "a");
  CHECK_INT(toy_say(h.rt, h.toy, 1), 0);
  CHECK_INT(hn_step(h.rt, 0), 0);
  CHECK(!hn_take_result(h.rt, h.toy, (enum hn_op)TOY_SAY, &e));
  toy_expect(h.rt, h.toy, h.toy, HN_STATUS_RESOLVING_NAME, HN_OP_NONE);
  CHECK(hn_take_result(h.rt, h.toy, (enum hn_op)TOY_SAY, &e));
  hn_runtime_free(h.rt);
}

static void announce(struct house *h, hn_handle toy) {
  toy_at(h->rt, toy)->held = true;
  tell(h, toy, HN_STATUS_REDIRECT, "there");
}

/* Whether a take of that scope has it go on. */
TEST(a_hold_ends_with_the_next_take_that_covers_the_handle) {
  static const bool covers[] = {true, true, false, true, false, false};
  for (size_t i = 0; i < sizeof covers / sizeof *covers; i++) {
    for (int result = 0; result < 2; result++) {
      struct house h;
      struct hn_event e;
      house_open(&h);
      const hn_handle scopes[] = {0,     h.session, h.connection,
                                  h.toy, h.child,   h.other};
      CHECK_INT(hn_set_mask(h.rt, h.toy, HN_STATUS_REDIRECT), 0);
      const struct toy *t = toy_at(h.rt, h.toy);
      announce(&h, h.toy);
      CHECK_INT(hn_step(h.rt, 0), 0);
      CHECK_INT(t->went_on, 0);
      toy_expect(h.rt, 0, h.toy, HN_STATUS_REDIRECT, HN_OP_NONE);
      CHECK_INT(hn_step(h.rt, 0), 0); /* a step is no take */
      CHECK_INT(t->went_on, 0);
      if (result)
        CHECK(!hn_take_result(h.rt, scopes[i], (enum hn_op)TOY_SAY, &e));
      else
        CHECK(!hn_next_event(h.rt, scopes[i], &e));
      CHECK_INT(t->went_on, covers[i]);
      toy_expect_none(h.rt, 0);
      toy_expect_none(h.rt, 0);
      CHECK_INT(t->went_on, 1); /* once */
      hn_runtime_free(h.rt);
    }
  }
}

TEST(many_are_held_each_for_itself) {
  struct house h;
  house_open(&h);
  const hn_handle all[] = {h.toy, h.child, h.stranger};
  for (int i = 0; i < 3; i++) {
    CHECK_INT(hn_set_mask(h.rt, all[i], HN_STATUS_REDIRECT), 0);
    announce(&h, all[i]);
  }
  toy_expect(h.rt, h.child, h.child, HN_STATUS_REDIRECT, HN_OP_NONE);
  toy_expect(h.rt, h.toy, h.toy, HN_STATUS_REDIRECT, HN_OP_NONE);
  CHECK_INT(toy_at(h.rt, h.child)->went_on, 0);
  toy_expect(h.rt, h.other, h.stranger, HN_STATUS_REDIRECT, HN_OP_NONE);
  CHECK_INT(toy_at(h.rt, h.toy)->went_on, 0);
  toy_expect_none(h.rt, h.session);
  CHECK_INT(toy_at(h.rt, h.toy)->went_on, 1);
  CHECK_INT(toy_at(h.rt, h.child)->went_on, 1);
  CHECK_INT(toy_at(h.rt, h.stranger)->went_on, 0);
  toy_expect_none(h.rt, h.other);
  CHECK_INT(toy_at(h.rt, h.stranger)->went_on, 1);
  hn_runtime_free(h.rt);
}

/* It goes on when all of them were heard. */
TEST(a_hold_may_follow_a_hold) {
  struct house h;
  house_open(&h);
  CHECK_INT(hn_set_mask(h.rt, h.toy, HN_STATUS_REDIRECT), 0);
  announce(&h, h.toy);
  announce(&h, h.toy);
  toy_expect(h.rt, 0, h.toy, HN_STATUS_REDIRECT, HN_OP_NONE);
  toy_expect(h.rt, 0, h.toy, HN_STATUS_REDIRECT, HN_OP_NONE);
  CHECK_INT(toy_at(h.rt, h.toy)->went_on, 0);
  toy_expect_none(h.rt, 0);
  CHECK_INT(toy_at(h.rt, h.toy)->went_on, 1);
  /* One that comes while another is heard is heard as well. */
  announce(&h, h.toy);
  toy_expect(h.rt, 0, h.toy, HN_STATUS_REDIRECT, HN_OP_NONE);
  announce(&h, h.toy);
  toy_expect(h.rt, 0, h.toy, HN_STATUS_REDIRECT, HN_OP_NONE);
  CHECK_INT(toy_at(h.rt, h.toy)->went_on, 1);
  toy_expect_none(h.rt, 0);
  CHECK_INT(toy_at(h.rt, h.toy)->went_on, 2);
  CHECK_INT(hn_step(h.rt, 0), 0);
  CHECK_INT(hn_next_timeout(h.rt), -1);
  hn_runtime_free(h.rt);
}

/* As by a coroutine that is suspended in the middle of it. */
TEST(who_is_being_heard_is_let_go_by_nobody_else) {
  struct house h;
  house_open(&h);
  CHECK_INT(hn_set_mask(h.rt, h.toy, HN_STATUS_REDIRECT), 0);
  const struct toy *t = toy_at(h.rt, h.toy);
  announce(&h, h.toy);
  hn_hear(h.rt, h.toy, true); /* too early: it was not taken */
  toy_expect(h.rt, 0, h.toy, HN_STATUS_REDIRECT, HN_OP_NONE);
  for (int i = 0; i < 3; i++) {
    hn_hear(h.rt, h.toy, true);
    CHECK_INT(hn_next_timeout(h.rt), -1); /* and nobody spins for it */
    toy_expect_none(h.rt, 0);
    CHECK_INT(t->went_on, 0);
  }
  hn_hear(h.rt, h.toy, false);
  CHECK_INT(t->went_on, 0);
  CHECK_INT(hn_next_timeout(h.rt), 0);
  toy_expect_none(h.rt, 0);
  CHECK_INT(t->went_on, 1);
  hn_hear(h.rt, h.toy, true); /* too late */
  hn_hear(h.rt, h.toy, false);
  hn_hear(h.rt, 0, true);
  toy_expect_none(h.rt, 0);
  CHECK_INT(t->went_on, 1);
  announce(&h, h.toy);
  toy_expect(h.rt, 0, h.toy, HN_STATUS_REDIRECT, HN_OP_NONE);
  hn_hear(h.rt, h.toy, true);
  CHECK_INT(hn_close(h.rt, h.toy), 0);
  hn_hear(h.rt, h.toy, false);
  toy_expect_none(h.rt, 0);
  hn_runtime_free(h.rt);
}

/* Once it is being heard, and not before. */
TEST(who_hears_it_may_refuse) {
  for (int hears = 0; hears < 2; hears++) {
    struct house h;
    house_open(&h);
    CHECK_INT(hn_set_mask(h.rt, h.toy, HN_STATUS_REDIRECT), 0);
    CHECK_INT(toy_hear(h.rt, h.toy), 0);
    announce(&h, h.toy);
    CHECK_INT(hn_refuse(h.rt, h.toy), 0);
    toy_expect(h.rt, 0, h.toy, HN_STATUS_REDIRECT, HN_OP_NONE);
    CHECK(!toy_at(h.rt, h.toy)->broken);
    if (hears) hn_hear(h.rt, h.toy, true);
    CHECK_INT(hn_refuse(h.rt, h.toy), 0);
    CHECK(toy_at(h.rt, h.toy)->broken);
    if (hears) hn_hear(h.rt, h.toy, false);
    struct hn_event e =
        toy_expect(h.rt, 0, h.toy, HN_STATUS_REQUEST_ERROR, TOY_HEAR);
    CHECK_INT(e.code, HN_ERR_OPERATION_CANCELLED);
    toy_expect_none(h.rt, 0);
    CHECK_INT(hn_refuse(h.rt, h.session), HN_ERR_INCORRECT_HANDLE_TYPE);
    CHECK_INT(hn_refuse(h.rt, 0), HN_ERR_INVALID_HANDLE);
    hn_runtime_free(h.rt);
  }
}

TEST(who_is_closed_is_held_no_longer) {
  struct house h;
  house_open(&h);
  CHECK_INT(hn_set_mask(h.rt, h.toy, HN_STATUS_REDIRECT), 0);
  announce(&h, h.toy);
  toy_expect(h.rt, 0, h.toy, HN_STATUS_REDIRECT, HN_OP_NONE);
  CHECK_INT(hn_close(h.rt, h.toy), 0); /* by its listener */
  CHECK_INT(hn_next_timeout(h.rt), -1);
  toy_expect_none(h.rt, 0);
  CHECK_INT(hn_set_mask(h.rt, h.stranger, HN_STATUS_REDIRECT), 0);
  announce(&h, h.stranger);
  CHECK_INT(hn_close(h.rt, h.stranger), 0); /* before it is heard */
  toy_expect(h.rt, 0, h.stranger, HN_STATUS_REDIRECT, HN_OP_NONE);
  toy_expect_none(h.rt, 0);
  hn_runtime_free(h.rt);
}

/* A session announces nothing: it has nothing to go on with. */
TEST(what_has_nothing_to_go_on_with_is_not_held) {
  struct house h;
  struct hn_node *n;
  house_open(&h);
  CHECK_INT(hn_set_mask(h.rt, h.session, HN_STATUS_REDIRECT), 0);
  CHECK_INT(node_find_any(h.rt, h.session, &n), 0);
  CHECK_INT(node_notify(n, HN_STATUS_REDIRECT, 0, slice_of("x")), 0);
  toy_expect(h.rt, 0, h.session, HN_STATUS_REDIRECT, HN_OP_NONE);
  CHECK_INT(hn_next_timeout(h.rt), -1);
  toy_expect_none(h.rt, 0);
  hn_runtime_free(h.rt);
}

TEST(a_text_lives_until_the_next_take_whatever_is_closed) {
  struct house h;
  house_open(&h);
  CHECK_INT(hn_set_mask(h.rt, h.toy, everything), 0);
  tell(&h, h.toy, HN_STATUS_RESOLVING_NAME, "a text that lives");
  struct hn_event e =
      toy_expect(h.rt, 0, h.toy, HN_STATUS_RESOLVING_NAME, HN_OP_NONE);
  tell(&h, h.toy, HN_STATUS_NAME_RESOLVED, "another, in its place");
  hn_discard(h.rt, h.session);
  CHECK_INT(hn_step(h.rt, 0), 0);
  CHECK_TEXT(e.text, "a text that lives");
  hn_runtime_free(h.rt);
}

TEST(a_result_is_tried_for_where_nothing_else_is_heard) {
  const enum hn_op say = (enum hn_op)TOY_SAY, hear = (enum hn_op)TOY_HEAR;
  struct house h;
  struct hn_event e = {.handle = 5};
  house_open(&h);
  CHECK(!hn_try_result(h.rt, h.toy, say, &e)); /* none runs */
  CHECK(!hn_try_result(h.rt, h.session, say, &e));
  CHECK(!hn_try_result(h.rt, 0, say, &e));
  CHECK_INT(toy_say(h.rt, h.toy, 1), 0);
  CHECK(!hn_try_result(h.rt, h.toy, hear, &e));
  CHECK_INT(toy_at(h.rt, h.toy)->steps, 0);
  CHECK_INT(hn_set_mask(h.rt, h.toy, HN_STATUS_HANDLE_CLOSING), 0);
  CHECK(!hn_try_result(h.rt, h.toy, say, &e)); /* somebody listens */
  CHECK(e.handle == 5);
  CHECK_INT(hn_set_mask(h.rt, h.toy, 0), 0);
  CHECK(hn_try_result(h.rt, h.toy, say, &e));
  CHECK(e.handle == h.toy);
  CHECK_INT(hn_next_timeout(h.rt), -1); /* it stands in line no more */
  CHECK_INT(toy_hear(h.rt, h.child), 0);
  CHECK(!hn_try_result(h.rt, h.child, hear, &e)); /* cannot go on */
  CHECK(!toy_at(h.rt, h.child)->rx.taker);
  CHECK_INT(toy_say(h.rt, h.child, 1), 0);
  CHECK_INT(hn_step(h.rt, 0), 0);
  CHECK(hn_try_result(h.rt, h.child, hear, &e)); /* from the queue */
  CHECK(e.op == TOY_HEAR);
  toy_expect(h.rt, 0, h.child, HN_STATUS_WRITE_COMPLETE, TOY_SAY);
  toy_expect_none(h.rt, 0);
  hn_runtime_free(h.rt);
}

/* Else nobody would look at the network. */
TEST(tries_in_a_row_come_to_an_end_until_a_step_has_looked) {
  const enum hn_op say = (enum hn_op)TOY_SAY;
  struct house h;
  struct hn_event e;
  int had = 0;
  house_open(&h);
  for (int round = 0; round < 2; round++) {
    for (had = 0; had < 1000; had++) {
      CHECK_INT(toy_say(h.rt, h.toy, 1), 0);
      if (!hn_try_result(h.rt, h.toy, say, &e)) break;
    }
    CHECK(had > 1 && had < 1000);
    CHECK_INT(hn_step(h.rt, 0), 0);
    CHECK(hn_take_result(h.rt, h.toy, say, &e));
  }
  hn_runtime_free(h.rt);
}

TEST(a_forked_child_takes_nothing) {
  const enum hn_op say = (enum hn_op)TOY_SAY;
  struct house h;
  house_open(&h);
  CHECK_INT(toy_say(h.rt, h.toy, 1), 0);
  CHECK_INT(hn_step(h.rt, 0), 0);
  pid_t pid = fork();
  if (pid == 0) {
    struct hn_event e;
    _exit(hn_next_event(h.rt, 0, &e) || hn_take_result(h.rt, h.toy, say, &e) ||
          hn_try_result(h.rt, h.toy, say, &e));
  }
  int status = 1;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  toy_expect(h.rt, 0, h.toy, HN_STATUS_WRITE_COMPLETE, TOY_SAY);
  hn_runtime_free(h.rt);
}

TEST_MAIN(ROW(every_status_is_posted_where_it_is_listened_to_and_nowhere_else),
          ROW(a_scope_takes_its_own_and_leaves_the_rest),
          ROW(a_closed_scope_still_takes_what_is_left_of_it),
          ROW(a_result_is_its_sessions_oldest_event_or_waits),
          ROW(a_notification_is_never_taken_as_a_result),
          ROW(a_hold_ends_with_the_next_take_that_covers_the_handle),
          ROW(many_are_held_each_for_itself), ROW(a_hold_may_follow_a_hold),
          ROW(who_is_being_heard_is_let_go_by_nobody_else),
          ROW(who_hears_it_may_refuse), ROW(who_is_closed_is_held_no_longer),
          ROW(what_has_nothing_to_go_on_with_is_not_held),
          ROW(a_text_lives_until_the_next_take_whatever_is_closed),
          ROW(a_result_is_tried_for_where_nothing_else_is_heard),
          ROW(tries_in_a_row_come_to_an_end_until_a_step_has_looked),
          ROW(a_forked_child_takes_nothing))
