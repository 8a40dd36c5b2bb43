/*
 * connect.h: a server to ask: host and port, and the texts made of them once.
 * No socket and no network use.
 */
#ifndef HN_CORE_CONNECT_H
#define HN_CORE_CONNECT_H

#include "session.h"

struct hn_connect {
  struct hn_node node;
  int64_t context_value;
  struct hn_slice host; /* owned, without brackets */
  unsigned port;        /* 0: the scheme's default */
  uint32_t hash[2];     /* origin_hash for http, https */
  char *authority[2];   /* owned: "example.org:80", for errors */
  char *host_field[2];  /* owned: the Host field, default port left out */
};

HN_INTERNAL struct hn_connect *connect_from(struct hn_node *n);

/* The port a request of that security goes to. */
HN_INTERNAL unsigned connect_port(const struct hn_connect *c, bool secure);

#endif
