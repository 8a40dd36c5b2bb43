#include "pool.h"

void pool_init(struct hn_pool *p, struct hn_env *env, uint64_t tag) {
  p->env = env;
  list_append(&env->pools, &p->link);
  list_init(&p->busy);
  list_init(&p->idle);
  list_init(&p->draining);
  list_init(&p->waiting);
  places_init(&p->places, &env->hash_key);
  heap_init(&p->ends);
  p->max_per_server = p->max_per_1_0_server = INT64_MAX;
  p->keep = HN_POOL_KEEP;
  p->turns = 0;
  timer_init(&p->timer, tag, HN_TIMER_POOL);
  p->opened = p->reused = 0;
}

static struct hn_conn *pool_first(const struct hn_link *list) {
  struct hn_link *l = list_first(list);
  return l ? HN_CONTAINER_OF(l, struct hn_conn, link) : NULL;
}

/* The last of a pool's list. */
static struct hn_conn *pool_last(const struct hn_link *list) {
  if (list_is_empty(list)) return NULL;
  return HN_CONTAINER_OF(list->prev, struct hn_conn, link);
}

static struct hn_conn *pool_at_place(struct hn_link *l) {
  return HN_CONTAINER_OF(l, struct hn_conn, at_place);
}

static struct hn_waiter *pool_waiter(struct hn_link *l) {
  return HN_CONTAINER_OF(l, struct hn_waiter, link);
}

static struct hn_waiter *pool_in_line(struct hn_link *l) {
  return HN_CONTAINER_OF(l, struct hn_waiter, line);
}

void waiter_init(struct hn_waiter *waiter) {
  list_init(&waiter->link);
  list_init(&waiter->line);
  waiter->called = false;
}

static void pool_leave_line(struct hn_pool *p, struct hn_waiter *w) {
  list_remove(&w->link);
  list_remove(&w->line);
  place_let_go(&p->places, w->place);
}

static void pool_call(struct hn_pool *p, struct hn_waiter *w) {
  pool_leave_line(p, w);
  list_append(&p->env->woken, &w->link);
  w->called = true;
}

static int64_t pool_max(const struct hn_pool *p, const struct hn_place *place) {
  int64_t max = p->max_per_server;
  if (place->count_1_0 > 0 && p->max_per_1_0_server < max)
    max = p->max_per_1_0_server;
  return max;
}

/* A limit was lowered, or those on hold have not counted. */
static bool pool_is_over(const struct hn_pool *p,
                         const struct hn_place *place) {
  return place->count > pool_max(p, place);
}

/* How many connections more this origin may have. While something is being
 * heard those on hold do not count: who hears it may be waiting for one more,
 * and they for him. */
static int64_t pool_room(const struct hn_pool *p,
                         const struct hn_place *place) {
  int64_t count = place->count;
  if (env_is_heard(p->env)) count -= place->on_hold;
  return pool_max(p, place) - count;
}

/* The first in line whom only the limit of all pools keeps waiting. Whose
 * origin has got full meanwhile waits for that alone from here on. */
static struct hn_waiter *pool_first_with_room(struct hn_pool *p) {
  struct hn_link *l;
  while ((l = list_first(&p->waiting)) != NULL) {
    if (pool_room(p, pool_in_line(l)->place) > 0) return pool_in_line(l);
    list_remove(l);
  }
  return NULL;
}

/* One connection less, or one that may be evicted: somebody of any pool may
 * have it. The pools take turns. */
static void pool_wake_any(struct hn_env *env) {
  for (struct hn_link *l = env->pools.next; l != &env->pools; l = l->next) {
    struct hn_pool *p = HN_CONTAINER_OF(l, struct hn_pool, link);
    struct hn_waiter *w = pool_first_with_room(p);
    if (!w) continue;
    pool_call(p, w);
    list_remove(&p->link);
    list_append(&env->pools, &p->link);
    return;
  }
}

static bool pool_is_limited(const struct hn_env *env) {
  return env->guard && env->guard->max_connections < SIZE_MAX;
}

/* A connection to this origin, or a place for one, is free: the first who
 * waits for it is woken. */
