#include "../../csrc/proto/url.h"

#include "test.h"

#define BASE   "http://username:password@www.winehq.org/site/about?query"
#define ESCAPE ((unsigned)HN_URL_ESCAPE)
#define DECODE ((unsigned)HN_URL_DECODE)
#define REJECT ((unsigned)HN_URL_REJECT_USERPWD)

static char scratch[4 * HN_MAX_URL];

/* A slice of a literal that may hold NULs. */
#define BYTES(text) slice_make((text), sizeof(text) - 1)

/* NULL stands for an absent part. */
static void check_part(struct hn_slice part, const char *expected) {
  if (expected == NULL) {
    CHECK(part.p == NULL && part.n == 0);
    return;
  }
  CHECK(part.p != NULL);
  CHECK_TEXT(part, expected);
}

static int crack(struct hn_slice url, unsigned flags,
                 struct hn_url_parts *out) {
  return url_crack(test_guarded(0, url), flags, scratch, sizeof scratch, out);
}

struct crack_row {
  const char *url;
  unsigned flags;
  const char *scheme, *user, *password, *host;
  int port;
  const char *path, *extra;
};

static const struct crack_row crack_rows[] = {
    {BASE, 0, "http", "username", "password", "www.winehq.org", 80,
     "/site/about", "?query"},
    {"http://username:password@www.winehq.org/site/about", 0, "http",
     "username", "password", "www.winehq.org", 80, "/site/about", ""},
    {"http://www.winehq.org", 0, "http", NULL, NULL, "www.winehq.org", 80, "",
     ""},
    {"https://www.winehq.org/post?", 0, "https", NULL, NULL, "www.winehq.org",
     443, "/post", "?"},
    {"HTTP://WWW.winehq.org/", 0, "HTTP", NULL, NULL, "WWW.winehq.org", 80, "/",
     ""},
    {"http://winehq?", 0, "http", NULL, NULL, "winehq", 80, "", "?"},
    {"http://winehq#top", 0, "http", NULL, NULL, "winehq", 80, "", "#top"},
    {"http://winehq/post;a", 0, "http", NULL, NULL, "winehq", 80, "/post;a",
     ""},
    {"http://u:p@www.winehq.org:42/site/about?query", 0, "http", "u", "p",
     "www.winehq.org", 42, "/site/about", "?query"},
    {"http://u:p@www.winehq.org:0/site/about?query", 0, "http", "u", "p",
     "www.winehq.org", 0, "/site/about", "?query"},
    {"http://www.winehq.org:80/site", 0, "http", NULL, NULL, "www.winehq.org",
     80, "/site", ""},
    {"https://www.winehq.org:443/site", 0, "https", NULL, NULL,
     "www.winehq.org", 443, "/site", ""},
    {"https://www.winehq.org:80/", 0, "https", NULL, NULL, "www.winehq.org", 80,
     "/", ""},
    {"http://winehq.org:0", 0, "http", NULL, NULL, "winehq.org", 0, "", ""},
    {"http://winehq.org:", 0, "http", NULL, NULL, "winehq.org", 80, "", ""},
    {"http://winehq.org:/", 0, "http", NULL, NULL, "winehq.org", 80, "/", ""},
    {"http://winehq.org:65535", 0, "http", NULL, NULL, "winehq.org", 65535, "",
     ""},
    {"http://h:0000000000000000000000000080/", 0, "http", NULL, NULL, "h", 80,
     "/", ""},
    {"http://example.net/path?var1=example@example.com&var2=x&var3=y", 0,
     "http", NULL, NULL, "example.net", 80, "/path",
     "?var1=example@example.com&var2=x&var3=y"},
    {"http://example.net?var1=example@example.com", 0, "http", NULL, NULL,
     "example.net", 80, "", "?var1=example@example.com"},
    {"http://example.net#a@b", 0, "http", NULL, NULL, "example.net", 80, "",
     "#a@b"},
    {"https://tools.google.com/service/update2?w=3:BxDHoWy8ezM", DECODE,
     "https", NULL, NULL, "tools.google.com", 443, "/service/update2",
     "?w=3:BxDHoWy8ezM"},
    {"http://winehq.org/path with spaces", ESCAPE | DECODE, "http", NULL, NULL,
     "winehq.org", 80, "/path%20with%20spaces", ""},
    {"http://u%41:p%41@h/a%20 b?c%20 d", ESCAPE | DECODE, "http", "u%41",
     "p%41", "h", 80, "/a%2520%20b", "?c%20 d"},
    {"http://u%41@h/a b~?c d#e", ESCAPE, "http", "u%41", NULL, "h", 80,
     "/a%20b%7E", "?c%20d%23e"},
    {"http://h/\xc3\xa9#a b", ESCAPE, "http", NULL, NULL, "h", 80, "/%C3%A9",
     "#a%20b"},
    {"http://www.winehq.org/site/about%20!%22%23$%25&'()*+,-./:;%3C=%3E?"
     "@%5B%5C%5D%5E_%60%7B%7C%7D%7E",
     DECODE, "http", NULL, NULL, "www.winehq.org", 80,
     "/site/about !\"#$%&'()*+,-./:;<=>", "?@[\\]^_`{|}~"},
    {"http://a%40b:c%3Ad@e%78ample.com/%2f%zz%4?%41#%42", DECODE, "http", "a@b",
     "c:d", "example.com", 80, "//%zz%4", "?A#B"},
    {"https://nba2k19-ws.2ksports.com:19133/nba/v4/Accounts/get_account"
     "?x=3789526775265663876",
     0, "https", NULL, NULL, "nba2k19-ws.2ksports.com", 19133,
     "/nba/v4/Accounts/get_account", "?x=3789526775265663876"},
    {"ws://echo.example/chat", 0, "ws", NULL, NULL, "echo.example", 80, "/chat",
     ""},
    {"WSS://echo.example", 0, "WSS", NULL, NULL, "echo.example", 443, "", ""},
    {"http://@h/", 0, "http", "", NULL, "h", 80, "/", ""},
    {"http://:@h/", 0, "http", "", "", "h", 80, "/", ""},
    {"http://u:@h/", 0, "http", "u", "", "h", 80, "/", ""},
    {"http://u:p:q@h/", 0, "http", "u", "p:q", "h", 80, "/", ""},
    {"http://h/", REJECT, "http", NULL, NULL, "h", 80, "/", ""},
    {"http://h/@", REJECT, "http", NULL, NULL, "h", 80, "/@", ""},
    {"http://[::1]", 0, "http", NULL, NULL, "::1", 80, "", ""},
    {"http://u:p@[2001:DB8::7]:8080/x?y", 0, "http", "u", "p", "2001:DB8::7",
     8080, "/x", "?y"},
    {"http://[::1]:/", 0, "http", NULL, NULL, "::1", 80, "/", ""},
    {"http://[fe80::1%25eth0]:81/", 0, "http", NULL, NULL, "fe80::1%eth0", 81,
     "/", ""},
    {"http://[::ffff:1.2.3.4]/", 0, "http", NULL, NULL, "::ffff:1.2.3.4", 80,
     "/", ""},
    {"http://h/a\\b\x01\x7f", 0, "http", NULL, NULL, "h", 80, "/a\\b\x01\x7f",
     ""},
    {"http://h?a/b?c#d?e/f", 0, "http", NULL, NULL, "h", 80, "",
     "?a/b?c#d?e/f"},
    {"http://h/a#b?c", 0, "http", NULL, NULL, "h", 80, "/a", "#b?c"},
};

