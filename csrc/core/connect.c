#include "connect.h"

#include <string.h>

#include "../proto/url.h"

struct hn_connect *connect_from(struct hn_node *n) {
  return HN_CONTAINER_OF(n, struct hn_connect, node);
}

unsigned connect_port(const struct hn_connect *c, bool secure) {
  if (c->port) return c->port;
  return secure ? 443 : 80;
}

static void connect_cancel(struct hn_node *n, bool quiet) {
  (void)n; /* a connection has no operations of its own */
  (void)quiet;
}

static void connect_free(struct hn_connect *c) {
  for (int i = 0; i < 2; i++) {
    mem_free(c->authority[i]);
    mem_free(c->host_field[i]);
  }
  mem_free((void *)(uintptr_t)c->host.p);
  mem_free(c);
}

static void connect_destroy(struct hn_node *n) {
  connect_free(connect_from(n));
}

static void connect_describe(const struct hn_node *n, struct hn_buf *out) {
  const struct hn_connect *c = HN_CONTAINER_OF(n, struct hn_connect, node);
  (void)buf_append_text(out, c->port ? c->authority[0] : c->host_field[0]);
}

static const struct hn_node_ops connect_ops = {
  .cancel = connect_cancel,
  .destroy = connect_destroy,
  .describe = connect_describe,
};

/* The Host field leaves out the scheme's own default port, and only that
 * (RFC 9110 7.2; winhttp.md 12.1, 18). */
static int connect_make_texts(struct hn_connect *c, bool secure) {
  char text[HN_MAX_HOST + 16];
  unsigned port = connect_port(c, secure);
  c->hash[secure] = origin_hash(c->host, port);
  err_format_host(text, sizeof text, c->host, port);
  c->authority[secure] = mem_copy(text, strlen(text));
  if (port == (secure ? 443u : 80u)) *strrchr(text, ':') = '\0';
  c->host_field[secure] = mem_copy(text, strlen(text));
  return c->authority[secure] && c->host_field[secure]
             ? 0
             : HN_ERR_NOT_ENOUGH_MEMORY;
}

/* "[::1]" and "::1" are the same host. */
static struct hn_slice connect_strip_brackets(struct hn_slice host) {
  if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
    return slice_sub(host, 1, host.n - 1);
  return host;
}

int hn_connect(hn_runtime *rt, hn_handle session, struct hn_slice host,
               unsigned port, hn_handle *out) {
  struct hn_node *parent;
  int rc = node_find(rt, session, HN_KIND_SESSION, &parent);
  if (rc) return rc;
  host = connect_strip_brackets(host);
  if (!url_is_host(host) || port > 65535) return HN_ERR_INVALID_PARAMETER;
  struct hn_connect *c = mem_calloc(1, sizeof *c);
  if (!c) return HN_ERR_NOT_ENOUGH_MEMORY;
  c->node.ops = &connect_ops;
  c->port = port;
  c->context_value = session_of(parent)->context_value;
  c->host = slice_make(mem_copy(host.p, host.n), host.n);
  rc = c->host.p ? connect_make_texts(c, false) : HN_ERR_NOT_ENOUGH_MEMORY;
  if (rc == 0) rc = connect_make_texts(c, true);
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
