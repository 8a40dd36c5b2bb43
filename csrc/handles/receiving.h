/*
 * receiving.h: the receive side of a request: hn_receive_response,
 * hn_query_data_available, hn_read and hn_read_to.
 */
#ifndef HN_HANDLES_RECEIVING_H
#define HN_HANDLES_RECEIVING_H

#include "transfer.h"

/* Moves the receive side, whose operation runs, as far as it goes. */
HN_INTERNAL void receiving_step(struct hn_request *r);

#endif