TEST(crack_cases) {
  for (size_t i = 0; i < sizeof crack_rows / sizeof *crack_rows; i++) {
    const struct crack_row *row = &crack_rows[i];
    struct hn_url_parts parts;
    test_label(row->url);
    if (!CHECK_INT(crack(slice_of(row->url), row->flags, &parts), 0)) continue;
    check_part(parts.scheme, row->scheme);
    check_part(parts.user, row->user);
    check_part(parts.password, row->password);
    check_part(parts.host, row->host);
    CHECK_INT(parts.port, row->port);
    check_part(parts.path, row->path);
    check_part(parts.extra, row->extra);
  }
}

static const struct {
  const char *url;
  unsigned flags;
  int code;
} crack_errors[] = {
    {"HTTP:www.winehq.org", 0, HN_ERR_INVALID_URL},
    {"http:/www.winehq.org", 0, HN_ERR_INVALID_URL},
    {"http://", 0, HN_ERR_INVALID_URL},
    {"http:", 0, HN_ERR_INVALID_URL},
    {"http:/", 0, HN_ERR_INVALID_URL},
    {"http:\\\\h\\", 0, HN_ERR_INVALID_URL},
    {"www.winehq.org", 0, HN_ERR_UNRECOGNIZED_SCHEME},
    {"www", 0, HN_ERR_UNRECOGNIZED_SCHEME},
    {"http", 0, HN_ERR_UNRECOGNIZED_SCHEME},
    {"", 0, HN_ERR_UNRECOGNIZED_SCHEME},
    {":", 0, HN_ERR_UNRECOGNIZED_SCHEME},
    {"://h", 0, HN_ERR_UNRECOGNIZED_SCHEME},
    {"//h/x", 0, HN_ERR_UNRECOGNIZED_SCHEME},
    {" http://h/", 0, HN_ERR_UNRECOGNIZED_SCHEME},
    {"httpx://h/", 0, HN_ERR_UNRECOGNIZED_SCHEME},
    {"ftp://winehq.org/", 0, HN_ERR_UNRECOGNIZED_SCHEME},
    {"file:///etc/passwd", 0, HN_ERR_UNRECOGNIZED_SCHEME},
    {"localhost:80/", 0, HN_ERR_UNRECOGNIZED_SCHEME},
    {"http://winehq.org:65536", 0, HN_ERR_INVALID_URL},
    {"http://h:4294967376/", 0, HN_ERR_INVALID_URL},
    {"http://h:18446744073709551696/", 0, HN_ERR_INVALID_URL},
    {"http://h:-80/", 0, HN_ERR_INVALID_URL},
    {"http://h:+80/", 0, HN_ERR_INVALID_URL},
    {"http://h:8 0/", 0, HN_ERR_INVALID_URL},
    {"http://h:80:80/", 0, HN_ERR_INVALID_URL},
    {"http://h:0x50/", 0, HN_ERR_INVALID_URL},
    {"http://winehq.o g/path with spaces", ESCAPE | DECODE, HN_ERR_INVALID_URL},
    {"http://u@h/", REJECT, HN_ERR_INVALID_URL},
    {"http://@h/", REJECT, HN_ERR_INVALID_URL},
    {"http://u:p@/", 0, HN_ERR_INVALID_URL},
    {"http://@", 0, HN_ERR_INVALID_URL},
    {"http://:80", 0, HN_ERR_INVALID_URL},
    {"http://a@b@c/", 0, HN_ERR_INVALID_URL},
    {"http://a:b@c:d@e/", 0, HN_ERR_INVALID_URL},
    {"http://good.example\\@evil.example/", 0, HN_ERR_INVALID_URL},
    {"http://good.example\\.evil.example/", 0, HN_ERR_INVALID_URL},
    {"http://a b@h/", 0, HN_ERR_INVALID_URL},
    {"http://a\tb@h/", 0, HN_ERR_INVALID_URL},
    {"http://a[b@h/", 0, HN_ERR_INVALID_URL},
    {"http://\xc3\xa9@h/", 0, HN_ERR_INVALID_URL},
    {"http://h\n/", 0, HN_ERR_INVALID_URL},
    {"http://h\r\nX: y/", 0, HN_ERR_INVALID_URL},
    {"http://h\x7f/", 0, HN_ERR_INVALID_URL},
    {"http:// h/", 0, HN_ERR_INVALID_URL},
    {"http://h /", 0, HN_ERR_INVALID_URL},
    {"http://b\xc3\xbc"
     "cher.example/",
     0, HN_ERR_INVALID_URL},
    {"http://a|b/", 0, HN_ERR_INVALID_URL},
    {"http://a<b/", 0, HN_ERR_INVALID_URL},
    {"http://a\"b/", 0, HN_ERR_INVALID_URL},
    {"http://%6cocalhost/", 0, HN_ERR_INVALID_URL},
    {"http://%6cocalhost/", ESCAPE | DECODE, HN_ERR_INVALID_URL},
    {"http://h%00/", DECODE, HN_ERR_INVALID_URL},
    {"http://h%0D%0A/", DECODE, HN_ERR_INVALID_URL},
    {"http://h%2F.example/", DECODE, HN_ERR_INVALID_URL},
    {"http://h%40.example/", DECODE, HN_ERR_INVALID_URL},
    {"http://a%3A:80/", DECODE, HN_ERR_INVALID_URL},
    {"http://%3A%3A1/", DECODE, HN_ERR_INVALID_URL},
    {"http://%5B::1]/", DECODE, HN_ERR_INVALID_URL},
    {"http://h%zz/", DECODE, HN_ERR_INVALID_URL},
    {"http://h%4/", DECODE, HN_ERR_INVALID_URL},
    {"http://h%/", DECODE, HN_ERR_INVALID_URL},
    {"http://%C2%AD/", DECODE, HN_ERR_INVALID_URL},
    {"http://2001::1/", 0, HN_ERR_INVALID_URL},
    {"http://::1/", 0, HN_ERR_INVALID_URL},
    {"http://[::1/", 0, HN_ERR_INVALID_URL},
    {"http://[/", 0, HN_ERR_INVALID_URL},
    {"http://[]/", 0, HN_ERR_INVALID_URL},
    {"http://[h]/", 0, HN_ERR_INVALID_URL},
    {"http://[1.2.3.4]/", 0, HN_ERR_INVALID_URL},
    {"http://[::1]x/", 0, HN_ERR_INVALID_URL},
    {"http://[::1]80/", 0, HN_ERR_INVALID_URL},
    {"http://x[::1]/", 0, HN_ERR_INVALID_URL},
    {"http://[v1.x]/", 0, HN_ERR_INVALID_URL},
    {"http://[::%31]/", 0, HN_ERR_INVALID_URL},
    {"http://[::%31]/", DECODE, HN_ERR_INVALID_URL},
    {"http://[fe80::1%eth0]/", 0, HN_ERR_INVALID_URL},
    {"http://[fe80::1%25]/", 0, HN_ERR_INVALID_URL},
    {"http://[fe80::1%25a%41]/", 0, HN_ERR_INVALID_URL},
    {"http://[fe80::1%25a@b]/", 0, HN_ERR_INVALID_URL},
    {"http://127.1/", 0, HN_ERR_INVALID_URL},
    {"http://2130706433/", 0, HN_ERR_INVALID_URL},
    {"http://0x7f000001/", 0, HN_ERR_INVALID_URL},
    {"http://127.0.0.01/", 0, HN_ERR_INVALID_URL},
    {"http://%32%31%33%30706433/", DECODE, HN_ERR_INVALID_URL},
};

