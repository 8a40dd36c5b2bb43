#include "waiter.h"

static struct hn_waiter *waiter_at_place(struct hn_link *l) {
  return HN_CONTAINER_OF(l, struct hn_waiter, link);
}

static struct hn_waiter *waiter_in_line(struct hn_link *l) {
  return HN_CONTAINER_OF(l, struct hn_waiter, line);
}

void waiter_init(struct hn_waiter *w, uint64_t owner,
                 const struct hn_protocols *protocols) {
  list_init(&w->link);
  list_init(&w->line);
  list_init(&w->wake.link);
  w->wake.owner = owner;
  w->protocols = protocols;
  w->place = NULL;
  w->called = w->is_inner = false;
}

/* Into a line, by turn: mostly at its end. `link` is of the waiter, and `of`
 * finds those who stand there by theirs. */
static void waiter_line_up(struct hn_link *line, struct hn_link *link,
                           struct hn_waiter *(*of)(struct hn_link *)) {
  struct hn_link *before = line;
  uint64_t turn = of(link)->turn;
  while (before->prev != line && of(before->prev)->turn > turn)
    before = before->prev;
  list_insert_before(before, link);
}

void waiter_stand(struct hn_pool *p, struct hn_waiter *w,
                  struct hn_place *place, bool any) {
  /* One who was called keeps its turn: somebody was quicker. */
  uint64_t turn = w->called ? w->turn : ++p->turns;
  place_hold(place);
  waiter_leave(p, w);
  w->turn = turn;
  w->place = place;
  waiter_line_up(&place->waiting, &w->link, waiter_at_place);
  if (any) waiter_line_up(&p->waiting, &w->line, waiter_in_line);
}

void waiter_leave(struct hn_pool *p, struct hn_waiter *w) {
  if (!w->link.next) return; /* storage of an exchange that never began */
  list_remove(&w->wake.link);
  if (!w->place) return;
  list_remove(&w->link);
  list_remove(&w->line);
  w->called = false;
  place_let_go(&p->places, w->place);
  w->place = NULL;
}

static void waiter_call(struct hn_pool *p, struct hn_waiter *w,
                        const struct hn_protocol *speaks) {
  list_remove(&w->link);
  list_remove(&w->line);
  env_wake(p->env, &w->wake);
  w->speaks = speaks;
  w->called = true;
}

/* The first in line whom only the limit of all pools keeps waiting. Whose
 * origin has got full meanwhile waits for that alone from here on. */
static struct hn_waiter *waiter_first_with_room(struct hn_pool *p) {
  struct hn_link *l;
  while ((l = list_first(&p->waiting)) != NULL) {
    struct hn_waiter *w = waiter_in_line(l);
    if (pool_room_for(p, w->place, w) > 0) return w;
    list_remove(l);
  }
  return NULL;
}

/* One connection less, or one that may be evicted: somebody of any pool may
 * have it. The pools take turns. */
static void waiters_call_any(struct hn_env *env) {
  for (struct hn_link *l = env->pools.next; l != &env->pools; l = l->next) {
    struct hn_pool *p = HN_CONTAINER_OF(l, struct hn_pool, link);
    struct hn_waiter *w = waiter_first_with_room(p);
    if (!w) continue;
    waiter_call(p, w, NULL);
    list_remove(&p->link);
    list_append(&env->pools, &p->link);
    return;
  }
}

/* The first who waits for the place and can use that. */
static struct hn_waiter *waiter_first(const struct hn_place *place,
                                      const struct hn_protocol *speaks) {
  for (struct hn_link *l = place->waiting.next; l != &place->waiting;
       l = l->next)
    if (!speaks || protocols_have(waiter_at_place(l)->protocols, speaks))
      return waiter_at_place(l);
  return NULL;
}

void waiters_call(struct hn_pool *p, const struct hn_place *place,
                  const struct hn_protocol *speaks) {
  struct hn_waiter *w = waiter_first(place, speaks);
  if (w)
    waiter_call(p, w, speaks);
  else if (pool_is_limited(p->env))
    waiters_call_any(p->env);
}

void waiters_call_some(struct hn_pool *p, const struct hn_place *place,
                       const struct hn_protocol *speaks, int64_t room) {
  struct hn_waiter *w;
  for (; room > 0 && (w = waiter_first(place, speaks)) != NULL; room--)
    waiter_call(p, w, speaks);
}

void waiters_call_all(struct hn_pool *p, struct hn_place *place) {
  waiters_call_some(p, place, NULL, INT64_MAX);
}

bool waiters_call_same(struct hn_pool *p, const struct hn_place *place,
                       const struct hn_protocols *protocols) {
  for (struct hn_link *l = place->waiting.next; l != &place->waiting;
       l = l->next) {
    if (waiter_at_place(l)->protocols != protocols) continue;
    waiter_call(p, waiter_at_place(l), NULL);
    return true;
  }
  return false;
}
