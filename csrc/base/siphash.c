#include "siphash.h"

struct siphash_state {
  uint64_t v0, v1, v2, v3;
};

static uint64_t siphash_turn(uint64_t x, unsigned bits) {
  return x << bits | x >> (64 - bits);
}

static void siphash_round(struct siphash_state *s) {
  s->v0 += s->v1;
  s->v1 = siphash_turn(s->v1, 13) ^ s->v0;
  s->v0 = siphash_turn(s->v0, 32);
  s->v2 += s->v3;
  s->v3 = siphash_turn(s->v3, 16) ^ s->v2;
  s->v0 += s->v3;
  s->v3 = siphash_turn(s->v3, 21) ^ s->v0;
  s->v2 += s->v1;
  s->v1 = siphash_turn(s->v1, 17) ^ s->v2;
  s->v2 = siphash_turn(s->v2, 32);
}

static void siphash_word(struct siphash_state *s, uint64_t word) {
  s->v3 ^= word;
  siphash_round(s);
  s->v0 ^= word;
}

/* Up to eight bytes, the first one lowest. */
static uint64_t siphash_load(const char *p, size_t n) {
  uint64_t word = 0;
  for (size_t i = 0; i < n; i++) word |= (uint64_t)(uint8_t)p[i] << 8 * i;
  return word;
}

uint64_t siphash(const struct hn_hash_key *key, struct hn_slice s) {
  struct siphash_state state = {
      key->k0 ^ 0x736f6d6570736575u,
      key->k1 ^ 0x646f72616e646f6du,
      key->k0 ^ 0x6c7967656e657261u,
      key->k1 ^ 0x7465646279746573u,
  };
  size_t i = 0;
  for (; i + 8 <= s.n; i += 8) siphash_word(&state, siphash_load(s.p + i, 8));
  uint64_t rest = s.n > i ? siphash_load(s.p + i, s.n - i) : 0;
  siphash_word(&state, rest | (uint64_t)s.n << 56);
  state.v2 ^= 0xff;
  for (int round = 0; round < 3; round++) siphash_round(&state);
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}
