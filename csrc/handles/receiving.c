#include "receiving.h"

#include "again.h"
#include "policy.h"
#include "prepare.h"
#include "quota.h"

/* Only what we asked for ourselves is decoded: a caller who sets
 * Accept-Encoding wants the bytes as they come. */
static int receiving_begin_content(struct hn_request *r) {
  unsigned set = r->own_accept ? (unsigned)r->settings.decompression : 0;
  return content_begin(&r->content, &r->exchange, set,
                       (uint64_t)r->settings.max_decoded_size);
}

static void receiving_step_receive(struct hn_request *r) {
  if (r->state == HN_REQUEST_REDIRECTING) return;
  if (r->state == HN_REQUEST_CLEARING && !again_clear(r)) return;
  int rc = r->begun ? 0 : prepare_exchange(r);
  if (rc == 0) rc = exchange_step_head(&r->exchange);
  if (!transfer_settle(r, &r->rx, rc, settings_response_timeout(&r->settings)))
    return;
  rc = again_after_head(r);
  if (rc == 0) rc = receiving_begin_content(r);
  if (rc && rc != HN_AGAIN) transfer_fail(r, &r->rx, rc);
  if (rc) return;
  if (content_is_done(&r->content, &r->exchange)) transfer_end_deadline(r);
  request_set_state(r, HN_REQUEST_RECEIVED);
  op_complete(&r->node, &r->rx, HN_STATUS_HEADERS_AVAILABLE, 0);
}

static void receiving_step_query(struct hn_request *r) {
  uint64_t n = 0;
  int rc = content_available(&r->content, &r->exchange, &n);
  if (!transfer_settle(r, &r->rx, rc, r->settings.receive_timeout)) return;
  op_complete(&r->node, &r->rx, HN_STATUS_DATA_AVAILABLE, n);
}

/* Room for the next piece of a read: no more than is wanted, than is known to
 * come, and than one portion. */
static int receiving_reserve(struct hn_request *r, char **p, size_t *n) {
  struct hn_operation *op = &r->rx;
  uint64_t room = op->want - op->moved;
  uint64_t rest = content_known_rest(&r->content, &r->exchange);
  if (room > rest) room = rest;
  size_t portion = env_portion(&r->node.rt->env);
  if (room > portion) room = portion;
  if (op->mode == HN_READ_ALL && rest == UINT64_MAX && room > HN_COPY_BUFFER)
    room = HN_COPY_BUFFER;
  if (room == 0) room = 1; /* the end must still be read */
  *n = (size_t)room;
  if (!op->data.bytes)
    spares_take(&r->node.rt->env.spares, &op->data, *n, op->data.cap);
  return buf_reserve(&op->data, *n, p);
}

/* One read into op->data; *got 0 at the end of the body. */
static int receiving_read_piece(struct hn_request *r, size_t *got) {
  char *p;
  size_t n, taken = 0;
  if (content_is_done(&r->content, &r->exchange)) {
    *got = 0;
    return 0;
  }
  int rc = receiving_reserve(r, &p, &n);
  if (rc == 0) rc = content_read(&r->content, &r->exchange, p, n, &taken);
  if (rc == 0) rc = quota_check_download(r);
  if (rc) return rc;
  buf_commit(&r->rx.data, taken);
  *got = taken;
  return 0;
}

/* Reads until there is enough: 0 when the operation can complete. */
static int receiving_read(struct hn_request *r) {
  struct hn_operation *op = &r->rx;
  uint64_t start = op->moved;
  for (;;) {
    size_t got = 0;
    if (op->mode == HN_READ_ALL && op->moved > op->want)
      return request_blame(r, HN_ERR_INSUFFICIENT_BUFFER, HN_PHASE_RECEIVE,
                           "body larger than max_response_body");
    int rc = receiving_read_piece(r, &got);
    op->moved += got;
    if (rc || got == 0 || op->mode == HN_READ_SOME) return rc;
    if (op->mode == HN_READ_FILL && op->moved == op->want) return 0;
    if (duplex_must_pause(&r->node, op, start)) return HN_AGAIN;
  }
}

