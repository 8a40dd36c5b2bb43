#include "event.h"

#include "runtime.h"

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

void queue_close(hn_runtime *rt, struct hn_queue *q) {
  (void)rt;
  q->closed = true;
  queue_free_if_done(q);
}

struct hn_queue *queue_find(const hn_runtime *rt, hn_handle session) {
  for (struct hn_link *l = rt->queues.next; l != &rt->queues; l = l->next) {
    struct hn_queue *q = HN_CONTAINER_OF(l, struct hn_queue, link);
    if (q->session == session) return q;
  }
  return NULL;
}

int event_reserve(hn_runtime *rt, struct hn_event_record **out) {
  struct hn_link *l = list_first(&rt->spare_events);
  struct hn_event_record *r;
  if (l) {
    list_remove(l);
    rt->spare_event_count--;
    r = event_of(l);
  } else {
    r = mem_calloc(1, sizeof *r);
    if (!r) return HN_ERR_NOT_ENOUGH_MEMORY;
    list_init(&r->link);
  }
  r->event = (struct hn_event){0};
  r->untaken = NULL;
  r->text.cap = SIZE_MAX / 2;
  *out = r;
  return 0;
}

/* A record in no list and without text is done with. */
static void event_keep(hn_runtime *rt, struct hn_event_record *r) {
  if (rt->spare_event_count + 1 > HN_SPARE_RECORDS) {
    mem_free(r);
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
  r->number = ++rt->event_number;
  list_append(&q->events, &r->link);
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

/* Takes a record out of its queue, and the queue away if that was its last. */
static void event_unlink(hn_runtime *rt, struct hn_queue *q,
                         struct hn_event_record *r) {
  list_remove(&r->link);
  rt->queued--;
  queue_free_if_done(q);
}

void event_drop_handle(hn_runtime *rt, struct hn_queue *q, hn_handle h) {
  struct hn_link *l = q->events.next;
  while (l != &q->events) {
    struct hn_event_record *r = event_of(l);
    l = l->next;
    if (h != 0 && r->event.handle != h) continue;
    list_remove(&r->link);
    rt->queued--;
    event_unreserve(rt, r);
  }
}

void event_drop_all(hn_runtime *rt) {
  struct hn_link *l;
  while ((l = list_first(&rt->queues)) != NULL) {
    struct hn_queue *q = HN_CONTAINER_OF(l, struct hn_queue, link);
    struct hn_link *e;
    while ((e = list_first(&q->events)) != NULL) {
      list_remove(e);
      event_unreserve(rt, event_of(e));
    }
    list_remove(l);
    mem_free(q);
  }
  while ((l = list_first(&rt->spare_events)) != NULL) {
    list_remove(l);
    mem_free(event_of(l));
  }
  rt->spare_event_count = HN_SPARE_RECORDS; /* keep nothing from here on */
  rt->queued = 0;
}

/* Hands a record out; its text stays parked until the next take. */
static void event_hand_out(hn_runtime *rt, struct hn_queue *q,
                           struct hn_event_record *r, struct hn_event *out) {
  spares_give(&rt->env.spares, &rt->parked);
  if (r->untaken) *r->untaken = NULL;
  *out = r->event;
  if (r->text.bytes) {
    rt->parked = r->text;
    buf_init(&r->text, SIZE_MAX / 2);
  }
  event_unlink(rt, q, r);
  event_keep(rt, r);
}

/* The oldest event of a handle in one queue; h 0: of any. */
static struct hn_event_record *event_oldest(const struct hn_queue *q,
                                            hn_handle h) {
  for (struct hn_link *l = q->events.next; l != &q->events; l = l->next)
    if (h == 0 || event_of(l)->event.handle == h) return event_of(l);
  return NULL;
}

static struct hn_event_record *event_oldest_anywhere(const hn_runtime *rt,
                                                     hn_handle h,
                                                     struct hn_queue **where) {
  struct hn_event_record *best = NULL;
  for (struct hn_link *l = rt->queues.next; l != &rt->queues; l = l->next) {
    struct hn_queue *q = HN_CONTAINER_OF(l, struct hn_queue, link);
    struct hn_event_record *r = event_oldest(q, h);
    if (!r || (best && best->number < r->number)) continue;
    best = r;
    *where = q;
  }
  return best;
}

bool event_take(hn_runtime *rt, hn_handle scope, struct hn_event *out) {
  if (rt->queued == 0) return false;
  struct hn_queue *q = scope ? queue_find(rt, scope) : NULL;
  struct hn_event_record *r =
      q ? event_oldest(q, 0) : event_oldest_anywhere(rt, scope, &q);
  if (!r) return false;
  event_hand_out(rt, q, r, out);
  return true;
}

bool event_take_result(hn_runtime *rt, hn_handle h, enum hn_op op,
                       struct hn_event *out) {
  for (struct hn_link *l = rt->queues.next; l != &rt->queues; l = l->next) {
    struct hn_queue *q = HN_CONTAINER_OF(l, struct hn_queue, link);
    struct hn_link *first = list_first(&q->events);
    if (!first || event_of(first)->event.handle != h) continue;
    if (event_of(first)->event.op != op) return false;
    event_hand_out(rt, q, event_of(first), out);
    return true;
  }
  return false;
}
