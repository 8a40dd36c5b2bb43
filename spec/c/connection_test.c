#include "serve_fixture.h"

static int64_t context_of(hn_runtime *rt, hn_handle h) {
  struct hn_value v = {.number = -1};
  CHECK_INT(hn_query_option(rt, h, slice_of("context_value"), &v), 0);
  return v.number;
}

TEST(brackets_are_for_addresses) {
  static const struct {
    const char *host, *shown;
  } rows[] = {
      {"a", "a:7"},       {"::1", "[::1]:7"}, {"[::1]", "[::1]:7"},
      {"[::]", "[::]:7"}, {"[a]", NULL},      {"[1.2.3.4]", NULL},
      {"[]", NULL},       {"[:]", NULL},      {"[::1", NULL},
      {"::1]", NULL},     {"[[::1]]", NULL},  {"", NULL},
  };
  struct client c;
  client_open(&c, 1, 0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    hn_handle h = 0;
    char text[100];
    test_label(rows[i].host);
    int rc = hn_connect(c.rt, c.session, slice_of(rows[i].host), 7, &h);
    CHECK_INT(rc, rows[i].shown ? 0 : HN_ERR_INVALID_PARAMETER);
    if (rc != 0) continue;
    CHECK_INT(hn_describe(c.rt, h, text, sizeof text), 0);
    CHECK_TEXT(slice_of(text), rows[i].shown);
  }
  hn_runtime_free(c.rt);
}

/* A child begins with what its parent has then, and goes its own way. */
TEST(context_and_mask_are_inherited) {
  struct client c;
  uint32_t mask = 0;
  hn_handle r = 0;
  struct hn_request_spec spec = {0};
  client_open(&c, 1, 0);
  client_set_number(&c, "context_value", HN_TYPE_INTEGER, 42);
  CHECK_INT(context_of(c.rt, c.connection), 0);
  CHECK_INT(hn_set_mask(c.rt, c.session, HN_STATUS_REDIRECT), 0);
  CHECK_INT(hn_connect(c.rt, c.session, slice_of("a"), 1, &c.connection), 0);
  CHECK_INT(context_of(c.rt, c.connection), 42);
  CHECK_INT(hn_get_mask(c.rt, c.connection, &mask), 0);
  CHECK_INT(mask, HN_STATUS_REDIRECT);
  client_set_number(&c, "context_value", HN_TYPE_INTEGER, 43);
  CHECK_INT(hn_set_mask(c.rt, c.session, 0), 0);
  CHECK_INT(hn_open_request(c.rt, c.connection, &spec, &r), 0);
  CHECK_INT(context_of(c.rt, r), 42);
  CHECK_INT(hn_get_mask(c.rt, r, &mask), 0);
  CHECK_INT(mask, HN_STATUS_REDIRECT);
  hn_runtime_free(c.rt);
}

TEST(a_description_is_cut_to_its_room) {
  struct client c;
  static const char whole[] = "127.0.0.1:80";
  client_open(&c, 80, 0);
  for (size_t room = 1; room < sizeof whole + 3; room++) {
    char text[sizeof whole + 4], expected[sizeof whole];
    memset(text, '#', sizeof text);
    CHECK_INT(hn_describe(c.rt, c.connection, text, room), 0);
    snprintf(expected, room < sizeof whole ? room : sizeof whole, "%s", whole);
    CHECK_TEXT(slice_of(text), expected);
    CHECK_INT(text[room], '#');
  }
  hn_runtime_free(c.rt);
}

/* The children of one that could not be made are never heard of. */
TEST(without_memory_nothing_is_made_nor_told) {
  struct client c;
  struct hn_event e;
  size_t handles, operations;
  hn_handle h = 0;
  int rc = HN_ERR_NOT_ENOUGH_MEMORY;
  client_open(&c, 1,
              (uint32_t)HN_STATUS_HANDLE_CREATED | HN_STATUS_HANDLE_CLOSING);
  while (hn_next_event(c.rt, 0, &e)) continue;
  for (long n = 1; n < 100 && rc != 0; n++) {
    mem_fail_at(n);
    rc = hn_connect(c.rt, c.session, slice_of("a"), 1, &h);
    mem_fail_at(0);
    if (rc == 0) break;
    CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK_INT(h, 0);
    CHECK(!hn_next_event(c.rt, 0, &e));
    hn_live(c.rt, &handles, &operations);
    CHECK_INT(handles, 2);
  }
  CHECK_INT(rc, 0);
  CHECK(hn_next_event(c.rt, 0, &e) && e.number == h);
  hn_runtime_free(c.rt);
}

/* A mask that finds no memory for its log stays as it was. */
TEST(a_mask_without_memory_is_the_old_one) {
  struct client c;
  uint32_t mask = 0;
  client_open(&c, 1, 0);
  hn_handle r = client_request(&c, "GET");
  CHECK_INT(hn_set_mask(c.rt, r, HN_STATUS_REDIRECT), 0);
  mem_fail_at(1);
  CHECK_INT(hn_set_mask(c.rt, r, HN_STATUS_RESOLVING_NAME),
            HN_ERR_NOT_ENOUGH_MEMORY);
  mem_fail_at(0);
  CHECK_INT(hn_get_mask(c.rt, r, &mask), 0);
  CHECK_INT(mask, HN_STATUS_REDIRECT);
  hn_runtime_free(c.rt);
}

TEST_MAIN(ROW(brackets_are_for_addresses), ROW(context_and_mask_are_inherited),
          ROW(a_description_is_cut_to_its_room),
          ROW(without_memory_nothing_is_made_nor_told),
          ROW(a_mask_without_memory_is_the_old_one))
