/*
 * mem.h: the only malloc, realloc and free of the project.
 *
 * Failure is an ordinary NULL; nothing aborts. A test build (HN_TEST) counts
 * allocations and lets the n-th one fail, so that every path behind an
 * allocation can be walked.
 */
#ifndef HN_BASE_MEM_H
#define HN_BASE_MEM_H

#include "err.h"

/* n bytes, uninitialised; n == 0 is one byte. The caller owns them. */
HN_INTERNAL void *mem_alloc(size_t n);

/* An array of zeroed elements; NULL also when count * size overflows. */
HN_INTERNAL void *mem_calloc(size_t count, size_t size);

/* Resizes to count * size bytes; on failure p is untouched and still owned. */
HN_INTERNAL void *mem_resize(void *p, size_t count, size_t size);

/* A copy of n bytes with a NUL behind them. */
HN_INTERNAL char *mem_copy(const char *p, size_t n);

/* p may be NULL. */
HN_INTERNAL void mem_free(void *p);

/* Overwrites n bytes that were secret; no compiler leaves that out. */
HN_INTERNAL void mem_wipe(void *p, size_t n);

#ifdef HN_TEST
/* The n-th allocation from now fails (1: the next), once; 0 turns that off. */
HN_INTERNAL void mem_fail_at(long n);
/* Allocations asked for since the program began. */
HN_INTERNAL long mem_count(void);
/* Blocks allocated and not yet freed. */
HN_INTERNAL long mem_live(void);
#endif

#endif
