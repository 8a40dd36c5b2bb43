/*
 * list.h: an intrusive doubly linked list, all inline.
 *
 * A struct hn_link is embedded in whatever is listed; a list is a link of its
 * own whose neighbours are its first and last member. A link in no list points
 * at itself, so unlinking twice is harmless.
 */
#ifndef HN_BASE_LIST_H
#define HN_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct hn_link {
  struct hn_link *prev, *next; /* borrowed */
};

/* The struct of type `type` whose member `member` is at ptr. */
#define HN_CONTAINER_OF(ptr, type, member)                                     \
  ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct hn_link *l) {
  l->prev = l->next = l;
}

static inline bool list_is_empty(const struct hn_link *l) {
  return l->next == l;
}

static inline void list_insert_before(struct hn_link *at, struct hn_link *l) {
  l->prev = at->prev;
  l->next = at;
  at->prev->next = l;
  at->prev = l;
}

/* At the end and at the front of a list. */
static inline void list_append(struct hn_link *list, struct hn_link *l) {
  list_insert_before(list, l);
}

static inline void list_prepend(struct hn_link *list, struct hn_link *l) {
  list_insert_before(list->next, l);
}

static inline void list_remove(struct hn_link *l) {
  l->prev->next = l->next;
  l->next->prev = l->prev;
  list_init(l);
}

/* The first link, or NULL when the list is empty. */
static inline struct hn_link *list_first(const struct hn_link *list) {
  return list->next == list ? NULL : list->next;
}

/* Moves all members of `from` to the end of `to`. */
static inline void list_splice(struct hn_link *to, struct hn_link *from) {
  if (list_is_empty(from)) return;
  from->next->prev = to->prev;
  from->prev->next = to;
  to->prev->next = from->next;
  to->prev = from->prev;
  list_init(from);
}

#endif
