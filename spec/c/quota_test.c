/*
 * quota_test.c: the limits of a host's policy: what happens at them, and that
 * all goes on below them.
 */
#include <zlib.h>

#include "policy_fixture.h"

TEST(handles) {
  struct client c;
  hn_handle h = 0;
  policy_open(&c, (struct hn_policy){.allow = BOTH, .max_handles = 3});
  hn_handle r = policy_request(&c, "127.0.0.1", 80, 0);
  struct hn_request_spec spec = {.flags = 0};
  CHECK_INT(hn_open(c.rt, none(), 0, &h), HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(hn_connect(c.rt, c.session, slice_of("a"), 0, &h),
            HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(hn_open_request(c.rt, c.connection, &spec, &h),
            HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(h, 0);
  CHECK_INT(hn_close(c.rt, r), 0);
  CHECK_INT(hn_open_request(c.rt, c.connection, &spec, &h), 0);
  policy_close(&c);
}

static void serve_bodies(int fd) {
  char body[1000];
  memset(body, 'x', sizeof body);
  while (serve_take_head(fd)) {
    serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    serve_put(fd, body, sizeof body);
  }
}

/* What is left of a limit of 999 bytes when 1000 come, by every way to read
 * them. */
TEST(response_bodies) {
  struct serve s;
  struct client c;
  int pipe_fds[2];
  CHECK_INT(pipe(pipe_fds), 0);
  serve_start(&s, serve_bodies);
  for (int more = 0; more < 2; more++) {
    policy_open(&c, (struct hn_policy){
                        .allow = BOTH | HN_ALLOW_LOOPBACK | HN_ALLOW_FILES,
                        .max_response_body = 999 + (uint64_t)more});
    for (int way = 0; way < 4; way++) {
      hn_handle r = policy_request(&c, "127.0.0.1", s.port, 0);
      CHECK_INT(policy_go(&c, r), 0);
      if (way == 0) CHECK_INT(hn_read(c.rt, r, 0, HN_READ_ALL), 0);
      if (way == 1) CHECK_INT(hn_read(c.rt, r, 1000, HN_READ_FILL), 0);
      if (way == 2) CHECK_INT(hn_read_to(c.rt, r, pipe_fds[1], 2000), 0);
      bool ok = true;
      if (way < 3) ok = heard(&c, r, HN_OP_READ_DATA);
      for (int i = 0; way == 3 && i < 100 && ok; i++) {
        CHECK_INT(hn_read(c.rt, r, 10, HN_READ_FILL), 0);
        ok = heard(&c, r, HN_OP_READ_DATA);
      }
      CHECK_INT(ok, more);
      if (!ok) {
        CHECK_INT(said.code, HN_ERR_INSUFFICIENT_BUFFER);
        CHECK(strstr(said.text, "response body larger than allowed (host "
                                "policy) while receiving from 127.0.0.1:"));
      }
      CHECK_INT(hn_close(c.rt, r), 0);
    }
    policy_close(&c);
  }
  close(pipe_fds[0]);
  close(pipe_fds[1]);
  serve_stop(&s);
}

/* A thousand bytes in a few. */
static void serve_packed(int fd) {
  unsigned char plain[1000] = {0}, packed[100];
  char head[100];
  uLongf n = sizeof packed;
  CHECK_INT(compress(packed, &n, plain, sizeof plain), Z_OK);
  snprintf(head, sizeof head,
           "HTTP/1.1 200 OK\r\nContent-Encoding: deflate"
           "\r\nContent-Length: %lu\r\n\r\n",
           (unsigned long)n);
  while (serve_take_head(fd)) {
    serve_say(fd, head);
    serve_put(fd, (const char *)packed, n);
  }
}

TEST(decoded_bodies) {
  struct serve s;
  struct client c;
  serve_start(&s, serve_packed);
  for (int more = 0; more < 2; more++) {
    policy_open(&c,
                (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK,
                                   .max_response_body = 999 + (uint64_t)more});
    hn_handle r = policy_request(&c, "127.0.0.1", s.port, 0);
    CHECK_INT(policy_go(&c, r), 0);
    CHECK_INT(hn_read(c.rt, r, 0, HN_READ_ALL), 0);
    CHECK_INT(heard(&c, r, HN_OP_READ_DATA), more);
    if (!more) CHECK_INT(said.code, HN_ERR_INSUFFICIENT_BUFFER);
    policy_close(&c);
  }
  serve_stop(&s);
}

static _Atomic int taken;

static void serve_count(int fd) {
  char c;
  while (recv(fd, &c, 1, 0) > 0) taken++;
}

TEST(request_bodies) {
  struct serve s;
  struct client c;
  serve_start(&s, serve_count);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK,
                                     .max_request_body = 10});
  hn_handle r = policy_request(&c, "127.0.0.1", s.port, 0);
  taken = 0;
  CHECK_INT(hn_send(c.rt, r, none(), slice_of("12345678901"), HN_LENGTH_AUTO),
            0);
  CHECK(!heard(&c, r, HN_OP_SEND_REQUEST));
  CHECK_INT(said.code, HN_ERR_INSUFFICIENT_BUFFER);
  CHECK_INT(said.phase, HN_PHASE_SEND);
  CHECK(strstr(said.text, "request body larger than allowed (host policy)"));
  CHECK_INT(hn_send(c.rt, r, none(), none(), 11), 0);
  CHECK(!heard(&c, r, HN_OP_SEND_REQUEST));
  CHECK_INT(taken, 0);
  CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_CHUNKED), 0);
  CHECK(heard(&c, r, HN_OP_SEND_REQUEST));
  CHECK_INT(hn_write(c.rt, r, slice_of("1234567890")), 0);
  CHECK(heard(&c, r, HN_OP_WRITE_DATA));
  CHECK_INT(hn_write(c.rt, r, slice_of("1")), 0);
  CHECK(!heard(&c, r, HN_OP_WRITE_DATA));
  CHECK_INT(said.code, HN_ERR_INSUFFICIENT_BUFFER);
  CHECK_INT(hn_send(c.rt, r, none(), slice_of("1234567890"), HN_LENGTH_AUTO),
            0);
  CHECK(heard(&c, r, HN_OP_SEND_REQUEST));
  policy_close(&c);
  serve_stop(&s);
}

