#include "connection.h"

#include <assert.h>

#include "../proto/url.h"

struct hn_connect *connect_from(struct hn_node *n) {
  return HN_CONTAINER_OF(n, struct hn_connect, node);
}

int connect_get_target(struct hn_connect *c, bool secure,
                       const struct hn_target **out) {
  struct hn_target *t = &c->target[secure];
  if (t->host.n == 0) {
    int rc =
        target_init(&c->node.rt->env, t, c->target[0].host, c->port, secure);
    if (rc) return rc;
  }
  *out = t;
  return 0;
}

static void connect_cancel(struct hn_node *n, bool quiet) {
  (void)n; /* a connection has no operations of its own */
  (void)quiet;
}

static void connect_free(struct hn_connect *c) {
  target_fini(&c->target[0]);
  target_fini(&c->target[1]);
  mem_free(c);
}

static void connect_destroy(struct hn_node *n) {
  connect_free(connect_from(n));
}

static void connect_describe(const struct hn_node *n, struct hn_buf *out) {
  const struct hn_connect *c = HN_CONTAINER_OF(n, struct hn_connect, node);
  const struct hn_target *t = &c->target[0];
  (void)buf_append(out, c->port ? slice_of(t->authority) : t->host_field);
}

static const struct hn_node_ops connect_ops = {
    .size = sizeof(struct hn_connect),
    .cancel = connect_cancel,
    .destroy = connect_destroy,
    .describe = connect_describe,
};

/* RFC 6874 2: in a URL the "%" before a zone is itself escaped. */
static struct hn_slice connect_unescape_zone(struct hn_slice host,
                                             char room[HN_MAX_HOST]) {
  size_t zone = slice_find(host, 0, '%');
  if (!slice_starts_nocase(slice_from(host, zone), slice_of("%25")) ||
      host.n - 2 > HN_MAX_HOST)
    return host;
  memcpy(room, host.p, zone + 1);
  memcpy(room + zone + 1, host.p + zone + 3, host.n - zone - 3);
  return slice_make(room, host.n - 2);
}

/* "[::1]" and "::1" are the same host; nothing else stands in brackets. In them
 * an address is written as in a URL, though a zone as it is will do as well. */
static struct hn_slice connect_strip_brackets(struct hn_slice host,
                                              char room[HN_MAX_HOST]) {
  if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']' &&
      slice_find(host, 0, ':') < host.n)
    return connect_unescape_zone(slice_sub(host, 1, host.n - 1), room);
  return host;
}

int hn_connect(hn_runtime *rt, hn_handle session, struct hn_slice host,
               unsigned port, hn_handle *out) {
  assert(out);
  assert(slice_is_sound(host));
  struct hn_node *parent;
  int rc = node_find(rt, session, HN_KIND_SESSION, &parent);
  if (rc) return rc;
  char room[HN_MAX_HOST];
  host = connect_strip_brackets(host, room);
  if (!url_is_host(host) || port > 65535) return HN_ERR_INVALID_PARAMETER;
  struct hn_connect *c = mem_calloc(1, sizeof *c);
  if (!c) return HN_ERR_NOT_ENOUGH_MEMORY;
  c->node.ops = &connect_ops;
  c->port = port;
  c->context_value = session_of(parent)->context_value;
  rc = target_init(&rt->env, &c->target[0], host, port, false);
  if (rc == 0)
    rc = node_open(rt, &c->node, HN_KIND_CONNECTION, parent, parent->queue);
  if (rc) {
    connect_free(c);
    return rc;
  }
  rc = node_notify(parent, HN_STATUS_HANDLE_CREATED, c->node.id,
                   slice_make(NULL, 0));
  if (rc) {
    node_close(&c->node, true);
    return rc;
  }
  *out = c->node.id;
  return 0;
}
