/*
 * session_test.c: what handles hold for their users is on the runtime's
 * account, and off it again.
 */
#include "policy_fixture.h"

enum { KIB = 1024, BIG = 20 * KIB };

static char big[BIG + 1];

static const char *text_of(size_t n) {
  memset(big, 'x', n);
  big[n] = '\0';
  return big;
}

/* How much more is used than before: `n` and a few bytes round it. */
static void check_more(struct client *c, size_t before, size_t n) {
  size_t used = hn_memory_used(c->rt);
  CHECK(used >= before + n);
  CHECK(used < before + n + n / 10 + KIB);
}

TEST(texts_of_sessions_and_requests_are_counted) {
  struct client c;
  policy_open(&c, (struct hn_policy){.allow = BOTH});
  hn_handle r = policy_request(&c, "a", 80, 0);
  hn_handle whose[] = {c.session, r};
  for (size_t i = 0; i < 2; i++) {
    client_set_text(&c, whose[i], "pinned_public_keys", "");
    size_t before = hn_memory_used(c.rt);
    client_set_text(&c, whose[i], "pinned_public_keys", text_of(BIG));
    check_more(&c, before, BIG);
    client_set_text(&c, whose[i], "pinned_public_keys", text_of(BIG / 2));
    check_more(&c, before, BIG / 2);
    client_set_text(&c, whose[i], "pinned_public_keys", "");
    CHECK_INT(hn_memory_used(c.rt), before);
  }
  size_t before = hn_memory_used(c.rt);
  hn_handle second = policy_request(&c, "a", 80, 0);
  size_t with = hn_memory_used(c.rt);
  client_set_text(&c, second, "pinned_public_keys", text_of(BIG));
  check_more(&c, with, BIG);
  hn_discard(c.rt, second);
  CHECK(hn_memory_used(c.rt) < before + BIG / 2);
  policy_close(&c);
}

TEST(the_user_agent_is_counted) {
  struct client c;
  hn_handle h = 0;
  policy_open(&c, (struct hn_policy){.allow = BOTH});
  size_t before = hn_memory_used(c.rt);
  CHECK_INT(hn_open(c.rt, slice_of(text_of(BIG)), 0, &h), 0);
  size_t more = hn_memory_used(c.rt) - before;
  CHECK(more > BIG);
  client_set_text(&c, h, "user_agent", text_of(BIG / 2));
  CHECK_INT(hn_memory_used(c.rt), before + more - BIG / 2);
  client_set_text(&c, h, "user_agent", "");
  CHECK_INT(hn_memory_used(c.rt),
            before + more - BIG - strlen("User-Agent: \r\n"));
  client_set_text(&c, h, "user_agent", text_of(BIG));
  CHECK_INT(hn_memory_used(c.rt), before + more);
  CHECK_INT(hn_close(c.rt, h), 0);
  CHECK_INT(hn_memory_used(c.rt), before);
  policy_close(&c);
}

TEST(a_user_agent_has_no_blanks_round_it) {
  struct client c;
  struct hn_value v;
  policy_open(&c, (struct hn_policy){.allow = BOTH});
  client_set_text(&c, c.session, "user_agent", " \ta b\t ");
  CHECK_INT(hn_query_option(c.rt, c.session, slice_of("user_agent"), &v), 0);
  CHECK_TEXT(v.text, "a b");
  policy_close(&c);
}

TEST(a_user_agent_beyond_the_limit_changes_nothing) {
  struct client c;
  struct hn_value v = {.type = HN_TYPE_TEXT};
  hn_handle h = 0;
  policy_open(&c, (struct hn_policy){.allow = BOTH, .max_memory = 16 * KIB});
  CHECK_INT(hn_open(c.rt, slice_of(text_of(BIG)), 0, &h),
            HN_ERR_NOT_ENOUGH_MEMORY);
  client_set_text(&c, c.session, "user_agent", "mine");
  size_t used = hn_memory_used(c.rt);
  v.text = slice_of(text_of(BIG));
  CHECK_INT(hn_set_option(c.rt, c.session, slice_of("user_agent"), &v),
            HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(hn_memory_used(c.rt), used);
  CHECK_INT(hn_query_option(c.rt, c.session, slice_of("user_agent"), &v), 0);
  CHECK_TEXT(v.text, "mine");
  policy_close(&c);
}

TEST(heads_are_counted_until_their_requests_are_gone) {
  struct client c;
  policy_open(&c, (struct hn_policy){.allow = BOTH});
  (void)policy_request(&c, "a", 80, 0);
  size_t before = hn_memory_used(c.rt);
  for (int i = 0; i < 3; i++) {
    hn_handle r = policy_request(&c, "a", 80, 0);
    CHECK_INT(hn_close(c.rt, c.connection), 0);
    r = policy_request(&c, "a", 80, 0);
    CHECK_INT(
        hn_add_header(c.rt, r, slice_of("X"), slice_of(text_of(BIG)), HN_ADD),
        0);
    CHECK(hn_memory_used(c.rt) > before + BIG);
    CHECK_INT(hn_close(c.rt, c.connection), 0);
    CHECK_INT(hn_memory_used(c.rt), before);
  }
  policy_close(&c);
}

static void serve_hop(int fd) {
  while (serve_take_head(fd))
    serve_say(fd, "HTTP/1.1 302 Found\r\nLocation: /\r\n"
                  "Content-Length: 0\r\n\r\n");
}

/* A hop's fields are another copy of the caller's. */
TEST(a_hop_is_counted) {
  struct serve s;
  struct client c;
  struct hn_event e = {0};
  serve_start(&s, serve_hop);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK});
  hn_handle r = policy_request(&c, "127.0.0.1", s.port, 0);
  CHECK_INT(
      hn_add_header(c.rt, r, slice_of("X"), slice_of(text_of(BIG)), HN_ADD), 0);
  CHECK_INT(hn_set_mask(c.rt, r, HN_STATUS_REDIRECT), 0);
  CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(heard(&c, r, HN_OP_SEND_REQUEST));
  size_t before = hn_memory_used(c.rt);
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  for (int i = 0; i < 1000 && e.status != HN_STATUS_REDIRECT; i++) {
    CHECK_INT(hn_step(c.rt, 100), 0);
    (void)hn_next_event(c.rt, r, &e);
  }
  CHECK_INT(e.status, HN_STATUS_REDIRECT);
  CHECK(hn_memory_used(c.rt) >= before + BIG);
  CHECK(hn_memory_used(c.rt) < before + 4 * BIG);
  CHECK_INT(hn_close(c.rt, r), 0);
  while (hn_next_event(c.rt, 0, &e)) continue;
  CHECK(hn_memory_used(c.rt) < before - BIG / 2);
  policy_close(&c);
  serve_stop(&s);
}

TEST_MAIN(ROW(texts_of_sessions_and_requests_are_counted),
          ROW(the_user_agent_is_counted),
          ROW(a_user_agent_has_no_blanks_round_it),
          ROW(a_user_agent_beyond_the_limit_changes_nothing),
          ROW(heads_are_counted_until_their_requests_are_gone),
          ROW(a_hop_is_counted))