TEST(crack_refuses) {
  for (size_t i = 0; i < sizeof crack_errors / sizeof *crack_errors; i++) {
    struct hn_url_parts parts = {.port = 7777};
    test_label(crack_errors[i].url);
    CHECK_INT(
        crack(slice_of(crack_errors[i].url), crack_errors[i].flags, &parts),
        crack_errors[i].code);
    CHECK(parts.port == 7777 && parts.scheme.p == NULL);
  }
}

/* A NUL anywhere ends it: C code further down would see another URL. */
TEST(crack_refuses_nul) {
  static const char text[] = BASE;
  for (size_t i = 0; i < sizeof text - 1; i++) {
    char copy[sizeof text];
    struct hn_url_parts parts;
    memcpy(copy, text, sizeof text);
    copy[i] = '\0';
    CHECK_INT(crack(BYTES(copy), 0, &parts), HN_ERR_INVALID_URL);
  }
}

TEST(crack_arguments) {
  static char big[HN_MAX_URL + 1];
  struct hn_slice absent = {NULL, 0};
  struct hn_url_parts parts;
  CHECK_INT(url_crack(absent, 0, NULL, 0, &parts), HN_ERR_INVALID_PARAMETER);
  memset(big, 'a', sizeof big);
  memcpy(big, "http://h/", 9);
  CHECK_INT(crack(slice_make(big, HN_MAX_URL), 0, &parts), 0);
  CHECK_INT(parts.path.n, HN_MAX_URL - 8);
  CHECK_INT(crack(slice_make(big, HN_MAX_URL + 1), 0, &parts),
            HN_ERR_INVALID_URL);
}

