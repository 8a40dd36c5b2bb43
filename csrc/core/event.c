#include "event.h"

#include "../base/mem.h"

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

/* A record in no list is done with; its text is somebody's, or was given back.
 */
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
  if (r->text.bytes) rt->parked = r->text;
  event_keep(rt, r);
}

/* The queue goes with its last event when its session is gone. */
void event_take_record(hn_runtime *rt, struct hn_event_record *r,
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

struct hn_event_record *event_first(const struct hn_queue *q) {
  struct hn_link *l = list_first(&q->events);
  return l ? event_of(l) : NULL;
}