static void pool_wake(struct hn_pool *p, const struct hn_place *place) {
  struct hn_link *l = place ? list_first(&place->waiting) : NULL;
  if (l)
    pool_call(p, pool_waiter(l));
  else if (pool_is_limited(p->env))
    pool_wake_any(p->env);
}

/* One that was called and goes before it came makes room for the next. */
void pool_forget(struct hn_pool *p, struct hn_waiter *waiter) {
  if (!waiter->link.next || list_is_empty(&waiter->link)) return;
  if (!waiter->called) {
    pool_leave_line(p, waiter);
    return;
  }
  list_remove(&waiter->link);
  pool_wake(p, places_find(&p->places, &waiter->origin));
}

/* Out of the lists of what is not busy. */
static void pool_unlist(struct hn_pool *p, struct hn_conn *c) {
  list_remove(&c->link);
  list_remove(&c->at_place);
  timer_clear(&p->ends, &c->end);
}

/* A connection goes, and whoever it keeps waiting is not told. */
static void pool_give_up(struct hn_conn *c, bool polite) {
  struct hn_pool *p = c->pool;
  struct hn_place *place = c->place;
  pool_unlist(p, c);
  pool_note_1_0(c, false);
  pool_take_off_hold(c);
  place->count--;
  conn_free(c, polite);
  place_let_go(&p->places, place);
}

void pool_drop(struct hn_pool *p, struct hn_conn *c, bool polite) {
  pool_unlist(p, c);
  pool_wake(p, c->place);
  pool_give_up(c, polite);
}

void pool_note_connected(struct hn_conn *c, const struct hn_pool_wish *w) {
  c->protocol = w->protocol;
  c->protocol->conn.open(c);
  if (c->retired) c->protocol->conn.retire(c);
}

void pool_note_1_0(struct hn_conn *c, bool is_1_0) {
  if (c->place) c->place->count_1_0 += is_1_0 - c->is_1_0;
  c->is_1_0 = is_1_0;
}

void pool_put_on_hold(struct hn_pool *p, struct hn_conn *c) {
  if (c->is_on_hold) return;
  c->is_on_hold = true;
  c->place->on_hold++;
  if (env_is_heard(p->env)) pool_wake(p, c->place);
}

void pool_take_off_hold(struct hn_conn *c) {
  if (c->is_on_hold) c->place->on_hold--;
  c->is_on_hold = false;
}

static void pool_drop_all(struct hn_pool *p, struct hn_link *list) {
  struct hn_conn *c;
  while ((c = pool_first(list)) != NULL) pool_drop(p, c, true);
}

void pool_retire(struct hn_pool *p) {
  pool_drop_all(p, &p->idle);
  pool_drop_all(p, &p->draining);
  for (struct hn_link *l = p->busy.next; l != &p->busy; l = l->next) {
    struct hn_conn *c = HN_CONTAINER_OF(l, struct hn_conn, link);
    c->retired = true;
    if (c->protocol) c->protocol->conn.retire(c);
  }
}

void pool_fini(struct hn_pool *p) {
  pool_drop_all(p, &p->idle);
  pool_drop_all(p, &p->draining);
  pool_drop_all(p, &p->busy);
  timer_clear(&p->env->deadlines, &p->timer);
  heap_fini(&p->ends);
  places_fini(&p->places);
  list_remove(&p->link);
}

/* When it has lain on its list for long enough, in ms. A request sent just as
 * the peer gives a connection up would be lost, so what the peer says counts
 * too. */
static int64_t pool_end(const struct hn_pool *p, const struct hn_conn *c) {
  int64_t keep = p->keep < c->patience ? p->keep : c->patience;
  int64_t since = c->idle_since / 1000;
  if (c->draining) keep = HN_POOL_DRAIN;
  return keep < INT64_MAX - since ? since + keep : INT64_MAX;
}

/* Arms the timer unless it runs early enough. Failing that only keeps idle
 * connections longer, so memory failure is not passed on. */
