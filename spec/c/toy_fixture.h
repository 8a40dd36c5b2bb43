/*
 * toy_fixture.h: a kind of handle that nothing in csrc/ knows: it is made of
 * hn_node_ops alone. One operation says so many bytes, the other hears what was
 * said; there is an alarm besides, and a toy may stand below any handle.
 */
#ifndef HN_SPEC_TOY_FIXTURE_H
#define HN_SPEC_TOY_FIXTURE_H

#include "../../csrc/core/duplex.h"
#include "test.h"

enum { TOY = 7, TOY_SAY = 20, TOY_HEAR = 21, TOY_PIECE = 1000 };

struct toy {
  struct hn_node node;
  struct hn_operation tx, rx;
  struct hn_timer alarm;
  struct hn_errinfo info;
  uint64_t unheard; /* bytes that were said and not heard yet */
  int64_t patience; /* ms that hearing may take; -1: any time */
  bool held;        /* what it announced is still to be heard */
  bool broken;
  unsigned steps, rang, went_on;
};

static int toys; /* alive */

static inline struct toy *toy_from(struct hn_node *n) {
  return HN_CONTAINER_OF(n, struct toy, node);
}

static inline const struct hn_errinfo *toy_blame(struct hn_node *n, int code) {
  struct toy *t = toy_from(n);
  err_set(&t->info, code, HN_PHASE_NONE, "toy", "the toy was at play");
  return &t->info;
}

static inline void toy_cancel(struct hn_node *n, bool quiet) {
  duplex_cancel(n, quiet);
  timer_clear(&n->rt->env.deadlines, &toy_from(n)->alarm);
}

static inline void toy_break_off(struct hn_node *n) {
  toy_from(n)->broken = true;
}

static inline void toy_destroy(struct hn_node *n) {
  struct toy *t = toy_from(n);
  if (t->tx.untaken) t->tx.untaken->untaken = NULL;
  if (t->rx.untaken) t->rx.untaken->untaken = NULL;
  spares_give(&n->rt->env.spares, &t->rx.data);
  toys--;
  mem_free(t);
}

static inline void toy_describe(const struct hn_node *n, struct hn_buf *out) {
  (void)n;
  (void)buf_append_text(out, "a toy, at play");
}

static inline void toy_expire(struct hn_node *n, const struct hn_timer *timer) {
  struct toy *t = toy_from(n);
  if (timer->kind == HN_TIMER_TOTAL) {
    t->rang++;
    return;
  }
  struct hn_operation *op = timer->kind == HN_TIMER_SEND ? &t->tx : &t->rx;
  op_fail(n, op, toy_blame(n, HN_ERR_TIMEOUT));
}

static inline void toy_step_say(struct toy *t) {
  uint64_t start = t->tx.moved;
  while (t->tx.moved < t->tx.want) {
    t->tx.moved += TOY_PIECE;
    t->unheard += TOY_PIECE;
    if (duplex_must_pause(&t->node, &t->tx, start)) return;
  }
  op_complete(&t->node, &t->tx, HN_STATUS_WRITE_COMPLETE, t->tx.moved);
}

static inline void toy_step_hear(struct toy *t) {
  if (t->held) return;
  if (t->unheard == 0) {
    int rc = op_arm(&t->node, &t->rx, t->patience, t->tx.moved);
    if (rc) op_fail(&t->node, &t->rx, toy_blame(&t->node, rc));
    return;
  }
  t->rx.moved = t->unheard;
  t->unheard = 0;
  op_complete(&t->node, &t->rx, HN_STATUS_READ_COMPLETE, t->rx.moved);
}

static inline void toy_step(struct hn_node *n) {
  struct toy *t = toy_from(n);
  t->steps++;
  if (t->tx.running) toy_step_say(t);
  if (t->rx.running) toy_step_hear(t);
}

static inline void toy_go_on(struct hn_node *n) {
  struct toy *t = toy_from(n);
  t->held = false;
  t->went_on++;
  duplex_make_ready(n);
}