/* Every prefix, each up against the guard page. */
TEST(crack_prefixes) {
  struct hn_slice url =
      slice_of("http://u%41:p%42@[fe80::1%25eth0]:8080/p%20q?r=%2#s%");
  for (size_t n = 0; n <= url.n; n++) {
    struct hn_url_parts parts;
    crack(slice_sub(url, 0, n), 0, &parts);
    crack(slice_sub(url, 0, n), DECODE, &parts);
    crack(slice_sub(url, 0, n), ESCAPE, &parts);
  }
}

/* Exactly the room that is needed, and every size below. */
static void check_scratch(const char *url, unsigned flags, size_t needed) {
  struct hn_url_parts parts;
  char *end = scratch + sizeof scratch;
  for (size_t n = 0; n < needed; n++) {
    CHECK_INT(url_crack(slice_of(url), flags, end - n, n, &parts),
              HN_ERR_INSUFFICIENT_BUFFER);
  }
  CHECK_INT(url_crack(slice_of(url), flags, end - needed, needed, &parts), 0);
}

TEST(crack_scratch) {
  struct hn_url_parts parts;
  check_scratch("http://u%41:p%42@%68/p%20?q%21", DECODE, 2 + 2 + 1 + 3 + 3);
  check_scratch("http://h/a b?c d", ESCAPE, 6 + 6);
  check_scratch("http://h/a b?c d", ESCAPE | DECODE, 6);
  check_scratch("http://h/#a b", ESCAPE, 6);
  check_scratch("http://[fe80::1%25e]/", 0, 9);
  /* Nothing to change, nothing copied. */
  CHECK_INT(url_crack(slice_of(BASE), DECODE, NULL, 0, &parts), 0);
  CHECK_INT(url_crack(slice_of(BASE), ESCAPE, NULL, 0, &parts), 0);
  CHECK_INT(url_crack(slice_of("http://h/%41"), DECODE, NULL, 0, &parts),
            HN_ERR_INSUFFICIENT_BUFFER);
}

