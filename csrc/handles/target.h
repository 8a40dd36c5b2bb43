/*
 * target.h: a server to ask, with the texts made of its name once: what an
 * error calls it, and what the Host field says.
 */
#ifndef HN_HANDLES_TARGET_H
#define HN_HANDLES_TARGET_H

#include "../http/conn.h"

struct hn_target {
  struct hn_slice host; /* owned, without brackets; n == 0: not made */
  unsigned port;
  bool secure;
  uint64_t hash;              /* origin_hash */
  char *authority;            /* owned: "example.org:80" */
  struct hn_slice host_line;  /* owned: "Host: example.org" CRLF */
  struct hn_slice host_field; /* its value: no default port, no zone */
};

/* port 0: the scheme's default. NOT_ENOUGH_MEMORY; then t is as after
 * target_fini. */
HN_INTERNAL int target_init(const struct hn_env *env, struct hn_target *t,
                            struct hn_slice host, unsigned port, bool secure);
HN_INTERNAL void target_fini(struct hn_target *t);

/* Appends "https://example.org/path", which leads here again: with the zone.
 * Buffer errors. */
HN_INTERNAL int target_append_url(const struct hn_target *t,
                                  struct hn_slice path, struct hn_buf *out);

/* Same scheme, host and port (RFC 6454 4). */
HN_INTERNAL bool target_is_same_origin(const struct hn_target *a,
                                       const struct hn_target *b);

#endif