/* Puts what was read into the file: 0 when all of it is there. */
static int receiving_write_out(struct hn_request *r) {
  struct hn_operation *op = &r->rx;
  while (buf_size(&op->data) > 0) {
    struct hn_slice s = buf_peek(&op->data);
    size_t put = 0;
    int system = 0;
    int rc = file_give(&op->file, s.p, s.n, &put, &system);
    if (rc == HN_AGAIN) return transfer_wait_file(r, op);
    if (rc) return transfer_describe_file(r, rc, system);
    buf_consume(&op->data, put);
    op->moved += put;
  }
  return 0;
}

/* Copies the body to the file: 0 at its end, or when enough was copied. */
static int receiving_read_file(struct hn_request *r) {
  struct hn_operation *op = &r->rx;
  uint64_t start = op->moved;
  op_unwatch(&r->node, op);
  for (;;) {
    size_t got = 0;
    int rc = receiving_write_out(r);
    if (rc || op->moved >= op->want) return rc;
    if (duplex_must_pause(&r->node, op, start)) return HN_AGAIN;
    rc = receiving_read_piece(r, &got);
    if (rc || got == 0) return rc;
  }
}

static void receiving_step_read(struct hn_request *r) {
  struct hn_operation *op = &r->rx;
  bool to_file = op->file.fd >= 0;
  int rc = to_file ? receiving_read_file(r) : receiving_read(r);
  if (!transfer_settle(r, op, rc, r->settings.receive_timeout)) return;
  if (content_is_done(&r->content, &r->exchange)) transfer_end_deadline(r);
  if (!to_file && op->moved == 0 && op->mode != HN_READ_ALL)
    op_complete_ended(&r->node, op);
  else
    op_complete(&r->node, op, HN_STATUS_READ_COMPLETE, op->moved);
}

void receiving_step(struct hn_request *r) {
  if (r->late) {
    transfer_fail(r, &r->rx, HN_ERR_TIMEOUT);
    return;
  }
  switch (r->rx.api) {
  case HN_OP_RECEIVE_RESPONSE: receiving_step_receive(r); break;
  case HN_OP_QUERY_DATA_AVAILABLE: receiving_step_query(r); break;
  default: receiving_step_read(r); break;
  }
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
  if (!r->late) request_set_state(r, HN_REQUEST_RECEIVING);
  duplex_make_ready(&r->node);
  return 0;
}

int hn_query_data_available(hn_runtime *rt, hn_handle request) {
  struct hn_request *r;
  int rc = transfer_find(rt, request, &r);
  if (rc) return rc;
  rc = transfer_begin(r, &r->rx, HN_OP_QUERY_DATA_AVAILABLE,
                      HN_REQUEST_RECEIVED);
  if (rc == 0) duplex_make_ready(&r->node);
  return rc;
}

static int receiving_start_read(hn_runtime *rt, hn_handle request,
                                uint64_t want, enum hn_read_mode mode, int fd) {
  struct hn_request *r;
  int rc = transfer_find(rt, request, &r);
  if (rc == 0 && fd >= 0) rc = policy_check_file(rt);
  if (rc) return rc;
  rc = transfer_begin(r, &r->rx, HN_OP_READ_DATA, HN_REQUEST_RECEIVED);
  if (rc) return rc;
  r->rx.mode = mode;
  r->rx.want = want;
  if (mode == HN_READ_ALL && fd < 0)
    r->rx.want = (uint64_t)r->settings.max_response_body;
  if (fd >= 0) transfer_begin_file(r, &r->rx, fd, HN_ERR_WRITE_FAULT);
  if (r->rx.running) duplex_make_ready(&r->node);
  return 0;
}

int hn_read(hn_runtime *rt, hn_handle request, size_t n,
            enum hn_read_mode mode) {
  if (mode > HN_READ_ALL || (n == 0 && mode != HN_READ_ALL))
    return HN_ERR_INVALID_PARAMETER;
  return receiving_start_read(rt, request, n, mode, -1);
}

int hn_read_to(hn_runtime *rt, hn_handle request, int fd, uint64_t limit) {
  if (fd < 0) return HN_ERR_INVALID_PARAMETER;
  return receiving_start_read(rt, request, limit, HN_READ_SOME, fd);
}