/* The parts of a row of creation: "-" stands for an absent one. */
struct create_row {
  const char *scheme, *user, *password, *host;
  int port;
  const char *path, *extra;
  unsigned flags;
  const char *url; /* NULL: INVALID_PARAMETER */
};

static struct hn_slice part_of(const char *text) {
  struct hn_slice absent = {NULL, 0};
  return strcmp(text, "-") == 0 ? absent : slice_of(text);
}

static struct hn_url_parts parts_of(const struct create_row *row) {
  struct hn_url_parts parts;
  parts.scheme = part_of(row->scheme);
  parts.user = part_of(row->user);
  parts.password = part_of(row->password);
  parts.host = part_of(row->host);
  parts.port = row->port;
  parts.path = part_of(row->path);
  parts.extra = part_of(row->extra);
  return parts;
}

#define WINE        "www.winehq.org"
#define CONTROLS    "\r\x1f \n\x7f\r\n"
#define ASCII_EXTRA " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

static const struct create_row create_rows[] = {
    {"http", "username", "password", WINE, 80, "/site/about", "?query", 0,
     BASE},
    {"-", "username", "password", WINE, 80, "/site/about", "?query", 0, BASE},
    {"http", "username", "-", WINE, 80, "/site/about", "?query", 0,
     "http://username@www.winehq.org/site/about?query"},
    {"http", "username", "", WINE, 80, "/site/about", "?query", 0,
     "http://username:@www.winehq.org/site/about?query"},
    {"http", "-", "password", WINE, 80, "/site/about", "?query", 0, NULL},
    {"http", "", "password", WINE, 80, "/site/about", "?query", 0,
     "http://:password@www.winehq.org/site/about?query"},
    {"http", "-", "-", WINE, 80, "/site/about", "?query", 0,
     "http://www.winehq.org/site/about?query"},
    {"http", "", "", WINE, 80, "/site/about", "?query", 0,
     "http://:@www.winehq.org/site/about?query"},
    {"ftp", "username", "password", WINE, 80, "/site/about", "?query", 0,
     "ftp://username:password@www.winehq.org:80/site/about?query"},
    {"http", "username", "password", WINE, 42, "/site/about", "?query", 0,
     "http://username:password@www.winehq.org:42/site/about?query"},
    {"-", "username", "password", WINE, 0, "/site/about", "?query", 0,
     "http://username:password@www.winehq.org:0/site/about?query"},
    {"http", "username", "password", WINE, 80, "/site/about", ASCII_EXTRA,
     ESCAPE,
     "http://username:password@www.winehq.org/site/about"
     "%20!%22%23$%25&'()*+,-./:;%3C=%3E?@%5B%5C%5D%5E_%60%7B%7C%7D%7E"},
    {"-", "-", "-", "-", 0, "-", CONTROLS, ESCAPE,
     "http://%0D%1F%20%0A%7F%0D%0A"},
    {"-", "-", "-", "-", 0, CONTROLS, "-", ESCAPE,
     "http://%0D%1F%20%0A%7F%0D%0A"},
    {"-", "-", "-", "-", 0, "-", "?text=\xef\xac\x80", ESCAPE,
     "http://?text=%EF%AC%80"},
    {"-", "-", "-", "-", 0, "-", "?text=\xef\xac\x80", 0,
     "http://?text=\xef\xac\x80"},
    {"-", "-", "-", "-", 0, "/text=\xef\xac\x80", "-", 0,
     "http:///text=\xef\xac\x80"},
    {"-", "-", "-", "-", 0, "-", "-", 0, "http://"},
    /* ports */
    {"https", "-", "-", "h", 443, "/", "-", 0, "https://h/"},
    {"https", "-", "-", "h", 80, "/", "-", 0, "https://h:80/"},
    {"HTTPS", "-", "-", "h", -1, "/", "-", 0, "HTTPS://h/"},
    {"ws", "-", "-", "h", 80, "/", "-", 0, "ws://h/"},
    {"wss", "-", "-", "h", 80, "/", "-", 0, "wss://h:80/"},
    {"http", "-", "-", "h", -1, "/", "-", HN_URL_INCLUDE_DEFAULT_PORT,
     "http://h:80/"},
    {"-", "-", "-", "h", 80, "/", "-", HN_URL_INCLUDE_DEFAULT_PORT,
     "http://h:80/"},
    {"ftp", "-", "-", "h", -1, "/", "-", HN_URL_INCLUDE_DEFAULT_PORT,
     "ftp://h/"},
    {"ftp", "-", "-", "h", 0, "/", "-", 0, "ftp://h:0/"},
    {"http", "-", "-", "h", 65535, "/", "-", 0, "http://h:65535/"},
    {"http", "-", "-", "h", 65536, "/", "-", 0, NULL},
    {"http", "-", "-", "h", -2, "/", "-", 0, NULL},
    /* slashes */
    {"http", "-", "-", "h", 80, "a", "-", 0, "http://h/a"},
    {"http", "-", "-", "h", 80, "", "?q", 0, "http://h?q"},
    {"http", "-", "-", "h", 80, "-", "#f", 0, "http://h#f"},
    {"http", "-", "-", "h", 80, "-", "/x", 0, "http://h/x"},
    {"http", "-", "-", "a.example", 80, "-", ".b.example", 0,
     "http://a.example/.b.example"},
    {"http", "-", "-", "a.example", 80, "", ":@b.example", 0,
     "http://a.example/:@b.example"},
    {"http", "-", "-", "h", 80, "?q", "-", 0, "http://h/?q"},
    {"http", "-", "-", "", 80, "/p", "-", 0, "http:///p"},
    /* addresses */
    {"http", "-", "-", "::1", 80, "/", "-", 0, "http://[::1]/"},
    {"http", "-", "-", "2001:db8::1", 81, "-", "-", 0,
     "http://[2001:db8::1]:81"},
    {"http", "-", "-", "fe80::1%eth0", 80, "/", "-", 0,
     "http://[fe80::1%25eth0]/"},
    {"http", "-", "-", "127.0.0.1", 80, "/", "-", 0, "http://127.0.0.1/"},
    /* parts that would move the borders */
    {"http", "-", "-", "a/b", 80, "/", "-", 0, NULL},
    {"http", "-", "-", "a@b", 80, "/", "-", 0, NULL},
    {"http", "-", "-", "a:80", 80, "/", "-", 0, NULL},
    {"http", "-", "-", "a?b", 80, "/", "-", 0, NULL},
    {"http", "-", "-", "a b", 80, "/", "-", ESCAPE, NULL},
    {"http", "-", "-", "[::1]", 80, "/", "-", 0, NULL},
    {"http", "-", "-", "h\r\n", 80, "/", "-", 0, NULL},
    {"http", "-", "-", "127.1", 80, "/", "-", 0, NULL},
    {"http", "a@b", "-", "h", 80, "/", "-", 0, NULL},
    {"http", "a:b", "-", "h", 80, "/", "-", 0, NULL},
    {"http", "a/b", "-", "h", 80, "/", "-", 0, NULL},
    {"http", "a b", "-", "h", 80, "/", "-", 0, NULL},
    {"http", "a", "b@c", "h", 80, "/", "-", 0, NULL},
    {"http", "a", "b#c", "h", 80, "/", "-", 0, NULL},
    {"http", "a", "b:c", "h", 80, "/", "-", 0, "http://a:b:c@h/"},
    {"http", "a%40", "b%3A", "h", 80, "/", "-", 0, "http://a%40:b%3A@h/"},
    {"http", "a@b:", "c@:/ %", "h", 80, "/", "-", ESCAPE,
     "http://a%40b%3A:c%40%3A%2F%20%25@h/"},
    {"ht tp", "-", "-", "h", 80, "/", "-", 0, NULL},
    {"http:", "-", "-", "h", 80, "/", "-", 0, NULL},
    {"", "-", "-", "h", 80, "/", "-", 0, NULL},
    {"1x", "-", "-", "h", 80, "/", "-", 0, NULL},
    /* a fragment stays one */
    {"http", "-", "-", "h", 80, "/a#b", "#c#d", ESCAPE, "http://h/a%23b#c%23d"},
};

