#include <errno.h>

#include "../../csrc/base/err.h"
#include "test.h"

TEST(error_list) {
  const struct hn_error_entry *e;
  size_t count = 0;

  for (; (e = hn_error_at(count)) != NULL; count++) {
    test_label(e->name);
    CHECK(e->code > 0);
    CHECK(e->text[0] != '\0');
    CHECK_TEXT(slice_of(hn_error_text(e->code)), e->text);
    for (size_t i = 0; i < count; i++) {
      CHECK(hn_error_at(i)->code != e->code);
      CHECK(strcmp(hn_error_at(i)->name, e->name) != 0);
    }
  }
  test_label(NULL);
  CHECK(count > 40);
  CHECK(hn_error_at(count) == NULL);
  CHECK(hn_error_at(SIZE_MAX) == NULL);
}

TEST(error_text) {
  CHECK_TEXT(slice_of(hn_error_text(12002)), "timeout");
  CHECK_TEXT(slice_of(hn_error_text(6)), "invalid handle");
  CHECK_TEXT(slice_of(hn_error_text(0)), "unknown error");
  CHECK_TEXT(slice_of(hn_error_text(-1)), "unknown error");
  CHECK_TEXT(slice_of(hn_error_text(99999)), "unknown error");
}

TEST(status_list) {
  const struct hn_status_entry *s;
  uint32_t seen = 0;
  size_t count = 0;

  for (; (s = hn_status_at(count)) != NULL; count++) {
    test_label(s->name);
    CHECK(s->bit != 0 && (s->bit & (s->bit - 1)) == 0);
    CHECK((seen & s->bit) == 0);
    seen |= s->bit;
  }
  test_label(NULL);
  CHECK_INT(count, 21);
  CHECK((seen & HN_STATUS_COMPLETIONS) == HN_STATUS_COMPLETIONS);
  CHECK(hn_status_at(SIZE_MAX) == NULL);
  CHECK_TEXT(slice_of(hn_status_at(0)->name), "resolving_name");
}

TEST(phase_names) {
  static const char *const names[] = {NULL,       "resolve", "acquire",
                                      "connect",  "secure",  "send",
                                      "response", "receive", NULL};

  for (int i = 0; i < (int)(sizeof names / sizeof *names); i++) {
    CHECK_TEXT(slice_of(hn_phase_name(i)), names[i]);
    CHECK((hn_phase_name(i) == NULL) == (names[i] == NULL));
  }
  CHECK(hn_phase_name(-1) == NULL);
  CHECK(hn_phase_name(1000000) == NULL);
}

