#include "redirect.h"

#include "../proto/follow.h"
#include "../proto/url.h"

static int64_t redirect_hops(const struct hn_request *r) {
  return r->hop ? r->hop->count : 0;
}

/* Location against the URL of this hop (RFC 9110 10.2.2), taken apart. The
 * parts point into *url or scratch. */
static int redirect_crack(struct hn_request *r, struct hn_slice location,
                          struct hn_buf *url, struct hn_buf *scratch,
                          struct hn_url_parts *parts) {
  struct hn_buf base;
  char *space;
  buf_init(&base, 4 * HN_MAX_URL);
  buf_init(url, 4 * HN_MAX_URL);
  buf_init(scratch, 4 * HN_MAX_URL);
  int rc = request_append_url(r, &base);
  if (rc == 0) rc = url_resolve(buf_peek(&base), location, url);
  size_t n = buf_size(url);
  if (rc == 0) rc = buf_reserve(scratch, n + 1, &space);
  if (rc == 0) rc = url_crack(buf_peek(url), 0, space, n, parts);
  buf_fini(&base);
  return rc;
}

/* A port 0 that is written out is no port; to a target it would mean none. */
static bool redirect_is_http(const struct hn_url_parts *p, bool *secure) {
  const struct hn_url_scheme *s = url_find_scheme(p->scheme);
  *secure = s && s->is_secure;
  return s && s->is_http && p->port != 0;
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

static int redirect_make_hop(struct hn_request *r, struct hn_slice method,
                             const struct hn_url_parts *parts, bool secure) {
  struct hn_env *env = &r->node.rt->env;
  struct hn_hop *h = hop_new(redirect_hops(r) + 1, &env->account);
  if (!h) return HN_ERR_NOT_ENOUGH_MEMORY;
  bool drops_body = !slice_equal(method, r->message.method);
  int rc =
      target_init(env, &h->target, parts->host, (unsigned)parts->port, secure);
  if (rc == 0) rc = redirect_make_text(r->hop, h, method, parts);
  if (rc == 0) rc = redirect_copy_fields(r, &h->target, drops_body, &h->fields);
  if (rc) {
    hop_free(h);
    return rc;
  }
  r->next_hop = h;
  return 0;
}

static int redirect_judge(struct hn_request *r, bool secure) {
  const struct hn_settings *s = &r->settings;
  switch (follow_judge(s->redirect_policy, redirect_hops(r), s->max_redirects,
                       r->target->secure, secure)) {
  case HN_FOLLOW_TOO_MANY:
    return request_blame(r, HN_ERR_REDIRECT_FAILED, HN_PHASE_RESPONSE,
                         "too many redirects");
  case HN_FOLLOW_DOWNGRADE:
    return request_blame(r, HN_ERR_REDIRECT_FAILED, HN_PHASE_RESPONSE,
                         "redirect from https to http refused");
  default: return 0;
  }
}

/* What came by write is not here any more. */
static int redirect_check_body(struct hn_request *r) {
  bool keeps = slice_equal(hop_method(r->next_hop), r->message.method);
  if (!keeps || r->message.length == r->message.body.n) return 0;
  r->next_hop->wants_body = true;
  return request_blame(r, HN_ERR_RESEND_REQUEST, HN_PHASE_RESPONSE,
                       "redirect needs the body again");
}

/* A fragment alone leads to where we are: followed once, as browsers do. */
static bool redirect_goes_nowhere(const struct hn_request *r,
                                  struct hn_slice location) {
  if (location.n == 0) return true;
  return location.p[0] == '#' && r->hop && r->hop->by_fragment;
}

/* The Location of a response that redirects; false when there is none to
 * follow. Two that differ are two readings of one response: *torn. */
static bool redirect_find(const struct hn_request *r, struct hn_slice *out,
                          bool *torn) {
  const struct hn_slice name = slice_of("Location");
  struct hn_slice other;
  if (r->settings.disabled & HN_DISABLE_REDIRECTS ||
      !follow_is_redirect(r->exchange.response.status,
                          r->settings.redirect_policy) ||
      !headers_find(&r->answer, name, 0, out))
    return false;
  for (size_t i = 1; headers_find(&r->answer, name, i, &other); i++)
    if (!slice_equal(*out, other)) *torn = true;
  return *torn || !redirect_goes_nowhere(r, *out);
}

int redirect_prepare(struct hn_request *r, bool *again) {
  struct hn_slice location;
  struct hn_buf url, scratch;
  struct hn_url_parts parts;
  bool secure = false, torn = false;
  int status = r->exchange.response.status;
  *again = false;
  if (!redirect_find(r, &location, &torn)) return 0;
  if (torn)
    return request_blame(r, HN_ERR_REDIRECT_FAILED, HN_PHASE_RESPONSE,
                         "redirect with two different Locations");
  struct hn_slice method = follow_method(status, r->message.method);
  int rc = redirect_crack(r, location, &url, &scratch, &parts);
  if ((rc && rc != HN_ERR_NOT_ENOUGH_MEMORY) ||
      (rc == 0 && !redirect_is_http(&parts, &secure)))
    rc = request_blame(r, HN_ERR_REDIRECT_FAILED, HN_PHASE_RESPONSE,
                       "redirect to an unusable Location");
  bool has_userpwd = rc == 0 && (parts.user.p || parts.password.p);
  if (has_userpwd && r->settings.reject_userpwd)
    rc = request_blame(r, HN_ERR_INVALID_URL, HN_PHASE_RESPONSE,
                       "redirect to a URL with credentials");
  if (rc == 0) rc = redirect_judge(r, secure);
  if (rc == 0) rc = redirect_make_hop(r, method, &parts, secure);
  if (rc == 0) r->next_hop->by_fragment = location.p[0] == '#';
  if (rc == 0) rc = redirect_check_body(r);
  buf_fini(&url);
  buf_fini(&scratch);
  *again = rc == 0;
  return rc;
}

void redirect_go(struct hn_request *r) {
  const struct hn_hop *h = r->next_hop;
  struct hn_slice method = hop_method(h);
  exchange_close(&r->exchange);
  r->begun = false;
  if (!slice_equal(method, r->message.method)) {
    r->message.body = slice_make(NULL, 0);
    r->message.length = 0;
    r->message.expects = false;
    r->message.repeatable = true;
  }
  r->message.method = method;
  r->message.target = hop_path(h);
  r->message.fields = &h->fields;
  request_enter_hop(r);
}
