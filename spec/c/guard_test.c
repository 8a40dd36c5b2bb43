#include "test.h"

#include "../../csrc/net/guard.h"

enum {
  BOTH = HN_ALLOW_HTTP | HN_ALLOW_HTTPS,
  LOCAL = HN_ALLOW_LOOPBACK | HN_ALLOW_PRIVATE | HN_ALLOW_LINK_LOCAL
};

static struct hn_guard *make(unsigned allow, const char *const *hosts) {
  struct hn_guard *g = NULL;
  struct hn_policy p = {.size = sizeof p, .allow = allow, .hosts = hosts};
  CHECK_INT(guard_new(&p, &g), 0);
  return g;
}

struct host_row {
  const char *rule, *host;
  unsigned port;
  bool secure;
  bool listed;
};

static const struct host_row host_rows[] = {
    {"example.org", "example.org", 443, true, true},
    {"example.org", "example.org", 80, false, true},
    {"example.org", "EXAMPLE.Org", 443, true, true},
    {"Example.ORG", "example.org", 443, true, true},
    {"example.org", "example.org.", 443, true, true},
    {"example.org.", "example.org", 443, true, true},
    {"example.org", "example.org..", 443, true, false},
    {"example.org", "www.example.org", 443, true, false},
    {"example.org", "badexample.org", 443, true, false},
    {"example.org", "example.org.evil.net", 443, true, false},
    {"example.org", "example.or", 443, true, false},
    {"example.org", "", 443, true, false},
    {"*.example.org", "www.example.org", 443, true, true},
    {"*.example.org", "WWW.example.ORG.", 443, true, true},
    {"*.example.org", "a.b.example.org", 443, true, true},
    {"*.example.org", "example.org", 443, true, false},
    {"*.example.org", ".example.org", 443, true, false},
    {"*.example.org", "badexample.org", 443, true, false},
    {"*", "anything", 1, false, true},
    {"*", "10.0.0.1", 1, false, true},
    {"*", "::1", 1, false, true},
    {"*:443", "anything", 443, true, true},
    {"*:443", "anything", 444, true, false},
    {"example.org:443", "example.org", 443, true, true},
    {"example.org:443", "example.org", 80, false, false},
    {"example.org:8000-8100", "example.org", 8000, false, true},
    {"example.org:8000-8100", "example.org", 8100, true, true},
    {"example.org:8000-8100", "example.org", 7999, true, false},
    {"example.org:8000-8100", "example.org", 8101, true, false},
    {"https://example.org", "example.org", 443, true, true},
    {"https://example.org", "example.org", 443, false, false},
    {"HTTP://example.org:80", "example.org", 80, false, true},
    {"http://example.org:80", "example.org", 80, true, false},
    {"https://*.example.org", "a.example.org", 1, true, true},
    {"10.1.2.3", "10.1.2.3", 80, false, true},
    {"10.1.2.3", "::ffff:10.1.2.3", 80, false, true},
    {"10.1.2.3", "10.1.2.4", 80, false, false},
    {"::ffff:10.1.2.3", "10.1.2.3", 80, false, true},
    {"10.1.2.3", "10.66051", 80, false, false},
    {"10.1.2.3", "0xa.1.2.3", 80, false, false},
    {"10.1.2.3:8080", "10.1.2.3", 8080, false, true},
    {"10.1.2.3:8080", "10.1.2.3", 80, false, false},
    {"10.0.0.0/8", "10.255.0.1", 80, false, true},
    {"10.0.0.0/8", "11.0.0.1", 80, false, false},
    {"10.0.0.0/8:80", "10.255.0.1", 81, false, false},
    {"0.0.0.0/0", "1.2.3.4", 80, false, true},
    {"0.0.0.0/0", "::1", 80, false, false},
    {"::/0", "::1", 80, false, true},
    {"::1", "::1", 80, false, true},
    {"[::1]", "::1", 80, false, true},
    {"[::1]:8080", "::1", 8080, false, true},
    {"[::1]:8080", "::1", 80, false, false},
    {"2001:db8::/32", "2001:db8:1::1", 80, false, true},
    {"[2001:db8::/32]:443", "2001:db8:1::1", 443, true, true},
    {"[2001:db8::/32]:443", "2001:db8:1::1", 80, true, false},
    {"2001:db8::/33", "2001:db8:8000::1", 80, false, false},
    /* A network is of hosts written as addresses, a name of names. */
    {"10.0.0.0/8", "example.org", 80, false, false},
    {"*.one", "127.0.0.1", 80, false, false},
    {"a-b_c.example", "A-B_C.example", 80, false, true},
    {"0xg", "0xg", 80, false, true},
    {"1a.b2", "1a.b2", 80, false, true},
    {"10.1.2.3/0", "8.8.8.8", 80, false, true}};

