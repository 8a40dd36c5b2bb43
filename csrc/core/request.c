#include "request.h"

#include <assert.h>
#include <string.h>

#include "../base/trace.h"
#include "../proto/url.h"
#include "transfer.h"

static const char *const request_names[HN_REQUEST_STATES] = {
  "new",         "sending",  "sent",   "receiving",
  "redirecting", "received", "failed", "broken",
};

enum {
  HN_REQUEST_BIT_ENDS = 1 << HN_REQUEST_FAILED | 1 << HN_REQUEST_BROKEN,
  HN_REQUEST_BIT_SENDING = 1 << HN_REQUEST_SENDING,
};

static const unsigned request_next[HN_REQUEST_STATES] = {
  [HN_REQUEST_NEW] = HN_REQUEST_BIT_SENDING | HN_REQUEST_BIT_ENDS,
  [HN_REQUEST_SENDING] = 1 << HN_REQUEST_SENT | HN_REQUEST_BIT_ENDS,
  [HN_REQUEST_SENT] = 1 << HN_REQUEST_RECEIVING | HN_REQUEST_BIT_SENDING |
                      HN_REQUEST_BIT_ENDS,
  [HN_REQUEST_RECEIVING] = 1 << HN_REQUEST_RECEIVED |
                           1 << HN_REQUEST_REDIRECTING | HN_REQUEST_BIT_ENDS,
  [HN_REQUEST_REDIRECTING] = 1 << HN_REQUEST_RECEIVING | HN_REQUEST_BIT_ENDS,
  [HN_REQUEST_RECEIVED] = HN_REQUEST_BIT_SENDING | HN_REQUEST_BIT_ENDS,
  [HN_REQUEST_FAILED] = HN_REQUEST_BIT_SENDING | HN_REQUEST_BIT_ENDS,
  [HN_REQUEST_BROKEN] = HN_REQUEST_BIT_SENDING | HN_REQUEST_BIT_ENDS,
};

void request_set_state(struct hn_request *r, enum hn_request_state state) {
  assert(request_next[r->state] & (1u << state));
  trace_state("request", r->node.id, request_names[r->state],
              request_names[state]);
  r->state = state;
}

struct hn_request *request_from(struct hn_node *n) {
  return HN_CONTAINER_OF(n, struct hn_request, node);
}

int request_find(const hn_runtime *rt, hn_handle h, struct hn_request **out) {
  struct hn_node *n;
  int rc = node_find(rt, h, HN_KIND_REQUEST, &n);
  if (rc == 0) *out = request_from(n);
  return rc;
}

struct hn_slice request_method(const struct hn_request *r) {
  return slice_sub(buf_peek(&r->text), 0, r->method_size);
}

struct hn_slice request_path(const struct hn_request *r) {
  return slice_from(buf_peek(&r->text), r->method_size);
}

struct hn_headers *request_fields(struct hn_request *r) {
  return r->hop ? &r->hop->fields : &r->fields;
}

void request_drop_hops(struct hn_request *r) {
  hop_free(r->hop);
  hop_free(r->next_hop);
  r->hop = r->next_hop = NULL;
}

struct hn_connect *request_connect(const struct hn_request *r) {
  return connect_from(r->node.parent);
}

int request_append_url(const struct hn_request *r, struct hn_buf *out) {
  return r->hop ? hop_append_url(r->hop, out)
                : target_append_url(r->target, request_path(r), out);
}

const char *request_text(const struct hn_request *r, enum hn_text which) {
  const char *own = r->texts ? r->texts->at[which] : NULL;
  const char *text = own ? own : session_of(&r->node)->texts.at[which];
  return text && *text ? text : NULL;
}

void request_make_ready(struct hn_request *r) {
  hn_runtime *rt = r->node.rt;
  if (!list_is_empty(&r->ready)) return;
  list_append(&rt->ready, &r->ready);
  runtime_note(rt);
}

