/*
 * reactor.h: which descriptors are ready. Returns tags, calls nobody.
 *
 * One of two files is built behind this header: reactor_epoll.c, or
 * reactor_poll.c with REACTOR=poll (any POSIX system). A tag is a slot id; the
 * reactor never looks into it, and late news about a dead one is harmless.
 * Readiness is level-triggered. Tag 0 is reserved.
 */
#ifndef HN_NET_REACTOR_H
#define HN_NET_REACTOR_H

#include "../base/err.h"

enum hn_interest {
  HN_WANT_READ = 1,
  HN_WANT_WRITE = 2,
  HN_READY_FAIL = 4, /* only reported: hung up or in error */
};

struct hn_ready {
  uint64_t tag;
  unsigned what; /* HN_WANT_READ | HN_WANT_WRITE | HN_READY_FAIL */
};

struct hn_reactor;

/* NOT_ENOUGH_MEMORY or INTERNAL_ERROR. */
HN_INTERNAL int reactor_new(struct hn_reactor **out);
HN_INTERNAL void reactor_free(struct hn_reactor *r);

/* Watches fd (borrowed until reactor_remove). NOT_SUPPORTED for a file that
 * cannot be waited for, being always ready (with poll(2) that is reported as
 * such); NOT_ENOUGH_MEMORY or INTERNAL_ERROR when the system refuses. */
HN_INTERNAL int reactor_add(struct hn_reactor *r, int fd, uint64_t tag,
                            unsigned interest);
/* Changes tag and interest of a watched fd. */
HN_INTERNAL int reactor_change(struct hn_reactor *r, int fd, uint64_t tag,
                               unsigned interest);
/* Forgets fd; to be called before it is closed. Harmless if unknown. */
HN_INTERNAL void reactor_remove(struct hn_reactor *r, int fd);
/* The same for an fd that is closed right after, with no other descriptor open
 * on its file: where the kernel forgets it by itself no call is made. */
HN_INTERNAL void reactor_forget(struct hn_reactor *r, int fd);

/* Waits at most max_wait ms (-1: no limit; 0: look only) for readiness, and
 * writes up to room entries. A signal or a wake ends the wait with what is
 * there, maybe nothing: that is 0 as well. */
HN_INTERNAL int reactor_wait(struct hn_reactor *r, int64_t max_wait,
                             struct hn_ready *out, size_t room, size_t *count);

/* Ends a wait now or, when there is none, the next one at once. Any thread. */
HN_INTERNAL void reactor_wake(struct hn_reactor *r);

enum {
  HN_ALARM_NONE = -1,
  HN_ALARM_NOW = 0,
};

/* A descriptor, made by the first call, that is readable while a wait would
 * report something, and from the time of the alarm on. NOT_SUPPORTED where
 * there is no such thing, NOT_ENOUGH_MEMORY, INTERNAL_ERROR. */
HN_INTERNAL int reactor_open_fd(struct hn_reactor *r, int *fd);
/* Sets the alarm: monotonic ms, or one of the above. It does not end a wait.
 * Costs nothing when it is set so already. */
HN_INTERNAL void reactor_set_alarm(struct hn_reactor *r, int64_t when);

/* "epoll" or "poll". */
HN_INTERNAL const char *reactor_name(void);

#endif
