/*
 * follow_test.c: what a response head means for the next request.
 */
#include "test.h"

#include "../../csrc/proto/follow.h"

TEST(redirects_are_five) {
  for (int status = 100; status < 600; status++) {
    bool is_one = status == 301 || status == 302 || status == 303 ||
                  status == 307 || status == 308;
    CHECK(follow_is_redirect(status, HN_REDIRECT_ALWAYS) == is_one);
    CHECK(!follow_is_redirect(status, HN_REDIRECT_NEVER));
  }
}

TEST(a_hop_is_judged_by_number_and_by_scheme) {
  const int64_t usual = HN_REDIRECT_DISALLOW_HTTPS_TO_HTTP;
  CHECK_INT(follow_judge(usual, 9, 10, true, true), HN_FOLLOW_REDIRECT);
  CHECK_INT(follow_judge(usual, 10, 10, true, true), HN_FOLLOW_TOO_MANY);
  CHECK_INT(follow_judge(usual, 0, 0, false, false), HN_FOLLOW_TOO_MANY);
  CHECK_INT(follow_judge(usual, 0, 10, false, true), HN_FOLLOW_REDIRECT);
  CHECK_INT(follow_judge(usual, 0, 10, true, false), HN_FOLLOW_DOWNGRADE);
  CHECK_INT(follow_judge(HN_REDIRECT_ALWAYS, 0, 10, true, false),
            HN_FOLLOW_REDIRECT);
}

TEST(the_method_changes_as_in_browsers) {
  static const struct {
    int status;
    const char *from, *to;
  } rows[] = {
      {301, "POST", "GET"},  {301, "PUT", "PUT"},       {301, "HEAD", "HEAD"},
      {302, "POST", "GET"},  {302, "DELETE", "DELETE"}, {303, "POST", "GET"},
      {303, "PUT", "GET"},   {303, "HEAD", "HEAD"},     {307, "POST", "POST"},
      {308, "POST", "POST"}, {308, "PUT", "PUT"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    CHECK_TEXT(follow_method(rows[i].status, slice_of(rows[i].from)),
               rows[i].to);
}

TEST(fields_stay_behind_by_what_they_say) {
  static const char *const content[] = {
      "content-length",   "Transfer-Encoding",
      "Content-Type",     "Content-Encoding",
      "Content-Language", "Content-Location",
      "Content-MD5",      "Digest",
      "Last-Modified",    "Expect",
      "Trailer",
  };
  static const char *const secret[] = {"authorization", "COOKIE",
                                       "Proxy-Authorization"};
  for (size_t i = 0; i < sizeof content / sizeof *content; i++) {
    test_label(content[i]);
    CHECK(follow_is_content_field(slice_of(content[i])));
    CHECK(!follow_is_credential(slice_of(content[i])));
  }
  for (size_t i = 0; i < sizeof secret / sizeof *secret; i++) {
    test_label(secret[i]);
    CHECK(follow_is_credential(slice_of(secret[i])));
    CHECK(!follow_is_content_field(slice_of(secret[i])));
  }
  CHECK(!follow_is_content_field(slice_of("Accept")));
  CHECK(!follow_is_credential(slice_of("Accept")));
}

TEST_MAIN(ROW(redirects_are_five), ROW(a_hop_is_judged_by_number_and_by_scheme),
          ROW(the_method_changes_as_in_browsers),
          ROW(fields_stay_behind_by_what_they_say))
