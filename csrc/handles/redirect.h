/*
 * redirect.h: whether a response redirects, and the going there.
 */
#ifndef HN_HANDLES_REDIRECT_H
#define HN_HANDLES_REDIRECT_H

#include "request.h"

/* A response head is here. *again tells whether it redirects; then r->next_hop
 * is made, but not gone to. REDIRECT_FAILED for one hop too many, a forbidden
 * downgrade or an unusable Location, RESEND_REQUEST when the body cannot be
 * sent again, the hop being made: request_awaited_hop. Both are described in
 * the request's info. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int redirect_prepare(struct hn_request *r, bool *again);

/* Goes to r->next_hop, which becomes r->hop: the old exchange is closed, and
 * the next step begins the new one. */
HN_INTERNAL void redirect_go(struct hn_request *r);

#endif
