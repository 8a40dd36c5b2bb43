#include "h1_head.h"

#include <string.h>

#include "../base/mem.h"

enum {
  HN_H1_HEAD_EMPTY = 4,    /* bytes of empty lines before a status line */
  HN_H1_HEAD_CODE = 8,     /* the blank behind "HTTP/1.1" */
  HN_H1_HEAD_ALERT = 0x15, /* how TLS answers plain text (RFC 8446 5.1) */
  HN_H1_HEAD_VERSION = 11, /* " HTTP/1.1" CRLF */
};

struct hn_fault_entry {
  int code;
  const char *text;
};

static const struct hn_fault_entry h1_head_faults[] = {
#define HN_X(name, code, text) {HN_ERR_##code, text},
    HN_FAULT_LIST(HN_X)
#undef HN_X
};

int fault_code(enum hn_fault fault) {
  return h1_head_faults[fault].code;
}

const char *fault_text(enum hn_fault fault) {
  return h1_head_faults[fault].text;
}

void h1_head_init(struct hn_h1_head *h, size_t max_size) {
  h->scanned = 0;
  h->max_size = max_size;
  h->fault = HN_FAULT_NONE;
  h->status = 0;
  h->folds = 0;
  h->major = h->minor = 0;
  h->reason = h->reason_size = 0;
}

static int h1_head_fail(struct hn_h1_head *h, enum hn_fault fault) {
  h->fault = fault;
  return fault_code(fault);
}

/* Length of the line end at i: 1, 2, or 0 when there is none. RFC 9112 2.2
 * lets a recipient take a bare LF for one. HN_AGAIN at the end of s. */
static int h1_head_line_end(struct hn_slice s, size_t i) {
  if (i == s.n) return HN_AGAIN;
  if (s.p[i] == '\n') return 1;
  if (s.p[i] != '\r') return 0;
  if (i + 1 == s.n) return HN_AGAIN;
  return s.p[i + 1] == '\n' ? 2 : 0;
}

/* RFC 9112 2.2: a peer that counts its last body wrongly leaves a CRLF. */
static size_t h1_head_count_empty(struct hn_slice in) {
  size_t i = 0;
  int n;

  while ((n = h1_head_line_end(in, i)) > 0) {
    if (i + (size_t)n > HN_H1_HEAD_EMPTY) break;
    i += (size_t)n;
  }
  return i;
}

/* Refuses what is no HTTP/1 response at its first byte that differs: a peer
 * that speaks something else may never send a line end. */
static int h1_head_check_start(struct hn_h1_head *h, struct hn_slice in,
                               size_t at) {
  static const char start[] = "HTTP/";
  size_t n = in.n - at;

  if (n == 1 && in.p[at] == '\r' && at + 2 <= HN_H1_HEAD_EMPTY) return HN_AGAIN;
  if (n > sizeof start - 1) n = sizeof start - 1;
  if (n == 0) return HN_AGAIN;
  if (memcmp(in.p + at, start, n) != 0) {
    return h1_head_fail(h, in.p[0] == HN_H1_HEAD_ALERT
                               ? HN_FAULT_TLS_ALERT
                               : HN_FAULT_NO_STATUS_LINE);
  }
  return n < sizeof start - 1 ? HN_AGAIN : 0;
}

/* Whether a line end has come since the last look. */
static bool h1_head_has_line(struct hn_h1_head *h, struct hn_slice in) {
  size_t from = h->scanned;

  h->scanned = in.n;
  return slice_find(in, from, '\n') < in.n;
}

/* Names the fault of the byte at i, which stopped a scan, once its line is
 * complete: what is told must not depend on how the bytes arrived. */
static int h1_head_fail_at(struct hn_h1_head *h, struct hn_slice in, size_t i,
                           enum hn_fault otherwise) {
  if (slice_find(in, i, '\n') == in.n) return HN_AGAIN;
  if (in.p[i] == '\0') return h1_head_fail(h, HN_FAULT_NUL_IN_HEAD);
  /* A bare CR is a line end to some readers and none to others: two heads in
   * one (RFC 9112 2.2). */
  if (in.p[i] == '\r' && in.p[i + 1] != '\n') {
    return h1_head_fail(h, HN_FAULT_BARE_CR);
  }
  return h1_head_fail(h, otherwise);
}