static const struct hn_node_ops toy_ops = {
    .size = sizeof(struct toy),
    .cancel = toy_cancel,
    .destroy = toy_destroy,
    .describe = toy_describe,
    .expire = toy_expire,
    .apis = 1u << TOY_SAY | 1u << TOY_HEAR,
    .step = toy_step,
    .go_on = toy_go_on,
    .break_off = toy_break_off,
    .blame = toy_blame,
};

static inline int toy_open(hn_runtime *rt, hn_handle above, hn_handle *out) {
  struct hn_node *parent;
  int rc = node_find_any(rt, above, &parent);
  if (rc) return rc;
  struct toy *t = mem_calloc(1, sizeof *t);
  if (!t) return HN_ERR_NOT_ENOUGH_MEMORY;
  t->node.ops = &toy_ops;
  t->node.operations[HN_SIDE_SEND] = &t->tx;
  t->node.operations[HN_SIDE_RECEIVE] = &t->rx;
  t->patience = -1;
  rc = node_open(rt, &t->node, (enum hn_kind)TOY, parent, parent->queue);
  if (rc) {
    mem_free(t);
    return rc;
  }
  op_init(&t->tx, t->node.id, HN_TIMER_SEND);
  op_init(&t->rx, t->node.id, HN_TIMER_RECEIVE);
  timer_init(&t->alarm, t->node.id, HN_TIMER_TOTAL);
  toys++;
  *out = t->node.id;
  return 0;
}

/* A toy that is there. */
static inline struct toy *toy_at(hn_runtime *rt, hn_handle h) {
  struct hn_node *n = NULL;
  CHECK_INT(node_find(rt, h, (enum hn_kind)TOY, &n), 0);
  return toy_from(n);
}

static inline int toy_begin(hn_runtime *rt, hn_handle h, int api,
                            uint64_t want) {
  struct hn_node *n;
  int rc = duplex_find(rt, h, (enum hn_kind)TOY, &n);
  if (rc) return rc;
  struct toy *t = toy_from(n);
  struct hn_operation *op = api == TOY_SAY ? &t->tx : &t->rx;
  if (t->broken) return HN_ERR_OPERATION_CANCELLED;
  rc = op_begin(n, op, (enum hn_op)api);
  if (rc) return rc;
  op->want = want;
  duplex_make_ready(n);
  return 0;
}

static inline int toy_say(hn_runtime *rt, hn_handle h, uint64_t bytes) {
  return toy_begin(rt, h, TOY_SAY, bytes);
}

static inline int toy_hear(hn_runtime *rt, hn_handle h) {
  return toy_begin(rt, h, TOY_HEAR, 0);
}

/* A session, and a toy in it. */
static inline hn_handle toy_session(hn_runtime *rt, bool is_async,
                                    hn_handle *toy) {
  hn_handle session = 0;
  CHECK_INT(
      hn_open(rt, slice_make(NULL, 0), is_async ? HN_OPEN_ASYNC : 0, &session),
      0);
  CHECK_INT(toy_open(rt, session, toy), 0);
  return session;
}

/* What is running in all. */
static inline size_t toy_running(hn_runtime *rt) {
  size_t handles, operations;
  hn_live(rt, &handles, &operations);
  return operations;
}

/* The next event of a scope is that one. */
static inline struct hn_event toy_expect(hn_runtime *rt, hn_handle scope,
                                         hn_handle h, uint32_t status, int op) {
  struct hn_event e = {0};
  CHECK(hn_next_event(rt, scope, &e));
  CHECK(e.handle == h);
  CHECK_INT(e.status, status);
  CHECK_INT(e.op, op);
  return e;
}

static inline void toy_expect_none(hn_runtime *rt, hn_handle scope) {
  struct hn_event e;
  CHECK(!hn_next_event(rt, scope, &e));
}

/* Steps until an event of the scope is there, which it takes. */
static inline bool toy_await(hn_runtime *rt, hn_handle scope,
                             struct hn_event *e) {
  for (int i = 0; i < 1000000; i++) {
    if (hn_next_event(rt, scope, e)) return true;
    if (hn_step(rt, 1000)) return false;
  }
  return false;
}

#endif