TEST(hosts) {
  for (size_t i = 0; i < sizeof host_rows / sizeof *host_rows; i++) {
    const struct host_row *row = &host_rows[i];
    const char *const list[] = {"other.example", row->rule, NULL};
    const char *why = NULL;
    char label[100];
    snprintf(label, sizeof label, "%s in %s", row->host, row->rule);
    test_label(label);
    struct hn_guard *g = make(BOTH, list);
    int rc = guard_check_host(g, test_guarded(0, slice_of(row->host)),
                              row->port, row->secure, &why);
    CHECK_INT(rc, row->listed ? 0 : HN_ERR_ACCESS_DENIED);
    CHECK_INT(why == NULL, row->listed);
    guard_free(g);
  }
}

TEST(schemes) {
  const char *why;
  static const unsigned allowed[] = {0, HN_ALLOW_HTTP, HN_ALLOW_HTTPS, BOTH};
  for (unsigned i = 0; i < 4; i++) {
    struct hn_guard *g = make(allowed[i], NULL);
    CHECK_INT(guard_check_host(g, slice_of("a"), 80, false, &why) == 0,
              (allowed[i] & HN_ALLOW_HTTP) != 0);
    CHECK_INT(guard_check_host(g, slice_of("a"), 80, true, &why) == 0,
              (allowed[i] & HN_ALLOW_HTTPS) != 0);
    guard_free(g);
  }
}

TEST(an_empty_list_has_no_host) {
  const char *const none[] = {NULL};
  const char *why = NULL;
  struct hn_guard *g = make(BOTH, none);
  CHECK_INT(guard_check_host(g, slice_of("a"), 80, false, &why),
            HN_ERR_ACCESS_DENIED);
  CHECK_TEXT(slice_of(why), "access denied: host or port is not in the list "
                            "(host policy)");
  guard_free(g);
}

struct address_row {
  const char *address;
  unsigned needs; /* bit of its class; 0: global; UINT_MAX: there is none */
};

static const struct address_row address_rows[] = {
    {"8.8.8.8", 0},
    {"2001:4860:4860::8888", 0},
    {"127.0.0.1", HN_ALLOW_LOOPBACK},
    {"::1", HN_ALLOW_LOOPBACK},
    {"::ffff:127.0.0.1", HN_ALLOW_LOOPBACK},
    {"64:ff9b::127.0.0.1", HN_ALLOW_LOOPBACK},
    {"192.168.0.1", HN_ALLOW_PRIVATE},
    {"100.64.0.1", HN_ALLOW_PRIVATE},
    {"fd00::1", HN_ALLOW_PRIVATE},
    {"2002:a00:1::", HN_ALLOW_PRIVATE},
    {"169.254.169.254", HN_ALLOW_LINK_LOCAL},
    {"fe80::1%lo", HN_ALLOW_LINK_LOCAL},
    {"0.0.0.0", UINT32_MAX},
    {"::", UINT32_MAX},
    {"224.0.0.1", UINT32_MAX},
    {"255.255.255.255", UINT32_MAX},
    {"2001:db8::1", UINT32_MAX}};

TEST(addresses) {
  static const unsigned sets[] = {0, HN_ALLOW_LOOPBACK, HN_ALLOW_PRIVATE,
                                  HN_ALLOW_LINK_LOCAL, LOCAL};
  for (size_t i = 0; i < sizeof address_rows / sizeof *address_rows; i++) {
    const struct address_row *row = &address_rows[i];
    struct hn_address a;
    test_label(row->address);
    CHECK(address_parse(slice_of(row->address), 80, &a));
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
      char why[HN_GUARD_TEXT] = "";
      struct hn_guard *g = make(BOTH | sets[k], NULL);
      bool ok = (row->needs & sets[k]) == row->needs;
      CHECK_INT(guard_check_address(g, &a, false, why),
                ok ? 0 : HN_ERR_ACCESS_DENIED);
      CHECK_INT(why[0] == '\0', ok);
      guard_free(g);
    }
  }
}

