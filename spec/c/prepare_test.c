/*
 * prepare_test.c: the message that a send makes of method, headers, body and
 * length, and the wish that its exchange begins with.
 */
#include "request_fixture.h"

#include "../../csrc/handles/prepare.h"
#include "../../csrc/hinternet_option.h"

enum {
  BAD = HN_ERR_INVALID_PARAMETER,
  BODY = 5, /* bytes of the body that is given, where there is one */
};
#define AUTO    HN_LENGTH_AUTO
#define CHUNKED HN_LENGTH_CHUNKED

static int prepare(struct bed *b, const char *headers, bool has_body,
                   uint64_t total) {
  struct hn_slice h = slice_of(headers ? headers : "");
  return prepare_message(b->r, h, slice_make("12345", has_body ? BODY : 0),
                         total);
}

static const char *text_of(const struct hn_headers *h, const char *name) {
  static char text[100];
  struct hn_slice v;
  if (!headers_find(h, slice_of(name), 0, &v)) return "-";
  snprintf(text, sizeof text, "%.*s", (int)v.n, v.p);
  return text;
}

TEST(the_length_is_agreed_on) {
  static const char chunked[] = "Transfer-Encoding: chunked";
  static const struct {
    const char *method, *headers;
    bool has_body;
    uint64_t total;
    int rc;
    uint64_t length;
    const char *says; /* its Content-Length */
  } rows[] = {
      {"GET", NULL, false, AUTO, 0, 0, "-"},
      {"GET", NULL, true, AUTO, 0, BODY, "5"},
      {"POST", NULL, false, AUTO, 0, 0, "0"},
      {"PUT", NULL, false, AUTO, 0, 0, "0"},
      {"PATCH", NULL, false, AUTO, 0, 0, "0"},
      {"DELETE", NULL, false, AUTO, 0, 0, "-"},
      {"X", NULL, false, AUTO, 0, 0, "-"},
      {"POST", NULL, true, 7, 0, 7, "7"},
      {"POST", NULL, true, INT64_MAX, 0, INT64_MAX, "9223372036854775807"},
      {"POST", NULL, true, CHUNKED, 0, CHUNKED, "-"},
      {"POST", chunked, true, AUTO, 0, CHUNKED, "-"},
      {"POST", chunked, true, CHUNKED, 0, CHUNKED, "-"},
      {"POST", "Content-Length: 9", true, AUTO, 0, 9, "9"},
      {"POST", "Content-Length: 9", true, 9, 0, 9, "9"},
      {"POST", "content-length: 5", true, AUTO, 0, BODY, "5"},
      {"POST", NULL, true, 4, BAD, 0, NULL},
      {"POST", NULL, false, (uint64_t)INT64_MAX + 1, BAD, 0, NULL},
      {"POST", chunked, true, BODY, BAD, 0, NULL},
      {"POST", "Content-Length: 9", true, 8, BAD, 0, NULL},
      {"POST", "Content-Length: 9", true, CHUNKED, BAD, 0, NULL},
      {"POST", "Content-Length: 4", true, AUTO, BAD, 0, NULL},
      {"POST", "Content-Length: x", true, AUTO, BAD, 0, NULL},
      {"POST", "Content-Length: 9223372036854775808", true, AUTO, BAD, 0, NULL},
      {"POST", "Content-Length: 5\r\nContent-Length: 5", true, AUTO, BAD, 0,
       NULL},
      {"POST", "Content-Length: 5\r\nTransfer-Encoding: chunked", true, AUTO,
       BAD, 0, NULL},
      {"POST", "Transfer-Encoding: gzip, chunked", true, AUTO, BAD, 0, NULL},
      {"POST", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", true,
       AUTO, BAD, 0, NULL},
  };
  struct bed b;
  bed_open(&b, "GET", 0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char label[100];
    snprintf(label, sizeof label, "%zu: %s %s", i, rows[i].method,
             rows[i].headers ? rows[i].headers : "");
    test_label(label);
    CHECK_INT(hn_close(b.rt, b.request), 0);
    bed_request(&b, rows[i].method, 0);
    CHECK_INT(prepare(&b, rows[i].headers, rows[i].has_body, rows[i].total),
              rows[i].rc);
    if (rows[i].rc) continue;
    const struct hn_message *m = &b.r->message;
    CHECK_TEXT(m->method, rows[i].method);
    CHECK_TEXT(m->target, "/a/b?q");
    CHECK_INT(m->length, rows[i].length);
    CHECK_INT(m->body.n, rows[i].has_body ? BODY : 0);
    CHECK_TEXT(slice_of(text_of(m->fields, "Content-Length")), rows[i].says);
    CHECK_TEXT(slice_of(text_of(m->fields, "Transfer-Encoding")),
               m->length == CHUNKED ? "chunked" : "-");
  }
  bed_close(&b);
}

