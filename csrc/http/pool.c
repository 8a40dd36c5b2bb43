#include "pool.h"

void pool_init(struct hn_pool *p, struct hn_env *env, uint64_t tag) {
  p->env = env;
  list_append(&env->pools, &p->link);
  list_init(&p->busy);
  list_init(&p->idle);
  list_init(&p->draining);
  list_init(&p->waiting);
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

static struct hn_waiter *pool_waiter(struct hn_link *l) {
  return HN_CONTAINER_OF(l, struct hn_waiter, link);
}

static void pool_call(struct hn_pool *p, struct hn_waiter *w) {
  list_remove(&w->link);
  list_append(&p->env->woken, &w->link);
  w->called = true;
}

static int64_t pool_count(const struct hn_link *list,
                          const struct hn_origin *origin, bool *is_1_0) {
  int64_t n = 0;
  for (struct hn_link *l = list->next; l != list; l = l->next) {
    const struct hn_conn *c = HN_CONTAINER_OF(l, struct hn_conn, link);
    if (!origin_equal(&c->origin, origin)) continue;
    if (c->is_1_0) *is_1_0 = true;
    n++;
  }
  return n;
}

/* How many connections more this origin may have; negative when a limit was
 * lowered. Nothing is counted while none is set. */
static int64_t pool_room(const struct hn_pool *p,
                         const struct hn_origin *origin) {
  if (p->max_per_server == INT64_MAX && p->max_per_1_0_server == INT64_MAX)
    return INT64_MAX;
  bool is_1_0 = false;
  int64_t n = pool_count(&p->busy, origin, &is_1_0);
  n += pool_count(&p->idle, origin, &is_1_0);
  n += pool_count(&p->draining, origin, &is_1_0);
  int64_t max = p->max_per_server;
  if (is_1_0 && p->max_per_1_0_server < max) max = p->max_per_1_0_server;
  return max - n;
}

/* The first in line who waits for this origin; NULL when nobody does. */
static struct hn_waiter *pool_first_for(const struct hn_pool *p,
                                        const struct hn_origin *origin) {
  for (struct hn_link *l = p->waiting.next; l != &p->waiting; l = l->next)
    if (origin_equal(&pool_waiter(l)->origin, origin)) return pool_waiter(l);
  return NULL;
}

/* The first in line whom only the limit of all pools has kept waiting. */
static struct hn_waiter *pool_first_with_room(const struct hn_pool *p) {
  for (struct hn_link *l = p->waiting.next; l != &p->waiting; l = l->next)
    if (pool_room(p, &pool_waiter(l)->origin) > 0) return pool_waiter(l);
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
static void pool_wake(struct hn_pool *p, const struct hn_origin *origin) {
  struct hn_waiter *w = pool_first_for(p, origin);
  if (w)
    pool_call(p, w);
  else if (pool_is_limited(p->env))
    pool_wake_any(p->env);
}

/* One that was called and goes before it came makes room for the next. */
void pool_forget(struct hn_pool *p, struct hn_waiter *waiter) {
  if (!waiter->link.next || list_is_empty(&waiter->link)) return;
  list_remove(&waiter->link);
  if (waiter->called) pool_wake(p, &waiter->origin);
}

void pool_drop(struct hn_pool *p, struct hn_conn *c, bool polite) {
  list_remove(&c->link);
  pool_wake(p, &c->origin);
  conn_free(c, polite);
}

static void pool_drop_all(struct hn_pool *p, struct hn_link *list) {
  struct hn_conn *c;
  while ((c = pool_first(list)) != NULL) pool_drop(p, c, true);
}

void pool_retire(struct hn_pool *p) {
  pool_drop_all(p, &p->idle);
  pool_drop_all(p, &p->draining);
  for (struct hn_link *l = p->busy.next; l != &p->busy; l = l->next)
    h1_conn_note_close(&HN_CONTAINER_OF(l, struct hn_conn, link)->h1);
}

void pool_fini(struct hn_pool *p) {
  pool_drop_all(p, &p->idle);
  pool_drop_all(p, &p->draining);
  pool_drop_all(p, &p->busy);
  timer_clear(&p->env->deadlines, &p->timer);
  list_remove(&p->link);
}

/* When it has lain on its list for long enough. A request sent just as the peer
 * gives a connection up would be lost, so what the peer says counts too. */
static int64_t pool_end(const struct hn_pool *p, const struct hn_conn *c) {
  int64_t keep = p->keep < c->h1.patience ? p->keep : c->h1.patience;
  if (c->drain > 0) keep = HN_POOL_DRAIN;
  return keep < INT64_MAX - c->idle_since ? c->idle_since + keep : INT64_MAX;
}

/* Arms the timer unless it runs early enough. Failing that only keeps idle
 * connections longer, so memory failure is not passed on. */
static void pool_arm(struct hn_pool *p, int64_t when) {
  if (when == INT64_MAX) return;
  if (!timer_is_set(&p->timer) || when < p->timer.when)
    (void)timer_set(&p->env->deadlines, &p->timer, when);
}

/* The one used last keeps its buffers: it is the first to be taken again. */
static void pool_put_idle(struct hn_pool *p, struct hn_conn *c) {
  struct hn_conn *before = pool_first(&p->idle);
  if (before) conn_release_buffers(before);
  list_remove(&c->link);
  list_remove(&c->again);
  list_prepend(&p->idle, &c->link);
  c->owner = 0;
  c->drain = 0;
  c->idle_since = c->heard_at / 1000;
  pool_arm(p, pool_end(p, c));
  pool_wake(p, &c->origin);
}

/* Throws away what is here, up to a portion; true when the connection is clean
 * and idle, false when it waits for more or for its next turn. A broken one is
 * dropped and *c becomes NULL. */
static bool pool_step_drain(struct hn_pool *p, struct hn_conn **cp) {
  struct hn_conn *c = *cp;
  size_t portion = env_portion(p->env);
  uint64_t start = c->drain;
  while (c->drain > 0) {
    size_t have = buf_size(&c->in);
    if (have > c->drain) have = (size_t)c->drain;
    buf_consume(&c->in, have);
    c->drain -= have;
    if (c->drain == 0) break;
    if (start - c->drain >= portion && conn_can_read(c)) {
      list_remove(&c->again);
      list_append(&p->env->unfinished, &c->again);
      return false;
    }
    size_t got = 0;
    int rc = conn_fill(c, HN_READ_AHEAD, &got);
    if (rc == HN_AGAIN) return false;
    if (rc || got == 0) {
      pool_drop(p, c, false);
      *cp = NULL;
      return false;
    }
  }
  if (buf_size(&c->in) > 0) { /* bytes after the body: nothing to trust */
    pool_drop(p, c, false);
    *cp = NULL;
    return false;
  }
  pool_put_idle(p, c);
  return true;
}

/* A young idle connection is taken on trust when the request is repeatable and
 * the last read left nothing behind. A body read to its last byte straight to
 * its destination says nothing of what follows it: a response nobody asked for
 * would be believed by the next request. */
static bool pool_is_usable(struct hn_pool *p, struct hn_conn *c, bool probe) {
  bool young = env_now(p->env) - c->idle_since < HN_POOL_PROBE_AFTER;
  if (!probe && young && !conn_can_read(c)) return true;
  return conn_is_alive(c);
}

static struct hn_conn *pool_find(struct hn_pool *p,
                                 const struct hn_pool_wish *w) {
  struct hn_link *l = p->idle.next;
  while (l != &p->idle) {
    struct hn_conn *c = HN_CONTAINER_OF(l, struct hn_conn, link);
    l = l->next;
    if (!origin_equal(&c->origin, &w->origin)) continue;
    bool over = pool_end(p, c) <= env_now(p->env); /* before the timer came */
    if (!over && pool_is_usable(p, c, w->probe)) return c;
    pool_drop(p, c, over);
  }
  return NULL;
}

/* The rest of a draining body may have arrived since: one look is cheaper than
 * a new connection. */
static struct hn_conn *pool_find_drained(struct hn_pool *p,
                                         const struct hn_pool_wish *w) {
  struct hn_link *l = p->draining.next;
  while (l != &p->draining) {
    struct hn_conn *c = HN_CONTAINER_OF(l, struct hn_conn, link);
    l = l->next;
    if (!origin_equal(&c->origin, &w->origin)) continue;
    c->readable = true;
    if (pool_step_drain(p, &c)) return c;
  }
  return NULL;
}

static void pool_take(struct hn_pool *p, struct hn_conn *c, uint64_t owner) {
  list_remove(&c->link);
  list_append(&p->busy, &c->link);
  c->owner = owner;
}

/* Gives up one connection to an origin; false when the list has none. */
static bool pool_evict(struct hn_link *list, const struct hn_origin *origin) {
  for (struct hn_link *l = list->next; l != list; l = l->next) {
    struct hn_conn *c = HN_CONTAINER_OF(l, struct hn_conn, link);
    if (!origin_equal(&c->origin, origin)) continue;
    list_remove(&c->link);
    conn_free(c, false);
    return true;
  }
  return false;
}

/* The one that nobody would miss most: draining, or idle for the longest. */
static bool pool_evict_any(struct hn_env *env) {
  for (struct hn_link *l = env->pools.next; l != &env->pools; l = l->next) {
    struct hn_pool *p = HN_CONTAINER_OF(l, struct hn_pool, link);
    struct hn_conn *c = pool_first(&p->draining);
    if (!c && !list_is_empty(&p->idle))
      c = HN_CONTAINER_OF(p->idle.prev, struct hn_conn, link);
    if (!c) continue;
    list_remove(&c->link);
    conn_free(c, false);
    return true;
  }
  return false;
}

/* What drains would block a place for a body that nobody wants, and what lies
 * idle one for whom an old connection does not do. */
static bool pool_make_room(struct hn_pool *p, const struct hn_origin *origin) {
  struct hn_env *env = p->env;
  while (pool_room(p, origin) <= 0)
    if (!pool_evict(&p->draining, origin) && !pool_evict(&p->idle, origin))
      return false;
  while (pool_is_limited(env) &&
         env->connections >= env->guard->max_connections)
    if (!pool_evict_any(env)) return false;
  return true;
}

static void pool_wait(struct hn_pool *p, const struct hn_pool_wish *w,
                      struct hn_waiter *waiter) {
  /* One who was called keeps its place: somebody was quicker. */
  if (!waiter->called) waiter->turn = ++p->turns;
  waiter->origin = w->origin;
  waiter->owner = w->owner;
  waiter->called = false;
  list_init(&waiter->link);
  struct hn_link *l = &p->waiting;
  if (!list_is_empty(l) && pool_waiter(l->prev)->turn > waiter->turn)
    do l = l->next;
    while (pool_waiter(l)->turn < waiter->turn);
  list_insert_before(l, &waiter->link);
}

/* What lies idle is given up before memory is short, and before it is said to
 * be: the new connection needs buffers, too. */
static int pool_dial(struct hn_pool *p, const struct hn_pool_wish *w,
                     struct hn_conn **out) {
  int rc;
  while (account_is_tight(&p->env->account) && pool_evict_any(p->env)) continue;
  do rc = conn_new(p->env, &w->origin, &w->limits, out);
  while (rc == HN_ERR_NOT_ENOUGH_MEMORY && pool_evict_any(p->env));
  return rc;
}

int pool_acquire(struct hn_pool *p, const struct hn_pool_wish *w,
                 struct hn_waiter *waiter, struct hn_conn **out,
                 bool *reused) {
  struct hn_conn *c = w->fresh ? NULL : pool_find(p, w);
  if (!c && !w->fresh) c = pool_find_drained(p, w);
  *reused = c != NULL;
  if (c) {
    p->reused++;
  } else {
    if (!pool_make_room(p, &w->origin)) {
      pool_wait(p, w, waiter);
      return HN_AGAIN;
    }
    int rc = pool_dial(p, w, &c);
    if (rc) {
      pool_wake(p, &w->origin); /* the place is somebody else's now */
      return rc;
    }
    c->pool = p;
    p->opened++;
  }
  pool_take(p, c, w->owner);
  *out = c;
  return 0;
}

void pool_release(struct hn_pool *p, struct hn_conn *c) {
  if (pool_room(p, &c->origin) < 0)
    pool_drop(p, c, true);
  else
    pool_put_idle(p, c);
}

void pool_drain(struct hn_pool *p, struct hn_conn *c, uint64_t rest) {
  if (pool_room(p, &c->origin) < 0) {
    pool_drop(p, c, false);
    return;
  }
  list_remove(&c->link);
  list_append(&p->draining, &c->link);
  c->owner = 0;
  c->drain = rest;
  c->idle_since = env_now(p->env);
  pool_arm(p, pool_end(p, c));
  if (pool_step_drain(p, &c) || !c) return;
  /* Nobody waits in line for what nobody reads: the first there evicts it. */
  pool_wake(p, &c->origin);
}

void pool_on_ready(struct hn_conn *c) {
  struct hn_pool *p = c->pool;
  if (c->drain > 0)
    (void)pool_step_drain(p, &c);
  else if (!conn_is_alive(c))
    pool_drop(p, c, false);
  else if (pool_first(&p->idle) != c)
    conn_release_buffers(c);
}

/* Closes those whose time is over, few at once: the timer comes back for the
 * others. */
static void pool_expire(struct hn_pool *p, struct hn_link *list, int64_t now,
                        int64_t *next) {
  int few = HN_POOL_EXPIRE;
  struct hn_link *l = list->next;
  while (l != list) {
    struct hn_conn *c = HN_CONTAINER_OF(l, struct hn_conn, link);
    l = l->next;
    int64_t when = pool_end(p, c);
    if (when <= now && few-- > 0)
      pool_drop(p, c, true);
    else if (when < *next)
      *next = when;
  }
}

void pool_on_timer(struct hn_pool *p) {
  int64_t next = INT64_MAX;
  int64_t now = env_now(p->env);
  pool_expire(p, &p->idle, now, &next);
  pool_expire(p, &p->draining, now, &next);
  pool_arm(p, next);
}

void pool_set_limits(struct hn_pool *p, int64_t max_per_server,
                     int64_t max_per_1_0_server) {
  p->max_per_server = max_per_server;
  p->max_per_1_0_server = max_per_1_0_server;
  for (struct hn_link *l = p->idle.next; l != &p->idle;) {
    struct hn_conn *c = HN_CONTAINER_OF(l, struct hn_conn, link);
    l = l->next;
    if (pool_room(p, &c->origin) < 0) pool_drop(p, c, true);
  }
  for (struct hn_link *l = p->waiting.next; l != &p->waiting;) {
    struct hn_waiter *w = pool_waiter(l);
    l = l->next;
    if (pool_room(p, &w->origin) > 0) pool_call(p, w);
  }
}

void pool_set_keep(struct hn_pool *p, int64_t keep) {
  p->keep = keep;
  p->env->now_us = 0; /* time has passed since the last step */
  pool_on_timer(p);
}
