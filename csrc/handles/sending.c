#include "sending.h"

#include <assert.h>

#include "../hinternet_file.h"
#include "policy.h"
#include "prepare.h"
#include "quota.h"

static void sending_step_head(struct hn_request *r) {
  int rc = r->begun ? 0 : prepare_exchange(r);
  if (rc == 0) rc = exchange_step_send(&r->exchange);
  if (!transfer_settle(r, &r->tx, rc, r->settings.send_timeout)) return;
  request_set_state(r, HN_REQUEST_SENT);
  op_complete(&r->node, &r->tx, HN_STATUS_SENDREQUEST_COMPLETE, 0);
}

/* Writes op->input; 0 when it is all out. */
static int sending_write_input(struct hn_request *r) {
  struct hn_operation *op = &r->tx;
  uint64_t start = op->moved;
  int rc = quota_check_upload(r, r->exchange.sent + op->input.n);
  if (rc) return rc;
  while (op->input.n > 0) {
    size_t put = 0;
    struct hn_slice piece =
        slice_sub(op->input, 0, env_portion(&r->node.rt->env));
    rc = exchange_write(&r->exchange, piece, &put);
    if (rc) return rc;
    op->input = slice_from(op->input, put);
    op->moved += put;
    if (op->input.n > 0 && duplex_must_pause(&r->node, op, start))
      return HN_AGAIN;
  }
  return exchange_flush(&r->exchange);
}

/* Refills op->input from the file; *ended when nothing more is to come. */
static int sending_refill(struct hn_request *r, bool *ended) {
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
  rc = file_take(&op->file, p, (size_t)n, &got, &system);
  if (rc == HN_AGAIN) {
    rc = exchange_look(&r->exchange);
    return rc == HN_AGAIN ? transfer_wait_file(r, op) : rc;
  }
  if (rc) return transfer_describe_file(r, rc, system);
  buf_commit(&op->data, got);
  op->input = buf_peek(&op->data);
  *ended = got == 0;
  return 0;
}

static int sending_write_file(struct hn_request *r) {
  uint64_t start = r->tx.moved;
  bool ended = false;
  op_unwatch(&r->node, &r->tx);
  for (;;) {
    int rc = sending_write_input(r);
    if (rc || ended) return rc;
    if (duplex_must_pause(&r->node, &r->tx, start)) return HN_AGAIN;
    rc = sending_refill(r, &ended);
    if (rc) return rc;
  }
}

static void sending_step_body(struct hn_request *r) {
  struct hn_operation *op = &r->tx;
  int rc = op->file.fd >= 0 ? sending_write_file(r) : sending_write_input(r);
  if (!transfer_settle(r, op, rc, r->settings.send_timeout)) return;
  op_complete(&r->node, op, HN_STATUS_WRITE_COMPLETE, op->moved);
}

void sending_step(struct hn_request *r) {
  if (r->late) {
    transfer_fail(r, &r->tx, HN_ERR_TIMEOUT);
    return;
  }
  if (r->tx.api == HN_OP_SEND_REQUEST)
    sending_step_head(r);
  else
    sending_step_body(r);
}

/* The send cannot begin. The exchange before is closed all the same: a read
 * must not take that for the end of its body, and a receive must not send the
 * request once more. */
static int sending_refuse(struct hn_request *r, int code) {
  transfer_end_deadline(r);
  if (r->state == HN_REQUEST_SENT || r->state == HN_REQUEST_RECEIVED)
    request_set_state(r, HN_REQUEST_FAILED);
  runtime_note(r->node.rt);
  return code;
}

int hn_send(hn_runtime *rt, hn_handle request, struct hn_slice headers,
            struct hn_slice body, uint64_t total) {
  assert(slice_is_sound(headers) && slice_is_sound(body));
  struct hn_request *r;
  int rc = transfer_find(rt, request, &r);
  if (rc) return rc;
  if (r->tx.running || r->tx.untaken || r->rx.running)
    return HN_ERR_INCORRECT_HANDLE_STATE;
  /* The response before, if any, is over: the exchange borrows the message
   * that is rewritten now. */
  transfer_close_exchange(r);
  (void)transfer_post_news(r);
  rc = prepare_message(r, headers, body, total);
  if (rc == 0) rc = transfer_listen(r);
  if (rc == 0) rc = transfer_set_deadline(r);
  if (rc == 0) rc = op_begin(&r->node, &r->tx, HN_OP_SEND_REQUEST);
  if (rc) return sending_refuse(r, rc);
  r->info.code = 0;
  r->info.secure = 0;
  r->securing = false;
  if (r->hop) r->hop->wants_body = false;
  request_set_state(r, HN_REQUEST_SENDING);
  duplex_make_ready(&r->node);
  return 0;
}

int hn_write(hn_runtime *rt, hn_handle request, struct hn_slice data) {
  assert(slice_is_sound(data));
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
  duplex_make_ready(&r->node);
  return 0;
}

/* What was read ahead is the first to go; no more of it than is wanted. */
static int sending_begin_with(struct hn_request *r, struct hn_slice ahead) {
  uint64_t most = exchange_unsent(&r->exchange);
  if (most > r->tx.want) most = r->tx.want;
  if (ahead.n > most) return HN_ERR_INVALID_PARAMETER;
  r->tx.input = slice_make(NULL, 0);
  if (ahead.n == 0) return 0;
  spares_take(&r->node.rt->env.spares, &r->tx.data, ahead.n, SIZE_MAX / 2);
  int rc = buf_append(&r->tx.data, ahead);
  r->tx.input = buf_peek(&r->tx.data);
  return rc;
}

int hn_write_from(hn_runtime *rt, hn_handle request, int fd, uint64_t limit) {
  return hn_write_from_after(rt, request, slice_make(NULL, 0), fd, limit);
}

int hn_write_from_after(hn_runtime *rt, hn_handle request,
                        struct hn_slice ahead, int fd, uint64_t limit) {
  struct hn_request *r;
  int rc = transfer_find(rt, request, &r);
  if (rc) return rc;
  if (fd < 0) return HN_ERR_INVALID_PARAMETER;
  rc = policy_check_file(rt);
  if (rc == 0)
    rc = transfer_begin(r, &r->tx, HN_OP_WRITE_DATA, HN_REQUEST_SENT);
  if (rc) return rc;
  r->tx.want = limit;
  rc = r->late ? 0 : sending_begin_with(r, ahead);
  if (rc) {
    op_drop(&r->node, &r->tx);
    return rc;
  }
  transfer_begin_file(r, &r->tx, fd, HN_ERR_READ_FAULT);
  if (r->tx.running) duplex_make_ready(&r->node);
  return 0;
}
