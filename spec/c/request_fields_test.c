/*
 * request_fields_test.c: when the fields of a request may be edited, which of
 * them, and what of ours gives way to the caller's.
 */
#include "request_fixture.h"

#include "../../csrc/handles/prepare.h"

static int add(struct bed *b, const char *name, const char *value) {
  return hn_add_header(b->rt, b->request, slice_of(name), slice_of(value),
                       HN_ADD);
}

/* A message of which we chose the length and the codings. */
static void prepare_own(struct bed *b, uint64_t total) {
  b->r->settings.decompression = HN_CODING_GZIP;
  CHECK_INT(
      prepare_message(b->r, slice_make(NULL, 0), slice_make(NULL, 0), total),
      0);
  CHECK(b->r->own_framing && b->r->own_accept);
}

/* They are decided anew with the next send. What the caller puts in their place
 * is the caller's, and stays. */
TEST(our_own_fields_give_way) {
  static const uint64_t totals[] = {7, HN_LENGTH_CHUNKED};
  for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) {
    struct bed b;
    bed_open(&b, "POST", 0);
    prepare_own(&b, totals[i]);
    CHECK_INT(add(&b, "Accept-Encoding", "x"), 0);
    CHECK_TEXT(bed_fields(&b.r->fields), "Host: one.test|Accept-Encoding: x");
    CHECK_INT(add(&b, "Content-Length", "9"), 0);
    CHECK_INT(add(&b, "A", "b"), 0);
    CHECK_TEXT(bed_fields(&b.r->fields),
               "Host: one.test|Accept-Encoding: x|Content-Length: 9|A: b");
    bed_close(&b);
  }
}

static struct hn_hop *make_hop(struct bed *b) {
  struct hn_env *env = &b->rt->env;
  struct hn_hop *h = hop_new(1, &env->account);
  if (!CHECK(h)) return NULL;
  CHECK_INT(target_init(env, &h->target, slice_of("two.test"), 0, false), 0);
  CHECK_INT(headers_append(&h->fields, slice_of("Host"), slice_of("two.test")),
            0);
  return h;
}

/* A hop that waits for its body goes out with the next send: it is what is
 * edited, and our own fields are in neither of the two. */
TEST(nor_are_they_in_a_hop_that_waits_for_its_body) {
  for (int next = 0; next < 2; next++) {
    struct bed b;
    bed_open(&b, "POST", 0);
    prepare_own(&b, 7);
    struct hn_hop *h = make_hop(&b);
    if (!h) return;
    CHECK_INT(
        headers_append(&h->fields, slice_of("Content-Length"), slice_of("7")),
        0);
    CHECK_INT(headers_append(&h->fields, slice_of("Accept-Encoding"),
                             slice_of("gzip")),
              0);
    h->wants_body = true;
    *(next ? &b.r->next_hop : &b.r->hop) = h;
    b.r->state = HN_REQUEST_FAILED;
    CHECK_INT(add(&b, "A", "b"), 0);
    CHECK_TEXT(bed_fields(&h->fields), "Host: two.test|A: b");
    CHECK_TEXT(bed_fields(&b.r->fields), "Host: one.test");
    bed_close(&b);
  }
}

/* While the head may be on its way nobody changes it, not in the time between
 * two of its steps either. */
TEST(only_while_nothing_of_it_is_under_way) {
  static const struct {
    enum hn_request_state state;
    bool sends, may, may_frame;
  } rows[] = {
      {HN_REQUEST_NEW, false, true, true},
      {HN_REQUEST_SENDING, true, false, false},
      {HN_REQUEST_SENT, true, false, false},
      {HN_REQUEST_SENT, false, true, false},
      {HN_REQUEST_RECEIVING, false, false, false},
      {HN_REQUEST_REDIRECTING, false, true, false},
      {HN_REQUEST_CLEARING, false, false, false},
      {HN_REQUEST_RECEIVED, true, false, false},
      {HN_REQUEST_RECEIVED, false, true, true},
      {HN_REQUEST_FAILED, false, true, true},
      {HN_REQUEST_BROKEN, false, true, true},
  };
  struct bed b;
  bed_open(&b, "GET", 0);
  b.r->next_hop = make_hop(&b);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const int state = HN_ERR_INCORRECT_HANDLE_STATE;
    const int frame = rows[i].may_frame ? 0 : HN_ERR_INVALID_PARAMETER;
    const char *const names[] = {"Content-Length", "transfer-encoding"};
    test_label(rows[i].may ? "may" : "may not");
    b.r->state = rows[i].state;
    b.r->tx.running = rows[i].sends;
    CHECK_INT(add(&b, "A", "b"), rows[i].may ? 0 : state);
    for (size_t k = 0; k < 2; k++) {
      char line[40];
      snprintf(line, sizeof line, "%s: 1", names[k]);
      CHECK_INT(add(&b, names[k], "1"), rows[i].may ? frame : state);
      CHECK_INT(hn_add_headers(b.rt, b.request, slice_of(line), HN_ADD),
                rows[i].may ? frame : state);
    }
  }
  b.r->tx.running = false;
  bed_close(&b);
}

/* Two readers of two Hosts would see two targets. */
TEST(there_is_one_host) {
  struct bed b;
  bed_open(&b, "GET", 0);
  CHECK_INT(add(&b, "host", "a"), 0);
  CHECK_TEXT(bed_fields(&b.r->fields), "host: a");
  CHECK_INT(hn_add_header(b.rt, b.request, slice_of("HOST"), slice_of("b"), 0),
            0);
  CHECK_TEXT(bed_fields(&b.r->fields), "HOST: b");
  CHECK_INT(
      hn_add_headers(b.rt, b.request, slice_of("A: b\r\nHost: c"), HN_ADD), 0);
  CHECK_TEXT(bed_fields(&b.r->fields), "A: b|Host: c");
  bed_close(&b);
}

TEST_MAIN(ROW(our_own_fields_give_way),
          ROW(nor_are_they_in_a_hop_that_waits_for_its_body),
          ROW(only_while_nothing_of_it_is_under_way), ROW(there_is_one_host))
