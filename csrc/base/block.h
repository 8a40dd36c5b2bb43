/*
 * block.h: records of one size, made many at a time.
 *
 * A block is large enough for the system to map it by itself, so that it is
 * given back whole when none of its records is in use: records that a crowd
 * needed once do not stay as holes between what lives on. Untouched records
 * cost nothing. Under AddressSanitizer each has a block of its own: every use
 * after free must be seen.
 */
#ifndef HN_BASE_BLOCK_H
#define HN_BASE_BLOCK_H

#include "err.h"
#include "list.h"

#if defined(__SANITIZE_ADDRESS__)
enum { HN_BLOCK_RECORDS = 1 };
#else
enum { HN_BLOCK_RECORDS = 50 };
#endif

struct hn_blocks {
  struct hn_link open; /* blocks with room, the oldest first; owned */
  size_t size;         /* of a record */
};

HN_INTERNAL void blocks_init(struct hn_blocks *b, size_t size);
/* Every record must have been given back. */
HN_INTERNAL void blocks_fini(struct hn_blocks *b);

/* A record of zeros, or NULL. */
HN_INTERNAL void *blocks_take(struct hn_blocks *b);
HN_INTERNAL void blocks_give(struct hn_blocks *b, void *p);

#endif
