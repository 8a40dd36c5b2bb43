#include "duplex.h"

#include "../http/pool.h"

struct hn_operation *duplex_operation(struct hn_node *n, enum hn_op api) {
  for (int side = 0; side < HN_SIDES; side++) {
    struct hn_operation *op = n->operations[side];
    if (op && op->api == api) return op;
  }
  return NULL;
}

void duplex_make_ready(struct hn_node *n) {
  if (!list_is_empty(&n->ready)) return;
  list_append(&n->rt->ready, &n->ready);
  runtime_note(n->rt);
}

bool duplex_must_pause(struct hn_node *n, const struct hn_operation *op,
                       uint64_t start) {
  if (op->moved - start < env_portion(&n->rt->env)) return false;
  duplex_make_ready(n);
  return true;
}

/* What somebody may still wait for completes as cancelled. */
static void duplex_end(struct hn_node *n, struct hn_operation *op, bool drop) {
  if (drop)
    op_drop(n, op);
  else if (op->running)
    op_fail(n, op, n->ops->blame(n, HN_ERR_OPERATION_CANCELLED));
}

void duplex_cancel(struct hn_node *n, bool quiet) {
  for (int side = 0; side < HN_SIDES; side++) {
    struct hn_operation *op = n->operations[side];
    if (op) duplex_end(n, op, quiet);
  }
}

/* A wait was broken off: what it waited for is dropped. An operation on the
 * other side, for which somebody else may wait, completes as cancelled. */
static void duplex_break(struct hn_node *n, const bool drop[HN_SIDES]) {
  for (int side = 0; side < HN_SIDES; side++) {
    struct hn_operation *op = n->operations[side];
    if (op) duplex_end(n, op, drop[side]);
  }
  list_remove(&n->ready);
  n->ops->break_off(n);
  runtime_note(n->rt);
}

/* Breaks off what nobody waits for any more. Kept out of the way of the starts
 * that find nothing. */
__attribute__((noinline)) static void duplex_clear(struct hn_node *n) {
  bool drop[HN_SIDES] = {false};
  for (int side = 0; side < HN_SIDES; side++) {
    struct hn_operation *op = n->operations[side];
    drop[side] = op && op_is_abandoned(n, op);
  }
  if (drop[HN_SIDE_SEND] || drop[HN_SIDE_RECEIVE]) duplex_break(n, drop);
}

int duplex_find(hn_runtime *rt, hn_handle h, enum hn_kind kind,
                struct hn_node **out) {
  struct hn_node *n;
  int rc = node_find(rt, h, kind, &n);
  if (rc) return rc;
  if (rt->operations + rt->queued > 0) duplex_clear(n);
  *out = n;
  return 0;
}

/* A node that has operations: INVALID_HANDLE, INCORRECT_HANDLE_TYPE. */
static int duplex_find_any(hn_runtime *rt, hn_handle h, struct hn_node **out) {
  int rc = node_find_any(rt, h, out);
  if (rc) return rc;
  return (*out)->ops->step ? 0 : HN_ERR_INCORRECT_HANDLE_TYPE;
}

/* Whether the kind has such an operation. */
static bool duplex_has(const struct hn_node *n, enum hn_op op) {
  unsigned number = (unsigned)op;
  return number < 32 && (n->ops->apis & (1u << number)) != 0;
}

int hn_await(hn_runtime *rt, hn_handle h, enum hn_op op) {
  struct hn_node *n;
  int rc = duplex_find_any(rt, h, &n);
  if (rc) return rc;
  if (!duplex_has(n, op)) return HN_ERR_INVALID_PARAMETER;
  struct hn_operation *o = duplex_operation(n, op);
  if (o) o->awaited = true;
  return 0;
}

int hn_refuse(hn_runtime *rt, hn_handle h) {
  static const bool drop[HN_SIDES] = {false};
  struct hn_node *n;
  int rc = duplex_find_any(rt, h, &n);
  if (rc == 0 && !list_is_empty(&n->hold)) duplex_break(n, drop);
  return rc;
}

int hn_cancel(hn_runtime *rt, hn_handle h, enum hn_op op) {
  struct hn_node *n;
  bool drop[HN_SIDES];
  int rc = duplex_find_any(rt, h, &n);
  if (rc) return rc;
  if (op != HN_OP_NONE && !duplex_has(n, op)) return HN_ERR_INVALID_PARAMETER;
  for (int side = 0; side < HN_SIDES; side++) {
    const struct hn_operation *o = n->operations[side];
    drop[side] = o && (op == HN_OP_NONE || o->api == op);
  }
  duplex_break(n, drop);
  pool_flush(&rt->env);
  return 0;
}
