#include "h1_body.h"

#include <assert.h>
#include <string.h>

#include "../base/trace.h"

enum { HN_H1_BODY_DIGITS = 16 }; /* of a chunk size, leading zeros included */

static int h1_body_fail(struct hn_h1_body *b, enum hn_fault fault) {
  b->fault = fault;
  return fault_code(fault);
}

static void h1_body_set_chunk(struct hn_h1_body *b, enum hn_chunk_state state) {
  static const char *const names[] = {"SIZE", "DATA", "END", "TRAILER", "DONE"};
  static const unsigned next[] = {
      [HN_CHUNK_SIZE] = 1u << HN_CHUNK_DATA | 1u << HN_CHUNK_TRAILER,
      [HN_CHUNK_DATA] = 1u << HN_CHUNK_END,
      [HN_CHUNK_END] = 1u << HN_CHUNK_SIZE,
      [HN_CHUNK_TRAILER] = 1u << HN_CHUNK_DONE,
      [HN_CHUNK_DONE] = 0,
  };
  static const struct hn_machine machine = {"chunk", names, next};
  b->chunk = state_step(&machine, 0, b->chunk, state);
}

/* One value of a Content-Length list. *length is set by the first. */
static int h1_body_add_length(struct hn_h1_body *b, struct hn_slice text,
                              bool *seen) {
  uint64_t n;

  if (!slice_to_u64(slice_trim(text), &n) || n > INT64_MAX) {
    return h1_body_fail(b, HN_FAULT_BAD_CONTENT_LENGTH);
  }
  /* RFC 9112 6.3: whoever reads the other value sees another message. */
  if (*seen && n != b->length) {
    return h1_body_fail(b, HN_FAULT_CONFLICTING_CONTENT_LENGTH);
  }
  b->length = n;
  *seen = true;
  return 0;
}

/* RFC 9110 8.6: "42, 42" is what a proxy makes of two fields. Empty elements
 * are not skipped as in other lists: nobody has a reason to send them. */
static int h1_body_read_length(struct hn_h1_body *b,
                               const struct hn_headers *fields, bool *seen) {
  const struct hn_slice name = slice_of("Content-Length");
  struct hn_slice value;
  int rc = 0;

  for (size_t i = 0; headers_next(fields, name, &i, &value);) {
    size_t from = 0;

    while (rc == 0 && from <= value.n) {
      size_t end = slice_find(value, from, ',');

      rc = h1_body_add_length(b, slice_sub(value, from, end), seen);
      from = end + 1;
    }
  }
  return rc;
}

/* How many codings there are; *chunked: the last one is. */
static size_t h1_body_codings(const struct hn_headers *fields, bool *chunked) {
  const struct hn_slice name = slice_of("Transfer-Encoding");
  struct hn_slice value, coding;
  size_t codings = 0;

  *chunked = false;
  for (size_t i = 0; headers_next(fields, name, &i, &value);) {
    while (slice_next_element(&value, &coding)) {
      *chunked = slice_equal_nocase(coding, slice_of("chunked"));
      codings++;
    }
  }
  return codings;
}

static int h1_body_begin_coded(struct hn_h1_body *b,
                               const struct hn_h1_head *head,
                               const struct hn_headers *fields) {
  bool chunked;
  size_t codings = h1_body_codings(fields, &chunked);

  /* RFC 9112 6.1: a 1.0 sender does not know the field; it was passed on by
   * someone who did not know it either, and the framing is anyone's guess.
   * What is chunked on top of another coding would come out half undone. */
  if (head->minor == 0 || codings == 0 || (chunked && codings > 1)) {
    return h1_body_fail(b, HN_FAULT_BAD_TRANSFER_ENCODING);
  }
  /* RFC 9112 6.3: the mark of response splitting. */
  if (headers_has(fields, "Content-Length")) {
    return h1_body_fail(b, HN_FAULT_LENGTH_AND_CHUNKED);
  }
  /* RFC 9112 6.3: without chunked at the end it ends with the connection. */
  b->framing = chunked ? HN_FRAMING_CHUNKED : HN_FRAMING_CLOSE;
  if (!chunked) b->remaining = UINT64_MAX;
  return 0;
}

static bool h1_body_is_absent(int status, struct hn_slice method) {
  if (status < 200 || status == 204 || status == 304) return true;
  if (slice_equal(method, slice_of("CONNECT"))) return status < 300;
  return slice_equal(method, slice_of("HEAD"));
}

/* The cases of RFC 9112 6.3 in its order. */
int h1_body_begin(struct hn_h1_body *b, const struct hn_h1_head *head,
                  const struct hn_headers *fields, struct hn_slice method) {
  bool has_length = false;
  int rc;

  memset(b, 0, sizeof *b);
  if (h1_body_is_absent(head->status, method)) {
    b->done = true;
    return 0;
  }
  if (headers_has(fields, "Transfer-Encoding")) {
    return h1_body_begin_coded(b, head, fields);
  }
  rc = h1_body_read_length(b, fields, &has_length);
  if (rc != 0) return rc;
  b->framing = has_length ? HN_FRAMING_LENGTH : HN_FRAMING_CLOSE;
  b->remaining = has_length ? b->length : UINT64_MAX;
  b->done = b->remaining == 0;
  return 0;
}

