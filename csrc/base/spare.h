/*
 * spare.h: a few buffers kept warm, so that the hot path never allocates.
 *
 * A buffer that is done with is given back with its memory and taken again by
 * the next one who needs room. Only a handful of modest ones are kept. Under
 * AddressSanitizer nothing is kept: every use after free must be seen.
 */
#ifndef HN_BASE_SPARE_H
#define HN_BASE_SPARE_H

#include "buf.h"

enum {
  HN_SPARE_BUFFERS = 8,       /* kept at most */
  HN_SPARE_ROOM = 512 * 1024, /* largest memory worth keeping */
};

struct hn_spares {
  struct hn_buf items[HN_SPARE_BUFFERS]; /* owned */
  size_t count, most;
  struct hn_account *account; /* borrowed: of all buffers; NULL: none */
};

HN_INTERNAL void spares_init(struct hn_spares *s, struct hn_account *account);
HN_INTERNAL void spares_fini(struct hn_spares *s);

/* Makes *b an empty buffer of the given cap; its memory is a spare's when one
 * has at least `room` bytes. Never fails: a buffer grows when it is used. */
HN_INTERNAL void spares_take(struct hn_spares *s, struct hn_buf *b, size_t room,
                             size_t cap);

HN_INTERNAL void spare_keep(struct hn_spares *s, struct hn_buf *b);

/* Ends *b, keeping its memory for the next one or freeing it. Most buffers that
 * are given back have none. */
static inline void spares_give(struct hn_spares *s, struct hn_buf *b) {
  if (b->bytes) spare_keep(s, b);
}

#endif