static void serve_half(int fd) {
  while (serve_take_head(fd)) {
    served++;
    serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789");
  }
}

static bool is_done(struct client *c, hn_handle r) {
  struct hn_event e;
  while (hn_next_event(c->rt, 0, &e))
    if (e.handle == r && e.op == HN_OP_SEND_REQUEST) return true;
  return false;
}

/* Two connections for two sessions and two servers. */
TEST(connections) {
  struct serve half, other;
  struct client c;
  hn_handle r[3];
  serve_start(&half, serve_half);
  serve_start(&other, serve_ok);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK,
                                     .max_connections = 2});
  for (int i = 0; i < 2; i++) {
    r[i] = policy_request(&c, "127.0.0.1", half.port, 0);
    CHECK_INT(policy_go(&c, r[i]), 0);
  }
  served = 0;
  CHECK_INT(hn_open(c.rt, none(), HN_OPEN_ASYNC, &c.session), 0);
  r[2] = policy_request(&c, "127.0.0.1", other.port, 0);
  CHECK_INT(hn_send(c.rt, r[2], none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(client_idle(&c, 100) < 20);
  CHECK(!is_done(&c, r[2]));
  CHECK_INT(served, 0);
  /* What its body leaves behind gives way. */
  CHECK_INT(hn_close(c.rt, r[0]), 0);
  CHECK(heard(&c, r[2], HN_OP_SEND_REQUEST));
  CHECK_INT(hn_receive_response(c.rt, r[2]), 0);
  CHECK(heard(&c, r[2], HN_OP_RECEIVE_RESPONSE));
  CHECK_INT(hn_close(c.rt, r[2]), 0);
  /* What lies idle gives way too. */
  for (int i = 0; i < 4; i++)
    CHECK_INT(policy_get(&c, i % 2 ? "127.0.0.1" : "localhost", other.port), 0);
  CHECK_INT(hn_close(c.rt, r[1]), 0);
  policy_close(&c);
  serve_stop(&half);
  serve_stop(&other);
}

TEST(the_line_for_a_connection_has_an_end) {
  struct serve s;
  struct client c;
  serve_start(&s, serve_half);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK,
                                     .max_connections = 1});
  client_set_number(&c, "connect_timeout", HN_TYPE_TIME, 50);
  hn_handle first = policy_request(&c, "127.0.0.1", s.port, 0);
  CHECK_INT(policy_go(&c, first), 0);
  CHECK_INT(policy_get(&c, "127.0.0.1", s.port), HN_ERR_TIMEOUT);
  CHECK_INT(said.phase, HN_PHASE_ACQUIRE);
  CHECK_INT(hn_close(c.rt, first), 0);
  CHECK_INT(policy_get(&c, "127.0.0.1", s.port), 0);
  policy_close(&c);
  serve_stop(&s);
}

