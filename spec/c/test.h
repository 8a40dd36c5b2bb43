/*
 * test.h: the C unit tests' harness.
 *
 * A test program lists its cases with TEST(name) { ... } and ends with
 * TEST_MAIN(case, case, ...). It prints one line per failed check and, last,
 * "N passed, N failed"; its exit status says the same. Checks do not stop a
 * case. After each case every allocation must have been freed.
 */
#ifndef HN_SPEC_TEST_H
#define HN_SPEC_TEST_H

#include <stdio.h>
#include <string.h>

#include "../../csrc/base/mem.h"
#include "../../csrc/base/slice.h"

struct test_case {
  const char *name;
  void (*run)(void);
};

#define TEST(name) static void test_##name(void)

/* Counts a failure and prints where; the value of the condition. */
bool test_check(bool ok, const char *file, int line, const char *what);
bool test_equal_int(int64_t a, int64_t b, const char *file, int line,
                    const char *what);
bool test_equal_text(struct hn_slice a, const char *b, const char *file,
                     int line, const char *what);
/* Says which row of a table the following checks are about. */
void test_label(const char *label);
int test_run(const struct test_case *cases, size_t count);

#define CHECK(cond) test_check((cond), __FILE__, __LINE__, #cond)
#define CHECK_INT(a, b)                                                        \
  test_equal_int((int64_t)(a), (int64_t)(b), __FILE__, __LINE__, #a " == " #b)
/* slice against C string */
#define CHECK_TEXT(s, text)                                                    \
  test_equal_text((s), (text), __FILE__, __LINE__, #s " == " #text)

#define ROW(name)                                                              \
  { #name, test_##name }
#define TEST_MAIN(...)                                                         \
  int main(void) {                                                             \
    static const struct test_case rows[] = {__VA_ARGS__};                      \
    return test_run(rows, sizeof rows / sizeof *rows);                         \
  }

/* A copy of s whose last byte is followed by an inaccessible page; valid until
 * the next call with the same which (0..3). Not freed by the caller. */
struct hn_slice test_guarded(int which, struct hn_slice s);

/* Runs body(ctx) with the first, second, ... allocation failing until it asks
 * for fewer than that; body says by true that it succeeded. Checks that no
 * block is left over after each round. */
void test_each_failure(bool (*body)(void *ctx), void *ctx);

/* How an input is cut: calls run(ctx, pieces) for the whole input, byte by
 * byte, and at every split point. */
struct test_pieces {
  struct hn_slice input;
  size_t step;  /* 0: whole; 1: byte by byte */
  size_t split; /* used when step == 0 and > 0: one cut here */
};
void test_each_split(struct hn_slice input,
                     void (*run)(void *ctx, const struct test_pieces *pieces),
                     void *ctx);
/* The end of the piece that begins at `from`. */
size_t test_piece_end(const struct test_pieces *pieces, size_t from);

#endif
