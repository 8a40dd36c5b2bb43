#include "../../csrc/proto/h1_head.h"
#include "test.h"

enum { LIMIT = 4096, FIELDS = 8 };

#define S(text) slice_make(text, sizeof(text) - 1)
#define L(text)                                                                \
  { text, sizeof(text) - 1 }

/* fault NONE and result NULL: not complete when the input ends. The result is
 * "minor status [reason]" and "|name=value" for each field; what stays behind
 * the head is `rest`. */
struct row {
  struct hn_slice input;
  enum hn_fault fault;
  const char *result, *rest;
};

#define OK               "HTTP/1.1 200 OK\r\n"
#define F(name)          HN_FAULT_##name, NULL, NULL
#define MORE             HN_FAULT_NONE, NULL, NULL
#define IS(result, rest) HN_FAULT_NONE, result, rest

static const struct row head_rows[] = {
    {L(OK "\r\n"), IS("1 200 [OK]", "")},
    {L(OK "A: b\r\n\r\nbody"), IS("1 200 [OK]|A=b", "body")},
    {L(OK "A: b\r\nC:d\r\na: e\r\n\r\n"), IS("1 200 [OK]|A=b|C=d|a=e", "")},
    {L("HTTP/1.0 404 Not Found\r\n\r\n"), IS("0 404 [Not Found]", "")},
    {L("HTTP/1.9 299 x\r\n\r\n"), IS("9 299 [x]", "")},
    {L("HTTP/1.1 200\r\n\r\n"), IS("1 200 []", "")},
    {L("HTTP/1.1 200 \r\n\r\n"), IS("1 200 []", "")},
    {L("HTTP/1.1 200\n\n"), IS("1 200 []", "")},
    {L("HTTP/1.1 200  a\tb \r\n\r\n"), IS("1 200 [a\tb]", "")},
    {L("HTTP/1.1  200  OK\r\n\r\n"), IS("1 200 [OK]", "")},
    {L("HTTP/1.0    404\n\n"), IS("0 404 []", "")},
    {L("HTTP/1.1 500 \xc3\xa4\r\n\r\n"), IS("1 500 [\xc3\xa4]", "")},
    {L("HTTP/1.1 999 ?\r\n\r\n"), IS("1 999 [?]", "")},
    {L("HTTP/1.1 200 OK\nA: b\n\nrest"), IS("1 200 [OK]|A=b", "rest")},
    {L("HTTP/1.1 200 OK\nA: b\r\n\nrest"), IS("1 200 [OK]|A=b", "rest")},
    {L("HTTP/1.1 200 OK\r\nA: b\n\r\nrest"), IS("1 200 [OK]|A=b", "rest")},
    {L("\r\n" OK "\r\n"), IS("1 200 [OK]", "")},
    {L("\r\n\r\n" OK "\r\n"), IS("1 200 [OK]", "")},
    {L("\n\n\n\n" OK "\r\n"), IS("1 200 [OK]", "")},
    {L(OK "A:\r\n\r\n"), IS("1 200 [OK]|A=", "")},
    {L(OK "A: \t \r\n\r\n"), IS("1 200 [OK]|A=", "")},
    {L(OK "A:\t b \tc\t \r\n\r\n"), IS("1 200 [OK]|A=b \tc", "")},
    {L(OK "A: \xff\x80\r\n\r\n"), IS("1 200 [OK]|A=\xff\x80", "")},
    {L(OK "!#$%&'*+-.^_`|~9: x\r\n\r\n"),
     IS("1 200 [OK]|!#$%&'*+-.^_`|~9=x", "")},
    {L(OK "A: b: c\r\n\r\n"), IS("1 200 [OK]|A=b: c", "")},
    /* folds */
    {L(OK "A: b\r\n c\r\n\r\nx"), IS("1 200 [OK]|A=b c", "x")},
    {L(OK "A: b\r\n\tc: d\r\n\r\n"), IS("1 200 [OK]|A=b c: d", "")},
    {L(OK "A: b \t\r\n \t c\t \r\nD: e\r\n\r\n"),
     IS("1 200 [OK]|A=b c|D=e", "")},
    {L(OK "A: b\n c\n d\n\nx"), IS("1 200 [OK]|A=b c d", "x")},
    {L(OK "A: b\r\n \r\n\t\r\n c\r\n\r\n"), IS("1 200 [OK]|A=b c", "")},
    {L(OK "A: b\r\n \r\n\r\n"), IS("1 200 [OK]|A=b", "")},
    {L(OK "A:\r\n b\r\n\r\n"), IS("1 200 [OK]|A=b", "")},
    {L(OK "A:\r\n \r\n\r\n"), IS("1 200 [OK]|A=", "")},
    {L(OK "A: b  c\r\n d\r\nE: f\r\n g\r\n\r\n"),
     IS("1 200 [OK]|A=b  c d|E=f g", "")},
    {L(OK "A: b\r\n Content-Length: 5\r\n\r\n"),
     IS("1 200 [OK]|A=b Content-Length: 5", "")},
    {L(OK "Content-Lengthy: 5\r\n 6\r\n\r\n"),
     IS("1 200 [OK]|Content-Lengthy=5 6", "")},
    {L(OK "1:\r\n 2\r\n 3\r\n4:\r\n 5\r\n6:\r\n 7\r\n8:\r\n\r\n"),
     IS("1 200 [OK]|1=2 3|4=5|6=7|8=", "")},
    /* not complete */
    {L(OK "A: b\r\n "), MORE},
    {L(OK "A: b\r\n c\r"), MORE},
    {L(OK "A: b\r\n c\r\n"), MORE},
    {L(""), MORE},
    {L("\r"), MORE},
    {L("\r\n\r"), MORE},
    {L("\r\n\r\n"), MORE},
    {L("HTT"), MORE},
    {L("HTTP/1.1 200 OK"), MORE},
    {L(OK), MORE},
    {L(OK "\r"), MORE},
    {L(OK "A: b\r\n"), MORE},
    {L(OK "A: b\r\n\r"), MORE},
    /* no status line */
    {L("x"), F(NO_STATUS_LINE)},
    {L("HTTQ"), F(NO_STATUS_LINE)},
    {L("http/1.1 200 OK\r\n\r\n"), F(NO_STATUS_LINE)},
    {L("ICY 200 OK\r\n\r\n"), F(NO_STATUS_LINE)},
    {L("HTTPS/1.1 200 OK\r\n\r\n"), F(NO_STATUS_LINE)},
    {L("\rHTTP/1.1 200 OK\r\n\r\n"), F(NO_STATUS_LINE)},
    {L(" HTTP/1.1 200 OK\r\n\r\n"), F(NO_STATUS_LINE)},
    {L("\r\n\r\n\r\n" OK "\r\n"), F(NO_STATUS_LINE)},
    {L("\n\n\n\r\n" OK "\r\n"), F(NO_STATUS_LINE)},
    {L("\0"), F(NO_STATUS_LINE)},
    {L("\x16\x03\x01"), F(NO_STATUS_LINE)},
    {L("\x15\x03\x01"), F(TLS_ALERT)},
    {L("\r\n\x15\x03\x01"), F(NO_STATUS_LINE)},
    /* version */
    {L("HTTP/2.0 200 OK\r\n\r\n"), F(BAD_VERSION)},
    {L("HTTP/0.9 200 OK\r\n\r\n"), F(BAD_VERSION)},
    {L("HTTP/2 200 OK\r\n\r\n"), F(BAD_VERSION)},
    {L("HTTP/11.1 200 OK\r\n\r\n"), F(BAD_VERSION)},
    {L("HTTP/01.1 200 OK\r\n\r\n"), F(BAD_VERSION)},
    {L("HTTP/1,1 200 OK\r\n\r\n"), F(BAD_VERSION)},
    {L("HTTP/1.x 200 OK\r\n\r\n"), F(BAD_VERSION)},
    {L("HTTP/\n\n"), F(BAD_VERSION)},
    {L("HTTP/\r\n\r\n"), F(BAD_VERSION)},
    /* status line */
    {L("HTTP/1.1\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1\n\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1 20\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1 20\n\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.10 200 OK\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1\t200 OK\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1 \t200 OK\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1   \r\n200 OK\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1  20 0 OK\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1x 200 OK\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1 2000 OK\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1 099 OK\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1 2x0 OK\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1 200\tOK\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1 200 O\x01K\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1 200 O\x7fK\r\n\r\n"), F(BAD_STATUS_LINE)},
    {L("HTTP/1.1 200 O\rK\r\n\r\n"), F(BARE_CR)},
    {L("HTTP/1.1 200\r\r\n\r\n"), F(BARE_CR)},
    {L("HTTP/1.1 200 O\0K\r\n\r\n"), F(NUL_IN_HEAD)},
    /* names */
    {L(OK "A b: c\r\n\r\n"), F(BAD_FIELD_NAME)},
    {L(OK "A : c\r\n\r\n"), F(BAD_FIELD_NAME)},
    {L(OK "A\t: c\r\n\r\n"), F(BAD_FIELD_NAME)},
    {L(OK ": c\r\n\r\n"), F(BAD_FIELD_NAME)},
    {L(OK "A\r\n\r\n"), F(BAD_FIELD_NAME)},
    {L(OK "A\n\n"), F(BAD_FIELD_NAME)},
    {L(OK "A: b\r\nC\r\n\r\n"), F(BAD_FIELD_NAME)},
    {L(OK "\xc3\xa4: c\r\n\r\n"), F(BAD_FIELD_NAME)},
    {L(OK "A\x7f: c\r\n\r\n"), F(BAD_FIELD_NAME)},
    {L(OK "A(: c\r\n\r\n"), F(BAD_FIELD_NAME)},
    {L(OK "A\r: c\r\n\r\n"), F(BARE_CR)},
    {L(OK "A\0: c\r\n\r\n"), F(NUL_IN_HEAD)},
    {L(OK "\r\r\n\r\n"), F(BARE_CR)},
    {L(OK " A: b\r\n\r\n"), F(FOLDED_HEADER)},
    {L(OK "\tA: b\r\n\r\n"), F(FOLDED_HEADER)},
    {L(OK " \r\n\r\n"), F(FOLDED_HEADER)},
    {L(OK "A: b\r\nContent-Length: 1\r\n 0\r\n\r\n"), F(FOLDED_HEADER)},
    {L(OK "content-length:\r\n 5\r\n\r\n"), F(FOLDED_HEADER)},
    {L(OK "Content-Length: 5\r\n \r\n\r\n"), F(FOLDED_HEADER)},
    {L(OK "TRANSFER-ENCODING: gzip,\n\tchunked\r\n\r\n"), F(FOLDED_HEADER)},
    {L(OK "A: b\r\n c\x01\r\n\r\n"), F(BAD_FIELD_VALUE)},
    {L(OK "A: b\r\n c\rd\r\n\r\n"), F(BARE_CR)},
    {L(OK "A: b\r\n \0\r\n\r\n"), F(NUL_IN_HEAD)},
    {L(OK "1:\r\n 2\r\n 3\r\n4:\r\n 5\r\n6:\r\n 7\r\n8:\r\n 9\r\n"),
     F(TOO_MANY_FIELDS)},
    /* values */
    {L(OK "A: b\x01\r\n\r\n"), F(BAD_FIELD_VALUE)},
    {L(OK "A: b\x0b\r\n\r\n"), F(BAD_FIELD_VALUE)},
    {L(OK "A: long enough for a word\x7f\r\n\r\n"), F(BAD_FIELD_VALUE)},
    {L(OK "A: b\0c\r\n\r\n"), F(NUL_IN_HEAD)},
    {L(OK "A: b\rB: c\r\n\r\n"), F(BARE_CR)},
    {L(OK "A: b\r\r\n\r\n"), F(BARE_CR)},
    {L(OK "A:\rb\r\n\r\n"), F(BARE_CR)},
    {L(OK "A: b\r\n\rC: d\r\n\r\n"), F(BARE_CR)},
    /* limits */
    {L(OK "1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n\r\n"),
     IS("1 200 [OK]|1=|2=|3=|4=|5=|6=|7=|8=", "")},
    {L(OK "1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n9:\r\n\r\n"),
     F(TOO_MANY_FIELDS)},
};