TEST(format_host) {
  static const struct {
    const char *host;
    unsigned port;
    size_t size;
    const char *text;
  } rows[] = {
      {"example.org", 443, 64, "example.org:443"},
      {"127.0.0.1", 8080, 64, "127.0.0.1:8080"},
      {"::1", 80, 64, "[::1]:80"},
      {"[::1]", 80, 64, "[::1]:80"},
      {"", 0, 64, ":0"},
      {NULL, 1, 64, ":1"},
      {"example.org", 65535, 18, "example.org:65535"},
      {"example.org", 65535, 17, "example.org:6553"},
      {"example.org", 65535, 4, "exa"},
      {"example.org", 65535, 1, ""},
      {"a", 4294967295u, 64, "a:4294967295"},
      {"a\r\nb", 1, 64, "a??b:1"},
      {"a\xc3\xa4\xe2\x82\xac", 1, 6, "a\xc3\xa4"},
      {"a\xc3\xa4\xe2\x82\xac", 1, 7, "a\xc3\xa4\xe2\x82\xac"},
      {"a\xc3\xa4", 1, 3, "a"},
      {"a\xe0\xa4\x85", 1, 4, "a"},
      {"a\xf0\x9f\x92\xa9", 1, 5, "a"},
      {"a\xf0\x9f\x92\xa9", 1, 3, "a"},
      /* No UTF-8 at all: nothing to cut through. */
      {"\x80\x80\x80", 1, 3, "\x80\x80"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char out[64];
    struct hn_slice host = slice_of(rows[i].host);

    memset(out, '#', sizeof out);
    test_label(rows[i].text);
    err_format_host(out, rows[i].size, test_guarded(0, host), rows[i].port);
    CHECK(memchr(out, '\0', rows[i].size) != NULL);
    CHECK_TEXT(slice_of(out), rows[i].text);
    if (rows[i].size < sizeof out) CHECK(out[rows[i].size] == '#');
  }
}

TEST(format_host_without_room) {
  char out = '#';

  err_format_host(&out, 0, slice_of("example.org"), 1);
  CHECK(out == '#');
}

TEST(messages) {
  static const char host[] = "example.org:443";
  static const struct {
    int code;
    enum hn_phase phase;
    const char *host, *detail, *text;
  } rows[] = {
      {HN_ERR_TIMEOUT, HN_PHASE_CONNECT, host, NULL,
       "timeout while connecting to example.org:443"},
      {HN_ERR_TIMEOUT, HN_PHASE_CONNECT, "", NULL, "timeout while connecting"},
      {HN_ERR_TIMEOUT, HN_PHASE_CONNECT, NULL, NULL,
       "timeout while connecting"},
      {HN_ERR_NAME_NOT_RESOLVED, HN_PHASE_RESOLVE, host, NULL,
       "name not resolved while resolving example.org:443"},
      {HN_ERR_NAME_NOT_RESOLVED, HN_PHASE_RESOLVE, "", NULL,
       "name not resolved while resolving"},
      {HN_ERR_SECURE_FAILURE, HN_PHASE_SECURE, host, "certificate has expired",
       "certificate has expired while securing the connection to "
       "example.org:443"},
      {HN_ERR_SECURE_FAILURE, HN_PHASE_SECURE, "", NULL,
       "secure connection failed while securing the connection"},
      {HN_ERR_CONNECTION_ERROR, HN_PHASE_SEND, host, NULL,
       "connection broken while sending to example.org:443"},
      {HN_ERR_CONNECTION_ERROR, HN_PHASE_SEND, "", NULL,
       "connection broken while sending"},
      {HN_ERR_TIMEOUT, HN_PHASE_RESPONSE, host, NULL,
       "timeout while waiting for the response of example.org:443"},
      {HN_ERR_TIMEOUT, HN_PHASE_RESPONSE, "", NULL,
       "timeout while waiting for the response"},
      {HN_ERR_INVALID_SERVER_RESPONSE, HN_PHASE_RECEIVE, host, "bad chunk size",
       "bad chunk size while receiving from example.org:443"},
      {HN_ERR_TIMEOUT, HN_PHASE_RECEIVE, "", NULL, "timeout while receiving"},
      {HN_ERR_INVALID_URL, HN_PHASE_NONE, host, NULL, "invalid URL"},
      {4711, HN_PHASE_NONE, "", NULL, "unknown error"},
      {HN_ERR_TIMEOUT, HN_PHASE_SEND, "a\nb", "x\x1b[0m\x7fy\r\nz",
       "x?[0m?y??z while sending to a?b"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_errinfo info;

    memset(&info, '#', sizeof info);
    test_label(rows[i].text);
    CHECK_INT(err_set(&info, rows[i].code, rows[i].phase, rows[i].host,
                      rows[i].detail),
              rows[i].code);
    CHECK_INT(info.code, rows[i].code);
    CHECK_INT(info.phase, rows[i].phase);
    CHECK_INT(info.system, 0);
    CHECK_INT(info.secure, 0);
    CHECK_TEXT(slice_of(info.text), rows[i].text);
  }
}

TEST(hints) {
  static const char *const whole = "connection broken while sending (why?)";
  struct hn_errinfo info;
  char host[sizeof info.text];

  err_set(&info, HN_ERR_CONNECTION_ERROR, HN_PHASE_SEND, NULL, NULL);
  err_add_hint(&info, "why?");
  CHECK_TEXT(slice_of(info.text), whole);
  /* All of it, or nothing. */
  for (size_t n = sizeof info.text - 12; n < sizeof info.text; n++) {
    memset(host, 'x', n);
    host[n] = '\0';
    err_set(&info, HN_ERR_CONNECTION_ERROR, HN_PHASE_NONE, NULL, host);
    err_add_hint(&info, "why?");
    CHECK_INT(strlen(info.text), n + 7 < sizeof info.text ? n + 7 : n);
    CHECK_INT(info.text[strlen(info.text) - 1] == ')',
              n + 7 < sizeof info.text);
  }
}

TEST(system_messages) {
  static const struct {
    int code;
    enum hn_phase phase;
    const char *host;
    int system;
    const char *text;
  } rows[] = {
      {HN_ERR_CANNOT_CONNECT, HN_PHASE_CONNECT, "127.0.0.1:81", ECONNREFUSED,
       "cannot connect (connection refused) while connecting to 127.0.0.1:81"},
      {HN_ERR_CONNECTION_ERROR, HN_PHASE_RECEIVE, "", ECONNRESET,
       "connection broken (connection reset by peer) while receiving"},
      {HN_ERR_WRITE_FAULT, HN_PHASE_NONE, "", ENOSPC,
       "cannot write the file (no space left on device)"},
      {HN_ERR_CANNOT_CONNECT, HN_PHASE_CONNECT, "a:1", EWOULDBLOCK,
       "cannot connect (resource temporarily unavailable) while connecting to "
       "a:1"},
      {HN_ERR_CANNOT_CONNECT, HN_PHASE_CONNECT, "a:1", 987654,
       "cannot connect (system error 987654) while connecting to a:1"},
      {HN_ERR_CANNOT_CONNECT, HN_PHASE_NONE, "", -2147483647 - 1,
       "cannot connect (system error -2147483648)"},
      {HN_ERR_CANNOT_CONNECT, HN_PHASE_NONE, "", -7,
       "cannot connect (system error -7)"},
      {HN_ERR_CANNOT_CONNECT, HN_PHASE_CONNECT, "a:1", 0,
       "cannot connect while connecting to a:1"},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_errinfo info;

    memset(&info, '#', sizeof info);
    test_label(rows[i].text);
    CHECK_INT(err_set_system(&info, rows[i].code, rows[i].phase, rows[i].host,
                             rows[i].system),
              rows[i].code);
    CHECK_INT(info.code, rows[i].code);
    CHECK_INT(info.phase, rows[i].phase);
    CHECK_INT(info.system, rows[i].system);
    CHECK_INT(info.secure, 0);
    CHECK_TEXT(slice_of(info.text), rows[i].text);
  }
}

/* What is said of files, and when there are too many. */
TEST(system_texts) {
  static const struct {
    int system;
    const char *text;
  } rows[] = {
      {HN_NOT_REGULAR, "not a regular file"},
      {EDQUOT, "disk quota exceeded"},
      {EFBIG, "file too large"},
      {EISDIR, "is a directory"},
      {EMFILE, "too many open files"},
      {ENFILE, "too many open files in system"},
      {ENOENT, "no such file or directory"},
      {ENOSPC, "no space left on device"},
      {ENXIO, "nobody reads from it"},
      {EPIPE, "broken pipe"},
      {EROFS, "read-only file system"},
      {0, NULL},
      {987654, NULL},
  };

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_label(rows[i].text);
    CHECK_TEXT(slice_of(err_system_text(rows[i].system)), rows[i].text);
  }
  test_label(NULL);
  CHECK(err_is_no_files(EMFILE) && err_is_no_files(ENFILE));
  CHECK(!err_is_no_files(ENOMEM) && !err_is_no_files(0));
}

TEST(long_texts_are_cut) {
  static const char euro[] = "\xe2\x82\xac";
  char detail[3 * HN_MAX_ERROR_TEXT + 1], host[2 * HN_MAX_HOST];
  struct hn_errinfo info;

  for (size_t i = 0; i < HN_MAX_ERROR_TEXT; i++) {
    memcpy(detail + 3 * i, euro, 3);
  }
  detail[3 * HN_MAX_ERROR_TEXT] = '\0';
  memset(host, 'h', sizeof host);
  host[sizeof host - 1] = '\0';
  err_set(&info, HN_ERR_TIMEOUT, HN_PHASE_SEND, host, detail);
  CHECK_INT(strlen(info.host), sizeof info.host - 1);
  CHECK_INT(strlen(info.text), (sizeof info.text - 1) / 3 * 3);
  err_set(&info, HN_ERR_TIMEOUT, HN_PHASE_SEND, host, "d");
  CHECK_INT(strlen(info.text), sizeof info.text - 1);
  CHECK(memcmp(info.text, "d while sending to hhh", 22) == 0);
}

TEST(own_texts_as_arguments) {
  struct hn_errinfo info;

  err_set(&info, HN_ERR_TIMEOUT, HN_PHASE_NONE, "example.org:443", "too slow");
  err_set(&info, HN_ERR_TIMEOUT, HN_PHASE_SEND, info.host, info.text);
  CHECK_TEXT(slice_of(info.host), "example.org:443");
  CHECK_TEXT(slice_of(info.text), "too slow while sending to example.org:443");
}

TEST_MAIN(ROW(error_list), ROW(error_text), ROW(status_list), ROW(phase_names),
          ROW(format_host), ROW(format_host_without_room), ROW(messages),
          ROW(hints), ROW(system_messages), ROW(system_texts),
          ROW(long_texts_are_cut), ROW(own_texts_as_arguments))
