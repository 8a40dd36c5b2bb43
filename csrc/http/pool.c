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
  p->spoken.entries = NULL;
}

static struct hn_conn *pool_first(const struct hn_link *list) {
  struct hn_link *l = list_first(list);
  return l ? HN_CONTAINER_OF(l, struct hn_conn, link) : NULL;
}

static struct hn_conn *pool_at_place(struct hn_link *l) {
  return HN_CONTAINER_OF(l, struct hn_conn, at_place);
}

/* A limit was lowered, or those on hold have not counted. */
static bool pool_is_over(const struct hn_pool *p,
                         const struct hn_place *place) {
  return place->count > pool_max(p, place);
}

/* Out of the lists that it is found in. */
static void pool_unlist(struct hn_pool *p, struct hn_conn *c) {
  list_remove(&c->link);
  list_remove(&c->at_place);
  timer_clear(&p->ends, &c->end);
}

/* A connection goes, and whoever it keeps waiting is not told. */
static void pool_give_up(struct hn_conn *c, bool polite) {
  struct hn_pool *p = c->pool;
  struct hn_place *place = c->place;
  if (c->protocol && c->protocol->conn.close)
    c->protocol->conn.close(c, polite && !env_is_other(p->env));
  pool_unlist(p, c);
  pool_note_1_0(c, false);
  pool_take_off_hold(c);
  place->count--;
  conn_free(c, polite);
  place_let_go(&p->places, place);
}

void pool_drop(struct hn_pool *p, struct hn_conn *c, bool polite) {
  pool_unlist(p, c);
  waiters_call(p, c->place, NULL);
  pool_give_up(c, polite);
}

/* It is shared, or may be as soon as it is connected: until it retires. */
static bool pool_is_shared(const struct hn_conn *c) {
  return c->protocol ? c->protocol->shares : !list_is_empty(&c->at_place);
}

/* Nobody needs to wait for this one any more. */
static void pool_unshare(struct hn_pool *p, struct hn_conn *c) {
  if (c->streams == 0 && c->protocol) return; /* it lies elsewhere */
  if (list_is_empty(&c->at_place)) return;
  list_remove(&c->at_place);
  if (pool_room(p, c->place) > 0) waiters_call_all(p, c->place);
}

void pool_expire(struct hn_conn *c) {
  bool shared = pool_is_shared(c);
  c->retired = true;
  if (c->protocol) c->protocol->conn.retire(c);
  if (shared) pool_unshare(c->pool, c);
}

/* What there is on a shared one after something has happened to it: room for
 * those who wait, or the end of it. */
static void pool_settle(struct hn_pool *p, struct hn_conn *c) {
  if (c->retired)
    pool_unshare(p, c);
  else
    waiters_call_some(p, c->place, c->protocol, c->protocol->conn.room(c));
}

/* What was agreed on, or what is spoken when nothing was. */
static const struct hn_protocol *pool_agreed(const struct hn_conn *c,
                                             const struct hn_protocols *all) {
  struct hn_tls_info info;
  if (all->count > 1 && conn_get_tls(c, &info))
    for (size_t i = 0; i < all->count; i++)
      if (slice_equal(info.alpn, slice_of(all->list[i]->name)))
        return all->list[i];
  return all->list[all->count - 1];
}

/* From now on its protocol drives it. What came with the handshake is read as
 * if it had just been reported. */
static void pool_begin_sharing(struct hn_pool *p, struct hn_conn *c) {
  list_remove(&c->at_place);
  list_append(&c->place->shared, &c->at_place);
  c->owner = 0;
  if (conn_can_read(c)) conn_go_on_later(c);
  pool_settle(p, c);
}

int pool_note_connected(struct hn_pool *p, struct hn_conn *c,
                        const struct hn_pool_wish *w) {
  const struct hn_protocol *agreed = pool_agreed(c, w->protocols);
  int rc = agreed->conn.open(c);
  if (rc) return rc;
  c->idle_since = c->heard_at; /* it offers nothing any more */
  if (w->protocols->count > 1) spoken_note(&p->spoken, c->origin->hash, agreed);
  if (agreed->shares) {
    c->protocol = agreed;
    pool_begin_sharing(p, c);
  } else {
    pool_unshare(p, c);
    c->protocol = agreed;
  }
  if (c->retired) pool_expire(c);
  return 0;
}

bool pool_hand_over(struct hn_pool *p, struct hn_conn *c) {
  if (list_is_empty(&c->at_place) || !c->dial || dial_has_failed(c->dial) ||
      !waiters_call_same(p, c->place, c->offer))
    return false;
  c->owner = 0;
  c->streams = 0;
  return true;
}

