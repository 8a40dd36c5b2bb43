#include "../../csrc/base/buf.h"
#include "test.h"

TEST(a_new_buffer_is_empty) {
  struct hn_buf b;
  long asked = mem_count();

  buf_init(&b, 100);
  CHECK_INT(buf_size(&b), 0);
  CHECK_TEXT(buf_peek(&b), "");
  CHECK(buf_peek(&b).p != NULL);
  buf_consume(&b, 0);
  buf_consume(&b, 5);
  buf_truncate(&b, 0);
  buf_truncate(&b, 5);
  buf_clear(&b);
  CHECK_INT(buf_append(&b, slice_of(NULL)), 0);
  CHECK_INT(buf_append_text(&b, ""), 0);
  CHECK_INT(buf_size(&b), 0);
  CHECK_INT(mem_count(), asked);
  buf_fini(&b);
}

TEST(append_and_consume) {
  struct hn_buf b;

  buf_init(&b, 100);
  CHECK_INT(buf_append(&b, test_guarded(0, slice_of("one "))), 0);
  CHECK_INT(buf_append_text(&b, "two "), 0);
  CHECK_INT(buf_append_char(&b, '3'), 0);
  CHECK_INT(buf_append_char(&b, '\0'), 0);
  CHECK_INT(buf_append_u64(&b, 44), 0);
  CHECK(slice_equal(buf_peek(&b), slice_make("one two 3\00044", 12)));
  buf_consume(&b, 4);
  CHECK(slice_equal(buf_peek(&b), slice_make("two 3\00044", 8)));
  buf_truncate(&b, 5);
  CHECK_TEXT(buf_peek(&b), "two 3");
  buf_truncate(&b, 6);
  CHECK_TEXT(buf_peek(&b), "two 3");
  buf_consume(&b, 99);
  CHECK_TEXT(buf_peek(&b), "");
  CHECK_INT(buf_append_text(&b, "again"), 0);
  CHECK_TEXT(buf_peek(&b), "again");
  buf_truncate(&b, 0);
  CHECK_INT(buf_size(&b), 0);
  buf_fini(&b);
}

