/*
 * Input: a URL, and behind the first line end a reference to resolve against
 * it. What cracking accepts must survive creating and cracking again; what
 * resolving writes must split into the same text; escaped text must be
 * printable ASCII.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../csrc/proto/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok) {
  if (!ok) abort();
}

static bool same(struct hn_slice a, struct hn_slice b) {
  return (a.p == NULL) == (b.p == NULL) && slice_equal(a, b);
}

static void require_printable(struct hn_slice s) {
  for (size_t i = 0; i < s.n; i++) require(s.p[i] > ' ' && s.p[i] < 0x7f);
}

static void require_same_parts(const struct hn_url_parts *a,
                               const struct hn_url_parts *b) {
  require(same(a->scheme, b->scheme));
  require(same(a->user, b->user));
  require(same(a->password, b->password));
  require(same(a->host, b->host));
  require(a->port == b->port);
  require(same(a->path, b->path));
  require(same(a->extra, b->extra));
}

/* Cracks, creates and cracks once more with the flags that undo each other. */
static void round_trip(struct hn_slice url, unsigned crack, unsigned create,
                       char *scratch) {
  struct hn_url_parts parts, again;
  struct hn_buf out;
  size_t size = 3 * url.n;
  char *more = scratch + size;
  if (url_crack(url, crack, scratch, size, &parts) != 0) return;
  require(url_is_host(parts.host));
  require(parts.port >= 0 && parts.port <= 65535);
  require(parts.path.p != NULL && parts.extra.p != NULL);
  buf_init(&out, 4 * HN_MAX_URL);
  require(url_create(&parts, create, &out) == 0);
  if (create) require_printable(buf_peek(&out));
  /* Escaping may make it longer than what cracking takes. */
  if (buf_size(&out) <= HN_MAX_URL && buf_size(&out) <= size) {
    require(url_crack(buf_peek(&out), crack, more, size, &again) == 0);
    require_same_parts(&parts, &again);
  }
  buf_fini(&out);
}

static void crack(struct hn_slice url, char *scratch) {
  unsigned escape = (unsigned)HN_URL_ESCAPE;
  struct hn_url_parts parts;
  round_trip(url, 0, 0, scratch);
  if (url_crack(url, escape, scratch, 3 * url.n, &parts) == 0) {
    require_printable(parts.path);
    require_printable(parts.extra);
  }
  if (url_crack(url, escape | HN_URL_DECODE, scratch, 3 * url.n, &parts) == 0) {
    require_printable(parts.path);
  }
  url_crack(url, HN_URL_DECODE, scratch, url.n / 2, &parts);
}

/* CreateUrl's table leaves a "?" in the path as it is: a path that holds an
 * unescaped one cannot come back. */
static void crack_decoded(struct hn_slice url, char *scratch) {
  struct hn_url_parts parts;
  if (url_crack(url, HN_URL_DECODE, scratch, url.n, &parts) != 0) return;
  if (slice_find(parts.path, 0, '?') < parts.path.n) return;
  round_trip(url, HN_URL_DECODE, (unsigned)HN_URL_ESCAPE, scratch);
}

static void put(struct hn_buf *out, const char *before, struct hn_slice s,
                const char *after) {
  if (s.p == NULL) return;
  require(buf_append_text(out, before) == 0);
  require(buf_append(out, s) == 0);
  require(buf_append_text(out, after) == 0);
}

/* Splitting and putting together gives the same text. */
static void split(struct hn_slice text) {
  struct hn_url_reference r = url_split(text);
  struct hn_buf out;
  buf_init(&out, 4 * HN_MAX_URL);
  put(&out, "", r.scheme, ":");
  put(&out, "//", r.authority, "");
  put(&out, "", r.path, "");
  put(&out, "?", r.query, "");
  put(&out, "#", r.fragment, "");
  require(slice_equal(buf_peek(&out), text));
  buf_fini(&out);
}

static void resolve(struct hn_slice base, struct hn_slice reference) {
  struct hn_slice none = {NULL, 0};
  struct hn_buf once, twice;
  split(base);
  split(reference);
  buf_init(&once, 4 * HN_MAX_URL);
  buf_init(&twice, 4 * HN_MAX_URL);
  if (url_resolve(base, reference, &once) == 0) {
    struct hn_url_reference b = url_split(base), r = url_split(reference);
    struct hn_url_reference t = url_split(buf_peek(&once));
    split(buf_peek(&once));
    require(same(t.scheme, r.scheme.p ? r.scheme : b.scheme));
    require(same(t.authority,
                 r.scheme.p || r.authority.p ? r.authority : b.authority));
    require(same(t.fragment, r.fragment));
    /* An absolute result resolves to itself, but for dots of the base. */
    if (r.path.n > 0) {
      require(url_resolve(base, buf_peek(&once), &twice) == 0);
      require(slice_equal(buf_peek(&once), buf_peek(&twice)));
    }
    buf_clear(&twice);
    require(url_resolve(buf_peek(&once), none, &twice) == 0);
  }
  buf_fini(&once);
  buf_fini(&twice);
}

static void target(struct hn_slice object) {
  static const unsigned flags[] = {0, HN_REQUEST_ESCAPE_PERCENT,
                                   HN_REQUEST_ESCAPE_DISABLE,
                                   HN_REQUEST_ESCAPE_DISABLE_QUERY};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    struct hn_buf out;
    struct hn_slice s;
    buf_init(&out, 4 * HN_MAX_URL);
    require(url_append_target(object, flags[i], &out) == 0);
    s = buf_peek(&out);
    require(s.n > 0 && s.p[0] == '/');
    require(slice_find(s, 0, '\r') == s.n && slice_find(s, 0, '\n') == s.n);
    require(slice_find(s, 0, ' ') == s.n);
    if (i < 2) require_printable(s);
    buf_fini(&out);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct hn_slice input = {(const char *)data, size};
  size_t line = slice_find(input, 0, '\n');
  struct hn_slice url = slice_sub(input, 0, line);
  char *scratch;
  if (size > HN_MAX_URL) return 0;
  if (size == 0) input = url = slice_of("");
  scratch = malloc(6 * size + 1);
  if (!scratch) return 0;
  crack(url, scratch);
  crack_decoded(url, scratch);
  crack(input, scratch);
  resolve(url, slice_from(input, line + 1));
  target(input);
  url_is_host(input);
  free(scratch);
  return 0;
}
