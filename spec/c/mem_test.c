#include "../../csrc/base/mem.h"
#include "test.h"

TEST(alloc) {
  static const size_t sizes[] = {0, 1, 7, 4096, 100000};

  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    char *p = mem_alloc(sizes[i]);

    if (!CHECK(p != NULL)) continue;
    memset(p, 'x', sizes[i] == 0 ? 1 : sizes[i]);
    mem_free(p);
  }
}

TEST(free_of_null) {
  long live = mem_live();

  mem_free(NULL);
  CHECK_INT(mem_live(), live);
}

TEST(calloc_zeroes) {
  char *p;

  for (int round = 0; round < 3; round++) {
    p = mem_calloc(10, 7);
    if (!CHECK(p != NULL)) return;
    for (size_t i = 0; i < 70; i++) CHECK(p[i] == 0);
    memset(p, 'x', 70);
    mem_free(p);
  }
  p = mem_calloc(0, 8);
  CHECK(p != NULL);
  mem_free(p);
  p = mem_calloc(8, 0);
  CHECK(p != NULL);
  mem_free(p);
}

/* Not written as constants: the compiler would warn about the very thing. */
static volatile size_t half = SIZE_MAX / 2 + 1;
static volatile size_t all = SIZE_MAX;

TEST(sizes_that_overflow) {
  size_t word = 1 + all / ((size_t)1 << (sizeof(size_t) * 4));
  long live = mem_live(), asked = mem_count();
  char small[] = "x";

  CHECK(mem_alloc(half) == NULL);
  CHECK(mem_alloc(all) == NULL);
  CHECK(mem_calloc(half, 2) == NULL);
  CHECK(mem_calloc(2, half) == NULL);
  CHECK(mem_calloc(half, 1) == NULL);
  CHECK(mem_calloc(all, all) == NULL);
  CHECK(mem_calloc(word, word) == NULL);
  CHECK(mem_calloc(all / 3 + 1, 3) == NULL);
  CHECK(mem_resize(NULL, half, 2) == NULL);
  CHECK(mem_resize(NULL, half, 1) == NULL);
  CHECK(mem_resize(NULL, all / 3 + 1, 3) == NULL);
  CHECK(mem_copy(small, all) == NULL);
  CHECK(mem_copy(small, all - 1) == NULL);
  CHECK_INT(mem_live(), live);
  CHECK_INT(mem_count(), asked);
}

TEST(resize_keeps_what_fits) {
  char *p = mem_resize(NULL, 3, 2), *q;

  if (!CHECK(p != NULL)) return;
  memcpy(p, "abcdef", 6);
  q = mem_resize(p, 5000, 10);
  if (CHECK(q != NULL)) p = q;
  CHECK(memcmp(p, "abcdef", 6) == 0);
  q = mem_resize(p, 2, 1);
  if (CHECK(q != NULL)) p = q;
  CHECK(memcmp(p, "ab", 2) == 0);
  q = mem_resize(p, 0, 10);
  if (CHECK(q != NULL)) p = q;
  *p = 'x';
  mem_free(p);
}

TEST(failed_resize_leaves_the_block) {
  char *p = mem_copy("abc", 3);

  if (!CHECK(p != NULL)) return;
  CHECK(mem_resize(p, half, 2) == NULL);
  CHECK(mem_resize(p, all, 1) == NULL);
  mem_fail_at(1);
  CHECK(mem_resize(p, 10, 1) == NULL);
  CHECK_TEXT(slice_of(p), "abc");
  mem_free(p);
}

TEST(copy) {
  struct hn_slice s = test_guarded(0, slice_make("a\0b", 3));
  char *p = mem_copy(s.p, s.n);

  if (CHECK(p != NULL)) CHECK(memcmp(p, "a\0b", 4) == 0);
  mem_free(p);
  p = mem_copy(NULL, 0);
  if (CHECK(p != NULL)) CHECK(p[0] == '\0');
  mem_free(p);
}

TEST(failures_on_demand) {
  for (long n = 1; n <= 4; n++) {
    void *blocks[6];

    mem_fail_at(n);
    for (long i = 0; i < 6; i++) {
      blocks[i] = mem_alloc(1);
      CHECK((blocks[i] == NULL) == (i + 1 == n));
    }
    for (long i = 0; i < 6; i++) mem_free(blocks[i]);
  }
}

TEST(every_door_fails_on_demand) {
  char *p;

  mem_fail_at(1);
  CHECK(mem_alloc(1) == NULL);
  mem_fail_at(1);
  CHECK(mem_calloc(1, 1) == NULL);
  mem_fail_at(1);
  CHECK(mem_resize(NULL, 1, 1) == NULL);
  mem_fail_at(1);
  CHECK(mem_copy("a", 1) == NULL);
  mem_fail_at(1);
  mem_fail_at(0);
  p = mem_alloc(1);
  CHECK(p != NULL);
  mem_free(p);
}

TEST(counters) {
  long live = mem_live(), asked = mem_count();
  void *a = mem_alloc(1), *b = mem_calloc(1, 1), *c = mem_copy("c", 1);
  void *d = mem_resize(NULL, 1, 1);

  CHECK_INT(mem_live(), live + 4);
  CHECK_INT(mem_count(), asked + 4);
  void *bigger = mem_resize(d, 100, 1);
  if (CHECK(bigger != NULL)) d = bigger;
  CHECK_INT(mem_live(), live + 4);
  CHECK_INT(mem_count(), asked + 5);
  mem_fail_at(1);
  CHECK(mem_alloc(1) == NULL);
  CHECK_INT(mem_live(), live + 4);
  CHECK_INT(mem_count(), asked + 6);
  mem_free(a);
  mem_free(b);
  mem_free(c);
  mem_free(d);
  CHECK_INT(mem_live(), live);
}

TEST(wipe) {
  char text[] = "secret, kept";

  mem_wipe(text, 6);
  CHECK(memcmp(text, "\0\0\0\0\0\0, kept", sizeof text) == 0);
  mem_wipe(NULL, 0);
}

/* The harness itself: each round fails one allocation more. */
struct harness_state {
  int rounds, failures;
};

static bool take_three_blocks(void *ctx) {
  struct harness_state *state = ctx;
  void *blocks[3];
  int got = 0;

  state->rounds++;
  while (got < 3 && (blocks[got] = mem_alloc(8)) != NULL) got++;
  if (got < 3) state->failures++;
  for (int i = 0; i < got; i++) mem_free(blocks[i]);
  return got == 3;
}

TEST(each_failure_walks_them_all) {
  struct harness_state state = {0, 0};

  test_each_failure(take_three_blocks, &state);
  CHECK_INT(state.rounds, 4);
  CHECK_INT(state.failures, 3);
}

TEST_MAIN(ROW(alloc), ROW(free_of_null), ROW(calloc_zeroes),
          ROW(sizes_that_overflow), ROW(resize_keeps_what_fits),
          ROW(failed_resize_leaves_the_block), ROW(copy),
          ROW(failures_on_demand), ROW(every_door_fails_on_demand),
          ROW(counters), ROW(wipe), ROW(each_failure_walks_them_all))
