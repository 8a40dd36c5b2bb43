/*
 * trace.h: the steps of state machines, and one line for each of them in a
 * build with -DHN_TRACE.
 *
 * Each machine is a table, and each has one setter, which ends in state_step:
 * it asserts that the step is in the table. `make CFLAGS=-DHN_TRACE` shows what
 * every machine did as "exchange 2000001: CONNECT -> SEND" on standard error.
 * Any other build compiles that to nothing.
 */
#ifndef HN_BASE_TRACE_H
#define HN_BASE_TRACE_H

#include <assert.h>
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

/* Both tables are indexed by state. */
struct hn_machine {
  const char *name;
  const char *const *states; /* their names */
  const unsigned *next;      /* bits of those that may follow */
};

/* The state to be in now: `to`. id says whose, 0: nobody's. */
static inline unsigned state_step(const struct hn_machine *m, uint64_t id,
                                  unsigned from, unsigned to) {
  assert(m->next[from] >> to & 1);
  trace_state(m->name, id, m->states[from], m->states[to]);
  return to;
}

#endif