TEST(numbers) {
  static const struct {
    uint64_t n;
    const char *text;
  } rows[] = {
      {0, "0"},
      {9, "9"},
      {10, "10"},
      {1234567890, "1234567890"},
      {UINT64_MAX, "18446744073709551615"},
      {UINT64_MAX - 5, "18446744073709551610"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_buf b;

    buf_init(&b, 20);
    CHECK_INT(buf_append_u64(&b, rows[i].n), 0);
    CHECK_TEXT(buf_peek(&b), rows[i].text);
    buf_fini(&b);
  }
}

TEST(caps) {
  struct hn_buf b;
  char *out = NULL;

  buf_init(&b, 5);
  CHECK_INT(buf_append_text(&b, "123456"), HN_ERR_INSUFFICIENT_BUFFER);
  CHECK_INT(buf_append_text(&b, "12345"), 0);
  CHECK_INT(buf_append_char(&b, '6'), HN_ERR_INSUFFICIENT_BUFFER);
  CHECK_INT(buf_append_u64(&b, 6), HN_ERR_INSUFFICIENT_BUFFER);
  CHECK_INT(buf_reserve(&b, 1, &out), HN_ERR_INSUFFICIENT_BUFFER);
  CHECK_INT(buf_reserve(&b, SIZE_MAX, &out), HN_ERR_INSUFFICIENT_BUFFER);
  CHECK(out == NULL);
  CHECK_TEXT(buf_peek(&b), "12345");
  CHECK_INT(buf_reserve(&b, 0, &out), 0);
  /* The cap is on what is unconsumed, not on what ever went through. */
  for (int i = 0; i < 100; i++) {
    buf_consume(&b, 2);
    CHECK_INT(buf_append_text(&b, "xy"), 0);
    CHECK_INT(buf_append_char(&b, 'z'), HN_ERR_INSUFFICIENT_BUFFER);
  }
  CHECK_TEXT(buf_peek(&b), "yxyxy");
  CHECK(b.room <= 5 + 5 / 2);
  buf_fini(&b);
}

TEST(odd_caps) {
  struct hn_buf b;
  char *out = NULL;

  buf_init(&b, 0);
  CHECK_INT(buf_append_char(&b, 'x'), HN_ERR_INSUFFICIENT_BUFFER);
  CHECK_INT(buf_append_text(&b, ""), 0);
  CHECK_INT(buf_reserve(&b, 0, &out), 0);
  CHECK(out != NULL);
  buf_fini(&b);
  buf_init(&b, 1);
  for (int i = 0; i < 10; i++) {
    CHECK_INT(buf_append_char(&b, 'x'), 0);
    CHECK_INT(buf_append_char(&b, 'x'), HN_ERR_INSUFFICIENT_BUFFER);
    buf_consume(&b, 1);
  }
  buf_fini(&b);
  buf_init(&b, SIZE_MAX);
  CHECK_INT(buf_append_text(&b, "abc"), 0);
  out = NULL;
  CHECK_INT(buf_reserve(&b, SIZE_MAX / 2, &out), HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(buf_reserve(&b, SIZE_MAX - 3, &out), HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(buf_reserve(&b, SIZE_MAX, &out), HN_ERR_INSUFFICIENT_BUFFER);
  CHECK(out == NULL);
  CHECK_TEXT(buf_peek(&b), "abc");
  buf_fini(&b);
}

TEST(a_cap_that_moves) {
  struct hn_buf b;
  char *out;

  buf_init(&b, 1000);
  for (int i = 0; i < 100; i++) CHECK_INT(buf_append_text(&b, "0123456789"), 0);
  b.cap = 10;
  CHECK_INT(buf_append_char(&b, 'x'), HN_ERR_INSUFFICIENT_BUFFER);
  CHECK_INT(buf_reserve(&b, 0, &out), HN_ERR_INSUFFICIENT_BUFFER);
  CHECK_INT(buf_size(&b), 1000);
  /* More memory than the new cap asks for is used as it is. */
  buf_consume(&b, 991);
  for (int i = 0; i < 2000; i++) {
    CHECK_INT(buf_append_char(&b, 'x'), 0);
    CHECK_INT(buf_append_char(&b, 'x'), HN_ERR_INSUFFICIENT_BUFFER);
    buf_consume(&b, 1);
  }
  CHECK_TEXT(buf_peek(&b), "xxxxxxxxx");
  b.cap = 5000;
  CHECK_INT(buf_reserve(&b, 4991, &out), 0);
  memset(out, 'y', 4991);
  buf_commit(&b, 4991);
  CHECK_INT(buf_size(&b), 5000);
  buf_fini(&b);
}

TEST(reserve_and_commit) {
  struct hn_buf b;
  char *out;

  buf_init(&b, 1000);
  CHECK_INT(buf_reserve(&b, 10, &out), 0);
  CHECK_INT(buf_size(&b), 0);
  memset(out, 'a', 10);
  buf_commit(&b, 3);
  CHECK_TEXT(buf_peek(&b), "aaa");
  CHECK_INT(buf_reserve(&b, 997, &out), 0);
  memset(out, 'b', 997);
  buf_commit(&b, 0);
  CHECK_TEXT(buf_peek(&b), "aaa");
  CHECK_INT(buf_reserve(&b, 997, &out), 0);
  memset(out, 'b', 997);
  buf_commit(&b, 997);
  CHECK_INT(buf_size(&b), 1000);
  CHECK(buf_peek(&b).p[2] == 'a' && buf_peek(&b).p[3] == 'b');
  buf_fini(&b);
}

TEST(fini_leaves_a_usable_buffer) {
  struct hn_buf b;

  buf_init(&b, 3);
  CHECK_INT(buf_append_text(&b, "abc"), 0);
  buf_fini(&b);
  CHECK_INT(buf_size(&b), 0);
  buf_fini(&b);
  CHECK_INT(buf_append_text(&b, "def"), 0);
  CHECK_TEXT(buf_peek(&b), "def");
  CHECK_INT(buf_append_char(&b, 'g'), HN_ERR_INSUFFICIENT_BUFFER);
  buf_fini(&b);
}

TEST(clear_keeps_the_memory) {
  struct hn_buf b;
  long asked;

  buf_init(&b, 1000);
  CHECK_INT(buf_append_text(&b, "abc"), 0);
  asked = mem_count();
  for (int i = 0; i < 100; i++) {
    buf_clear(&b);
    CHECK_INT(buf_append_text(&b, "defghi"), 0);
  }
  CHECK_INT(mem_count(), asked);
  buf_fini(&b);
}

TEST(growth_is_amortised) {
  enum { COUNT = 1000 * 1000 };
  struct hn_buf b;
  long asked = mem_count();
  int code = 0;

  buf_init(&b, COUNT);
  for (int i = 0; i < COUNT; i++) code |= buf_append_char(&b, 'x');
  CHECK_INT(code, 0);
  CHECK_INT(buf_size(&b), COUNT);
  CHECK(mem_count() - asked < 20);
  CHECK(b.room <= COUNT + COUNT / 2);
  buf_fini(&b);
}

/* A full queue of a megabyte drained in small steps: were its bytes moved at
 * each step, this would take minutes. */
TEST(a_full_window_slides_cheaply) {
  enum { CAP = 1024 * 1024, STEP = 64, ROUNDS = 100 * 1000 };
  struct hn_buf b;
  char *out;
  size_t moves = 0;
  int code;

  buf_init(&b, CAP);
  code = buf_reserve(&b, CAP, &out);
  if (!CHECK_INT(code, 0)) return;
  memset(out, 'x', CAP);
  buf_commit(&b, CAP);
  for (int i = 0; i < ROUNDS; i++) {
    buf_consume(&b, STEP);
    size_t head = b.head;
    code |= buf_reserve(&b, STEP, &out);
    memset(out, 'y', STEP);
    buf_commit(&b, STEP);
    if (b.head != head) moves++;
  }
  CHECK_INT(code, 0);
  CHECK_INT(buf_size(&b), CAP);
  CHECK(moves <= ROUNDS * STEP / (CAP / 2) + 1);
  CHECK(b.room <= CAP + CAP / 2);
  buf_fini(&b);
}

/* What is used up leaves all the room behind it. */
TEST(an_empty_buffer_begins_at_the_front) {
  struct hn_buf b;

  buf_init(&b, 100);
  CHECK_INT(buf_append_text(&b, "abcdef"), 0);
  buf_consume(&b, 2);
  buf_consume(&b, 4);
  CHECK_INT(b.head, 0);
  CHECK_INT(b.tail, 0);
  CHECK_INT(buf_append_text(&b, "abcdef"), 0);
  buf_consume(&b, 2);
  buf_clear(&b);
  CHECK_INT(b.head, 0);
  CHECK_INT(b.tail, 0);
  buf_fini(&b);
}

TEST(its_room_is_on_the_account) {
  struct hn_account account = {0, 0};
  struct hn_buf b;
  char *out;

  buf_init_on(&b, 1000, &account);
  CHECK_INT(buf_append_text(&b, "abc"), 0);
  CHECK(b.room > 0);
  CHECK_INT(account.used, b.room);
  CHECK_INT(buf_reserve(&b, 500, &out), 0);
  CHECK(b.room >= 503);
  CHECK_INT(account.used, b.room);
  mem_fail_at(1);
  CHECK_INT(buf_reserve(&b, 997, &out), HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(account.used, b.room);
  CHECK_TEXT(buf_peek(&b), "abc");
  buf_fini(&b);
  CHECK_INT(account.used, 0);
}

/* Near the limit it takes what it needs and no more. */
TEST(a_tight_account) {
  struct hn_account account = {0, 100};
  struct hn_buf b;
  char *out;

  buf_init_on(&b, 1000, &account);
  CHECK_INT(buf_reserve(&b, 1, &out), 0);
  CHECK_INT(buf_reserve(&b, 90, &out), 0);
  CHECK_INT(b.room, 90);
  CHECK_INT(account.used, 90);
  CHECK_INT(buf_reserve(&b, 101, &out), HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(b.room, 90);
  CHECK_INT(account.used, 90);
  buf_fini(&b);
  CHECK_INT(account.used, 0);
}

static bool fill_a_buffer(void *ctx) {
  struct hn_buf b;
  size_t done = 0;
  int code = 0;

  buf_init(&b, 4096);
  while (code == 0 && done < 400) {
    code = buf_append_text(&b, "0123456789");
    if (code == 0) done++;
    /* What was there survives a failure, whole. */
    CHECK_INT(buf_size(&b), done * 10);
    CHECK(buf_size(&b) == 0 || buf_peek(&b).p[buf_size(&b) - 1] == '9');
  }
  if (code != 0) CHECK_INT(code, HN_ERR_NOT_ENOUGH_MEMORY);
  buf_fini(&b);
  (*(int *)ctx)++;
  return code == 0;
}

TEST(every_allocation_fails) {
  int rounds = 0;

  test_each_failure(fill_a_buffer, &rounds);
  CHECK(rounds > 5);
}

static uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/* Against a naive model: a plain array that is moved at every change. */
struct model {
  char bytes[300];
  size_t n, cap;
  unsigned char next; /* the byte to be appended next */
};

static void model_append(struct model *m, struct hn_buf *b, size_t n) {
  char more[64];
  bool fits = n <= m->cap - m->n;

  for (size_t i = 0; i < n; i++) more[i] = (char)(m->next + i);
  CHECK_INT(buf_append(b, slice_make(more, n)),
            fits ? 0 : HN_ERR_INSUFFICIENT_BUFFER);
  if (!fits) return;
  memcpy(m->bytes + m->n, more, n);
  m->n += n;
  m->next = (unsigned char)(m->next + n);
}

static void model_consume(struct model *m, struct hn_buf *b, size_t n) {
  buf_consume(b, n);
  if (n > m->n) n = m->n;
  memmove(m->bytes, m->bytes + n, m->n - n);
  m->n -= n;
}

static void model_truncate(struct model *m, struct hn_buf *b, size_t n) {
  buf_truncate(b, n);
  if (n < m->n) m->n = n;
}

TEST(random_sequences) {
  static const size_t caps[] = {1, 2, 3, 7, 64, 65, 100, 300};
  uint32_t random = 20240501;

  for (size_t c = 0; c < sizeof caps / sizeof *caps; c++) {
    struct model m = {{0}, 0, caps[c], 0};
    struct hn_buf b;

    buf_init(&b, caps[c]);
    for (int i = 0; i < 20000; i++) {
      uint32_t r = next_random(&random);

      if (r % 8 < 4)
        model_append(&m, &b, (r >> 3) % 40);
      else if (r % 8 < 7)
        model_consume(&m, &b, (r >> 3) % 40);
      else if (r % 64 == 7)
        model_truncate(&m, &b, (r >> 6) % 100);
      if (!CHECK(slice_equal(buf_peek(&b), slice_make(m.bytes, m.n)))) break;
      if (!CHECK(b.room <= b.cap + b.cap / 2)) break;
    }
    buf_fini(&b);
  }
}

TEST_MAIN(ROW(a_new_buffer_is_empty), ROW(append_and_consume), ROW(numbers),
          ROW(caps), ROW(odd_caps), ROW(a_cap_that_moves),
          ROW(reserve_and_commit), ROW(fini_leaves_a_usable_buffer),
          ROW(clear_keeps_the_memory), ROW(growth_is_amortised),
          ROW(a_full_window_slides_cheaply),
          ROW(an_empty_buffer_begins_at_the_front),
          ROW(its_room_is_on_the_account), ROW(a_tight_account),
          ROW(every_allocation_fails), ROW(random_sequences))
