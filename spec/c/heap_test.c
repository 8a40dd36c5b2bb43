#include "../../csrc/base/heap.h"
#include "test.h"

static void check_heap(const struct hn_heap *h) {
  for (size_t i = 0; i < h->count; i++) {
    CHECK_INT(h->items[i]->at, i + 1);
    if (i > 0) CHECK(h->items[(i - 1) / 2]->when <= h->items[i]->when);
  }
}

TEST(empty) {
  struct hn_heap h;
  struct hn_timer t;
  long asked = mem_count();

  heap_init(&h);
  CHECK(heap_peek(&h) == NULL);
  CHECK(heap_take_expired(&h, INT64_MAX) == NULL);
  timer_init(&t, 7, 3);
  CHECK_INT(t.tag, 7);
  CHECK_INT(t.kind, 3);
  CHECK(!timer_is_set(&t));
  timer_clear(&h, &t);
  CHECK(!timer_is_set(&t));
  heap_fini(&h);
  CHECK_INT(mem_count(), asked);
}

TEST(one_timer) {
  struct hn_heap h;
  struct hn_timer t;

  heap_init(&h);
  timer_init(&t, 7, 3);
  CHECK_INT(timer_set(&h, &t, 100), 0);
  CHECK(timer_is_set(&t));
  CHECK(heap_peek(&h) == &t);
  CHECK(heap_take_expired(&h, 99) == NULL);
  CHECK_INT(timer_set(&h, &t, 50), 0);
  CHECK_INT(h.count, 1);
  CHECK(heap_take_expired(&h, 50) == &t);
  CHECK(!timer_is_set(&t));
  CHECK_INT(t.tag, 7);
  CHECK_INT(t.kind, 3);
  CHECK(heap_take_expired(&h, INT64_MAX) == NULL);
  CHECK_INT(timer_set(&h, &t, 60), 0);
  timer_clear(&h, &t);
  timer_clear(&h, &t);
  CHECK(!timer_is_set(&t));
  CHECK(heap_peek(&h) == NULL);
  heap_fini(&h);
}

