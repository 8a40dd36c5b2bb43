/*
 * loop.c: hn_step, the one function that waits.
 *
 * One round, in this order: run what is ready; wait once, unless there is news
 * for the caller; take look-up answers; step what the reactor reported; expire
 * deadlines. Each thing done is small: a connection moves a portion of bytes
 * (env_portion), a pool closes a few connections. A step finishes the round
 * that a budget has cut short, and goes through one more; it never loops, so
 * that whoever called regains control after one wait at most.
 */
#include <assert.h>

#include "../http/pool.h"
#include "duplex.h"

enum {
  HN_LOOP_UNWAITED = 16, /* steps in a row that may go by without a look */
};

/* The node that drives something on the network; NULL when it is gone. */
static struct hn_node *loop_node(const hn_runtime *rt, hn_handle h) {
  struct hn_node *n;
  return node_find_any(rt, h, &n) == 0 && n->ops->step ? n : NULL;
}

/* Exchanges for which a connection, or a place for one, has become free, or for
 * which a shared one has brought something. */
static void loop_wake(hn_runtime *rt) {
  struct hn_link *l;
  while ((l = list_first(&rt->env.woken)) != NULL) {
    const struct hn_wake *w = HN_CONTAINER_OF(l, struct hn_wake, link);
    struct hn_node *n = loop_node(rt, w->owner);
    list_remove(l);
    if (n) duplex_make_ready(n);
  }
}

/* Whether this step has worked for as long as it may. Asked after each thing
 * done, so that every step does one at least; without a limit no clock is read
 * for it. */
static bool loop_is_over(const hn_runtime *rt) {
  return rt->budget > 0 && clock_now_us() >= rt->until;
}

/* A round begins with the operations that were started or have used up their
 * turn. Those that become ready again meanwhile wait for the next round. */
static void loop_begin_round(hn_runtime *rt) {
  loop_wake(rt);
  list_splice(&rt->running, &rt->ready);
  list_splice(&rt->draining, &rt->env.unfinished);
  rt->round = HN_ROUND_RUN;
}

/* This and the other parts of a round: false when the step must end. */
static bool loop_run(hn_runtime *rt) {
  struct hn_link *l;
  while ((l = list_first(&rt->running)) != NULL) {
    struct hn_node *n = HN_CONTAINER_OF(l, struct hn_node, ready);
    list_remove(l);
    n->ops->step(n);
    if (loop_is_over(rt)) return false;
  }
  while ((l = list_first(&rt->draining)) != NULL) {
    list_remove(l);
    pool_on_ready(HN_CONTAINER_OF(l, struct hn_conn, again));
    if (loop_is_over(rt)) return false;
  }
  return true;
}

/* How long a wait may last: 0 when there is something new to hand out, or
 * something to do. What was queued before the last step does not count: it may
 * be for somebody who does not look now, and would keep the others spinning. */
static int64_t loop_wait_time(hn_runtime *rt, int64_t max_wait) {
  bool news = rt->queued > 0 && rt->event_number != rt->event_seen;
  if (news || !list_is_empty(&rt->ready) || !list_is_empty(&rt->env.woken) ||
      !list_is_empty(&rt->env.unfinished))
    return 0;
  const struct hn_timer *t = heap_peek(&rt->env.deadlines);
  if (!t || max_wait == 0) return max_wait;
  int64_t left = t->when - env_now(&rt->env);
  if (left < 0) left = 0;
  return max_wait < 0 || left < max_wait ? left : max_wait;
}

static void loop_step_node(hn_runtime *rt, hn_handle h) {
  struct hn_node *n = loop_node(rt, h);
  if (n) n->ops->step(n);
}

/* Readiness of a connection: its exchange goes on, or its pool looks at it. */
static void loop_on_ready(hn_runtime *rt, const struct hn_ready *ready) {
  struct hn_conn *c = slots_get(&rt->env.slots, ready->tag, HN_SLOT_CONN);
  if (!c) { /* a file, or late news about a closed connection */
    loop_step_node(rt, ready->tag);
    return;
  }
  conn_mark_ready(c, ready->what);
  if (c->owner == 0) {
    pool_on_ready(c);
    return;
  }
  if (c->is_on_hold) conn_unwatch(c);
  struct hn_node *n = loop_node(rt, c->owner);
  if (!n) return;
  n->ops->step(n);
  /* Still readable and nobody reads: level triggering would report it again
   * and again. */
  c = slots_get(&rt->env.slots, ready->tag, HN_SLOT_CONN);
  if (c && c->owner && c->readable && !n->ops->reads(n)) conn_pause(c);
}