/* Many in line, of several sessions: each gets its turn. */
TEST(everybody_in_line_is_served) {
  enum { SESSIONS = 3, EACH = 5 };
  struct serve s;
  struct client c;
  int done = 0;
  served = 0;
  serve_start(&s, serve_ok);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK,
                                     .max_connections = 2});
  for (int i = 0; i < SESSIONS * EACH; i++) {
    if (i % EACH == 0)
      CHECK_INT(hn_open(c.rt, none(), HN_OPEN_ASYNC, &c.session), 0);
    hn_handle r = policy_request(&c, "127.0.0.1", s.port, 0);
    CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
  }
  for (int i = 0; i < 2000 && done < SESSIONS * EACH; i++) {
    struct hn_event e;
    CHECK_INT(hn_step(c.rt, 100), 0);
    while (hn_next_event(c.rt, 0, &e)) {
      CHECK(e.status != HN_STATUS_REQUEST_ERROR);
      if (e.op == HN_OP_SEND_REQUEST)
        CHECK_INT(hn_receive_response(c.rt, e.handle), 0);
      if (e.op == HN_OP_RECEIVE_RESPONSE)
        CHECK_INT(hn_read(c.rt, e.handle, 0, HN_READ_ALL), 0);
      if (e.op != HN_OP_READ_DATA) continue;
      CHECK_INT(hn_close(c.rt, e.handle), 0);
      done++;
    }
  }
  CHECK_INT(done, SESSIONS * EACH);
  CHECK_INT(served, SESSIONS * EACH);
  policy_close(&c);
  serve_stop(&s);
}

enum { KIB = 1024, MIB = 1024 * 1024, BIG = 4 * MIB };

static void serve_big(int fd) {
  static char body[MIB];
  while (serve_take_head(fd)) {
    serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n");
    for (int i = 0; i < BIG / MIB; i++) serve_put(fd, body, sizeof body);
  }
}

static int read_big(struct client *c, unsigned port, enum hn_read_mode mode,
                    size_t n) {
  hn_handle r = policy_request(c, "127.0.0.1", port, 0);
  int rc = policy_go(c, r);
  if (rc == 0) CHECK_INT(hn_read(c->rt, r, n, mode), 0);
  if (rc == 0 && !heard(c, r, HN_OP_READ_DATA)) rc = said.code;
  CHECK_INT(hn_close(c->rt, r), 0);
  return rc;
}

