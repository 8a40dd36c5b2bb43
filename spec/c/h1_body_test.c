#include "../../csrc/proto/h1_body.h"
#include "test.h"

enum { LIMIT = 64 * 1024, FIELDS = 8 };

#define S(text) slice_make(text, sizeof(text) - 1)
#define L(text)                                                                \
  { text, sizeof(text) - 1 }

/* Bodies' framing, from the head. */
struct begin_row {
  const char *method;
  struct hn_slice head; /* without the empty line */
  enum hn_fault fault;
  enum hn_framing framing;
  uint64_t length;
};

#define OK        "HTTP/1.1 200 OK\r\n"
#define CL        OK "Content-Length: "
#define TE        OK "Transfer-Encoding: "
#define NONE      HN_FAULT_NONE, HN_FRAMING_NONE, 0
#define LENGTH(n) HN_FAULT_NONE, HN_FRAMING_LENGTH, n
#define CHUNKED   HN_FAULT_NONE, HN_FRAMING_CHUNKED, 0
#define CLOSE     HN_FAULT_NONE, HN_FRAMING_CLOSE, 0
#define F(name)   HN_FAULT_##name, HN_FRAMING_NONE, 0

static const struct begin_row begin_rows[] = {
    {"GET", L(OK), CLOSE},
    {"GET", L("HTTP/1.0 200 OK\r\n"), CLOSE},
    {"GET", L(CL "0\r\n"), LENGTH(0)},
    {"GET", L(CL "5\r\n"), LENGTH(5)},
    {"GET", L(CL "\t05 \r\n"), LENGTH(5)},
    {"GET", L(CL "9223372036854775807\r\n"), LENGTH(INT64_MAX)},
    {"GET", L(CL "5, 5\r\n"), LENGTH(5)},
    {"GET", L(CL "5,5\r\ncontent-length: 05\r\n"), LENGTH(5)},
    {"POST", L("HTTP/1.1 404 x\r\nContent-Length: 3\r\n"), LENGTH(3)},
    {"GET", L(TE "chunked\r\n"), CHUNKED},
    {"GET", L(TE "CHUNKED\r\n"), CHUNKED},
    {"GET", L(TE ", chunked ,\r\n"), CHUNKED},
    {"GET", L("HTTP/1.9 200 OK\r\nTransfer-Encoding: chunked\r\n"), CHUNKED},
    {"GET", L(OK "Content-Length-X: 0\r\nTransfer-Encoding: chunked\r\n"),
     CHUNKED},
    {"GET", L(TE "identity\r\n"), CLOSE},
    {"GET", L(TE "gzip\r\n"), CLOSE},
    {"GET", L(TE "chunked, identity\r\n"), CLOSE},
    {"GET", L(TE "chunked\r\nTransfer-Encoding: gzip\r\n"), CLOSE},
    {"GET", L(TE "chunked;q=1\r\n"), CLOSE},
    {"GET", L(TE "chunkedchunked\r\n"), CLOSE},
    /* no body, whatever the fields say */
    {"HEAD", L(CL "5\r\n"), NONE},
    {"HEAD", L(TE "chunked\r\nContent-Length: x\r\n"), NONE},
    {"GET", L("HTTP/1.1 204 x\r\nContent-Length: 5\r\n"), NONE},
    {"GET", L("HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n"), NONE},
    {"GET", L("HTTP/1.1 101 x\r\nContent-Length: 5\r\n"), NONE},
    {"GET", L("HTTP/1.1 103 x\r\n"), NONE},
    {"CONNECT", L(CL "5\r\n"), NONE},
    {"CONNECT", L("HTTP/1.1 299 x\r\n"), NONE},
    {"CONNECT", L("HTTP/1.1 407 x\r\nContent-Length: 5\r\n"), LENGTH(5)},
    {"connect", L(CL "5\r\n"), LENGTH(5)},
    {"head", L(CL "5\r\n"), LENGTH(5)},
    /* faults */
    {"GET", L(CL "\r\n"), F(BAD_CONTENT_LENGTH)},
    {"GET", L(CL "+5\r\n"), F(BAD_CONTENT_LENGTH)},
    {"GET", L(CL "-5\r\n"), F(BAD_CONTENT_LENGTH)},
    {"GET", L(CL "5;\r\n"), F(BAD_CONTENT_LENGTH)},
    {"GET", L(CL "5 5\r\n"), F(BAD_CONTENT_LENGTH)},
    {"GET", L(CL "0x5\r\n"), F(BAD_CONTENT_LENGTH)},
    {"GET", L(CL "5,\r\n"), F(BAD_CONTENT_LENGTH)},
    {"GET", L(CL ",5\r\n"), F(BAD_CONTENT_LENGTH)},
    {"GET", L(CL "\"5\"\r\n"), F(BAD_CONTENT_LENGTH)},
    {"GET", L(CL "9223372036854775808\r\n"), F(BAD_CONTENT_LENGTH)},
    {"GET", L(CL "18446744073709551621\r\n"), F(BAD_CONTENT_LENGTH)},
    {"GET", L(CL "5\r\nContent-Length: x\r\n"), F(BAD_CONTENT_LENGTH)},
    {"GET", L(CL "5, 6\r\n"), F(CONFLICTING_CONTENT_LENGTH)},
    {"GET", L(CL "5\r\nContent-Length: 6\r\n"), F(CONFLICTING_CONTENT_LENGTH)},
    {"GET", L(TE "chunked\r\nContent-Length: 5\r\n"), F(LENGTH_AND_CHUNKED)},
    {"GET", L(CL "5\r\nTransfer-Encoding: chunked\r\n"), F(LENGTH_AND_CHUNKED)},
    {"GET", L(TE "\r\n"), F(BAD_TRANSFER_ENCODING)},
    {"GET", L(TE "gzip, chunked\r\n"), F(BAD_TRANSFER_ENCODING)},
    {"GET", L(TE "gzip\r\nTransfer-Encoding: chunked\r\n"),
     F(BAD_TRANSFER_ENCODING)},
    {"GET", L(TE "chunked, chunked\r\n"), F(BAD_TRANSFER_ENCODING)},
    {"GET", L(TE "gzip\r\nContent-Length: 5\r\n"), F(LENGTH_AND_CHUNKED)},
    {"GET", L("HTTP/1.0 200 OK\r\nTransfer-Encoding: gzip\r\n"),
     F(BAD_TRANSFER_ENCODING)},
    {"GET",
     L(TE "\x0c"
          "chunked\r\n"),
     F(BAD_FIELD_VALUE)},
    {"GET", L("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n"),
     F(BAD_TRANSFER_ENCODING)},
};