static void pool_arm(struct hn_pool *p, int64_t when) {
  if (when == INT64_MAX) return;
  if (!timer_is_set(&p->timer) || when < p->timer.when)
    (void)timer_set(&p->env->deadlines, &p->timer, when);
}

/* One that its server limits goes by that. Without memory for it, it only stays
 * as long as the others. */
static void pool_limit(struct hn_pool *p, struct hn_conn *c) {
  if (c->patience < INT64_MAX)
    (void)timer_set(&p->ends, &c->end, pool_end(p, c));
}

/* The one used last keeps its buffers: it is the first to be taken again. */
static void pool_put_idle(struct hn_pool *p, struct hn_conn *c) {
  struct hn_conn *before = pool_first(&p->idle);
  if (before) conn_release_buffers(before);
  pool_unlist(p, c);
  list_remove(&c->again);
  list_prepend(&p->idle, &c->link);
  list_prepend(&c->place->idle, &c->at_place);
  c->owner = 0;
  c->draining = false;
  c->idle_since = c->heard_at;
  c->patience = c->protocol->conn.patience(c);
  pool_limit(p, c);
  pool_arm(p, pool_end(p, c));
  pool_wake(p, c->place);
}

/* True when the connection is clean and idle, false when it waits for more or
 * for its next turn. A broken one is dropped and *c becomes NULL. */
static bool pool_step_drain(struct hn_pool *p, struct hn_conn **c) {
  int rc = (*c)->protocol->conn.on_ready(*c);
  if (rc == HN_AGAIN) return false;
  if (rc == 0) {
    pool_put_idle(p, *c);
    return true;
  }
  pool_drop(p, *c, false);
  *c = NULL;
  return false;
}

/* An idle connection is taken on trust when the request is repeatable, the last
 * read left nothing behind, and it was silent a moment ago: then, or when the
 * reactor, which watches it, had nothing to say of it. A body read to its last
 * byte straight to its destination says nothing of what follows it. */
bool pool_is_usable(struct hn_pool *p, struct hn_conn *c, bool probe) {
  int64_t seen = c->idle_since;
  if ((c->interest & HN_WANT_READ) && p->env->seen_at > seen)
    seen = p->env->seen_at;
  if (!probe && !conn_can_read(c) && env_now_us(p->env) - seen < HN_POOL_TRUST)
    return true;
  return c->protocol->conn.is_alive(c);
}

static struct hn_conn *pool_find(struct hn_pool *p, struct hn_place *place,
                                 bool probe) {
  struct hn_link *l;
  while ((l = list_first(&place->idle)) != NULL) {
    struct hn_conn *c = pool_at_place(l);
    bool over = pool_end(p, c) <= env_now(p->env); /* before the timer came */
    if (!over && pool_is_usable(p, c, probe)) return c;
    pool_drop(p, c, over);
  }
  return NULL;
}

/* The rest of a draining body may have arrived since: one look is cheaper than
 * a new connection. */
static struct hn_conn *pool_find_drained(struct hn_pool *p,
                                         struct hn_place *place, bool probe) {
  struct hn_link *l = place->draining.next;
  while (l != &place->draining) {
    struct hn_conn *c = pool_at_place(l);
    l = l->next;
    c->readable = true;
    if (!pool_step_drain(p, &c)) continue;
    if (pool_is_usable(p, c, probe)) return c;
    pool_drop(p, c, false);
  }
  return NULL;
}

static void pool_take(struct hn_pool *p, struct hn_conn *c, uint64_t owner) {
  pool_unlist(p, c);
  list_append(&p->busy, &c->link);
  c->owner = owner;
}

/* Gives up one connection to an origin: what drains, or the one idle for the
 * longest; false when there is none. */
static bool pool_evict(const struct hn_place *place) {
  struct hn_link *l = list_first(&place->draining);
  if (!l && !list_is_empty(&place->idle)) l = place->idle.prev;
  if (l) pool_give_up(pool_at_place(l), false);
  return l != NULL;
}

/* The one of a pool that it would miss least: draining, or idle for the
 * longest; NULL when it has none. */
