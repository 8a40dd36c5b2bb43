/*
 * connection.h: a server to ask: host and port. No socket and no network use.
 */
#ifndef HN_HANDLES_CONNECTION_H
#define HN_HANDLES_CONNECTION_H

#include "session.h"
#include "target.h"

struct hn_connect {
  struct hn_node node;
  int64_t context_value;
  unsigned port;              /* 0: the scheme's default */
  struct hn_target target[2]; /* for http and, once needed, for https */
};

HN_INTERNAL struct hn_connect *connect_from(struct hn_node *n);

/* Where a request of that security goes; borrowed from the connection handle.
 * NOT_ENOUGH_MEMORY. */
HN_INTERNAL int connect_get_target(struct hn_connect *c, bool secure,
                                   const struct hn_target **out);

#endif