/* A body that does not fit fails its read alone; pieces of it go on. */
TEST(memory_for_a_body) {
  struct serve s;
  struct client c;
  serve_start(&s, serve_big);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK,
                                     .max_memory = 3 * MIB});
  for (int i = 0; i < 3; i++) {
    CHECK_INT(read_big(&c, s.port, HN_READ_ALL, 0), HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK(hn_memory_used(c.rt) <= 3 * MIB);
    CHECK_INT(read_big(&c, s.port, HN_READ_FILL, MIB), 0);
  }
  policy_close(&c);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK,
                                     .max_memory = 12 * MIB});
  CHECK_INT(read_big(&c, s.port, HN_READ_ALL, 0), 0);
  CHECK(hn_memory_used(c.rt) >= BIG);
  policy_close(&c);
  serve_stop(&s);
}

/* Handles, texts, events: whatever a script piles up comes to an end. */
TEST(memory_for_what_is_piled_up) {
  enum { LIMIT = 512 * KIB };
  static char text[10000];
  struct client c;
  hn_handle h;
  int rc = 0, n = 0;
  memset(text, 'x', sizeof text - 1);
  policy_open(&c, (struct hn_policy){.allow = BOTH, .max_memory = LIMIT});
  CHECK_INT(hn_set_mask(c.rt, c.session, HN_STATUS_HANDLE_CREATED), 0);
  size_t empty = hn_memory_used(c.rt);
  hn_handle r = policy_request(&c, "127.0.0.1", 80, 0);
  for (int way = 0; way < 4; way++) {
    for (n = 0, rc = 0; rc == 0 && n < 10000; n++) {
      struct hn_request_spec spec = {.path = slice_of(text)};
      struct hn_value v = {.type = HN_TYPE_TEXT, .text = slice_of(text)};
      if (way == 0) rc = hn_open(c.rt, none(), 0, &h);
      if (way == 1) rc = hn_connect(c.rt, c.session, slice_of("a"), 0, &h);
      if (way == 2) rc = hn_open_request(c.rt, c.connection, &spec, &h);
      if (way < 3) continue;
      rc =
          hn_open_request(c.rt, c.connection, &(struct hn_request_spec){0}, &h);
      if (rc == 0)
        rc = hn_set_option(c.rt, h, slice_of("request_annotation"), &v);
    }
    CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK(n > 10 && n < 10000);
    CHECK(hn_memory_used(c.rt) <= LIMIT);
    CHECK_INT(hn_close(c.rt, c.session), 0);
    struct hn_event e;
    while (hn_next_event(c.rt, 0, &e)) continue;
    hn_runtime_free(c.rt);
    policy_open(&c, (struct hn_policy){.allow = BOTH, .max_memory = LIMIT});
    CHECK_INT(hn_set_mask(c.rt, c.session, HN_STATUS_HANDLE_CREATED), 0);
    r = policy_request(&c, "127.0.0.1", 80, 0);
  }
  /* All of it is given back. */
  CHECK(hn_memory_used(c.rt) > empty);
  CHECK_INT(hn_close(c.rt, r), 0);
  CHECK_INT(hn_close(c.rt, c.session), 0);
  struct hn_event e;
  while (hn_next_event(c.rt, 0, &e)) continue;
  CHECK(hn_memory_used(c.rt) < 64 * KIB);
  policy_close(&c);
}

/* Idle connections go before memory is said to be short. */
TEST(memory_for_connections) {
  struct serve s[4];
  struct client c;
  for (int i = 0; i < 4; i++) serve_start(&s[i], serve_ok);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK,
                                     .max_memory = 64 * KIB});
  for (int i = 0; i < 12; i++) {
    test_label("connection");
    CHECK_INT(policy_get(&c, "127.0.0.1", s[i % 4].port), 0);
  }
  policy_close(&c);
  for (int i = 0; i < 4; i++) serve_stop(&s[i]);
}

TEST_MAIN(ROW(handles), ROW(response_bodies), ROW(decoded_bodies),
          ROW(request_bodies), ROW(connections),
          ROW(the_line_for_a_connection_has_an_end),
          ROW(everybody_in_line_is_served), ROW(memory_for_a_body),
          ROW(memory_for_what_is_piled_up), ROW(memory_for_connections))
