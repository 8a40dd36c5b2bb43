/*
 * content.h: a body as its reader wants it: what an exchange reads, with the
 * content codings undone that we asked for (RFC 9110 8.4).
 *
 * Without a coding it is a straight way through: the reader's room is the
 * transport's. With one, compressed bytes stay in one capped buffer and are
 * decoded into the reader's room. The connection is given back with the last
 * compressed byte; the end is told after the last decoded one.
 */
#ifndef HN_HTTP_CONTENT_H
#define HN_HTTP_CONTENT_H

#include "../proto/decode.h"
#include "exchange.h"

struct hn_content {
  struct hn_decoder *decoder; /* owned; NULL: delivered as it comes */
  struct hn_buf in;           /* compressed bytes */
  struct hn_buf ready;        /* decoded ahead, for query_data_available */
  uint64_t size;              /* decoded bytes so far */
  uint64_t max_size;          /* a bomb's limit */
  bool ended;                 /* no more compressed bytes */
  bool done;                  /* no more decoded ones */
};

/* A response head is here: makes the decoder it asks for, out of the codings in
 * `set` (0: none). An unknown coding is delivered as it is. Errors are
 * described in the exchange's info. */
HN_INTERNAL int content_begin(struct hn_content *c, struct hn_exchange *x,
                              unsigned set, uint64_t max_size);
/* Frees everything; also for storage that is zeroed. */
HN_INTERNAL void content_end(struct hn_content *c, struct hn_exchange *x);

/* As exchange_read and exchange_available. INVALID_SERVER_RESPONSE for corrupt
 * or truncated content, INSUFFICIENT_BUFFER when it grows too large. */
HN_INTERNAL int content_read(struct hn_content *c, struct hn_exchange *x,
                             char *p, size_t n, size_t *got);
HN_INTERNAL int content_available(struct hn_content *c, struct hn_exchange *x,
                                  uint64_t *n);

/* The whole body has been read. */
HN_INTERNAL bool content_is_done(const struct hn_content *c,
                                 const struct hn_exchange *x);
/* Bytes still to come, UINT64_MAX when that is not known. */
HN_INTERNAL uint64_t content_known_rest(const struct hn_content *c,
                                        const struct hn_exchange *x);

#endif