static void request_cancel(struct hn_node *n, bool quiet) {
  transfer_cancel(request_from(n), quiet);
}

static int request_listen(struct hn_node *n) {
  return transfer_listen(request_from(n));
}

static void request_free(hn_runtime *rt, struct hn_request *r) {
  headers_fini(&r->fields);
  headers_fini(&r->answer);
  headers_fini(&r->trailers);
  buf_fini(&r->text);
  buf_fini(&r->body);
  buf_fini(&r->raw);
  mem_free(r->log);
  blocks_give(&rt->requests, r);
}

/* A record goes back with its memory: the next request finds buffers of the
 * right size. Anything large is given up. */
static void request_destroy(struct hn_node *n) {
  struct hn_request *r = request_from(n);
  hn_runtime *rt = n->rt;
  request_drop_hops(r);
  exchange_forget(&r->exchange);
  if (r->texts) {
    texts_fini(r->texts);
    mem_free(r->texts);
    r->texts = NULL;
  }
  mem_free(r->via);
  r->via = NULL;
  if (r->tx.untaken) r->tx.untaken->untaken = NULL;
  if (r->rx.untaken) r->rx.untaken->untaken = NULL;
  spares_give(&rt->env.spares, &r->tx.data);
  spares_give(&rt->env.spares, &r->rx.data);
  list_remove(&r->ready);
  list_remove(&r->hold);
  if (rt->spare_request_count + 1 > HN_SPARE_RECORDS ||
      r->answer.bytes.room + r->fields.bytes.room > HN_MAX_HEAD) {
    request_free(rt, r);
    return;
  }
  spares_give(&rt->env.spares, &r->body);
  spares_give(&rt->env.spares, &r->raw);
  headers_clear(&r->fields);
  headers_clear(&r->answer);
  headers_clear(&r->trailers);
  buf_clear(&r->text);
  list_prepend(&rt->spare_requests, &r->ready);
  rt->spare_request_count++;
}

void request_free_spares(hn_runtime *rt) {
  struct hn_link *l;
  while ((l = list_first(&rt->spare_requests)) != NULL) {
    list_remove(l);
    request_free(rt, HN_CONTAINER_OF(l, struct hn_request, ready));
  }
  rt->spare_request_count = HN_SPARE_RECORDS; /* keep nothing from here on */
}

enum { HN_REQUEST_SHOWN = 128 }; /* bytes of a method, or twice of a URL */

/* The state stands behind the URL, so a long one is cut and not the state. */
static void request_describe(const struct hn_node *n, struct hn_buf *out) {
  const struct hn_request *r = HN_CONTAINER_OF(n, struct hn_request, node);
  struct hn_slice method = slice_sub(request_method(r), 0, HN_REQUEST_SHOWN);
  if (buf_append(out, method) || buf_append_char(out, ' ') ||
      request_append_url(r, out))
    return; /* a description is cut short rather than failed */
  size_t most = method.n + 1 + (size_t)2 * HN_REQUEST_SHOWN;
  if (buf_size(out) > most) {
    buf_truncate(out, most);
    if (buf_append_text(out, "...")) return;
  }
  if (buf_append_text(out, ", ")) return;
  (void)buf_append_text(out, request_names[r->state]);
}

static const struct hn_node_ops request_ops = {
  .size = sizeof(struct hn_request),
  .cancel = request_cancel,
  .listen = request_listen,
  .destroy = request_destroy,
  .describe = request_describe,
};

