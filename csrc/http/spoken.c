#include "spoken.h"

#include "../base/mem.h"

enum { HN_SPOKEN_NONE = HN_SPOKEN };

struct spoken_entry {
  uint64_t hash;
  const struct hn_protocol *protocol;
  uint16_t next; /* in its bucket */
};

/* A ring of entries, found through buckets. */
struct hn_spoken_entries {
  struct spoken_entry at[HN_SPOKEN];
  uint16_t buckets[HN_SPOKEN]; /* the first of each; HN_SPOKEN_NONE */
  size_t count, oldest;
};

void spoken_fini(struct hn_spoken *s) {
  mem_free(s->entries);
  s->entries = NULL;
}

/* Where the entry of a hash is named, or would be: a bucket or a `next`. */
static uint16_t *spoken_look(struct hn_spoken_entries *e, uint64_t hash) {
  uint16_t *at = &e->buckets[hash % HN_SPOKEN];
  while (*at != HN_SPOKEN_NONE && e->at[*at].hash != hash)
    at = &e->at[*at].next;
  return at;
}

const struct hn_protocol *spoken_find(const struct hn_spoken *s,
                                      uint64_t hash) {
  if (!s->entries) return NULL;
  uint16_t at = *spoken_look(s->entries, hash);
  return at == HN_SPOKEN_NONE ? NULL : s->entries->at[at].protocol;
}

static struct hn_spoken_entries *spoken_begin(struct hn_spoken *s) {
  struct hn_spoken_entries *e = mem_calloc(1, sizeof *e);
  if (!e) return NULL;
  for (size_t i = 0; i < HN_SPOKEN; i++) e->buckets[i] = HN_SPOKEN_NONE;
  s->entries = e;
  return e;
}

/* Room for a new entry: one that was never used, or the oldest's. */
static uint16_t spoken_make_room(struct hn_spoken_entries *e) {
  if (e->count < HN_SPOKEN) return (uint16_t)e->count++;
  size_t i = e->oldest;
  uint16_t *named = spoken_look(e, e->at[i].hash);
  *named = e->at[i].next;
  e->oldest = (i + 1) % HN_SPOKEN;
  return (uint16_t)i;
}

void spoken_note(struct hn_spoken *s, uint64_t hash,
                 const struct hn_protocol *p) {
  struct hn_spoken_entries *e = s->entries ? s->entries : spoken_begin(s);
  if (!e) return;
  uint16_t i = *spoken_look(e, hash);
  if (i == HN_SPOKEN_NONE) {
    i = spoken_make_room(e);
    uint16_t *named = spoken_look(e, hash);
    e->at[i] = (struct spoken_entry){.hash = hash, .next = HN_SPOKEN_NONE};
    *named = i;
  }
  e->at[i].protocol = p;
}