TEST(extreme_times) {
  static const int64_t when[] = {INT64_MAX, 0, INT64_MIN, -1, 1};
  static const int64_t sorted[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
  struct hn_heap h;
  struct hn_timer t[5];

  heap_init(&h);
  for (uint32_t i = 0; i < 5; i++) {
    timer_init(&t[i], i, 0);
    CHECK_INT(timer_set(&h, &t[i], when[i]), 0);
  }
  CHECK(heap_take_expired(&h, INT64_MIN)->when == INT64_MIN);
  CHECK(heap_take_expired(&h, INT64_MIN) == NULL);
  for (int i = 1; i < 5; i++) {
    struct hn_timer *first = heap_take_expired(&h, INT64_MAX);
    CHECK(first != NULL && first->when == sorted[i]);
  }
  heap_fini(&h);
}

TEST(equal_times_all_come_out) {
  struct hn_heap h;
  struct hn_timer t[40], *taken;
  uint64_t seen = 0;

  heap_init(&h);
  for (uint32_t i = 0; i < 40; i++) {
    timer_init(&t[i], i, 0);
    CHECK_INT(timer_set(&h, &t[i], 5), 0);
  }
  while ((taken = heap_take_expired(&h, 5)) != NULL) {
    CHECK((seen >> taken->tag & 1) == 0);
    seen |= (uint64_t)1 << taken->tag;
  }
  CHECK(seen == ((uint64_t)1 << 40) - 1);
  heap_fini(&h);
}

/* A timer from the bottom of one branch may have to rise in another. */
TEST(the_last_one_rises_into_a_hole) {
  static const int64_t when[] = {1, 100, 2, 110, 120, 3, 4};
  struct hn_heap h;
  struct hn_timer t[7];

  heap_init(&h);
  for (uint32_t i = 0; i < 7; i++) {
    timer_init(&t[i], i, 0);
    CHECK_INT(timer_set(&h, &t[i], when[i]), 0);
  }
  timer_clear(&h, &t[3]);
  check_heap(&h);
  CHECK_INT(h.count, 6);
  heap_fini(&h);
}

TEST(fini_forgets_without_touching) {
  struct hn_heap h;
  struct hn_timer *t = mem_alloc(sizeof *t);

  if (!CHECK(t != NULL)) return;
  heap_init(&h);
  timer_init(t, 1, 1);
  CHECK_INT(timer_set(&h, t, 5), 0);
  mem_free(t);
  heap_fini(&h);
  CHECK(heap_peek(&h) == NULL);
}

enum { TIMERS = 200, STEPS = 100 * 1000 };

static uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/* The naive model: every timer is looked at every time. */
static int64_t model_earliest(const struct hn_timer *t) {
  int64_t earliest = INT64_MAX;

  for (int i = 0; i < TIMERS; i++) {
    if (timer_is_set(&t[i]) && t[i].when < earliest) earliest = t[i].when;
  }
  return earliest;
}

static void check_against_model(const struct hn_heap *h,
                                const struct hn_timer *t, size_t set) {
  const struct hn_timer *first = heap_peek(h);

  CHECK_INT(h->count, set);
  CHECK((first == NULL) == (set == 0));
  if (first != NULL) CHECK_INT(first->when, model_earliest(t));
}

static size_t random_step(struct hn_heap *h, struct hn_timer *t, uint32_t r,
                          size_t set) {
  struct hn_timer *one = &t[r % TIMERS];
  int64_t when = (r >> 8) % 1000;
  int64_t earliest;
  bool was_set = timer_is_set(one);

  switch ((r >> 20) % 4) {
  case 0:
  case 1:
    CHECK_INT(timer_set(h, one, when), 0);
    CHECK_INT(one->when, when);
    return set + !was_set;
  case 2:
    timer_clear(h, one);
    CHECK(!timer_is_set(one));
    return set - was_set;
  default:
    earliest = model_earliest(t);
    one = heap_take_expired(h, when / 4);
    CHECK((one != NULL) == (set > 0 && earliest <= when / 4));
    if (one != NULL) CHECK_INT(one->when, earliest);
    return set - (one != NULL);
  }
}

TEST(random_sequence) {
  static struct hn_timer t[TIMERS];
  struct hn_heap h;
  uint32_t random = 20240502;
  size_t set = 0;

  heap_init(&h);
  for (uint32_t i = 0; i < TIMERS; i++) timer_init(&t[i], i, 0);
  for (int i = 0; i < STEPS; i++) {
    set = random_step(&h, t, next_random(&random), set);
    check_against_model(&h, t, set);
    if (i % 64 == 0) check_heap(&h);
  }
  int64_t last = INT64_MIN;
  for (struct hn_timer *one; (one = heap_take_expired(&h, INT64_MAX));) {
    CHECK(one->when >= last);
    last = one->when;
    set--;
  }
  CHECK_INT(set, 0);
  heap_fini(&h);
}

static bool fill_a_heap(void *ctx) {
  struct hn_timer *t = ctx;
  struct hn_heap h;
  int code = 0;
  size_t set = 0;

  heap_init(&h);
  for (uint32_t i = 0; i < TIMERS; i++) timer_init(&t[i], i, 0);
  while (code == 0 && set < TIMERS) {
    code = timer_set(&h, &t[set], (int64_t)(TIMERS - set));
    if (code == 0) set++;
  }
  if (code != 0) {
    CHECK_INT(code, HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK(!timer_is_set(&t[set]));
    CHECK_INT(t[set].when, 0);
  }
  check_heap(&h);
  CHECK_INT(h.count, set);
  /* Moving one that is set needs no memory. */
  if (set > 0) {
    mem_fail_at(1);
    CHECK_INT(timer_set(&h, &t[0], -1), 0);
    CHECK(heap_peek(&h) == &t[0]);
    mem_fail_at(0);
  }
  heap_fini(&h);
  return code == 0;
}

TEST(every_allocation_fails) {
  static struct hn_timer t[TIMERS];

  test_each_failure(fill_a_heap, t);
}

TEST_MAIN(ROW(empty), ROW(one_timer), ROW(extreme_times),
          ROW(equal_times_all_come_out), ROW(the_last_one_rises_into_a_hole),
          ROW(fini_forgets_without_touching), ROW(random_sequence),
          ROW(every_allocation_fails))