/* HTTP/1.0 has no chunks (RFC 9112 6.1) and keeps nothing unless asked to. */
TEST(older_servers_are_spoken_to_as_they_know_it) {
  struct bed b;
  bed_open(&b, "POST", 0);
  b.r->minor = 0;
  CHECK_INT(prepare(&b, NULL, true, CHUNKED), BAD);
  CHECK_INT(prepare(&b, NULL, true, AUTO), 0);
  CHECK_INT(b.r->message.minor, 0);
  CHECK_TEXT(slice_of(text_of(b.r->message.fields, "Connection")),
             "Keep-Alive");
  CHECK_INT(prepare(&b, "Transfer-Encoding: chunked", true, AUTO), BAD);
  bed_close(&b);
}

TEST(what_may_be_sent_again_is_idempotent_and_whole) {
  static const struct {
    const char *method;
    bool has_body;
    uint64_t total;
    bool is;
  } rows[] = {
      {"GET", false, AUTO, true},     {"HEAD", false, AUTO, true},
      {"OPTIONS", false, AUTO, true}, {"TRACE", false, AUTO, true},
      {"DELETE", false, AUTO, true},  {"PUT", true, AUTO, true},
      {"POST", false, AUTO, false},   {"PATCH", true, AUTO, false},
      {"get", false, AUTO, false},    {"X", false, AUTO, false},
      {"PUT", true, BODY + 1, false}, {"PUT", true, CHUNKED, false},
  };
  struct bed b;
  bed_open(&b, "GET", 0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_label(rows[i].method);
    CHECK_INT(hn_close(b.rt, b.request), 0);
    bed_request(&b, rows[i].method, 0);
    CHECK_INT(prepare(&b, NULL, rows[i].has_body, rows[i].total), 0);
    CHECK_INT(b.r->message.repeatable, rows[i].is);
  }
  bed_close(&b);
}

TEST(a_body_waits_for_100_when_there_is_one) {
  static const struct {
    const char *headers;
    uint64_t total;
    bool is;
  } rows[] = {
      {NULL, BODY, false},
      {"Expect: 100-continue", 0, false},
      {"Expect: 100-continue", BODY, true},
      {"Expect: 100-Continue", CHUNKED, true},
      {"Expect: other", BODY, false},
  };
  struct bed b;
  bed_open(&b, "GET", 0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_label(rows[i].headers);
    CHECK_INT(hn_close(b.rt, b.request), 0);
    bed_request(&b, "POST", 0);
    CHECK_INT(prepare(&b, rows[i].headers, false, rows[i].total), 0);
    CHECK_INT(b.r->message.expects, rows[i].is);
  }
  bed_close(&b);
}

/* What the send before added is decided anew; what the caller added stays. */
TEST(the_next_send_decides_anew) {
  struct bed b;
  bed_open(&b, "POST", 0);
  b.r->settings.decompression = 0;
  CHECK_INT(prepare(&b, "A: 1\r\nUser-Agent: me", true, AUTO), 0);
  CHECK_TEXT(bed_fields(b.r->message.fields),
             "Host: one.test|A: 1|User-Agent: me|Content-Length: 5");
  CHECK_INT(prepare(&b, "A: 2", false, CHUNKED), 0);
  CHECK_TEXT(bed_fields(b.r->message.fields),
             "Host: one.test|User-Agent: me|A: 2|Transfer-Encoding: chunked");
  b.r->settings.disabled |= HN_DISABLE_KEEP_ALIVE;
  CHECK_INT(prepare(&b, NULL, true, AUTO), 0);
  CHECK_TEXT(bed_fields(b.r->message.fields),
             "Host: one.test|User-Agent: me|A: 2|Connection: close|"
             "Content-Length: 5");
  bed_close(&b);
}

/* Our own, unless the caller says what to accept, or asks for bytes that would
 * be those of the coded body. */
TEST(codings_are_asked_for_where_they_can_be_undone) {
  static const struct {
    const char *headers;
    int64_t codings;
    bool is;
  } rows[] = {
      {NULL, 1, true},
      {NULL, 0, false},
      {"Accept-Encoding: gzip", 1, false},
      {"Range: bytes=0-9", 1, false},
  };
  struct bed b;
  bed_open(&b, "GET", 0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_label(rows[i].headers);
    CHECK_INT(hn_close(b.rt, b.request), 0);
    bed_request(&b, "GET", 0);
    b.r->settings.decompression = rows[i].codings;
    CHECK_INT(prepare(&b, rows[i].headers, false, AUTO), 0);
    CHECK_INT(b.r->own_accept, rows[i].is);
  }
  bed_close(&b);
}

