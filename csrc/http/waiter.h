/*
 * waiter.h: who stands in line for a connection of a pool, and whose turn it
 * is; and what a pool is, which only pool.h does anything with.
 *
 * Everybody stands in the line of an origin; whom only the limit of all pools
 * keeps waiting, in his pool's as well. One is called when something that he
 * can use may be had, leaves both lines and asks again in the next round: who
 * then finds that somebody was quicker goes back to his old turn.
 */
#ifndef HN_HTTP_WAITER_H
#define HN_HTTP_WAITER_H

#include "conn.h"
#include "place.h"
#include "protocol.h"
#include "spoken.h"

struct hn_pool {
  struct hn_env *env;         /* borrowed */
  struct hn_link link;        /* in env->pools */
  struct hn_link busy;        /* hn_conn.link, owned */
  struct hn_link idle;        /* the one used last first */
  struct hn_link draining;    /* the oldest first */
  struct hn_places places;    /* all of their origins */
  struct hn_heap ends;        /* hn_conn.end of idle ones */
  struct hn_timer timer;      /* HN_TIMER_POOL, tag of the session */
  struct hn_link waiting;     /* hn_waiter.line, in the order they came */
  int64_t max_per_server;     /* connections to one origin */
  int64_t max_per_1_0_server; /* to one that speaks HTTP/1.0 */
  int64_t keep;   /* ms that an idle connection is kept; INT64_MAX: for ever */
  uint64_t turns; /* waiters so far */
  uint64_t opened, reused; /* connections dialled, exchanges on old ones */
  struct hn_spoken spoken;
};

static inline int64_t pool_max(const struct hn_pool *p,
                               const struct hn_place *place) {
  int64_t max = p->max_per_server;
  if (place->count_1_0 > 0 && p->max_per_1_0_server < max)
    max = p->max_per_1_0_server;
  return max;
}

/* How many connections more this origin may have. */
static inline int64_t pool_room(const struct hn_pool *p,
                                const struct hn_place *place) {
  return pool_max(p, place) - place->count;
}

static inline bool pool_is_limited(const struct hn_env *env) {
  return env->guard && env->guard->max_connections < SIZE_MAX;
}

/* A wish that waits for its turn: embedded in its exchange, which may be woken
 * by its link for other things once it has a connection. */
struct hn_waiter {
  struct hn_link link;    /* in its place's line */
  struct hn_link line;    /* in the pool's line */
  struct hn_wake wake;    /* when its turn has come */
  struct hn_place *place; /* held while it stands in line, and while called */
  const struct hn_protocols *protocols; /* what it can use */
  const struct hn_protocol *speaks; /* what it was called for; NULL: a place */
  uint64_t turn;                    /* kept when it has to come back */
  bool called;                      /* and has not come yet */
  bool is_inner; /* it asked while something was being heard */
};

/* The same for that one. Those on hold do not count for whom a listener asks:
 * he may be waiting for one more, and they for him. */
static inline int64_t pool_room_for(const struct hn_pool *p,
                                    const struct hn_place *place,
                                    const struct hn_waiter *w) {
  bool inner = w->is_inner && env_is_heard(p->env);
  return pool_room(p, place) + (inner ? place->on_hold : 0);
}

HN_INTERNAL void waiter_init(struct hn_waiter *w, uint64_t owner,
                             const struct hn_protocols *protocols);

/* Stands in line for the place; `any`: in the pool's, too. */
HN_INTERNAL void waiter_stand(struct hn_pool *p, struct hn_waiter *w,
                              struct hn_place *place, bool any);
/* Has what it wanted, or wants it no more; is not woken any more. Harmless when
 * it does not wait. */
HN_INTERNAL void waiter_leave(struct hn_pool *p, struct hn_waiter *w);

/* The first in line who can use a connection that speaks this is called (NULL:
 * who could have a new one, of any pool when nobody waits for the place). */
HN_INTERNAL void waiters_call(struct hn_pool *p, const struct hn_place *place,
                              const struct hn_protocol *speaks);
/* As many as have room on it. */
HN_INTERNAL void waiters_call_some(struct hn_pool *p,
                                   const struct hn_place *place,
                                   const struct hn_protocol *speaks,
                                   int64_t room);
/* All who wait for the place. */
HN_INTERNAL void waiters_call_all(struct hn_pool *p, struct hn_place *place);
/* The first in line who wants these very protocols; false: there is none. */
HN_INTERNAL bool waiters_call_same(struct hn_pool *p,
                                   const struct hn_place *place,
                                   const struct hn_protocols *protocols);

#endif
