#include "transfer.h"

#include "../net/file.h"
#include "option.h"
#include "prepare.h"

enum {
  /* Bytes one step moves before others get their turn. */
  HN_TRANSFER_BUDGET = 1024 * 1024,
  /* The most a plain read asks the stream for at once. */
  HN_TRANSFER_PIECE = 1024 * 1024,
};

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
  r->exchange.log = r->log;
  return 0;
}

/* Turns what the lower floors told into events. */
static int transfer_post_news(struct hn_request *r) {
  int rc = 0;
  if (!r->log || r->log->count == 0) return 0;
  for (unsigned i = 0; i < r->log->count && rc == 0; i++) {
    const struct hn_news *n = &r->log->items[i];
    struct hn_slice text = slice_of(n->text);
    if (n->status == HN_STATUS_RESOLVING_NAME) text = r->target->host;
    rc = node_notify(&r->node, n->status, n->number, text);
  }
  r->log->count = 0;
  return rc;
}

/* The end of an operation by an error: the bits of a certificate problem come
 * first (winhttp.md 6.4 S8), then its completion. */
static void transfer_fail(struct hn_request *r, struct hn_operation *op,
                          int code) {
  if (r->info.code == 0)
    err_set(&r->info, code, exchange_phase(&r->exchange),
            r->target->authority, NULL);
  if (r->begun) exchange_abort(&r->exchange);
  (void)transfer_post_news(r);
  if (r->info.secure)
    (void)node_notify(&r->node, HN_STATUS_SECURE_FAILURE, r->info.secure,
                      slice_make(NULL, 0));
  if (r->state != HN_REQUEST_FAILED) request_set_state(r, HN_REQUEST_FAILED);
  op_fail(&r->node, op, &r->info);
}

/* The news, then what the step of an operation came to: false when it waits on
 * (under a deadline) or has failed, true when the caller is to complete it. */
static bool transfer_settle(struct hn_request *r, struct hn_operation *op,
                            int rc, int64_t timeout) {
  int told = transfer_post_news(r);
  if (told && (rc == 0 || rc == HN_AGAIN)) rc = told;
  if (rc == 0) return true;
  if (rc == HN_AGAIN) {
    /* While it is dialled, the dial keeps the time. */
    bool dialling = r->exchange.state == HN_X_CONNECT && r->exchange.conn;
    if (r->exchange.state == HN_X_CONNECT)
      timeout = r->settings.connect_timeout; /* standing in line */
    uint64_t progress = op->api == HN_OP_RECEIVE_RESPONSE
                            ? r->exchange.retried
                            : r->exchange.received + r->exchange.sent;
    rc = op_arm(&r->node, op, dialling ? -1 : timeout, progress);
    if (rc == 0) return false;
  }
  transfer_fail(r, op, rc);
  return false;
}

static void transfer_step_send(struct hn_request *r) {
  int rc = r->begun ? 0 : prepare_exchange(r);
  if (rc == 0) rc = exchange_step_send(&r->exchange);
  if (!transfer_settle(r, &r->tx, rc, r->settings.send_timeout)) return;
  request_set_state(r, HN_REQUEST_SENT);
  op_complete(&r->node, &r->tx, HN_STATUS_SENDREQUEST_COMPLETE, 0);
}

/* Writes op->input; 0 when it is all out. */
static int transfer_write_input(struct hn_request *r) {
  struct hn_operation *op = &r->tx;
  while (op->input.n > 0) {
    size_t put = 0;
    int rc = exchange_write(&r->exchange, op->input, &put);
    if (rc) return rc;
    op->input = slice_from(op->input, put);
    op->moved += put;
  }
  return exchange_flush(&r->exchange);
}

static int transfer_describe_file(struct hn_request *r, int code, int system) {
  return err_set_system(&r->info, code, HN_PHASE_NONE, "", system);
}

