/*
 * request_open.c: hn_open_request, what the engine does to a request, and the
 * records that closed ones leave for those to come.
 */
#include <assert.h>
#include <string.h>

#include "../proto/url.h"
#include "again.h"
#include "receiving.h"
#include "sending.h"

static void request_cancel(struct hn_node *n, bool quiet) {
  transfer_cancel(request_from(n), quiet);
}

static int request_listen(struct hn_node *n) {
  struct hn_request *r = request_from(n);
  if (!(n->mask & HN_STATUS_REDIRECT)) again_go_on(r);
  return transfer_listen(r);
}

static void request_expire(struct hn_node *n, const struct hn_timer *t) {
  if (t->kind == HN_TIMER_PATIENCE)
    n->ops->step(n); /* its exchange looks at it */
  else
    transfer_on_timeout(request_from(n), (enum hn_timer_kind)t->kind);
}

static void request_step(struct hn_node *n) {
  struct hn_request *r = request_from(n);
  if (request_announces(r)) return;
  if (r->tx.running) sending_step(r);
  if (r->rx.running) receiving_step(r);
}

/* One that waits to be heard reads nothing, nor does a copy whose file has no
 * room. */
static bool request_reads(const struct hn_node *n) {
  const struct hn_request *r = HN_CONTAINER_OF(n, struct hn_request, node);
  return r->rx.running && !r->rx.file_waits &&
         r->state != HN_REQUEST_REDIRECTING;
}

static void request_go_on(struct hn_node *n) {
  transfer_go_on(request_from(n));
  again_go_on(request_from(n));
}

static void request_break_off(struct hn_node *n) {
  transfer_break_off(request_from(n));
}

static const struct hn_errinfo *request_blame_node(struct hn_node *n,
                                                   int code) {
  return transfer_blame(request_from(n), code);
}

static void request_free(hn_runtime *rt, struct hn_request *r) {
  headers_fini(&r->fields);
  headers_fini(&r->answer);
  headers_fini(&r->trailers);
  buf_fini(&r->text);
  buf_fini(&r->body);
  buf_fini(&r->raw);
  mem_free(r->log);
  blocks_give(&rt->records[HN_KIND_REQUEST].blocks, r);
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
  struct hn_records *records = &rt->records[HN_KIND_REQUEST];
  if (records->spare_count + 1 > HN_SPARE_RECORDS ||
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
  list_prepend(&records->spare, &r->node.ready);
  records->spare_count++;
}

void request_init_records(hn_runtime *rt) {
  struct hn_records *records = &rt->records[HN_KIND_REQUEST];
  blocks_init(&records->blocks, sizeof(struct hn_request));
  list_init(&records->spare);
}

void request_free_records(hn_runtime *rt) {
  struct hn_records *records = &rt->records[HN_KIND_REQUEST];
  struct hn_link *l;
  while ((l = list_first(&records->spare)) != NULL) {
    list_remove(l);
    request_free(rt, HN_CONTAINER_OF(l, struct hn_request, node.ready));
  }
  blocks_fini(&records->blocks);
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
  (void)buf_append_text(out, request_state_name(r));
}

static const struct hn_node_ops request_ops = {
    .size = sizeof(struct hn_request),
    .cancel = request_cancel,
    .listen = request_listen,
    .destroy = request_destroy,
    .describe = request_describe,
    .expire = request_expire,
    .apis = 1u << HN_OP_RECEIVE_RESPONSE | 1u << HN_OP_QUERY_DATA_AVAILABLE |
            1u << HN_OP_READ_DATA | 1u << HN_OP_WRITE_DATA |
            1u << HN_OP_SEND_REQUEST,
    .step = request_step,
    .reads = request_reads,
    .go_on = request_go_on,
    .break_off = request_break_off,
    .blame = request_blame_node,
};

static struct hn_request *request_new(hn_runtime *rt) {
  struct hn_account *account = &rt->env.account;
  struct hn_records *records = &rt->records[HN_KIND_REQUEST];
  struct hn_link *l = list_first(&records->spare);
  if (l) {
    list_remove(l);
    records->spare_count--;
    return HN_CONTAINER_OF(l, struct hn_request, node.ready);
  }
  struct hn_request *r = blocks_take(&records->blocks);
  if (!r) return NULL;
  r->node.operations[HN_SIDE_SEND] = &r->tx;
  r->node.operations[HN_SIDE_RECEIVE] = &r->rx;
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
  memset(&r->exchange, 0, offsetof(struct hn_exchange, stream));
  if (r->log) r->log->mask = r->log->held = r->log->count = 0;
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
  struct hn_slice method = spec->method.n ? spec->method : slice_of("GET");
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