uint64_t h1_body_direct(const struct hn_h1_body *b) {
  bool framed = b->framing == HN_FRAMING_CHUNKED && b->chunk != HN_CHUNK_DATA;

  return b->done || b->fault != HN_FAULT_NONE || framed ? 0 : b->remaining;
}

void h1_body_skip(struct hn_h1_body *b, uint64_t n) {
  assert(n <= h1_body_direct(b));
  if (n == 0 || b->framing == HN_FRAMING_CLOSE) return;
  b->remaining -= n;
  if (b->framing == HN_FRAMING_LENGTH) {
    b->done = b->remaining == 0;
    return;
  }
  b->payload += n;
  if (b->remaining == 0) h1_body_set_chunk(b, HN_CHUNK_END);
}

/* *end moves behind the CRLF at i. A bare LF is refused here and taken in
 * heads: whether a line of the chunked coding has ended decides where the next
 * message begins, and readers differ. */
static int h1_body_scan_crlf(struct hn_h1_body *b, struct hn_slice in, size_t i,
                             enum hn_fault fault, size_t *end) {
  if (i == in.n) return HN_AGAIN;
  if (in.p[i] != '\r') return h1_body_fail(b, fault);
  if (i + 1 == in.n) return HN_AGAIN;
  if (in.p[i + 1] != '\n') return h1_body_fail(b, fault);
  *end = i + 2;
  return 0;
}

/* RFC 9112 7.1: digits only; a sign, "0x" or a blank in front is read as a
 * number by some and refused by others. */
static int h1_body_scan_size(struct hn_h1_body *b, struct hn_slice in,
                             uint64_t *size, size_t *end) {
  uint64_t n = 0;
  size_t i = 0;

  while (i < in.n) {
    int digit = slice_hex_digit(in.p[i]);

    if (digit < 0) break;
    if (i == HN_H1_BODY_DIGITS || n > INT64_MAX >> 4) {
      return h1_body_fail(b, HN_FAULT_CHUNK_SIZE_OVERFLOW);
    }
    n = n << 4 | (uint64_t)digit;
    i++;
  }
  if (i == in.n) return HN_AGAIN;
  if (i == 0) return h1_body_fail(b, HN_FAULT_BAD_CHUNK_SIZE);
  *size = n;
  *end = i;
  return 0;
}

static size_t h1_body_skip_blanks(struct hn_slice in, size_t i) {
  while (i < in.n && (in.p[i] == ' ' || in.p[i] == '\t')) i++;
  return i;
}

/* RFC 9112 7.1.1: the rest of a size line from i on, an extension or nothing,
 * and its CRLF. Blanks before either are skipped: servers pad their sizes. What
 * an extension says is skipped, but it must begin like one and hold no control
 * character: a CR or LF hidden in it is a line end to other readers. */
static int h1_body_scan_extension(struct hn_h1_body *b, struct hn_slice in,
                                  size_t i, size_t *end) {
  size_t at = h1_body_skip_blanks(in, i);

  if (at == in.n) return HN_AGAIN;
  if (in.p[at] != ';') {
    return h1_body_scan_crlf(b, in, at, HN_FAULT_BAD_CHUNK_SIZE, end);
  }
  at = h1_body_skip_blanks(in, at + 1);
  if (at == in.n) return HN_AGAIN;
  if (!header_is_token(slice_sub(in, at, at + 1))) {
    return h1_body_fail(b, HN_FAULT_BAD_CHUNK_SIZE);
  }
  at += header_value_length(slice_from(in, at));
  return h1_body_scan_crlf(b, in, at, HN_FAULT_BAD_CHUNK_SIZE, end);
}

static size_t h1_body_count_digits(uint64_t n) {
  size_t digits = 1;

  while (n > 15) {
    n >>= 4;
    digits++;
  }
  return digits;
}

/* A stream of tiny chunks is a right of the server; one that costs much more to
 * read than it brings, by extensions and padding, is an attack on our time. */
static int h1_body_count_overhead(struct hn_h1_body *b, uint64_t size,
                                  size_t line) {
  b->overhead += line - 2 - h1_body_count_digits(size);
  if (b->overhead > HN_MAX_CHUNK_OVERHEAD && b->overhead > b->payload / 4) {
    return h1_body_fail(b, HN_FAULT_CHUNK_OVERHEAD);
  }
  return 0;
}

