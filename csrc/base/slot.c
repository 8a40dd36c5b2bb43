#include "slot.h"

#include <assert.h>

#include "mem.h"

enum { HN_SLOT_FIRST = 16, HN_SLOT_INDEX_BITS = 24, HN_SLOT_TYPE_BITS = 8 };

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

static uint32_t slot_generation_of(uint64_t id) {
  return (uint32_t)(id >> (HN_SLOT_INDEX_BITS + HN_SLOT_TYPE_BITS));
}

static uint64_t slot_make_id(const struct hn_slot *s, uint32_t index) {
  return (uint64_t)s->generation << (HN_SLOT_INDEX_BITS + HN_SLOT_TYPE_BITS) |
         (uint64_t)s->type << HN_SLOT_INDEX_BITS | index;
}

static int slot_make_room(struct hn_slots *t) {
  uint32_t room = t->room == 0 ? (uint32_t)HN_SLOT_FIRST : t->room * 2;
  struct hn_slot *items;

  if (t->count < t->room) return 0;
  if (t->count >= HN_SLOT_MAX) return HN_ERR_NOT_ENOUGH_MEMORY;
  if (room > HN_SLOT_MAX) room = HN_SLOT_MAX;
  items = mem_resize(t->items, room, sizeof *items);
  if (items == NULL) return HN_ERR_NOT_ENOUGH_MEMORY;
  t->items = items;
  t->room = room;
  return 0;
}

/* Puts a slot never used before on the free list. */
static int slot_add_free(struct hn_slots *t) {
  struct hn_slot *s;
  int code = slot_make_room(t);

  if (code != 0) return code;
  s = &t->items[t->count++];
  s->ptr = NULL;
  s->generation = 1;
  s->next_free = 0;
  s->type = 0;
  t->free = t->count;
  return 0;
}

int slots_put(struct hn_slots *t, uint8_t type, void *ptr, uint64_t *id) {
  struct hn_slot *s;
  uint32_t index;
  int code;

  assert(ptr != NULL);
  if (t->free == 0) {
    code = slot_add_free(t);
    if (code != 0) return code;
  }
  index = t->free - 1;
  s = &t->items[index];
  t->free = s->next_free;
  s->next_free = 0;
  s->ptr = ptr;
  s->type = type;
  t->live++;
  *id = slot_make_id(s, index);
  return 0;
}

static struct hn_slot *slot_find(const struct hn_slots *t, uint64_t id) {
  uint32_t index = slot_index_of(id);
  struct hn_slot *s;

  if (index >= t->count) return NULL;
  s = &t->items[index];
  if (s->ptr == NULL || s->generation != slot_generation_of(id)) return NULL;
  return s->type == slot_type_of(id) ? s : NULL;
}

void *slots_get(const struct hn_slots *t, uint64_t id, uint8_t type) {
  return slot_type_of(id) == type ? slots_get_any(t, id) : NULL;
}

void *slots_get_any(const struct hn_slots *t, uint64_t id) {
  struct hn_slot *s = slot_find(t, id);

  return s == NULL ? NULL : s->ptr;
}

bool slots_remove(struct hn_slots *t, uint64_t id) {
  struct hn_slot *s = slot_find(t, id);

  if (s == NULL) return false;
  s->ptr = NULL;
  s->generation++;
  t->live--;
  /* Wrapped: another round would hand out ids that old holders still have. */
  if (s->generation == 0) return true;
  s->next_free = t->free;
  t->free = slot_index_of(id) + 1;
  return true;
}