static const struct row trailer_rows[] = {
    {L("\r\nx"), IS("", "x")},
    {L("\nx"), IS("", "x")},
    {L("A: b\r\n\r\nx"), IS("|A=b", "x")},
    {L("A: b\nC: d\n\nx"), IS("|A=b|C=d", "x")},
    {L(""), MORE},
    {L("\r"), MORE},
    {L("A"), MORE},
    {L("A: b\r\n\r"), MORE},
    {L("A: b\r\n c\r\n\r\nx"), IS("|A=b c", "x")},
    {L("A:\n\tb\nC: d\n\n e: f"), IS("|A=b|C=d", " e: f")},
    {L("\rA: b\r\n\r\n"), F(BARE_CR)},
    {L(" A: b\r\n\r\n"), F(FOLDED_HEADER)},
    {L("Content-Length: 1\r\n 2\r\n\r\n"), F(FOLDED_HEADER)},
    {L("HTTP/1.1 200 OK\r\n\r\n"), F(BAD_FIELD_NAME)},
    {L("A: \x02\r\n\r\n"), F(BAD_FIELD_VALUE)},
};

static void describe(const struct hn_h1_head *h, const struct hn_headers *f,
                     bool is_trailer, struct hn_buf *out) {
  struct hn_slice all = buf_peek(&f->bytes);

  if (!is_trailer) {
    CHECK_INT(h->major, 1);
    CHECK_INT(buf_append_u64(out, (uint64_t)h->minor), 0);
    CHECK_INT(buf_append_text(out, " "), 0);
    CHECK_INT(buf_append_u64(out, (uint64_t)h->status), 0);
    CHECK_INT(buf_append_text(out, " ["), 0);
    CHECK_INT(
        buf_append(out, slice_sub(all, h->reason, h->reason + h->reason_size)),
        0);
    CHECK_INT(buf_append_text(out, "]"), 0);
    CHECK(slice_starts_nocase(all, S("HTTP/1.")));
  }
  for (size_t i = 0; i < f->count; i++) {
    CHECK_INT(buf_append_text(out, "|"), 0);
    CHECK_INT(buf_append(out, headers_name(f, i)), 0);
    CHECK_INT(buf_append_text(out, "="), 0);
    CHECK_INT(buf_append(out, headers_value(f, i)), 0);
  }
}