static void loop_on_resolved(hn_runtime *rt, const struct hn_resolved *answer) {
  struct hn_conn *c = slots_get(&rt->env.slots, answer->tag, HN_SLOT_CONN);
  if (!c || !c->dial) return;
  dial_give_resolved(c->dial, answer);
  loop_step_node(rt, c->owner);
}

static bool loop_take_resolved(hn_runtime *rt) {
  struct hn_resolved answer;
  while (resolver_take(rt->env.resolver, env_now(&rt->env), &answer)) {
    loop_on_resolved(rt, &answer);
    if (loop_is_over(rt)) return false;
  }
  return true;
}

static bool loop_take_news(hn_runtime *rt) {
  while (rt->news_at < rt->news_count) {
    loop_on_ready(rt, &rt->news[rt->news_at++]);
    if (loop_is_over(rt)) return false;
  }
  return true;
}

/* A connection's time is its owner's to look at, or its protocol's; any other
 * timer has the tag of its node. */
static void loop_on_timer(hn_runtime *rt, const struct hn_timer *t) {
  struct hn_conn *c = slots_get(&rt->env.slots, t->tag, HN_SLOT_CONN);
  struct hn_node *n;
  if (c && c->owner == 0)
    pool_on_conn_timer(c);
  else if (c)
    loop_step_node(rt, c->owner);
  else if (node_find_any(rt, t->tag, &n) == 0 && n->ops->expire)
    n->ops->expire(n, t);
}

static bool loop_expire(hn_runtime *rt) {
  struct hn_timer *t;
  if (!heap_peek(&rt->env.deadlines)) return true;
  while ((t = heap_take_expired(&rt->env.deadlines, env_now(&rt->env)))) {
    loop_on_timer(rt, t);
    if (loop_is_over(rt)) return false;
  }
  return true;
}

/* What comes after the wait; false when the step must end before all of it. */
static bool loop_finish_round(hn_runtime *rt) {
  if (rt->round == HN_ROUND_RESOLVE && loop_take_resolved(rt))
    rt->round = HN_ROUND_NEWS;
  if (rt->round == HN_ROUND_NEWS && loop_take_news(rt))
    rt->round = HN_ROUND_EXPIRE;
  if (rt->round == HN_ROUND_EXPIRE && loop_expire(rt))
    rt->round = HN_ROUND_OVER;
  return rt->round == HN_ROUND_OVER;
}

/* Waits, and does what there is to do then. Kept out of the way of the steps
 * that do not wait. */
__attribute__((noinline)) static int loop_wait(hn_runtime *rt, int64_t wait) {
  size_t count = 0;
  int64_t start = rt->budget > 0 && wait != 0 ? clock_now_us() : 0;
  rt->unwaited = 0;
  int rc =
      reactor_wait(rt->env.reactor, wait, rt->news, HN_RUNTIME_NEWS, &count);
  if (rc) return rc;
  rt->news_at = 0;
  rt->news_count = count;
  env_time_passed(&rt->env);
  if (start) rt->until += env_now_us(&rt->env) - start; /* waiting is no work */
  int64_t seen_at = env_now_us(&rt->env);
  rt->round = HN_ROUND_RESOLVE;
  if (loop_finish_round(rt) && count < HN_RUNTIME_NEWS)
    rt->env.seen_at = seen_at;
  return 0;
}

static int loop_step(hn_runtime *rt, int64_t max_wait) {
  env_time_passed(&rt->env);
  if (rt->budget > 0) rt->until = clock_now_us() + rt->budget;
  if (rt->round > HN_ROUND_RUN && !loop_finish_round(rt)) return 0;
  if (rt->round == HN_ROUND_OVER) loop_begin_round(rt);
  if (!loop_run(rt)) return 0;
  rt->round = HN_ROUND_OVER;
  pool_flush(&rt->env);
  int64_t wait = loop_wait_time(rt, max_wait);
  if (wait == 0 && max_wait != 0 && ++rt->unwaited < HN_LOOP_UNWAITED) return 0;
  return loop_wait(rt, wait);
}

int hn_step(hn_runtime *rt, int64_t max_wait) {
  assert(rt);
  if (env_is_other(&rt->env)) return HN_ERR_SHUTDOWN;
  int rc = loop_step(rt, max_wait);
  pool_flush(&rt->env);
  rt->event_seen = rt->event_number;
  runtime_note(rt);
  return rc;
}