static void set_text(struct bed *b, const char *name, const char *text) {
  struct hn_value v = {.type = HN_TYPE_TEXT, .text = slice_of(text)};
  CHECK_INT(hn_set_option(b->rt, b->request, slice_of(name), &v), 0);
}

/* A hop to this server, as if a redirect had led there. */
static void lead(struct bed *b, const char *host) {
  struct hn_env *env = &b->rt->env;
  struct hn_hop *h = hop_new(1, &env->account);
  if (!CHECK(h)) return;
  CHECK_INT(target_init(env, &h->target, slice_of(host), 0, false), 0);
  CHECK_INT(buf_append_text(&h->text, "GET/"), 0);
  h->method_size = 3;
  h->path_size = 1;
  b->r->next_hop = h;
  request_enter_hop(b->r);
}

TEST(a_wish_names_the_route_that_goes_before_the_others) {
  static const struct {
    const char *hop;    /* where a redirect has led */
    const char *set[3]; /* unix_socket, resolve_to, resolution_hostname */
    enum hn_route_kind kind;
    const char *via;
  } rows[] = {
      {NULL, {NULL, NULL, NULL}, HN_ROUTE_LOOKUP, ""},
      {NULL, {NULL, NULL, "c"}, HN_ROUTE_NAME, "c"},
      {NULL, {NULL, "127.0.0.1", "c"}, HN_ROUTE_ADDRESSES, "127.0.0.1"},
      {NULL, {"/a", "127.0.0.1", "c"}, HN_ROUTE_UNIX, "/a"},
      {"ONE.test", {"/a", NULL, NULL}, HN_ROUTE_UNIX, "/a"},
      {"two.test", {"/a", "127.0.0.1", "c"}, HN_ROUTE_LOOKUP, ""},
  };
  static const char *const names[] = {"unix_socket", "resolve_to",
                                      "resolution_hostname"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct bed b;
    bed_open(&b, "GET", 0);
    for (size_t k = 0; k < 3; k++)
      if (rows[i].set[k]) set_text(&b, names[k], rows[i].set[k]);
    CHECK_INT(prepare(&b, NULL, false, AUTO), 0);
    if (rows[i].hop) lead(&b, rows[i].hop);
    CHECK_INT(prepare_exchange(b.r), 0);
    const struct hn_origin *o = &b.r->exchange.setup.wish.origin;
    CHECK_INT(o->route.kind, rows[i].kind);
    CHECK_TEXT(o->route.via, rows[i].via);
    CHECK_TEXT(o->host, rows[i].hop ? rows[i].hop : "one.test");
    CHECK_INT(o->port, 80);
    CHECK(b.r->begun && !o->tls);
    CHECK(!b.r->exchange.setup.wish.probe);
    bed_close(&b);
  }
}

/* Each allocation in turn: what is there afterwards is sent as if nothing had
 * been. */
TEST(without_memory_the_next_send_says_the_same) {
  static const char headers[] = "A: 1\r\nB: 2\r\nC: 3";
  for (long n = 1;; n++) {
    struct bed b;
    bed_open(&b, "POST", 0);
    b.r->settings.decompression = 0;
    set_text(&b, "resolve_to", "127.0.0.1");
    mem_fail_at(n);
    int rc = prepare(&b, headers, true, AUTO);
    if (rc == 0) rc = prepare_exchange(b.r);
    mem_fail_at(0);
    bool failed = rc != 0;
    if (failed) {
      CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
      CHECK(!b.r->begun);
      CHECK_INT(prepare(&b, headers, true, AUTO), 0);
      CHECK_INT(prepare_exchange(b.r), 0);
    }
    CHECK_TEXT(bed_fields(b.r->message.fields),
               "Host: one.test|A: 1|B: 2|C: 3|Content-Length: 5");
    bed_close(&b);
    if (!failed && !CHECK(n > 1)) return;
    if (!failed) return;
  }
}

TEST_MAIN(ROW(the_length_is_agreed_on),
          ROW(older_servers_are_spoken_to_as_they_know_it),
          ROW(what_may_be_sent_again_is_idempotent_and_whole),
          ROW(a_body_waits_for_100_when_there_is_one),
          ROW(the_next_send_decides_anew),
          ROW(codings_are_asked_for_where_they_can_be_undone),
          ROW(a_wish_names_the_route_that_goes_before_the_others),
          ROW(without_memory_the_next_send_says_the_same))
