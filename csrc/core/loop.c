#include "loop.h"

#include <assert.h>

enum {
  HN_LOOP_UNWAITED = 16, /* steps in a row that may go by without a look */
};

int hn_runtime_new(hn_runtime **out) {
  assert(out);
  hn_runtime *rt = mem_calloc(1, sizeof *rt);
  if (!rt) return HN_ERR_NOT_ENOUGH_MEMORY;
  list_init(&rt->sessions);
  list_init(&rt->ready);
  list_init(&rt->running);
  list_init(&rt->held);
  list_init(&rt->queues);
  list_init(&rt->events);
  list_init(&rt->spare_events);
  list_init(&rt->spare_requests);
  blocks_init(&rt->requests, sizeof(struct hn_request));
  list_init(&rt->draining);
  list_init(&rt->env.pools);
  list_init(&rt->env.woken);
  list_init(&rt->env.unfinished);
  heap_init(&rt->env.deadlines);
  slots_init(&rt->env.slots);
  spares_init(&rt->env.spares, &rt->env.account);
  buf_init(&rt->parked, SIZE_MAX / 2);
  int rc = parts_init(&rt->env.parts);
  if (rc == 0) rc = runtime_connect(&rt->env);
  if (rc) {
    hn_runtime_free(rt);
    return rc;
  }
  *out = rt;
  return 0;
}

void hn_runtime_free(hn_runtime *rt) {
  if (!rt) return;
  if (rt->user) *rt->user = NULL;
  runtime_drop_all(rt);
  request_free_spares(rt);
  blocks_fini(&rt->requests);
  runtime_disconnect(&rt->env);
  parts_fini(&rt->env.parts);
  buf_fini(&rt->parked);
  spares_fini(&rt->env.spares);
  guard_free(rt->env.guard);
  heap_fini(&rt->env.deadlines);
  slots_fini(&rt->env.slots);
  mem_free(rt);
}

void hn_wake(hn_runtime *rt) {
  assert(rt);
  if (!env_is_other(&rt->env)) reactor_wake(rt->env.reactor);
}

const char *hn_reactor_name(void) {
  return reactor_name();
}

int hn_pollable(hn_runtime *rt, int *fd) {
  assert(rt && fd);
  if (env_is_other(&rt->env)) return HN_ERR_SHUTDOWN;
  int rc = reactor_open_fd(rt->env.reactor, fd);
  if (rc) return rc;
  rt->is_watched = true;
  runtime_tell(rt);
  return 0;
}

int64_t hn_next_timeout(hn_runtime *rt) {
  assert(rt);
  if (env_is_other(&rt->env)) return -1;
  if (runtime_is_busy(rt)) return 0;
  const struct hn_timer *t = heap_peek(&rt->env.deadlines);
  if (!t) return -1;
  rt->env.now_us = 0; /* time has passed since the last step */
  int64_t left = t->when - env_now(&rt->env);
  return left > 0 ? left : 0;
}

static void loop_step_request(struct hn_request *r) {
  if (r->tx.running) sending_step(r);
  if (r->rx.running) receiving_step(r);
}

/* Whether a take of `scope` may release the hold of a request: a callback that
 * blocks takes too, but for its own operations only. */
static bool loop_is_within(const struct hn_request *r, hn_handle scope) {
  return scope == 0 || scope == r->node.id || scope == r->node.session->id;
}

/* A redirect waits until the take after its own: whoever took it may have shown
 * it to a callback that blocked, changed the request or closed it. */
static void loop_release_holds(hn_runtime *rt, hn_handle scope) {
  struct hn_link *l = rt->held.next;
  while (l != &rt->held) {
    struct hn_request *r = HN_CONTAINER_OF(l, struct hn_request, hold);
    l = l->next;
    if (!loop_is_within(r, scope)) continue;
    list_remove(&r->hold);
    receiving_release_hold(r);
  }
}

bool hn_next_event(hn_runtime *rt, hn_handle scope, struct hn_event *out) {
  assert(rt && out);
  struct hn_request *r;
  if (env_is_other(&rt->env)) return false;
  if (!list_is_empty(&rt->held)) loop_release_holds(rt, scope);
  bool taken = event_take(rt, scope, out);
  if (taken && out->status == HN_STATUS_REDIRECT &&
      request_find(rt, out->handle, &r) == 0 && list_is_empty(&r->hold))
    list_append(&rt->held, &r->hold);
  runtime_note(rt);
  return taken;
}

bool hn_take_result(hn_runtime *rt, hn_handle h, enum hn_op op,
                    struct hn_event *out) {
  assert(rt && out);
  if (env_is_other(&rt->env)) return false;
  if (!list_is_empty(&rt->held)) loop_release_holds(rt, h);
  bool taken = event_take_result(rt, h, op, out);
  runtime_note(rt);
  return taken;
}

