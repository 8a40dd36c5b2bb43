/* spare_test.c: buffers kept warm. */
#include "../../csrc/base/spare.h"
#include "test.h"

static void fill(struct hn_buf *b, size_t n) {
  char *p;
  CHECK_INT(buf_reserve(b, n, &p), 0);
  memset(p, 'x', n);
  buf_commit(b, n);
}

TEST(a_taken_buffer_is_empty_and_has_its_own_cap) {
  struct hn_spares s;
  struct hn_buf b;
  spares_init(&s, NULL);
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
  spares_init(&s, NULL);
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
  spares_init(&s, NULL);
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
  spares_init(&s, NULL);
  spares_take(&s, &b, 4096, 5000);
  spares_give(&s, &b);
  CHECK_INT(s.count, 0);
  spares_fini(&s);
}

TEST_MAIN(ROW(a_taken_buffer_is_empty_and_has_its_own_cap),
          ROW(no_more_than_a_handful_is_kept), ROW(a_giant_is_not_kept),
          ROW(an_unused_buffer_leaves_nothing))