TEST(create_cases) {
  for (size_t i = 0; i < sizeof create_rows / sizeof *create_rows; i++) {
    const struct create_row *row = &create_rows[i];
    struct hn_url_parts parts = parts_of(row);
    struct hn_buf out;
    char label[32];
    snprintf(label, sizeof label, "row %d", (int)i);
    test_label(row->url ? row->url : label);
    buf_init(&out, HN_MAX_URL);
    buf_append_text(&out, "<");
    CHECK_INT(url_create(&parts, row->flags, &out),
              row->url ? 0 : HN_ERR_INVALID_PARAMETER);
    CHECK_TEXT(slice_sub(buf_peek(&out), 0, 1), "<");
    CHECK_TEXT(slice_from(buf_peek(&out), 1), row->url ? row->url : "");
    buf_fini(&out);
  }
}

/* The lengths that WinHTTP reports for its own cases. */
TEST(create_lengths) {
  static const struct {
    size_t row, length;
  } rows[] = {{0, 56}, {1, 56}, {3, 48},  {6, 38},
              {7, 40}, {9, 59}, {10, 58}, {11, 113}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    CHECK_INT(strlen(create_rows[rows[i].row].url), rows[i].length);
  }
}

TEST(create_refuses_nul) {
  struct hn_url_parts parts = {0};
  struct hn_buf out;
  buf_init(&out, 100);
  parts.host = slice_of("h");
  parts.port = -1;
  parts.path = BYTES("/a\0b");
  CHECK_INT(url_create(&parts, 0, &out), HN_ERR_INVALID_PARAMETER);
  CHECK_INT(url_create(&parts, ESCAPE, &out), 0);
  CHECK_TEXT(buf_peek(&out), "http://h/a%00b");
  buf_clear(&out);
  parts.path = slice_of("");
  parts.extra = BYTES("\0");
  CHECK_INT(url_create(&parts, 0, &out), HN_ERR_INVALID_PARAMETER);
  CHECK_INT(url_create(&parts, ESCAPE, &out), 0);
  CHECK_TEXT(buf_peek(&out), "http://h/%00");
  buf_clear(&out);
  parts.user = BYTES("a\0");
  CHECK_INT(url_create(&parts, 0, &out), HN_ERR_INVALID_PARAMETER);
  buf_fini(&out);
}

