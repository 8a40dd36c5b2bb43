/*
 * trace.h: one line for every change of state, in a build with -DHN_TRACE.
 *
 * Each state machine has one setter, and each setter ends in trace_state, so
 * `make CFLAGS=-DHN_TRACE` shows what every machine did as
 * "exchange 2000001: CONNECT -> SEND" on standard error. Any other build
 * compiles it to nothing.
 */
#ifndef HN_BASE_TRACE_H
#define HN_BASE_TRACE_H

#include <stdint.h>

#ifdef HN_TRACE
#include <stdio.h>
static inline void trace_state(const char *machine, uint64_t id,
                               const char *from, const char *to) {
  fprintf(stderr, "%s %llx: %s -> %s\n", machine, (unsigned long long)id, from,
          to);
}
#else
static inline void trace_state(const char *machine, uint64_t id,
                               const char *from, const char *to) {
  (void)machine;
  (void)id;
  (void)from;
  (void)to;
}
#endif

#endif
