#include "url_ref.h"

#include <string.h>

bool url_is_scheme(struct hn_slice s) {
  for (size_t i = 0; i < s.n; i++) {
    char c = slice_lower(s.p[i]);
    bool letter = c >= 'a' && c <= 'z';
    bool other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!letter && (i == 0 || !other)) return false;
  }
  return s.n > 0;
}

/* Bytes [from, to) of s; never absent, as slices of length 0 may be. */
static struct hn_slice url_ref_part(struct hn_slice s, size_t from, size_t to) {
  return slice_make(s.p ? s.p + from : "", to - from);
}

/* The first "/", "?" or "#" at or after `from`, or s.n. */
static size_t url_ref_authority_end(struct hn_slice s, size_t from) {
  while (from < s.n && s.p[from] != '/' && s.p[from] != '?' &&
         s.p[from] != '#') {
    from++;
  }
  return from;
}

struct hn_url_reference url_split(struct hn_slice text) {
  struct hn_url_reference r = {0};
  size_t hash = slice_find(text, 0, '#');
  struct hn_slice body = slice_sub(text, 0, hash);
  size_t mark = slice_find(body, 0, '?');
  size_t colon = slice_find(body, 0, ':');
  size_t at = 0;
  if (hash < text.n) r.fragment = url_ref_part(text, hash + 1, text.n);
  if (mark < body.n) r.query = url_ref_part(text, mark + 1, hash);
  if (colon < mark && url_is_scheme(slice_sub(body, 0, colon))) {
    r.scheme = url_ref_part(text, 0, colon);
    at = colon + 1;
  }
  if (mark - at >= 2 && text.p[at] == '/' && text.p[at + 1] == '/') {
    size_t end = url_ref_authority_end(text, at + 2);
    r.authority = url_ref_part(text, at + 2, end);
    at = end;
  }
  r.path = url_ref_part(text, at, mark);
  return r;
}

/* Length of a path without its last segment, and without the slash before
 * it. */
static size_t url_ref_drop_segment(const char *p, size_t n) {
  while (n > 0) {
    if (p[--n] == '/') break;
  }
  return n;
}

static bool url_ref_starts(struct hn_slice s, const char *text) {
  size_t n = strlen(text);
  return s.n >= n && memcmp(s.p, text, n) == 0;
}

static bool url_ref_is(struct hn_slice s, const char *text) {
  return slice_equal(s, slice_of(text));
}

/* RFC 3986 5.2.4 in place: the output never overtakes the input. Returns the
 * new length. */
static size_t url_ref_remove_dots(char *p, size_t n) {
  size_t in = 0, out = 0;
  while (in < n) {
    struct hn_slice rest = slice_make(p + in, n - in);
    if (url_ref_starts(rest, "../")) {
      in += 3;
    } else if (url_ref_starts(rest, "./") || url_ref_starts(rest, "/./")) {
      in += 2;
    } else if (url_ref_is(rest, "/.")) {
      p[++in] = '/';
    } else if (url_ref_starts(rest, "/../")) {
      in += 3;
      out = url_ref_drop_segment(p, out);
    } else if (url_ref_is(rest, "/..")) {
      in += 2;
      p[in] = '/';
      out = url_ref_drop_segment(p, out);
    } else if (url_ref_is(rest, ".") || url_ref_is(rest, "..")) {
      in = n;
    } else {
      size_t end = slice_find(rest, 1, '/');
      memmove(p + out, p + in, end);
      out += end;
      in += end;
    }
  }
  return out;
}

/* RFC 3986 5.2.3: what of the base stands before a relative path. */
static struct hn_slice url_ref_merge_base(const struct hn_url_reference *base) {
  size_t n = base->path.n;
  if (base->authority.p && n == 0) return slice_of("/");
  while (n > 0 && base->path.p[n - 1] != '/') n--;
  return slice_sub(base->path, 0, n);
}

/* Appends head and tail as one path, dot segments removed. */
static int url_ref_append_path(struct hn_buf *out, struct hn_slice head,
                               struct hn_slice tail, bool authority) {
  /* Without an authority a path "//y" would read as one: "/." goes before it,
   * and room for that is taken at once. */
  size_t room = authority ? 0 : 2;
  size_t n = head.n + tail.n, kept;
  char *p;
  int err;
  if (n == 0) return 0;
  err = buf_reserve(out, room + n, &p);
  if (err) return err;
  if (head.n) memcpy(p + room, head.p, head.n);
  if (tail.n) memcpy(p + room + head.n, tail.p, tail.n);
  kept = url_ref_remove_dots(p + room, n);
  if (!authority && kept >= 2 && memcmp(p + room, "//", 2) == 0) {
    memcpy(p, "/.", 2);
    kept += 2;
  } else {
    memmove(p, p + room, kept);
  }
  buf_commit(out, kept);
  return 0;
}

/* RFC 3986 5.2.2: the target's path and query. */
static int url_ref_append_target(struct hn_buf *out,
                                 const struct hn_url_reference *base,
                                 const struct hn_url_reference *r) {
  struct hn_slice none = {NULL, 0}, head = none, tail = r->path;
  struct hn_slice query = r->query;
  bool own = r->scheme.p || r->authority.p;
  bool authority = r->authority.p || (!r->scheme.p && base->authority.p);
  int err;
  if (!own && r->path.n == 0) {
    if (!query.p) query = base->query;
    /* The base's path is taken as it stands: no dots are removed. */
    err = buf_append(out, base->path);
  } else {
    if (!own && r->path.p[0] != '/') head = url_ref_merge_base(base);
    err = url_ref_append_path(out, head, tail, authority);
  }
  if (!err && query.p) err = buf_append_char(out, '?');
  if (!err && query.p) err = buf_append(out, query);
  return err;
}

/* RFC 3986 5.3: everything in its order. */
static int url_ref_recompose(struct hn_buf *out,
                             const struct hn_url_reference *base,
                             const struct hn_url_reference *r) {
  struct hn_slice authority = r->authority;
  int rc = buf_append(out, r->scheme.p ? r->scheme : base->scheme);
  if (!rc) rc = buf_append_char(out, ':');
  if (!r->scheme.p && !authority.p) authority = base->authority;
  if (!rc && authority.p) rc = buf_append_text(out, "//");
  if (!rc && authority.p) rc = buf_append(out, authority);
  if (!rc) rc = url_ref_append_target(out, base, r);
  if (!rc && r->fragment.p) rc = buf_append_char(out, '#');
  if (!rc && r->fragment.p) rc = buf_append(out, r->fragment);
  return rc;
}

int url_resolve(struct hn_slice base, struct hn_slice reference,
                struct hn_buf *out) {
  struct hn_url_reference b = url_split(base);
  struct hn_url_reference r = url_split(reference);
  size_t start = buf_size(out);
  int err;
  if (!b.scheme.p) return HN_ERR_INVALID_URL;
  err = url_ref_recompose(out, &b, &r);
  if (err) buf_truncate(out, start);
  return err;
}