struct run {
  const struct row *row;
  bool is_trailer;
};

static void check_result(const struct run *run, const struct hn_h1_head *h,
                         const struct hn_headers *f, size_t used) {
  const struct row *row = run->row;
  struct hn_buf out;

  buf_init(&out, LIMIT);
  describe(h, f, run->is_trailer, &out);
  if (CHECK(row->result != NULL)) {
    CHECK_TEXT(buf_peek(&out), row->result);
    CHECK_TEXT(slice_from(row->input, used), row->rest);
  }
  buf_fini(&out);
}

static void run_pieces(void *ctx, const struct test_pieces *pieces) {
  const struct run *run = ctx;
  const struct row *row = run->row;
  struct hn_h1_head h;
  struct hn_headers f;
  size_t at = 0, used = 12345;
  int code = HN_AGAIN;

  headers_init(&f, LIMIT, FIELDS);
  h1_head_init(&h, LIMIT);
  do {
    at = test_piece_end(pieces, at);
    struct hn_slice in = test_guarded(0, slice_sub(pieces->input, 0, at));
    code = run->is_trailer ? h1_trailer_parse(&h, in, &f, &used)
                           : h1_head_parse(&h, in, &f, &used);
    if (code != 0) CHECK_INT(used, 12345);
  } while (code == HN_AGAIN && at < pieces->input.n);
  CHECK_INT(h.fault, row->fault);
  if (row->fault != HN_FAULT_NONE) {
    CHECK_INT(code, fault_code(row->fault));
    CHECK_INT(f.count, 0);
    CHECK_INT(buf_size(&f.bytes), 0);
  } else if (row->result == NULL) {
    CHECK_INT(code, HN_AGAIN);
  } else if (CHECK_INT(code, 0)) {
    check_result(run, &h, &f, used);
  }
  headers_fini(&f);
}

