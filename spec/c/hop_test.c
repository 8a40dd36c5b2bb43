/*
 * hop_test.c: what a hop is made of, and that it is paid for and given back.
 */
#include "test.h"

#include "../../csrc/handles/hop.h"

static struct hn_env env;

static bool fill(struct hn_hop *h, const char *method, const char *path,
                 const char *fragment) {
  h->method_size = strlen(method);
  h->path_size = strlen(path);
  return target_init(&env, &h->target, slice_of("one.test"), 8080, false) ==
             0 &&
         buf_append_text(&h->text, method) == 0 &&
         buf_append_text(&h->text, path) == 0 &&
         buf_append_text(&h->text, fragment) == 0 &&
         headers_append(&h->fields, slice_of("A"), slice_of("b")) == 0;
}

TEST(its_text_is_method_path_and_fragment) {
  static const struct {
    const char *method, *path, *fragment, *url;
  } rows[] = {
      {"GET", "/", "", "http://one.test:8080/"},
      {"M", "/a?b", "#c", "http://one.test:8080/a?b"},
      {"OPTIONS", "*", "", "http://one.test:8080"},
      {"GET", "/a", "#", "http://one.test:8080/a"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_buf url;
    struct hn_hop *h = hop_new((int64_t)i, &env.account);
    test_label(rows[i].url);
    buf_init(&url, 1000);
    if (!CHECK(h) ||
        !CHECK(fill(h, rows[i].method, rows[i].path, rows[i].fragment)))
      return;
    CHECK_INT(h->count, i);
    CHECK(!h->wants_body && !h->by_fragment);
    CHECK_TEXT(hop_method(h), rows[i].method);
    CHECK_TEXT(hop_path(h), rows[i].path);
    CHECK_TEXT(hop_fragment(h), rows[i].fragment);
    CHECK_INT(hop_append_url(h, &url), 0);
    CHECK_TEXT(buf_peek(&url), rows[i].url);
    buf_fini(&url);
    hop_free(h);
  }
  hop_free(NULL);
}

TEST(its_text_and_fields_are_on_the_account) {
  struct hn_hop *h = hop_new(1, &env.account);
  CHECK_INT(env.account.used, 0);
  CHECK(h && fill(h, "GET", "/", ""));
  CHECK(env.account.used > 0);
  hop_free(h);
  CHECK_INT(env.account.used, 0);
  env.account.limit = 1;
  h = hop_new(1, &env.account);
  CHECK(h && !fill(h, "GET", "/", ""));
  hop_free(h);
  CHECK_INT(env.account.used, 0);
  env.account.limit = 0;
}

static bool make(void *ctx) {
  struct hn_hop *h = hop_new(1, ctx);
  bool ok = h && fill(h, "GET", "/", "#x");
  hop_free(h);
  CHECK_INT(env.account.used, 0);
  return ok;
}

TEST(without_memory_nothing_is_left) {
  test_each_failure(make, &env.account);
}

TEST_MAIN(ROW(its_text_is_method_path_and_fragment),
          ROW(its_text_and_fields_are_on_the_account),
          ROW(without_memory_nothing_is_left))
