/*
 * again.h: what comes after a response head: the response is the caller's, or
 * the request goes out once more. proto/follow decides, over facts that are
 * gathered here, and here is done what it says.
 */
#ifndef HN_HANDLES_AGAIN_H
#define HN_HANDLES_AGAIN_H

#include "request.h"

/* A response head is here. 0: it is the caller's. HN_AGAIN: the request goes
 * out once more; r->next_hop is made and told of, but not gone to. Else the
 * operation fails, as described in the request's info: REDIRECT_FAILED,
 * INVALID_URL, NOT_ENOUGH_MEMORY, and RESEND_REQUEST when the body cannot be
 * sent again, the hop being made: request_awaited_hop. */
HN_INTERNAL int again_after_head(struct hn_request *r);

/* What was told has been heard: the request goes on. */
HN_INTERNAL void again_go_on(struct hn_request *r);

/* Goes to r->next_hop, which becomes r->hop, once the rest of the response is
 * out of its way: false while some of it is still to come. The old exchange is
 * closed then, and the next step begins the new one. */
HN_INTERNAL bool again_clear(struct hn_request *r);

#endif
