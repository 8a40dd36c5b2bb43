/*
 * library.c: a runtime with all kinds of handles; and the public functions that
 * need none: URLs and dates.
 */
#include <string.h>

#include "../base/buf.h"

#include <assert.h>
#include "../hinternet_url.h"
#include "../net/clock.h"
#include "../proto/decode.h"
#include "../proto/httpdate.h"
#include "../proto/url.h"
#include "../proto/url_ref.h"
#include "../core/life.h"
#include "request.h"

int hn_runtime_new(hn_runtime **out) {
  assert(out);
  int rc = life_begin(out);
  if (rc == 0) request_init_records(*out);
  return rc;
}

void hn_runtime_free(hn_runtime *rt) {
  if (!rt) return;
  if (rt->user) *rt->user = NULL;
  life_drop_all(rt);
  request_free_records(rt);
  life_end(rt);
}

int hn_crack_url(struct hn_slice url, unsigned flags, char *scratch,
                 size_t size, struct hn_url_parts *out) {
  assert(out && (scratch || size == 0));
  assert(slice_is_sound(url));
  return url_crack(url, flags, scratch, size, out);
}

int hn_scheme_flags(struct hn_slice scheme, unsigned *flags) {
  assert(flags && slice_is_sound(scheme));
  const struct hn_url_scheme *s = url_find_scheme(scheme);
  if (!s || !s->is_http) return HN_ERR_UNRECOGNIZED_SCHEME;
  *flags = s->is_secure ? HN_REQUEST_SECURE : 0;
  return 0;
}

/* What a function wrote into a buffer, handed out WinHTTP's way: too little
 * room says how much is needed. */
static int library_hand_out(int rc, struct hn_buf *b, char *out, size_t *size) {
  if (rc == 0) {
    struct hn_slice s = buf_peek(b);
    if (s.n > *size)
      rc = HN_ERR_INSUFFICIENT_BUFFER;
    else if (s.n > 0)
      memcpy(out, s.p, s.n);
    *size = s.n;
  } else if (rc == HN_ERR_INSUFFICIENT_BUFFER) {
    rc = HN_ERR_INVALID_URL; /* longer than any URL may be */
  }
  buf_fini(b);
  return rc;
}

int hn_create_url(const struct hn_url_parts *parts, unsigned flags, char *out,
                  size_t *size) {
  assert(parts && size && (out || *size == 0));
  assert(slice_is_sound(parts->scheme) && slice_is_sound(parts->user));
  assert(slice_is_sound(parts->password) && slice_is_sound(parts->host));
  assert(slice_is_sound(parts->path) && slice_is_sound(parts->extra));
  struct hn_buf b;
  buf_init(&b, 4 * HN_MAX_URL);
  int rc = url_create(parts, flags, &b);
  return library_hand_out(rc, &b, out, size);
}

int hn_resolve_url(struct hn_slice base, struct hn_slice reference, char *out,
                   size_t *size) {
  assert(size && (out || *size == 0));
  assert(slice_is_sound(base) && slice_is_sound(reference));
  struct hn_buf b;
  buf_init(&b, 4 * HN_MAX_URL);
  int rc = url_resolve(base, reference, &b);
  return library_hand_out(rc, &b, out, size);
}

int hn_format_date(int64_t seconds, char out[HN_DATE_SIZE]) {
  assert(out);
  return httpdate_format(seconds, out);
}

int hn_parse_date(struct hn_slice text, int64_t now, int64_t *seconds) {
  assert(seconds && slice_is_sound(text));
  return httpdate_parse(text, now, seconds);
}

int64_t hn_monotonic_time(void) {
  return clock_now_us();
}

int64_t hn_wall_time(void) {
  return clock_wall();
}

const char *hn_feature_at(size_t i, bool *built) {
  assert(built);
  static const struct {
    const char *name;
    unsigned coding; /* 0: in no build yet */
  } features[] = {
      {"gzip", HN_CODING_GZIP},
      {"deflate", HN_CODING_DEFLATE},
      {"brotli", HN_CODING_BROTLI},
      {"zstd", HN_CODING_ZSTD},
      {"http2", 0},
      {"idn", 0},
      {"negotiate", 0},
      {"psl", 0},
  };
  if (i >= sizeof features / sizeof features[0]) return NULL;
  *built = (features[i].coding & decode_built()) != 0;
  return features[i].name;
}
