#include "slot.h"

#include <assert.h>

#include "mem.h"

enum { HN_SLOT_FIRST = 16, HN_SLOT_INDEX_BITS = 24, HN_SLOT_GENERATION = 32 };

void slots_init(struct hn_slots *t) {
  t->items = NULL;
  t->count = t->room = 0;
  t->free = 0;
  t->live = 0;
}

void slots_fini(struct hn_slots *t) {
  mem_free(t->items);
  slots_init(t);
}

uint8_t slot_type_of(uint64_t id) {
  return (uint8_t)(id >> HN_SLOT_INDEX_BITS);
}

uint32_t slot_index_of(uint64_t id) {
  return (uint32_t)id & HN_SLOT_MAX;
}

/* The id of an entry of that type, one generation after the last. */
static uint64_t slot_next_id(uint64_t last, uint8_t type, uint32_t index) {
  uint64_t generation = (last >> HN_SLOT_GENERATION) + 1;

  return generation << HN_SLOT_GENERATION |
         (uint64_t)type << HN_SLOT_INDEX_BITS | index;
}

static int slot_make_room(struct hn_slots *t) {
  uint32_t room = t->room == 0 ? (uint32_t)HN_SLOT_FIRST : t->room * 2;
  struct hn_slot *items;

  if (t->count < t->room) return 0;
  if (t->count >= HN_SLOT_MAX) return HN_ERR_NOT_ENOUGH_MEMORY;
  if (room > HN_SLOT_MAX) room = HN_SLOT_MAX;
  items = mem_resize(t->items, room, sizeof *items);
  if (!items) return HN_ERR_NOT_ENOUGH_MEMORY;
  t->items = items;
  t->room = room;
  return 0;
}

/* Puts a slot never used before on the free list. */
static int slot_add_free(struct hn_slots *t) {
  struct hn_slot *s;
  int rc = slot_make_room(t);

  if (rc != 0) return rc;
  s = &t->items[t->count++];
  s->ptr = NULL;
  s->id = 0;
  s->next_free = 0;
  t->free = t->count;
  return 0;
}

int slots_put(struct hn_slots *t, uint8_t type, void *ptr, uint64_t *id) {
  struct hn_slot *s;
  uint32_t index;
  int rc;

  assert(ptr != NULL);
  if (t->free == 0) {
    rc = slot_add_free(t);
    if (rc != 0) return rc;
  }
  index = t->free - 1;
  s = &t->items[index];
  t->free = s->next_free;
  s->next_free = 0;
  s->ptr = ptr;
  s->id = slot_next_id(s->id, type, index);
  t->live++;
  *id = s->id;
  return 0;
}

void *slots_get(const struct hn_slots *t, uint64_t id, uint8_t type) {
  return slot_type_of(id) == type ? slots_get_any(t, id) : NULL;
}

void *slots_get_any(const struct hn_slots *t, uint64_t id) {
  uint32_t index = slot_index_of(id);

  return index < t->count && t->items[index].id == id ? t->items[index].ptr
                                                      : NULL;
}

bool slots_remove(struct hn_slots *t, uint64_t id) {
  struct hn_slot *s;

  if (slots_get_any(t, id) == NULL) return false;
  s = &t->items[slot_index_of(id)];
  s->ptr = NULL;
  t->live--;
  /* Another round would hand out ids that old holders still have. */
  if (id >> HN_SLOT_GENERATION == UINT32_MAX) return true;
  s->next_free = t->free;
  t->free = slot_index_of(id) + 1;
  return true;
}
