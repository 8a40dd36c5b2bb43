/*
 * siphash.h: SipHash-1-3, the hash of tables whose keys a peer may choose: who
 * does not know the key cannot make two texts meet in one place (Aumasson and
 * Bernstein, 2012). For tables only; what needs a digest asks libcrypto.
 */
#ifndef HN_BASE_SIPHASH_H
#define HN_BASE_SIPHASH_H

#include "slice.h"

struct hn_hash_key {
  uint64_t k0, k1;
};

HN_INTERNAL uint64_t siphash(const struct hn_hash_key *key, struct hn_slice s);

#endif
