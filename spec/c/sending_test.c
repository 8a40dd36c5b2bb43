#include "policy_fixture.h"

static hn_handle start(struct client *c, unsigned port, uint64_t total) {
  hn_handle r = policy_request(c, "127.0.0.1", port, 0);
  CHECK_INT(hn_send(c->rt, r, none(), none(), total), 0);
  CHECK(heard(c, r, HN_OP_SEND_REQUEST));
  return r;
}

static size_t running(struct client *c) {
  size_t handles, operations;
  hn_live(c->rt, &handles, &operations);
  return operations;
}

/* Each allocation of it in turn: the next one may be made as if it had never
 * been. */
TEST(a_write_without_memory_begins_nothing) {
  static char data[3000];
  struct serve s;
  struct client c;
  struct hn_progress p;
  int rc = HN_ERR_NOT_ENOUGH_MEMORY, failed = 0;
  serve_start(&s, serve_ok);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK});
  hn_handle r = start(&c, s.port, sizeof data);
  size_t used = hn_memory_used(c.rt);
  for (long n = 1; n < 100 && rc == HN_ERR_NOT_ENOUGH_MEMORY; n++) {
    mem_fail_at(n);
    rc = hn_write(c.rt, r, slice_make(data, sizeof data));
    mem_fail_at(0);
    if (rc == 0) break;
    failed++;
    CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK_INT(running(&c), 0);
    CHECK_INT(hn_next_timeout(c.rt), -1);
    CHECK_INT(hn_query_progress(c.rt, r, &p), 0);
    CHECK(p.unsent == sizeof data && p.sent == 0);
    CHECK(p.announced == sizeof data && p.given == 0);
    CHECK(hn_memory_used(c.rt) <= used + sizeof(struct hn_event) + 512);
  }
  CHECK_INT(rc, 0);
  CHECK(failed > 0);
  CHECK_INT(running(&c), 1);
  CHECK(heard(&c, r, HN_OP_WRITE_DATA));
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  CHECK(heard(&c, r, HN_OP_RECEIVE_RESPONSE));
  policy_close(&c);
  serve_stop(&s);
}

/* The account's limit is such a failure too. */
TEST(nor_does_one_beyond_the_policys_memory) {
  static char data[60000];
  struct serve s;
  struct client c;
  serve_start(&s, serve_ok);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK,
                                     .max_memory = 40000});
  hn_handle r = start(&c, s.port, sizeof data);
  size_t used = hn_memory_used(c.rt);
  CHECK_INT(hn_write(c.rt, r, slice_make(data, sizeof data)),
            HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(running(&c), 0);
  CHECK(hn_memory_used(c.rt) <= used + 512);
  for (int i = 0; i < 60; i++) {
    CHECK_INT(hn_write(c.rt, r, slice_make(data, 1000)), 0);
    CHECK(heard(&c, r, HN_OP_WRITE_DATA));
  }
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  CHECK(heard(&c, r, HN_OP_RECEIVE_RESPONSE));
  policy_close(&c);
  serve_stop(&s);
}

TEST_MAIN(ROW(a_write_without_memory_begins_nothing),
          ROW(nor_does_one_beyond_the_policys_memory))
