/*
 * times.h: when the parts of an exchange happened.
 *
 * Monotonic microseconds, 0 for what did not happen: a reused connection has
 * no look-up, no connect and no handshake. Times are those of the step in
 * which the fact was seen: no clock is read for them.
 */
#ifndef HN_NET_TIMES_H
#define HN_NET_TIMES_H

#include <stdint.h>

/* X(NAME, "lua name") in the order in which they happen. */
#define HN_TIME_LIST(X)                                                        \
  X(START, "start")                                                            \
  X(RESOLVE_START, "resolve_start")                                            \
  X(RESOLVE_END, "resolve_end")                                                \
  X(CONNECT_END, "connect_end")                                                \
  X(SECURE_END, "secure_end")                                                  \
  X(ACQUIRED, "acquired")                                                      \
  X(SEND_END, "send_end")                                                      \
  X(RESPONSE_START, "response_start")                                          \
  X(RESPONSE_HEAD_END, "response_head_end")                                    \
  X(END, "end")

enum hn_time {
#define HN_X(name, text) HN_TIME_##name,
  HN_TIME_LIST(HN_X)
#undef HN_X
      HN_TIMES
};

struct hn_times {
  int64_t at[HN_TIMES];
};

#endif
