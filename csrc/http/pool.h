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
 * What it hands out is a stream: on a connection that is idle, or on one that
 * others use as well and that has room (protocol.h). While an origin has one
 * that is full, or is being dialled and may be shared, whoever could use it
 * waits and dials none: by its first words, or by what it spoke before
 * (spoken.h), it is known whether it is. A dial whose owner goes is handed to
 * the first of those; if it fails, the first of them dials.
 *
 * What belongs to one origin is found through its place (place.h): finding,
 * counting and waiting look at nobody else's. What ends is worked off from the
 * front, few at once: a heap has the connections that their server limits, by
 * their end, and of the others the one idle for the longest ends first.
 */
#ifndef HN_HTTP_POOL_H
#define HN_HTTP_POOL_H

#include "expiry.h"

enum {
  HN_POOL_TRUST = 1000, /* us that an idle one is believed to be silent
                           since it was looked at: a response that
                           nobody asked for would be taken for the next
                           request's */
  HN_POOL_EXPIRE = 16,  /* connections that expire in one step */
};

HN_INTERNAL void pool_init(struct hn_pool *p, struct hn_env *env, uint64_t tag);
/* Closes every connection; busy ones must be gone. */
HN_INTERNAL void pool_fini(struct hn_pool *p);

struct hn_pool_wish {
  struct hn_origin origin; /* host borrowed during the call */
  struct hn_connect_limits limits;
  const struct hn_protocols *protocols; /* one of them is to be spoken */
  uint64_t owner;                       /* the handle that will drive it */
  bool fresh;                           /* no reuse: a retry, an upgrade */
  bool probe; /* test an idle one first, however young: the request could
                 not be repeated if it turned out dead */
};

/* A stream on a connection that has room, or on a new one being dialled; then
 * the caller's to release. *reused tells which. HN_AGAIN when somebody has what
 * it could share, when the origin has as many as it may, or all pools together
 * do: `waiter` then stands in line, and is woken when its turn has come. Errors
 * of conn_new. */
HN_INTERNAL int pool_acquire(struct hn_pool *p, const struct hn_pool_wish *w,
                             struct hn_waiter *waiter, struct hn_conn **out,
                             bool *reused);
/* Leaves the line, or does not come although called; harmless else. */
HN_INTERNAL void pool_forget(struct hn_pool *p, struct hn_waiter *waiter);

/* It is connected, and speaks what was agreed on. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int pool_note_connected(struct hn_pool *p, struct hn_conn *c,
                                    const struct hn_pool_wish *w);
/* Its owner goes while it is being dialled. True: the first in line who could
 * share it has it now. */
HN_INTERNAL bool pool_hand_over(struct hn_pool *p, struct hn_conn *c);

/* Its server has answered with HTTP/1.0, or with another version. */
HN_INTERNAL void pool_note_1_0(struct hn_conn *c, bool is_1_0);

/* Its exchange waits until it was heard (news.h): nothing of a connection of
 * its own is watched, and should its listener need one more, this one does not
 * count. Nobody waits for a dial on hold, or has it afterwards. */
HN_INTERNAL void pool_put_on_hold(struct hn_pool *p, struct hn_conn *c);
HN_INTERNAL void pool_take_off_hold(struct hn_conn *c);
/* Whether one that was silent can still be believed to be open, see the wish's
 * probe. At most one system call. */
HN_INTERNAL bool pool_is_usable(struct hn_pool *p, struct hn_conn *c,
                                bool probe);

/* The exchange is over and the connection clean: idle from now on, unless it
 * has others. */
HN_INTERNAL void pool_release(struct hn_pool *p, struct hn_conn *c);
/* No exchange after those it has: it is closed when the last one has left. */
HN_INTERNAL void pool_expire(struct hn_conn *c);
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
/* A timer of one expired. */
HN_INTERNAL void pool_on_conn_timer(struct hn_conn *c);
/* Writes what stands in env->unflushed: all that a turn has queued on one
 * connection leaves together. To be called before every wait, and before the
 * caller is let go. */
HN_INTERNAL void pool_write_queued(struct hn_env *env);
static inline void pool_flush(struct hn_env *env) {
  if (!list_is_empty(&env->unflushed)) pool_write_queued(env);
}
/* The pool's timer expired. */
HN_INTERNAL void pool_on_timer(struct hn_pool *p);

#endif
