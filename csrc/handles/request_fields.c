/*
 * request_fields.c: hn_add_header and hn_add_headers: when the fields of a
 * request may be edited, and which of them.
 */
#include <assert.h>

#include "request.h"

static void request_drop_own_of(const struct hn_request *r,
                                struct hn_headers *h) {
  if (r->own_framing) {
    headers_remove(h, slice_of("Content-Length"));
    headers_remove(h, slice_of("Transfer-Encoding"));
  }
  if (r->own_accept) headers_remove(h, slice_of("Accept-Encoding"));
}

void request_drop_own(struct hn_request *r) {
  struct hn_hop *awaited = request_awaited_hop(r);
  request_drop_own_of(r, &r->fields);
  if (awaited) request_drop_own_of(r, &awaited->fields);
  r->own_framing = r->own_accept = false;
}

/* While the head may be on its way, or a wait was broken off, the fields stay
 * as they are. */
static int request_find_editable(hn_runtime *rt, hn_handle h,
                                 struct hn_request **out) {
  struct hn_request *r;
  int rc = request_find(rt, h, &r);
  if (rc) return rc;
  if (r->tx.running || r->state == HN_REQUEST_RECEIVING ||
      r->state == HN_REQUEST_CLEARING)
    return HN_ERR_INCORRECT_HANDLE_STATE;
  *out = r;
  return 0;
}

/* The fields may have to go out once more as they are: to a new connection, or
 * along a redirect. */
static bool request_is_out(const struct hn_request *r) {
  return r->state == HN_REQUEST_SENT || r->state == HN_REQUEST_REDIRECTING;
}

/* During a redirect's notification, and while it waits for its body, the fields
 * are those of the hop to come. */
static struct hn_headers *request_edited(struct hn_request *r) {
  if (r->state == HN_REQUEST_REDIRECTING) return &r->next_hop->fields;
  if (!request_is_out(r)) request_drop_own(r);
  struct hn_hop *awaited = request_awaited_hop(r);
  return awaited ? &awaited->fields : &r->fields;
}

/* A body that is under way is what it is: another length in front of it would
 * make the server read it as two requests, or none (RFC 9112 11.2). And the
 * policy has judged the host that was asked: a hop to come is judged anew. */
static bool request_may_add(const struct hn_request *r, struct hn_slice name) {
  if (r->state == HN_REQUEST_SENT && slice_equal_nocase(name, slice_of("Host")))
    return false;
  return !request_is_out(r) ||
         !(slice_equal_nocase(name, slice_of("Content-Length")) ||
           slice_equal_nocase(name, slice_of("Transfer-Encoding")));
}

static int request_check_lines(const struct hn_request *r,
                               struct hn_slice lines) {
  struct hn_headers h;
  if (!request_is_out(r)) return 0;
  headers_init(&h, HN_MAX_REQUEST_HEAD, HN_MAX_FIELDS);
  int rc = headers_apply_lines(&h, HN_ADD, lines);
  for (size_t i = 0; i < h.count && rc == 0; i++)
    if (!request_may_add(r, headers_name(&h, i))) rc = HN_ERR_INVALID_PARAMETER;
  headers_fini(&h);
  return rc;
}

/* A second Host would make two readers see two targets (RFC 9112 3.2): adding
 * one replaces it. */
static unsigned request_mode(struct hn_slice name, unsigned mode) {
  bool adds = mode == 0 || mode == HN_ADD;
  return adds && slice_equal_nocase(name, slice_of("Host")) ? HN_ADD_OR_REPLACE
                                                            : mode;
}

static int request_map_error(int rc) {
  return rc == HN_ERR_HEADER_SIZE_OVERFLOW || rc == HN_ERR_HEADER_COUNT_EXCEEDED
             ? HN_ERR_INVALID_PARAMETER
             : rc;
}

int hn_add_header(hn_runtime *rt, hn_handle request, struct hn_slice name,
                  struct hn_slice value, unsigned mode) {
  assert(slice_is_sound(name) && slice_is_sound(value));
  struct hn_request *r;
  int rc = request_find_editable(rt, request, &r);
  if (rc) return rc;
  if (!request_may_add(r, name)) return HN_ERR_INVALID_PARAMETER;
  return request_map_error(
      headers_apply(request_edited(r), request_mode(name, mode), name, value));
}

int request_add_lines(const struct hn_request *r, struct hn_headers *h,
                      struct hn_slice lines, unsigned mode) {
  int rc = request_check_lines(r, lines);
  if (rc == 0) rc = headers_apply_lines(h, mode, lines);
  struct hn_slice second;
  while (rc == 0 && headers_find(h, slice_of("Host"), 1, &second))
    rc = headers_apply(h, (unsigned)HN_ADD_REPLACE, slice_of("Host"),
                       slice_make(NULL, 0));
  return request_map_error(rc);
}

int hn_add_headers(hn_runtime *rt, hn_handle request, struct hn_slice lines,
                   unsigned mode) {
  assert(slice_is_sound(lines));
  struct hn_request *r;
  int rc = request_find_editable(rt, request, &r);
  if (rc) return rc;
  if (mode & HN_HEADERS_EACH) return HN_ERR_INVALID_PARAMETER; /* ours alone */
  return request_add_lines(r, request_edited(r), lines, mode);
}
