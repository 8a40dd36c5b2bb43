#include "../../csrc/proto/url_ref.h"

#include "test.h"

struct split_row {
  const char *text, *scheme, *authority, *path, *query, *fragment;
};

static const struct split_row split_rows[] = {
    {"", NULL, NULL, "", NULL, NULL},
    {"http://a/b/c/d;p?q", "http", "a", "/b/c/d;p", "q", NULL},
    {"http://www.ics.uci.edu/pub/ietf/uri/#Related", "http", "www.ics.uci.edu",
     "/pub/ietf/uri/", NULL, "Related"},
    {"HTTP://a", "HTTP", "a", "", NULL, NULL},
    {"http:", "http", NULL, "", NULL, NULL},
    {"http:g", "http", NULL, "g", NULL, NULL},
    {"http:/g", "http", NULL, "/g", NULL, NULL},
    {"http://", "http", "", "", NULL, NULL},
    {"http:///p", "http", "", "/p", NULL, NULL},
    {"//a", NULL, "a", "", NULL, NULL},
    {"//a?b", NULL, "a", "", "b", NULL},
    {"//a#b", NULL, "a", "", NULL, "b"},
    {"//u:p@a:1/x", NULL, "u:p@a:1", "/x", NULL, NULL},
    {"///a", NULL, "", "/a", NULL, NULL},
    {"/a//b", NULL, NULL, "/a//b", NULL, NULL},
    {"?", NULL, NULL, "", "", NULL},
    {"#", NULL, NULL, "", NULL, ""},
    {"?#", NULL, NULL, "", "", ""},
    {"#?", NULL, NULL, "", NULL, "?"},
    {"##", NULL, NULL, "", NULL, "#"},
    {"??", NULL, NULL, "", "?", NULL},
    {"a?b#c?d#e", NULL, NULL, "a", "b", "c?d#e"},
    {"a/b:c", NULL, NULL, "a/b:c", NULL, NULL},
    {"a?b:c", NULL, NULL, "a", "b:c", NULL},
    {"a#b:c", NULL, NULL, "a", NULL, "b:c"},
    {":a", NULL, NULL, ":a", NULL, NULL},
    {"1a:b", NULL, NULL, "1a:b", NULL, NULL},
    {"a b:c", NULL, NULL, "a b:c", NULL, NULL},
    {"a+-.1:b", "a+-.1", NULL, "b", NULL, NULL},
    {"[::1]:80", NULL, NULL, "[::1]:80", NULL, NULL},
    {"mailto:a@b", "mailto", NULL, "a@b", NULL, NULL},
};

static void check_component(struct hn_slice part, const char *expected) {
  if (expected == NULL) {
    CHECK(part.p == NULL && part.n == 0);
    return;
  }
  CHECK(part.p != NULL);
  CHECK_TEXT(part, expected);
}

TEST(split) {
  for (size_t i = 0; i < sizeof split_rows / sizeof *split_rows; i++) {
    const struct split_row *row = &split_rows[i];
    struct hn_url_reference r = url_split(test_guarded(0, slice_of(row->text)));
    test_label(row->text);
    check_component(r.scheme, row->scheme);
    check_component(r.authority, row->authority);
    check_component(r.path, row->path);
    check_component(r.query, row->query);
    check_component(r.fragment, row->fragment);
  }
}

TEST(split_absent) {
  struct hn_slice absent = {NULL, 0};
  struct hn_url_reference r = url_split(absent);
  CHECK(r.path.p != NULL && r.path.n == 0);
  CHECK(r.scheme.p == NULL && r.authority.p == NULL);
}

struct resolve_row {
  const char *base, *reference, *target;
};

#define RFC "http://a/b/c/d;p?q"

