/*
 * pool.h: the connections of one session, busy and idle, and who gets them.
 *
 * The pool owns every connection of its session. Between exchanges one lies on
 * the idle list, most recent first, until it is taken, closed by its peer, or
 * has lain there for `keep` or for as long as its peer said that it waits; one
 * whose last body was left unread with a known, modest rest lies on the
 * draining list until that is thrown away. The idle timer is armed
 * coarsely and re-armed while it finds something, never moved per exchange.
 *
 * What belongs to one origin is found through its place (place.h): finding,
 * counting and waiting look at nobody else's. What ends is worked off from the
 * front, few at once: a heap has the connections that their server limits, by
 * their end, and of the others the one idle for the longest ends first.
 */
#ifndef HN_HTTP_POOL_H
#define HN_HTTP_POOL_H

#include "conn.h"
#include "place.h"
#include "protocol.h"

enum {
  HN_POOL_KEEP = 30 * 1000,  /* ms that an idle connection is kept at first */
  HN_POOL_DRAIN = 30 * 1000, /* ms that an unread rest is waited for */
  HN_POOL_TRUST = 1000,      /* us that an idle one is believed to be silent
                                since it was looked at: a response that
                                nobody asked for would be taken for the next
                                request's */
  HN_POOL_EXPIRE = 16,       /* connections that expire in one step */
};

/* A wish that waits for its turn: embedded in its exchange. Everybody stands in
 * the line of an origin; whom only the limit of all pools keeps waiting, in the
 * pool's as well. */
struct hn_waiter {
  struct hn_link link;     /* in its place's line, or in env->woken */
  struct hn_link line;     /* in the pool's line */
  struct hn_origin origin; /* borrowed from the wish */
  struct hn_place *place;  /* held while it stands in line */
  uint64_t owner;          /* the handle to step when its turn has come */
  uint64_t turn;           /* its place, kept when it has to come back */
  bool called;             /* it has left the line for env->woken */
};

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
};

HN_INTERNAL void pool_init(struct hn_pool *p, struct hn_env *env, uint64_t tag);
/* Closes every connection; busy ones must be gone. */
HN_INTERNAL void pool_fini(struct hn_pool *p);

struct hn_pool_wish {
  struct hn_origin origin; /* host borrowed during the call */
  struct hn_connect_limits limits;
  const struct hn_protocol *protocol; /* to be spoken */
  uint64_t owner;                     /* the handle that will drive it */
  bool fresh;                         /* no reuse: a retry, an upgrade */
  bool probe; /* test an idle one first, however young: the request could
                 not be repeated if it turned out dead */
};

/* An idle connection, or a new one being dialled; then busy and the caller's to
 * release. *reused tells which. HN_AGAIN when the origin has as many as it may,
 * or all pools together do: `waiter` then stands in line, and its owner is put
 * on env->woken when a place is free. Errors of conn_new. */
HN_INTERNAL int pool_acquire(struct hn_pool *p, const struct hn_pool_wish *w,
                             struct hn_waiter *waiter, struct hn_conn **out,
                             bool *reused);
HN_INTERNAL void waiter_init(struct hn_waiter *waiter);
/* Leaves the line; harmless when it does not stand in it. */
HN_INTERNAL void pool_forget(struct hn_pool *p, struct hn_waiter *waiter);

/* It is connected, and speaks what was wished for. */
HN_INTERNAL void pool_note_connected(struct hn_conn *c,
                                     const struct hn_pool_wish *w);

/* Its server has answered with HTTP/1.0, or with another version. */
HN_INTERNAL void pool_note_1_0(struct hn_conn *c, bool is_1_0);

/* Its exchange waits until it was heard (news.h): nothing of a connection of
 * its own is watched, and should its listener need one more, this one does not
 * count. */
HN_INTERNAL void pool_put_on_hold(struct hn_pool *p, struct hn_conn *c);
HN_INTERNAL void pool_take_off_hold(struct hn_conn *c);
/* Whether one that was silent can still be believed to be open, see the wish's
 * probe. At most one system call. */
HN_INTERNAL bool pool_is_usable(struct hn_pool *p, struct hn_conn *c,
                                bool probe);

/* The exchange is over and the connection clean: idle from now on. */
HN_INTERNAL void pool_release(struct hn_pool *p, struct hn_conn *c);
/* Clean when what nobody reads has passed by, in later steps. */
HN_INTERNAL void pool_drain(struct hn_pool *p, struct hn_conn *c);
/* Gives up the connection of any pool that would be missed least: one that
 * drains, or that has lain idle for the longest. False when there is none. */
HN_INTERNAL bool pool_evict_any(struct hn_env *env);
/* Not to be used again. */
HN_INTERNAL void pool_drop(struct hn_pool *p, struct hn_conn *c, bool polite);

/* Other limits, from now on: who waits is called when there is room, and what
 * lies idle beyond them is closed. */
HN_INTERNAL void pool_set_limits(struct hn_pool *p, int64_t max_per_server,
                                 int64_t max_per_1_0_server);
/* Another time to keep what lies idle, now as well. */
HN_INTERNAL void pool_set_keep(struct hn_pool *p, int64_t keep);

/* What is connected would not do for new requests: closes what lies idle, now,
 * and the rest after its exchange. */
HN_INTERNAL void pool_retire(struct hn_pool *p);

/* The reactor has news about a connection that no exchange owns. */
HN_INTERNAL void pool_on_ready(struct hn_conn *c);
/* The pool's timer expired. */
HN_INTERNAL void pool_on_timer(struct hn_pool *p);

#endif
