#include "origin.h"

#include "../base/limits.h"
#include "../base/mem.h"
#include "address.h"

uint64_t origin_hash(const struct hn_hash_key *key, struct hn_slice host,
                     unsigned port) {
  char lower[HN_MAX_HOST + 2];
  size_t n = host.n < HN_MAX_HOST ? host.n : HN_MAX_HOST;
  for (size_t i = 0; i < n; i++) lower[i] = slice_lower(host.p[i]);
  lower[n] = (char)(port & 0xff);
  lower[n + 1] = (char)(port >> 8 & 0xff);
  return siphash(key, slice_make(lower, n + 2));
}

/* The identity's address says which it is; its low bits are always 0. */
uint64_t origin_hash_all(const struct hn_hash_key *key,
                         const struct hn_origin *o) {
  uint64_t hash = o->hash ^ (uint64_t)(uintptr_t)o->tls >> 5;
  if (o->route.via.n > 0) hash ^= siphash(key, o->route.via);
  return hash + (uint64_t)o->route.kind;
}

bool origin_equal(const struct hn_origin *a, const struct hn_origin *b) {
  return a->hash == b->hash && a->port == b->port && a->tls == b->tls &&
         a->route.kind == b->route.kind &&
         address_is_same_host(a->host, b->host) &&
         slice_equal(a->route.via, b->route.via);
}

int origin_copy(struct hn_origin *out, const struct hn_origin *o) {
  bool has_via = o->route.via.n > 0;
  *out = *o;
  out->host.p = mem_copy(o->host.p, o->host.n);
  out->route.via.p = has_via ? mem_copy(o->route.via.p, o->route.via.n) : NULL;
  if (out->host.p && (out->route.via.p || !has_via)) return 0;
  origin_fini(out);
  return HN_ERR_NOT_ENOUGH_MEMORY;
}

void origin_fini(struct hn_origin *o) {
  mem_free((void *)(uintptr_t)o->host.p);
  mem_free((void *)(uintptr_t)o->route.via.p);
  *o = (struct hn_origin){.port = 0};
}
