/*
 * transfer.h: what the two sides of a request share: how an operation begins,
 * waits under its deadlines, fails, is cancelled, and how its news become
 * events. sending.c and receiving.c are built on it.
 */
#ifndef HN_HANDLES_TRANSFER_H
#define HN_HANDLES_TRANSFER_H

#include "request.h"

/* What every start begins with: the handle, and whether a wait on it was broken
 * off. INVALID_HANDLE, INCORRECT_HANDLE_TYPE. */
HN_INTERNAL int transfer_find(hn_runtime *rt, hn_handle h,
                              struct hn_request **out);

/* Begins an operation, for which the request must be in state `needed`:
 * INCORRECT_HANDLE_STATE; OPERATION_CANCELLED for a broken request, TIMEOUT
 * for one whose time is over; NOT_ENOUGH_MEMORY. */
HN_INTERNAL int transfer_begin(struct hn_request *r, struct hn_operation *op,
                               enum hn_op api, enum hn_request_state needed);

/* The news, then what the step of an operation came to: false when it waits on
 * (under a deadline) or has failed, true when the caller is to complete it. */
HN_INTERNAL bool transfer_settle(struct hn_request *r, struct hn_operation *op,
                                 int rc, int64_t timeout);

/* Ends an operation, and with it the exchange, by an error. */
HN_INTERNAL void transfer_fail(struct hn_request *r, struct hn_operation *op,
                               int code);

/* The file of an operation that has begun: a duplicate of fd. The operation has
 * failed with `code` if there is none to be had. */
HN_INTERNAL void transfer_begin_file(struct hn_request *r,
                                     struct hn_operation *op, int fd, int code);
/* The file has no room, or no bytes, for now: HN_AGAIN, and a step when it has.
 * NOT_ENOUGH_MEMORY, INTERNAL_ERROR. */
HN_INTERNAL int transfer_wait_file(struct hn_request *r,
                                   struct hn_operation *op);

/* A fault of the caller's file, described; returns code. */
HN_INTERNAL int transfer_describe_file(struct hn_request *r, int code,
                                       int system);

/* What the exchange tells from now on is what the node's mask asks for.
 * NOT_ENOUGH_MEMORY. */
HN_INTERNAL int transfer_listen(struct hn_request *r);
/* What the exchange announced has been heard, or will be by nobody: it goes on,
 * if it still waits for that. */
HN_INTERNAL void transfer_go_on(struct hn_request *r);
/* Turns what the lower floors told into events. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int transfer_post_news(struct hn_request *r);

/* total_timeout runs from a send to the end of the body. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int transfer_set_deadline(struct hn_request *r);
HN_INTERNAL void transfer_end_deadline(struct hn_request *r);

/* A deadline has passed: one side's, or the whole request's. */
HN_INTERNAL void transfer_on_timeout(struct hn_request *r,
                                     enum hn_timer_kind side);

/* The exchange is over: the connection goes back to the pool, drained or
 * closed. Harmless when there is none. */
HN_INTERNAL void transfer_close_exchange(struct hn_request *r);

/* Completes what runs with OPERATION_CANCELLED, or drops it when quiet, and
 * lets go of the connection: drained or closed. */
HN_INTERNAL void transfer_cancel(struct hn_request *r, bool quiet);
/* A wait was broken off, see hn_node_ops. */
HN_INTERNAL void transfer_break_off(struct hn_request *r);
/* Says what the request was doing when it failed with this code. */
HN_INTERNAL const struct hn_errinfo *transfer_blame(struct hn_request *r,
                                                    int code);

#endif