static int parse_head(struct hn_slice head, struct hn_h1_head *h,
                      struct hn_headers *f) {
  struct hn_buf text;
  size_t used;
  int code;

  buf_init(&text, LIMIT);
  CHECK_INT(buf_append(&text, head), 0);
  CHECK_INT(buf_append_text(&text, "\r\n"), 0);
  h1_head_init(h, LIMIT);
  code = h1_head_parse(h, buf_peek(&text), f, &used);
  buf_fini(&text);
  return code;
}

static void check_begun(const struct begin_row *row,
                        const struct hn_h1_body *b) {
  CHECK_INT(b->framing, row->framing);
  if (row->framing == HN_FRAMING_LENGTH) CHECK_INT(b->length, row->length);
  CHECK_INT(b->done, row->framing == HN_FRAMING_NONE ||
                         (row->framing == HN_FRAMING_LENGTH && !row->length));
  CHECK_INT(h1_body_direct(b), row->framing == HN_FRAMING_CLOSE
                                   ? (int64_t)UINT64_MAX
                                   : (int64_t)row->length);
  CHECK_INT(h1_body_known_rest(b), row->framing == HN_FRAMING_CHUNKED ||
                                           row->framing == HN_FRAMING_CLOSE
                                       ? (int64_t)UINT64_MAX
                                       : (int64_t)row->length);
}

TEST(begin) {
  for (size_t i = 0; i < sizeof begin_rows / sizeof *begin_rows; i++) {
    const struct begin_row *row = &begin_rows[i];
    struct hn_h1_head h;
    struct hn_h1_body b;
    struct hn_headers f;
    char label[128];
    int code;

    snprintf(label, sizeof label, "%s %s", row->method, row->head.p);
    test_label(label);
    headers_init(&f, LIMIT, FIELDS);
    code = parse_head(row->head, &h, &f);
    if (code != 0) {
      CHECK_INT(h.fault, row->fault);
    } else {
      code = h1_body_begin(&b, &h, &f, slice_of(row->method));
      CHECK_INT(b.fault, row->fault);
      if (code == 0) check_begun(row, &b);
    }
    CHECK_INT(code, row->fault ? fault_code(row->fault) : 0);
    headers_fini(&f);
  }
}