static const struct resolve_row resolve_rows[] = {
    /* RFC 3986 5.4.1: normal examples */
    {RFC, "g:h", "g:h"},
    {RFC, "g", "http://a/b/c/g"},
    {RFC, "./g", "http://a/b/c/g"},
    {RFC, "g/", "http://a/b/c/g/"},
    {RFC, "/g", "http://a/g"},
    {RFC, "//g", "http://g"},
    {RFC, "?y", "http://a/b/c/d;p?y"},
    {RFC, "g?y", "http://a/b/c/g?y"},
    {RFC, "#s", "http://a/b/c/d;p?q#s"},
    {RFC, "g#s", "http://a/b/c/g#s"},
    {RFC, "g?y#s", "http://a/b/c/g?y#s"},
    {RFC, ";x", "http://a/b/c/;x"},
    {RFC, "g;x", "http://a/b/c/g;x"},
    {RFC, "g;x?y#s", "http://a/b/c/g;x?y#s"},
    {RFC, "", "http://a/b/c/d;p?q"},
    {RFC, ".", "http://a/b/c/"},
    {RFC, "./", "http://a/b/c/"},
    {RFC, "..", "http://a/b/"},
    {RFC, "../", "http://a/b/"},
    {RFC, "../g", "http://a/b/g"},
    {RFC, "../..", "http://a/"},
    {RFC, "../../", "http://a/"},
    {RFC, "../../g", "http://a/g"},
    /* RFC 3986 5.4.2: abnormal examples */
    {RFC, "../../../g", "http://a/g"},
    {RFC, "../../../../g", "http://a/g"},
    {RFC, "/./g", "http://a/g"},
    {RFC, "/../g", "http://a/g"},
    {RFC, "g.", "http://a/b/c/g."},
    {RFC, ".g", "http://a/b/c/.g"},
    {RFC, "g..", "http://a/b/c/g.."},
    {RFC, "..g", "http://a/b/c/..g"},
    {RFC, "./../g", "http://a/b/g"},
    {RFC, "./g/.", "http://a/b/c/g/"},
    {RFC, "g/./h", "http://a/b/c/g/h"},
    {RFC, "g/../h", "http://a/b/c/h"},
    {RFC, "g;x=1/./y", "http://a/b/c/g;x=1/y"},
    {RFC, "g;x=1/../y", "http://a/b/c/y"},
    {RFC, "g?y/./x", "http://a/b/c/g?y/./x"},
    {RFC, "g?y/../x", "http://a/b/c/g?y/../x"},
    {RFC, "g#s/./x", "http://a/b/c/g#s/./x"},
    {RFC, "g#s/../x", "http://a/b/c/g#s/../x"},
    {RFC, "http:g", "http:g"},
    /* a base without a path, empty components, no authority */
    {"http://a", "g", "http://a/g"},
    {"http://a", "", "http://a"},
    {"http://a", "?y", "http://a?y"},
    {"http://a", "../g", "http://a/g"},
    {"http://a?q", "g", "http://a/g"},
    {"http://a/b#old", "", "http://a/b"},
    {"http://a/b?q#old", "#new", "http://a/b?q#new"},
    {"http://a/b?q", "?", "http://a/b?"},
    {"http://a/b?q", "#", "http://a/b?q#"},
    {"http://a/b/../c", "", "http://a/b/../c"},
    {"http://a/b", "http://c/./d/../e", "http://c/e"},
    {"http://a/b", "//c/../d", "http://c/d"},
    {"http://a/b", "///c", "http:///c"},
    {"http://u:p@a:8080/b", "c", "http://u:p@a:8080/c"},
    {"http://a/b//c", "..", "http://a/b/"},
    {"http://a/b//c", "../..", "http://a/"},
    {"http://a/b", "c//d/..//e", "http://a/c///e"},
    {"http://a/b", "[::1]:80", "http://a/[::1]:80"},
    {"http://a/b", ":c", "http://a/:c"},
    {"x:a/b", "c", "x:a/c"},
    {"x:a/b", "../../c", "x:/c"},
    {"x:a", "c", "x:c"},
    {"x:", "c", "x:c"},
    {"x:/a", ".//b", "x:/.//b"},
    {"x:a", "/.//b", "x:/.//b"},
    {"x:a", "y:/..//b", "y:/.//b"},
    {"x://h/a", "/.//b", "x://h//b"},
    {"x:a", "../..", "x:"},
};

TEST(resolve) {
  for (size_t i = 0; i < sizeof resolve_rows / sizeof *resolve_rows; i++) {
    const struct resolve_row *row = &resolve_rows[i];
    struct hn_slice base = test_guarded(0, slice_of(row->base));
    struct hn_slice reference = test_guarded(1, slice_of(row->reference));
    struct hn_buf out;
    test_label(row->reference);
    buf_init(&out, HN_MAX_URL);
    CHECK_INT(url_resolve(base, reference, &out), 0);
    CHECK_TEXT(buf_peek(&out), row->target);
    buf_fini(&out);
  }
}

TEST(resolve_needs_a_scheme) {
  static const char *const bases[] = {"", "a", "//a/b", "/a", "1:b", ":b"};
  for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
    struct hn_buf out;
    test_label(bases[i]);
    buf_init(&out, 100);
    buf_append_text(&out, "kept");
    CHECK_INT(url_resolve(slice_of(bases[i]), slice_of("http://a/"), &out),
              HN_ERR_INVALID_URL);
    CHECK_TEXT(buf_peek(&out), "kept");
    buf_fini(&out);
  }
}

/* A path of nothing but dots is done in one pass. */
TEST(resolve_long) {
  static char path[HN_MAX_URL - 16];
  struct hn_buf out;
  size_t half = sizeof path / 6 * 3;
  for (size_t i = 0; i < sizeof path; i++) {
    path[i] = i < half ? "/ab"[i % 3] : "/.."[(i - half) % 3];
  }
  buf_init(&out, HN_MAX_URL);
  CHECK_INT(
      url_resolve(slice_of("http://a/"), slice_make(path, sizeof path), &out),
      0);
  CHECK(buf_size(&out) <= strlen("http://a/.."));
  buf_fini(&out);
}

TEST(resolve_cap) {
  const char *target = "http://a/b/c/g?y#s";
  for (size_t cap = 0; cap <= strlen(target); cap++) {
    struct hn_buf out;
    bool fits = cap == strlen(target);
    buf_init(&out, cap);
    CHECK_INT(url_resolve(slice_of(RFC), slice_of("g?y#s"), &out),
              fits ? 0 : HN_ERR_INSUFFICIENT_BUFFER);
    CHECK_INT(buf_size(&out), fits ? cap : 0);
    buf_fini(&out);
  }
}

static bool resolve_once(void *ctx) {
  struct hn_buf out;
  int err;
  buf_init(&out, HN_MAX_URL);
  err = url_resolve(slice_of(RFC), slice_make(ctx, 900), &out);
  CHECK(err == 0 || err == HN_ERR_NOT_ENOUGH_MEMORY);
  if (err) CHECK_INT(buf_size(&out), 0);
  buf_fini(&out);
  return err == 0;
}

TEST(resolve_memory) {
  char reference[900];
  memset(reference, 'a', sizeof reference);
  reference[300] = '?';
  reference[600] = '#';
  test_each_failure(resolve_once, reference);
}

TEST_MAIN(ROW(split), ROW(split_absent), ROW(resolve),
          ROW(resolve_needs_a_scheme), ROW(resolve_long), ROW(resolve_cap),
          ROW(resolve_memory))
