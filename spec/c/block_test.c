/*
 * block_test.c: records in blocks: zeroed, apart, reused, given back whole.
 */
#include <stdint.h>
#include <string.h>

#include "test.h"

#include "../../csrc/base/block.h"
#include "../../csrc/base/mem.h"

enum { SIZE = 100, MANY = 3 * HN_BLOCK_RECORDS };

static bool is_zero(const unsigned char *p) {
  for (size_t i = 0; i < SIZE; i++)
    if (p[i]) return false;
  return true;
}

TEST(records_are_zeroed_and_apart_also_when_they_are_used_again) {
  struct hn_blocks b;
  unsigned char *p[MANY];
  blocks_init(&b, SIZE);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < MANY; i++) {
      p[i] = blocks_take(&b);
      CHECK(p[i] && is_zero(p[i]));
      CHECK((uintptr_t)p[i] % sizeof(void *) == 0);
      memset(p[i], i + 1, SIZE);
    }
    for (int i = 0; i < MANY; i++)
      CHECK(p[i][0] == i + 1 && p[i][SIZE - 1] == i + 1);
    for (int i = 0; i < MANY; i++) blocks_give(&b, p[i]);
  }
  blocks_fini(&b);
}

TEST(blocks_go_when_they_are_empty_but_for_one) {
  struct hn_blocks b;
  void *p[MANY];
  blocks_init(&b, SIZE);
  long before = mem_live();
  for (int i = 0; i < MANY; i++) p[i] = blocks_take(&b);
  CHECK_INT(mem_live() - before, MANY / HN_BLOCK_RECORDS);
  for (int i = MANY - 1; i > 0; i--) blocks_give(&b, p[i]);
  CHECK_INT(mem_live() - before, 1);
  blocks_give(&b, p[0]);
  CHECK(mem_live() - before <= 1);
  blocks_fini(&b);
  CHECK_INT(mem_live(), before);
}

TEST(without_memory_there_is_no_record) {
  struct hn_blocks b;
  blocks_init(&b, SIZE);
  mem_fail_at(1);
  CHECK(blocks_take(&b) == NULL);
  mem_fail_at(0);
  void *p = blocks_take(&b);
  CHECK(p != NULL);
  blocks_give(&b, p);
  blocks_fini(&b);
}

TEST_MAIN(ROW(records_are_zeroed_and_apart_also_when_they_are_used_again),
          ROW(blocks_go_when_they_are_empty_but_for_one),
          ROW(without_memory_there_is_no_record))
