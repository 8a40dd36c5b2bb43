#include "test.h"

#include <time.h>

#include "../../csrc/net/clock.h"

TEST(runs_forward) {
  int64_t a = clock_now_us();
  struct timespec t = {.tv_nsec = 2000000};
  nanosleep(&t, NULL);
  int64_t b = clock_now_us();
  CHECK(b - a >= 2000);
  CHECK(b - a < 10000000);
}

static int64_t system_us(void) {
  struct timespec t;
  CHECK_INT(clock_gettime(CLOCK_MONOTONIC, &t), 0);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* A foreign loop's timer is set by the same clock. */
TEST(is_the_systems_in_microseconds) {
  for (int i = 0; i < 1000; i++) {
    int64_t before = system_us(), now = clock_now_us();
    if (!CHECK(before <= now && now <= system_us())) break;
  }
}

TEST(can_be_stopped) {
  clock_set_fake(0);
  CHECK_INT(clock_now_us(), 0);
  clock_set_fake(1234567);
  CHECK_INT(clock_now_us(), 1234567);
  clock_set_fake(-1);
  CHECK(clock_now_us() != 1234567);
}

TEST(wall_time_is_this_century) {
  CHECK(clock_wall() > 1700000000);
  CHECK(clock_wall() < 4102444800);
}

TEST_MAIN(ROW(runs_forward), ROW(is_the_systems_in_microseconds),
          ROW(can_be_stopped), ROW(wall_time_is_this_century))
