#include "place.h"

#include <assert.h>

#include "../base/mem.h"
#include "../net/tls.h"

enum { HN_PLACES_AT_FIRST = 8 };

void places_init(struct hn_places *t, const struct hn_hash_key *key) {
  *t = (struct hn_places){.key = key};
  list_init(&t->all);
}

void places_fini(struct hn_places *t) {
  assert(t->count == 0);
  mem_free(t->buckets);
  t->buckets = NULL;
  t->room = 0;
}

static struct hn_place **places_bucket(const struct hn_places *t,
                                       uint64_t hash) {
  return &t->buckets[hash & (t->room - 1)];
}

static struct hn_place *places_look(struct hn_places *t, uint64_t hash,
                                    const struct hn_origin *o) {
  if (t->room == 0) return NULL;
  for (struct hn_place *p = *places_bucket(t, hash); p; p = p->next) {
#ifdef HN_TEST
    t->looked_at++;
#endif
    if (p->hash == hash && origin_equal(&p->origin, o)) return p;
  }
  return NULL;
}

struct hn_place *places_find(struct hn_places *t, const struct hn_origin *o) {
  return places_look(t, origin_hash_all(t->key, o), o);
}

static void places_enter(struct hn_places *t, struct hn_place *p) {
  struct hn_place **bucket = places_bucket(t, p->hash);
  p->next = *bucket;
  *bucket = p;
}

/* Twice as many buckets, for at most one place in each on average. */
static int places_grow(struct hn_places *t) {
  size_t room = t->room > 0 ? t->room * 2 : HN_PLACES_AT_FIRST;
  struct hn_place **buckets = mem_calloc(room, sizeof(struct hn_place *));
  if (!buckets) return HN_ERR_NOT_ENOUGH_MEMORY;
  mem_free(t->buckets);
  t->buckets = buckets;
  t->room = room;
  for (struct hn_link *l = t->all.next; l != &t->all; l = l->next)
    places_enter(t, HN_CONTAINER_OF(l, struct hn_place, link));
  return 0;
}

static int place_new(const struct hn_origin *o, uint64_t hash,
                     struct hn_place **out) {
  struct hn_place *p = mem_calloc(1, sizeof *p);
  if (!p) return HN_ERR_NOT_ENOUGH_MEMORY;
  if (origin_copy(&p->origin, o)) {
    mem_free(p);
    return HN_ERR_NOT_ENOUGH_MEMORY;
  }
  if (o->tls) (void)tls_context_hold(o->tls);
  p->hash = hash;
  list_init(&p->idle);
  list_init(&p->draining);
  list_init(&p->shared);
  list_init(&p->waiting);
  *out = p;
  return 0;
}

int places_take(struct hn_places *t, const struct hn_origin *o,
                struct hn_place **out) {
  uint64_t hash = origin_hash_all(t->key, o);
  struct hn_place *p = places_look(t, hash, o);
  if (!p) {
    int rc = t->count >= t->room ? places_grow(t) : 0;
    if (rc == 0) rc = place_new(o, hash, &p);
    if (rc) return rc;
    places_enter(t, p);
    list_append(&t->all, &p->link);
    t->count++;
  }
  place_hold(p);
  *out = p;
  return 0;
}

void place_hold(struct hn_place *p) {
  p->holders++;
}

static void places_remove(struct hn_places *t, struct hn_place *p) {
  struct hn_place **at = places_bucket(t, p->hash);
  while (*at != p) at = &(*at)->next;
  *at = p->next;
  list_remove(&p->link);
  t->count--;
}

void place_let_go(struct hn_places *t, struct hn_place *p) {
  if (--p->holders > 0) return;
  places_remove(t, p);
  tls_context_free(p->origin.tls);
  origin_fini(&p->origin);
  mem_free(p);
}