/* Refills op->input from the file; *ended when nothing more is to come. */
static int transfer_refill(struct hn_request *r, bool *ended) {
  struct hn_operation *op = &r->tx;
  uint64_t n = op->want - op->moved;
  uint64_t unsent = exchange_unsent(&r->exchange);
  if (n > unsent) n = unsent;
  if (n > HN_COPY_BUFFER) n = HN_COPY_BUFFER;
  *ended = true;
  if (n == 0) return 0;
  if (!op->data.bytes)
    spares_take(&r->node.rt->env.spares, &op->data, HN_COPY_BUFFER,
                HN_COPY_BUFFER);
  buf_clear(&op->data);
  char *p;
  int system = 0;
  size_t got = 0;
  int rc = buf_reserve(&op->data, (size_t)n, &p);
  if (rc) return rc;
  rc = file_read(op->fd, p, (size_t)n, &got, &system);
  if (rc) return transfer_describe_file(r, rc, system);
  buf_commit(&op->data, got);
  op->input = buf_peek(&op->data);
  *ended = got == 0;
  return 0;
}

static int transfer_write_file(struct hn_request *r) {
  uint64_t start = r->tx.moved;
  bool ended = false;
  for (;;) {
    int rc = transfer_write_input(r);
    if (rc || ended) return rc;
    if (r->tx.moved - start >= HN_TRANSFER_BUDGET) {
      request_make_ready(r);
      return HN_AGAIN;
    }
    rc = transfer_refill(r, &ended);
    if (rc) return rc;
  }
}

static void transfer_step_write(struct hn_request *r) {
  struct hn_operation *op = &r->tx;
  int rc = op->fd >= 0 ? transfer_write_file(r) : transfer_write_input(r);
  if (!transfer_settle(r, op, rc, r->settings.send_timeout)) return;
  op_complete(&r->node, op, HN_STATUS_WRITE_COMPLETE, op->moved);
}

/* The redirect is told of, and held until that has been heard; one that nobody
 * hears goes on at once. */
static int transfer_redirect(struct hn_request *r) {
  struct hn_buf url;
  buf_init(&url, 4 * HN_MAX_URL);
  int rc = hop_append_url(r->next_hop, &url);
  if (rc == 0)
    rc = node_notify(&r->node, HN_STATUS_REDIRECT, 0, buf_peek(&url));
  buf_fini(&url);
  if (rc) return rc;
  op_disarm(&r->node, &r->rx);
  request_set_state(r, HN_REQUEST_REDIRECTING);
  if (!(r->node.mask & HN_STATUS_REDIRECT)) transfer_release_hold(r);
  return 0;
}

void transfer_release_hold(struct hn_request *r) {
  if (r->state != HN_REQUEST_REDIRECTING) return;
  request_set_state(r, HN_REQUEST_RECEIVING);
  redirect_go(r);
  request_make_ready(r);
}

static void transfer_step_receive(struct hn_request *r) {
  bool again = false;
  if (r->state == HN_REQUEST_REDIRECTING) return;
  int rc = r->begun ? 0 : prepare_exchange(r);
  if (rc == 0) rc = exchange_step_head(&r->exchange);
  if (!transfer_settle(r, &r->rx, rc, option_response_timeout(&r->settings)))
    return;
  rc = redirect_prepare(r, &again);
  if (rc == 0 && again) rc = transfer_redirect(r);
  if (rc) transfer_fail(r, &r->rx, rc);
  if (rc || again) return;
  if (r->exchange.state == HN_X_DONE)
    timer_clear(&r->node.rt->env.deadlines, &r->deadline);
  request_set_state(r, HN_REQUEST_RECEIVED);
  op_complete(&r->node, &r->rx, HN_STATUS_HEADERS_AVAILABLE, 0);
}

static void transfer_step_query(struct hn_request *r) {
  uint64_t n = 0;
  int rc = exchange_available(&r->exchange, &n);
  if (!transfer_settle(r, &r->rx, rc, r->settings.receive_timeout)) return;
  op_complete(&r->node, &r->rx, HN_STATUS_DATA_AVAILABLE, n);
}

/* Room for the next piece of a read: no more than is wanted, than is known to
 * come, and than one piece. */
static int transfer_reserve(struct hn_request *r, char **p, size_t *n) {
  struct hn_operation *op = &r->rx;
  uint64_t room = op->want - op->moved;
  uint64_t rest = h1_body_known_rest(&r->exchange.body);
  if (room > rest) room = rest;
  if (room > HN_TRANSFER_PIECE) room = HN_TRANSFER_PIECE;
  if (op->mode == HN_READ_ALL && rest == UINT64_MAX) room = HN_COPY_BUFFER;
  if (room == 0) room = 1; /* the end must still be read */
  *n = (size_t)room;
  if (!op->data.bytes)
    spares_take(&r->node.rt->env.spares, &op->data, *n, op->data.cap);
  return buf_reserve(&op->data, *n, p);
}

