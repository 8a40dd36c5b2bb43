/*
 * policy.h: where the engine asks the guard: each hop of a request, how its
 * host is reached, options, descriptors. All of it answers 0 when the runtime
 * has no policy.
 */
#ifndef HN_HANDLES_POLICY_H
#define HN_HANDLES_POLICY_H

#include "request.h"

/* May this hop be asked for, by the name in its URL and in its Host field?
 * ACCESS_DENIED, described in r->info. */
HN_INTERNAL int policy_check_hop(struct hn_request *r);

/* May its host be reached as o says? ACCESS_DENIED, described. */
HN_INTERNAL int policy_check_route(struct hn_request *r,
                                   const struct hn_origin *o);

/* May this text option have this value? ACCESS_DENIED. */
HN_INTERNAL int policy_check_text(const struct hn_node *n, enum hn_text which,
                                  struct hn_slice text);

/* Does this text name a file? */
HN_INTERNAL bool policy_is_file(enum hn_text which);

/* May descriptors be read and written? ACCESS_DENIED. */
HN_INTERNAL int policy_check_file(const hn_runtime *rt);

#endif
