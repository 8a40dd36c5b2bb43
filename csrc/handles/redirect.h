/*
 * redirect.h: where a redirect leads, and the hop that goes there.
 */
#ifndef HN_HANDLES_REDIRECT_H
#define HN_HANDLES_REDIRECT_H

#include "../proto/follow.h"
#include "../proto/url.h"
#include "request.h"

/* A Location taken apart. Its parts point into its buffers. */
struct hn_redirect {
  struct hn_buf url, scratch;
  struct hn_url_parts parts;
};

HN_INTERNAL void redirect_init(struct hn_redirect *to);
HN_INTERNAL void redirect_fini(struct hn_redirect *to);

/* The response's Location fields, and where the way has led so far. */
HN_INTERNAL void redirect_look(const struct hn_request *r,
                               struct hn_follow_facts *f);

/* Takes f->location apart, and says in *f where it leads. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int redirect_locate(const struct hn_request *r,
                                struct hn_follow_facts *f,
                                struct hn_redirect *to);

/* Makes r->next_hop, which goes there. Buffer errors, which leave it as it
 * was. */
HN_INTERNAL int redirect_make_hop(struct hn_request *r,
                                  const struct hn_follow_facts *f,
                                  const struct hn_redirect *to);

#endif
