/*
 * runtime.h: everything one user of the engine owns. Data, no behaviour.
 *
 * Nothing outside this struct changes while the engine works: two runtimes on
 * two threads never meet.
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

#endif
