#include "../../csrc/proto/url_text.h"

#include "test.h"

#define BYTES(text) slice_make((text), sizeof(text) - 1)

static char text[8 * 1024];

static struct hn_slice escape(struct hn_slice s, enum url_text_set set) {
  size_t n = url_text_escaped_size(s, set);
  url_text_escape(text, test_guarded(0, s), set);
  return slice_make(text, n);
}

/* For each set, the bytes below 0x80 that it escapes, but for the control
 * characters, which all but the raw one escape. */
static const struct {
  enum url_text_set set;
  const char *escaped;
} set_rows[] = {
    {HN_URL_TEXT_TARGET, " \"#<>[\\]^`{|}\x7f"},
    {HN_URL_TEXT_PERCENT, " \"#%<>[\\]^`{|}\x7f"},
    {HN_URL_TEXT_RAW, " "},
    {HN_URL_TEXT_PART, " \"#%<>[\\]^`{|}~\x7f"},
    {HN_URL_TEXT_USERINFO, " \"#%/:<>?@[\\]^`{|}\x7f"},
};

TEST(sets) {
  for (size_t i = 0; i < sizeof set_rows / sizeof *set_rows; i++) {
    for (int c = 0; c < 256; c++) {
      bool escaped = c >= 0x80;
      if (c < 0x20) escaped = set_rows[i].set != HN_URL_TEXT_RAW;
      if (c >= 0x20 && c < 0x80) {
        escaped = strchr(set_rows[i].escaped, c) != NULL;
      }
      CHECK_INT(url_text_keeps(set_rows[i].set, (char)c), !escaped);
    }
  }
}

TEST(escape_all_bytes) {
  for (size_t i = 0; i < sizeof set_rows / sizeof *set_rows; i++) {
    for (int c = 0; c < 256; c++) {
      char byte = (char)c, expected[8];
      enum url_text_set set = set_rows[i].set;
      struct hn_slice got = escape(slice_make(&byte, 1), set);
      if (set == HN_URL_TEXT_RAW && (c == '\r' || c == '\n')) {
        CHECK_INT(got.n, 0);
      } else if (url_text_keeps(set, byte)) {
        CHECK(got.n == 1 && got.p[0] == byte);
      } else {
        snprintf(expected, sizeof expected, "%%%02X", (unsigned)c);
        CHECK_TEXT(got, expected);
      }
    }
  }
}

