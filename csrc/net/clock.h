/*
 * clock.h: the only place where time is read.
 *
 * Deadlines are milliseconds, measured times microseconds, both of the
 * monotonic clock. A test build can stop the clock and move it by hand.
 */
#ifndef HN_NET_CLOCK_H
#define HN_NET_CLOCK_H

#include "../base/err.h"

/* Monotonic microseconds. */
HN_INTERNAL int64_t clock_now_us(void);
/* Seconds since 1970, for dates only. */
HN_INTERNAL int64_t clock_wall(void);

#ifdef HN_TEST
/* From now on clock_now_us answers this; -1 gives the real time back. */
HN_INTERNAL void clock_set_fake(int64_t us);
#endif

#endif
