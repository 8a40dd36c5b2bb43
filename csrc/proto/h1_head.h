/*
 * h1_head.h: the head of an HTTP/1.1 message: parsing a response's, writing a
 * request's (RFC 9112 2 to 5).
 *
 * The parser is strict where leniency lets two readers of one message differ:
 * every oddity below has a name, and a row in README's table of bad
 * responses. It accepts what RFC 9112 2.2 and 4 ask a client to accept: a bare
 * LF as line end, empty lines before the status line, several blanks in it, a
 * missing reason phrase with or without its blank, blanks round a value, and a
 * value that goes on in the next line (obs-fold, 5.2), which becomes one blank.
 * Any HTTP/1.x is taken for the version it says.
 */
#ifndef HN_PROTO_H1_HEAD_H
#define HN_PROTO_H1_HEAD_H

#include "header.h"

/* What can be wrong with a response, its content coding (decode.h) last.
 * X(NAME, code, "text"); the text goes into the error message, the lower-case
 * name into README's table. */
#define HN_FAULT_LIST(X)                                                       \
  X(NONE, INTERNAL_ERROR, "no fault")                                          \
  X(NO_STATUS_LINE, INVALID_SERVER_RESPONSE, "garbage before the status line") \
  X(TLS_ALERT, INVALID_SERVER_RESPONSE, "the server speaks TLS on this port")  \
  X(BAD_STATUS_LINE, INVALID_SERVER_RESPONSE, "malformed status line")         \
  X(BAD_VERSION, INVALID_SERVER_RESPONSE, "unsupported HTTP version")          \
  X(BAD_FIELD_NAME, INVALID_SERVER_RESPONSE, "malformed header name")          \
  X(BAD_FIELD_VALUE, INVALID_SERVER_RESPONSE,                                  \
    "control character in a header value")                                     \
  X(BARE_CR, INVALID_SERVER_RESPONSE, "bare CR in a header")                   \
  X(NUL_IN_HEAD, INVALID_SERVER_RESPONSE, "NUL in a header")                   \
  X(FOLDED_HEADER, INVALID_SERVER_RESPONSE, "folded header line")              \
  X(HEAD_TOO_LARGE, HEADER_SIZE_OVERFLOW, "head larger than the limit")        \
  X(TOO_MANY_FIELDS, HEADER_COUNT_EXCEEDED, "more headers than the limit")     \
  X(BAD_CONTENT_LENGTH, INVALID_SERVER_RESPONSE, "malformed Content-Length")   \
  X(CONFLICTING_CONTENT_LENGTH, INVALID_SERVER_RESPONSE,                       \
    "conflicting Content-Length")                                              \
  X(LENGTH_AND_CHUNKED, INVALID_SERVER_RESPONSE,                               \
    "Content-Length together with Transfer-Encoding")                          \
  X(BAD_TRANSFER_ENCODING, INVALID_SERVER_RESPONSE,                            \
    "unsupported Transfer-Encoding")                                           \
  X(BAD_CHUNK_SIZE, INVALID_SERVER_RESPONSE, "malformed chunk size")           \
  X(CHUNK_SIZE_OVERFLOW, INVALID_SERVER_RESPONSE, "chunk size out of range")   \
  X(BAD_CHUNK_END, INVALID_SERVER_RESPONSE, "chunk data without its CRLF")     \
  X(CHUNK_LINE_TOO_LONG, CHUNKED_ENCODING_HEADER_SIZE_OVERFLOW,                \
    "chunk line longer than the limit")                                        \
  X(CHUNK_OVERHEAD, CHUNKED_ENCODING_HEADER_SIZE_OVERFLOW,                     \
    "more chunk framing than the limit")                                       \
  X(BAD_TRAILER, INVALID_SERVER_RESPONSE, "malformed trailer")                 \
  X(TRAILER_TOO_LARGE, HEADER_SIZE_OVERFLOW, "trailers larger than the limit") \
  X(TRUNCATED_HEAD, CONNECTION_ERROR, "connection closed inside the head")     \
  X(TRUNCATED_BODY, CONNECTION_ERROR, "connection closed inside the body")     \
  X(TOO_MANY_INTERIM, INVALID_SERVER_RESPONSE, "too many interim responses")   \
  X(UNEXPECTED_UPGRADE, INVALID_SERVER_RESPONSE,                               \
    "protocol switched without being asked")                                   \
  X(UNASKED_RESPONSE, INVALID_SERVER_RESPONSE, "response without a request")   \
  X(BAD_CONTENT_CODING, INVALID_SERVER_RESPONSE, "corrupt compressed body")    \
  X(TRUNCATED_CONTENT, INVALID_SERVER_RESPONSE,                                \
    "compressed body ends too early")

enum hn_fault {
#define HN_X(name, code, text) HN_FAULT_##name,
  HN_FAULT_LIST(HN_X)
#undef HN_X
};

/* The public code and the message text of a fault. */
HN_INTERNAL int fault_code(enum hn_fault fault);
HN_INTERNAL const char *fault_text(enum hn_fault fault);

/* A response head: the parser's state until it is complete, its result after.
 * The caller's storage. `fields` belongs to the caller and is filled by
 * reference: the bytes of the whole head, and a span for each field. */
struct hn_h1_head {
  size_t scanned;               /* bytes already searched for line ends */
  size_t max_size;              /* MAX_RESPONSE_HEADER_SIZE */
  enum hn_fault fault;          /* why h1_head_parse failed */
  int status;                   /* 100..999 */
  uint32_t folds;               /* lines that continued another */
  int major, minor;             /* 1 and 0..9; from 1 on it is HTTP/1.1 to us */
  uint32_t reason, reason_size; /* span in the fields' bytes */
};

HN_INTERNAL void h1_head_init(struct hn_h1_head *h, size_t max_size);

/* Looks at `in`, everything received since the head began (on each call the
 * same bytes and more). HN_AGAIN: not complete. 0: complete, *used bytes of it
 * are the head, fields is filled (cleared first). Else the fault's code,
 * h->fault set and fields empty; NOT_ENOUGH_MEMORY leaves the fault at NONE. A
 * trickle inside a line is not searched twice. Empty lines before the status
 * line are skipped (RFC 9112 2.2), at most four bytes of them; the block in
 * fields begins with the status line and has no folds; a line that continues
 * another counts as a field towards the list's limit. A fold before the first
 * field, in Content-Length and in Transfer-Encoding is refused. Input that is
 * no HTTP/1 response is refused at its first byte that differs, the rest once
 * its line is complete.
 */
HN_INTERNAL int h1_head_parse(struct hn_h1_head *h, struct hn_slice in,
                              struct hn_headers *fields, size_t *used);

/* Parses a trailer section (RFC 9112 7.1.2) up to and with its empty line,
 * under the same rules and with the same faults. */
HN_INTERNAL int h1_trailer_parse(struct hn_h1_head *h, struct hn_slice in,
                                 struct hn_headers *fields, size_t *used);

/* Appends "METHOD target HTTP/1.x" CRLF, the fields, and the empty line.
 * INVALID_PARAMETER for a method that is no token and a target that is empty
 * or holds a blank or control character; the buffer's errors. All or
 * nothing. */
HN_INTERNAL int h1_head_write(struct hn_buf *out, struct hn_slice method,
                              struct hn_slice target, int minor,
                              const struct hn_headers *fields);

#endif
