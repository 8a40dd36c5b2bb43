/*
 * process.h: is this still the process it was?
 *
 * A child has its parent's sockets, TLS keys and reactor in hand, and whatever
 * it does with them it does to the parent. Asking costs one load where the
 * system empties a page of memory for the child (Linux), a system call
 * elsewhere.
 */
#ifndef HN_NET_PROCESS_H
#define HN_NET_PROCESS_H

#include "../base/err.h"

struct hn_process;

/* A mark of the process that calls. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int process_new(struct hn_process **out);
/* p may be NULL. */
HN_INTERNAL void process_free(struct hn_process *p);

/* Fills p with n bytes that nobody can guess, 256 at most, as far as the system
 * has any at this moment. */
HN_INTERNAL void process_random(void *p, size_t n);

/* True in a child that was forked since. */
HN_INTERNAL bool process_is_other(const struct hn_process *p);

#endif