bool hn_try_result(hn_runtime *rt, hn_handle h, enum hn_op op,
                   struct hn_event *out) {
  assert(out);
  struct hn_request *r;
  if (request_find(rt, h, &r) != 0 || r->node.mask != 0) return false;
  if (++rt->unwaited > HN_LOOP_UNWAITED) return false;
  bool sends = op == HN_OP_SEND_REQUEST || op == HN_OP_WRITE_DATA;
  struct hn_operation *o = sends ? &r->tx : &r->rx;
  if (o->api != op) return false;
  if (o->untaken) {
    event_take_record(rt, o->untaken, out);
    runtime_note(rt);
    return true;
  }
  rt->env.now_us = 0;
  list_remove(&r->ready);
  o->taker = out;
  loop_step_request(r);
  bool taken = o->taker == NULL;
  o->taker = NULL;
  runtime_note(rt);
  return taken;
}

/* Exchanges for which a connection, or a place for one, has become free. */
static void loop_wake(hn_runtime *rt) {
  struct hn_link *l;
  struct hn_request *r;
  while ((l = list_first(&rt->env.woken)) != NULL) {
    struct hn_waiter *w = HN_CONTAINER_OF(l, struct hn_waiter, link);
    list_remove(l);
    if (request_find(rt, w->owner, &r) == 0) request_make_ready(r);
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
    list_remove(l);
    loop_step_request(HN_CONTAINER_OF(l, struct hn_request, ready));
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

static struct hn_request *loop_owner(hn_runtime *rt, const struct hn_conn *c) {
  struct hn_node *n;
  if (node_find(rt, c->owner, HN_KIND_REQUEST, &n))
    return NULL;
  return request_from(n);
}

/* A redirect that waits to be heard reads nothing, nor does a copy whose file
 * has no room. */
static bool loop_reads(const struct hn_request *r) {
  return r->rx.running && !r->rx.file_waits &&
         r->state != HN_REQUEST_REDIRECTING;
}

/* Readiness of a file that an operation copies from or to. */
static void loop_on_file(hn_runtime *rt, uint64_t tag) {
  struct hn_request *r;
  if (request_find(rt, tag, &r) == 0) loop_step_request(r);
}

/* Readiness of a connection: its exchange goes on, or its pool looks at it. */
static void loop_on_ready(hn_runtime *rt, const struct hn_ready *ready) {
  struct hn_conn *c = slots_get(&rt->env.slots, ready->tag, HN_SLOT_CONN);
  if (!c) { /* a file, or late news about a closed connection */
    loop_on_file(rt, ready->tag);
    return;
  }
  conn_mark_ready(c, ready->what);
  if (c->owner == 0) {
    pool_on_ready(c);
    return;
  }
  struct hn_request *r = loop_owner(rt, c);
  if (!r) return;
  loop_step_request(r);
  /* Still readable and nobody reads: level triggering would report it again
   * and again. */
  c = slots_get(&rt->env.slots, ready->tag, HN_SLOT_CONN);
  if (c && c->owner && c->readable && !loop_reads(r)) conn_pause(c);
}

static void loop_on_resolved(hn_runtime *rt, const struct hn_resolved *answer) {
  struct hn_conn *c = slots_get(&rt->env.slots, answer->tag, HN_SLOT_CONN);
  if (!c || !c->dial) return;
  dial_give_resolved(c->dial, answer);
  struct hn_request *r = loop_owner(rt, c);
  if (r) loop_step_request(r);
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

static void loop_on_timer(hn_runtime *rt, const struct hn_timer *t) {
  struct hn_slots *slots = &rt->env.slots;
  void *p = slots_get_any(slots, t->tag);
  if (!p) return;
  enum hn_timer_kind kind = (enum hn_timer_kind)t->kind;
  if (kind == HN_TIMER_CONN) {
    struct hn_request *r = loop_owner(rt, p);
    if (r) loop_step_request(r);
  } else if (kind == HN_TIMER_POOL) {
    struct hn_node *n = p;
    pool_on_timer(&session_of(n)->pool);
  } else {
    transfer_on_timeout(request_from(p), kind);
  }
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
  int rc = reactor_wait(rt->env.reactor, wait, rt->news, HN_RUNTIME_NEWS,
                        &count);
  if (rc) return rc;
  rt->news_at = 0;
  rt->news_count = count;
  rt->env.now_us = 0;
  if (start) rt->until += env_now_us(&rt->env) - start; /* waiting is no work */
  int64_t seen_at = env_now_us(&rt->env);
  rt->round = HN_ROUND_RESOLVE;
  if (loop_finish_round(rt) && count < HN_RUNTIME_NEWS)
    rt->env.seen_at = seen_at;
  return 0;
}

static int loop_step(hn_runtime *rt, int64_t max_wait) {
  rt->env.now_us = 0;
  if (rt->budget > 0) rt->until = clock_now_us() + rt->budget;
  if (rt->round > HN_ROUND_RUN && !loop_finish_round(rt)) return 0;
  if (rt->round == HN_ROUND_OVER) loop_begin_round(rt);
  if (!loop_run(rt)) return 0;
  rt->round = HN_ROUND_OVER;
  int64_t wait = loop_wait_time(rt, max_wait);
  if (wait == 0 && max_wait != 0 && ++rt->unwaited < HN_LOOP_UNWAITED)
    return 0;
  return loop_wait(rt, wait);
}

int hn_step(hn_runtime *rt, int64_t max_wait) {
  assert(rt);
  if (env_is_other(&rt->env)) return HN_ERR_SHUTDOWN;
  int rc = loop_step(rt, max_wait);
  rt->event_seen = rt->event_number;
  runtime_note(rt);
  return rc;
}
