/*
 * prepare.h: turning what the caller said into the message an exchange sends:
 * headers, body, and the framing they must agree on.
 */
#ifndef HN_HANDLES_PREPARE_H
#define HN_HANDLES_PREPARE_H

#include "request.h"

/* Fills r->message for a new send, with everything checked. body is copied or
 * pinned, see hn_send. INVALID_PARAMETER when headers, body and total
 * contradict each other (RFC 9112 6.2), NOT_ENOUGH_MEMORY. */
HN_INTERNAL int prepare_message(struct hn_request *r, struct hn_slice headers,
                                struct hn_slice body, uint64_t total);

/* Begins the exchange of a prepared message; HN_AGAIN while the
 * authorities it is to trust are parsed. Errors are described in r->info. */
HN_INTERNAL int prepare_exchange(struct hn_request *r);

#endif