/* What cracking gives, creating gives back. */
TEST(create_after_crack) {
  for (size_t i = 0; i < sizeof crack_rows / sizeof *crack_rows; i++) {
    const struct crack_row *row = &crack_rows[i];
    struct hn_url_parts parts, again;
    struct hn_buf out;
    test_label(row->url);
    buf_init(&out, HN_MAX_URL);
    CHECK_INT(url_crack(slice_of(row->url), 0, scratch, 100, &parts),
              row->flags == DECODE && strstr(row->url, "e%78") != NULL
                  ? HN_ERR_INVALID_URL
                  : 0);
    if (strstr(row->url, "e%78") != NULL) continue;
    CHECK_INT(url_create(&parts, 0, &out), 0);
    CHECK_INT(crack(buf_peek(&out), 0, &again), 0);
    CHECK(slice_equal(parts.user, again.user));
    CHECK(slice_equal(parts.password, again.password));
    CHECK(slice_equal(parts.host, again.host));
    CHECK_INT(parts.port, again.port);
    CHECK(slice_equal(parts.path, again.path));
    CHECK(slice_equal(parts.extra, again.extra));
    buf_fini(&out);
  }
}

/* A cap that is too low by so many bytes leaves the buffer as it was. */
TEST(create_cap) {
  struct hn_url_parts parts = parts_of(&create_rows[0]);
  for (size_t cap = 0; cap <= strlen(BASE); cap++) {
    struct hn_buf out;
    bool fits = cap == strlen(BASE);
    buf_init(&out, cap);
    CHECK_INT(url_create(&parts, 0, &out),
              fits ? 0 : HN_ERR_INSUFFICIENT_BUFFER);
    CHECK_INT(buf_size(&out), fits ? cap : 0);
    buf_fini(&out);
  }
}

