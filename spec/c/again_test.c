/*
 * again_test.c: what is done after a response head: which hop is made, what it
 * carries, what is said instead.
 */
#include "request_fixture.h"

#include "../../csrc/handles/again.h"
#include "../../csrc/handles/prepare.h"

enum {
  DENIED = HN_ERR_REDIRECT_FAILED,
  AGAIN = HN_ERR_RESEND_REQUEST,
  BAD_URL = HN_ERR_INVALID_URL,
};

/* As if the request had been sent, with a body of which so much was given, and
 * this were its answer. */
static void answer(struct bed *b, uint64_t total, int status,
                   const char *location) {
  struct hn_request *r = b->r;
  CHECK_INT(prepare_message(r, slice_of("Cookie: c\r\nX: y"),
                            slice_make(NULL, 0), total),
            0);
  r->exchange.setup.pool = &session_of(&r->node)->pool;
  exchange_begin(&r->exchange, &r->message);
  r->state = HN_REQUEST_RECEIVING;
  r->exchange.response.status = status;
  headers_clear(&r->answer);
  if (location)
    CHECK_INT(
        headers_append(&r->answer, slice_of("Location"), slice_of(location)),
        0);
}

static void check_url(const struct hn_hop *h, const char *url) {
  struct hn_buf said;
  buf_init(&said, 10000);
  CHECK_INT(hop_append_url(h, &said), 0);
  CHECK_TEXT(buf_peek(&said), url);
  buf_fini(&said);
}