static struct hn_request *request_new(hn_runtime *rt) {
  struct hn_account *account = &rt->env.account;
  struct hn_link *l = list_first(&rt->spare_requests);
  if (l) {
    list_remove(l);
    rt->spare_request_count--;
    return HN_CONTAINER_OF(l, struct hn_request, ready);
  }
  struct hn_request *r = blocks_take(&rt->requests);
  if (!r) return NULL;
  list_init(&r->ready);
  list_init(&r->hold);
  headers_init(&r->fields, HN_MAX_REQUEST_HEAD, HN_MAX_FIELDS);
  headers_init(&r->answer, HN_MAX_HEAD, HN_MAX_FIELDS);
  headers_init(&r->trailers, HN_MAX_TRAILER, HN_MAX_FIELDS);
  headers_count_on(&r->fields, account);
  headers_count_on(&r->answer, account);
  headers_count_on(&r->trailers, account);
  buf_init_on(&r->text, 3 * HN_MAX_URL, account);
  buf_init_on(&r->body, HN_MAX_COPY, account);
  /* What it is made of is capped. */
  buf_init_on(&r->raw, SIZE_MAX / 2, account);
  return r;
}

static void request_reset(struct hn_request *r, struct hn_connect *c) {
  r->node.ops = &request_ops;
  r->state = HN_REQUEST_NEW;
  r->context_value = c->context_value;
  r->own_framing = r->own_accept = r->begun = r->securing = false;
  r->settings = session_of(&c->node)->settings;
  /* The record may be a closed request's, whose session is gone. */
  r->info.code = r->info.system = 0;
  r->late = false;
  r->exchange = (struct hn_exchange){.state = HN_X_NEW};
  if (r->log) r->log->mask = r->log->count = 0;
}

/* Without escaping, the target is what the caller wrote. A blank or control
 * character in it would end it early for one reader of the request line and
 * not for another (RFC 9112 3.2). */
static bool request_is_target(struct hn_slice target) {
  for (size_t i = 0; i < target.n; i++) {
    unsigned char c = (unsigned char)target.p[i];
    if (c <= ' ' || c == 0x7f) return false;
  }
  return true;
}

/* RFC 9112 3.2.4: OPTIONS may ask about the server as a whole. */
static bool request_is_asterisk(const struct hn_request_spec *spec) {
  return slice_equal(spec->path, slice_of("*")) &&
         slice_equal(spec->method, slice_of("OPTIONS"));
}

/* Method, target and the fields that OpenRequest itself gives. Host comes
 * first, as RFC 9110 7.2 asks. */
static int request_fill(struct hn_request *r, struct hn_connect *c,
                        const struct hn_request_spec *spec) {
  const unsigned raw =
      HN_REQUEST_ESCAPE_DISABLE | HN_REQUEST_ESCAPE_DISABLE_QUERY;
  struct hn_slice method =
      spec->method.n ? spec->method : slice_of("GET");
  r->opened_secure = (spec->flags & HN_REQUEST_SECURE) != 0;
  int rc = connect_get_target(c, r->opened_secure, &r->target);
  if (rc) return rc;
  r->minor = 1;
  if (spec->version.n) {
    if (slice_equal(spec->version, slice_of("HTTP/1.0")))
      r->minor = 0;
    else if (!slice_equal(spec->version, slice_of("HTTP/1.1")))
      return HN_ERR_INVALID_PARAMETER;
  }
  if (!header_is_token(method)) return HN_ERR_INVALID_PARAMETER;
  r->method_size = method.n;
  rc = buf_append(&r->text, method);
  if (rc == 0)
    rc = request_is_asterisk(spec)
             ? buf_append(&r->text, spec->path)
             : url_append_target(spec->path, spec->flags, &r->text);
  if (rc == 0 && (spec->flags & raw) && !request_is_target(request_path(r)))
    rc = HN_ERR_INVALID_PARAMETER;
  if (rc == 0)
    rc = headers_append_line(&r->fields, r->target->host_line, strlen("Host"));
  if (rc == 0 && spec->accept.p)
    rc = headers_append(&r->fields, slice_of("Accept"), spec->accept);
  if (rc == 0 && spec->referrer.p)
    rc = headers_append(&r->fields, slice_of("Referer"), spec->referrer);
  if (rc == 0 && (spec->flags & HN_REQUEST_REFRESH))
    rc = headers_apply_lines(&r->fields, HN_ADD,
                             slice_of("Pragma: no-cache\r\n"
                                      "Cache-Control: no-cache\r\n"));
  return rc == HN_ERR_INSUFFICIENT_BUFFER ? HN_ERR_INVALID_PARAMETER : rc;
}

