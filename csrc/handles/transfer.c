#include "transfer.h"

static const uint32_t transfer_progress =
    (uint32_t)HN_STATUS_RESOLVING_NAME | HN_STATUS_NAME_RESOLVED |
    HN_STATUS_CONNECTING_TO_SERVER | HN_STATUS_CONNECTED_TO_SERVER |
    HN_STATUS_SENDING_REQUEST | HN_STATUS_REQUEST_SENT |
    HN_STATUS_RECEIVING_RESPONSE | HN_STATUS_RESPONSE_RECEIVED |
    HN_STATUS_CLOSING_CONNECTION | HN_STATUS_CONNECTION_CLOSED |
    HN_STATUS_INTERMEDIATE_RESPONSE;

/* A log is made when the first listener appears and kept with the record. */
int transfer_listen(struct hn_request *r) {
  uint32_t mask = r->node.mask & transfer_progress;
  if (!r->log) {
    if (!mask) return 0;
    r->log = mem_calloc(1, sizeof *r->log);
    if (!r->log) return HN_ERR_NOT_ENOUGH_MEMORY;
  }
  r->log->mask = mask;
  r->log->holds = mask & HN_STATUS_HOLDS;
  r->exchange.log = r->log;
  if (r->log->held & ~mask) transfer_go_on(r);
  return 0;
}

/* The name that is looked up: the host's, or the one in its place. */
static struct hn_slice transfer_looked_up(const struct hn_origin *o) {
  return o->route.kind == HN_ROUTE_NAME ? o->route.via : o->host;
}

__attribute__((noinline)) static int transfer_post_log(struct hn_request *r) {
  int rc = 0;
  for (unsigned i = 0; i < r->log->count && rc == 0; i++) {
    const struct hn_news *n = &r->log->items[i];
    struct hn_slice text = slice_of(n->text);
    if (n->status == HN_STATUS_RESOLVING_NAME)
      text = transfer_looked_up(&r->exchange.setup.wish.origin);
    rc = node_notify(&r->node, n->status, n->number, text);
  }
  r->log->count = 0;
  return rc;
}

/* What one side has announced, both wait for: no time of theirs runs, and
 * nothing of theirs is watched. */
static void transfer_hold(struct hn_request *r) {
  struct hn_operation *ops[] = {&r->tx, &r->rx};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    op_disarm(&r->node, ops[i]);
    op_unwatch(&r->node, ops[i]);
  }
  exchange_hold(&r->exchange);
}

void transfer_go_on(struct hn_request *r) {
  if (!request_announces(r)) return;
  r->log->held = 0;
  exchange_go_on(&r->exchange);
  duplex_make_ready(&r->node);
}

/* Turns what the lower floors told into events: mostly nothing. */
int transfer_post_news(struct hn_request *r) {
  return r->log && r->log->count > 0 ? transfer_post_log(r) : 0;
}

/* An exchange that is not begun is an old one. */
static enum hn_phase transfer_phase(const struct hn_request *r) {
  if (r->securing) return HN_PHASE_SECURE;
  return r->begun ? exchange_phase(&r->exchange) : HN_PHASE_ACQUIRE;
}

/* What was announced does not come about. */
static void transfer_abort(struct hn_request *r) {
  if (r->log) r->log->held = 0;
  if (r->begun) exchange_abort(&r->exchange);
}

/* The end of an operation by an error: the bits of a certificate problem come
 * first (winhttp.md 6.4 S8), then its completion. */
void transfer_fail(struct hn_request *r, struct hn_operation *op, int code) {
  if (r->info.code == 0) request_blame(r, code, transfer_phase(r), NULL);
  transfer_abort(r);
  (void)transfer_post_news(r);
  if (r->info.secure)
    (void)node_notify(&r->node, HN_STATUS_SECURE_FAILURE, r->info.secure,
                      slice_make(NULL, 0));
  if (r->state != HN_REQUEST_FAILED) request_set_state(r, HN_REQUEST_FAILED);
  op_fail(&r->node, op, &r->info);
  /* It may have been waiting for its next turn. */
  if (!r->tx.running && !r->rx.running) list_remove(&r->node.ready);
}

/* The timer of an operation that waits, as far as it is its own time. */
static int transfer_arm(struct hn_request *r, struct hn_operation *op,
                        int64_t timeout) {
  const struct hn_exchange *x = &r->exchange;
  uint64_t progress = op->api == HN_OP_RECEIVE_RESPONSE
                          ? x->retries
                          : x->received + x->sent + op->moved;
  if (x->sides.tx == HN_TX_CONNECT || r->securing) {
    /* A dial keeps the time itself; in line it is connect_timeout's. */
    timeout = x->conn ? -1 : r->settings.connect_timeout;
    progress = UINT64_MAX - 1;
  } else if (exchange_is_patient(x)) {
    timeout = -1;
  }
  return op_arm(&r->node, op, timeout, progress);
}

/* The news, then what the step of an operation came to: false when it waits on
 * (under a deadline) or has failed, true when the caller is to complete it. */
