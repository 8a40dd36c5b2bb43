/*
 * sleeper.c: a handle without a parent that lets time pass: its one operation
 * has a deadline and nothing else, and reaching it is success.
 */
#include <assert.h>

#include "../base/mem.h"
#include "../core/duplex.h"
#include "../core/life.h"

struct hn_sleeper {
  struct hn_node node;
  struct hn_operation op;
};

/* Added to any clock it stays below what a number holds. */
static const int64_t sleeper_most = INT64_MAX / 4;

static struct hn_sleeper *sleeper_from(struct hn_node *n) {
  return HN_CONTAINER_OF(n, struct hn_sleeper, node);
}

static void sleeper_destroy(struct hn_node *n) {
  struct hn_sleeper *s = sleeper_from(n);
  if (s->op.untaken) s->op.untaken->untaken = NULL;
  queue_close(n->queue);
  mem_free(s);
}

static void sleeper_describe(const struct hn_node *n, struct hn_buf *out) {
  const struct hn_sleeper *s = HN_CONTAINER_OF(n, struct hn_sleeper, node);
  (void)buf_append_text(out, s->op.running ? "asleep" : "awake");
}

static void sleeper_expire(struct hn_node *n, const struct hn_timer *t) {
  (void)t; /* it has one */
  op_complete(n, &sleeper_from(n)->op, 0, 0);
}

static void sleeper_step(struct hn_node *n) {
  (void)n; /* only time moves it */
}

static void sleeper_break_off(struct hn_node *n) {
  (void)n; /* no byte is lost with it */
}

/* The only way that it can fail. */
static const struct hn_errinfo *sleeper_blame(struct hn_node *n, int code) {
  static const struct hn_errinfo cancelled = {
      .code = HN_ERR_OPERATION_CANCELLED, .text = "operation cancelled"};
  (void)n;
  (void)code;
  return &cancelled;
}

static const struct hn_node_ops sleeper_ops = {
    .size = sizeof(struct hn_sleeper) + sizeof(struct hn_queue),
    .cancel = duplex_cancel,
    .destroy = sleeper_destroy,
    .describe = sleeper_describe,
    .expire = sleeper_expire,
    .apis = 1u << HN_OP_SLEEP,
    .step = sleeper_step,
    .break_off = sleeper_break_off,
    .blame = sleeper_blame,
};

/* It has a queue of its own: nobody's events come before its end. */
static int sleeper_enter(hn_runtime *rt, struct hn_sleeper *s) {
  struct hn_queue *q;
  int rc = queue_new(rt, &q);
  if (rc) return rc;
  rc = node_open(rt, &s->node, HN_KIND_SLEEPER, NULL, q);
  if (rc) {
    queue_close(q);
    return rc;
  }
  q->session = s->node.id;
  op_init(&s->op, s->node.id, HN_TIMER_RECEIVE);
  return 0;
}

/* The clock's millisecond has begun already and does not count. No time at all
 * is over when the network was looked at: deadlines come after that. */
static int sleeper_begin(struct hn_sleeper *s, int64_t ms) {
  struct hn_env *env = &s->node.rt->env;
  int rc = op_begin(&s->node, &s->op, HN_OP_SLEEP);
  env_time_passed(env);
  return rc ? rc : op_arm(&s->node, &s->op, ms > 0 ? ms + 1 : ms, 0);
}

int hn_sleep(hn_runtime *rt, int64_t ms, hn_handle *out) {
  assert(rt && out);
  if (ms < -1 || ms > sleeper_most) return HN_ERR_INVALID_PARAMETER;
  int rc = life_renew(rt);
  if (rc) return rc;
  struct hn_sleeper *s = mem_calloc(1, sizeof *s);
  if (!s) return HN_ERR_NOT_ENOUGH_MEMORY;
  s->node.ops = &sleeper_ops;
  s->node.operations[HN_SIDE_RECEIVE] = &s->op;
  rc = sleeper_enter(rt, s);
  if (rc) {
    mem_free(s);
    return rc;
  }
  rc = sleeper_begin(s, ms);
  if (rc) {
    node_close(&s->node, true);
    return rc;
  }
  *out = s->node.id;
  runtime_note(rt);
  return 0;
}