void pool_note_1_0(struct hn_conn *c, bool is_1_0) {
  if (c->place) c->place->count_1_0 += is_1_0 - c->is_1_0;
  c->is_1_0 = is_1_0;
}

void pool_put_on_hold(struct hn_pool *p, struct hn_conn *c) {
  if (c->is_on_hold || (c->protocol && c->protocol->shares)) return;
  c->is_on_hold = true;
  c->place->on_hold++;
  if (pool_is_shared(c)) pool_unshare(p, c);
  if (env_is_heard(p->env)) waiters_call_all(p, c->place);
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
    pool_expire(HN_CONTAINER_OF(l, struct hn_conn, link));
  }
}

void pool_fini(struct hn_pool *p) {
  pool_drop_all(p, &p->idle);
  pool_drop_all(p, &p->draining);
  pool_drop_all(p, &p->busy);
  timer_clear(&p->env->deadlines, &p->timer);
  heap_fini(&p->ends);
  places_fini(&p->places);
  spoken_fini(&p->spoken);
  list_remove(&p->link);
}

/* The one used last keeps its buffers: it is the first to be taken again. */
static void pool_put_idle(struct hn_pool *p, struct hn_conn *c) {
  struct hn_conn *before = pool_first(&p->idle);
  if (before) conn_release_buffers(before);
  pool_unlist(p, c);
  list_prepend(&p->idle, &c->link);
  list_prepend(&c->place->idle, &c->at_place);
  c->owner = 0;
  c->draining = false;
  c->idle_since = c->heard_at;
  c->patience = c->protocol->conn.patience(c);
  expiry_note(p, c);
  if (c->protocol->shares && !list_is_empty(&c->place->waiting))
    pool_settle(p, c);
  else
    waiters_call(p, c->place, c->protocol);
}

/* True when the connection is clean and idle, false when it waits for more or
 * for its next turn. A broken one is dropped and *c becomes NULL. */