TEST(an_address_in_the_list_may_be_of_any_kind) {
  const char *const list[] = {"*", "10.1.0.0/16:8080", "https://[::1]", NULL};
  static const struct {
    const char *address;
    unsigned port;
    bool secure, ok;
  } rows[] = {
      {"10.1.2.3", 8080, false, true},  {"10.1.2.3", 80, false, false},
      {"10.2.0.1", 8080, false, false}, {"::ffff:10.1.2.3", 8080, false, true},
      {"::1", 1, true, true},           {"::1", 1, false, false},
      {"127.0.0.1", 1, true, false}};
  char why[HN_GUARD_TEXT];
  struct hn_guard *g = make(BOTH, list);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_address a;
    test_label(rows[i].address);
    CHECK(address_parse(slice_of(rows[i].address), rows[i].port, &a));
    CHECK_INT(guard_check_address(g, &a, rows[i].secure, why) == 0, rows[i].ok);
  }
  guard_free(g);
}

TEST(filter) {
  struct hn_addresses all;
  char why[HN_GUARD_TEXT] = "";
  struct hn_guard *g = make(BOTH, NULL);
  CHECK(address_parse_list(
      slice_of("127.0.0.1, 8.8.8.8, 10.0.0.1, 2001:4860::1, ::1"), &all));
  CHECK_INT(guard_filter(g, &all, false, why), 0);
  CHECK_INT(all.count, 2);
  CHECK_INT(all.list[0].u.any.sa_family, AF_INET);
  CHECK_INT(all.list[1].u.any.sa_family, AF_INET6);
  CHECK(address_parse_list(slice_of("10.0.0.1, ::ffff:127.0.0.1"), &all));
  CHECK_INT(guard_filter(g, &all, false, why), HN_ERR_ACCESS_DENIED);
  CHECK_TEXT(slice_of(why), "access denied: ::ffff:127.0.0.1 is a loopback "
                            "address (host policy)");
  guard_free(g);
  CHECK(address_parse_list(slice_of("10.0.0.1, ::1"), &all));
  CHECK_INT(guard_filter(NULL, &all, false, why), 0);
  CHECK_INT(all.count, 2);
}

TEST(given_addresses) {
  const char *const list[] = {"10.1.2.3", "example.org", NULL};
  const char *const any[] = {"*:80", NULL};
  struct hn_address in, out;
  const char *why = NULL;
  CHECK(address_parse(slice_of("::ffff:10.1.2.3"), 0, &in));
  CHECK(address_parse(slice_of("8.8.8.8"), 0, &out));
  struct hn_guard *g = make(BOTH, list);
  CHECK_INT(guard_check_given(g, &in, 80, false, &why), 0);
  CHECK_INT(guard_check_given(g, &out, 80, false, &why), HN_ERR_ACCESS_DENIED);
  guard_free(g);
  g = make(BOTH, any);
  CHECK_INT(guard_check_given(g, &out, 80, false, &why), 0);
  CHECK_INT(guard_check_given(g, &out, 81, false, &why), HN_ERR_ACCESS_DENIED);
  guard_free(g);
  g = make(BOTH, NULL);
  CHECK_INT(guard_check_given(g, &out, 81, false, &why), 0);
  guard_free(g);
}

