/*
 * protocol.h: what an exchange asks of the protocol its connection speaks.
 *
 * exchange.c knows the order of things, a protocol how they are said. Each
 * function works on the exchange and its connection, goes as far as it can and
 * answers 0, HN_AGAIN or an error. Errors of the transport are returned bare; a
 * protocol's own (a fault) are described in *x->info before they are returned.
 */
#ifndef HN_HTTP_PROTOCOL_H
#define HN_HTTP_PROTOCOL_H

#include "../base/slice.h"

struct hn_exchange;

struct hn_protocol {
  /* Queues the head and the copied part of the given body. */
  int (*begin)(struct hn_exchange *x);
  /* Takes 1..n bytes of body. */
  int (*write)(struct hn_exchange *x, struct hn_slice data, size_t *put);
  /* Queues the end of the request, once. */
  int (*end)(struct hn_exchange *x);
  /* Writes what is queued. */
  int (*flush)(struct hn_exchange *x);
  /* Reads the final response's head; interim ones are news. */
  int (*read_head)(struct hn_exchange *x);
  /* Reads 1..n bytes of body; 0 with *got 0: it has ended. */
  int (*read_body)(struct hn_exchange *x, char *p, size_t n, size_t *got);
  /* Body bytes at hand, reading once if there are none; 0: it has ended. */
  int (*peek_body)(struct hn_exchange *x, uint64_t *n);
  /* The body has ended, or nobody wants the rest: gives the connection back to
   * the pool or drops it. */
  void (*release)(struct hn_exchange *x);
};

/* HTTP/1.0 and 1.1 (h1.c). */
HN_INTERNAL const struct hn_protocol *protocol_h1(void);

#endif
