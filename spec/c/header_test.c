#include "../../csrc/proto/header.h"
#include "test.h"

enum { ALLOC = 4096, FIELDS = 16 };

#define S(text) slice_make(text, sizeof(text) - 1)
#define REPLACE ((unsigned)HN_ADD_REPLACE)

static void check_written(const struct hn_headers *h, const char *want) {
  struct hn_buf out;

  buf_init(&out, 1 << 20);
  CHECK_INT(headers_write(h, &out), 0);
  CHECK_TEXT(buf_peek(&out), want);
  buf_fini(&out);
}

static void fill(struct hn_headers *h, const char *lines) {
  headers_init(h, ALLOC, FIELDS);
  if (lines[0] != '\0') {
    CHECK_INT(headers_apply_lines(h, HN_ADD, slice_of(lines)), 0);
  }
}

TEST(token_and_value_characters) {
  const char *tokens = "!#$%&'*+-.^_`|~0123456789"
                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

  for (int c = 0; c < 256; c++) {
    char byte = (char)c;
    struct hn_slice s = slice_make(&byte, 1);
    bool value = c == '\t' || (c >= ' ' && c != 0x7f);

    CHECK_INT(header_is_token(s), c != 0 && strchr(tokens, c) != NULL);
    CHECK_INT(header_is_value(s), value);
  }
  CHECK(!header_is_token(S("")));
  CHECK(header_is_value(S("")));
  CHECK_INT(header_token_length(S("abc: d")), 3);
}

/* The scan looks at eight bytes at a time: every byte at every place. */
TEST(value_length_at_every_place) {
  char text[24];

  for (size_t n = 0; n <= sizeof text; n++) {
    for (size_t at = 0; at < n; at++) {
      for (int c = 0; c < 256; c++) {
        bool good = c == '\t' || (c >= ' ' && c != 0x7f);

        memset(text, 'x', n);
        if (at > 0) text[at - 1] = '\t';
        if (at + 1 < n) text[at + 1] = (char)0xff;
        text[at] = (char)c;
        CHECK_INT(header_value_length(test_guarded(0, slice_make(text, n))),
                  good ? n : at);
      }
    }
  }
}

struct append_row {
  struct hn_slice name, value;
  int code;
  const char *written;
};

static const struct append_row append_rows[] = {
    {{"A", 1}, {"b", 1}, 0, "A: b\r\n"},
    {{"A", 1}, {"", 0}, 0, "A: \r\n"},
    {{"A", 1}, {NULL, 0}, 0, "A: \r\n"},
    {{"A", 1}, {" \tb c\t ", 7}, 0, "A: b c\r\n"},
    {{"A", 1}, {"b\tc", 3}, 0, "A: b\tc\r\n"},
    {{"A", 1}, {"\xc3\xa4", 2}, 0, "A: \xc3\xa4\r\n"},
    {{"", 0}, {"b", 1}, HN_ERR_INVALID_PARAMETER, ""},
    {{"A ", 2}, {"b", 1}, HN_ERR_INVALID_PARAMETER, ""},
    {{"A:", 2}, {"b", 1}, HN_ERR_INVALID_PARAMETER, ""},
    {{"\xc3\xa4", 2}, {"b", 1}, HN_ERR_INVALID_PARAMETER, ""},
    {{"A", 1}, {"b\r\nC: d", 7}, HN_ERR_INVALID_PARAMETER, ""},
    {{"A", 1}, {"b\r", 2}, HN_ERR_INVALID_PARAMETER, ""},
    {{"A", 1}, {"b\n", 2}, HN_ERR_INVALID_PARAMETER, ""},
    {{"A", 1}, {"b\0c", 3}, HN_ERR_INVALID_PARAMETER, ""},
    {{"A", 1}, {"b\x7f", 2}, HN_ERR_INVALID_PARAMETER, ""},
};

TEST(append) {
  for (size_t i = 0; i < sizeof append_rows / sizeof *append_rows; i++) {
    const struct append_row *row = &append_rows[i];
    struct hn_headers h;
    char label[16];

    snprintf(label, sizeof label, "row %zu", i);
    test_label(label);
    headers_init(&h, ALLOC, FIELDS);
    CHECK_INT(headers_append(&h, test_guarded(0, row->name),
                             test_guarded(1, row->value)),
              row->code);
    check_written(&h, row->written);
    headers_fini(&h);
  }
}

struct apply_row {
  const char *label, *before;
  unsigned mode;
  const char *name, *value;
  int code;
  const char *after;
};

