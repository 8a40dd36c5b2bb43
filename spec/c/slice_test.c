#include "../../csrc/base/slice.h"
#include "test.h"

/* Against a guard page, so that a byte too far is a crash. */
static struct hn_slice guard(int which, const char *text) {
  return text == NULL ? slice_of(NULL) : test_guarded(which, slice_of(text));
}

TEST(making) {
  CHECK(slice_of(NULL).p == NULL);
  CHECK_INT(slice_of(NULL).n, 0);
  CHECK(slice_of("").p != NULL);
  CHECK_INT(slice_of("abc").n, 3);
  CHECK_INT(slice_make("a\0b", 3).n, 3);
}

TEST(equality) {
  static const struct {
    const char *a, *b;
    bool equal, nocase, starts;
  } rows[] = {
      {"", "", true, true, true},
      {NULL, NULL, true, true, true},
      {NULL, "", true, true, true},
      {"a", NULL, false, false, true},
      {NULL, "a", false, false, false},
      {"abc", "abc", true, true, true},
      {"abc", "ABC", false, true, true},
      {"aBc", "AbC", false, true, true},
      {"abcd", "ABC", false, false, true},
      {"ab", "abc", false, false, false},
      {"abc", "abd", false, false, false},
      {"xbc", "abc", false, false, false},
      {"abc", "", false, false, true},
      /* Neighbours of the letters, and bytes some locales call letters. */
      {"@[`{", "`{@[", false, false, false},
      {"\xc4", "\xe4", false, false, false},
      {"\xc3\xa4", "\xc3\x84", false, false, false},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_slice a = guard(0, rows[i].a), b = guard(1, rows[i].b);

    test_label(rows[i].a);
    CHECK(slice_equal(a, b) == rows[i].equal);
    CHECK(slice_equal(b, a) == rows[i].equal);
    CHECK(slice_equal_nocase(a, b) == rows[i].nocase);
    CHECK(slice_equal_nocase(b, a) == rows[i].nocase);
    CHECK(slice_starts_nocase(a, b) == rows[i].starts);
  }
  CHECK(!slice_equal(slice_make("a\0b", 3), slice_make("a\0c", 3)));
  CHECK(slice_equal_nocase(slice_make("a\0b", 3), slice_make("A\0B", 3)));
}

TEST(find) {
  static const struct {
    const char *text;
    size_t from;
    char c;
    size_t at;
  } rows[] = {
      {"", 0, 'a', 0},     {"", 5, 'a', 0},         {NULL, 0, 'a', 0},
      {"abca", 0, 'a', 0}, {"abca", 1, 'a', 3},     {"abca", 3, 'a', 3},
      {"abca", 4, 'a', 4}, {"abca", 9, 'a', 4},     {"abca", 0, 'x', 4},
      {"abca", 0, 'c', 2}, {"a\xff", 0, '\xff', 1},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_label(rows[i].text);
    CHECK_INT(slice_find(guard(0, rows[i].text), rows[i].from, rows[i].c),
              rows[i].at);
  }
  CHECK_INT(slice_find(slice_make("a\0b", 3), 0, '\0'), 1);
  CHECK_INT(slice_find(slice_make("a\0b", 3), 0, 'b'), 2);
}

TEST(parts) {
  static const struct {
    const char *text;
    size_t from, to;
    const char *part;
  } rows[] = {
      {"abcdef", 0, 6, "abcdef"},
      {"abcdef", 1, 3, "bc"},
      {"abcdef", 2, 2, ""},
      {"abcdef", 3, 1, ""},
      {"abcdef", 4, 99, "ef"},
      {"abcdef", 99, 100, ""},
      {"abcdef", SIZE_MAX, SIZE_MAX, ""},
      {"", 0, 5, ""},
      {NULL, 0, 0, ""},
      {NULL, 1, 5, ""},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_slice s = guard(0, rows[i].text);
    struct hn_slice part = slice_sub(s, rows[i].from, rows[i].to);

    test_label(rows[i].text);
    CHECK_TEXT(part, rows[i].part);
    CHECK((part.p == NULL) == (s.p == NULL));
    if (s.p != NULL) CHECK(part.p >= s.p && part.p + part.n <= s.p + s.n);
  }
  CHECK_TEXT(slice_from(guard(0, "abc"), 1), "bc");
  CHECK_TEXT(slice_from(guard(0, "abc"), 3), "");
  CHECK_TEXT(slice_from(guard(0, "abc"), 4), "");
  CHECK(slice_from(slice_of(NULL), 4).p == NULL);
}

