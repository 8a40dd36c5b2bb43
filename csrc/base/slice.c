#include "slice.h"

#include <string.h>

bool slice_equal(struct hn_slice a, struct hn_slice b) {
  return a.n == b.n && (b.n == 0 || memcmp(a.p, b.p, b.n) == 0);
}

/* What is equal is mostly spelt the same. */
bool slice_equal_nocase(struct hn_slice a, struct hn_slice b) {
  return a.n == b.n && (slice_equal(a, b) || slice_starts_nocase(a, b));
}

bool slice_starts_nocase(struct hn_slice s, struct hn_slice start) {
  if (s.n < start.n) return false;
  for (size_t i = 0; i < start.n; i++) {
    if (slice_lower(s.p[i]) != slice_lower(start.p[i])) return false;
  }
  return true;
}

size_t slice_find(struct hn_slice s, size_t from, char c) {
  const char *hit;

  if (from >= s.n) return s.n;
  hit = memchr(s.p + from, c, s.n - from);
  return !hit ? s.n : (size_t)(hit - s.p);
}

struct hn_slice slice_sub(struct hn_slice s, size_t from, size_t to) {
  if (to > s.n) to = s.n;
  if (from > to) from = to;
  return slice_make(!s.p ? NULL : s.p + from, to - from);
}

struct hn_slice slice_from(struct hn_slice s, size_t from) {
  return slice_sub(s, from, s.n);
}

static bool slice_is_blank(char c) {
  return c == ' ' || c == '\t';
}

struct hn_slice slice_trim(struct hn_slice s) {
  size_t from = 0, to = s.n;

  while (from < to && slice_is_blank(s.p[from])) from++;
  while (to > from && slice_is_blank(s.p[to - 1])) to--;
  return slice_sub(s, from, to);
}

/* RFC 9110 5.6.4: a comma inside a quoted string parts nothing, and a quote
 * behind a backslash does not end the string. */
static size_t slice_element_end(struct hn_slice s) {
  bool quoted = false;
  size_t i = 0;

  while (i < s.n && (quoted || s.p[i] != ',')) {
    if (s.p[i] == '"') quoted = !quoted;
    if (quoted && s.p[i] == '\\' && i + 1 < s.n) i++;
    i++;
  }
  return i;
}

bool slice_next_element(struct hn_slice *rest, struct hn_slice *element) {
  while (rest->n > 0) {
    size_t end = slice_element_end(*rest);
    struct hn_slice found = slice_trim(slice_sub(*rest, 0, end));

    *rest = slice_from(*rest, end + 1);
    if (found.n > 0) {
      *element = found;
      return true;
    }
  }
  return false;
}

bool slice_to_u64(struct hn_slice s, uint64_t *out) {
  uint64_t n = 0;

  if (s.n == 0) return false;
  for (size_t i = 0; i < s.n; i++) {
    uint64_t digit = (uint64_t)(unsigned char)s.p[i] - '0';

    if (digit > 9) return false;
    if (n > UINT64_MAX / 10 || n * 10 > UINT64_MAX - digit) return false;
    n = n * 10 + digit;
  }
  *out = n;
  return true;
}

char slice_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int slice_hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = slice_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
