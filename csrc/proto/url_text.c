#include "url_text.h"

static bool url_text_is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* RFC 3986 2.2, 2.3: sub-delims and unreserved, but for "~", which CreateUrl
 * escapes and everybody else lets stand. */
static const bool url_text_plain[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 10 */
    0, 1, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, /* 20: not "#%/ */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, /* 30: not :<>? */
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 40: not @ */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, /* 50: not [\]^ */
    0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, /* 60: not ` */
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, /* 70: not {|}~ DEL */
};

static bool url_text_is_path_delimiter(char c) {
  return c == '/' || c == ':' || c == '?' || c == '@';
}

bool url_text_keeps(enum url_text_set set, char c) {
  if (url_text_plain[(unsigned char)c]) return true;
  switch (set) {
  case HN_URL_TEXT_TARGET:
    return c == '~' || c == '%' || url_text_is_path_delimiter(c);
  case HN_URL_TEXT_PERCENT: return c == '~' || url_text_is_path_delimiter(c);
  case HN_URL_TEXT_RAW: return c != ' ' && (unsigned char)c < 0x80;
  case HN_URL_TEXT_PART: return url_text_is_path_delimiter(c);
  case HN_URL_TEXT_USERINFO: return c == '~';
  }
  return false;
}

/* The target goes into the request line: a line end there would let whoever
 * chose the path write header fields, so no set lets one through. */
static bool url_text_drops(enum url_text_set set, char c) {
  return set == HN_URL_TEXT_RAW && (c == '\r' || c == '\n');
}

/* Whether all of s goes through as it is. */
static bool url_text_is_unchanged(struct hn_slice s, enum url_text_set set) {
  for (size_t i = 0; i < s.n; i++) {
    if (!url_text_keeps(set, s.p[i]) || url_text_drops(set, s.p[i])) {
      return false;
    }
  }
  return true;
}

size_t url_text_escaped_size(struct hn_slice s, enum url_text_set set) {
  size_t n = 0;
  for (size_t i = 0; i < s.n; i++) {
    if (url_text_drops(set, s.p[i])) continue;
    n += url_text_keeps(set, s.p[i]) ? 1 : 3;
  }
  return n;
}

void url_text_escape(char *to, struct hn_slice s, enum url_text_set set) {
  static const char digits[] = "0123456789ABCDEF";
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (url_text_drops(set, s.p[i])) continue;
    if (url_text_keeps(set, s.p[i])) {
      *to++ = s.p[i];
      continue;
    }
    *to++ = '%';
    *to++ = digits[c >> 4];
    *to++ = digits[c & 15];
  }
}

int url_text_append(struct hn_buf *out, struct hn_slice s,
                    enum url_text_set set) {
  size_t n;
  char *to;
  int err;
  if (url_text_is_unchanged(s, set)) return buf_append(out, s);
  n = url_text_escaped_size(s, set);
  if (n == 0) return 0;
  err = buf_reserve(out, n, &to);
  if (err) return err;
  url_text_escape(to, s, set);
  buf_commit(out, n);
  return 0;
}

