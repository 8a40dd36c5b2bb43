/*
 * life.h: how a runtime begins and ends, and begins anew in a forked child.
 */
#ifndef HN_CORE_LIFE_H
#define HN_CORE_LIFE_H

#include "runtime.h"

/* An empty runtime with process mark, reactor and resolver: all or nothing.
 * NOT_ENOUGH_MEMORY, INTERNAL_ERROR. */
HN_INTERNAL int life_begin(hn_runtime **out);
/* Frees it; nothing may be open any more. */
HN_INTERNAL void life_end(hn_runtime *rt);

/* Closes every handle without a word and drops every event. */
HN_INTERNAL void life_drop_all(hn_runtime *rt);

/* In a forked child: lets go of what is the parent's and begins anew; nothing
 * elsewhere. Errors of life_begin. */
HN_INTERNAL int life_renew(hn_runtime *rt);

#endif