bool transfer_settle(struct hn_request *r, struct hn_operation *op, int rc,
                     int64_t timeout) {
  int told = transfer_post_news(r);
  if (told && (rc == 0 || rc == HN_AGAIN)) rc = told;
  if (rc == 0) return true;
  if (rc == HN_AGAIN && request_announces(r)) {
    transfer_hold(r);
    return false;
  }
  if (rc == HN_AGAIN && (r->exchange.hungry || r->securing))
    duplex_make_ready(&r->node);
  r->exchange.hungry = false;
  if (rc == HN_AGAIN) rc = transfer_arm(r, op, timeout);
  if (rc == 0) return false;
  transfer_fail(r, op, rc);
  return false;
}

/* The whole request has taken too long, whether or not an operation runs now:
 * one started later fails with TIMEOUT at once. */
static void transfer_on_deadline(struct hn_request *r) {
  r->late = true;
  request_blame(r, HN_ERR_TIMEOUT, transfer_phase(r), "total timeout");
  transfer_abort(r);
  if (r->tx.running) transfer_fail(r, &r->tx, HN_ERR_TIMEOUT);
  if (r->rx.running) transfer_fail(r, &r->rx, HN_ERR_TIMEOUT);
}

void transfer_on_timeout(struct hn_request *r, enum hn_timer_kind side) {
  struct hn_operation *op = side == HN_TIMER_SEND ? &r->tx : &r->rx;
  if (side == HN_TIMER_TOTAL)
    transfer_on_deadline(r);
  else if (op->running)
    transfer_fail(r, op, HN_ERR_TIMEOUT);
}

/* The deadline of the whole request begins with its send and ends with its
 * body. */
int transfer_set_deadline(struct hn_request *r) {
  struct hn_env *env = &r->node.rt->env;
  r->late = false;
  timer_clear(&env->deadlines, &r->deadline);
  if (r->settings.total_timeout < 0) return 0;
  env_time_passed(env);
  return timer_set(&env->deadlines, &r->deadline,
                   env_now(env) + r->settings.total_timeout);
}

void transfer_end_deadline(struct hn_request *r) {
  timer_clear(&r->node.rt->env.deadlines, &r->deadline);
}

/* Files are the caller's: one that never moves must not stop the time. */
int transfer_wait_file(struct hn_request *r, struct hn_operation *op) {
  int rc = op_watch(&r->node, op);
  if (rc != HN_ERR_NOT_SUPPORTED) return rc;
  duplex_make_ready(&r->node);
  return HN_AGAIN;
}

void transfer_begin_file(struct hn_request *r, struct hn_operation *op, int fd,
                         int code) {
  int system;
  if (r->late || file_begin(&op->file, fd, &system) == 0) return;
  transfer_fail(r, op, transfer_describe_file(r, code, system));
}

int transfer_describe_file(struct hn_request *r, int code, int system) {
  return err_set_system(&r->info, code, HN_PHASE_NONE, "", system);
}

void transfer_close_exchange(struct hn_request *r) {
  if (!r->begun) return;
  content_end(&r->content, &r->exchange);
  exchange_close(&r->exchange);
  r->begun = false;
}

const struct hn_errinfo *transfer_blame(struct hn_request *r, int code) {
  request_blame(r, code, transfer_phase(r), NULL);
  return &r->info;
}

void transfer_cancel(struct hn_request *r, bool quiet) {
  duplex_cancel(&r->node, quiet);
  transfer_end_deadline(r);
  transfer_close_exchange(r);
  if (!quiet) (void)transfer_post_news(r);
}

/* Nobody can say which bytes the caller has seen: the connection goes, too. */
void transfer_break_off(struct hn_request *r) {
  transfer_end_deadline(r);
  transfer_abort(r);
  transfer_close_exchange(r);
  if (r->log) r->log->count = 0;
  if (r->state != HN_REQUEST_BROKEN) request_set_state(r, HN_REQUEST_BROKEN);
}

int transfer_find(hn_runtime *rt, hn_handle h, struct hn_request **out) {
  struct hn_node *n;
  int rc = duplex_find(rt, h, HN_KIND_REQUEST, &n);
  if (rc == 0) *out = request_from(n);
  return rc;
}

/* Nobody may have looked at the clock since the last operation. */
static void transfer_check_deadline(struct hn_request *r) {
  struct hn_env *env = &r->node.rt->env;
  if (!timer_is_set(&r->deadline)) return;
  env_time_passed(env);
  if (env_now(env) < r->deadline.when) return;
  transfer_end_deadline(r);
  transfer_on_deadline(r);
}

/* Begins an operation in a given state; another is a state error, a broken
 * request answers as cancelled, and for a late one the operation begins to be
 * failed by its step. */
int transfer_begin(struct hn_request *r, struct hn_operation *op,
                   enum hn_op api, enum hn_request_state needed) {
  if (r->state == HN_REQUEST_BROKEN) return HN_ERR_OPERATION_CANCELLED;
  if (op->running) return HN_ERR_INCORRECT_HANDLE_STATE;
  transfer_check_deadline(r);
  if (r->late) return op_begin(&r->node, op, api);
  if (r->state != needed) return HN_ERR_INCORRECT_HANDLE_STATE;
  r->info.code = 0;
  r->info.secure = 0;
  return op_begin(&r->node, op, api);
}