/* A body read to its end, or to its fault. */
struct result {
  struct hn_buf body;
  struct hn_headers trailers;
  enum hn_fault fault;
  bool done;
  size_t used; /* bytes of the input */
};

static void result_init(struct result *r, size_t room) {
  memset(r, 0, sizeof *r);
  buf_init(&r->body, room);
  headers_init(&r->trailers, LIMIT, FIELDS);
}

static void result_fini(struct result *r) {
  buf_fini(&r->body);
  headers_fini(&r->trailers);
}

/* Long inputs are not worth copying for each call. */
static struct hn_slice guarded(struct hn_slice s) {
  return s.n > LIMIT ? s : test_guarded(0, s);
}

/* Takes what it can of `in`, whose first byte is the first unused one. */
static int take(struct hn_h1_body *b, struct hn_slice in, struct result *r) {
  size_t at = 0;
  int code = 0;

  while (code == 0 && !b->done) {
    uint64_t direct = h1_body_direct(b);
    size_t n = direct < in.n - at ? (size_t)direct : in.n - at;
    size_t used = 99999;

    if (direct > 0 && n == 0) break;
    if (direct > 0) {
      CHECK_INT(buf_append(&r->body, slice_sub(in, at, at + n)), 0);
      h1_body_skip(b, n);
      at += n;
      continue;
    }
    code = h1_body_feed(b, guarded(slice_from(in, at)), &r->trailers, &used);
    if (code == 0 || code == HN_AGAIN) {
      CHECK(used <= in.n - at);
      at += used;
    } else {
      CHECK_INT(used, 99999);
    }
  }
  r->used += at;
  return code;
}

static void begin_chunked(struct hn_h1_body *b) {
  struct hn_h1_head h;
  struct hn_headers f;

  headers_init(&f, LIMIT, FIELDS);
  CHECK_INT(parse_head(S(TE "chunked\r\n"), &h, &f), 0);
  CHECK_INT(h1_body_begin(b, &h, &f, S("GET")), 0);
  headers_fini(&f);
}

static void read_chunked(struct result *r, const struct test_pieces *pieces) {
  struct hn_h1_body b;
  size_t at = 0;
  int code = HN_AGAIN;

  begin_chunked(&b);
  do {
    at = test_piece_end(pieces, at);
    code = take(&b, slice_sub(pieces->input, r->used, at), r);
  } while ((code == 0 || code == HN_AGAIN) && !b.done && at < pieces->input.n);
  r->fault = b.fault;
  r->done = b.done;
  if (r->fault != HN_FAULT_NONE) {
    size_t used = 0;

    CHECK_INT(code, fault_code(r->fault));
    CHECK_INT(h1_body_direct(&b), 0);
    CHECK_INT(h1_body_feed(&b, pieces->input, &r->trailers, &used), code);
    CHECK_INT(h1_body_eof(&b), code);
  } else if (r->done) {
    CHECK_INT(h1_body_eof(&b), 0);
    CHECK_INT(h1_body_known_rest(&b), 0);
  } else {
    CHECK_INT(h1_body_known_rest(&b), UINT64_MAX);
    CHECK_INT(h1_body_eof(&b), HN_ERR_CONNECTION_ERROR);
    CHECK_INT(b.fault, HN_FAULT_TRUNCATED_BODY);
  }
}

/* body NULL: a fault, or not complete. */
struct chunk_row {
  struct hn_slice input;
  enum hn_fault fault;
  const char *body, *trailers, *rest;
};

#define IS(body, trailers, rest) HN_FAULT_NONE, body, trailers, rest
#define MORE                     HN_FAULT_NONE, NULL, NULL, NULL
#define BAD(name)                HN_FAULT_##name, NULL, NULL, NULL

