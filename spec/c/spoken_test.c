#include "test.h"

#include "../../csrc/http/spoken.h"

/* Any two addresses will do. */
static const struct hn_protocol *some(int i) {
  static const char places[2] = {0};
  return (const struct hn_protocol *)(const void *)&places[i];
}

TEST(what_was_spoken_is_found) {
  struct hn_spoken s = {.entries = NULL};
  CHECK(spoken_find(&s, 1) == NULL);
  spoken_note(&s, 1, some(0));
  spoken_note(&s, 1 + HN_SPOKEN, some(1)); /* in the same bucket */
  CHECK(spoken_find(&s, 1) == some(0));
  CHECK(spoken_find(&s, 1 + HN_SPOKEN) == some(1));
  CHECK(spoken_find(&s, 2) == NULL);
  spoken_note(&s, 1, some(1));
  CHECK(spoken_find(&s, 1) == some(1));
  spoken_fini(&s);
}

TEST(the_oldest_goes) {
  struct hn_spoken s = {.entries = NULL};
  for (uint64_t i = 0; i < 3 * HN_SPOKEN; i++) {
    spoken_note(&s, i * 7, some(i % 2));
    CHECK(spoken_find(&s, i * 7) == some(i % 2));
    if (i >= HN_SPOKEN) CHECK(spoken_find(&s, (i - HN_SPOKEN) * 7) == NULL);
    if (i >= HN_SPOKEN)
      CHECK(spoken_find(&s, (i - HN_SPOKEN + 1) * 7) == some((i + 1) % 2));
  }
  spoken_fini(&s);
}

TEST(without_memory_nothing_is_kept) {
  struct hn_spoken s = {.entries = NULL};
  mem_fail_at(1);
  spoken_note(&s, 1, some(0));
  mem_fail_at(0);
  CHECK(spoken_find(&s, 1) == NULL);
  spoken_note(&s, 1, some(0));
  CHECK(spoken_find(&s, 1) == some(0));
  spoken_fini(&s);
}

TEST_MAIN(ROW(what_was_spoken_is_found), ROW(the_oldest_goes),
          ROW(without_memory_nothing_is_kept))
