/*
 * take.c: hn_next_event, hn_take_result and hn_try_result: how what happened is
 * handed out, and what waits until it was heard goes on.
 */
#include "duplex.h"

#include <assert.h>

enum {
  HN_TAKE_UNWAITED = 16, /* tries in a row that may go by without a look, */
  HN_TAKE_OF_NEWS = 4,   /* and so many for each thing the last one brought */
};

/* The oldest event of a handle that is closed: a session's whole queue, or what
 * is left of another. */
static struct hn_event_record *take_oldest_of_closed(const hn_runtime *rt,
                                                     hn_handle h) {
  bool session = hn_kind_of(h) == HN_KIND_SESSION;
  for (struct hn_link *l = rt->events.next; l != &rt->events; l = l->next) {
    struct hn_event_record *r = HN_CONTAINER_OF(l, struct hn_event_record, all);
    if ((session ? r->event.session : r->event.handle) == h) return r;
  }
  return NULL;
}

/* The oldest in a scope, see hn_next_event. */
static struct hn_event_record *take_oldest(const hn_runtime *rt,
                                           hn_handle scope) {
  struct hn_node *n;
  if (scope == 0)
    return HN_CONTAINER_OF(rt->events.next, struct hn_event_record, all);
  if (node_find_any(rt, scope, &n)) return take_oldest_of_closed(rt, scope);
  if (!n->parent) return event_first(n->queue);
  struct hn_link *events = &n->queue->events;
  for (struct hn_link *l = events->next; l != events; l = l->next) {
    struct hn_event_record *r =
        HN_CONTAINER_OF(l, struct hn_event_record, link);
    if (r->event.handle == scope) return r;
  }
  return NULL;
}

/* Whether a take of `scope` may release the hold of a node: a callback that
 * blocks takes too, but for its own operations only. */
static bool take_is_within(const struct hn_node *n, hn_handle scope) {
  return scope == 0 || scope == n->id || scope == n->session->id;
}

/* What was announced waits until the take after its own: whoever took it may
 * have shown it to a callback that blocked, changed the request or closed it.
 */
static void take_release_holds(hn_runtime *rt, hn_handle scope) {
  struct hn_link *l = rt->env.told.next;
  while (l != &rt->env.told) {
    struct hn_node *n = HN_CONTAINER_OF(l, struct hn_node, hold);
    l = l->next;
    if (!take_is_within(n, scope)) continue;
    list_remove(&n->hold);
    n->ops->go_on(n);
  }
}

/* What a node announced last is being heard from here on. */
static void take_note_hold(hn_runtime *rt, const struct hn_event *ev) {
  struct hn_node *n;
  if (!(ev->status & HN_STATUS_HOLDS)) return;
  if (node_find_any(rt, ev->handle, &n) || --n->unheard > 0) return;
  if (n->ops->go_on) list_append(&rt->env.told, &n->hold);
}

void hn_hear(hn_runtime *rt, hn_handle h, bool on) {
  struct hn_node *n;
  if (node_find_any(rt, h, &n) || list_is_empty(&n->hold)) return;
  list_remove(&n->hold);
  list_append(on ? &rt->env.hearing : &rt->env.told, &n->hold);
  runtime_note(rt);
}

bool hn_next_event(hn_runtime *rt, hn_handle scope, struct hn_event *out) {
  assert(rt && out);
  struct hn_event_record *r = NULL;
  if (env_is_other(&rt->env)) return false;
  if (!list_is_empty(&rt->env.told)) take_release_holds(rt, scope);
  if (rt->queued > 0) r = take_oldest(rt, scope);
  if (r) {
    event_take_record(rt, r, out);
    take_note_hold(rt, out);
  }
  runtime_note(rt);
  return r != NULL;
}

bool hn_has_event(const hn_runtime *rt, hn_handle scope) {
  assert(rt);
  if (env_is_other(&rt->env)) return false;
  if (!list_is_empty(&rt->env.told)) return true;
  return rt->queued > 0 && take_oldest(rt, scope) != NULL;
}

/* The completion of an operation, if nothing else of its session is before. */
static struct hn_event_record *take_result(const hn_runtime *rt, hn_handle h,
                                           enum hn_op op) {
  struct hn_node *n;
  if (rt->queued == 0) return NULL;
  struct hn_event_record *r = node_find_any(rt, h, &n) == 0
                                  ? event_first(n->queue)
                                  : take_oldest_of_closed(rt, h);
  if (!r || r->event.handle != h || r->event.op != op) return NULL;
  return event_first(r->queue) == r ? r : NULL;
}

bool hn_take_result(hn_runtime *rt, hn_handle h, enum hn_op op,
                    struct hn_event *out) {
  assert(rt && out);
  if (env_is_other(&rt->env)) return false;
  if (!list_is_empty(&rt->env.told)) take_release_holds(rt, h);
  struct hn_event_record *r = take_result(rt, h, op);
  if (r) event_take_record(rt, r, out);
  runtime_note(rt);
  return r != NULL;
}

bool hn_try_result(hn_runtime *rt, hn_handle h, enum hn_op op,
                   struct hn_event *out) {
  assert(out);
  struct hn_node *n;
  if (node_find_any(rt, h, &n) || n->mask != 0 || !n->ops->step) return false;
  if (++rt->unwaited > HN_TAKE_UNWAITED + HN_TAKE_OF_NEWS * rt->news_count)
    return false;
  struct hn_operation *o = duplex_operation(n, op);
  if (!o) return false;
  if (o->untaken) {
    event_take_record(rt, o->untaken, out);
    runtime_note(rt);
    return true;
  }
  env_time_passed(&rt->env);
  list_remove(&n->ready);
  o->taker = out;
  n->ops->step(n);
  bool taken = o->taker == NULL;
  o->taker = NULL;
  runtime_note(rt);
  return taken;
}
