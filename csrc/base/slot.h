/*
 * slot.h: a generational slot table, ids in place of pointers.
 *
 * An id is generation (32 bits) | type (8) | index (24); 0 is never one. The
 * generation rises with each entry, so an old id finds nothing; a slot whose
 * generation would wrap is retired. The table knows nothing of what it
 * holds and never follows a pointer.
 */
#ifndef HN_BASE_SLOT_H
#define HN_BASE_SLOT_H

#include "err.h"

enum {
  HN_SLOT_MAX = 0xffffff, /* entries at most */
  HN_SLOT_KINDS = 8,      /* types below it are kinds of handles */
};

struct hn_slot {
  void *ptr;          /* borrowed; NULL: free */
  uint64_t id;        /* of this entry, or of the last one; 0: there was none */
  uint32_t next_free; /* index + 1 */
};

struct hn_slots {
  struct hn_slot *items; /* owned */
  uint32_t count, room;
  uint32_t free; /* index + 1 of the first free slot; 0: none */
  uint32_t live;
};

HN_INTERNAL void slots_init(struct hn_slots *t);
HN_INTERNAL void slots_fini(struct hn_slots *t);

/* Enters ptr (not NULL) and writes its id. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int slots_put(struct hn_slots *t, uint8_t type, void *ptr,
                          uint64_t *id);
/* What id names, or NULL when it is stale, foreign or of another type. */
HN_INTERNAL void *slots_get(const struct hn_slots *t, uint64_t id,
                            uint8_t type);
/* The same for any type. */
HN_INTERNAL void *slots_get_any(const struct hn_slots *t, uint64_t id);
/* Forgets the entry; false when id was stale. */
HN_INTERNAL bool slots_remove(struct hn_slots *t, uint64_t id);

HN_INTERNAL uint8_t slot_type_of(uint64_t id);
HN_INTERNAL uint32_t slot_index_of(uint64_t id);

#endif
