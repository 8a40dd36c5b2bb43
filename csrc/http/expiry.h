/*
 * expiry.h: when what lies in a pool without an exchange has lain there for
 * long enough, and which ends next.
 */
#ifndef HN_HTTP_EXPIRY_H
#define HN_HTTP_EXPIRY_H

#include "waiter.h"

enum {
  HN_POOL_KEEP = 30 * 1000,  /* ms that an idle connection is kept at first */
  HN_POOL_DRAIN = 30 * 1000, /* ms that an unread rest is waited for */
};

/* In ms. A request sent just as the peer gives a connection up would be lost,
 * so what the peer says counts too. */
static inline int64_t expiry_of(const struct hn_pool *p,
                                const struct hn_conn *c) {
  int64_t keep = p->keep < c->patience ? p->keep : c->patience;
  int64_t since = c->idle_since / 1000;
  if (c->draining) keep = HN_POOL_DRAIN;
  return keep < INT64_MAX - since ? since + keep : INT64_MAX;
}

/* Arms the pool's timer unless it runs early enough. Failing that only keeps
 * idle connections longer, so memory failure is not passed on. */
static inline void expiry_arm(struct hn_pool *p, int64_t when) {
  if (when == INT64_MAX) return;
  if (!timer_is_set(&p->timer) || when < p->timer.when)
    (void)timer_set(&p->env->deadlines, &p->timer, when);
}

/* It lies idle from now on. One that its server limits goes by that. Without
 * memory for it, it only stays as long as the others. */
static inline void expiry_note(struct hn_pool *p, struct hn_conn *c) {
  int64_t end = expiry_of(p, c);
  if (c->patience < INT64_MAX) (void)timer_set(&p->ends, &c->end, end);
  expiry_arm(p, end);
}

/* The one of a pool that it would miss least: draining, or idle for the
 * longest; NULL when it has none. */
HN_INTERNAL struct hn_conn *expiry_least(const struct hn_pool *p);
/* Whether a would be missed less than b, which may be NULL. */
HN_INTERNAL bool expiry_is_less(const struct hn_conn *a,
                                const struct hn_conn *b);

/* Of what ends next: when, and which it is; INT64_MAX when nothing does. */
HN_INTERNAL int64_t expiry_next(const struct hn_pool *p, struct hn_conn **out);

#endif
