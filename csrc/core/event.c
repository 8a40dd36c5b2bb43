#include "event.h"

#include "handle.h"

static struct hn_event_record *event_of(struct hn_link *l) {
  return HN_CONTAINER_OF(l, struct hn_event_record, link);
}

int queue_new(hn_runtime *rt, struct hn_queue **out) {
  struct hn_queue *q = mem_calloc(1, sizeof *q);
  if (!q) return HN_ERR_NOT_ENOUGH_MEMORY;
  list_init(&q->events);
  list_append(&rt->queues, &q->link);
  *out = q;
  return 0;
}

/* A closed queue goes when nothing is left in it. */
static void queue_free_if_done(struct hn_queue *q) {
  if (!q->closed || !list_is_empty(&q->events)) return;
  list_remove(&q->link);
  mem_free(q);
}

void queue_close(struct hn_queue *q) {
  q->closed = true;
  queue_free_if_done(q);
}

int event_reserve(hn_runtime *rt, struct hn_event_record **out) {
  struct hn_link *l = list_first(&rt->spare_events);
  struct hn_event_record *r;
  if (l) {
    list_remove(l);
    rt->spare_event_count--;
    r = event_of(l);
  } else {
    r = account_alloc(&rt->env.account, sizeof *r);
    if (!r) return HN_ERR_NOT_ENOUGH_MEMORY;
    memset(r, 0, sizeof *r);
    list_init(&r->link);
    list_init(&r->all);
  }
  r->event = (struct hn_event){0};
  r->untaken = NULL;
  buf_init_on(&r->text, SIZE_MAX / 2, &rt->env.account);
  *out = r;
  return 0;
}

/* A record in no list and without text is done with. */
static void event_keep(hn_runtime *rt, struct hn_event_record *r) {
  if (rt->spare_event_count + 1 > HN_SPARE_RECORDS) {
    account_free(&rt->env.account, r);
    return;
  }
  list_prepend(&rt->spare_events, &r->link);
  rt->spare_event_count++;
}

void event_unreserve(hn_runtime *rt, struct hn_event_record *r) {
  if (!r) return;
  if (r->untaken) *r->untaken = NULL;
  spares_give(&rt->env.spares, &r->text);
  event_keep(rt, r);
}

void event_post_reserved(hn_runtime *rt, struct hn_queue *q, hn_handle h,
                         struct hn_event_record *r) {
  r->event.handle = h;
  r->event.session = q->session;
  r->queue = q;
  rt->event_number++;
  list_append(&q->events, &r->link);
  list_append(&rt->events, &r->all);
  rt->queued++;
  runtime_note(rt);
}

int event_post(hn_runtime *rt, struct hn_queue *q, const struct hn_event *e) {
  struct hn_event_record *r;
  int rc = event_reserve(rt, &r);
  if (rc) return rc;
  r->event.status = e->status;
  r->event.number = e->number;
  if (e->text.n > 0) rc = buf_append(&r->text, e->text);
  if (rc) {
    event_unreserve(rt, r);
    return rc;
  }
  r->event.text = buf_peek(&r->text);
  event_post_reserved(rt, q, e->handle, r);
  return 0;
}

static void event_unlink(hn_runtime *rt, struct hn_event_record *r) {
  list_remove(&r->link);
  list_remove(&r->all);
  rt->queued--;
}

void event_drop(hn_runtime *rt, struct hn_event_record *r) {
  event_unlink(rt, r);
  event_unreserve(rt, r);
}

void event_drop_handle(hn_runtime *rt, struct hn_queue *q, hn_handle h) {
  struct hn_link *l = q->events.next;
  while (l != &q->events) {
    struct hn_event_record *r = event_of(l);
    l = l->next;
    if (h == 0 || r->event.handle == h) event_drop(rt, r);
  }
}

void event_drop_all(hn_runtime *rt) {
  struct hn_link *l;
  while ((l = list_first(&rt->queues)) != NULL) {
    struct hn_queue *q = HN_CONTAINER_OF(l, struct hn_queue, link);
    event_drop_handle(rt, q, 0);
    list_remove(l);
    mem_free(q);
  }
  while ((l = list_first(&rt->spare_events)) != NULL) {
    list_remove(l);
    account_free(&rt->env.account, event_of(l));
  }
  rt->spare_event_count = HN_SPARE_RECORDS; /* keep nothing from here on */
}

/* Hands over a record in no list; its text stays parked until the next take. */
static void event_hand_over(hn_runtime *rt, struct hn_event_record *r,
                            struct hn_event *out) {
  spares_give(&rt->env.spares, &rt->parked);
  *out = r->event;
  if (r->text.bytes) {
    rt->parked = r->text;
    buf_init(&r->text, SIZE_MAX / 2);
  }
  event_keep(rt, r);
}

/* The queue goes with its last event when its session is gone. */
static void event_hand_out(hn_runtime *rt, struct hn_event_record *r,
                           struct hn_event *out) {
  if (r->untaken) *r->untaken = NULL;
  event_unlink(rt, r);
  queue_free_if_done(r->queue);
  event_hand_over(rt, r, out);
}

void event_give_reserved(hn_runtime *rt, const struct hn_queue *q, hn_handle h,
                         struct hn_event_record *r, struct hn_event *out) {
  r->event.handle = h;
  r->event.session = q->session;
  event_hand_over(rt, r, out);
}

static struct hn_event_record *event_first(const struct hn_queue *q) {
  struct hn_link *l = list_first(&q->events);
  return l ? event_of(l) : NULL;
}

/* The oldest event of a handle that is closed: a session's whole queue, or what
 * is left of another. */
static struct hn_event_record *event_oldest_of_closed(const hn_runtime *rt,
                                                      hn_handle h) {
  bool session = hn_kind_of(h) == HN_KIND_SESSION;
  for (struct hn_link *l = rt->events.next; l != &rt->events; l = l->next) {
    struct hn_event_record *r = HN_CONTAINER_OF(l, struct hn_event_record, all);
    if ((session ? r->event.session : r->event.handle) == h) return r;
  }
  return NULL;
}

/* The oldest in a scope, see hn_next_event. */
static struct hn_event_record *event_oldest(const hn_runtime *rt,
                                            hn_handle scope) {
  struct hn_node *n;
  if (scope == 0)
    return HN_CONTAINER_OF(rt->events.next, struct hn_event_record, all);
  if (node_find_any(rt, scope, &n)) return event_oldest_of_closed(rt, scope);
  if (!n->parent) return event_first(n->queue);
  struct hn_link *events = &n->queue->events;
  for (struct hn_link *l = events->next; l != events; l = l->next)
    if (event_of(l)->event.handle == scope) return event_of(l);
  return NULL;
}

bool event_take(hn_runtime *rt, hn_handle scope, struct hn_event *out) {
  if (rt->queued == 0) return false;
  struct hn_event_record *r = event_oldest(rt, scope);
  if (r) event_hand_out(rt, r, out);
  return r != NULL;
}

void event_take_record(hn_runtime *rt, struct hn_event_record *r,
                       struct hn_event *out) {
  event_hand_out(rt, r, out);
}

bool event_take_result(hn_runtime *rt, hn_handle h, enum hn_op op,
                       struct hn_event *out) {
  struct hn_node *n;
  struct hn_event_record *r;
  if (rt->queued == 0) return false;
  if (node_find_any(rt, h, &n) == 0)
    r = event_first(n->queue);
  else
    r = event_oldest_of_closed(rt, h);
  if (!r || r->event.handle != h || r->event.op != op ||
      event_first(r->queue) != r)
    return false;
  event_hand_out(rt, r, out);
  return true;
}
