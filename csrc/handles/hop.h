/*
 * hop.h: the next hop of a request: where it goes and what it carries.
 *
 * The first target belongs to the connection handle, which a redirect never
 * touches; a hop has its own target, method, path and fields, and is forgotten
 * by the next hn_send, unless that is what it waits for.
 */
#ifndef HN_HANDLES_HOP_H
#define HN_HANDLES_HOP_H

#include "../proto/header.h"
#include "target.h"

struct hn_hop {
  int64_t count;           /* hops so far, this one included */
  struct hn_target target; /* where this hop goes */
  struct hn_buf text;      /* method, path, and the fragment with its "#" */
  size_t method_size, path_size; /* of text */
  struct hn_headers fields;
  bool by_fragment; /* its Location was a fragment alone */
  bool wants_body;  /* its body came by write: the next hn_send goes here */
};

/* An empty one, on the account. NULL without memory. */
HN_INTERNAL struct hn_hop *hop_new(int64_t count, struct hn_account *account);
/* h may be NULL. */
HN_INTERNAL void hop_free(struct hn_hop *h);

HN_INTERNAL struct hn_slice hop_method(const struct hn_hop *h);
HN_INTERNAL struct hn_slice hop_path(const struct hn_hop *h);
/* What the last Location with a fragment brought, "#" included, or empty
 * (RFC 9110 10.2.2). */
HN_INTERNAL struct hn_slice hop_fragment(const struct hn_hop *h);

/* Appends "https://example.org/path". */
HN_INTERNAL int hop_append_url(const struct hn_hop *h, struct hn_buf *out);

#endif