static void run_rows(const struct row *rows, size_t count, bool is_trailer) {
  for (size_t i = 0; i < count; i++) {
    struct run run = {&rows[i], is_trailer};
    char label[128];

    snprintf(label, sizeof label, "row %zu: %.80s", i, rows[i].input.p);
    test_label(label);
    test_each_split(rows[i].input, run_pieces, &run);
  }
}

TEST(heads) {
  run_rows(head_rows, sizeof head_rows / sizeof *head_rows, false);
}

TEST(trailers) {
  run_rows(trailer_rows, sizeof trailer_rows / sizeof *trailer_rows, true);
}

/* Every byte value in a name, in a value and in a reason. */
TEST(every_byte) {
  for (int c = 0; c < 256; c++) {
    static const size_t places[] = {14, 18, 24, 32};
    static const char text[] = "HTTP/1.1 200 OK\r\nNaMe: value is here\r\n\r\n";

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
      char copy[sizeof text];
      struct hn_h1_head h;
      struct hn_headers f;
      size_t used = 0, at = places[i];
      bool token = header_is_token(slice_make(&(char){(char)c}, 1));
      bool value = header_is_value(slice_make(&(char){(char)c}, 1));
      int code;

      /* A line end parts the line there; the rows have those. */
      if (c == '\n' || (c == '\r' && text[at + 1] == '\n')) continue;
      if (at == 18 && c == ':') continue;
      memcpy(copy, text, sizeof text);
      copy[at] = (char)c;
      headers_init(&f, LIMIT, FIELDS);
      h1_head_init(&h, LIMIT);
      code = h1_head_parse(&h, slice_make(copy, sizeof text - 1), &f, &used);
      CHECK_INT(code == 0, at == 18 ? token : value);
      if (code != 0) {
        CHECK_INT(h.fault, c == 0      ? HN_FAULT_NUL_IN_HEAD
                           : c == '\r' ? HN_FAULT_BARE_CR
                           : at == 14  ? HN_FAULT_BAD_STATUS_LINE
                           : at == 18  ? HN_FAULT_BAD_FIELD_NAME
                                       : HN_FAULT_BAD_FIELD_VALUE);
      }
      headers_fini(&f);
    }
  }
}