/* One read into op->data; *got 0 at the end of the body. */
static int transfer_read_piece(struct hn_request *r, size_t *got) {
  char *p;
  size_t n, taken = 0;
  if (r->exchange.state == HN_X_DONE) {
    *got = 0;
    return 0;
  }
  int rc = transfer_reserve(r, &p, &n);
  if (rc == 0) rc = exchange_read(&r->exchange, p, n, &taken);
  if (rc) return rc;
  buf_commit(&r->rx.data, taken);
  r->rx.moved += taken;
  *got = taken;
  return 0;
}

static int transfer_too_large(struct hn_request *r) {
  return err_set(&r->info, HN_ERR_INSUFFICIENT_BUFFER, HN_PHASE_RECEIVE,
                 r->target->authority,
                 "body larger than max_response_body");
}

/* Reads until there is enough: 0 when the operation can complete. */
static int transfer_read(struct hn_request *r) {
  struct hn_operation *op = &r->rx;
  uint64_t start = op->moved;
  for (;;) {
    size_t got = 0;
    if (op->mode == HN_READ_ALL && op->moved > op->want)
      return transfer_too_large(r);
    int rc = transfer_read_piece(r, &got);
    if (rc || got == 0 || op->mode == HN_READ_SOME) return rc;
    if (op->mode == HN_READ_FILL && op->moved == op->want) return 0;
    if (op->moved - start >= HN_TRANSFER_BUDGET) {
      request_make_ready(r);
      return HN_AGAIN;
    }
  }
}

/* Copies the body to the file: 0 at its end, or when enough was copied. */
static int transfer_read_file(struct hn_request *r) {
  struct hn_operation *op = &r->rx;
  uint64_t start = op->moved;
  while (op->moved < op->want) {
    size_t got = 0;
    int system = 0;
    int rc = transfer_read_piece(r, &got);
    if (rc || got == 0) return rc;
    struct hn_slice s = buf_peek(&op->data);
    rc = file_write(op->fd, s.p, s.n, &system);
    buf_clear(&op->data);
    if (rc) return transfer_describe_file(r, rc, system);
    if (op->moved - start >= HN_TRANSFER_BUDGET) {
      request_make_ready(r);
      return HN_AGAIN;
    }
  }
  return 0;
}

static void transfer_step_read(struct hn_request *r) {
  struct hn_operation *op = &r->rx;
  bool to_file = op->fd >= 0;
  int rc = to_file ? transfer_read_file(r) : transfer_read(r);
  if (!transfer_settle(r, op, rc, r->settings.receive_timeout)) return;
  if (r->exchange.state == HN_X_DONE)
    timer_clear(&r->node.rt->env.deadlines, &r->deadline);
  if (!to_file && op->moved == 0 && op->mode != HN_READ_ALL)
    op_complete_ended(&r->node, op);
  else
    op_complete(&r->node, op, HN_STATUS_READ_COMPLETE, op->moved);
}

void transfer_step(struct hn_request *r) {
  if (r->tx.running && r->tx.api == HN_OP_SEND_REQUEST)
    transfer_step_send(r);
  else if (r->tx.running)
    transfer_step_write(r);
  if (!r->rx.running) return;
  switch (r->rx.api) {
    case HN_OP_RECEIVE_RESPONSE: transfer_step_receive(r); break;
    case HN_OP_QUERY_DATA_AVAILABLE: transfer_step_query(r); break;
    default: transfer_step_read(r); break;
  }
}

/* The whole request has taken too long, whether or not an operation runs now:
 * one started later answers TIMEOUT at once. */