TEST(trim) {
  static const char *const rows[][2] = {
      {"", ""},
      {NULL, ""},
      {" ", ""},
      {" \t \t", ""},
      {"a", "a"},
      {" a", "a"},
      {"a\t", "a"},
      {"\t a b \t", "a b"},
      /* White space that is none here. */
      {"\r\na\n", "\r\na\n"},
      {"\va\f", "\va\f"},
      {"\xa0 x", "\xa0 x"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_label(rows[i][0]);
    CHECK_TEXT(slice_trim(guard(0, rows[i][0])), rows[i][1]);
  }
}

TEST(elements) {
  static const struct {
    const char *text;
    const char *joined; /* the elements, each followed by '|' */
  } rows[] = {
      {NULL, ""},
      {"", ""},
      {",", ""},
      {" , ,\t,", ""},
      {"a", "a|"},
      {" a ", "a|"},
      {"a,b", "a|b|"},
      {"a , b\t,c", "a|b|c|"},
      {",a,,b,", "a|b|"},
      {"a b,c", "a b|c|"},
      {"x=\"1,2\",y", "x=\"1,2\"|y|"},
      {"x=\"1\\\",2\", y", "x=\"1\\\",2\"|y|"},
      {"x=\"1\\\\\",2", "x=\"1\\\\\"|2|"},
      {"a\\,b", "a\\|b|"},
      {"\"a", "\"a|"},
      {"\"a,b", "\"a,b|"},
      {"\"a,b\\", "\"a,b\\|"},
      {"\"\",\"\"", "\"\"|\"\"|"},
      {"a;b=\"c\"d\"e,f\",g", "a;b=\"c\"d\"e,f\"|g|"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_slice rest = guard(0, rows[i].text), element = {NULL, 0};
    char joined[64];
    size_t used = 0;

    test_label(rows[i].text);
    while (slice_next_element(&rest, &element) &&
           CHECK(used + element.n + 2 < sizeof joined)) {
      memcpy(joined + used, element.p, element.n);
      used += element.n;
      joined[used++] = '|';
    }
    CHECK_TEXT(slice_make(joined, used), rows[i].joined);
    CHECK_INT(rest.n, 0);
    /* At the end for good, and the out-parameter is as it was. */
    element = slice_of("kept");
    CHECK(!slice_next_element(&rest, &element));
    CHECK_TEXT(element, "kept");
  }
}

TEST(rest_moves_behind_the_comma) {
  struct hn_slice rest = guard(0, "a, b"), element;

  CHECK(slice_next_element(&rest, &element));
  CHECK_TEXT(element, "a");
  CHECK_TEXT(rest, " b");
}

TEST(numbers) {
  static const struct {
    const char *text;
    bool ok;
    uint64_t n;
  } rows[] = {
      {NULL, false, 0},
      {"", false, 0},
      {"0", true, 0},
      {"7", true, 7},
      {"0000000000000000000000000007", true, 7},
      {"18446744073709551615", true, UINT64_MAX},
      {"018446744073709551615", true, UINT64_MAX},
      {"18446744073709551616", false, 0},
      {"18446744073709551620", false, 0},
      {"18446744073709551609", true, UINT64_MAX - 6},
      {"28446744073709551615", false, 0},
      {"184467440737095516150", false, 0},
      {"99999999999999999999999999999", false, 0},
      {"9223372036854775808", true, (uint64_t)INT64_MAX + 1},
      {"+1", false, 0},
      {"-1", false, 0},
      {" 1", false, 0},
      {"1 ", false, 0},
      {"1,2", false, 0},
      {"0x10", false, 0},
      {"1e3", false, 0},
      {"/", false, 0},
      {":", false, 0},
      {"\xb2", false, 0},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint64_t n = 42;

    test_label(rows[i].text);
    CHECK(slice_to_u64(guard(0, rows[i].text), &n) == rows[i].ok);
    CHECK(n == (rows[i].ok ? rows[i].n : 42));
  }
  uint64_t n = 42;
  CHECK(!slice_to_u64(slice_make("1\0", 2), &n));
  CHECK_INT(n, 42);
}

TEST(every_byte) {
  static const char upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
  static const char digits[] = "0123456789abcdef", more[] = "ABCDEF";

  for (int i = 0; i < 256; i++) {
    char c = (char)(unsigned char)i;
    const char *up = memchr(upper, c, 26);
    const char *digit = memchr(digits, c, 16), *big = memchr(more, c, 6);
    int value = digit != NULL ? (int)(digit - digits)
                : big != NULL ? (int)(big - more) + 10
                              : -1;

    CHECK_INT(slice_lower(c), up != NULL ? lower[up - upper] : c);
    CHECK_INT(slice_hex_digit(c), value);
  }
}

/* The harness itself: the pieces of every split add up to the input. */
static void join_pieces(void *ctx, const struct test_pieces *pieces) {
  size_t from = 0, count = 0;

  while (from < pieces->input.n) {
    size_t end = test_piece_end(pieces, from);

    if (!CHECK(end > from && end <= pieces->input.n)) return;
    if (pieces->step == 1) CHECK_INT(end, from + 1);
    from = end;
    count++;
  }
  CHECK_INT(test_piece_end(pieces, from), from);
  if (pieces->step == 0) {
    CHECK_INT(count, (pieces->input.n > 0) + (pieces->split > 0));
  }
  (*(size_t *)ctx)++;
}

TEST(each_split_cuts_everywhere) {
  static const char *const rows[] = {"", "a", "ab", "abcdefgh"};
  static const size_t runs[] = {2, 2, 3, 9};

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    size_t count = 0;

    test_each_split(slice_of(rows[i]), join_pieces, &count);
    CHECK_INT(count, runs[i]);
  }
}

TEST(guarded_copies) {
  struct hn_slice a = test_guarded(0, slice_of("first"));
  struct hn_slice b = test_guarded(1, slice_of("second"));
  char large[10000];

  CHECK_TEXT(a, "first");
  CHECK_TEXT(b, "second");
  memset(large, 'x', sizeof large);
  a = test_guarded(0, slice_make(large, sizeof large));
  CHECK(slice_equal(a, slice_make(large, sizeof large)));
  a = test_guarded(0, slice_sub(a, 10, 9000));
  CHECK(slice_equal(a, slice_make(large, 8990)));
  CHECK_TEXT(b, "second");
  CHECK(test_guarded(2, slice_of(NULL)).p != NULL);
  CHECK_INT(test_guarded(2, slice_of("")).n, 0);
}

TEST_MAIN(ROW(making), ROW(equality), ROW(find), ROW(parts), ROW(trim),
          ROW(elements), ROW(rest_moves_behind_the_comma), ROW(numbers),
          ROW(every_byte), ROW(each_split_cuts_everywhere), ROW(guarded_copies))
