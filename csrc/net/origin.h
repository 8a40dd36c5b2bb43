/*
 * origin.h: where a connection leads, and what makes two of them
 * interchangeable: scheme, host, port (RFC 9110 4.3.1), the TLS identity and
 * the route, compared and hashed as a whole.
 */
#ifndef HN_NET_ORIGIN_H
#define HN_NET_ORIGIN_H

#include "../base/siphash.h"

struct hn_tls_context;

/* How a host is reached. */
enum hn_route_kind {
  HN_ROUTE_LOOKUP,    /* its name is looked up */
  HN_ROUTE_NAME,      /* another name is looked up in its place */
  HN_ROUTE_ADDRESSES, /* at given addresses */
  HN_ROUTE_UNIX,      /* through a Unix-domain socket */
};

struct hn_route {
  enum hn_route_kind kind;
  struct hn_slice via; /* borrowed: the name, addresses or path */
};

struct hn_origin {
  struct hn_slice host; /* borrowed by whoever holds the struct */
  unsigned port;
  struct hn_tls_context *tls; /* borrowed; NULL: plain. The TLS identity */
  uint64_t hash;              /* of host and port: origin_hash */
  struct hn_route route;
};

/* Of host and port, the only part that a peer may choose: made once for each
 * server that is asked. */
HN_INTERNAL uint64_t origin_hash(const struct hn_hash_key *key,
                                 struct hn_slice host, unsigned port);
/* Of the whole. */
HN_INTERNAL uint64_t origin_hash_all(const struct hn_hash_key *key,
                                     const struct hn_origin *o);
HN_INTERNAL bool origin_equal(const struct hn_origin *a,
                              const struct hn_origin *b);

/* An origin with texts of its own. The TLS identity is only borrowed.
 * NOT_ENOUGH_MEMORY; then *out is as after origin_fini. */
HN_INTERNAL int origin_copy(struct hn_origin *out, const struct hn_origin *o);
HN_INTERNAL void origin_fini(struct hn_origin *o);

#endif
