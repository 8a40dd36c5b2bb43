#include "test.h"

#include "../../csrc/base/account.h"
#include "../../csrc/base/buf.h"

TEST(a_limit) {
  struct hn_account a = {.limit = 100};
  CHECK(account_take(&a, 60));
  CHECK(!account_take(&a, 41));
  CHECK(!account_take(&a, SIZE_MAX));
  CHECK_INT(a.used, 60);
  CHECK(account_take(&a, 40));
  CHECK(!account_take(&a, 1));
  CHECK(account_take(&a, 0));
  account_give(&a, 100);
  CHECK_INT(a.used, 0);
}

TEST(no_limit_and_no_account) {
  struct hn_account a = {.used = 0};
  CHECK(account_take(&a, SIZE_MAX / 2));
  CHECK(!account_is_tight(&a));
  CHECK(account_take(NULL, SIZE_MAX));
  account_give(NULL, 1);
  CHECK(!account_is_tight(NULL));
}

TEST(a_limit_below_what_is_used) {
  struct hn_account a = {.used = 50, .limit = 40};
  CHECK(!account_take(&a, 1));
  CHECK(account_is_tight(&a));
  account_give(&a, 30);
  CHECK(!account_is_tight(&a));
  CHECK(account_take(&a, 1));
  CHECK(account_is_tight(&a));
}

TEST(blocks) {
  struct hn_account a = {.limit = 1000};
  char *p = account_alloc(&a, 500);
  if (CHECK(p != NULL)) memset(p, 1, 500);
  CHECK((uintptr_t)p % _Alignof(max_align_t) == 0);
  CHECK(a.used >= 500 && a.used < 600);
  CHECK(account_alloc(&a, 500) == NULL);
  CHECK(account_alloc(&a, SIZE_MAX) == NULL);
  account_free(&a, p);
  account_free(&a, NULL);
  CHECK_INT(a.used, 0);
  mem_fail_at(1);
  CHECK(account_alloc(&a, 1) == NULL);
  CHECK_INT(a.used, 0);
  p = account_alloc(NULL, 1);
  CHECK(p != NULL);
  account_free(NULL, p);
}

/* A buffer's room is on its account, through growth, failure and end. */
TEST(buffers) {
  struct hn_account a = {.limit = 1000};
  struct hn_buf b;
  char *out;
  buf_init_on(&b, SIZE_MAX / 2, &a);
  CHECK_INT(buf_reserve(&b, 600, &out), 0);
  CHECK_INT(a.used, b.room);
  buf_commit(&b, 600);
  CHECK_INT(buf_reserve(&b, 600, &out), HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(buf_size(&b), 600);
  CHECK_INT(a.used, b.room);
  mem_fail_at(1);
  CHECK_INT(buf_reserve(&b, 300, &out), HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(a.used, b.room);
  buf_fini(&b);
  CHECK_INT(a.used, 0);
  CHECK_INT(buf_reserve(&b, 100, &out), 0);
  CHECK_INT(a.used, b.room);
  buf_fini(&b);
}

TEST_MAIN(ROW(a_limit), ROW(no_limit_and_no_account),
          ROW(a_limit_below_what_is_used), ROW(blocks), ROW(buffers))
