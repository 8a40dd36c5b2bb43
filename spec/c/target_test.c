#include "test.h"

#include "../../csrc/handles/target.h"

static void make(struct hn_target *t, const char *host, unsigned port,
                 bool secure) {
  static const struct hn_env env;
  CHECK_INT(target_init(&env, t, slice_of(host), port, secure), 0);
}

/* RFC 6454 4: scheme, host and port, each of them. */
TEST(an_origin_is_three_things) {
  static const struct {
    const char *host;
    unsigned port;
    bool secure, same;
  } rows[] = {
      {"example.org", 443, true, true},   {"EXAMPLE.org", 0, true, true},
      {"example.org", 443, false, false}, {"example.org", 80, true, false},
      {"example.com", 443, true, false},  {"example.or", 443, true, false},
  };
  struct hn_target a, b;
  make(&a, "example.org", 0, true);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_label(rows[i].host);
    make(&b, rows[i].host, rows[i].port, rows[i].secure);
    CHECK_INT(target_is_same_origin(&a, &b), rows[i].same);
    CHECK_INT(target_is_same_origin(&b, &a), rows[i].same);
    /* The hash only saves the comparison. */
    b.hash = a.hash;
    CHECK_INT(target_is_same_origin(&a, &b), rows[i].same);
    target_fini(&b);
  }
  target_fini(&a);
}

TEST(the_host_field_leaves_out_the_usual_port_alone) {
  static const struct {
    const char *host;
    unsigned port;
    bool secure;
    const char *line, *authority, *url;
  } rows[] = {
      {"a", 0, false, "Host: a\r\n", "a:80", "http://a/x"},
      {"a", 80, false, "Host: a\r\n", "a:80", "http://a/x"},
      {"a", 80, true, "Host: a:80\r\n", "a:80", "https://a:80/x"},
      {"a", 443, true, "Host: a\r\n", "a:443", "https://a/x"},
      {"a", 443, false, "Host: a:443\r\n", "a:443", "http://a:443/x"},
      {"a", 65535, false, "Host: a:65535\r\n", "a:65535", "http://a:65535/x"},
      {"::1", 0, true, "Host: [::1]\r\n", "[::1]:443", "https://[::1]/x"},
      {"::1", 1, true, "Host: [::1]:1\r\n", "[::1]:1", "https://[::1]:1/x"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_target t;
    struct hn_buf url;
    test_label(rows[i].url);
    buf_init(&url, 1000);
    make(&t, rows[i].host, rows[i].port, rows[i].secure);
    CHECK_TEXT(t.host_line, rows[i].line);
    CHECK_TEXT(slice_of(t.authority), rows[i].authority);
    CHECK_INT(target_append_url(&t, slice_of("/x"), &url), 0);
    CHECK_TEXT(buf_peek(&url), rows[i].url);
    buf_fini(&url);
    target_fini(&t);
  }
}

TEST_MAIN(ROW(an_origin_is_three_things),
          ROW(the_host_field_leaves_out_the_usual_port_alone))
