/*
 * heap.h: deadlines in order, an intrusive binary min-heap.
 *
 * A struct hn_timer is embedded in whatever has a deadline and carries the tag
 * to look up when it expires; nobody is called. Setting a timer allocates only
 * when the heap's array grows; moving and clearing one never fail.
 */
#ifndef HN_BASE_HEAP_H
#define HN_BASE_HEAP_H

#include "err.h"

struct hn_timer {
  int64_t when; /* monotonic ms */
  uint64_t tag;
  uint32_t kind; /* the owner's own word for what expires */
  size_t at;     /* position + 1 in the heap; 0: not set */
};

struct hn_heap {
  struct hn_timer **items; /* owned array of borrowed timers */
  size_t count, room;
};

HN_INTERNAL void heap_init(struct hn_heap *h);
/* Forgets every timer without touching it: one that was set needs timer_init
 * before it is used again. */
HN_INTERNAL void heap_fini(struct hn_heap *h);

HN_INTERNAL void timer_init(struct hn_timer *t, uint64_t tag, uint32_t kind);
/* Sets or moves a timer. NOT_ENOUGH_MEMORY; then it is as it was. */
HN_INTERNAL int timer_set(struct hn_heap *h, struct hn_timer *t, int64_t when);
/* Clears a timer; harmless when it is not set. */
HN_INTERNAL void timer_clear(struct hn_heap *h, struct hn_timer *t);
HN_INTERNAL bool timer_is_set(const struct hn_timer *t);

/* The earliest timer, or NULL; among equals any. */
HN_INTERNAL struct hn_timer *heap_peek(const struct hn_heap *h);
/* Removes and returns the earliest timer with when <= now, or NULL. */
HN_INTERNAL struct hn_timer *heap_take_expired(struct hn_heap *h, int64_t now);

#endif
