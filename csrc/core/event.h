/*
 * event.h: what happened, by value, in one queue for each session and in one
 * list of all, in the order of posting.
 *
 * Posting appends, taking hands out the oldest and parks its text in the
 * runtime until the next take. A completion and a handle_closing must never
 * get lost for want of memory, so their records are reserved beforehand and
 * posted by event_post_reserved, which cannot fail. A queue outlives its
 * session until the last event is taken.
 */
#ifndef HN_CORE_EVENT_H
#define HN_CORE_EVENT_H

#include "runtime.h"

struct hn_queue;

struct hn_event_record {
  struct hn_link link;    /* in its queue, or the spare ones */
  struct hn_link all;     /* in the runtime's list of all events */
  struct hn_queue *queue; /* borrowed: while it is queued */
  struct hn_event event;
  struct hn_buf text; /* owned: what event.text shows, when not static */
  /* Where its operation remembers it; set to NULL when it is taken or dropped.
   * Borrowed: the operation clears it if it goes first. */
  struct hn_event_record **untaken;
};

struct hn_queue {
  struct hn_link link;   /* in the runtime's list */
  struct hn_link events; /* hn_event_record.link, oldest first; owned */
  hn_handle session;
  bool is_async;
  bool closed; /* the session is gone */
};

/* An empty queue, entered in the runtime's list. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int queue_new(hn_runtime *rt, struct hn_queue **out);
/* The session is gone: the queue goes with its last event. */
HN_INTERNAL void queue_close(struct hn_queue *q);

/* A record of one's own. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int event_reserve(hn_runtime *rt, struct hn_event_record **out);
/* Gives back a record that was not posted; NULL is nothing. */
HN_INTERNAL void event_unreserve(hn_runtime *rt, struct hn_event_record *r);

/* Queues a reserved record for handle h; the queue owns it from here on. */
HN_INTERNAL void event_post_reserved(hn_runtime *rt, struct hn_queue *q,
                                     hn_handle h, struct hn_event_record *r);

/* Hands a reserved record of handle h to the taker that waits for it, past the
 * queue. */
HN_INTERNAL void event_give_reserved(hn_runtime *rt, const struct hn_queue *q,
                                     hn_handle h, struct hn_event_record *r,
                                     struct hn_event *out);

/* Queues a notification: handle, status, number and text of e, the text being
 * copied. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int event_post(hn_runtime *rt, struct hn_queue *q,
                           const struct hn_event *e);

/* The oldest of a queue, or NULL. */
HN_INTERNAL struct hn_event_record *event_first(const struct hn_queue *q);
/* Takes a queued record, whatever is before it. */
HN_INTERNAL void event_take_record(hn_runtime *rt, struct hn_event_record *r,
                                   struct hn_event *out);

/* Drops a queued event of an open session. */
HN_INTERNAL void event_drop(hn_runtime *rt, struct hn_event_record *r);
/* Drops every queued event of a handle; h 0: of all. */
HN_INTERNAL void event_drop_handle(hn_runtime *rt, struct hn_queue *q,
                                   hn_handle h);

/* Drops everything of a runtime that ends. */
HN_INTERNAL void event_drop_all(hn_runtime *rt);

#endif
