/*
 * place.h: what a pool knows of one origin, and the table that finds it.
 *
 * A place is there as long as somebody holds it: each of its connections, each
 * who waits in its line, and whoever works on it meanwhile. The table grows
 * with its places, so finding one costs the same among ten and ten thousand.
 */
#ifndef HN_HTTP_PLACE_H
#define HN_HTTP_PLACE_H

#include "../base/list.h"
#include "../net/origin.h"

struct hn_place {
  struct hn_place *next;   /* in its bucket */
  struct hn_link link;     /* in the table's list of all */
  uint64_t hash;           /* origin_hash_all */
  struct hn_origin origin; /* texts owned; tls: a reference */
  struct hn_link idle;     /* hn_conn.at_place, the one used last first */
  struct hn_link draining; /* the same, the oldest first */
  struct hn_link shared;   /* the same: those that exchanges share, with room
                              or full, and dials that may become such */
  struct hn_link waiting;  /* hn_waiter.link, by turn */
  int count;               /* its connections, busy ones too */
  int on_hold;             /* those that wait for what is being heard */
  int count_1_0;           /* those whose server speaks HTTP/1.0 */
  unsigned holders;
};

struct hn_places {
  const struct hn_hash_key *key; /* borrowed: the runtime's */
  struct hn_place **buckets;     /* owned */
  size_t room;                   /* buckets; a power of two, or 0 */
  size_t count;
  struct hn_link all; /* hn_place.link; owned */
#ifdef HN_TEST
  size_t looked_at; /* places met in buckets, ever */
#endif
};

HN_INTERNAL void places_init(struct hn_places *t,
                             const struct hn_hash_key *key);
/* Every place must be gone. */
HN_INTERNAL void places_fini(struct hn_places *t);

/* The place of an origin, or NULL. */
HN_INTERNAL struct hn_place *places_find(struct hn_places *t,
                                         const struct hn_origin *o);
/* The same, made if there is none, and held. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int places_take(struct hn_places *t, const struct hn_origin *o,
                            struct hn_place **out);

HN_INTERNAL void place_hold(struct hn_place *p);
/* The last to let go frees it. */
HN_INTERNAL void place_let_go(struct hn_places *t, struct hn_place *p);

#endif
