/*
 * buf.h: a growable byte queue that cannot grow past its cap.
 *
 * Bytes are appended at the end and consumed from the front. The struct is
 * the caller's storage; its fields are read here only, but for the cap, which
 * its owner may change at any time. A cap is mandatory; the memory may exceed
 * it by half, so that a full queue is not moved at every step.
 * Errors: NOT_ENOUGH_MEMORY, and INSUFFICIENT_BUFFER when the cap is in the
 * way; the content is unchanged then.
 */
#ifndef HN_BASE_BUF_H
#define HN_BASE_BUF_H

#include "account.h"

struct hn_buf {
  char *bytes;                /* owned */
  size_t head;                /* first unconsumed byte */
  size_t tail;                /* one past the last byte */
  size_t room;                /* allocated */
  size_t cap;                 /* limit of tail - head */
  struct hn_account *account; /* borrowed: where room counts; NULL: nowhere */
};

/* An empty buffer; allocates nothing. */
HN_INTERNAL void buf_init(struct hn_buf *b, size_t cap);
/* The same on an account: growing beyond its limit is NOT_ENOUGH_MEMORY. */
HN_INTERNAL void buf_init_on(struct hn_buf *b, size_t cap,
                             struct hn_account *account);
/* Frees the bytes; the buffer is empty and usable again. */
HN_INTERNAL void buf_fini(struct hn_buf *b);

/* A copy of s, which must not point into b. */
HN_INTERNAL int buf_append(struct hn_buf *b, struct hn_slice s);
HN_INTERNAL int buf_append_text(struct hn_buf *b, const char *text);
HN_INTERNAL int buf_append_char(struct hn_buf *b, char c);
/* Decimal digits. */
HN_INTERNAL int buf_append_u64(struct hn_buf *b, uint64_t n);

/* Room for at least n more bytes at *out, without adding them; buf_commit
 * adds what was really written there (at most n). */
HN_INTERNAL int buf_reserve(struct hn_buf *b, size_t n, char **out);
HN_INTERNAL void buf_commit(struct hn_buf *b, size_t n);

/* The unconsumed bytes, borrowed until the next change or buf_reserve. */
HN_INTERNAL struct hn_slice buf_peek(const struct hn_buf *b);
HN_INTERNAL size_t buf_size(const struct hn_buf *b);
/* Drops n bytes from the front; all when there are fewer. */
HN_INTERNAL void buf_consume(struct hn_buf *b, size_t n);
/* Empty, keeping the memory. */
HN_INTERNAL void buf_clear(struct hn_buf *b);
/* Cuts the content back to its first n bytes, if there are more. */
HN_INTERNAL void buf_truncate(struct hn_buf *b, size_t n);

#endif