#define TWO "A: 1\r\nB: 2\r\nA: 3\r\n"

static const struct apply_row apply_rows[] = {
    {"0, absent", "", 0, "A", "1", 0, "A: 1\r\n"},
    {"0, present", TWO, 0, "a", "4", 0, TWO "a: 4\r\n"},
    {"add, absent", "", HN_ADD, "A", "1", 0, "A: 1\r\n"},
    {"add, present", TWO, HN_ADD, "A", "4", 0, TWO "A: 4\r\n"},
    {"add if new, absent", TWO, HN_ADD_IF_NEW, "C", "4", 0, TWO "C: 4\r\n"},
    {"add if new, present", TWO, HN_ADD_IF_NEW, "a", "4",
     HN_ERR_HEADER_ALREADY_EXISTS, TWO},
    {"add or replace, absent", TWO, HN_ADD_OR_REPLACE, "C", "4", 0,
     TWO "C: 4\r\n"},
    {"add or replace, present", TWO, HN_ADD_OR_REPLACE, "a", "4", 0,
     "B: 2\r\nA: 3\r\na: 4\r\n"},
    {"add or replace, empty", TWO, HN_ADD_OR_REPLACE, "B", "", 0,
     "A: 1\r\nA: 3\r\nB: \r\n"},
    {"replace, absent", TWO, REPLACE, "C", "4", HN_ERR_HEADER_NOT_FOUND, TWO},
    {"replace, absent, empty", TWO, REPLACE, "C", "", HN_ERR_HEADER_NOT_FOUND,
     TWO},
    {"replace, present", TWO, REPLACE, "A", "4", 0, "B: 2\r\nA: 3\r\nA: 4\r\n"},
    {"replace, empty", TWO, REPLACE, "A", "", 0, "B: 2\r\nA: 3\r\n"},
    {"replace, blank", TWO, REPLACE, "A", " ", 0, "B: 2\r\nA: 3\r\n"},
    {"coalesce, absent", TWO, HN_ADD_COALESCE, "C", "4", 0, TWO "C: 4\r\n"},
    {"coalesce, present", TWO, HN_ADD_COALESCE, "a", "4", 0,
     "A: 1, 4\r\nB: 2\r\nA: 3\r\n"},
    {"coalesce, empty", TWO, HN_ADD_COALESCE, "a", "", 0, TWO},
    {"coalesce to empty", "A:\r\n", HN_ADD_COALESCE, "a", "4", 0, "A: 4\r\n"},
    {"semicolon, absent", "", HN_ADD_COALESCE_SEMICOLON, "C", "4", 0,
     "C: 4\r\n"},
    {"semicolon, present", TWO, HN_ADD_COALESCE_SEMICOLON, "B", "4", 0,
     "A: 1\r\nB: 2; 4\r\nA: 3\r\n"},
    {"add with coalesce", TWO, HN_ADD | HN_ADD_COALESCE, "B", "4", 0,
     "A: 1\r\nB: 2, 4\r\nA: 3\r\n"},
    {"unknown mode", TWO, 1, "A", "4", HN_ERR_INVALID_PARAMETER, TWO},
    {"bad name", TWO, HN_ADD, "A b", "4", HN_ERR_INVALID_PARAMETER, TWO},
    {"bad value", TWO, REPLACE, "A", "4\n", HN_ERR_INVALID_PARAMETER, TWO},
};

TEST(apply) {
  for (size_t i = 0; i < sizeof apply_rows / sizeof *apply_rows; i++) {
    const struct apply_row *row = &apply_rows[i];
    struct hn_headers h;

    test_label(row->label);
    fill(&h, row->before);
    CHECK_INT(headers_apply(&h, row->mode, test_guarded(0, slice_of(row->name)),
                            test_guarded(1, slice_of(row->value))),
              row->code);
    check_written(&h, row->after);
    headers_fini(&h);
  }
}

struct lines_row {
  const char *before;
  unsigned mode;
  struct hn_slice lines;
  int code;
  const char *after;
};

#define L(text)                                                                \
  { text, sizeof(text) - 1 }
#define BAD HN_ERR_INVALID_PARAMETER