static struct hn_conn *pool_least(const struct hn_pool *p) {
  struct hn_conn *c = pool_first(&p->draining);
  return c ? c : pool_last(&p->idle);
}

/* Whether a would be missed less than b, which may be NULL. */
static bool pool_is_less(const struct hn_conn *a, const struct hn_conn *b) {
  if (!b || a->draining != b->draining) return !b || a->draining;
  return a->idle_since < b->idle_since;
}

bool pool_evict_any(struct hn_env *env) {
  struct hn_conn *least = NULL;
  for (struct hn_link *l = env->pools.next; l != &env->pools; l = l->next) {
    struct hn_conn *c = pool_least(HN_CONTAINER_OF(l, struct hn_pool, link));
    if (c && pool_is_less(c, least)) least = c;
  }
  if (!least) return false;
  pool_give_up(least, false);
  return true;
}

/* What drains would block a place for a body that nobody wants, and what lies
 * idle one for whom an old connection does not do. */
static bool pool_make_room(struct hn_pool *p, struct hn_place *place) {
  struct hn_env *env = p->env;
  while (pool_room(p, place) <= 0)
    if (!pool_evict(place)) return false;
  while (pool_is_limited(env) &&
         env->connections >= env->guard->max_connections)
    if (!pool_evict_any(env)) return false;
  return true;
}

/* Into a line, by turn: mostly at its end. `link` is of the waiter, and `of`
 * finds those who stand there by theirs. */
static void pool_line_up(struct hn_link *line, struct hn_link *link,
                         struct hn_waiter *(*of)(struct hn_link *)) {
  struct hn_link *before = line;
  uint64_t turn = of(link)->turn;
  while (before->prev != line && of(before->prev)->turn > turn)
    before = before->prev;
  list_insert_before(before, link);
}

static void pool_wait(struct hn_pool *p, struct hn_place *place,
                      const struct hn_pool_wish *w, struct hn_waiter *waiter) {
  /* One who was called keeps its turn: somebody was quicker. */
  if (!waiter->called) waiter->turn = ++p->turns;
  waiter->origin = w->origin;
  waiter->owner = w->owner;
  waiter->place = place;
  waiter_init(waiter);
  place_hold(place);
  pool_line_up(&place->waiting, &waiter->link, pool_waiter);
  if (pool_room(p, place) > 0)
    pool_line_up(&p->waiting, &waiter->line, pool_in_line);
}

/* What lies idle is given up before memory is short, and before it is said to
 * be: the new connection needs buffers, too. */
static int pool_dial(struct hn_pool *p, struct hn_place *place,
                     const struct hn_pool_wish *w, struct hn_conn **out) {
  struct hn_conn *c = NULL;
  int rc;
  while (account_is_tight(&p->env->account) && pool_evict_any(p->env)) continue;
  do rc = conn_new(p->env, &place->origin, &w->limits, &c);
  while (rc == HN_ERR_NOT_ENOUGH_MEMORY && pool_evict_any(p->env));
  if (rc) return rc;
  c->pool = p;
  c->place = place;
  place_hold(place);
  place->count++;
  p->opened++;
  *out = c;
  return 0;
}

static int pool_acquire_at(struct hn_pool *p, struct hn_place *place,
                           const struct hn_pool_wish *w,
                           struct hn_waiter *waiter, struct hn_conn **out) {
  struct hn_conn *c = w->fresh ? NULL : pool_find(p, place, w->probe);
  if (!c && !w->fresh) c = pool_find_drained(p, place, w->probe);
  if (c) {
    p->reused++;
  } else if (!pool_make_room(p, place)) {
    pool_wait(p, place, w, waiter);
    return HN_AGAIN;
  } else {
    int rc = pool_dial(p, place, w, &c);
    if (rc) {
      pool_wake(p, place); /* what it would have had is somebody else's now */
      return rc;
    }
  }
  pool_take(p, c, w->owner);
  *out = c;
  return 0;
}

