/*
 * request_fixture.h: a request that nothing is sent for, to be worked on from
 * within. It asks for "/a/b?q" of "one.test".
 */
#ifndef HN_SPEC_REQUEST_FIXTURE_H
#define HN_SPEC_REQUEST_FIXTURE_H

#include "../../csrc/core/runtime.h"
#include "../../csrc/handles/request.h"
#include "test.h"

struct bed {
  hn_runtime *rt;
  hn_handle session, connection, request;
  struct hn_request *r;
};

static inline void bed_request(struct bed *b, const char *method,
                               unsigned flags) {
  struct hn_request_spec spec = {
      .method = slice_of(method), .path = slice_of("/a/b?q"), .flags = flags};
  CHECK_INT(hn_open_request(b->rt, b->connection, &spec, &b->request), 0);
  CHECK_INT(request_find(b->rt, b->request, &b->r), 0);
}

static inline void bed_open(struct bed *b, const char *method, unsigned flags) {
  struct hn_slice none = slice_make(NULL, 0);
  memset(b, 0, sizeof *b);
  CHECK_INT(hn_runtime_new(&b->rt), 0);
  CHECK_INT(hn_open(b->rt, none, HN_OPEN_ASYNC, &b->session), 0);
  CHECK_INT(
      hn_connect(b->rt, b->session, slice_of("one.test"), 0, &b->connection),
      0);
  bed_request(b, method, flags);
}

static inline void bed_close(struct bed *b) {
  hn_runtime_free(b->rt);
}

/* The fields as "Name: value|Name: value", until the next call. */
static inline struct hn_slice bed_fields(const struct hn_headers *h) {
  static char text[2000];
  size_t n = 0;
  text[0] = '\0';
  for (size_t i = 0; i < h->count; i++) {
    struct hn_slice name = headers_name(h, i), value = headers_value(h, i);
    n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s: %.*s",
                          i > 0 ? "|" : "", (int)name.n, name.p, (int)value.n,
                          value.p);
  }
  return slice_of(text);
}

#endif
