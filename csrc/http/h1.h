/*
 * h1.h: HTTP/1.0 and 1.1 on a connection (RFC 9112), one exchange at a time.
 *
 * What it keeps lies in the connection and in the exchange; h1.c alone works on
 * it.
 */
#ifndef HN_HTTP_H1_H
#define HN_HTTP_H1_H

#include "../proto/h1_body.h"
#include "../proto/h1_conn.h"
#include "exchange.h"

/* In conn->state. */
struct hn_h1_line {
  struct hn_h1_conn turn; /* whose it is */
  uint64_t rest;          /* body bytes to come that nobody reads */
};

/* In exchange->stream. */
struct hn_h1_stream {
  struct hn_h1_head head;
  struct hn_h1_body body;
  bool is_interim; /* the head that is being heard */
};

_Static_assert(sizeof(struct hn_h1_line) <= HN_CONN_STATE, "no room");
_Static_assert(sizeof(struct hn_h1_stream) <= HN_STREAM_STATE, "no room");

HN_INTERNAL struct hn_h1_line *h1_line(struct hn_conn *c);

HN_INTERNAL const struct hn_protocol *protocol_h1(void);
/* It, and nothing else. */
HN_INTERNAL const struct hn_protocols *protocols_h1(void);

#endif
