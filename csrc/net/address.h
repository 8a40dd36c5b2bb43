/*
 * address.h: socket addresses as values: literals in, text out.
 */
#ifndef HN_NET_ADDRESS_H
#define HN_NET_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "../base/slice.h"

struct hn_address {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } u;
  socklen_t size; /* 0: none */
};

struct hn_addresses {
  size_t count;
  struct hn_address list[HN_MAX_ADDRESSES];
};

enum { HN_ADDRESS_TEXT = 64 };

/* "127.0.0.1", "::1", "[::1]", "fe80::1%eth0"; false when it is no literal. */
HN_INTERNAL bool address_parse(struct hn_slice host, unsigned port,
                               struct hn_address *out);

/* The IP address as text, without the port, NUL-terminated. */
HN_INTERNAL void address_format(const struct hn_address *a,
                                char out[HN_ADDRESS_TEXT]);

/* Puts the families in turns (RFC 8305 4), the first one's first. */
HN_INTERNAL void address_interleave(struct hn_addresses *a);

#endif
