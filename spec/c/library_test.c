#include "../../csrc/hinternet_url.h"
#include "test.h"

TEST(only_http_goes_into_requests) {
  static const struct {
    const char *scheme;
    int err;
    unsigned flags;
  } rows[] = {
      {"http", 0, 0},
      {"HTTPS", 0, HN_REQUEST_SECURE},
      {"ws", HN_ERR_UNRECOGNIZED_SCHEME, 99},
      {"wss", HN_ERR_UNRECOGNIZED_SCHEME, 99},
      {"WSS", HN_ERR_UNRECOGNIZED_SCHEME, 99},
      {"ftp", HN_ERR_UNRECOGNIZED_SCHEME, 99},
      {"httpss", HN_ERR_UNRECOGNIZED_SCHEME, 99},
      {"", HN_ERR_UNRECOGNIZED_SCHEME, 99},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    unsigned flags = 99;
    CHECK_INT(hn_scheme_flags(slice_of(rows[i].scheme), &flags), rows[i].err);
    CHECK_INT(flags, rows[i].flags);
  }
}

static int create(char *out, size_t *size) {
  const struct hn_url_parts parts = {
      .host = slice_of("h.test"),
      .port = 81,
      .path = slice_of("/a"),
  };
  return hn_create_url(&parts, 0, out, size);
}

static int resolve(char *out, size_t *size) {
  return hn_resolve_url(slice_of("http://h.test:81/b"), slice_of("a"), out,
                        size);
}

/* Room for all but a byte is none; nothing is written there. */
TEST(too_little_room_tells_the_size) {
  static int (*const makers[])(char *, size_t *) = {create, resolve};
  static const char url[] = "http://h.test:81/a";
  const size_t n = sizeof url - 1;
  for (size_t i = 0; i < 2; i++) {
    for (size_t room = 0; room <= n + 1; room++) {
      char out[sizeof url + 1] = "untouched", before[sizeof out];
      size_t size = room;
      memcpy(before, out, sizeof out);
      CHECK_INT(makers[i](out, &size),
                room < n ? HN_ERR_INSUFFICIENT_BUFFER : 0);
      CHECK_INT(size, n);
      if (room >= n) {
        CHECK_TEXT(slice_make(out, n), url);
        memcpy(before, url, n);
      }
      CHECK(memcmp(out, before, sizeof out) == 0);
    }
  }
}

TEST(failures_leave_the_size) {
  char out[7] = "";
  size_t size = sizeof out;
  const struct hn_url_parts bad = {.host = slice_of("a b"), .port = -1};
  CHECK_INT(hn_create_url(&bad, 0, out, &size), HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_resolve_url(slice_of("x"), slice_of("y"), out, &size),
            HN_ERR_INVALID_URL);
  CHECK_INT(size, 7);
}

static bool make_both(void *ctx) {
  char out[64];
  size_t size = sizeof out, again = sizeof out;
  int code = create(out, &size);
  (void)ctx;
  if (code == 0) code = resolve(out, &again);
  if (code != 0) CHECK_INT(code, HN_ERR_NOT_ENOUGH_MEMORY);
  return code == 0;
}

TEST(failing_allocations) {
  test_each_failure(make_both, NULL);
}

TEST_MAIN(ROW(only_http_goes_into_requests),
          ROW(too_little_room_tells_the_size), ROW(failures_leave_the_size),
          ROW(failing_allocations))
