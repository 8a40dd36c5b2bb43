/*
 * request_open_test.c: what a request is opened with.
 */
#include "../../csrc/hinternet_option.h"
#include "request_fixture.h"

static int open_as(struct bed *b, struct hn_request_spec spec) {
  int rc = hn_open_request(b->rt, b->connection, &spec, &b->request);
  if (rc == 0) CHECK_INT(request_find(b->rt, b->request, &b->r), 0);
  return rc;
}

TEST(what_a_request_line_cannot_hold_is_refused) {
  static const struct {
    const char *method, *path, *version;
    unsigned flags;
    int rc;
  } rows[] = {
      {"GET", "/", "HTTP/1.1", 0, 0},
      {"GET", "/", "HTTP/1.0", 0, 0},
      {"GET", "/", "HTTP/2", 0, HN_ERR_INVALID_PARAMETER},
      {"G T", "/", "", 0, HN_ERR_INVALID_PARAMETER},
      {"GET", "/a b\x7f", "", 0, 0},
      {"GET", "/a~b", "", HN_REQUEST_ESCAPE_DISABLE, 0},
      {"GET", "/a b", "", HN_REQUEST_ESCAPE_DISABLE, 0},
      {"GET", "/a\tb", "", HN_REQUEST_ESCAPE_DISABLE, HN_ERR_INVALID_PARAMETER},
      {"GET", "/a\x7f", "", HN_REQUEST_ESCAPE_DISABLE,
       HN_ERR_INVALID_PARAMETER},
      {"GET", "/?a b", "", HN_REQUEST_ESCAPE_DISABLE_QUERY, 0},
      {"GET", "/?\t", "", HN_REQUEST_ESCAPE_DISABLE_QUERY,
       HN_ERR_INVALID_PARAMETER},
      {"GET", "/", "", 1, HN_ERR_INVALID_PARAMETER},
  };
  struct bed b;
  bed_open(&b, "GET", 0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_request_spec spec = {.method = slice_of(rows[i].method),
                                   .path = slice_of(rows[i].path),
                                   .version = slice_of(rows[i].version),
                                   .flags = rows[i].flags};
    test_label(rows[i].path);
    CHECK_INT(open_as(&b, spec), rows[i].rc);
    if (rows[i].rc == 0)
      CHECK_INT(b.r->minor, !slice_equal(spec.version, slice_of("HTTP/1.0")));
  }
  bed_close(&b);
}

TEST(an_asterisk_is_for_options_alone) {
  struct bed b;
  bed_open(&b, "GET", 0);
  struct hn_request_spec spec = {.method = slice_of("OPTIONS"),
                                 .path = slice_of("*")};
  CHECK_INT(open_as(&b, spec), 0);
  CHECK_TEXT(request_path(b.r), "*");
  spec.method = slice_of("GET");
  CHECK_INT(open_as(&b, spec), 0);
  CHECK_TEXT(request_path(b.r), "/*");
  bed_close(&b);
}

TEST(it_has_the_fields_it_is_opened_with) {
  struct bed b;
  bed_open(&b, "GET", 0);
  CHECK_TEXT(bed_fields(&b.r->fields), "Host: one.test");
  struct hn_request_spec spec = {.accept = slice_of(""),
                                 .referrer = slice_of("http://x/"),
                                 .flags = HN_REQUEST_REFRESH};
  CHECK_INT(open_as(&b, spec), 0);
  CHECK_TEXT(bed_fields(&b.r->fields),
             "Host: one.test|Accept: |Referer: http://x/|Pragma: no-cache|"
             "Cache-Control: no-cache");
  bed_close(&b);
}

/* What it was shows at its end, however long the rest. */
TEST(a_description_is_cut_before_the_state) {
  char path[1000], text[600];
  struct bed b;
  bed_open(&b, "GET", 0);
  memset(path, 'a', sizeof path);
  path[0] = '/';
  struct hn_request_spec spec = {.path = slice_make(path, sizeof path)};
  CHECK_INT(open_as(&b, spec), 0);
  CHECK_INT(hn_describe(b.rt, b.request, text, sizeof text), 0);
  CHECK_INT(strlen(text), 3 + 1 + 256 + strlen("..., new"));
  CHECK_TEXT(slice_of(text + strlen(text) - 9), "a..., new");
  memset(path, 'M', sizeof path);
  spec = (struct hn_request_spec){.method = slice_make(path, sizeof path)};
  CHECK_INT(open_as(&b, spec), 0);
  CHECK_INT(hn_describe(b.rt, b.request, text, sizeof text), 0);
  CHECK_TEXT(slice_from(slice_of(text), 128), " http://one.test/, new");
  bed_close(&b);
}

TEST(a_target_that_is_too_long_is_no_parameter) {
  static char path[4 << 16];
  struct bed b;
  bed_open(&b, "GET", 0);
  memset(path, 'a', sizeof path);
  struct hn_request_spec spec = {.path = slice_make(path, sizeof path)};
  CHECK_INT(open_as(&b, spec), HN_ERR_INVALID_PARAMETER);
  bed_close(&b);
}

TEST(it_has_these_operations_and_its_connections_context) {
  struct hn_value v = {.type = HN_TYPE_INTEGER, .number = 9};
  struct bed b;
  bed_open(&b, "GET", 0);
  CHECK_INT(hn_set_option(b.rt, b.connection, slice_of("context_value"), &v),
            0);
  bed_request(&b, "GET", 0);
  CHECK_INT(b.r->context_value, 9);
  for (int op = HN_OP_NONE; op < 40; op++)
    if (op == HN_OP_RECEIVE_RESPONSE || op == HN_OP_QUERY_DATA_AVAILABLE ||
        op == HN_OP_READ_DATA || op == HN_OP_WRITE_DATA ||
        op == HN_OP_SEND_REQUEST)
      CHECK_INT(hn_await(b.rt, b.request, (enum hn_op)op), 0);
    else
      CHECK_INT(hn_await(b.rt, b.request, (enum hn_op)op),
                HN_ERR_INVALID_PARAMETER);
  bed_close(&b);
}

TEST_MAIN(ROW(what_a_request_line_cannot_hold_is_refused),
          ROW(an_asterisk_is_for_options_alone),
          ROW(it_has_the_fields_it_is_opened_with),
          ROW(a_description_is_cut_before_the_state),
          ROW(a_target_that_is_too_long_is_no_parameter),
          ROW(it_has_these_operations_and_its_connections_context))