int pool_acquire(struct hn_pool *p, const struct hn_pool_wish *w,
                 struct hn_waiter *waiter, struct hn_conn **out, bool *reused) {
  struct hn_place *place;
  int rc;
  do rc = places_take(&p->places, &w->origin, &place);
  while (rc && pool_evict_any(p->env));
  if (rc) return rc;
  uint64_t before = p->reused;
  rc = pool_acquire_at(p, place, w, waiter, out);
  *reused = p->reused != before;
  place_let_go(&p->places, place);
  return rc;
}

void pool_release(struct hn_pool *p, struct hn_conn *c) {
  if (c->retired || pool_is_over(p, c->place))
    pool_drop(p, c, true);
  else
    pool_put_idle(p, c);
}

void pool_drain(struct hn_pool *p, struct hn_conn *c) {
  if (pool_is_over(p, c->place)) {
    pool_drop(p, c, false);
    return;
  }
  pool_unlist(p, c);
  list_append(&p->draining, &c->link);
  list_append(&c->place->draining, &c->at_place);
  c->owner = 0;
  c->draining = true;
  c->idle_since = env_now_us(p->env);
  pool_arm(p, pool_end(p, c));
  if (pool_step_drain(p, &c) || !c) return;
  /* Nobody waits in line for what nobody reads: the first there evicts it. */
  pool_wake(p, c->place);
}

void pool_on_ready(struct hn_conn *c) {
  struct hn_pool *p = c->pool;
  if (c->draining)
    (void)pool_step_drain(p, &c);
  else if (c->protocol->conn.on_ready(c))
    pool_drop(p, c, false);
  else if (pool_first(&p->idle) != c)
    conn_release_buffers(c);
}

/* Of what ends next: when, and which it is; INT64_MAX when nothing does. */
static int64_t pool_next_end(const struct hn_pool *p, struct hn_conn **out) {
  const struct hn_timer *limited = heap_peek(&p->ends);
  struct hn_conn *oldest[] = {pool_first(&p->draining), pool_last(&p->idle),
                              NULL};
  int64_t next = INT64_MAX;
  if (limited) oldest[2] = HN_CONTAINER_OF(limited, struct hn_conn, end);
  for (size_t i = 0; i < sizeof oldest / sizeof *oldest; i++) {
    if (!oldest[i] || pool_end(p, oldest[i]) >= next) continue;
    next = pool_end(p, oldest[i]);
    *out = oldest[i];
  }
  return next;
}

/* Closes those whose time is over, few at once: the others have their turn in
 * the next step, which is not this millisecond's. */
void pool_on_timer(struct hn_pool *p) {
  struct hn_conn *c = NULL;
  int64_t now = env_now(p->env);
  int64_t next = pool_next_end(p, &c);
  for (int few = HN_POOL_EXPIRE; few > 0 && next <= now; few--) {
    pool_drop(p, c, true);
    next = pool_next_end(p, &c);
  }
  pool_arm(p, next <= now ? now + 1 : next);
}

/* All who wait, should there be room: those who come too late go back. */
static void pool_call_waiting(struct hn_pool *p, struct hn_place *place) {
  struct hn_link *l;
  if (pool_room(p, place) <= 0) return;
  place_hold(place);
  while ((l = list_first(&place->waiting)) != NULL)
    pool_call(p, pool_waiter(l));
  place_let_go(&p->places, place);
}

void pool_set_limits(struct hn_pool *p, int64_t max_per_server,
                     int64_t max_per_1_0_server) {
  p->max_per_server = max_per_server;
  p->max_per_1_0_server = max_per_1_0_server;
  for (struct hn_link *l = p->idle.next; l != &p->idle;) {
    struct hn_conn *c = HN_CONTAINER_OF(l, struct hn_conn, link);
    l = l->next;
    if (pool_is_over(p, c->place)) pool_drop(p, c, true);
  }
  for (struct hn_link *l = p->places.all.next; l != &p->places.all;) {
    struct hn_place *place = HN_CONTAINER_OF(l, struct hn_place, link);
    l = l->next;
    pool_call_waiting(p, place);
  }
}

void pool_set_keep(struct hn_pool *p, int64_t keep) {
  p->keep = keep;
  env_time_passed(p->env);
  pool_on_timer(p);
}