static bool h1_head_is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool h1_head_is_blank(char c) {
  return c == ' ' || c == '\t';
}

/* From i on, which is not beyond the end. */
static struct hn_slice h1_head_rest(struct hn_slice in, size_t i) {
  return slice_make(in.p + i, in.n - i);
}

/* RFC 9110 5.5: blanks round a value are no part of it. */
static size_t h1_head_skip_blanks(struct hn_slice in, size_t i) {
  while (i < in.n && h1_head_is_blank(in.p[i])) i++;
  return i;
}

static size_t h1_head_drop_blanks(struct hn_slice in, size_t from, size_t to) {
  while (to > from && h1_head_is_blank(in.p[to - 1])) to--;
  return to;
}

static int h1_head_parse_version(struct hn_h1_head *h, struct hn_slice in) {
  const char *p = in.p;

  if (in.n <= 8 || !h1_head_is_digit(p[5]) || p[6] != '.' ||
      !h1_head_is_digit(p[7]) || p[5] != '1') {
    return h1_head_fail(h, HN_FAULT_BAD_VERSION);
  }
  h->major = 1;
  h->minor = p[7] - '0';
  return 0;
}

/* The line is complete, and its end is neither a blank nor a digit: it stops
 * whoever walks along it. RFC 9112 4 lets a recipient take several blanks for
 * one. *end is behind the code. */
