/*
 * env.h: what everything on the network floors shares.
 *
 * The runtime (core) owns one struct hn_env and passes it down; nothing below
 * core knows a runtime. Plain data, no behaviour. The clock is read at most
 * once between two waits, and only when somebody asks: env_now.
 */
#ifndef HN_NET_ENV_H
#define HN_NET_ENV_H

#include "../base/account.h"
#include "../base/heap.h"
#include "../base/limits.h"
#include "../base/list.h"
#include "../base/siphash.h"
#include "../base/slot.h"
#include "../base/spare.h"
#include "clock.h"
#include "guard.h"
#include "part.h"
#include "process.h"
#include "reactor.h"
#include "resolver.h"

/* Whose deadline a timer is, and so what its tag names. */
enum hn_timer_kind {
  HN_TIMER_CONN = 1, /* a connection being dialled: its tag */
  HN_TIMER_POOL,     /* idle and draining connections: the pool's owner */
  HN_TIMER_SEND,     /* the send side's operation: its handle */
  HN_TIMER_RECEIVE,  /* the receive side's */
  HN_TIMER_TOTAL,    /* a whole request: its handle */
  HN_TIMER_PATIENCE, /* an exchange with its server: its handle */
};

struct hn_env {
  struct hn_process *process;   /* owned by the runtime; NULL: never forked */
  struct hn_reactor *reactor;   /* owned by the runtime */
  struct hn_resolver *resolver; /* owned by the runtime */
  struct hn_guard *guard;       /* owned by the runtime; NULL: none */
  struct hn_parts parts;
  struct hn_account account; /* what the runtime holds */
  struct hn_heap deadlines;
  struct hn_slots slots; /* tags and handles to objects */
  struct hn_spares spares;
  struct hn_hash_key hash_key; /* of every table whose keys a peer chooses */
  struct hn_link pools;        /* hn_pool.link: of every session */
  size_t connections;          /* in all of them, those being dialled too */
  struct hn_link told;         /* hn_node.hold: what they announced was taken,
                                  and is maybe being heard now; */
  struct hn_link hearing;      /* or is being heard, as was said */
  struct hn_link woken;        /* hn_wake.link: whom the next round steps */
  struct hn_link unfinished; /* hn_conn.again: drained for a portion, not dry */
  struct hn_link unflushed;  /* hn_conn.flush: something waits to be written */
  bool is_hurried;           /* steps may only work so long */
  int64_t now_us;            /* monotonic; 0: not read since the last wait */
  int64_t seen_at; /* us: when all that the reactor watches was looked at, and
                      all that it said was worked off */
};

/* Whoever is to be stepped in the next round, without being called: a call from
 * below could do anything to what it came from. */
struct hn_wake {
  struct hn_link link; /* in env->woken */
  uint64_t owner;      /* the handle to step */
};

static inline void env_wake(struct hn_env *env, struct hn_wake *w) {
  list_remove(&w->link);
  list_append(&env->woken, &w->link);
}

/* In a forked child: everything here is the parent's. It may be freed, but no
 * byte may be read or written, and no reactor asked. */
static inline bool env_is_other(const struct hn_env *env) {
  return env->process && process_is_other(env->process);
}

/* Somebody may be at what a node has announced. */
static inline bool env_is_heard(const struct hn_env *env) {
  return !list_is_empty(&env->told) || !list_is_empty(&env->hearing);
}

/* Bytes that one connection may move before the others get their turn. */
static inline size_t env_portion(const struct hn_env *env) {
  return env->is_hurried ? HN_SMALL_PORTION : HN_PORTION;
}

/* The next who asks for the time gets it from the clock: something was waited
 * for, or others have had their turn since the last step. */
static inline void env_time_passed(struct hn_env *env) {
  env->now_us = 0;
}

/* The time of this step in monotonic microseconds. */
static inline int64_t env_now_us(struct hn_env *env) {
  if (env->now_us == 0) env->now_us = clock_now_us();
  return env->now_us;
}

/* The same in milliseconds, the unit of deadlines. */
static inline int64_t env_now(struct hn_env *env) {
  return env_now_us(env) / 1000;
}

#endif