TEST(unescape) {
  static const struct {
    const char *in, *out;
  } rows[] = {
      {"", ""},
      {"abc", "abc"},
      {"%41", "A"},
      {"%4a%4A", "JJ"},
      {"%", "%"},
      {"%4", "%4"},
      {"%4g", "%4g"},
      {"%g4", "%g4"},
      {"%%41", "%A"},
      {"%2541", "%41"},
      {"x%41y%42z", "xAyBz"},
      {"%ff", "\xff"},
      {"100%", "100%"},
      {"%-1", "%-1"},
      {"% 1", "% 1"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_slice in = test_guarded(0, slice_of(rows[i].in));
    size_t n = url_text_unescaped_size(in);
    test_label(rows[i].in);
    CHECK_INT(n, strlen(rows[i].out));
    url_text_unescape(text, in);
    CHECK_TEXT(slice_make(text, n), rows[i].out);
  }
  CHECK_INT(url_text_unescaped_size(slice_of("%00%00")), 2);
  text[0] = text[1] = 'x';
  url_text_unescape(text, slice_of("%00%00"));
  CHECK(text[0] == '\0' && text[1] == '\0');
}

TEST(hosts) {
  /* clang-format off */
  static const char *const good[] = {
      "a", "localhost", "www.winehq.org", "WWW.Example.COM", "a_b.example",
      "xn--bcher-kva.example", "example.com.", "a-b", "-a", "~x",
      "a!$&'()*+,;=",
      "1.2.3.4", "0.0.0.0", "255.255.255.255", "1.2.3.4x", "1.2.3.example",
      "4chan.org", "256.com", "0x7f.0.0.0x7g", "foo.09..", "0xg", ".", "..",
      "::", "::1", "1::", "1:2:3:4:5:6:7:8", "::2:3:4:5:6:7:8",
      "1:2:3:4:5:6:7::", "1::8", "abcd:EF01::", "::1.2.3.4",
      "1:2:3:4:5:6:1.2.3.4", "::ffff:255.255.255.255", "fe80::1%eth0",
      "fe80::1%2", "fe80::1%br-a.b_c~d",
  };
  static const char *const bad[] = {
      "", " ", "a b", "a\tb", "a\nb", "a\rb", "a\x7f", "a\x01", "a/b", "a\\b",
      "a?b", "a#b", "a@b", "a%62", "a%", "[", "]", "[::1]", "a[b", "a<b", "a>b",
      "a\"b", "a^b", "a`b", "a{b", "a|b", "a}b", "b\xc3\xbc"
      "cher", "\xef\xbf\xbd",
      "1", "0", "127.1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4.",
      "1.2.3.04", "01.2.3.4", "1.2.3.", "1..2.3", "2130706433", "0x7f000001",
      "0X7F.0.0.1", "0x", "foo.0x", "foo.1", "foo.09.", "1.2.3.0x4",
      "010.1.1.1", "999.1.1.1", ".1", "1.",
      ":", ":::", "1:", ":1", "1:2", "::1::", "1::2::3", ":::1", "1:::2",
      "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
      "::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:", "12345::", "g::", "::1.2.3",
      "::1.2.3.4.5", "::1.2.3.256", "::1.2.3.04", "1.2.3.4::", "::1.2.3.4:5",
      "1:2:3:4:5:6:7:1.2.3.4", "::.1", "::1.", "a:80", "::1%", "::1%a b",
      "::1%a%b", "::1%a/b", "::%", "%eth0", "a%eth0", "1.2.3.4%eth0", "::1 ",
  };
  /* clang-format on */
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    test_label(good[i]);
    CHECK(url_is_host(test_guarded(0, slice_of(good[i]))));
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    test_label(bad[i]);
    CHECK(!url_is_host(test_guarded(0, slice_of(bad[i]))));
  }
  test_label("NUL");
  CHECK(!url_is_host(BYTES("a\0b")));
  CHECK(!url_is_host(BYTES("::1\0")));
}

TEST(host_length) {
  memset(text, 'a', HN_MAX_HOST + 1);
  CHECK(url_is_host(slice_make(text, HN_MAX_HOST)));
  CHECK(!url_is_host(slice_make(text, HN_MAX_HOST + 1)));
}

#define PERCENT          HN_REQUEST_ESCAPE_PERCENT
#define DISABLE          HN_REQUEST_ESCAPE_DISABLE
#define DISABLE_QUERY    HN_REQUEST_ESCAPE_DISABLE_QUERY
#define PRINTABLE        " !\"#$%&'()*+,-./:;<=>@[\\]^_`{|}~"
#define CONTROLS         "\x01\t\n\x0b\r\x1f\x7f"
#define ESCAPED_CONTROLS "%01%09%0A%0B%0D%1F%7F"
#define RAW_CONTROLS     "\x01\t\x0b\x1f\x7f"