static const struct lines_row lines_rows[] = {
    {"", HN_ADD, L("A: 1"), 0, "A: 1\r\n"},
    {"", HN_ADD, L("A: 1\r\n"), 0, "A: 1\r\n"},
    {"", HN_ADD, L("\r\n\r\nA: 1\r\n\r\nB:2\r\n\r\n"), 0, "A: 1\r\nB: 2\r\n"},
    {"", HN_ADD, L("a:"), 0, "a: \r\n"},
    {"", HN_ADD, L("field: value "), 0, "field: value\r\n"},
    {"", HN_ADD, L("A: b:c"), 0, "A: b:c\r\n"},
    {"", HN_ADD, L(""), BAD, ""},
    {"", HN_ADD, L("\r\n"), BAD, ""},
    {"", HN_ADD, L(":"), BAD, ""},
    {"", HN_ADD, L(":b"), BAD, ""},
    {"", HN_ADD, L("cd"), BAD, ""},
    {"", HN_ADD, L(" e :f"), BAD, ""},
    {"", HN_ADD, L("e :f"), BAD, ""},
    {"", HN_ADD, L("A: 1\nB: 2"), BAD, ""},
    {"", HN_ADD, L("A: 1\rB: 2"), BAD, ""},
    {"", HN_ADD, L("A: 1\r"), BAD, ""},
    {"", HN_ADD, L("A: 1\n"), BAD, ""},
    {"", HN_ADD, L("\nA: 1"), BAD, ""},
    {"", HN_ADD, L("A: 1\0\r\n"), BAD, ""},
    {"", HN_ADD, L("A: 1\r\n B: 2"), BAD, ""},
    {"", HN_ADD, L("A: 1\r\nB"), BAD, ""},
    {"", 2, L("A: 1"), BAD, ""},
    {TWO, HN_ADD_OR_REPLACE, L("C: 1\r\nD: 2\r\n"), 0, TWO "C: 1\r\nD: 2\r\n"},
    {TWO, HN_ADD_OR_REPLACE, L("C: 1\r\nB: 9\r\nC: 5"), 0,
     "A: 1\r\nA: 3\r\nB: 9\r\nC: 5\r\n"},
    {TWO, HN_HEADERS_SET, L("C: 1\r\nB: 9\r\nC: 5\r\nc: 6"), 0,
     "A: 1\r\nA: 3\r\nC: 1\r\nB: 9\r\nC: 5\r\nc: 6\r\n"},
    {TWO, HN_HEADERS_SET, L("C: 1\r\nC: 2"), 0, TWO "C: 1\r\nC: 2\r\n"},
    {TWO, HN_HEADERS_SET, L("B: 1\r\nB: 2"), 0,
     "A: 1\r\nA: 3\r\nB: 1\r\nB: 2\r\n"},
    {"", HN_HEADERS_SET, L("B: 1\r\nB: 1"), 0, "B: 1\r\nB: 1\r\n"},
    {"", 1, L("B: 1"), BAD, ""},
    {TWO, HN_ADD_IF_NEW, L("C: 1\r\nC: 2"), HN_ERR_HEADER_ALREADY_EXISTS, TWO},
    {TWO, HN_ADD_IF_NEW, L("C: 1\r\nD: 2\r\nA: 2"),
     HN_ERR_HEADER_ALREADY_EXISTS, TWO},
    {TWO, REPLACE, L("A: 7\r\nB: 8\r\nC: 9"), HN_ERR_HEADER_NOT_FOUND, TWO},
    {TWO, REPLACE, L("A:\r\nA: 8"), 0, "B: 2\r\nA: 8\r\n"},
    {TWO, HN_ADD_COALESCE, L("A: 7\r\nC: 8\r\nC: 9\r\nA: 0"), 0,
     "A: 1, 7, 0\r\nB: 2\r\nA: 3\r\nC: 8, 9\r\n"},
};

TEST(apply_lines) {
  for (size_t i = 0; i < sizeof lines_rows / sizeof *lines_rows; i++) {
    const struct lines_row *row = &lines_rows[i];
    struct hn_headers h;
    char label[16];

    snprintf(label, sizeof label, "row %zu", i);
    test_label(label);
    fill(&h, row->before);
    CHECK_INT(headers_apply_lines(&h, row->mode, test_guarded(0, row->lines)),
              row->code);
    check_written(&h, row->after);
    headers_fini(&h);
  }
}

