/*
 * part.h: the parts of the library that stand on somebody else's.
 *
 * Each is a shared object in the folder of the core's and is opened when it is
 * first needed: loading OpenSSL takes as long as a whole program that never
 * speaks TLS. Once opened it stays. In a build of one piece (part_linked.c)
 * there is nothing to open. What a part and the core both need of base and net
 * is in both objects: none of it keeps anything between two calls (lint looks).
 */
#ifndef HN_NET_PART_H
#define HN_NET_PART_H

#include "../base/err.h"

enum hn_part {
  HN_PART_TLS,  /* its table is a struct hn_tls_library, */
  HN_PART_GZIP, /* that of the others a struct hn_codec */
  HN_PART_DEFLATE,
  HN_PART_BROTLI,
  HN_PART_ZSTD,
  HN_PART_COUNT
};

/* Of one runtime, and so of one thread. */
struct hn_parts {
  const void *found[HN_PART_COUNT]; /* static tables; NULL: not needed yet */
  char *folder;                     /* owned: "/usr/lib/hinternet" */
  char detail[HN_MAX_ERROR_TEXT];   /* NUL-terminated */
};

/* What a part exports, hn_part_tls for one: its table, or NULL when the caller
 * is of another build than the part. */
typedef const void *hn_part_entry(uint32_t stamp);

/* Notes where the objects are, in case the process goes elsewhere and our own
 * path is a relative one. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int parts_init(struct hn_parts *p);
HN_INTERNAL void parts_fini(struct hn_parts *p);

/* The table of a part, opened if need be. NOT_SUPPORTED with *detail, which
 * lives until the next call. */
HN_INTERNAL int part_find(struct hn_parts *p, enum hn_part which,
                          const void **out, const char **detail);

#endif
