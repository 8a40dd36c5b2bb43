/*
 * spoken.h: what origins spoke when they had a choice, kept for longer than
 * their connections.
 *
 * It only says what to expect of a dial, so host and port by their hash are
 * enough to know an origin by. There are at most HN_SPOKEN entries, and no
 * memory before the first; the oldest goes when a new one needs its room.
 */
#ifndef HN_HTTP_SPOKEN_H
#define HN_HTTP_SPOKEN_H

#include "../base/err.h"

enum { HN_SPOKEN = 1024 };

struct hn_protocol;
struct hn_spoken_entries;

struct hn_spoken {
  struct hn_spoken_entries *entries; /* owned; NULL: none yet */
};

HN_INTERNAL void spoken_fini(struct hn_spoken *s);

/* What the origin of this hash spoke last; NULL: nothing is known. */
HN_INTERNAL const struct hn_protocol *spoken_find(const struct hn_spoken *s,
                                                  uint64_t hash);
/* Without memory it is forgotten. */
HN_INTERNAL void spoken_note(struct hn_spoken *s, uint64_t hash,
                             const struct hn_protocol *p);

#endif
