/*
 * h1_body.h: where a body ends, and the chunked coding both ways
 * (RFC 9112 6 and 7).
 *
 * Bytes that need no decoding never pass through here: h1_body_direct says how
 * many raw bytes may be read straight to their destination, h1_body_skip
 * counts them off. Only chunk lines, trailers and what was read ahead go
 * through h1_body_feed.
 */
#ifndef HN_PROTO_H1_BODY_H
#define HN_PROTO_H1_BODY_H

#include "h1_head.h"

enum hn_framing {
  HN_FRAMING_NONE,    /* no body: HEAD, 1xx, 204, 304, CONNECT 2xx */
  HN_FRAMING_LENGTH,  /* Content-Length */
  HN_FRAMING_CHUNKED, /* Transfer-Encoding: chunked, last */
  HN_FRAMING_CLOSE,   /* ends with the connection */
};

enum hn_chunk_state {
  HN_CHUNK_SIZE,    /* reading a chunk-size line */
  HN_CHUNK_DATA,    /* inside a chunk's data */
  HN_CHUNK_END,     /* the CRLF after it */
  HN_CHUNK_TRAILER, /* the trailer section */
  HN_CHUNK_DONE,
};

struct hn_h1_body {
  enum hn_framing framing;
  uint64_t remaining;  /* of the body, or of the current chunk */
  uint64_t length;     /* Content-Length, when framing is LENGTH */
  enum hn_fault fault; /* why a call failed */
  bool done;
  /* chunked only */
  enum hn_chunk_state chunk;
  uint64_t overhead; /* framing bytes so far that no chunk needed */
  uint64_t payload;  /* data bytes so far */
  struct hn_h1_head trailer;
};

/* RFC 9112 6.3: decides the framing of a response from its head and the method
 * that asked for it. 0 or the fault's code. Content-Length values that are
 * equal, repeated or in a list, count once; Transfer-Encoding in an HTTP/1.0
 * response, any coding but a lone "chunked", and both fields at once are
 * refused, also where RFC 9112 6.3 would read until close: we never asked for
 * another coding and could not undo it. Lengths and chunk sizes end at
 * INT64_MAX. Where there is no body neither field is looked at. */
HN_INTERNAL int h1_body_begin(struct hn_h1_body *b,
                              const struct hn_h1_head *head,
                              const struct hn_headers *fields,
                              struct hn_slice method);

/* Raw body bytes that may now be taken without looking at them; 0 when framing
 * comes next or the body is done; UINT64_MAX until close. */
HN_INTERNAL uint64_t h1_body_direct(const struct hn_h1_body *b);

/* Counts off n (at most h1_body_direct) bytes taken directly. */
HN_INTERNAL void h1_body_skip(struct hn_h1_body *b, uint64_t n);

/* Eats framing from `in` until the next data byte, the end of the body or the
 * end of `in`; *used says how much. HN_AGAIN: more input needed (bytes it did
 * not use must be shown again with more). 0: h1_body_direct(b) > 0 or b->done.
 * Else the fault's code, and again on every later call.
 *
 * Lines of the chunked coding end with CRLF and nothing else. Blanks after a
 * size and extensions are skipped. Extensions, blanks and leading zeros
 * together may exceed HN_MAX_CHUNK_OVERHEAD only up to a quarter of the data.
 *
 * Trailer fields go to `trailers`, which is cleared first; those that must not
 * stand there (RFC 9110 6.5.1: framing, routing, authentication, content
 * format) are dropped. TRAILER_TOO_LARGE, TOO_MANY_FIELDS and, for all else,
 * BAD_TRAILER with the closer fault in b->trailer. */
HN_INTERNAL int h1_body_feed(struct hn_h1_body *b, struct hn_slice in,
                             struct hn_headers *trailers, size_t *used);

/* The peer closed. 0 when that ends the body rightly (b->done is set), else
 * CONNECTION_ERROR with fault TRUNCATED_BODY; an earlier fault stays. */
HN_INTERNAL int h1_body_eof(struct hn_h1_body *b);

/* Bytes still to come when that is known (b->done: 0); UINT64_MAX if not. */
HN_INTERNAL uint64_t h1_body_known_rest(const struct hn_h1_body *b);

enum { HN_CHUNK_HEAD_SIZE = 18 }; /* 16 digits and CRLF */

/* Writes the size line of a chunk of n bytes (n > 0) into out; returns its
 * length. After the data comes CRLF; after the last chunk HN_CHUNK_LAST. */
HN_INTERNAL size_t h1_chunk_head(char out[HN_CHUNK_HEAD_SIZE], uint64_t n);
#define HN_CHUNK_LAST "0\r\n\r\n"

#endif
