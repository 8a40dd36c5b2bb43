#include "redirect.h"

void redirect_init(struct hn_redirect *to) {
  buf_init(&to->url, 4 * HN_MAX_URL);
  buf_init(&to->scratch, 4 * HN_MAX_URL);
}

void redirect_fini(struct hn_redirect *to) {
  buf_fini(&to->url);
  buf_fini(&to->scratch);
}

void redirect_look(const struct hn_request *r, struct hn_follow_facts *f) {
  const struct hn_slice name = slice_of("Location");
  struct hn_slice other;
  f->hops = r->hop ? r->hop->count : 0;
  f->by_fragment = r->hop && r->hop->by_fragment;
  if (!headers_find(&r->answer, name, 0, &f->location)) return;
  for (size_t i = 1; headers_find(&r->answer, name, i, &other); i++)
    if (!slice_equal(f->location, other)) f->is_torn = true;
}

/* Location against the URL of this hop (RFC 9110 10.2.2), taken apart. */
static int redirect_crack(const struct hn_request *r, struct hn_slice location,
                          struct hn_redirect *to) {
  struct hn_buf base;
  char *space;
  buf_init(&base, 4 * HN_MAX_URL);
  int rc = request_append_url(r, &base);
  if (rc == 0) rc = url_resolve(buf_peek(&base), location, &to->url);
  size_t n = buf_size(&to->url);
  if (rc == 0) rc = buf_reserve(&to->scratch, n + 1, &space);
  if (rc == 0) rc = url_crack(buf_peek(&to->url), 0, space, n, &to->parts);
  buf_fini(&base);
  return rc;
}

/* A port 0 that is written out is no port; to a target it would mean none. */
int redirect_locate(const struct hn_request *r, struct hn_follow_facts *f,
                    struct hn_redirect *to) {
  const struct hn_url_parts *p = &to->parts;
  int rc = redirect_crack(r, f->location, to);
  if (rc) return rc == HN_ERR_NOT_ENOUGH_MEMORY ? rc : 0;
  const struct hn_url_scheme *s = url_find_scheme(p->scheme);
  f->is_usable = s && s->is_http && p->port != 0;
  f->to_secure = s && s->is_secure;
  f->has_userpwd = p->user.p || p->password.p;
  return 0;
}

/* A Location without a fragment inherits the one there was (RFC 9110
 * 10.2.2). */
static int redirect_append_fragment(const struct hn_hop *from,
                                    struct hn_slice fragment,
                                    struct hn_buf *text) {
  if (fragment.n == 0) return from ? buf_append(text, hop_fragment(from)) : 0;
  int rc = buf_append_char(text, '#');
  if (rc) return rc;
  return url_text_append(text, slice_from(fragment, 1), HN_URL_TEXT_TARGET);
}

/* Method, path and query of the hop, and the fragment, which stays here (RFC
 * 9110 4.2.5). Blanks and other bytes that cannot stand in a target are escaped
 * as those of OpenRequest are. */
static int redirect_make_text(const struct hn_hop *from, struct hn_hop *h,
                              struct hn_slice method,
                              const struct hn_url_parts *p) {
  size_t hash = slice_find(p->extra, 0, '#');
  struct hn_buf object;
  buf_init(&object, 4 * HN_MAX_URL);
  int rc = buf_append(&object, p->path);
  if (rc == 0) rc = buf_append(&object, slice_sub(p->extra, 0, hash));
  if (rc == 0) rc = buf_append(&h->text, method);
  if (rc == 0) rc = url_append_target(buf_peek(&object), 0, &h->text);
  h->method_size = method.n;
  h->path_size = buf_size(&h->text) - method.n;
  buf_fini(&object);
  if (rc) return rc;
  return redirect_append_fragment(from, slice_from(p->extra, hash), &h->text);
}

/* The fields of the hop: the caller's, but for what describes a body that is
 * dropped, and for another origin the host, and credentials that must not
 * reach it. */
static int redirect_copy_fields(const struct hn_request *r,
                                const struct hn_target *to, bool drops_body,
                                struct hn_headers *out) {
  const struct hn_headers *from = r->message.fields;
  const struct hn_slice host = slice_of("Host");
  bool same = target_is_same_origin(r->target, to);
  struct hn_slice value;
  if (!same || !headers_find(from, host, 0, &value)) value = to->host_field;
  int rc = headers_append(out, host, value);
  for (size_t i = 0; i < from->count && rc == 0; i++) {
    struct hn_slice name = headers_name(from, i);
    if (slice_equal_nocase(name, host)) continue;
    if (drops_body && follow_is_content_field(name)) continue;
    if (!same && follow_is_credential(name)) continue;
    rc = headers_append(out, name, headers_value(from, i));
  }
  return rc;
}

int redirect_make_hop(struct hn_request *r, const struct hn_follow_facts *f,
                      const struct hn_redirect *to) {
  struct hn_env *env = &r->node.rt->env;
  const struct hn_url_parts *p = &to->parts;
  struct hn_slice method = follow_method(f->status, f->method);
  struct hn_hop *h = hop_new(f->hops + 1, &env->account);
  if (!h) return HN_ERR_NOT_ENOUGH_MEMORY;
  bool drops_body = !slice_equal(method, f->method);
  h->by_fragment = f->location.p[0] == '#';
  int rc =
      target_init(env, &h->target, p->host, (unsigned)p->port, f->to_secure);
  if (rc == 0) rc = redirect_make_text(r->hop, h, method, p);
  if (rc == 0) rc = redirect_copy_fields(r, &h->target, drops_body, &h->fields);
  if (rc) {
    hop_free(h);
    return rc;
  }
  r->next_hop = h;
  return 0;
}
