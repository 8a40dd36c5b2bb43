/*
 * follow_test.c: what a response head means for the next request.
 */
#include "test.h"

#include "../../csrc/proto/follow.h"

/* A redirect that is followed; each row of a table says what is different. */
static const struct hn_follow_facts usual = {
    .status = 302,
    .location = {"/x", 2},
    .is_usable = true,
    .method = {"GET", 3},
    .has_body = true,
    .policy = HN_REDIRECT_DISALLOW_HTTPS_TO_HTTP,
    .max_hops = 10,
};

TEST(redirects_are_five) {
  for (int status = 100; status < 600; status++) {
    struct hn_follow_facts f = usual;
    bool is_one = status == 301 || status == 302 || status == 303 ||
                  status == 307 || status == 308;
    f.status = status;
    CHECK_INT(follow_asks(status), is_one);
    CHECK_INT(follow_leads_away(&f), is_one);
    CHECK_INT(follow_decide(&f),
              is_one ? HN_FOLLOW_REDIRECT : HN_FOLLOW_DELIVER);
  }
}

TEST(what_nobody_wants_or_says_is_delivered) {
  struct hn_follow_facts f[4] = {usual, usual, usual, usual};
  f[0].is_off = true;
  f[1].policy = HN_REDIRECT_NEVER;
  f[2].location = slice_make(NULL, 0);
  f[3].location = slice_of("");
  for (size_t i = 0; i < sizeof f / sizeof *f; i++) {
    CHECK(!follow_leads_away(&f[i]));
    CHECK_INT(follow_decide(&f[i]), HN_FOLLOW_DELIVER);
    f[i].is_usable = false; /* nor is it judged */
    f[i].hops = 10;
    CHECK_INT(follow_decide(&f[i]), HN_FOLLOW_DELIVER);
  }
}

TEST(a_fragment_alone_is_followed_once) {
  struct hn_follow_facts f = usual;
  f.location = slice_of("#a");
  CHECK_INT(follow_decide(&f), HN_FOLLOW_REDIRECT);
  f.by_fragment = true;
  CHECK_INT(follow_decide(&f), HN_FOLLOW_DELIVER);
  f.location = slice_of("/#a");
  CHECK_INT(follow_decide(&f), HN_FOLLOW_REDIRECT);
}

/* The first thing that is wrong is the one that is said. */
TEST(a_redirect_is_refused_in_order) {
  static const enum hn_follow order[] = {
      HN_FOLLOW_TORN,     HN_FOLLOW_UNUSABLE,  HN_FOLLOW_USERPWD,
      HN_FOLLOW_TOO_MANY, HN_FOLLOW_DOWNGRADE, HN_FOLLOW_NEED_BODY,
      HN_FOLLOW_REDIRECT,
  };
  struct hn_follow_facts f = usual;
  f.is_torn = f.has_userpwd = f.no_userpwd = f.from_secure = true;
  f.is_usable = f.has_body = false;
  f.hops = 10;
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    CHECK_INT(follow_decide(&f), order[i]);
    switch (order[i]) {
    case HN_FOLLOW_TORN: f.is_torn = false; break;
    case HN_FOLLOW_UNUSABLE: f.is_usable = true; break;
    case HN_FOLLOW_USERPWD: f.no_userpwd = false; break;
    case HN_FOLLOW_TOO_MANY: f.hops = 9; break;
    case HN_FOLLOW_DOWNGRADE: f.to_secure = true; break;
    default: f.has_body = true; break;
    }
  }
}

/* Two Locations are told of even when the first says nothing. */
TEST(what_is_torn_is_refused_whatever_it_says) {
  static const char *const first[] = {"", "#a", "/x"};
  for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
    struct hn_follow_facts f = usual;
    f.location = slice_of(first[i]);
    f.by_fragment = f.is_torn = true;
    CHECK(follow_leads_away(&f));
    CHECK_INT(follow_decide(&f), HN_FOLLOW_TORN);
  }
}

TEST(a_hop_is_judged_by_number_and_by_scheme) {
  static const struct {
    int64_t policy, hops, max_hops;
    bool from_secure, to_secure;
    enum hn_follow is;
  } rows[] = {
      {HN_REDIRECT_DISALLOW_HTTPS_TO_HTTP, 9, 10, true, true,
       HN_FOLLOW_REDIRECT},
      {HN_REDIRECT_DISALLOW_HTTPS_TO_HTTP, 10, 10, true, true,
       HN_FOLLOW_TOO_MANY},
      {HN_REDIRECT_DISALLOW_HTTPS_TO_HTTP, 0, 0, false, false,
       HN_FOLLOW_TOO_MANY},
      {HN_REDIRECT_DISALLOW_HTTPS_TO_HTTP, 0, 10, false, true,
       HN_FOLLOW_REDIRECT},
      {HN_REDIRECT_DISALLOW_HTTPS_TO_HTTP, 0, 10, true, false,
       HN_FOLLOW_DOWNGRADE},
      {HN_REDIRECT_ALWAYS, 0, 10, true, false, HN_FOLLOW_REDIRECT},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_follow_facts f = usual;
    f.policy = rows[i].policy;
    f.hops = rows[i].hops;
    f.max_hops = rows[i].max_hops;
    f.from_secure = rows[i].from_secure;
    f.to_secure = rows[i].to_secure;
    CHECK_INT(follow_decide(&f), rows[i].is);
  }
}

TEST(credentials_in_a_url_are_left_out_or_refused) {
  for (int i = 0; i < 4; i++) {
    struct hn_follow_facts f = usual;
    f.has_userpwd = i & 1;
    f.no_userpwd = i & 2;
    CHECK_INT(follow_decide(&f),
              i == 3 ? HN_FOLLOW_USERPWD : HN_FOLLOW_REDIRECT);
  }
}

TEST(a_body_is_needed_again_by_a_method_that_stays) {
  static const struct {
    int status;
    const char *method;
    enum hn_follow is;
  } rows[] = {
      {301, "POST", HN_FOLLOW_REDIRECT}, {302, "PUT", HN_FOLLOW_NEED_BODY},
      {303, "PUT", HN_FOLLOW_REDIRECT},  {307, "POST", HN_FOLLOW_NEED_BODY},
      {308, "PUT", HN_FOLLOW_NEED_BODY},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_follow_facts f = usual;
    f.status = rows[i].status;
    f.method = slice_of(rows[i].method);
    f.has_body = false;
    CHECK_INT(follow_decide(&f), rows[i].is);
    f.has_body = true;
    CHECK_INT(follow_decide(&f), HN_FOLLOW_REDIRECT);
  }
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

TEST_MAIN(ROW(redirects_are_five), ROW(what_nobody_wants_or_says_is_delivered),
          ROW(a_fragment_alone_is_followed_once),
          ROW(a_redirect_is_refused_in_order),
          ROW(what_is_torn_is_refused_whatever_it_says),
          ROW(a_hop_is_judged_by_number_and_by_scheme),
          ROW(credentials_in_a_url_are_left_out_or_refused),
          ROW(a_body_is_needed_again_by_a_method_that_stays),
          ROW(the_method_changes_as_in_browsers),
          ROW(fields_stay_behind_by_what_they_say))
