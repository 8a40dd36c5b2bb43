#include "clock.h"

#include <time.h>

#ifdef HN_TEST
/* Helper threads read it while a test moves it: hence the atomics. */
static int64_t clock_fake = -1;

void clock_set_fake(int64_t us) {
  __atomic_store_n(&clock_fake, us, __ATOMIC_RELAXED);
}
#endif

int64_t clock_now_us(void) {
#ifdef HN_TEST
  int64_t fake = __atomic_load_n(&clock_fake, __ATOMIC_RELAXED);
  if (fake >= 0) return fake;
#endif
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec;
}
