#include "header_text.h"

/* RFC 9110 5.6.2 tchar; the upper half has none. */
static const bool header_text_tokens[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 10 */
    0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1, 0, /* 20: not "(),/ */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, /* 30: not :;<=>? */
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 40: not @ */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 1, /* 50: not [\] */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 60 */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, /* 70: not {} DEL */
};

/* RFC 9110 5.5: visible characters, obs-text, blank and tab. */
static bool header_text_is_value_byte(unsigned char c) {
  return c >= ' ' ? c != 0x7f : c == '\t';
}

/* Eight bytes, the first one lowest; compilers make one load of it. */
static uint64_t header_text_load(const unsigned char *p) {
  return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
         (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
         (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

/* How many of eight bytes precede the first control character; a tab counts as
 * one here, the caller looks again. Each byte is tested by the borrow out of
 * its top bit, so bytes from 0x80 on never match, and what a borrow spoils
 * lies behind the first match. */
static size_t header_text_count_plain(const unsigned char *p) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  uint64_t x = header_text_load(p), del = x ^ ones * 0x7f;
  uint64_t hits = ((x - ones * 0x20) & ~x) | ((del - ones) & ~del);
  hits &= ones * 0x80;
  return hits == 0 ? 8 : (size_t)__builtin_ctzll(hits) / 8;
}

size_t header_token_length(struct hn_slice s) {
  const unsigned char *p = (const unsigned char *)s.p;
  size_t i = 0;
  /* Four a turn: the bound is tested once for them. */
  while (s.n - i >= 4) {
    if (!header_text_tokens[p[i]]) return i;
    if (!header_text_tokens[p[i + 1]]) return i + 1;
    if (!header_text_tokens[p[i + 2]]) return i + 2;
    if (!header_text_tokens[p[i + 3]]) return i + 3;
    i += 4;
  }
  while (i < s.n && header_text_tokens[p[i]]) i++;
  return i;
}

size_t header_value_length(struct hn_slice s) {
  const unsigned char *p = (const unsigned char *)s.p;
  size_t i = 0;
  while (s.n - i >= 8) {
    size_t n = header_text_count_plain(p + i);

    i += n;
    if (n == 8) continue;
    if (p[i] != '\t') return i;
    i++;
  }
  while (i < s.n && header_text_is_value_byte(p[i])) i++;
  return i;
}

bool header_is_token(struct hn_slice s) {
  return s.n > 0 && header_token_length(s) == s.n;
}

bool header_is_value(struct hn_slice s) {
  return header_value_length(s) == s.n;
}