static const struct {
  const char *object;
  unsigned flags;
  const char *target;
} target_rows[] = {
    {"", 0, "/"},
    {"/", 0, "/"},
    {"a", 0, "/a"},
    {"?q", 0, "/?q"},
    {"*", 0, "/*"},
    {"/a?b?c", 0, "/a?b?c"},
    {"/a%20b%", 0, "/a%20b%"},
    {"/" PRINTABLE, 0,
     "/%20!%22%23$%&'()*+,-./:;%3C=%3E@%5B%5C%5D%5E_%60%7B%7C%7D~"},
    {"/?" PRINTABLE, 0,
     "/?%20!%22%23$%&'()*+,-./:;%3C=%3E@%5B%5C%5D%5E_%60%7B%7C%7D~"},
    {"/" CONTROLS "?" CONTROLS, 0, "/" ESCAPED_CONTROLS "?" ESCAPED_CONTROLS},
    {"/\xc3\xa9?\xc3\xa9", 0, "/%C3%A9?%C3%A9"},
    {"/x\r\nHost: evil", 0, "/x%0D%0AHost:%20evil"},
    {"/a%20?b%20 ", PERCENT, "/a%2520?b%2520%20"},
    {"/" PRINTABLE, PERCENT,
     "/%20!%22%23$%25&'()*+,-./:;%3C=%3E@%5B%5C%5D%5E_%60%7B%7C%7D~"},
    {"/" PRINTABLE "?" PRINTABLE, DISABLE,
     "/%20!\"#$%&'()*+,-./:;<=>@[\\]^_`{|}~?"
     "%20!\"#$%&'()*+,-./:;<=>@[\\]^_`{|}~"},
    {"/" CONTROLS "?" CONTROLS, DISABLE, "/" RAW_CONTROLS "?" RAW_CONTROLS},
    {"/\xc3\xa9?\xc3\xa9", DISABLE, "/%C3%A9?%C3%A9"},
    {"/x\r\nHost: evil", DISABLE, "/xHost:%20evil"},
    {"/a%", DISABLE | PERCENT, "/a%"},
    {"/" PRINTABLE "?" PRINTABLE, DISABLE_QUERY,
     "/%20!%22%23$%&'()*+,-./:;%3C=%3E@%5B%5C%5D%5E_%60%7B%7C%7D~?"
     "%20!\"#$%&'()*+,-./:;<=>@[\\]^_`{|}~"},
    {"/" CONTROLS "?" CONTROLS, DISABLE_QUERY,
     "/" ESCAPED_CONTROLS "?" RAW_CONTROLS},
    {"/a%?b%", DISABLE_QUERY | PERCENT, "/a%25?b%"},
    {"/a b?c d", DISABLE | DISABLE_QUERY, "/a%20b?c%20d"},
};

TEST(targets) {
  for (size_t i = 0; i < sizeof target_rows / sizeof *target_rows; i++) {
    struct hn_slice object = slice_of(target_rows[i].object);
    struct hn_buf out;
    test_label(target_rows[i].object);
    buf_init(&out, HN_MAX_URL);
    CHECK_INT(
        url_append_target(test_guarded(0, object), target_rows[i].flags, &out),
        0);
    CHECK_TEXT(buf_peek(&out), target_rows[i].target);
    buf_fini(&out);
  }
}

TEST(target_nul) {
  struct hn_slice absent = {NULL, 0};
  struct hn_buf out;
  buf_init(&out, 100);
  CHECK_INT(url_append_target(BYTES("/\0"), 0, &out), 0);
  CHECK_TEXT(buf_peek(&out), "/%00");
  buf_clear(&out);
  CHECK_INT(url_append_target(absent, 0, &out), 0);
  CHECK_TEXT(buf_peek(&out), "/");
  buf_fini(&out);
}

TEST(target_cap) {
  struct hn_buf out;
  for (size_t cap = 0; cap < 12; cap++) {
    buf_init(&out, cap);
    CHECK_INT(url_append_target(slice_of("a b?c d"), 0, &out),
              HN_ERR_INSUFFICIENT_BUFFER);
    CHECK_INT(buf_size(&out), 0);
    buf_fini(&out);
  }
  buf_init(&out, 12);
  CHECK_INT(url_append_target(slice_of("a b?c d"), 0, &out), 0);
  buf_fini(&out);
}

static bool append_once(void *ctx) {
  struct hn_buf out;
  int err;
  buf_init(&out, sizeof text);
  err = url_append_target(slice_make(ctx, 3000), 0, &out);
  CHECK(err == 0 || err == HN_ERR_NOT_ENOUGH_MEMORY);
  if (err) CHECK_INT(buf_size(&out), 0);
  buf_fini(&out);
  return err == 0;
}

TEST(target_memory) {
  memset(text, 'a', 3000);
  text[2000] = '?';
  test_each_failure(append_once, text);
}

TEST_MAIN(ROW(sets), ROW(escape_all_bytes), ROW(unescape), ROW(hosts),
          ROW(host_length), ROW(targets), ROW(target_nul), ROW(target_cap),
          ROW(target_memory))
