/*
 * query.c: asking a request for what was sent and what came back.
 */
#include "request.h"

#include <assert.h>

/* A redirect's own head may be looked at while its notification is heard, and
 * when it needs the body again: the caller may have it, and has to know where
 * to send it. So may an interim response be while it is told. */
static bool query_has_response(const struct hn_request *r) {
  return r->state == HN_REQUEST_RECEIVED ||
         r->state == HN_REQUEST_REDIRECTING ||
         request_announces(r) == HN_STATUS_INTERMEDIATE_RESPONSE ||
         (r->state == HN_REQUEST_FAILED &&
          r->info.code == HN_ERR_RESEND_REQUEST);
}

/* Response headers are there once the head is, trailers once the body ended. */
static int query_source(struct hn_request *r, enum hn_header_source from,
                        struct hn_headers **out) {
  if (from > HN_FROM_TRAILERS) return HN_ERR_INVALID_PARAMETER;
  if (from == HN_FROM_REQUEST) {
    *out = request_fields(r);
    return 0;
  }
  if (!query_has_response(r)) return HN_ERR_INCORRECT_HANDLE_STATE;
  if (from == HN_FROM_TRAILERS && r->exchange.sides.rx != HN_RX_DONE)
    return HN_ERR_INCORRECT_HANDLE_STATE;
  *out = from == HN_FROM_TRAILERS ? &r->trailers : &r->answer;
  return 0;
}

int hn_query_header(hn_runtime *rt, hn_handle request,
                    enum hn_header_source from, struct hn_slice name,
                    size_t index, struct hn_slice *value) {
  assert(value && slice_is_sound(name));
  struct hn_request *r;
  struct hn_headers *h;
  int rc = request_find(rt, request, &r);
  if (rc == 0) rc = query_source(r, from, &h);
  if (rc) return rc;
  return headers_find(h, name, index, value) ? 0 : HN_ERR_HEADER_NOT_FOUND;
}

/* The request line that goes with request_fields; trailers have none. */
static int query_write_start(const struct hn_request *r,
                             enum hn_header_source from, struct hn_buf *out) {
  const struct hn_buf *text = r->hop ? &r->hop->text : &r->text;
  size_t size = r->hop ? r->hop->method_size : r->method_size;
  if (from != HN_FROM_REQUEST) return 0;
  int rc = buf_append(out, slice_sub(buf_peek(text), 0, size));
  if (rc == 0) rc = buf_append_char(out, ' ');
  if (rc == 0) rc = buf_append(out, slice_from(buf_peek(text), size));
  if (rc == 0)
    rc = buf_append_text(out, r->minor ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
  return rc;
}

/* A response's head lies there as it came, when every line ended in CRLF. */
static bool query_is_verbatim(struct hn_slice head) {
  size_t at = slice_find(head, 0, '\n');
  for (; at < head.n; at = slice_find(head, at + 1, '\n'))
    if (at == 0 || head.p[at - 1] != '\r') return false;
  return head.n >= 4 && head.p[head.n - 3] == '\n';
}

static int query_write_status_line(const struct hn_request *r,
                                   struct hn_buf *out) {
  struct hn_slice head = buf_peek(&r->answer.bytes);
  struct hn_slice line = slice_sub(head, 0, slice_find(head, 0, '\n'));
  if (line.n > 0 && line.p[line.n - 1] == '\r') line.n--;
  int rc = buf_append(out, line);
  return rc ? rc : buf_append_text(out, "\r\n");
}

int hn_query_raw_headers(hn_runtime *rt, hn_handle request,
                         enum hn_header_source from, struct hn_slice *text) {
  assert(text);
  struct hn_request *r;
  struct hn_headers *h;
  int rc = request_find(rt, request, &r);
  if (rc == 0) rc = query_source(r, from, &h);
  if (rc) return rc;
  if (from == HN_FROM_RESPONSE && query_is_verbatim(buf_peek(&h->bytes))) {
    *text = buf_peek(&h->bytes);
    return 0;
  }
  buf_clear(&r->raw);
  rc = from == HN_FROM_RESPONSE ? query_write_status_line(r, &r->raw)
                                : query_write_start(r, from, &r->raw);
  if (rc == 0) rc = headers_write(h, &r->raw);
  if (rc == 0) rc = buf_append_text(&r->raw, "\r\n");
  if (rc == 0) *text = buf_peek(&r->raw);
  return rc;
}

int hn_query_response_line(hn_runtime *rt, hn_handle request,
                           struct hn_response_line *out) {
  assert(out);
  struct hn_request *r;
  int rc = request_find(rt, request, &r);
  if (rc) return rc;
  if (!query_has_response(r)) return HN_ERR_INCORRECT_HANDLE_STATE;
  const struct hn_response *head = &r->exchange.response;
  *out = (struct hn_response_line){
      .status = head->status,
      .major = head->major,
      .minor = head->minor,
      .reason = slice_sub(buf_peek(&r->answer.bytes), head->reason,
                          head->reason + head->reason_size),
      .hops = r->hop ? r->hop->count : 0,
  };
  return 0;
}

int hn_query_progress(hn_runtime *rt, hn_handle request,
                      struct hn_progress *out) {
  assert(out);
  struct hn_request *r;
  int rc = request_find(rt, request, &r);
  if (rc) return rc;
  *out = (struct hn_progress){.sent = r->tx.moved, .received = r->rx.moved};
  if (!r->begun || r->state != HN_REQUEST_SENT) return 0;
  uint64_t unsent = exchange_unsent(&r->exchange);
  out->unsent = unsent == UINT64_MAX ? HN_LENGTH_CHUNKED : unsent;
  out->announced = r->message.length;
  out->given = r->exchange.sent;
  return 0;
}

_Static_assert(HN_TIMES - 1 <= HN_MAX_TIMES, "times without room");

int hn_query_times(hn_runtime *rt, hn_handle request,
                   int64_t out[HN_MAX_TIMES]) {
  assert(out);
  struct hn_request *r;
  int rc = request_find(rt, request, &r);
  if (rc) return rc;
  if (r->state == HN_REQUEST_NEW) return HN_ERR_INCORRECT_HANDLE_STATE;
  const int64_t *at = r->exchange.times.at;
  int64_t start = at[HN_TIME_START];
  for (size_t i = HN_TIME_START + 1; i < HN_TIMES; i++)
    out[i - 1] = at[i] > start ? at[i] - start : at[i] != 0;
  return 0;
}

const char *hn_time_name(size_t i) {
  static const char *const names[] = {
#define HN_X(name, text) text,
      HN_TIME_LIST(HN_X)
#undef HN_X
  };
  return i < HN_TIMES - 1 ? names[i + 1] : NULL;
}

int hn_query_method(hn_runtime *rt, hn_handle request, struct hn_slice *out) {
  assert(out);
  struct hn_request *r;
  int rc = request_find(rt, request, &r);
  if (rc == 0) *out = request_method(r);
  return rc;
}