/* A head of exactly the limit passes, one byte more does not, and it is refused
 * as soon as the limit is reached. */
static void run_limit(void *ctx, const struct test_pieces *pieces) {
  const size_t *limit = ctx;
  struct hn_h1_head h;
  struct hn_headers f;
  size_t at = 0, used = 0;
  int code;

  headers_init(&f, LIMIT, FIELDS);
  h1_head_init(&h, *limit);
  do {
    at = test_piece_end(pieces, at);
    code = h1_head_parse(&h, slice_sub(pieces->input, 0, at), &f, &used);
  } while (code == HN_AGAIN && at < pieces->input.n);
  if (*limit >= pieces->input.n) {
    CHECK_INT(code, 0);
  } else {
    CHECK_INT(code, HN_ERR_HEADER_SIZE_OVERFLOW);
    CHECK_INT(h.fault, HN_FAULT_HEAD_TOO_LARGE);
    if (pieces->step == 1) CHECK_INT(at, *limit == 0 ? 1 : *limit);
  }
  headers_fini(&f);
}

TEST(size_limit) {
  const struct hn_slice head = S(OK "A: b\r\nC: d\r\n\r\n");

  for (size_t limit = 0; limit <= head.n + 1; limit++) {
    char label[16];

    snprintf(label, sizeof label, "limit %zu", limit);
    test_label(label);
    test_each_split(head, run_limit, &limit);
  }
}

