#include "target.h"

#include <string.h>

#include "../proto/url.h"

enum { HN_TARGET_LINE = HN_MAX_HOST + 32 }; /* "Host: [::1]:8080" CRLF */

void target_fini(struct hn_target *t) {
  mem_free((void *)(uintptr_t)t->host.p);
  mem_free(t->authority);
  mem_free((void *)(uintptr_t)t->host_line.p);
  *t = (struct hn_target){0};
}

/* The Host field leaves out the scheme's own default port, and only that
 * (RFC 9110 7.2; winhttp.md 12.1, 18). A zone means something on this machine
 * alone and is told to nobody (RFC 6874 4). */
static void target_make_line(struct hn_target *t, bool usual_port) {
  char line[HN_TARGET_LINE] = "Host: ";
  char *field = line + strlen(line);
  struct hn_slice bare = slice_sub(t->host, 0, slice_find(t->host, 0, '%'));
  err_format_host(field, HN_MAX_HOST + 16, bare, t->port);
  size_t n = strlen(field);
  if (usual_port)
    while (field[--n] != ':') continue;
  memcpy(field + n, "\r\n", 2);
  t->host_line = slice_make(line, (size_t)(field + n + 2 - line));
  t->host_line.p = mem_copy(t->host_line.p, t->host_line.n);
  if (t->host_line.p)
    t->host_field = slice_make(t->host_line.p + (field - line), n);
}

int target_init(const struct hn_env *env, struct hn_target *t,
                struct hn_slice host, unsigned port, bool secure) {
  char text[HN_MAX_HOST + 16];
  unsigned usual = (unsigned)url_request_scheme(secure)->port;
  *t = (struct hn_target){.port = port ? port : usual, .secure = secure};
  t->host.p = mem_copy(host.p, host.n);
  t->host.n = host.n;
  t->hash = origin_hash(&env->hash_key, host, t->port);
  err_format_host(text, sizeof text, host, t->port);
  t->authority = mem_copy(text, strlen(text));
  if (t->host.p) target_make_line(t, t->port == usual);
  if (t->authority && t->host_line.p) return 0;
  target_fini(t);
  return HN_ERR_NOT_ENOUGH_MEMORY;
}

int target_append_url(const struct hn_target *t, struct hn_slice path,
                      struct hn_buf *out) {
  const struct hn_url_parts parts = {
      .scheme = slice_of(url_request_scheme(t->secure)->name),
      .host = t->host,
      .port = (int)t->port,
  };
  int rc = url_create(&parts, 0, out);
  /* RFC 9112 3.3: a target "*" is a URL without path and query. */
  if (rc || slice_equal(path, slice_of("*"))) return rc;
  return buf_append(out, path);
}

bool target_is_same_origin(const struct hn_target *a,
                           const struct hn_target *b) {
  return a->secure == b->secure && a->port == b->port && a->hash == b->hash &&
         address_is_same_host(a->host, b->host);
}
