/*
 * message_test.c: how long a body is, what HTTP/1 needs said of it, and what of
 * a message belongs to no version.
 */
#include "test.h"

#include "../../csrc/http/message.h"

enum { BAD = HN_ERR_INVALID_PARAMETER };
#define AUTO    HN_LENGTH_AUTO
#define CHUNKED HN_LENGTH_CHUNKED

static void message_open(struct hn_message *m, struct hn_headers *h,
                         const char *lines) {
  headers_init(h, 4096, 32);
  if (lines[0]) CHECK_INT(headers_apply_lines(h, HN_ADD, slice_of(lines)), 0);
  *m = (struct hn_message){.minor = 1, .fields = h};
}

TEST(what_says_how_long_a_body_is_must_agree) {
  static const struct {
    const char *lines;
    size_t given;
    uint64_t total;
    int minor, rc;
    uint64_t length;
    bool said;
  } rows[] = {
      {"", 0, AUTO, 1, 0, 0, false},
      {"", 5, AUTO, 1, 0, 5, false},
      {"", 5, 9, 1, 0, 9, false},
      {"", 5, 4, 1, BAD, 0, false},
      {"", 5, CHUNKED, 1, 0, CHUNKED, false},
      {"", 5, CHUNKED, 0, BAD, 0, false},
      {"Content-Length: 9", 5, AUTO, 1, 0, 9, true},
      {"Content-Length: 9", 5, 8, 1, BAD, 0, true},
      {"Content-Length: 9", 5, CHUNKED, 1, BAD, 0, true},
      {"Content-Length: 5\r\nContent-Length: 5", 5, AUTO, 1, BAD, 0, true},
      {"Transfer-Encoding: chunked", 5, AUTO, 1, 0, CHUNKED, true},
      {"Transfer-Encoding: chunked", 5, 5, 1, BAD, 0, true},
      {"Transfer-Encoding: chunked", 5, AUTO, 0, BAD, 0, true},
      {"Transfer-Encoding: gzip", 5, AUTO, 1, BAD, 0, true},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5", 5, AUTO, 1, BAD, 0,
       true},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_message m;
    struct hn_headers h;
    bool said = false;
    test_label(rows[i].lines);
    message_open(&m, &h, rows[i].lines);
    m.minor = rows[i].minor;
    m.body = slice_make("12345", rows[i].given);
    CHECK_INT(message_agree_length(&m, rows[i].total, &said), rows[i].rc);
    if (rows[i].rc == 0) {
      CHECK_INT(m.length, rows[i].length);
      CHECK_INT(said, rows[i].said);
    }
    headers_fini(&h);
  }
}

TEST(what_http_1_needs_is_said_in_its_words) {
  struct hn_message m;
  struct hn_headers h;
  struct hn_slice v;
  message_open(&m, &h, "Connection: upgrade");
  CHECK_INT(message_say_length(&h, 0), 0);
  CHECK_INT(message_say_length(&h, INT64_MAX), 0);
  CHECK_INT(message_say_length(&h, CHUNKED), 0);
  CHECK(headers_find(&h, slice_of("Content-Length"), 0, &v));
  CHECK_TEXT(v, "0");
  CHECK(headers_find(&h, slice_of("Content-Length"), 1, &v));
  CHECK_TEXT(v, "9223372036854775807");
  CHECK(headers_find(&h, slice_of("Transfer-Encoding"), 0, &v));
  CHECK_TEXT(v, "chunked");
  CHECK_INT(message_say_connection(&h, 0, false), 0);
  CHECK(headers_find(&h, slice_of("Connection"), 0, &v));
  CHECK_TEXT(v, "upgrade"); /* the caller's word counts */
  CHECK(!message_closes(&m));
  CHECK_INT(message_say_connection(&h, 1, true), 0);
  CHECK(message_closes(&m));
  CHECK_INT(headers_apply(&h, HN_ADD_REPLACE, slice_of("Connection"),
                          slice_make(NULL, 0)),
            0);
  CHECK_INT(message_say_connection(&h, 1, false), 0);
  CHECK(!headers_has(&h, "Connection"));
  CHECK_INT(message_say_connection(&h, 0, false), 0);
  CHECK(headers_find(&h, slice_of("Connection"), 0, &v));
  CHECK_TEXT(v, "Keep-Alive");
  headers_fini(&h);
}

TEST(fields_of_one_version_are_left_out) {
  struct hn_message m;
  struct hn_headers h;
  struct hn_slice name, value;
  char all[200] = "";
  size_t at = 0;
  message_open(&m, &h,
               "host: a\r\nAccept: b\r\nTE: gzip\r\nX-Named: c\r\n"
               "connection: x-named\r\nUpgrade: d\r\nProxy-Connection: e\r\n"
               "Keep-Alive: f\r\nTransfer-Encoding: chunked\r\n"
               "HTTP2-Settings: g\r\nTE: trailers\r\nContent-Length: 1\r\n"
               "X-Last: h");
  CHECK_TEXT(message_authority(&m), "a");
  while (message_next(&m, &at, &name, &value)) {
    strncat(all, name.p, name.n);
    strcat(all, " ");
  }
  CHECK_TEXT(slice_of(all), "Accept TE Content-Length X-Last ");
  CHECK(!message_next(&m, &at, &name, &value));
  headers_fini(&h);
  message_open(&m, &h, "");
  at = 0;
  CHECK(message_authority(&m).p == NULL);
  CHECK(!message_next(&m, &at, &name, &value));
  headers_fini(&h);
}

TEST_MAIN(ROW(what_says_how_long_a_body_is_must_agree),
          ROW(what_http_1_needs_is_said_in_its_words),
          ROW(fields_of_one_version_are_left_out))