static int h1_body_read_size(struct hn_h1_body *b, struct hn_slice in,
                             size_t *used) {
  uint64_t size = 0;
  size_t end = 0;
  int rc;

  in = slice_sub(in, 0, HN_MAX_CHUNK_LINE);
  rc = h1_body_scan_size(b, in, &size, &end);
  if (rc == 0) rc = h1_body_scan_extension(b, in, end, &end);
  if (rc == HN_AGAIN && in.n == HN_MAX_CHUNK_LINE) {
    return h1_body_fail(b, HN_FAULT_CHUNK_LINE_TOO_LONG);
  }
  if (rc == 0) rc = h1_body_count_overhead(b, size, end);
  if (rc != 0) return rc;
  *used = end;
  b->remaining = size;
  if (size == 0) h1_head_init(&b->trailer, HN_MAX_TRAILER);
  h1_body_set_chunk(b, size > 0 ? HN_CHUNK_DATA : HN_CHUNK_TRAILER);
  return 0;
}

static int h1_body_read_end(struct hn_h1_body *b, struct hn_slice in,
                            size_t *used) {
  int rc = h1_body_scan_crlf(b, in, 0, HN_FAULT_BAD_CHUNK_END, used);

  if (rc == 0) h1_body_set_chunk(b, HN_CHUNK_SIZE);
  return rc;
}

/* RFC 9110 6.5.1: a program that merges trailers into the header would act on
 * these after the decision they belong to was made. */
static void h1_body_drop_forbidden(struct hn_headers *trailers) {
  static const char *const names[] = {
      "Content-Length",
      "Transfer-Encoding",
      "Host",
      "Connection",
      "Keep-Alive",
      "Proxy-Connection",
      "TE",
      "Trailer",
      "Upgrade",
      "Authorization",
      "Proxy-Authorization",
      "WWW-Authenticate",
      "Proxy-Authenticate",
      "Set-Cookie",
      "Location",
      "Content-Encoding",
      "Content-Range",
      "Content-Type",
  };

  if (trailers->count == 0) return;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    headers_remove(trailers, slice_of(names[i]));
  }
}

static enum hn_fault h1_body_trailer_fault(enum hn_fault fault) {
  if (fault == HN_FAULT_HEAD_TOO_LARGE) return HN_FAULT_TRAILER_TOO_LARGE;
  return fault == HN_FAULT_TOO_MANY_FIELDS ? fault : HN_FAULT_BAD_TRAILER;
}

static int h1_body_read_trailer(struct hn_h1_body *b, struct hn_slice in,
                                struct hn_headers *trailers, size_t *used) {
  int rc = h1_trailer_parse(&b->trailer, in, trailers, used);

  if (b->trailer.fault != HN_FAULT_NONE) {
    return h1_body_fail(b, h1_body_trailer_fault(b->trailer.fault));
  }
  if (rc != 0) return rc;
  h1_body_drop_forbidden(trailers);
  h1_body_set_chunk(b, HN_CHUNK_DONE);
  b->done = true;
  return 0;
}

static int h1_body_step(struct hn_h1_body *b, struct hn_slice in,
                        struct hn_headers *trailers, size_t *used) {
  switch (b->chunk) {
  case HN_CHUNK_SIZE: return h1_body_read_size(b, in, used);
  case HN_CHUNK_END: return h1_body_read_end(b, in, used);
  case HN_CHUNK_TRAILER: return h1_body_read_trailer(b, in, trailers, used);
  /* INVARIANT: h1_body_feed stops at data and at the end. */
  case HN_CHUNK_DATA:
  case HN_CHUNK_DONE: break;
  }
  return HN_ERR_INTERNAL_ERROR;
}

int h1_body_feed(struct hn_h1_body *b, struct hn_slice in,
                 struct hn_headers *trailers, size_t *used) {
  size_t at = 0;
  int rc = 0;

  if (b->fault != HN_FAULT_NONE) return fault_code(b->fault);
  while (rc == 0 && !b->done && h1_body_direct(b) == 0) {
    size_t n = 0;

    rc = h1_body_step(b, slice_from(in, at), trailers, &n);
    at += n;
  }
  if (rc == 0 || rc == HN_AGAIN) *used = at;
  return rc;
}

int h1_body_eof(struct hn_h1_body *b) {
  if (b->fault != HN_FAULT_NONE) return fault_code(b->fault);
  if (b->framing == HN_FRAMING_CLOSE) b->done = true;
  return b->done ? 0 : h1_body_fail(b, HN_FAULT_TRUNCATED_BODY);
}

uint64_t h1_body_known_rest(const struct hn_h1_body *b) {
  if (b->done) return 0;
  return b->framing == HN_FRAMING_LENGTH ? b->remaining : UINT64_MAX;
}

size_t h1_chunk_head(char out[HN_CHUNK_HEAD_SIZE], uint64_t n) {
  static const char digits[] = "0123456789abcdef";
  size_t size = h1_body_count_digits(n);

  for (size_t i = size; i > 0; i--) {
    out[i - 1] = digits[n & 15];
    n >>= 4;
  }
  memcpy(out + size, "\r\n", 2);
  return size + 2;
}