TEST(hosts_that_cannot_be_read) {
  static const char *const wrong[] = {
      "", ".", ":80", "*:", "example.org:", "example.org:0",
      "example.org:65536", "example.org:9-8", "example.org:a",
      "example.org:80-", "*example.org", "*.", "a*.org", "www.*.org",
      "exa mple.org", "example.org/path", "ftp://example.org", "https://",
      "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "::/129", "[::1", "[::1]80",
      "[]", "fe80::1%lo", "user@example.org", "a:b:c",
      /* Brackets are for IPv6 alone. */
      "[x]", "[example.org]:443", "[1.2.3.4]", "[1.2.3.4/8]", "[*]",
      /* Names that no URL can have, or with an empty label. */
      "x..y.", "x..y", "x..", "..", "*..x", "*.x..", ".x", "*.*", "**", "a,b",
      "a$b", "a%b", "a\tb", "\xc3\xa4.example", "a/24",
      "label-of-64-bytes-label-of-64-bytes-label-of-64-bytes-label-of-6x.org",
      /* Numbers that can be read in two ways. */
      "1.2.3.4/032", "1.2.3.4/00", "::/08", "example.org:0443",
      "example.org:080-90", "example.org:80-090", "1.2.3.4/+8", "1.2.3.4/-1",
      "127.1", "1.2.3", "1.2.3.256", "1.2.3.4.5", "01.2.3.4", "0x7f.1",
      "0x7f000001", "2130706433", "*.1", "x.1.", "x.0x", "a.0xF",
      "1.2.3.4/18446744073709551617"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const char *const list[] = {"example.org", wrong[i], NULL};
    struct hn_guard *g = NULL;
    struct hn_policy p = {.size = sizeof p, .allow = BOTH, .hosts = list};
    test_label(wrong[i]);
    CHECK_INT(guard_new(&p, &g), HN_ERR_INVALID_PARAMETER);
    CHECK(g == NULL);
  }
}

TEST(sizes_and_bits) {
  struct hn_guard *g = NULL;
  struct hn_policy p = {.size = 0};
  CHECK_INT(guard_new(&p, &g), HN_ERR_INVALID_PARAMETER);
  p.size = sizeof p + 1;
  CHECK_INT(guard_new(&p, &g), HN_ERR_INVALID_PARAMETER);
  for (size_t n = 0; n < sizeof p + 9; n++) {
    bool ends_a_field = n == offsetof(struct hn_policy, hosts) ||
                        (n > offsetof(struct hn_policy, hosts) &&
                         n <= sizeof p && n % sizeof(uint64_t) == 0);
    char label[32];
    snprintf(label, sizeof label, "size %zu", n);
    test_label(label);
    p.size = n;
    CHECK_INT(guard_new(&p, &g), ends_a_field ? 0 : HN_ERR_INVALID_PARAMETER);
    if (ends_a_field) guard_free(g);
  }
  p.size = SIZE_MAX;
  CHECK_INT(guard_new(&p, &g), HN_ERR_INVALID_PARAMETER);
  test_label("bits");
  p.size = sizeof p;
  p.allow = 0x400;
  CHECK_INT(guard_new(&p, &g), HN_ERR_INVALID_PARAMETER);
  p.allow = UINT32_MAX;
  CHECK_INT(guard_new(&p, &g), HN_ERR_INVALID_PARAMETER);
  /* A caller built before there were limits. */
  p.allow = BOTH;
  p.max_handles = 1;
  p.size = offsetof(struct hn_policy, max_handles);
  CHECK_INT(guard_new(&p, &g), 0);
  CHECK(g->max_handles == SIZE_MAX && g->max_response_body == UINT64_MAX);
  guard_free(g);
}

TEST(an_empty_ca_file_is_none) {
  struct hn_guard *g = NULL;
  struct hn_policy p = {.size = sizeof p, .allow = BOTH, .ca_file = ""};
  CHECK_INT(guard_new(&p, &g), HN_ERR_INVALID_PARAMETER);
}

TEST(a_zeroed_policy_allows_nothing) {
  struct hn_guard *g = make(0, NULL);
  const char *why;
  CHECK_INT(guard_check_host(g, slice_of("a"), 443, true, &why),
            HN_ERR_ACCESS_DENIED);
  for (unsigned bit = 1; bit < 0x400; bit <<= 1)
    CHECK(!guard_allows(g, (enum hn_allow)bit));
  CHECK(guard_allows(NULL, HN_ALLOW_FILES));
  guard_free(g);
}

static bool make_whole(void *ctx) {
  const char *const list[] = {"a.example", "*.b.example", "10.0.0.0/8", NULL};
  struct hn_policy p = {.size = sizeof p, .hosts = list, .ca_file = "ca.pem"};
  struct hn_guard *g = NULL;
  (void)ctx;
  int rc = guard_new(&p, &g);
  if (rc) CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
  guard_free(g);
  return rc == 0;
}

TEST(every_failing_allocation) {
  test_each_failure(make_whole, NULL);
}

TEST_MAIN(ROW(hosts), ROW(schemes), ROW(an_empty_list_has_no_host),
          ROW(addresses), ROW(an_address_in_the_list_may_be_of_any_kind),
          ROW(filter), ROW(given_addresses), ROW(hosts_that_cannot_be_read),
          ROW(sizes_and_bits), ROW(an_empty_ca_file_is_none),
          ROW(a_zeroed_policy_allows_nothing), ROW(every_failing_allocation))