/* What is kept is the head without its folds, and its limit is kept to too. */
TEST(block_has_no_folds) {
  struct hn_h1_head h;
  struct hn_headers f;
  size_t used = 0;
  const struct hn_slice head = S(OK "A: b \n\t c\nD:\r\n e\r\n\r\n");

  headers_init(&f, LIMIT, FIELDS);
  h1_head_init(&h, head.n);
  CHECK_INT(h1_head_parse(&h, head, &f, &used), 0);
  CHECK_INT(used, head.n);
  CHECK_TEXT(buf_peek(&f.bytes), OK "A: b c\nD: e\r\n\r\n");
  headers_clear(&f);
  h1_head_init(&h, head.n - 1);
  CHECK_INT(h1_head_parse(&h, head, &f, &used), HN_ERR_HEADER_SIZE_OVERFLOW);
  headers_fini(&f);
}

/* The list's own limit counts as the head's. */
TEST(list_limit) {
  struct hn_h1_head h;
  struct hn_headers f;
  size_t used;

  headers_init(&f, 10, FIELDS);
  h1_head_init(&h, LIMIT);
  CHECK_INT(h1_head_parse(&h, S(OK "\r\n"), &f, &used),
            HN_ERR_HEADER_SIZE_OVERFLOW);
  CHECK_INT(h.fault, HN_FAULT_HEAD_TOO_LARGE);
  headers_fini(&f);
}

TEST(refused_at_the_first_byte_that_differs) {
  struct hn_h1_head h;
  struct hn_headers f;
  const struct hn_slice text = S("HTTX");
  size_t used;

  headers_init(&f, LIMIT, FIELDS);
  h1_head_init(&h, LIMIT);
  for (size_t n = 0; n < 4; n++) {
    CHECK_INT(h1_head_parse(&h, slice_sub(text, 0, n), &f, &used), HN_AGAIN);
  }
  CHECK_INT(h1_head_parse(&h, text, &f, &used), HN_ERR_INVALID_SERVER_RESPONSE);
  CHECK_INT(h.fault, HN_FAULT_NO_STATUS_LINE);
  headers_fini(&f);
}

/* A trickle must not be searched from its start each time. */
TEST(search_goes_on_where_it_stopped) {
  struct hn_h1_head h;
  struct hn_headers f;
  char text[1000];
  size_t used;

  memcpy(text, "HTTP/1.1 200 ", 13);
  memset(text + 13, 'x', sizeof text - 13);
  headers_init(&f, LIMIT, FIELDS);
  h1_head_init(&h, LIMIT);
  for (size_t n = 13; n < sizeof text; n++) {
    CHECK_INT(h1_head_parse(&h, slice_make(text, n), &f, &used), HN_AGAIN);
    CHECK_INT(h.scanned, n);
  }
  headers_fini(&f);
}

struct write_row {
  struct hn_slice method, target;
  int minor, code;
  const char *out;
};

#define BAD HN_ERR_INVALID_PARAMETER

static const struct write_row write_rows[] = {
    {L("GET"), L("/"), 1, 0, "GET / HTTP/1.1\r\nA: b\r\n\r\n"},
    {L("GET"), L("/a?b=\xc3\xa4"), 0, 0,
     "GET /a?b=\xc3\xa4 HTTP/1.0\r\nA: b\r\n\r\n"},
    {L("OPTIONS"), L("*"), 1, 0, "OPTIONS * HTTP/1.1\r\nA: b\r\n\r\n"},
    {L("CONNECT"), L("h:443"), 1, 0, "CONNECT h:443 HTTP/1.1\r\nA: b\r\n\r\n"},
    {L(""), L("/"), 1, BAD, ""},
    {L("GE T"), L("/"), 1, BAD, ""},
    {L("GET\r\n"), L("/"), 1, BAD, ""},
    {L("GET"), L(""), 1, BAD, ""},
    {L("GET"), L("/a b"), 1, BAD, ""},
    {L("GET"), L("/a\r\nX: y"), 1, BAD, ""},
    {L("GET"), L("/a\n"), 1, BAD, ""},
    {L("GET"), L("/a\0"), 1, BAD, ""},
    {L("GET"), L("/\x7f"), 1, BAD, ""},
};