static bool create_once(void *ctx) {
  struct hn_url_parts parts = parts_of(ctx);
  struct hn_buf out;
  int err;
  buf_init(&out, HN_MAX_URL);
  err = url_create(&parts, ESCAPE, &out);
  CHECK(err == 0 || err == HN_ERR_NOT_ENOUGH_MEMORY);
  if (err) CHECK_INT(buf_size(&out), 0);
  buf_fini(&out);
  return err == 0;
}

TEST(create_memory) {
  struct create_row row = create_rows[11];
  test_each_failure(create_once, &row);
}

TEST(default_ports) {
  CHECK_INT(url_default_port(slice_of("http")), 80);
  CHECK_INT(url_default_port(slice_of("HTTPS")), 443);
  CHECK_INT(url_default_port(slice_of("ws")), 80);
  CHECK_INT(url_default_port(slice_of("Wss")), 443);
  CHECK_INT(url_default_port(slice_of("ftp")), 0);
  CHECK_INT(url_default_port(slice_of("")), 0);
  CHECK_INT(url_default_port(slice_of("http:")), 0);
  CHECK_INT(url_default_port(slice_of(NULL)), 0);
}

TEST(schemes) {
  CHECK_TEXT(slice_of(url_request_scheme(false)->name), "http");
  CHECK_TEXT(slice_of(url_request_scheme(true)->name), "https");
  CHECK(url_find_scheme(slice_of("wss"))->is_secure);
  CHECK(!url_find_scheme(slice_of("ws"))->is_secure);
  CHECK(!url_find_scheme(slice_of("WSS"))->is_http);
  CHECK(url_find_scheme(slice_of("HTTPS"))->is_http);
}

TEST_MAIN(ROW(crack_cases), ROW(crack_refuses), ROW(crack_refuses_nul),
          ROW(crack_arguments), ROW(crack_prefixes), ROW(crack_scratch),
          ROW(create_cases), ROW(create_lengths), ROW(create_refuses_nul),
          ROW(create_after_crack), ROW(create_cap), ROW(create_memory),
          ROW(default_ports), ROW(schemes))
