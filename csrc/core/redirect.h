/*
 * redirect.h: the next hop of a request: where it goes and what it carries.
 *
 * The first target belongs to the connection handle, which a redirect never
 * touches; a hop has its own target, method, path and fields, and is forgotten
 * by the next hn_send, unless that is what it waits for.
 */
#ifndef HN_CORE_REDIRECT_H
#define HN_CORE_REDIRECT_H

#include "../proto/header.h"
#include "target.h"

struct hn_request;

struct hn_hop {
  int64_t count;           /* hops so far, this one included */
  struct hn_target target; /* where this hop goes */
  struct hn_buf text;      /* method, then path */
  size_t method_size;      /* of text */
  struct hn_headers fields;
  bool wants_body; /* its body came by write: the next hn_send goes here */
};

/* h may be NULL. */
HN_INTERNAL void hop_free(struct hn_hop *h);

HN_INTERNAL struct hn_slice hop_method(const struct hn_hop *h);
HN_INTERNAL struct hn_slice hop_path(const struct hn_hop *h);

/* Appends "https://example.org/path". */
HN_INTERNAL int hop_append_url(const struct hn_hop *h, struct hn_buf *out);

/* A response head is here. *again tells whether it redirects; then r->next_hop
 * is made, but not gone to. REDIRECT_FAILED for one hop too many, a forbidden
 * downgrade or an unusable Location, RESEND_REQUEST when the body cannot be
 * sent again, the hop being made: redirect_awaited. Both are described in the
 * request's info. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int redirect_prepare(struct hn_request *r, bool *again);

/* Goes to r->next_hop, which becomes r->hop: the old exchange is closed, and
 * the next step begins the new one. */
HN_INTERNAL void redirect_go(struct hn_request *r);

/* The hop that goes on when its body is sent once more; NULL: there is none. */
HN_INTERNAL struct hn_hop *redirect_awaited(const struct hn_request *r);
/* r->next_hop, if there is one, becomes r->hop. */
HN_INTERNAL void redirect_enter(struct hn_request *r);

#endif