TEST(a_location_makes_the_next_hop) {
  static const struct {
    int status;
    const char *method, *location, *url, *to;
  } rows[] = {
      {301, "GET", "/x", "https://one.test/x", "GET"},
      {302, "POST", "http://two.test/x y", "http://two.test/x%20y", "GET"},
      {303, "PUT", "c", "https://one.test/a/c", "GET"},
      {307, "POST", "?r", "https://one.test/a/b?r", "POST"},
      {308, "GET", "https://two.test:8443/#f", "https://two.test:8443/", "GET"},
      {302, "GET", "//[::1]/", "https://[::1]/", "GET"},
      {302, "GET", "https://u:p@two.test/", "https://two.test/", "GET"},
      {302, "GET", "#f", "https://one.test/a/b?q", "GET"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bed b;
    bed_open(&b, rows[i].method, HN_REQUEST_SECURE);
    test_label(rows[i].location);
    b.r->settings.redirect_policy = 2;
    answer(&b, 0, rows[i].status, rows[i].location);
    CHECK_INT(again_after_head(b.r), HN_AGAIN);
    CHECK_INT(b.r->state, HN_REQUEST_CLEARING); /* nobody listens */
    const struct hn_hop *h = b.r->next_hop;
    if (CHECK(h)) {
      check_url(h, rows[i].url);
      CHECK_TEXT(hop_method(h), rows[i].to);
      CHECK_INT(h->count, 1);
      CHECK_INT(h->by_fragment, rows[i].location[0] == '#');
      CHECK(!b.r->hop);
      CHECK(again_clear(b.r));
      CHECK(b.r->hop == h && b.r->target == &h->target && !b.r->next_hop);
      CHECK(b.r->message.fields == &h->fields && !b.r->begun);
      CHECK_TEXT(b.r->message.method, rows[i].to);
      CHECK_INT(b.r->state, HN_REQUEST_RECEIVING);
    }
    bed_close(&b);
  }
}

TEST(a_hop_carries_what_its_server_may_see) {
  static const char own[] = "Content-Type: t";
  static const struct {
    const char *method, *location, *fields;
  } rows[] = {
      {"PUT", "/x",
       "Host: one.test|Content-Type: t|Cookie: c|X: y|"
       "Content-Length: 0"},
      {"PUT", "https://two.test",
       "Host: two.test|Content-Type: t|X: y|"
       "Content-Length: 0"},
      {"POST", "/x", "Host: one.test|Cookie: c|X: y"},
      {"POST", "https://one.test:444", "Host: one.test:444|X: y"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bed b;
    bed_open(&b, rows[i].method, HN_REQUEST_SECURE);
    test_label(rows[i].location);
    CHECK_INT(hn_add_headers(b.rt, b.request, slice_of(own), HN_ADD), 0);
    b.r->settings.decompression = 0;
    answer(&b, 0, 302, rows[i].location);
    CHECK_INT(again_after_head(b.r), HN_AGAIN);
    if (CHECK(b.r->next_hop))
      CHECK_TEXT(bed_fields(&b.r->next_hop->fields), rows[i].fields);
    bed_close(&b);
  }
}

TEST(what_cannot_be_followed_is_said) {
  static const struct {
    int status;
    const char *method, *location;
    int64_t total;
    int rc;
    const char *text;
  } rows[] = {
      {200, "GET", "/x", 0, 0, NULL},
      {304, "GET", "/x", 0, 0, NULL},
      {302, "GET", NULL, 0, 0, NULL},
      {302, "GET", "", 0, 0, NULL},
      {302, "GET", "ftp://two.test/", 0, DENIED,
       "redirect to an unusable Location"},
      {302, "GET", "https://two.test:0/", 0, DENIED,
       "redirect to an unusable Location"},
      {302, "GET", "https://u@two.test/", 0, BAD_URL,
       "redirect to a URL with credentials"},
      {302, "GET", "http://two.test/", 0, DENIED,
       "redirect from https to http refused"},
      {307, "POST", "/x", 5, AGAIN, "redirect needs the body again"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bed b;
    char text[200] = "";
    bed_open(&b, rows[i].method, HN_REQUEST_SECURE);
    test_label(rows[i].location);
    b.r->settings.reject_userpwd = 1;
    answer(&b, (uint64_t)rows[i].total, rows[i].status, rows[i].location);
    b.r->info.text[0] = '\0';
    CHECK_INT(again_after_head(b.r), rows[i].rc);
    CHECK_INT(b.r->state, HN_REQUEST_RECEIVING);
    if (rows[i].text)
      snprintf(text, sizeof text,
               "%s while waiting for the response of one.test:443",
               rows[i].text);
    CHECK_TEXT(slice_of(b.r->info.text), text);
    CHECK_INT(b.r->next_hop != NULL, rows[i].rc == AGAIN);
    if (b.r->next_hop) {
      CHECK(b.r->next_hop->wants_body);
      b.r->state = HN_REQUEST_FAILED;
      CHECK(request_awaited_hop(b.r) == b.r->next_hop);
    }
    bed_close(&b);
  }
}

TEST(two_locations_are_none_unless_they_are_the_same) {
  static const struct {
    const char *second;
    int rc;
  } rows[] = {{"/x", HN_AGAIN}, {"/y", DENIED}, {"", DENIED}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bed b;
    bed_open(&b, "GET", 0);
    test_label(rows[i].second);
    answer(&b, 0, 302, "/x");
    CHECK_INT(headers_append(&b.r->answer, slice_of("location"),
                             slice_of(rows[i].second)),
              0);
    CHECK_INT(again_after_head(b.r), rows[i].rc);
    CHECK_INT(b.r->next_hop != NULL, rows[i].rc == HN_AGAIN);
    bed_close(&b);
  }
}

/* Whoever listens has to have heard of it first. */
TEST(a_hop_that_is_told_of_waits) {
  struct bed b;
  struct hn_event e;
  bed_open(&b, "GET", 0);
  CHECK_INT(hn_set_mask(b.rt, b.request, HN_STATUS_REDIRECT), 0);
  answer(&b, 0, 302, "http://two.test/x#f");
  CHECK_INT(again_after_head(b.r), HN_AGAIN);
  CHECK_INT(b.r->state, HN_REQUEST_REDIRECTING);
  CHECK(hn_next_event(b.rt, 0, &e));
  CHECK_INT(e.status, HN_STATUS_REDIRECT);
  CHECK_TEXT(e.text, "http://two.test/x");
  CHECK_INT(b.r->state, HN_REQUEST_REDIRECTING);
  again_go_on(b.r);
  CHECK_INT(b.r->state, HN_REQUEST_CLEARING);
  again_go_on(b.r);
  CHECK_INT(b.r->state, HN_REQUEST_CLEARING);
  CHECK(again_clear(b.r));
  CHECK_TEXT(hop_fragment(b.r->hop), "#f");
  bed_close(&b);
}

/* A fragment alone is followed once, a fragment is kept until there is another
 * one, and hops are counted. */
TEST(hops_remember_the_way) {
  static const struct {
    const char *location;
    int rc;
    const char *fragment;
  } rows[] = {
      {"/x#one", HN_AGAIN, "#one"}, {"/y", HN_AGAIN, "#one"},
      {"#two", HN_AGAIN, "#two"},   {"#three", 0, "#two"},
      {"/z", DENIED, "#two"},
  };
  struct bed b;
  bed_open(&b, "GET", 0);
  b.r->settings.max_redirects = 3;
  answer(&b, 0, 302, NULL);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_label(rows[i].location);
    headers_clear(&b.r->answer);
    CHECK_INT(headers_append(&b.r->answer, slice_of("Location"),
                             slice_of(rows[i].location)),
              0);
    CHECK_INT(again_after_head(b.r), rows[i].rc);
    if (rows[i].rc == HN_AGAIN) CHECK(again_clear(b.r));
    CHECK_TEXT(hop_fragment(b.r->hop), rows[i].fragment);
  }
  CHECK(strstr(b.r->info.text, "too many redirects"));
  bed_close(&b);
}

/* Each allocation in turn: the response stays where it is, and the next try
 * finds all of it. */
TEST(without_memory_there_is_no_hop) {
  struct bed b;
  int rc = HN_ERR_NOT_ENOUGH_MEMORY, failed = 0;
  bed_open(&b, "GET", 0);
  CHECK_INT(hn_set_mask(b.rt, b.request, HN_STATUS_REDIRECT), 0);
  answer(&b, 0, 302, "http://two.test/x#f");
  for (long n = 1; n < 100 && rc != HN_AGAIN; n++) {
    mem_fail_at(n);
    rc = again_after_head(b.r);
    mem_fail_at(0);
    if (rc == HN_AGAIN) break;
    failed++;
    CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK_INT(b.r->state, HN_REQUEST_RECEIVING);
    CHECK(!b.r->hop);
    request_drop_hops(b.r);
  }
  CHECK_INT(rc, HN_AGAIN);
  CHECK(failed > 5);
  if (CHECK(b.r->next_hop)) check_url(b.r->next_hop, "http://two.test/x");
  bed_close(&b);
}

TEST_MAIN(ROW(a_location_makes_the_next_hop),
          ROW(a_hop_carries_what_its_server_may_see),
          ROW(what_cannot_be_followed_is_said),
          ROW(two_locations_are_none_unless_they_are_the_same),
          ROW(a_hop_that_is_told_of_waits), ROW(hops_remember_the_way),
          ROW(without_memory_there_is_no_hop))
