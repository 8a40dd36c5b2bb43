/*
 * replace.h: a file that takes the place of another in one step, when it is
 * whole: until then, and whatever fails, what was there stays as it is.
 *
 * A regular or missing target, links followed, is made anew beside itself as
 * ".hn-<random>" and renamed. Anything else (a pipe, a device) is written as it
 * comes, and never removed. So is what /proc leads to: an open file has no name
 * there that could be given to another.
 */
#ifndef HN_NET_REPLACE_H
#define HN_NET_REPLACE_H

#include "file.h"

struct hn_replace {
  int fd;        /* owned */
  char *target;  /* owned: what it becomes; NULL: it is that already */
  char *interim; /* owned: its name until then */
  long pid;      /* the process that made it */
};

/* path is absolute. On failure nothing has changed: WRITE_FAULT with words in
 * text (of HN_MAX_ERROR_TEXT bytes), NOT_ENOUGH_MEMORY. */
HN_INTERNAL int replace_begin(const char *path, struct hn_replace *out,
                              char *text);
/* Renames and ends it. WRITE_FAULT, with words: it is removed. */
HN_INTERNAL int replace_finish(struct hn_replace *r, char *text);
/* Removes and ends it. */
HN_INTERNAL void replace_drop(struct hn_replace *r);

#endif
