/*
 * op.h: a pending operation: begun once, completed exactly once.
 *
 * Operations are embedded, one for each side of a request. op_begin reserves
 * the completion's record, so that op_complete and op_fail, the only ways to
 * end, cannot fail themselves. INVARIANT: begun == ended when a handle dies.
 */
#ifndef HN_CORE_OP_H
#define HN_CORE_OP_H

#include "../net/file.h"
#include "handle.h"

struct hn_operation {
  enum hn_op api; /* which one runs, or completed and was not yet taken */
  bool running;
  bool awaited;            /* somebody waits in a loop for it */
  enum hn_timer_kind side; /* HN_TIMER_SEND or HN_TIMER_RECEIVE */
  struct hn_timer timer;
  uint64_t mark;                   /* bytes moved when the timer was set */
  struct hn_event_record *record;  /* owned while running */
  struct hn_event_record *untaken; /* borrowed: posted, in the queue */
  struct hn_event *taker; /* borrowed: takes the completion at once; or NULL */
  struct hn_buf data;     /* owned: bytes read, or a copy of bytes to write */
  struct hn_slice input;  /* what is to be written: in data, or pinned */
  struct hn_file file;    /* read_to, write_from */
  bool file_waits;        /* the reactor watches it */
  enum hn_read_mode mode;
  uint64_t want;  /* bytes asked for */
  uint64_t moved; /* bytes done */
};

HN_INTERNAL void op_init(struct hn_operation *op, hn_handle h,
                         enum hn_timer_kind side);

/* Marks it running. INCORRECT_HANDLE_STATE when it runs already or its last
 * completion was not taken yet, NOT_ENOUGH_MEMORY. */
HN_INTERNAL int op_begin(struct hn_node *n, struct hn_operation *op,
                         enum hn_op api);

/* Ends it with success: posts `status`, whose text is op->data (which goes
 * with it) when bytes were read. */
HN_INTERNAL void op_complete(struct hn_node *n, struct hn_operation *op,
                             uint32_t status, uint64_t number);
/* Ends a read by the end of the body. */
HN_INTERNAL void op_complete_ended(struct hn_node *n, struct hn_operation *op);
/* Ends it with request_error, described by info. */
HN_INTERNAL void op_fail(struct hn_node *n, struct hn_operation *op,
                         const struct hn_errinfo *info);
/* Ends it with nothing posted, and drops a completion not yet taken. */
HN_INTERNAL void op_drop(struct hn_node *n, struct hn_operation *op);

/* A sync operation that runs, or whose completion lies untaken, while nobody
 * waits for it: its wait was broken off. */
HN_INTERNAL bool op_is_abandoned(const struct hn_node *n,
                                 const struct hn_operation *op);

/* Sets the deadline `timeout` ms from now, unless one is set and nothing moved
 * since (progress as the caller counts it). -1: none. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int op_arm(struct hn_node *n, struct hn_operation *op,
                       int64_t timeout, uint64_t progress);
HN_INTERNAL void op_disarm(struct hn_node *n, struct hn_operation *op);

/* Has the reactor tell, under the node's id, when its file is ready: HN_AGAIN
 * until op_unwatch. NOT_SUPPORTED for a file that cannot be waited for, which
 * from then on is used as it is; NOT_ENOUGH_MEMORY, INTERNAL_ERROR. */
HN_INTERNAL int op_watch(struct hn_node *n, struct hn_operation *op);
/* Harmless if it is not watched. */
HN_INTERNAL void op_unwatch(struct hn_node *n, struct hn_operation *op);

#endif
