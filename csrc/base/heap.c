#include "heap.h"

#include "mem.h"

enum { HN_HEAP_FIRST = 16 }; /* room of the first array */

void heap_init(struct hn_heap *h) {
  h->items = NULL;
  h->count = h->room = 0;
}

void heap_fini(struct hn_heap *h) {
  mem_free(h->items);
  heap_init(h);
}

void timer_init(struct hn_timer *t, uint64_t tag, uint32_t kind) {
  t->when = 0;
  t->tag = tag;
  t->kind = kind;
  t->at = 0;
}

bool timer_is_set(const struct hn_timer *t) {
  return t->at != 0;
}

static void heap_place(struct hn_heap *h, size_t i, struct hn_timer *t) {
  h->items[i] = t;
  t->at = i + 1;
}

/* Both fill the hole at i with t, or with whom t pushes aside. */
static void heap_rise(struct hn_heap *h, size_t i, struct hn_timer *t) {
  while (i > 0) {
    size_t parent = (i - 1) / 2;

    if (h->items[parent]->when <= t->when) break;
    heap_place(h, i, h->items[parent]);
    i = parent;
  }
  heap_place(h, i, t);
}

static void heap_sink(struct hn_heap *h, size_t i, struct hn_timer *t) {
  for (;;) {
    size_t child = 2 * i + 1;

    if (child >= h->count) break;
    if (child + 1 < h->count &&
        h->items[child + 1]->when < h->items[child]->when) {
      child++;
    }
    if (h->items[child]->when >= t->when) break;
    heap_place(h, i, h->items[child]);
    i = child;
  }
  heap_place(h, i, t);
}

static void heap_settle(struct hn_heap *h, size_t i, struct hn_timer *t) {
  if (i > 0 && h->items[(i - 1) / 2]->when > t->when) {
    heap_rise(h, i, t);
  } else {
    heap_sink(h, i, t);
  }
}

static int heap_make_room(struct hn_heap *h) {
  size_t room = h->room == 0 ? (size_t)HN_HEAP_FIRST : h->room * 2;
  struct hn_timer **items;

  if (h->count < h->room) return 0;
  items = mem_resize(h->items, room, sizeof *items);
  if (!items) return HN_ERR_NOT_ENOUGH_MEMORY;
  h->items = items;
  h->room = room;
  return 0;
}

int timer_set(struct hn_heap *h, struct hn_timer *t, int64_t when) {
  if (timer_is_set(t)) {
    t->when = when;
    heap_settle(h, t->at - 1, t);
    return 0;
  }
  int rc = heap_make_room(h);
  if (rc != 0) return rc;
  t->when = when;
  heap_rise(h, h->count++, t);
  return 0;
}

void timer_clear(struct hn_heap *h, struct hn_timer *t) {
  size_t hole = t->at - 1;
  struct hn_timer *last;

  if (!timer_is_set(t)) return;
  t->at = 0;
  last = h->items[--h->count];
  if (last != t) heap_settle(h, hole, last);
}

struct hn_timer *heap_peek(const struct hn_heap *h) {
  return h->count == 0 ? NULL : h->items[0];
}

struct hn_timer *heap_take_expired(struct hn_heap *h, int64_t now) {
  struct hn_timer *first = heap_peek(h);

  if (!first || first->when > now) return NULL;
  timer_clear(h, first);
  return first;
}