TEST(write) {
  struct hn_headers f;
  struct hn_buf out;

  headers_init(&f, LIMIT, FIELDS);
  CHECK_INT(headers_append(&f, S("A"), S("b")), 0);
  for (size_t i = 0; i < sizeof write_rows / sizeof *write_rows; i++) {
    const struct write_row *row = &write_rows[i];
    char label[16];

    snprintf(label, sizeof label, "row %zu", i);
    test_label(label);
    buf_init(&out, LIMIT);
    CHECK_INT(h1_head_write(&out, test_guarded(0, row->method),
                            test_guarded(1, row->target), row->minor, &f),
              row->code);
    CHECK_TEXT(buf_peek(&out), row->out);
    buf_fini(&out);
  }
  /* All or nothing at every size of the buffer. */
  for (size_t cap = 0; cap < 24; cap++) {
    buf_init(&out, cap);
    CHECK_INT(h1_head_write(&out, S("GET"), S("/"), 1, &f),
              HN_ERR_INSUFFICIENT_BUFFER);
    CHECK_INT(buf_size(&out), 0);
    buf_fini(&out);
  }
  headers_fini(&f);
}

static bool parse_and_write(void *ctx) {
  static const char text[] =
      OK "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\nG: 7\r\nH: 8\r\n"
         "I: 9\r\nJ: 10\r\nK: 11\r\nL: 12\r\nM: 13\r\nN: 14\r\nO: 15\r\n"
         "P: 16\r\nQ: 17\r\n 18\r\n\r\n";
  struct hn_h1_head h;
  struct hn_headers f;
  struct hn_buf out;
  size_t used;
  int code;

  (void)ctx;
  headers_init(&f, LIMIT, 64);
  buf_init(&out, LIMIT);
  h1_head_init(&h, LIMIT);
  code = h1_head_parse(&h, S(text), &f, &used);
  CHECK_INT(h.fault, HN_FAULT_NONE);
  if (code == HN_ERR_NOT_ENOUGH_MEMORY) CHECK_INT(f.count, 0);
  if (code == 0) code = h1_head_write(&out, S("GET"), S("/"), 1, &f);
  if (code != 0) {
    CHECK_INT(code, HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK_INT(buf_size(&out), 0);
  }
  headers_fini(&f);
  buf_fini(&out);
  return code == 0;
}

TEST(failing_allocations) {
  test_each_failure(parse_and_write, NULL);
}

/* One list serves many heads without asking for memory again. */
TEST(memory_is_reused) {
  struct hn_headers f;
  long before = 0;

  headers_init(&f, LIMIT, FIELDS);
  for (int i = 0; i < 10; i++) {
    struct hn_h1_head h;
    size_t used = 0;

    h1_head_init(&h, LIMIT);
    CHECK_INT(h1_head_parse(&h, S(OK "A: b\r\nC: d\r\n\r\n"), &f, &used), 0);
    CHECK_INT(f.count, 2);
    if (i == 0) before = mem_count();
  }
  CHECK_INT(mem_count(), before);
  headers_fini(&f);
}

TEST(faults_have_code_and_text) {
#define HN_X(name, code, text)                                                 \
  CHECK_INT(fault_code(HN_FAULT_##name), HN_ERR_##code);                       \
  CHECK_TEXT(slice_of(fault_text(HN_FAULT_##name)), text);
  HN_FAULT_LIST(HN_X)
#undef HN_X
}

TEST_MAIN(ROW(heads), ROW(trailers), ROW(every_byte), ROW(size_limit),
          ROW(block_has_no_folds), ROW(list_limit),
          ROW(refused_at_the_first_byte_that_differs),
          ROW(search_goes_on_where_it_stopped), ROW(write),
          ROW(failing_allocations), ROW(memory_is_reused),
          ROW(faults_have_code_and_text))