TEST(find) {
  struct hn_headers h;
  struct hn_slice v = S("untouched");

  fill(&h, "Accept: a, b;q=1 ,, \"c,d\"\r\nHost: x\r\naccept: E\r\n");
  CHECK(headers_find(&h, S("ACCEPT"), 0, &v));
  CHECK_TEXT(v, "a, b;q=1 ,, \"c,d\"");
  CHECK(headers_find(&h, S("ACCEPT"), 1, &v));
  CHECK_TEXT(v, "E");
  CHECK(!headers_find(&h, S("ACCEPT"), 2, &v));
  CHECK(!headers_find(&h, S("Accep"), 0, &v));
  CHECK(!headers_find(&h, S(""), 0, &v));
  CHECK_TEXT(v, "E");
  CHECK(headers_has(&h, "hOST"));
  CHECK(!headers_has(&h, "Hos"));
  CHECK(headers_has_element(&h, "Accept", "A"));
  CHECK(headers_has_element(&h, "Accept", "b;q=1"));
  CHECK(headers_has_element(&h, "Accept", "e"));
  CHECK(!headers_has_element(&h, "Accept", "b"));
  CHECK(!headers_has_element(&h, "Accept", "d"));
  CHECK(!headers_has_element(&h, "Accept", ""));
  CHECK(!headers_has_element(&h, "Missing", "a"));
  CHECK_TEXT(headers_name(&h, 2), "accept");
  CHECK_TEXT(headers_value(&h, 1), "x");
  headers_remove(&h, S("accept"));
  check_written(&h, "Host: x\r\n");
  headers_remove(&h, S("nothing"));
  headers_remove(&h, S("host"));
  check_written(&h, "");
  CHECK_INT(buf_size(&h.bytes), 0);
  headers_fini(&h);
  headers_init(&h, ALLOC, FIELDS);
  CHECK(!headers_find(&h, S("a"), 0, &v));
  headers_remove(&h, S("a"));
  headers_fini(&h);
  fill(&h, "Via: a\r\nVia: b\r\nVia: c\r\n");
  CHECK(headers_has_element(&h, "Via", "b"));
  headers_fini(&h);
}

TEST(limits) {
  struct hn_headers h;

  headers_init(&h, 16, 3);
  CHECK_INT(headers_append(&h, S("A"), S("1")), 0); /* 6 bytes */
  CHECK_INT(headers_append(&h, S("B"), S("12345")), 0);
  CHECK_INT(headers_append(&h, S("C"), S("")), HN_ERR_HEADER_SIZE_OVERFLOW);
  check_written(&h, "A: 1\r\nB: 12345\r\n");
  /* What goes is counted before what comes. */
  CHECK_INT(headers_apply(&h, REPLACE, S("B"), S("54321")), 0);
  CHECK_INT(headers_apply(&h, REPLACE, S("A"), S("12")),
            HN_ERR_HEADER_SIZE_OVERFLOW);
  CHECK_INT(headers_apply(&h, HN_ADD_COALESCE, S("A"), S("2")),
            HN_ERR_HEADER_SIZE_OVERFLOW);
  check_written(&h, "A: 1\r\nB: 54321\r\n");
  CHECK_INT(headers_apply(&h, REPLACE, S("B"), S("")), 0);
  CHECK_INT(headers_append(&h, S("C"), S("")), 0);
  CHECK_INT(headers_append(&h, S("D"), S("1")), HN_ERR_HEADER_SIZE_OVERFLOW);
  CHECK_INT(headers_apply(&h, REPLACE, S("A"), S("")), 0);
  CHECK_INT(headers_append(&h, S("D"), S("")), 0);
  CHECK_INT(headers_append(&h, S("E"), S("")), 0);
  CHECK_INT(headers_append(&h, S("F"), S("")), HN_ERR_HEADER_COUNT_EXCEEDED);
  CHECK_INT(headers_apply(&h, HN_ADD_OR_REPLACE, S("C"), S("")), 0);
  check_written(&h, "D: \r\nE: \r\nC: \r\n");
  CHECK_INT(headers_apply_lines(&h, HN_ADD_OR_REPLACE, S("D:\r\nF:\r\n")),
            HN_ERR_HEADER_COUNT_EXCEEDED);
  check_written(&h, "D: \r\nE: \r\nC: \r\n");
  headers_clear(&h);
  check_written(&h, "");
  CHECK_INT(headers_set_block(&h, S("12345678901234567")),
            HN_ERR_HEADER_SIZE_OVERFLOW);
  headers_fini(&h);
}

/* Holes never make up more than half of the bytes, in any order. */
TEST(holes_are_closed) {
  struct hn_headers h;

  fill(&h, "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n");
  for (int i = 0; i < 1000; i++) {
    char name[2] = {(char)('A' + i % 4), '\0'};
    unsigned mode = i % 3 == 0 ? (unsigned)HN_ADD_COALESCE : REPLACE;

    CHECK_INT(headers_apply(&h, mode, slice_of(name), S("xyz")), 0);
    CHECK(h.holes <= buf_size(&h.bytes) / 2);
    CHECK_INT(h.count, 4);
  }
  check_written(&h, "A: xyz, xyz\r\nD: xyz, xyz\r\nB: xyz\r\nC: xyz\r\n");
  headers_fini(&h);
}

