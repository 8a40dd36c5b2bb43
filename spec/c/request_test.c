/*
 * request_test.c: stories of requests that went wrong once, each against a
 * server that does exactly what it takes.
 */
#include <sys/wait.h>

#include "../../csrc/hinternet_url.h"
#include "../../csrc/net/clock.h"
#include "serve_fixture.h"

static void serve_half(int fd) {
  while (serve_take_head(fd))
    serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789");
}

TEST(a_send_that_fails_ends_the_response_before) {
  struct serve s;
  struct client c;
  serve_start(&s, serve_half);
  client_open(&c, s.port, 0);
  hn_handle r = client_request(&c, "GET");
  CHECK(client_exchange(&c, r));
  CHECK_INT(hn_send(c.rt, r, slice_of("no header"), none(), HN_LENGTH_AUTO),
            HN_ERR_INVALID_PARAMETER);
  /* Half of the body never came: that must not look like its end. */
  CHECK_INT(hn_read(c.rt, r, 5, HN_READ_FILL), HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK(client_exchange(&c, r));
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

static _Atomic int heads;

static void serve_count(int fd) {
  while (serve_take_head(fd)) heads++;
}

TEST(a_send_that_fails_does_not_send_the_one_before_again) {
  struct serve s;
  struct client c;
  struct hn_event e;
  heads = 0;
  serve_start(&s, serve_count);
  client_open(&c, s.port, 0);
  hn_handle r = client_request(&c, "POST");
  CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(client_await(&c, r, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(hn_send(c.rt, r, slice_of("no header"), none(), HN_LENGTH_AUTO),
            HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_receive_response(c.rt, r), HN_ERR_INCORRECT_HANDLE_STATE);
  (void)client_idle(&c, 60);
  CHECK_INT(heads, 1);
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

static void serve_rest_later(int fd) {
  char rest[1000];
  memset(rest, 'x', sizeof rest);
  if (!serve_take_head(fd)) return;
  serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2005\r\n\r\nbegin");
  serve_nap(60);
  serve_put(fd, rest, sizeof rest);
  serve_nap(60);
  serve_put(fd, rest, sizeof rest);
  while (serve_take_head(fd))
    serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
}

TEST(a_body_that_nobody_reads_is_drained_as_it_comes) {
  struct serve s;
  struct client c;
  struct hn_value opened;
  serve_start(&s, serve_rest_later);
  client_open(&c, s.port, 0);
  hn_handle r = client_request(&c, "GET");
  CHECK(client_exchange(&c, r));
  CHECK_INT(hn_close(c.rt, r), 0);
  CHECK(client_idle(&c, 250) < 30);
  CHECK(client_exchange(&c, client_request(&c, "GET")));
  CHECK_INT(
      hn_query_option(c.rt, c.session, slice_of("connections_opened"), &opened),
      0);
  CHECK_INT(opened.number, 1);
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

static void serve_redirect(int fd) {
  char rest[1000];
  memset(rest, 'x', sizeof rest);
  if (!serve_take_head(fd)) return;
  serve_say(fd, "HTTP/1.1 302 Found\r\nLocation: /x\r\n"
                "Content-Length: 1000\r\n\r\n");
  serve_nap(30);
  serve_put(fd, rest, sizeof rest);
  while (serve_take_head(fd))
    serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
}

TEST(a_redirect_that_nobody_has_heard_lets_the_steps_wait) {
  struct serve s;
  struct client c;
  struct hn_event e;
  serve_start(&s, serve_redirect);
  client_open(&c, s.port, HN_STATUS_REDIRECT);
  hn_handle r = client_request(&c, "GET");
  CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(client_await(&c, r, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  CHECK(client_idle(&c, 200) < 30);
  CHECK(hn_next_event(c.rt, 0, &e) && e.status == HN_STATUS_REDIRECT);
  CHECK(client_await(&c, r, HN_OP_RECEIVE_RESPONSE, &e));
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

static void serve_moved(int fd) {
  if (!serve_take_head(fd)) return;
  serve_say(fd, "HTTP/1.1 303 Other\r\nLocation: /x\r\n"
                "Content-Length: 0\r\n\r\n");
  while (serve_take_head(fd)) serve_say(fd, "HTTP/1.1 204 Nothing\r\n\r\n");
}

TEST(the_head_sent_is_that_of_the_last_hop) {
  struct serve s;
  struct client c;
  struct hn_slice text = none();
  serve_start(&s, serve_moved);
  client_open(&c, s.port, 0);
  hn_handle r = client_request(&c, "POST");
  CHECK(client_exchange(&c, r));
  CHECK_INT(hn_query_raw_headers(c.rt, r, HN_FROM_REQUEST, &text), 0);
  CHECK_TEXT(slice_sub(text, 0, slice_find(text, 0, '\r')), "GET /x HTTP/1.1");
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

TEST(the_route_may_change_while_a_request_stands_in_line) {
  struct serve s;
  struct client c;
  struct hn_event e;
  serve_start(&s, serve_half);
  client_open(&c, s.port, 0);
  client_set_text(&c, c.session, "resolve_to", "127.0.0.1");
  client_set_number(&c, "max_conns_per_server", HN_TYPE_INTEGER, 1);
  hn_handle first = client_request(&c, "GET");
  hn_handle second = client_request(&c, "GET");
  CHECK(client_exchange(&c, first));
  CHECK_INT(hn_send(c.rt, second, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK_INT(hn_step(c.rt, 0), 0);
  client_set_text(&c, c.session, "resolve_to", "127.0.0.2");
  CHECK_INT(hn_cancel(c.rt, first, HN_OP_NONE), 0);
  CHECK(client_await(&c, second, HN_OP_SEND_REQUEST, &e));
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

static void serve_early(int fd) {
  if (!serve_take_head(fd)) return;
  /* Closed with the body unread: what is written next meets a reset. */
  serve_say(fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
}

TEST(an_answer_counts_although_the_end_of_the_body_cannot_be_sent) {
  struct serve s;
  struct client c;
  struct hn_event e;
  struct hn_response_line line = {0};
  char body[5000];
  memset(body, 'b', sizeof body);
  serve_start(&s, serve_early);
  client_open(&c, s.port, 0);
  hn_handle r = client_request(&c, "POST");
  CHECK_INT(hn_send(c.rt, r, none(), slice_make(body, sizeof body),
                    HN_LENGTH_CHUNKED),
            0);
  CHECK(client_await(&c, r, HN_OP_SEND_REQUEST, &e));
  serve_nap(50);
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  CHECK(client_await(&c, r, HN_OP_RECEIVE_RESPONSE, &e));
  CHECK_INT(hn_query_response_line(c.rt, r, &line), 0);
  CHECK_INT(line.status, 413);
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

enum { INTERIM = 200 };

static void serve_interim(int fd) {
  static char text[INTERIM * 24 + 100];
  size_t n = 0;
  if (!serve_take_head(fd)) return;
  for (int i = 0; i < INTERIM; i++) {
    memcpy(text + n, "HTTP/1.1 103 Hints\r\n\r\n", 22);
    n += 22;
  }
  memcpy(text + n, "HTTP/1.1 204 Nothing\r\n\r\n", 24);
  serve_put(fd, text, n + 24);
  (void)serve_take_head(fd);
}

TEST(interim_responses_that_come_at_once_are_all_told) {
  struct serve s;
  struct client c;
  struct hn_event e = {0};
  int told = 0;
  serve_start(&s, serve_interim);
  client_open(&c, s.port, 0xffffffff);
  client_set_number(&c, "max_http_status_continue", HN_TYPE_INTEGER, 1000);
  hn_handle r = client_request(&c, "GET");
  CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(client_await(&c, r, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  for (int i = 0; i < 1000 && e.op != HN_OP_RECEIVE_RESPONSE; i++) {
    CHECK_INT(hn_step(c.rt, 1000), 0);
    while (e.op != HN_OP_RECEIVE_RESPONSE && hn_next_event(c.rt, 0, &e))
      told += e.status == HN_STATUS_INTERMEDIATE_RESPONSE;
  }
  CHECK_INT(e.status, HN_STATUS_HEADERS_AVAILABLE);
  CHECK_INT(told, INTERIM);
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

/* Eight blocks of RFC 1951 3.2.7 that hold nothing: 90 bits each, dear to
 * read. */
static const unsigned char empty_blocks[] = {
    0x04, 0xc0, 0x81, 0x00, 0x00, 0x00, 0x00, 0x00, 0x90, 0xff, 0x6b, 0x10,
    0x00, 0x07, 0x02, 0x00, 0x00, 0x00, 0x00, 0x40, 0xfe, 0xaf, 0x41, 0x00,
    0x1c, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf9, 0xbf, 0x06, 0x01, 0x70,
    0x20, 0x00, 0x00, 0x00, 0x00, 0x00, 0xe4, 0xff, 0x1a, 0x04, 0xc0, 0x81,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x90, 0xff, 0x6b, 0x10, 0x00, 0x07, 0x02,
    0x00, 0x00, 0x00, 0x00, 0x40, 0xfe, 0xaf, 0x41, 0x00, 0x1c, 0x08, 0x00,
    0x00, 0x00, 0x00, 0x00, 0xf9, 0xbf, 0x06, 0x01, 0x70, 0x20, 0x00, 0x00,
    0x00, 0x00, 0x00, 0xe4, 0xff, 0x1a};

static void serve_empty_blocks(int fd) {
  static char text[sizeof empty_blocks * 1000];
  for (size_t i = 0; i < sizeof text; i += sizeof empty_blocks)
    memcpy(text + i, empty_blocks, sizeof empty_blocks);
  if (!serve_take_head(fd)) return;
  serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
  serve_put(fd, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  for (int i = 0; i < 40; i++) serve_put(fd, text, sizeof text);
}

static int64_t received(struct client *c, hn_handle r) {
  struct hn_value v;
  int64_t n = 0;
  if (hn_query_option(c->rt, r, slice_of("request_stats"), &v)) return 0;
  for (size_t i = 0; i < v.count; i++)
    if (strcmp(v.fields[i].name, "received") == 0) n = v.fields[i].value.number;
  return n;
}

TEST(a_body_that_unpacks_to_nothing_does_not_hold_a_step) {
  struct serve s;
  struct client c;
  struct hn_event e;
  int64_t most = 0;
  char name[40];
  snprintf(name, sizeof name, "@hn_request_test_%ld", (long)getpid());
  serve_start_local(&s, serve_empty_blocks, name);
  client_open(&c, 80, 0);
  client_set_text(&c, c.session, "unix_socket", name);
  hn_handle r = client_request(&c, "GET");
  CHECK(client_exchange(&c, r));
  CHECK_INT(hn_read(c.rt, r, 10, HN_READ_SOME), 0);
  while (!hn_next_event(c.rt, 0, &e)) {
    int64_t before = received(&c, r);
    CHECK_INT(hn_step(c.rt, 1000), 0);
    if (received(&c, r) - before > most) most = received(&c, r) - before;
  }
  CHECK_INT(e.code, HN_ERR_INVALID_SERVER_RESPONSE); /* cut short */
  CHECK(most <= 512 * 1024);
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

TEST(a_discarded_session_takes_along_what_closed_handles_left) {
  struct client c;
  struct hn_event e;
  client_open(&c, 9, 0xffffffff);
  CHECK_INT(hn_close(c.rt, client_request(&c, "GET")), 0);
  CHECK_INT(hn_close(c.rt, c.connection), 0);
  hn_discard(c.rt, c.session);
  CHECK(!hn_next_event(c.rt, 0, &e));
  hn_runtime_free(c.rt);
}

enum { WIDE = 60000, WIDES = 10 };

static void serve_wide_head(int fd) {
  static char value[WIDE];
  memset(value, 'v', sizeof value);
  if (!serve_take_head(fd)) return;
  serve_say(fd, "HTTP/1.1 204 Nothing\n");
  for (int i = 0; i < WIDES; i++) {
    serve_say(fd, "X-Wide: ");
    serve_put(fd, value, sizeof value);
    serve_say(fd, "\n");
  }
  serve_say(fd, "\n");
  (void)serve_take_head(fd);
}

TEST(a_head_that_may_be_large_can_be_had_as_text) {
  struct serve s;
  struct client c;
  struct hn_slice text = none();
  serve_start(&s, serve_wide_head);
  client_open(&c, s.port, 0);
  client_set_number(&c, "max_response_header_size", HN_TYPE_INTEGER,
                    (int64_t)1 << 20);
  hn_handle r = client_request(&c, "GET");
  CHECK(client_exchange(&c, r));
  CHECK_INT(hn_query_raw_headers(c.rt, r, HN_FROM_RESPONSE, &text), 0);
  CHECK_INT(text.n, strlen("HTTP/1.1 204 Nothing\r\n") + 2 +
                        (size_t)WIDES * (WIDE + strlen("X-Wide: \r\n")));
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

TEST(an_operation_is_over_when_its_completion_is_taken) {
  struct serve s;
  struct client c;
  struct hn_event e;
  serve_start(&s, serve_half);
  client_open(&c, s.port, 0);
  hn_handle r = client_request(&c, "GET");
  CHECK(client_exchange(&c, r));
  CHECK_INT(hn_read(c.rt, r, 4, HN_READ_FILL), 0);
  (void)client_idle(&c, 60); /* it has completed */
  CHECK_INT(hn_read(c.rt, r, 3, HN_READ_FILL), HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK(client_await(&c, r, HN_OP_READ_DATA, &e));
  CHECK_TEXT(e.text, "0123");
  CHECK_INT(hn_read(c.rt, r, 3, HN_READ_FILL), 0);
  CHECK(client_await(&c, r, HN_OP_READ_DATA, &e));
  CHECK_TEXT(e.text, "456");
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

enum { LARGE = 100000 };

static void serve_large(int fd) {
  static char body[LARGE];
  memset(body, 'x', sizeof body);
  if (!serve_take_head(fd)) return;
  serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
  serve_put(fd, body, sizeof body);
  (void)serve_take_head(fd);
}

/* Ends the child; its status counts what went wrong. */
static void be_child(struct client *c, hn_handle r, unsigned port) {
  struct client own = *c;
  struct hn_event e;
  int wrong = hn_is_valid(c->rt, r) + (hn_step(c->rt, 0) != HN_ERR_SHUTDOWN) +
              hn_next_event(c->rt, 0, &e) +
              (hn_close(c->rt, r) != HN_ERR_INVALID_HANDLE);
  wrong += hn_open(c->rt, none(), HN_OPEN_ASYNC, &own.session) != 0;
  wrong += hn_connect(c->rt, own.session, slice_of("127.0.0.1"), port,
                      &own.connection) != 0;
  wrong += !client_exchange(&own, client_request(&own, "GET"));
  wrong += hn_is_valid(c->rt, r);
  hn_runtime_free(c->rt);
  _exit(wrong);
}

TEST(a_forked_child_leaves_its_parents_connections_alone) {
  struct serve s;
  struct client c;
  struct hn_event e;
  int status = 0;
  serve_start(&s, serve_large);
  client_open(&c, s.port, 0);
  hn_handle r = client_request(&c, "GET");
  CHECK(client_exchange(&c, r));
  pid_t child = fork();
  if (child == 0) be_child(&c, r, s.port);
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
  CHECK_INT(WEXITSTATUS(status), 0);
  CHECK_INT(hn_read(c.rt, r, LARGE, HN_READ_FILL), 0);
  CHECK(client_await(&c, r, HN_OP_READ_DATA, &e));
  CHECK_INT(e.text.n, LARGE);
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

TEST(a_forked_child_does_not_wake_its_parent) {
  hn_runtime *rt = NULL;
  int status = 0;
  CHECK_INT(hn_runtime_new(&rt), 0);
  pid_t child = fork();
  if (child == 0) {
    hn_wake(rt);
    _exit(0);
  }
  CHECK(waitpid(child, &status, 0) == child);
  int64_t start = hn_monotonic_time();
  CHECK_INT(hn_step(rt, 100), 0);
  CHECK(hn_monotonic_time() - start >= 90000);
  hn_wake(rt);
  CHECK_INT(hn_step(rt, 10000), 0);
  CHECK(hn_monotonic_time() - start < 9000000);
  hn_runtime_free(rt);
}

TEST(a_runtime_has_one_user_and_tells_it_of_its_end) {
  hn_runtime *rt = NULL, *first = NULL, *second = NULL;
  CHECK_INT(hn_runtime_new(&rt), 0);
  CHECK_INT(hn_runtime_claim(rt, &first), 0);
  CHECK(first == rt);
  CHECK_INT(hn_runtime_claim(rt, &first), 0);
  CHECK_INT(hn_runtime_claim(rt, &second), HN_ERR_INVALID_OPERATION);
  CHECK(second == NULL);
  CHECK_INT(hn_runtime_claim(rt, NULL), 0);
  CHECK_INT(hn_runtime_claim(rt, &second), 0);
  hn_runtime_free(rt);
  CHECK(second == NULL && first == rt);
}

/* A caller that has other things to do gets what is there, and no more. */
TEST(a_result_that_is_there_is_had_without_a_step) {
  struct serve s;
  struct client c;
  struct hn_event e;
  serve_start(&s, serve_large);
  client_open(&c, s.port, 0);
  hn_handle r = client_request(&c, "GET");
  CHECK(client_exchange(&c, r));
  CHECK_INT(hn_read(c.rt, r, 1, HN_READ_FILL), 0);
  CHECK(client_await(&c, r, HN_OP_READ_DATA, &e)); /* the body has begun */
  CHECK_INT(hn_read(c.rt, r, 1, HN_READ_FILL), 0);
  CHECK(!hn_try_result(c.rt, r, HN_OP_SEND_REQUEST, &e));
  CHECK(hn_try_result(c.rt, r, HN_OP_READ_DATA, &e));
  CHECK(e.handle == r && e.status == HN_STATUS_READ_COMPLETE);
  CHECK_INT(e.text.n, 1);
  CHECK(!hn_next_event(c.rt, 0, &e));
  CHECK_INT(hn_set_mask(c.rt, r, HN_STATUS_READ_COMPLETE), 0);
  CHECK_INT(hn_read(c.rt, r, 1, HN_READ_FILL), 0);
  CHECK(!hn_try_result(c.rt, r, HN_OP_READ_DATA, &e)); /* it is to be heard */
  CHECK(client_await(&c, r, HN_OP_READ_DATA, &e));
  CHECK_INT(hn_close(c.rt, r), 0);
  CHECK(!hn_try_result(c.rt, r, HN_OP_READ_DATA, &e));
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

static _Atomic bool may_end;

static void serve_wait(void) {
  while (!may_end) serve_nap(1);
}

static void serve_moved_slowly(int fd) {
  if (!serve_take_head(fd)) return;
  serve_say(fd, "HTTP/1.1 302 Found\r\nLocation: /x\r\n"
                "Content-Length: 4\r\n\r\nre");
  serve_wait();
  serve_say(fd, "st");
  while (serve_take_head(fd))
    serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void serve_moved_far(int fd) {
  if (!serve_take_head(fd)) return;
  serve_say(fd, "HTTP/1.1 302 Found\r\nLocation: /x\r\n"
                "Content-Length: 65537\r\n\r\n");
  serve_wait();
}

static void serve_moved_elsewhere(int fd) {
  if (!serve_take_head(fd)) return;
  serve_say(fd, "HTTP/1.1 302 Found\r\nLocation: http://localhost:1/\r\n"
                "Content-Length: 4\r\n\r\nre");
  serve_wait();
}

static int64_t client_opened(struct client *c) {
  struct hn_value opened;
  CHECK_INT(hn_query_option(c->rt, c->session, slice_of("connections_opened"),
                            &opened),
            0);
  return opened.number;
}

/* A request whose redirect has been heard, and whose time stands still. */
static hn_handle client_to_redirect(struct client *c, struct serve *s,
                                    serve_fn *run) {
  struct hn_event e;
  may_end = false;
  serve_start(s, run);
  client_open(c, s->port, HN_STATUS_REDIRECT);
  hn_handle r = client_request(c, "GET");
  CHECK_INT(hn_send(c->rt, r, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(client_await(c, r, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(hn_receive_response(c->rt, r), 0);
  while (!hn_next_event(c->rt, 0, &e)) CHECK_INT(hn_step(c->rt, 1000), 0);
  CHECK_INT(e.status, HN_STATUS_REDIRECT);
  CHECK(!hn_next_event(c->rt, 0, &e));
  clock_set_fake(clock_now_us());
  for (int i = 0; i < 20; i++) CHECK_INT(hn_step(c->rt, 0), 0);
  return r;
}

static void client_end(struct client *c, struct serve *s) {
  may_end = true;
  clock_set_fake(-1);
  hn_runtime_free(c->rt);
  serve_stop(s);
}

TEST(the_rest_of_a_redirects_body_is_waited_for) {
  struct serve s;
  struct client c;
  struct hn_event e;
  hn_handle r = client_to_redirect(&c, &s, serve_moved_slowly);
  CHECK_INT(client_opened(&c), 1);
  CHECK_INT(hn_next_timeout(c.rt), 250);
  may_end = true;
  CHECK(client_await(&c, r, HN_OP_RECEIVE_RESPONSE, &e));
  CHECK_INT(client_opened(&c), 1);
  client_end(&c, &s);
}

TEST(the_rest_of_a_redirects_body_is_waited_for_so_long_only) {
  struct serve s;
  struct client c;
  struct hn_event e;
  hn_handle r = client_to_redirect(&c, &s, serve_moved_slowly);
  clock_set_fake(clock_now_us() + 249 * 1000);
  for (int i = 0; i < 20; i++) CHECK_INT(hn_step(c.rt, 0), 0);
  CHECK_INT(client_opened(&c), 1);
  CHECK_INT(hn_next_timeout(c.rt), 1);
  clock_set_fake(clock_now_us() + 1000);
  CHECK_INT(hn_next_timeout(c.rt), 0);
  for (int i = 0; i < 20; i++) CHECK_INT(hn_step(c.rt, 0), 0);
  CHECK_INT(client_opened(&c), 2);
  CHECK_INT(hn_close(c.rt, r), 0);
  while (hn_next_event(c.rt, 0, &e)) continue;
  client_end(&c, &s);
}

TEST(what_the_next_hop_has_no_use_for_is_not_waited_for) {
  serve_fn *const rows[] = {serve_moved_far, serve_moved_elsewhere};
  for (size_t i = 0; i < 2; i++) {
    struct serve s;
    struct client c;
    (void)client_to_redirect(&c, &s, rows[i]);
    CHECK_INT(client_opened(&c), 2);
    client_end(&c, &s);
  }
}

TEST(only_urls_of_http_go_into_requests) {
  static const struct {
    const char *scheme;
    int code;
    unsigned flags;
  } rows[] = {{"http", 0, 0},
              {"HTTPS", 0, HN_REQUEST_SECURE},
              {"ws", HN_ERR_UNRECOGNIZED_SCHEME, 99},
              {"WSS", HN_ERR_UNRECOGNIZED_SCHEME, 99},
              {"httpss", HN_ERR_UNRECOGNIZED_SCHEME, 99},
              {"", HN_ERR_UNRECOGNIZED_SCHEME, 99}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    unsigned flags = 99;
    CHECK_INT(hn_scheme_flags(slice_of(rows[i].scheme), &flags), rows[i].code);
    CHECK_INT(flags, rows[i].flags);
  }
}

TEST_MAIN(ROW(the_rest_of_a_redirects_body_is_waited_for),
          ROW(the_rest_of_a_redirects_body_is_waited_for_so_long_only),
          ROW(what_the_next_hop_has_no_use_for_is_not_waited_for),
          ROW(only_urls_of_http_go_into_requests),
          ROW(a_send_that_fails_ends_the_response_before),
          ROW(a_send_that_fails_does_not_send_the_one_before_again),
          ROW(a_body_that_nobody_reads_is_drained_as_it_comes),
          ROW(a_redirect_that_nobody_has_heard_lets_the_steps_wait),
          ROW(the_head_sent_is_that_of_the_last_hop),
          ROW(the_route_may_change_while_a_request_stands_in_line),
          ROW(an_answer_counts_although_the_end_of_the_body_cannot_be_sent),
          ROW(interim_responses_that_come_at_once_are_all_told),
          ROW(a_body_that_unpacks_to_nothing_does_not_hold_a_step),
          ROW(a_discarded_session_takes_along_what_closed_handles_left),
          ROW(a_head_that_may_be_large_can_be_had_as_text),
          ROW(an_operation_is_over_when_its_completion_is_taken),
          ROW(a_forked_child_leaves_its_parents_connections_alone),
          ROW(a_forked_child_does_not_wake_its_parent),
          ROW(a_runtime_has_one_user_and_tells_it_of_its_end),
          ROW(a_result_that_is_there_is_had_without_a_step))
