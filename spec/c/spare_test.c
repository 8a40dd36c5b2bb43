/* spare_test.c: buffers kept warm. */
#include "../../csrc/base/spare.h"
#include "test.h"

/* Those that keep what they are given, under every sanitizer. */
static void open_spares(struct hn_spares *s, struct hn_account *account) {
  spares_init(s, account);
  s->most = HN_SPARE_BUFFERS;
}

static void fill(struct hn_buf *b, size_t n) {
  char *p;
  CHECK_INT(buf_reserve(b, n, &p), 0);
  memset(p, 'x', n);
  buf_commit(b, n);
}

TEST(a_taken_buffer_is_empty_and_has_its_own_cap) {
  struct hn_spares s;
  struct hn_buf b;
  open_spares(&s, NULL);
  spares_take(&s, &b, 0, 100);
  fill(&b, 100);
  CHECK_INT(buf_append_char(&b, 'y'), HN_ERR_INSUFFICIENT_BUFFER);
  spares_give(&s, &b);
  CHECK_INT(buf_size(&b), 0);
  spares_take(&s, &b, 0, 10);
  CHECK_INT(buf_size(&b), 0);
  fill(&b, 10);
  CHECK_INT(buf_append_char(&b, 'y'), HN_ERR_INSUFFICIENT_BUFFER);
  spares_give(&s, &b);
  spares_fini(&s);
}

TEST(no_more_than_a_handful_is_kept) {
  struct hn_spares s;
  struct hn_buf b[2 * HN_SPARE_BUFFERS + 2];
  size_t n = sizeof b / sizeof *b;
  open_spares(&s, NULL);
  for (size_t i = 0; i < n; i++) {
    spares_take(&s, &b[i], 0, 1000);
    fill(&b[i], 100);
  }
  for (size_t i = 0; i < n; i++) spares_give(&s, &b[i]);
  CHECK_INT(s.count, HN_SPARE_BUFFERS);
  spares_fini(&s);
}

TEST(a_giant_is_not_kept) {
  struct hn_spares s;
  struct hn_buf b;
  open_spares(&s, NULL);
  spares_take(&s, &b, 0, SIZE_MAX / 2);
  fill(&b, HN_SPARE_ROOM + 1);
  spares_give(&s, &b);
  CHECK_INT(s.count, 0);
  CHECK(b.bytes == NULL);
  spares_fini(&s);
}

TEST(an_unused_buffer_leaves_nothing) {
  struct hn_spares s;
  struct hn_buf b;
  open_spares(&s, NULL);
  spares_take(&s, &b, 4096, 5000);
  spares_give(&s, &b);
  CHECK_INT(s.count, 0);
  spares_fini(&s);
}

/* Gives one of this room away, and says where its memory is. */
static const char *give(struct hn_spares *s, size_t room) {
  struct hn_buf b;
  buf_init_on(&b, SIZE_MAX / 2, s->account);
  fill(&b, room);
  const char *bytes = b.bytes;
  spares_give(s, &b);
  CHECK(b.bytes == NULL && b.room == 0 && b.account == s->account);
  return bytes;
}

TEST(the_smallest_that_is_big_enough_is_taken) {
  struct hn_spares s;
  struct hn_buf b[3];
  open_spares(&s, NULL);
  const char *large = give(&s, 50000), *small = give(&s, 1000);
  const char *middle = give(&s, 9000);
  size_t room = s.items[2].room;
  CHECK_INT(s.count, 3);
  spares_take(&s, &b[0], room, 100000);
  CHECK(b[0].bytes == middle && b[0].room == room);
  spares_take(&s, &b[1], 50001, 100000);
  if (s.count == 2) CHECK(b[1].bytes == NULL);
  spares_take(&s, &b[2], 0, 100000);
  CHECK(b[2].bytes == small);
  for (int i = 0; i < 3; i++) spares_give(&s, &b[i]);
  spares_take(&s, &b[0], 20000, 100000);
  CHECK(b[0].bytes == large);
  spares_give(&s, &b[0]);
  spares_fini(&s);
}

/* One that goes leaves no hole, whichever it was. */
TEST(each_is_taken_once) {
  struct hn_spares s;
  struct hn_buf b[4];
  open_spares(&s, NULL);
  for (size_t i = 1; i <= 4; i++) (void)give(&s, i * 10000);
  for (size_t i = 0; i < 4; i++) {
    spares_take(&s, &b[i], (i + 1) * 10000, 100000);
    CHECK(b[i].bytes != NULL);
    for (size_t k = 0; k < i; k++) CHECK(b[k].bytes != b[i].bytes);
  }
  CHECK_INT(s.count, 0);
  for (size_t i = 0; i < 4; i++) buf_fini(&b[i]);
  spares_fini(&s);
}

/* What is kept is on the account of all, and goes where that is tight. */
TEST(an_account_that_is_tight_keeps_nothing) {
  struct hn_account account = {.limit = 20000}, other = {.limit = 0};
  struct hn_spares s;
  struct hn_buf b;
  open_spares(&s, &account);
  (void)give(&s, 5000);
  CHECK_INT(s.count, 1);
  (void)give(&s, 9000);
  CHECK_INT(s.count, 1);
  buf_init_on(&b, 100, &other);
  fill(&b, 100);
  spares_give(&s, &b);
  CHECK_INT(s.count, 1);
  CHECK_INT(other.used, 0);
  spares_take(&s, &b, 6000, 10000);
  CHECK(b.bytes == NULL && b.account == &account);
  spares_fini(&s);
  CHECK_INT(account.used, 0);
}

TEST(the_largest_that_is_kept) {
  struct hn_account none = {.limit = 0};
  struct hn_spares s;
  struct hn_buf b;
  open_spares(&s, &none);
  buf_init_on(&b, HN_SPARE_ROOM, &none);
  fill(&b, HN_SPARE_ROOM);
  CHECK_INT(b.room, HN_SPARE_ROOM);
  spares_give(&s, &b);
  CHECK_INT(s.count, 1);
  spares_fini(&s);
  CHECK_INT(none.used, 0);
}

TEST_MAIN(ROW(a_taken_buffer_is_empty_and_has_its_own_cap),
          ROW(no_more_than_a_handful_is_kept), ROW(a_giant_is_not_kept),
          ROW(an_unused_buffer_leaves_nothing),
          ROW(the_smallest_that_is_big_enough_is_taken),
          ROW(each_is_taken_once), ROW(an_account_that_is_tight_keeps_nothing),
          ROW(the_largest_that_is_kept))