static int h1_head_parse_code(struct hn_h1_head *h, struct hn_slice in,
                              size_t *end) {
  const char *p = in.p + HN_H1_HEAD_CODE;

  while (*p == ' ') p++;
  if (p[-1] != ' ' || !h1_head_is_digit(p[0]) || !h1_head_is_digit(p[1]) ||
      !h1_head_is_digit(p[2]) || p[0] == '0') {
    return h1_head_fail(h, HN_FAULT_BAD_STATUS_LINE);
  }
  h->status = (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
  *end = (size_t)(p + 3 - in.p);
  return 0;
}

/* RFC 9112 4. The reason may be missing together with its blank: several
 * servers send it so, and nothing depends on it. *at moves behind the line,
 * which must be complete. */
static int h1_head_parse_status(struct hn_h1_head *h, struct hn_slice in,
                                size_t *at) {
  size_t from = 0, to;
  int rc = h1_head_parse_version(h, in), n;

  if (rc == 0) rc = h1_head_parse_code(h, in, &from);
  if (rc != 0) return rc;
  to = from;
  if (in.p[from] == ' ') {
    from = h1_head_skip_blanks(in, from);
    to = from + header_value_length(h1_head_rest(in, from));
  }
  n = h1_head_line_end(in, to);
  if (n <= 0) return h1_head_fail_at(h, in, to, HN_FAULT_BAD_STATUS_LINE);
  *at = to + (size_t)n;
  h->reason = (uint32_t)from;
  h->reason_size = (uint32_t)(h1_head_drop_blanks(in, from, to) - from);
  return 0;
}

static int h1_head_add_field(struct hn_h1_head *h, struct hn_headers *fields,
                             const char *block, struct hn_field_span span) {
  int rc = headers_add_span(fields, block, span);

  return rc == HN_ERR_HEADER_COUNT_EXCEEDED
             ? h1_head_fail(h, HN_FAULT_TOO_MANY_FIELDS)
             : rc;
}

/* Whether the last field says how long the message is. */
static bool h1_head_is_framing(const struct hn_headers *fields,
                               struct hn_slice in) {
  const struct hn_field_span *f = &fields->fields[fields->count - 1];
  struct hn_slice name = slice_make(in.p + f->name, f->name_size);

  return slice_equal_nocase(name, slice_of("Content-Length")) ||
         slice_equal_nocase(name, slice_of("Transfer-Encoding"));
}

/* RFC 9112 5.2: a line that begins with a blank continues the value of the one
 * before it. Readers that skip it and readers that join it differ, so there is
 * none right after the status line (2.2), and none where it would change what
 * belongs to the message. Lines are counted as fields are: each is looked at
 * again whenever more has come. */
static int h1_head_parse_fold(struct hn_h1_head *h, struct hn_headers *fields,
                              struct hn_slice in, size_t *at) {
  size_t to = *at + header_value_length(h1_head_rest(in, *at));
  int n = h1_head_line_end(in, to);

  if (n < 0) return n;
  if (fields->count == 0 || h1_head_is_framing(fields, in)) {
    return h1_head_fail_at(h, in, *at, HN_FAULT_FOLDED_HEADER);
  }
  if (n == 0) return h1_head_fail_at(h, in, to, HN_FAULT_BAD_FIELD_VALUE);
  if (++h->folds + fields->count > fields->max_fields) {
    return h1_head_fail(h, HN_FAULT_TOO_MANY_FIELDS);
  }
  *at = to + (size_t)n;
  return 0;
}

/* One field line from *at on; *at moves behind it. HN_AGAIN: it is not complete
 * yet. */
static int h1_head_parse_field(struct hn_h1_head *h, struct hn_headers *fields,
                               struct hn_slice in, size_t *at) {
  size_t name = *at, from, to;
  size_t colon = name + header_token_length(h1_head_rest(in, name));
  int n;

  /* RFC 9112 5.1: a blank before the colon hides a field from those who take
   * it for a part of the name. */
  if (colon == in.n) return HN_AGAIN;
  if (colon == name || in.p[colon] != ':') {
    return h1_head_is_blank(in.p[name])
               ? h1_head_parse_fold(h, fields, in, at)
               : h1_head_fail_at(h, in, colon, HN_FAULT_BAD_FIELD_NAME);
  }
  from = h1_head_skip_blanks(in, colon + 1);
  to = from + header_value_length(h1_head_rest(in, from));
  n = h1_head_line_end(in, to);
  if (n < 0) return n;
  if (n == 0) return h1_head_fail_at(h, in, to, HN_FAULT_BAD_FIELD_VALUE);
  *at = to + (size_t)n;
  to = h1_head_drop_blanks(in, from, to);
  return h1_head_add_field(
      h, fields, in.p,
      (struct hn_field_span){(uint32_t)name, (uint32_t)(colon - name),
                             (uint32_t)from, (uint32_t)(to - from)});
}

/* Takes the lines apart, up to and with the empty one, *used bytes. */
static int h1_head_parse_lines(struct hn_h1_head *h, struct hn_slice in,
                               struct hn_headers *fields, bool has_status,
                               size_t *used) {
  size_t at = 0;
  int rc = 0, n = 0;

  h->folds = 0;
  headers_clear(fields);
  if (has_status) rc = h1_head_parse_status(h, in, &at);
  while (rc == 0 && (n = h1_head_line_end(in, at)) == 0) {
    rc = h1_head_parse_field(h, fields, in, &at);
  }
  if (n > 0) *used = at + (size_t)n;
  return n < 0 ? HN_AGAIN : rc;
}

/* RFC 9112 5.2: writes lines that have been checked with one blank in place of
 * each run of folds and the blanks round it; the bytes written. */
static size_t h1_head_unfold(char *to, struct hn_slice in) {
  size_t n = 0, at = 0;

  while (at < in.n) {
    size_t end = slice_find(in, at, '\n') + 1;

    if (h1_head_is_blank(in.p[at])) {
      if (to[--n] == '\n' && to[n - 1] == '\r') n--;
      n = h1_head_drop_blanks(slice_make(to, n), 0, n);
      to[n++] = ' ';
      at = h1_head_skip_blanks(in, at);
    }
    memcpy(to + n, in.p + at, end - at);
    n += end - at;
    at = end;
  }
  return n;
}

/* Looks at the lines once more, without their folds. */
static int h1_head_fill_unfolded(struct hn_h1_head *h, struct hn_slice in,
                                 struct hn_headers *fields, bool has_status) {
  char *text = mem_alloc(in.n);
  struct hn_slice lines;
  size_t used;
  int rc;

  if (!text) return HN_ERR_NOT_ENOUGH_MEMORY;
  lines = slice_make(text, h1_head_unfold(text, in));
  rc = h1_head_parse_lines(h, lines, fields, has_status, &used);
  if (rc == 0) rc = headers_set_block(fields, lines);
  mem_free(text);
  return rc;
}

/* The lines and a copy of them go into the list. HN_AGAIN when they are not all
 * here: the next look begins anew, but there are only so many lines. */
static int h1_head_fill(struct hn_h1_head *h, struct hn_slice in,
                        struct hn_headers *fields, bool has_status,
                        size_t *used) {
  size_t size = 0;
  int rc = h1_head_parse_lines(h, in, fields, has_status, &size);

  if (rc == 0) {
    struct hn_slice lines = slice_sub(in, 0, size);

    rc = h->folds == 0 ? headers_set_block(fields, lines)
                       : h1_head_fill_unfolded(h, lines, fields, has_status);
  }
  if (rc == 0) {
    *used = size;
    return 0;
  }
  headers_clear(fields);
  return rc == HN_ERR_HEADER_SIZE_OVERFLOW
             ? h1_head_fail(h, HN_FAULT_HEAD_TOO_LARGE)
             : rc;
}

/* Nothing beyond the limit is looked at, so that the outcome does not depend on
 * how the bytes arrived. */
static int h1_head_end(struct hn_h1_head *h, struct hn_slice in, int code) {
  return code == HN_AGAIN && in.n == h->max_size
             ? h1_head_fail(h, HN_FAULT_HEAD_TOO_LARGE)
             : code;
}

int h1_head_parse(struct hn_h1_head *h, struct hn_slice in,
                  struct hn_headers *fields, size_t *used) {
  size_t start, size;
  int rc;

  in = slice_sub(in, 0, h->max_size);
  start = h1_head_count_empty(in);
  rc = h1_head_check_start(h, in, start);
  if (rc == 0) {
    struct hn_slice rest = slice_from(in, start);

    rc = h1_head_has_line(h, rest) ? h1_head_fill(h, rest, fields, true, &size)
                                   : HN_AGAIN;
  }
  if (rc == 0) *used = start + size;
  return h1_head_end(h, in, rc);
}

int h1_trailer_parse(struct hn_h1_head *h, struct hn_slice in,
                     struct hn_headers *fields, size_t *used) {
  int rc;

  in = slice_sub(in, 0, h->max_size);
  rc = h1_head_has_line(h, in) ? h1_head_fill(h, in, fields, false, used)
                               : HN_AGAIN;
  return h1_head_end(h, in, rc);
}

/* A blank or control character in the target would end it early and begin a
 * request line of the caller's making (RFC 9112 3.2). */
static bool h1_head_is_target(struct hn_slice s) {
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];

    if (c <= ' ' || c == 0x7f) return false;
  }
  return s.n > 0;
}

