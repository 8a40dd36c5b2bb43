/*
 * resolver.h: names to addresses without ever blocking the caller.
 *
 * Literals and recent answers are answered at once. Everything else runs
 * getaddrinfo on helper threads: started on demand, at most
 * HN_MAX_RESOLVER_THREADS, gone after some idle seconds, all signals blocked.
 * A finished look-up wakes the reactor; its result is taken by the owner's
 * thread. Abandoning a look-up frees its place in line or leaves the thread to
 * finish for nobody; resolver_free never waits for a thread (shared state is
 * freed by whoever leaves last). Good answers are kept 60 s.
 */
#ifndef HN_NET_RESOLVER_H
#define HN_NET_RESOLVER_H

#include "address.h"
#include "reactor.h"

struct hn_resolver;

struct hn_resolved {
  uint64_t job;
  uint64_t tag;       /* as given to resolver_start */
  int code;           /* 0, NAME_NOT_RESOLVED, NOT_ENOUGH_MEMORY */
  const char *detail; /* why there is no answer (static), or NULL */
  int system;         /* errno when descriptors ran out, else 0 */
  struct hn_addresses addresses;
};

/* reactor: borrowed until resolver_free. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int resolver_new(struct hn_resolver **out,
                             struct hn_reactor *reactor);
HN_INTERNAL void resolver_free(struct hn_resolver *r);

struct hn_lookup {
  struct hn_slice host; /* copied */
  unsigned port;        /* put into every address */
  uint64_t tag;         /* the asker's own */
  int64_t now;          /* monotonic ms */
};

/* 0: *out is filled. HN_AGAIN: the answer comes by resolver_take, *job names
 * it. NAME_NOT_RESOLVED for what can be no name, NOT_ENOUGH_MEMORY (also when
 * no thread can be started). */
HN_INTERNAL int resolver_start(struct hn_resolver *r,
                               const struct hn_lookup *what, uint64_t *job,
                               struct hn_addresses *out);

/* Nobody wants this answer any more. Harmless for a finished or unknown job. */
HN_INTERNAL void resolver_abandon(struct hn_resolver *r, uint64_t job);

/* The next finished look-up that was not abandoned; false when there is none.
 * Costs one flag test while nothing is finished. */
HN_INTERNAL bool resolver_take(struct hn_resolver *r, int64_t now,
                               struct hn_resolved *out);

/* True when resolver_take has something to hand out. */
HN_INTERNAL bool resolver_has_answer(const struct hn_resolver *r);

#ifdef HN_TEST
/* Look-ups started and neither taken nor abandoned. */
HN_INTERNAL size_t resolver_pending(const struct hn_resolver *r);
#endif

#endif