static bool pool_step_drain(struct hn_pool *p, struct hn_conn **c) {
  int rc = (*c)->protocol->conn.on_ready(*c);
  if (rc == HN_AGAIN) return false;
  if (rc == 0) {
    list_remove(&(*c)->again);
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
                                 const struct hn_pool_wish *w) {
  for (struct hn_link *l = place->idle.next; l != &place->idle;) {
    struct hn_conn *c = pool_at_place(l);
    l = l->next;
    if (!protocols_have(w->protocols, c->protocol)) continue;
    bool over = expiry_of(p, c) <= env_now(p->env); /* before the timer came */
    if (!over && pool_is_usable(p, c, w->probe)) return c;
    pool_drop(p, c, over);
  }
  return NULL;
}

/* What others use as well. *may_come: none has room, but one will. */
static struct hn_conn *pool_find_shared(const struct hn_place *place,
                                        const struct hn_pool_wish *w,
                                        bool *may_come) {
  for (struct hn_link *l = place->shared.next; l != &place->shared;
       l = l->next) {
    struct hn_conn *c = pool_at_place(l);
    bool fits = c->protocol
                    ? !w->fresh && protocols_have(w->protocols, c->protocol)
                    : c->offer == w->protocols;
    if (!fits || c->retired) continue;
    if (c->protocol ? c->protocol->conn.room(c) > 0 : c->streams == 0) return c;
    *may_come = !w->fresh;
  }
  return NULL;
}

/* The rest of a draining body may have arrived since: one look is cheaper than
 * a new connection. */
static struct hn_conn *pool_find_drained(struct hn_pool *p,
                                         struct hn_place *place,
                                         const struct hn_pool_wish *w) {
  struct hn_link *l = place->draining.next;
  while (l != &place->draining) {
    struct hn_conn *c = pool_at_place(l);
    l = l->next;
    if (!protocols_have(w->protocols, c->protocol)) continue;
    c->readable = true;
    if (!pool_step_drain(p, &c)) continue;
    if (pool_is_usable(p, c, w->probe)) return c;
    pool_drop(p, c, false);
  }
  return NULL;
}

static void pool_take(struct hn_pool *p, struct hn_conn *c, uint64_t owner) {
  bool shared = pool_is_shared(c);
  pool_unlist(p, c);
  list_append(&p->busy, &c->link);
  c->streams++;
  if (shared) list_append(&c->place->shared, &c->at_place);
  c->owner = c->protocol && shared ? 0 : owner;
}

/* Gives up one connection to an origin: what drains, or the one idle for the
 * longest; false when there is none. */
static bool pool_evict(const struct hn_place *place) {
  struct hn_link *l = list_first(&place->draining);
  if (!l && !list_is_empty(&place->idle)) l = place->idle.prev;
  if (l) pool_give_up(pool_at_place(l), false);
  return l != NULL;
}

bool pool_evict_any(struct hn_env *env) {
  struct hn_conn *least = NULL;
  for (struct hn_link *l = env->pools.next; l != &env->pools; l = l->next) {
    struct hn_conn *c = expiry_least(HN_CONTAINER_OF(l, struct hn_pool, link));
    if (c && expiry_is_less(c, least)) least = c;
  }
  if (!least) return false;
  pool_give_up(least, false);
  return true;
}

/* What drains would block a place for a body that nobody wants, and what lies
 * idle one for whom an old connection does not do. */
static bool pool_make_room(struct hn_pool *p, struct hn_place *place,
                           const struct hn_waiter *waiter) {
  struct hn_env *env = p->env;
  while (pool_room_for(p, place, waiter) <= 0)
    if (!pool_evict(place)) return false;
  while (pool_is_limited(env) &&
         env->connections >= env->guard->max_connections)
    if (!pool_evict_any(env)) return false;
  return true;
}

/* Whether a dial is worth waiting for: by what was spoken there before. */
static bool pool_may_share(const struct hn_pool *p,
                           const struct hn_pool_wish *w) {
  if (!w->protocols->may_share) return false;
  const struct hn_protocol *spoke = spoken_find(&p->spoken, w->origin.hash);
  return !spoke || spoke->shares;
}

/* What lies idle is given up before memory is short, and before it is said to
 * be: the new connection needs buffers, too. */
static int pool_dial(struct hn_pool *p, struct hn_place *place,
                     const struct hn_pool_wish *w, struct hn_conn **out) {
  struct hn_connect_limits limits = w->limits;
  struct hn_conn *c = NULL;
  int rc;
  limits.alpn = w->protocols->alpn;
  while (account_is_tight(&p->env->account) && pool_evict_any(p->env)) continue;
  do rc = conn_new(p->env, &place->origin, &limits, &c);
  while (rc == HN_ERR_NOT_ENOUGH_MEMORY && pool_evict_any(p->env));
  if (rc) return rc;
  c->pool = p;
  c->place = place;
  place_hold(place);
  place->count++;
  p->opened++;
  c->offer = w->protocols;
  if (pool_may_share(p, w)) list_append(&place->shared, &c->at_place);
  *out = c;
  return 0;
}

/* One that is there and may be used now; NULL: there is none. */
static struct hn_conn *pool_find_any(struct hn_pool *p, struct hn_place *place,
                                     const struct hn_pool_wish *w) {
  struct hn_conn *c = w->fresh ? NULL : pool_find(p, place, w);
  return c || w->fresh ? c : pool_find_drained(p, place, w);
}

static int pool_acquire_at(struct hn_pool *p, struct hn_place *place,
                           const struct hn_pool_wish *w,
                           struct hn_waiter *waiter, struct hn_conn **out) {
  bool may_come = false;
  struct hn_conn *c = pool_find_shared(place, w, &may_come);
  if (!c) c = pool_find_any(p, place, w);
  if (c) {
    p->reused += c->protocol != NULL;
  } else if (may_come || !pool_make_room(p, place, waiter)) {
    bool any = !may_come && pool_room_for(p, place, waiter) > 0;
    waiter_stand(p, waiter, place, any);
    return HN_AGAIN;
  } else {
    int rc = pool_dial(p, place, w, &c);
    if (rc) {
      /* What it would have had is somebody else's now. */
      waiters_call(p, place, NULL);
      return rc;
    }
  }
  pool_take(p, c, w->owner);
  *out = c;
  return 0;
}

/* A dial without an owner goes to the next who could share it, or not on. */
static void pool_offer_dial(struct hn_pool *p, struct hn_place *place) {
  for (struct hn_link *l = place->shared.next; l != &place->shared;) {
    struct hn_conn *c = pool_at_place(l);
    l = l->next;
    if (c->protocol || c->streams > 0) continue;
    if (!pool_hand_over(p, c)) pool_drop(p, c, false);
  }
}

/* One that was called and goes before it came makes room for the next. */
void pool_forget(struct hn_pool *p, struct hn_waiter *waiter) {
  struct hn_place *place = waiter->place;
  bool called = place && waiter->called;
  const struct hn_protocol *speaks = waiter->speaks;
  if (called) place_hold(place);
  waiter_leave(p, waiter);
  if (!called) return;
  pool_offer_dial(p, place);
  waiters_call(p, place, speaks);
  place_let_go(&p->places, place);
}

int pool_acquire(struct hn_pool *p, const struct hn_pool_wish *w,
                 struct hn_waiter *waiter, struct hn_conn **out, bool *reused) {
  struct hn_place *place;
  int rc;
  do rc = places_take(&p->places, &w->origin, &place);
  while (rc && pool_evict_any(p->env));
  if (rc) return rc;
  uint64_t before = p->reused;
  if (!waiter->place) waiter->is_inner = env_is_heard(p->env);
  rc = pool_acquire_at(p, place, w, waiter, out);
  *reused = p->reused != before;
  if (waiter->place && rc != HN_AGAIN) {
    waiter_leave(p, waiter);
    pool_offer_dial(p, place); /* it may have been called for one */
  }
  place_let_go(&p->places, place);
  return rc;
}

void pool_release(struct hn_pool *p, struct hn_conn *c) {
  if (--c->streams > 0)
    pool_settle(p, c);
  else if (c->retired || pool_is_over(p, c->place))
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
  c->streams = 0;
  c->draining = true;
  c->idle_since = env_now_us(p->env);
  expiry_arm(p, expiry_of(p, c));
  if (pool_step_drain(p, &c) || !c) return;
  /* Nobody waits in line for what nobody reads: the first there evicts it. */
  waiters_call(p, c->place, NULL);
}

/* Its exchanges have been woken, and leave it as they hear of it: not all of
 * them may be at it. */
static void pool_break(struct hn_pool *p, struct hn_conn *c) {
  if (c->streams == 0) {
    pool_drop(p, c, false);
    return;
  }
  c->retired = true;
  list_remove(&c->flush);
  list_remove(&c->again);
  conn_unwatch(c);
  pool_unshare(p, c);
}

/* News of one that exchanges share. */
static void pool_serve(struct hn_pool *p, struct hn_conn *c) {
  if (c->blocked) conn_flush_later(c);
  if (c->protocol->conn.on_ready(c) > 0)
    pool_break(p, c);
  else
    pool_settle(p, c);
}

static void pool_look_at_idle(struct hn_pool *p, struct hn_conn *c) {
  int rc = c->protocol->conn.on_ready(c);
  if (rc || c->retired)
    pool_drop(p, c, rc == 0);
  else if (pool_first(&p->idle) != c)
    conn_release_buffers(c);
}

void pool_on_ready(struct hn_conn *c) {
  struct hn_pool *p = c->pool;
  if (c->draining)
    (void)pool_step_drain(p, &c);
  else if (c->streams > 0)
    pool_serve(p, c);
  else if (c->protocol) /* else a dial on its way to its next owner */
    pool_look_at_idle(p, c);
}

void pool_on_conn_timer(struct hn_conn *c) {
  if (c->protocol && c->protocol->conn.on_timer &&
      c->protocol->conn.on_timer(c) > 0)
    pool_break(c->pool, c);
}

void pool_write_queued(struct hn_env *env) {
  struct hn_link queued, *l;
  if (env_is_other(env)) return;
  list_init(&queued);
  list_splice(&queued, &env->unflushed);
  while ((l = list_first(&queued)) != NULL) {
    struct hn_conn *c = HN_CONTAINER_OF(l, struct hn_conn, flush);
    list_remove(l);
    if (c->protocol->conn.on_flush(c) > 0) pool_break(c->pool, c);
  }
}

/* Closes those whose time is over, few at once: the others have their turn in
 * the next step, which is not this millisecond's. */
void pool_on_timer(struct hn_pool *p) {
  struct hn_conn *c = NULL;
  int64_t now = env_now(p->env);
  int64_t next = expiry_next(p, &c);
  for (int few = HN_POOL_EXPIRE; few > 0 && next <= now; few--) {
    pool_drop(p, c, true);
    next = expiry_next(p, &c);
  }
  expiry_arm(p, next <= now ? now + 1 : next);
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
    if (pool_room(p, place) <= 0) continue;
    place_hold(place);
    waiters_call_all(p, place);
    place_let_go(&p->places, place);
  }
}

void pool_set_keep(struct hn_pool *p, int64_t keep) {
  p->keep = keep;
  env_time_passed(p->env);
  pool_on_timer(p);
}