static const unsigned request_flags =
    HN_REQUEST_ESCAPE_PERCENT | HN_REQUEST_ESCAPE_DISABLE |
    HN_REQUEST_ESCAPE_DISABLE_QUERY | HN_REQUEST_REFRESH | HN_REQUEST_SECURE;

int hn_open_request(hn_runtime *rt, hn_handle connection,
                    const struct hn_request_spec *spec, hn_handle *out) {
  assert(spec && out);
  assert(slice_is_sound(spec->method) && slice_is_sound(spec->path));
  assert(slice_is_sound(spec->version) && slice_is_sound(spec->referrer));
  assert(slice_is_sound(spec->accept));
  struct hn_node *parent;
  int rc = node_find(rt, connection, HN_KIND_CONNECTION, &parent);
  if (rc) return rc;
  if (spec->flags & ~request_flags) return HN_ERR_INVALID_PARAMETER;
  struct hn_request *r = request_new(rt);
  if (!r) return HN_ERR_NOT_ENOUGH_MEMORY;
  request_reset(r, connect_from(parent));
  rc = request_fill(r, connect_from(parent), spec);
  if (rc == 0)
    rc = node_open(rt, &r->node, HN_KIND_REQUEST, parent, parent->queue);
  if (rc) {
    request_free(rt, r);
    return rc;
  }
  op_init(&r->tx, r->node.id, HN_TIMER_SEND);
  op_init(&r->rx, r->node.id, HN_TIMER_RECEIVE);
  timer_init(&r->deadline, r->node.id, HN_TIMER_TOTAL);
  rc = node_notify(&r->node, HN_STATUS_HANDLE_CREATED, r->node.id,
                   slice_make(NULL, 0));
  if (rc) {
    node_close(&r->node, true);
    return rc;
  }
  *out = r->node.id;
  return 0;
}

/* While the head may be on its way, or a wait was broken off, the fields stay
 * as they are. */
static int request_find_editable(hn_runtime *rt, hn_handle h,
                                 struct hn_request **out) {
  struct hn_request *r;
  int rc = request_find(rt, h, &r);
  if (rc) return rc;
  if (r->tx.running || r->state == HN_REQUEST_RECEIVING)
    return HN_ERR_INCORRECT_HANDLE_STATE;
  *out = r;
  return 0;
}

static void request_drop_own_of(const struct hn_request *r,
                                struct hn_headers *h) {
  if (r->own_framing) {
    headers_remove(h, slice_of("Content-Length"));
    headers_remove(h, slice_of("Transfer-Encoding"));
  }
  if (r->own_accept) headers_remove(h, slice_of("Accept-Encoding"));
}

void request_drop_own(struct hn_request *r) {
  struct hn_hop *awaited = redirect_awaited(r);
  request_drop_own_of(r, &r->fields);
  if (awaited) request_drop_own_of(r, &awaited->fields);
  r->own_framing = r->own_accept = false;
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
  struct hn_hop *awaited = redirect_awaited(r);
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
    if (!request_may_add(r, headers_name(&h, i)))
      rc = HN_ERR_INVALID_PARAMETER;
  headers_fini(&h);
  return rc;
}

/* A second Host would make two readers see two targets (RFC 9112 3.2): adding
 * one replaces it. */
static unsigned request_mode(struct hn_slice name, unsigned mode) {
  bool adds = mode == 0 || mode == HN_ADD;
  return adds && slice_equal_nocase(name, slice_of("Host"))
             ? HN_ADD_OR_REPLACE
             : mode;
}

static int request_map_error(int rc) {
  return rc == HN_ERR_HEADER_SIZE_OVERFLOW ||
                 rc == HN_ERR_HEADER_COUNT_EXCEEDED
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
