#include "header_text.h"

#include <string.h>

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

/* Sixteen bytes that are looked at together; a comparison makes each of them
 * 0xff or 0. */
typedef uint8_t header_text_block __attribute__((vector_size(16)));
enum { HN_HEADER_BLOCK = sizeof(header_text_block) };

static header_text_block header_text_load(const unsigned char *p) {
  header_text_block x;
  memcpy(&x, p, sizeof x);
  return x;
}

/* Where in memory the first of eight bytes is that is not 0; there is one. */
static size_t header_text_first(uint64_t bytes) {
  bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
  return (size_t)(big ? __builtin_clzll(bytes) : __builtin_ctzll(bytes)) / 8;
}

/* How many bytes precede the first one that is not 0. */
static size_t header_text_count(header_text_block hits) {
  uint64_t half[2];
  memcpy(half, &hits, sizeof half);
  if (half[0] != 0) return header_text_first(half[0]);
  return half[1] != 0 ? 8 + header_text_first(half[1]) : HN_HEADER_BLOCK;
}

/* How many of the bytes at p a value may have. */
static size_t header_text_count_value(const unsigned char *p) {
  header_text_block x = header_text_load(p);
  return header_text_count(
      (header_text_block)(((x < ' ') & (x != '\t')) | (x == 0x7f)));
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
  while (s.n - i >= HN_HEADER_BLOCK) {
    size_t n = header_text_count_value(p + i);

    i += n;
    if (n < HN_HEADER_BLOCK) return i;
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
