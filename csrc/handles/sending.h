/*
 * sending.h: the send side of a request: hn_send, hn_write, hn_write_from.
 */
#ifndef HN_HANDLES_SENDING_H
#define HN_HANDLES_SENDING_H

#include "transfer.h"

/* Moves the send side, whose operation runs, as far as it goes. */
HN_INTERNAL void sending_step(struct hn_request *r);

#endif