static void transfer_on_deadline(struct hn_request *r) {
  r->late = true;
  err_set(&r->info, HN_ERR_TIMEOUT, exchange_phase(&r->exchange),
          r->target->authority, "total timeout");
  if (r->begun) exchange_abort(&r->exchange);
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
static int transfer_set_deadline(struct hn_request *r) {
  struct hn_env *env = &r->node.rt->env;
  r->late = false;
  timer_clear(&env->deadlines, &r->deadline);
  if (r->settings.total_timeout < 0) return 0;
  env->now_us = 0; /* time has passed since the last step */
  return timer_set(&env->deadlines, &r->deadline,
                   env_now(env) + r->settings.total_timeout);
}

static void transfer_cancel_op(struct hn_request *r, struct hn_operation *op,
                               bool quiet) {
  if (quiet || !op->running) {
    if (quiet) op_drop(&r->node, op);
    return;
  }
  err_set(&r->info, HN_ERR_OPERATION_CANCELLED, exchange_phase(&r->exchange),
          r->target->authority, NULL);
  op_fail(&r->node, op, &r->info);
}

void transfer_cancel(struct hn_request *r, bool quiet) {
  transfer_cancel_op(r, &r->tx, quiet);
  transfer_cancel_op(r, &r->rx, quiet);
  timer_clear(&r->node.rt->env.deadlines, &r->deadline);
  list_remove(&r->ready);
  if (r->begun) exchange_close(&r->exchange);
  r->begun = false;
  if (!quiet) (void)transfer_post_news(r);
}

/* A wait was broken off: what it waited for is cancelled, and since nobody can
 * say which bytes the caller has seen, the connection goes too. */
static void transfer_break(struct hn_request *r) {
  op_drop(&r->node, &r->tx);
  op_drop(&r->node, &r->rx);
  timer_clear(&r->node.rt->env.deadlines, &r->deadline);
  list_remove(&r->ready);
  if (r->begun) exchange_abort(&r->exchange);
  if (r->log) r->log->count = 0;
  r->begun = false;
  if (r->state != HN_REQUEST_BROKEN) request_set_state(r, HN_REQUEST_BROKEN);
}

/* What every start begins with: the handle, and whether it was left broken. */
static int transfer_find(hn_runtime *rt, hn_handle h, struct hn_request **out) {
  struct hn_request *r;
  int rc = request_find(rt, h, &r);
  if (rc) return rc;
  if (op_is_abandoned(&r->node, &r->tx) || op_is_abandoned(&r->node, &r->rx))
    transfer_break(r);
  *out = r;
  return 0;
}

/* Begins an operation in a given state; another is a state error, and a broken
 * request answers as cancelled. */
static int transfer_begin(struct hn_request *r, struct hn_operation *op,
                          enum hn_op api, enum hn_request_state needed) {
  if (r->state == HN_REQUEST_BROKEN) return HN_ERR_OPERATION_CANCELLED;
  if (r->late) return HN_ERR_TIMEOUT;
  if (r->state != needed || op->running) return HN_ERR_INCORRECT_HANDLE_STATE;
  r->info.code = 0;
  r->info.secure = 0;
  return op_begin(&r->node, op, api);
}

int hn_send(hn_runtime *rt, hn_handle request, struct hn_slice headers,
            struct hn_slice body, uint64_t total) {
  struct hn_request *r;
  int rc = transfer_find(rt, request, &r);
  if (rc) return rc;
  if (r->tx.running || r->rx.running) return HN_ERR_INCORRECT_HANDLE_STATE;
  /* The response before, if any, is over: the exchange borrows the message
   * that is rewritten now. */
  if (r->begun) exchange_close(&r->exchange);
  r->begun = false;
  (void)transfer_post_news(r);
  rc = prepare_message(r, headers, body, total);
  if (rc == 0) rc = transfer_listen(r);
  if (rc == 0) rc = transfer_set_deadline(r);
  if (rc == 0) rc = op_begin(&r->node, &r->tx, HN_OP_SEND_REQUEST);
  if (rc) return rc;
  r->info.code = 0;
  r->info.secure = 0;
  request_set_state(r, HN_REQUEST_SENDING);
  request_make_ready(r);
  return 0;
}

int hn_write(hn_runtime *rt, hn_handle request, struct hn_slice data) {
  struct hn_request *r;
  int rc = transfer_find(rt, request, &r);
  if (rc) return rc;
  if (r->state == HN_REQUEST_SENT && !exchange_is_answered(&r->exchange) &&
      data.n > exchange_unsent(&r->exchange))
    return HN_ERR_INVALID_PARAMETER;
  rc = transfer_begin(r, &r->tx, HN_OP_WRITE_DATA, HN_REQUEST_SENT);
  if (rc) return rc;
  r->tx.input = data;
  if (data.n > 0 && data.n <= HN_MAX_COPY) {
    spares_take(&rt->env.spares, &r->tx.data, data.n, SIZE_MAX / 2);
    rc = buf_append(&r->tx.data, data);
    r->tx.input = buf_peek(&r->tx.data);
  }
  if (rc) {
    op_drop(&r->node, &r->tx);
    return rc;
  }
  request_make_ready(r);
  return 0;
}

int hn_write_from(hn_runtime *rt, hn_handle request, int fd, uint64_t limit) {
  struct hn_request *r;
  int rc = transfer_find(rt, request, &r);
  if (rc) return rc;
  if (fd < 0) return HN_ERR_INVALID_PARAMETER;
  rc = transfer_begin(r, &r->tx, HN_OP_WRITE_DATA, HN_REQUEST_SENT);
  if (rc) return rc;
  r->tx.fd = fd;
  r->tx.want = limit;
  r->tx.input = slice_make(NULL, 0);
  request_make_ready(r);
  return 0;
}

int hn_receive_response(hn_runtime *rt, hn_handle request) {
  struct hn_request *r;
  int rc = transfer_find(rt, request, &r);
  if (rc) return rc;
  if (r->state == HN_REQUEST_SENT) {
    uint64_t unsent = exchange_unsent(&r->exchange);
    if (r->tx.running || (unsent > 0 && unsent != UINT64_MAX))
      return HN_ERR_INCORRECT_HANDLE_STATE;
  }
  rc = transfer_begin(r, &r->rx, HN_OP_RECEIVE_RESPONSE, HN_REQUEST_SENT);
  if (rc) return rc;
  request_set_state(r, HN_REQUEST_RECEIVING);
  request_make_ready(r);
  return 0;
}

int hn_query_data_available(hn_runtime *rt, hn_handle request) {
  struct hn_request *r;
  int rc = transfer_find(rt, request, &r);
  if (rc) return rc;
  rc = transfer_begin(r, &r->rx, HN_OP_QUERY_DATA_AVAILABLE,
                      HN_REQUEST_RECEIVED);
  if (rc == 0) request_make_ready(r);
  return rc;
}

static int transfer_start_read(hn_runtime *rt, hn_handle request, uint64_t want,
                               enum hn_read_mode mode, int fd) {
  struct hn_request *r;
  int rc = transfer_find(rt, request, &r);
  if (rc) return rc;
  rc = transfer_begin(r, &r->rx, HN_OP_READ_DATA, HN_REQUEST_RECEIVED);
  if (rc) return rc;
  r->rx.mode = mode;
  r->rx.want = want;
  r->rx.fd = fd;
  if (mode == HN_READ_ALL && fd < 0)
    r->rx.want = (uint64_t)r->settings.max_response_body;
  request_make_ready(r);
  return 0;
}

int hn_read(hn_runtime *rt, hn_handle request, size_t n,
            enum hn_read_mode mode) {
  if (n == 0 && mode != HN_READ_ALL) return HN_ERR_INVALID_PARAMETER;
  return transfer_start_read(rt, request, n, mode, -1);
}

int hn_read_to(hn_runtime *rt, hn_handle request, int fd, uint64_t limit) {
  if (fd < 0) return HN_ERR_INVALID_PARAMETER;
  return transfer_start_read(rt, request, limit, HN_READ_SOME, fd);
}

int hn_await(hn_runtime *rt, hn_handle h, enum hn_op op) {
  struct hn_request *r;
  int rc = request_find(rt, h, &r);
  if (rc) return rc;
  if (r->tx.api == op) r->tx.awaited = true;
  if (r->rx.api == op) r->rx.awaited = true;
  return 0;
}

int hn_cancel(hn_runtime *rt, hn_handle h, enum hn_op op) {
  struct hn_request *r;
  int rc = request_find(rt, h, &r);
  if (rc) return rc;
  (void)op; /* both sides share one connection: it goes with either */
  transfer_break(r);
  return 0;
}
