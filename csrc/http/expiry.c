#include "expiry.h"

/* The first or the last of a pool's list, or NULL. */
static struct hn_conn *expiry_at(const struct hn_link *list, bool last) {
  struct hn_link *l = last ? list->prev : list->next;
  return l == list ? NULL : HN_CONTAINER_OF(l, struct hn_conn, link);
}

struct hn_conn *expiry_least(const struct hn_pool *p) {
  struct hn_conn *c = expiry_at(&p->draining, false);
  return c ? c : expiry_at(&p->idle, true);
}

bool expiry_is_less(const struct hn_conn *a, const struct hn_conn *b) {
  if (!b || a->draining != b->draining) return !b || a->draining;
  return a->idle_since < b->idle_since;
}

int64_t expiry_next(const struct hn_pool *p, struct hn_conn **out) {
  const struct hn_timer *limited = heap_peek(&p->ends);
  struct hn_conn *oldest[] = {expiry_at(&p->draining, false),
                              expiry_at(&p->idle, true), NULL};
  int64_t next = INT64_MAX;
  if (limited) oldest[2] = HN_CONTAINER_OF(limited, struct hn_conn, end);
  for (size_t i = 0; i < sizeof oldest / sizeof *oldest; i++) {
    if (!oldest[i] || expiry_of(p, oldest[i]) >= next) continue;
    next = expiry_of(p, oldest[i]);
    *out = oldest[i];
  }
  return next;
}
