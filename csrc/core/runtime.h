/*
 * runtime.h: everything one user of the engine owns, and how it begins and
 * ends.
 *
 * Nothing outside this struct changes while the engine works: two runtimes on
 * two threads never meet. In a forked child every handle is invalid; what they
 * stood for is freed there, with no byte sent or read, when the child frees the
 * runtime or opens a session of its own.
 */
#ifndef HN_CORE_RUNTIME_H
#define HN_CORE_RUNTIME_H

#include "../net/env.h"
#include "event.h"

#if defined(__SANITIZE_ADDRESS__)
enum { HN_SPARE_RECORDS = 0 }; /* every use after free must be seen */
#else
enum { HN_SPARE_RECORDS = 32 };
#endif

struct hn_runtime {
  struct hn_env env;
  struct hn_link sessions; /* hn_node.sibling of each open session */
  struct hn_link ready;    /* hn_request.ready: operations to step */
  struct hn_link queues;   /* hn_queue.link; owned */
  struct hn_link spare_events;   /* hn_event_record.link; owned */
  struct hn_link spare_requests; /* hn_request.ready; owned */
  size_t spare_event_count, spare_request_count;
  struct hn_field record[32]; /* hn_query_option's last answer */
  struct hn_buf parked;  /* text of the event taken last */
  uint64_t event_number; /* of the last event posted */
  uint64_t event_seen;   /* of the last one posted when a step ended */
  size_t queued;         /* events in all queues */
  size_t handles;        /* open */
  size_t operations;     /* running */
  struct hn_link held;   /* hn_request.hold: their redirects were taken */
  unsigned unwaited;     /* steps in a row that did not wait */
};

/* Makes process mark, reactor and resolver: all or nothing. NOT_ENOUGH_MEMORY,
 * INTERNAL_ERROR. */
HN_INTERNAL int runtime_connect(struct hn_env *env);
HN_INTERNAL void runtime_disconnect(struct hn_env *env);

/* Closes every handle without a word and drops every event. */
HN_INTERNAL void runtime_drop_all(hn_runtime *rt);

/* In a forked child: lets go of what is the parent's and begins anew; nothing
 * elsewhere. Errors of runtime_connect. */
HN_INTERNAL int runtime_renew(hn_runtime *rt);

#endif