/* The byte written as %XX at `at`, or -1. */
static int url_text_triplet(struct hn_slice s, size_t at) {
  int high, low;
  if (s.p[at] != '%' || s.n - at < 3) return -1;
  high = slice_hex_digit(s.p[at + 1]);
  low = slice_hex_digit(s.p[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

size_t url_text_unescaped_size(struct hn_slice s) {
  size_t n = 0;
  for (size_t i = 0; i < s.n; n++) i += url_text_triplet(s, i) < 0 ? 1 : 3;
  return n;
}

void url_text_unescape(char *to, struct hn_slice s) {
  for (size_t i = 0; i < s.n;) {
    int byte = url_text_triplet(s, i);
    *to++ = byte < 0 ? s.p[i] : (char)byte;
    i += byte < 0 ? 1 : 3;
  }
}

/* One number of a dotted quad: 0 to 255 without leading zeros, which some
 * readers take for octal. */
static bool url_text_is_octet(struct hn_slice s) {
  uint64_t n;
  if (s.n < 1 || s.n > 3 || (s.n > 1 && s.p[0] == '0')) return false;
  return slice_to_u64(s, &n) && n <= 255;
}

static bool url_text_is_ipv4(struct hn_slice s) {
  size_t at = 0;
  for (int i = 0; i < 3; i++) {
    size_t dot = slice_find(s, at, '.');
    if (dot == s.n || !url_text_is_octet(slice_sub(s, at, dot))) return false;
    at = dot + 1;
  }
  return url_text_is_octet(slice_from(s, at));
}

static bool url_text_is_hex(struct hn_slice s) {
  for (size_t i = 0; i < s.n; i++) {
    if (slice_hex_digit(s.p[i]) < 0) return false;
  }
  return true;
}

/* RFC 3986 3.2.2: "::" stands for at least one group, once. */
static bool url_text_is_ipv6(struct hn_slice s) {
  bool gap = s.n >= 2 && s.p[0] == ':' && s.p[1] == ':';
  size_t groups = 0;
  for (size_t at = gap ? 2 : 0; at < s.n;) {
    size_t end = slice_find(s, at, ':');
    struct hn_slice group = slice_sub(s, at, end);
    bool last = end == s.n;
    at = end + 1;
    if (last && url_text_is_ipv4(group)) {
      groups += 2;
      break;
    }
    if (group.n < 1 || group.n > 4 || !url_text_is_hex(group)) return false;
    groups++;
    if (last) break;
    if (at == s.n) return false;
    if (s.p[at] != ':') continue;
    if (gap) return false;
    gap = true;
    at++;
  }
  return gap ? groups <= 7 : groups == 8;
}

/* RFC 6874 2: a zone is unreserved bytes. */
static bool url_text_is_zone(struct hn_slice s) {
  for (size_t i = 0; i < s.n; i++) {
    char low = slice_lower(s.p[i]);
    bool ok = (low >= 'a' && low <= 'z') || url_text_is_digit(low) ||
              low == '-' || low == '.' || low == '_' || low == '~';
    if (!ok) return false;
  }
  return s.n > 0;
}

static bool url_text_is_zoned_ipv6(struct hn_slice s) {
  size_t percent = slice_find(s, 0, '%');
  if (percent < s.n && !url_text_is_zone(slice_from(s, percent + 1))) {
    return false;
  }
  return url_text_is_ipv6(slice_sub(s, 0, percent));
}

/* True when the last label (before one final dot) is a decimal or hexadecimal
 * number. getaddrinfo takes "2130706433", "0x7f.1" and "127.1" for 127.0.0.1:
 * a check made on the text would look at a name and miss the address. */
static bool url_text_ends_in_number(struct hn_slice s) {
  size_t end = s.n, start;
  bool digits = true;
  if (s.p[end - 1] == '.') end--;
  for (start = end; start > 0 && s.p[start - 1] != '.'; start--) {
    if (!url_text_is_digit(s.p[start - 1])) digits = false;
  }
  if (end == start) return false;
  if (digits) return true;
  return end - start >= 2 && s.p[start] == '0' &&
         slice_lower(s.p[start + 1]) == 'x' &&
         url_text_is_hex(slice_sub(s, start + 2, end));
}

bool url_is_host(struct hn_slice host) {
  if (host.n == 0 || host.n > HN_MAX_HOST) return false;
  if (slice_find(host, 0, ':') < host.n) return url_text_is_zoned_ipv6(host);
  for (size_t i = 0; i < host.n; i++) {
    if (!url_text_keeps(HN_URL_TEXT_USERINFO, host.p[i])) return false;
  }
  return !url_text_ends_in_number(host) || url_text_is_ipv4(host);
}

int url_append_target(struct hn_slice object, unsigned flags,
                      struct hn_buf *out) {
  size_t start = buf_size(out);
  size_t query = slice_find(object, 0, '?');
  enum url_text_set set = HN_URL_TEXT_TARGET, query_set;
  int err = 0;
  if (flags & HN_REQUEST_ESCAPE_PERCENT) set = HN_URL_TEXT_PERCENT;
  if (flags & HN_REQUEST_ESCAPE_DISABLE) set = HN_URL_TEXT_RAW;
  query_set = set;
  if (flags & HN_REQUEST_ESCAPE_DISABLE_QUERY) query_set = HN_URL_TEXT_RAW;
  if (object.n == 0 || object.p[0] != '/') err = buf_append_char(out, '/');
  if (!err) err = url_text_append(out, slice_sub(object, 0, query), set);
  if (!err && query < object.n)
    err = url_text_append(out, slice_from(object, query), query_set);
  if (err) buf_truncate(out, start);
  return err;
}
