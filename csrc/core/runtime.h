/*
 * runtime.h: everything one user of the engine owns: data, and what is asked of
 * it from outside. How it begins and ends: life.h.
 *
 * Nothing outside this struct changes while the engine works: two runtimes on
 * two threads never meet. In a forked child every handle is invalid; what they
 * stood for is freed there, with no byte sent or read, when the child frees the
 * runtime or opens a session of its own.
 */
#ifndef HN_CORE_RUNTIME_H
#define HN_CORE_RUNTIME_H

#include "../base/block.h"
#include "../hinternet_option.h"
#include "../net/env.h"

#if defined(__SANITIZE_ADDRESS__)
enum { HN_SPARE_RECORDS = 0 }; /* every use after free must be seen */
#else
enum { HN_SPARE_RECORDS = 32 };
#endif

enum { HN_RUNTIME_NEWS = 64 }; /* descriptors reported by one wait */

/* Where hn_step is in its round of work. A budget may end a step anywhere; the
 * next one goes on there, so that everything in a round gets its turn. */
enum hn_round {
  HN_ROUND_OVER,
  HN_ROUND_RUN,     /* operations that were ready when the round began */
  HN_ROUND_RESOLVE, /* the wait is over: look-up answers, */
  HN_ROUND_NEWS,    /* what the reactor reported, */
  HN_ROUND_EXPIRE,  /* deadlines */
};

/* Where the records of a kind of handle come from, and go to be used again. */
struct hn_records {
  struct hn_blocks blocks;
  struct hn_link spare; /* hn_node.ready; owned */
  size_t spare_count;
};

struct hn_runtime {
  struct hn_env env;
  struct hn_link sessions;     /* hn_node.sibling of what has no parent */
  struct hn_link ready;        /* hn_node.ready: operations to step */
  struct hn_link running;      /* the same: those of this round */
  struct hn_link draining;     /* hn_conn.again: those of this round */
  struct hn_link queues;       /* hn_queue.link; owned */
  struct hn_link events;       /* hn_event_record.all, oldest first */
  struct hn_link spare_events; /* hn_event_record.link; owned */
  struct hn_records records[HN_SLOT_KINDS]; /* of kinds that use them */
  size_t spare_event_count;
  struct hn_field record[32]; /* hn_query_option's last answer */
  struct hn_buf parked;       /* text of the event taken last */
  uint64_t event_number;      /* of the last event posted */
  uint64_t event_seen;        /* of the last one posted when a step ended */
  size_t queued;              /* events in all queues */
  size_t handles;             /* open */
  size_t operations;          /* running */
  unsigned unwaited;          /* steps in a row that did not wait */
  enum hn_round round;
  struct hn_ready news[HN_RUNTIME_NEWS]; /* of the last wait */
  size_t news_count, news_at;            /* how many, and the next one */
  struct hn_link budgets; /* hn_budget.link: less than the host's */
  int64_t host_budget;    /* us of work in one step; 0: no limit */
  int64_t budget;  /* the same, as it holds: sessions may have asked for less */
  int64_t until;   /* monotonic us: when this step's is used up */
  bool is_watched; /* a foreign loop watches the reactor's descriptor */
  hn_runtime **user; /* borrowed until it gives up the runtime; or NULL */
};

/* True when a step or a take would find something to do, without a look at the
 * network or the clock. */
HN_INTERNAL bool runtime_is_busy(const hn_runtime *rt);

/* Makes the descriptor that a foreign loop watches say whether there is
 * something to do, and from when on. To be called after everything that may
 * have changed that. */
HN_INTERNAL void runtime_tell(hn_runtime *rt);
static inline void runtime_note(hn_runtime *rt) {
  if (rt->is_watched) runtime_tell(rt);
}

#endif
