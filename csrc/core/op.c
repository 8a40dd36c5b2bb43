#include "op.h"

#include <assert.h>
#include <string.h>

void op_init(struct hn_operation *op, hn_handle h, enum hn_timer_kind side) {
  *op = (struct hn_operation){.side = side, .file.fd = -1};
  timer_init(&op->timer, h, (uint32_t)side);
  buf_init(&op->data, SIZE_MAX / 2);
}

int op_begin(struct hn_node *n, struct hn_operation *op, enum hn_op api) {
  /* Two completions in the queue would be taken for one another. */
  if (op->running || op->untaken) return HN_ERR_INCORRECT_HANDLE_STATE;
  int rc = event_reserve(n->rt, &op->record);
  if (rc) return rc;
  op->api = api;
  op->running = true;
  op->awaited = false;
  op->moved = 0;
  n->rt->operations++;
  return 0;
}

void op_disarm(struct hn_node *n, struct hn_operation *op) {
  timer_clear(&n->rt->env.deadlines, &op->timer);
}

int op_arm(struct hn_node *n, struct hn_operation *op, int64_t timeout,
           uint64_t progress) {
  if (timeout < 0) {
    op_disarm(n, op);
    return 0;
  }
  if (timer_is_set(&op->timer) && op->mark == progress) return 0;
  op->mark = progress;
  return timer_set(&n->rt->env.deadlines, &op->timer,
                   env_now(&n->rt->env) + timeout);
}

void op_unwatch(struct hn_node *n, struct hn_operation *op) {
  struct hn_env *env = &n->rt->env;
  if (op->file_waits && !env_is_other(env))
    reactor_remove(env->reactor, op->file.fd);
  op->file_waits = false;
}

int op_watch(struct hn_node *n, struct hn_operation *op) {
  unsigned want = op->side == HN_TIMER_SEND ? HN_WANT_READ : HN_WANT_WRITE;
  int rc = reactor_add(n->rt->env.reactor, op->file.fd, n->id, want);
  op->file_waits = rc == 0;
  if (rc == HN_ERR_NOT_SUPPORTED) op->file.waits = op->file.blocks = false;
  return rc == 0 ? HN_AGAIN : rc;
}

__attribute__((noinline)) static void op_end_file(struct hn_node *n,
                                                  struct hn_operation *op) {
  op_unwatch(n, op);
  file_end(&op->file);
}

/* What every end has in common; the record is the caller's then. */
static struct hn_event_record *op_end(struct hn_node *n,
                                      struct hn_operation *op) {
  assert(op->running && op->record);
  struct hn_event_record *r = op->record;
  op->record = NULL;
  op->running = false;
  if (op->file.fd >= 0) op_end_file(n, op);
  op->input = slice_make(NULL, 0);
  op_disarm(n, op);
  n->rt->operations--;
  return r;
}

static void op_post(struct hn_node *n, struct hn_operation *op,
                    struct hn_event_record *r) {
  r->event.op = (uint8_t)op->api;
  r->event.quiet = !n->queue->is_async || !(n->mask & r->event.status);
  spares_give(&n->rt->env.spares, &op->data);
  if (op->taker) {
    event_give_reserved(n->rt, n->queue, n->id, r, op->taker);
    op->taker = NULL;
    return;
  }
  r->untaken = &op->untaken;
  op->untaken = r;
  event_post_reserved(n->rt, n->queue, n->id, r);
}

void op_complete(struct hn_node *n, struct hn_operation *op, uint32_t status,
                 uint64_t number) {
  struct hn_event_record *r = op_end(n, op);
  r->event.status = status;
  r->event.number = number;
  if (status == HN_STATUS_READ_COMPLETE && buf_size(&op->data) > 0) {
    r->text = op->data;
    buf_init(&op->data, r->text.cap);
    r->event.text = buf_peek(&r->text);
  }
  op_post(n, op, r);
}

void op_complete_ended(struct hn_node *n, struct hn_operation *op) {
  struct hn_event_record *r = op_end(n, op);
  r->event.status = HN_STATUS_READ_COMPLETE;
  r->event.ended = true;
  op_post(n, op, r);
}

/* Message and host, one behind the other. Without memory for them the code's
 * own text must do. */
static void op_set_error_text(struct hn_event_record *r,
                              const struct hn_errinfo *info) {
  size_t text = strlen(info->text);
  size_t host = strlen(info->host);
  if (buf_append(&r->text, slice_make(info->text, text)) ||
      buf_append(&r->text, slice_make(info->host, host))) {
    r->event.text = slice_of(hn_error_text(info->code));
    return;
  }
  struct hn_slice all = buf_peek(&r->text);
  r->event.text = slice_sub(all, 0, text);
  r->event.host = slice_from(all, text);
}

void op_fail(struct hn_node *n, struct hn_operation *op,
             const struct hn_errinfo *info) {
  uint64_t moved = op->moved;
  struct hn_event_record *r = op_end(n, op);
  r->event.status = HN_STATUS_REQUEST_ERROR;
  r->event.code = info->code;
  r->event.phase = (uint8_t)info->phase;
  r->event.number = moved;
  op_set_error_text(r, info);
  op_post(n, op, r);
}

void op_drop(struct hn_node *n, struct hn_operation *op) {
  if (op->running) event_unreserve(n->rt, op_end(n, op));
  if (op->untaken) event_drop(n->rt, op->untaken); /* which clears it */
  spares_give(&n->rt->env.spares, &op->data);
}

bool op_is_abandoned(const struct hn_node *n, const struct hn_operation *op) {
  if (!op->running && !op->untaken) return false;
  return !op->awaited && !n->queue->is_async;
}