/* Bytes of a parsed block stay where they are: a status line's span and the
 * raw text count on it. */
TEST(block) {
  static const char text[] = "HTTP/1.1 200 OK\nA:1 \nB: \t2\r\n\r\n";
  struct hn_headers h;
  struct hn_slice v;

  headers_init(&h, ALLOC, FIELDS);
  CHECK_INT(headers_add_span(&h, text, (struct hn_field_span){16, 1, 18, 1}),
            0);
  CHECK_INT(headers_add_span(&h, text, (struct hn_field_span){21, 1, 25, 1}),
            0);
  CHECK_INT(headers_set_block(&h, S(text)), 0);
  check_written(&h, "A: 1\r\nB: 2\r\n");
  CHECK_INT(headers_append(&h, S("C"), S("3")), 0);
  CHECK_INT(headers_append(&h, S("D"), S("4")), 0);
  CHECK_INT(headers_apply(&h, HN_ADD_COALESCE, S("a"), S("5")), 0);
  check_written(&h, "A: 1, 5\r\nB: 2\r\nC: 3\r\nD: 4\r\n");
  headers_remove(&h, S("A"));
  headers_remove(&h, S("C"));
  headers_remove(&h, S("B"));
  check_written(&h, "D: 4\r\n");
  CHECK_TEXT(slice_sub(buf_peek(&h.bytes), 0, sizeof text - 1), text);
  CHECK(headers_find(&h, S("d"), 0, &v));
  CHECK_INT(buf_size(&h.bytes), sizeof text - 1 + 6);
  headers_clear(&h);
  CHECK_INT(h.block, 0);
  CHECK_INT(headers_append(&h, S("C"), S("3")), 0);
  check_written(&h, "C: 3\r\n");
  headers_fini(&h);
}

TEST(write_is_all_or_nothing) {
  struct hn_headers h;
  struct hn_buf out;

  fill(&h, TWO);
  headers_remove(&h, S("B"));
  buf_init(&out, 10);
  CHECK_INT(buf_append_text(&out, "x"), 0);
  CHECK_INT(headers_write(&h, &out), HN_ERR_INSUFFICIENT_BUFFER);
  CHECK_TEXT(buf_peek(&out), "x");
  buf_fini(&out);
  headers_fini(&h);
}

static bool build(void *ctx) {
  struct hn_headers h;
  struct hn_buf out;
  int code;

  (void)ctx;
  headers_init(&h, ALLOC, 64);
  buf_init(&out, ALLOC);
  code = headers_apply_lines(&h, HN_ADD, S(TWO));
  for (int i = 0; i < 40 && code == 0; i++) {
    code = headers_append(&h, S("Name"), S("a value of some length"));
  }
  if (code == 0) {
    /* A failed call changes nothing, so that it can be tried again. */
    size_t count = h.count;

    code = headers_apply_lines(&h, HN_ADD_OR_REPLACE, S("C: 1\r\nB: 9\r\n"));
    if (code != 0) CHECK_INT(h.count, count);
    if (code != 0) CHECK(!headers_has(&h, "C"));
  }
  if (code == 0) code = headers_write(&h, &out);
  if (code != 0) CHECK_INT(code, HN_ERR_NOT_ENOUGH_MEMORY);
  buf_fini(&out);
  headers_fini(&h);
  return code == 0;
}

TEST(failing_allocations) {
  test_each_failure(build, NULL);
}

/* A list that was emptied for good counts where it did, in its next life. */
TEST(account) {
  struct hn_account a = {.used = 0, .limit = 0};
  struct hn_headers h;
  headers_init(&h, 100, 4);
  headers_count_on(&h, &a);
  for (int life = 0; life < 2; life++) {
    CHECK_INT(headers_append(&h, slice_of("A"), slice_of("b")), 0);
    CHECK(a.used > 0);
    headers_clear(&h);
    headers_fini(&h);
    CHECK_INT(a.used, 0);
  }
}

TEST_MAIN(ROW(token_and_value_characters), ROW(value_length_at_every_place),
          ROW(append), ROW(apply), ROW(apply_lines), ROW(find), ROW(limits),
          ROW(holes_are_closed), ROW(block), ROW(write_is_all_or_nothing),
          ROW(failing_allocations), ROW(account))
