/*
 * transfer.h: the operations of a request, stepped: what hn_send, hn_read and
 * the rest set in motion. Nothing here waits.
 */
#ifndef HN_CORE_TRANSFER_H
#define HN_CORE_TRANSFER_H

#include "request.h"

/* Moves both sides of a request as far as they go. */
HN_INTERNAL void transfer_step(struct hn_request *r);

/* What the exchange tells from now on is what the node's mask asks for.
 * NOT_ENOUGH_MEMORY. */
HN_INTERNAL int transfer_listen(struct hn_request *r);

/* The deadline of one side has passed. */
HN_INTERNAL void transfer_on_timeout(struct hn_request *r,
                                     enum hn_timer_kind side);

/* The redirect of a held request has been heard: it goes on. */
HN_INTERNAL void transfer_release_hold(struct hn_request *r);

/* Completes what runs with OPERATION_CANCELLED, or drops it when quiet, and
 * lets go of the connection: drained or closed. */
HN_INTERNAL void transfer_cancel(struct hn_request *r, bool quiet);

#endif