static const struct chunk_row chunk_rows[] = {
    {L("0\r\n\r\n"), IS("", "", "")},
    {L("0\r\n\r\nHTTP"), IS("", "", "HTTP")},
    {L("5\r\nhello\r\n0\r\n\r\n"), IS("hello", "", "")},
    {L("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), IS("hello world", "", "")},
    {L("a\r\n0123456789\r\n0\r\n\r\n"), IS("0123456789", "", "")},
    {L("A\r\n0123456789\r\n000\r\n\r\n"), IS("0123456789", "", "")},
    {L("0000000000000001\r\nx\r\n0\r\n\r\n"), IS("x", "", "")},
    {L("2\r\n\r\n\r\n0\r\n\r\n"), IS("\r\n", "", "")},
    {L("1;a\r\nx\r\n0;b=c\r\n\r\n"), IS("x", "", "")},
    {L("1 ;a\r\nx\r\n0\t ; b = \"c;\xff\"\r\n\r\n"), IS("x", "", "")},
    {L("1;a;b=c;d\r\nx\r\n0\r\n\r\n"), IS("x", "", "")},
    {L("1 \r\nx\r\n0\t \r\n\r\n"), IS("x", "", "")},
    {L("0\r\nA: b\r\n c\r\n\r\nx"), IS("", "A: b c\r\n", "x")},
    {L("0\r\nA: b\r\nC:d\r\n\r\nx"), IS("", "A: b\r\nC: d\r\n", "x")},
    {L("0\r\nA: b\n\nx"), IS("", "A: b\r\n", "x")},
    {L("0\r\nContent-Length: 5\r\nA: b\r\nHost: x\r\nTransfer-Encoding: c\r\n"
       "set-cookie: a=b\r\n\r\n"),
     IS("", "A: b\r\n", "")},
    {L("0\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\n"), IS("", "", "")},
    {L(""), MORE},
    {L("5"), MORE},
    {L("5\r"), MORE},
    {L("5\r\nhell"), MORE},
    {L("5\r\nhello"), MORE},
    {L("5\r\nhello\r"), MORE},
    {L("5\r\nhello\r\n"), MORE},
    {L("0\r\n"), MORE},
    {L("0\r\n\r"), MORE},
    {L("0\r\nA: b\r\n"), MORE},
    {L("5 "), MORE},
    {L("5 \t\r"), MORE},
    {L("5;"), MORE},
    {L("5;a"), MORE},
    {L("7fffffffffffffff\r\nx"), MORE},
    {L("\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L(" 5\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("+5\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("-5\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("0x5\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("g\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("5g\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L(";a\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("5 0\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("5 \n"), BAD(BAD_CHUNK_SIZE)},
    {L("5 \rx"), BAD(BAD_CHUNK_SIZE)},
    {L("5\v\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("5 a\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("5\n"), BAD(BAD_CHUNK_SIZE)},
    {L("5\rx"), BAD(BAD_CHUNK_SIZE)},
    {L("5;\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("5;;\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("5;a\n"), BAD(BAD_CHUNK_SIZE)},
    {L("5;a\rb\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("5;a\0\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("5;a=\"\x01\"\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("5\0\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("1\r\nx\r\n\r\n"), BAD(BAD_CHUNK_SIZE)},
    {L("8000000000000000\r\n"), BAD(CHUNK_SIZE_OVERFLOW)},
    {L("ffffffffffffffff\r\n"), BAD(CHUNK_SIZE_OVERFLOW)},
    {L("10000000000000000\r\n"), BAD(CHUNK_SIZE_OVERFLOW)},
    {L("00000000000000001\r\n"), BAD(CHUNK_SIZE_OVERFLOW)},
    {L("5\r\nhelloo"), BAD(BAD_CHUNK_END)},
    {L("5\r\nhello\n"), BAD(BAD_CHUNK_END)},
    {L("5\r\nhello\rx"), BAD(BAD_CHUNK_END)},
    {L("5\r\nhello0\r\n\r\n"), BAD(BAD_CHUNK_END)},
    {L("0\r\n A: b\r\n\r\n"), BAD(BAD_TRAILER)},
    {L("0\r\nA\r\n\r\n"), BAD(BAD_TRAILER)},
    {L("0\r\nTransfer-Encoding: a\r\n b\r\n\r\n"), BAD(BAD_TRAILER)},
    {L("0\r\nA: \0\r\n\r\n"), BAD(BAD_TRAILER)},
    {L("0\r\nA: b\rc\r\n\r\n"), BAD(BAD_TRAILER)},
    {L("0\r\n\rA: b\r\n\r\n"), BAD(BAD_TRAILER)},
    {L("0\r\n1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n9:\r\n\r\n"),
     BAD(TOO_MANY_FIELDS)},
};

static void run_chunks(void *ctx, const struct test_pieces *pieces) {
  const struct chunk_row *row = ctx;
  struct result r;
  struct hn_buf trailers;

  result_init(&r, LIMIT);
  read_chunked(&r, pieces);
  CHECK_INT(r.fault, row->fault);
  CHECK_INT(r.done, row->body != NULL);
  if (row->body != NULL) {
    CHECK_TEXT(buf_peek(&r.body), row->body);
    CHECK_TEXT(slice_from(row->input, r.used), row->rest);
    buf_init(&trailers, LIMIT);
    CHECK_INT(headers_write(&r.trailers, &trailers), 0);
    CHECK_TEXT(buf_peek(&trailers), row->trailers);
    buf_fini(&trailers);
  }
  result_fini(&r);
}

TEST(chunks) {
  for (size_t i = 0; i < sizeof chunk_rows / sizeof *chunk_rows; i++) {
    struct chunk_row row = chunk_rows[i];
    char label[128];

    snprintf(label, sizeof label, "row %zu: %s", i, row.input.p);
    test_label(label);
    test_each_split(row.input, run_chunks, &row);
  }
}

/* Reads a text made of `repeat` times `unit` between `before` and `after`. */
static enum hn_fault read_repeated(const char *before, const char *unit,
                                   size_t repeat, const char *after,
                                   size_t step) {
  struct test_pieces pieces = {{NULL, 0}, step, 0};
  enum hn_fault fault;
  struct hn_buf text;
  struct result r;

  buf_init(&text, 16 << 20);
  CHECK_INT(buf_append_text(&text, before), 0);
  for (size_t i = 0; i < repeat; i++) {
    CHECK_INT(buf_append_text(&text, unit), 0);
  }
  CHECK_INT(buf_append_text(&text, after), 0);
  pieces.input = buf_peek(&text);
  result_init(&r, 16 << 20);
  read_chunked(&r, &pieces);
  fault = r.fault;
  CHECK(fault != HN_FAULT_NONE || r.done);
  result_fini(&r);
  buf_fini(&text);
  return fault;
}

TEST(line_limit) {
  const size_t room = HN_MAX_CHUNK_LINE - 4; /* beside "0;" and CRLF */

  for (size_t step = 0; step < 2; step++) {
    CHECK_INT(read_repeated("0;", "a", room, "\r\n\r\n", step), HN_FAULT_NONE);
    CHECK_INT(read_repeated("0;", "a", room + 1, "\r\n\r\n", step),
              HN_FAULT_CHUNK_LINE_TOO_LONG);
    CHECK_INT(read_repeated("0", " ", 2000, ";a\r\n\r\n", step),
              HN_FAULT_CHUNK_LINE_TOO_LONG);
  }
}

TEST(trailer_limit) {
  const size_t room = HN_MAX_TRAILER - 6; /* beside "A:" and two CRLF */

  for (size_t step = 0; step < 2; step++) {
    CHECK_INT(read_repeated("0\r\nA:", "a", room, "\r\n\r\n", step),
              HN_FAULT_NONE);
    CHECK_INT(read_repeated("0\r\nA:", "a", room + 1, "\r\n\r\n", step),
              HN_FAULT_TRAILER_TOO_LARGE);
  }
}

/* What a chunk needs is free; the rest may be a quarter of the data. */
TEST(overhead_limit) {
  char unit[600], first[300];
  size_t limit = HN_MAX_CHUNK_OVERHEAD;

  CHECK_INT(read_repeated("", "1\r\nx\r\n", limit, "0\r\n\r\n", 0),
            HN_FAULT_NONE);
  CHECK_INT(read_repeated("", "1;a\r\nx\r\n", limit / 2, "0\r\n\r\n", 0),
            HN_FAULT_NONE);
  CHECK_INT(read_repeated("", "1;a\r\nx\r\n", limit / 2, "01\r\n\r\n", 0),
            HN_FAULT_CHUNK_OVERHEAD);
  CHECK_INT(read_repeated("", "0000000000000001\r\nx\r\n", limit / 15 + 1,
                          "0\r\n\r\n", 1),
            HN_FAULT_CHUNK_OVERHEAD);
  /* 256 bytes of data for 64 of extension, then for 63 more than that. */
  snprintf(unit, sizeof unit, "100;%063d\r\n%0256d\r\n", 0, 0);
  CHECK_INT(read_repeated("", unit, limit / 64 + 100, "0\r\n\r\n", 0),
            HN_FAULT_CHUNK_OVERHEAD);
  snprintf(first, sizeof first, "100\r\n%0256d\r\n", 0);
  CHECK_INT(read_repeated(first, unit, limit / 64 + 100, "0\r\n\r\n", 0),
            HN_FAULT_NONE); /* a quarter and no more */
  snprintf(unit, sizeof unit, "101;%063d\r\n%0257d\r\n", 0, 0);
  CHECK_INT(read_repeated("", unit, limit / 64 + 100, "0\r\n\r\n", 0),
            HN_FAULT_NONE);
}

/* Bodies without chunks never need feeding. */
TEST(plain_bodies) {
  struct hn_h1_head h;
  struct hn_h1_body b;
  struct hn_headers f;
  size_t used = 7;

  headers_init(&f, LIMIT, FIELDS);
  CHECK_INT(parse_head(S(CL "5\r\n"), &h, &f), 0);
  CHECK_INT(h1_body_begin(&b, &h, &f, S("GET")), 0);
  CHECK_INT(h1_body_feed(&b, S("hello"), &f, &used), 0);
  CHECK_INT(used, 0);
  h1_body_skip(&b, 0);
  h1_body_skip(&b, 3);
  CHECK_INT(h1_body_direct(&b), 2);
  CHECK_INT(h1_body_known_rest(&b), 2);
  CHECK_INT(b.length, 5);
  CHECK(!b.done);
  h1_body_skip(&b, 2);
  CHECK(b.done);
  CHECK_INT(h1_body_direct(&b), 0);
  CHECK_INT(h1_body_eof(&b), 0);

  CHECK_INT(h1_body_begin(&b, &h, &f, S("GET")), 0);
  h1_body_skip(&b, 4);
  CHECK_INT(h1_body_eof(&b), HN_ERR_CONNECTION_ERROR);
  CHECK_INT(b.fault, HN_FAULT_TRUNCATED_BODY);
  CHECK_INT(h1_body_direct(&b), 0);

  CHECK_INT(parse_head(S(OK), &h, &f), 0);
  CHECK_INT(h1_body_begin(&b, &h, &f, S("GET")), 0);
  h1_body_skip(&b, 1000);
  CHECK_INT(h1_body_direct(&b), UINT64_MAX);
  CHECK_INT(h1_body_eof(&b), 0);
  CHECK(b.done);
  CHECK_INT(h1_body_direct(&b), 0);
  headers_fini(&f);
}

static bool read_trailers(void *ctx) {
  const struct hn_slice text = S("1\r\nx\r\n0\r\nA: b\r\nHost: c\r\n\r\n");
  struct hn_headers trailers;
  struct hn_h1_body b = {.framing = HN_FRAMING_CHUNKED};
  size_t used;
  int code;

  (void)ctx;
  headers_init(&trailers, LIMIT, FIELDS);
  CHECK_INT(h1_body_feed(&b, text, &trailers, &used), 0);
  CHECK_INT(used, 3);
  h1_body_skip(&b, 1);
  code = h1_body_feed(&b, slice_from(text, 4), &trailers, &used);
  CHECK_INT(b.fault, HN_FAULT_NONE);
  CHECK_INT(b.done, code == 0);
  if (code != 0) CHECK_INT(code, HN_ERR_NOT_ENOUGH_MEMORY);
  headers_fini(&trailers);
  return code == 0;
}

TEST(failing_allocations) {
  test_each_failure(read_trailers, NULL);
}

static const struct {
  uint64_t n;
  const char *line;
} head_rows[] = {
    {1, "1\r\n"},
    {9, "9\r\n"},
    {10, "a\r\n"},
    {15, "f\r\n"},
    {16, "10\r\n"},
    {255, "ff\r\n"},
    {256, "100\r\n"},
    {65536, "10000\r\n"},
    {INT64_MAX, "7fffffffffffffff\r\n"},
    {UINT64_MAX, "ffffffffffffffff\r\n"},
};

TEST(chunk_head) {
  for (size_t i = 0; i < sizeof head_rows / sizeof *head_rows; i++) {
    char line[HN_CHUNK_HEAD_SIZE];
    size_t n = h1_chunk_head(line, head_rows[i].n);

    CHECK_TEXT(slice_make(line, n), head_rows[i].line);
  }
}

TEST_MAIN(ROW(begin), ROW(chunks), ROW(line_limit), ROW(trailer_limit),
          ROW(overhead_limit), ROW(plain_bodies), ROW(failing_allocations),
          ROW(chunk_head))