static int h1_head_write_line(struct hn_buf *out, struct hn_slice method,
                              struct hn_slice target, int minor) {
  size_t size;
  char *p;
  int rc;

  if (target.n > SIZE_MAX / 4 || method.n > SIZE_MAX / 4) {
    return HN_ERR_INSUFFICIENT_BUFFER;
  }
  size = method.n + 1 + target.n + HN_H1_HEAD_VERSION;
  rc = buf_reserve(out, size, &p);
  if (rc != 0) return rc;
  memcpy(p, method.p, method.n);
  p[method.n] = ' ';
  memcpy(p + method.n + 1, target.p, target.n);
  memcpy(p + size - HN_H1_HEAD_VERSION,
         minor == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n", HN_H1_HEAD_VERSION);
  buf_commit(out, size);
  return 0;
}

int h1_head_write(struct hn_buf *out, struct hn_slice method,
                  struct hn_slice target, int minor,
                  const struct hn_headers *fields) {
  size_t before = buf_size(out);
  int rc;

  if (!header_is_token(method) || !h1_head_is_target(target)) {
    return HN_ERR_INVALID_PARAMETER;
  }
  rc = h1_head_write_line(out, method, target, minor);
  if (rc == 0) rc = headers_write(fields, out);
  if (rc == 0) rc = buf_append(out, slice_make("\r\n", 2));
  if (rc != 0) buf_truncate(out, before);
  return rc;
}
