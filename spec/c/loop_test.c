/*
 * loop_test.c: the whole engine through its public C API, against a small
 * server on a thread of its own, with every allocation failing in turn.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

static const char answer_plain[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"
    "hello";
static const char answer_chunked[] =
    "HTTP/1.1 100 Continue\r\n\r\n"
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-Check: 1\r\n\r\n";

/* Answers every request head on every connection with one text. */
struct server {
  int listener;
  unsigned port;
  const char *answer;
  pthread_t thread;
};

static void serve_connection(int fd, const char *answer) {
  char text[4096];
  size_t size = 0;
  for (;;) {
    ssize_t n = recv(fd, text + size, sizeof text - 1 - size, 0);
    if (n <= 0) break;
    size += (size_t)n;
    text[size] = '\0';
    char *end;
    while ((end = strstr(text, "\r\n\r\n")) != NULL) {
      size_t used = (size_t)(end + 4 - text);
      memmove(text, text + used, size + 1 - used);
      size -= used;
      if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0) return;
    }
  }
}

static void *serve(void *arg) {
  struct server *s = arg;
  int fd;
  while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
    serve_connection(fd, s->answer);
    close(fd);
  }
  return NULL;
}

static void server_start(struct server *s, const char *answer) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  socklen_t size = sizeof a;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  s->answer = answer;
  s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(bind(s->listener, (struct sockaddr *)&a, sizeof a) == 0);
  CHECK(listen(s->listener, 16) == 0);
  CHECK(getsockname(s->listener, (struct sockaddr *)&a, &size) == 0);
  s->port = ntohs(a.sin_port);
  CHECK(pthread_create(&s->thread, NULL, serve, s) == 0);
}

static void server_stop(struct server *s) {
  shutdown(s->listener, SHUT_RDWR);
  pthread_join(s->thread, NULL);
  close(s->listener);
}

static struct hn_slice none(void) {
  return slice_make(NULL, 0);
}

/* Steps until the operation has completed; other events are let go. */
static bool await(hn_runtime *rt, hn_handle h, enum hn_op op,
                  struct hn_event *out) {
  (void)hn_await(rt, h, op);
  for (int i = 0; i < 1000; i++) {
    while (hn_next_event(rt, 0, out))
      if (out->handle == h && out->op == op)
        return out->status != HN_STATUS_REQUEST_ERROR;
    if (hn_step(rt, 1000)) return false;
  }
  return false;
}

/* One GET on a connection handle; true when "hello" came back. */
static bool get(hn_runtime *rt, hn_handle connection) {
  struct hn_request_spec spec = {.path = slice_of("/x?y=1")};
  struct hn_event e;
  struct hn_slice name = slice_of("X-Trace");
  hn_handle r;
  if (hn_open_request(rt, connection, &spec, &r)) return false;
  bool ok =
      hn_add_header(rt, r, name, slice_of("1"), HN_ADD) == 0 &&
      hn_send(rt, r, none(), none(), HN_LENGTH_AUTO) == 0 &&
      await(rt, r, HN_OP_SEND_REQUEST, &e) &&
      hn_receive_response(rt, r) == 0 &&
      await(rt, r, HN_OP_RECEIVE_RESPONSE, &e) &&
      hn_read(rt, r, 0, HN_READ_ALL) == 0 && await(rt, r, HN_OP_READ_DATA, &e) &&
      slice_equal(e.text, slice_of("hello")) &&
      hn_read(rt, r, 1, HN_READ_SOME) == 0 &&
      await(rt, r, HN_OP_READ_DATA, &e) && e.ended;
  CHECK_INT(hn_close(rt, r), 0);
  return ok;
}

/* A life of a runtime: two GETs on one connection, with every notification. */
static bool life(void *ctx) {
  const struct server *s = ctx;
  hn_runtime *rt;
  hn_handle session, connection;
  if (hn_runtime_new(&rt)) return false;
  bool ok = hn_open(rt, slice_of("test"), 0, &session) == 0 &&
            hn_set_mask(rt, session, 0xffffffff) == 0 &&
            hn_connect(rt, session, slice_of("127.0.0.1"), s->port,
                       &connection) == 0 &&
            get(rt, connection) && get(rt, connection) &&
            hn_close(rt, session) == 0;
  size_t handles, operations;
  hn_live(rt, &handles, &operations);
  CHECK_INT(operations, 0);
  if (ok) CHECK_INT(handles, 0);
  hn_runtime_free(rt);
  return ok;
}

static void run_life(const char *answer) {
  struct server s;
  server_start(&s, answer);
  CHECK(life(&s));
  test_each_failure(life, &s);
  server_stop(&s);
}

TEST(a_get_survives_every_failing_allocation) {
  run_life(answer_plain);
}

TEST(a_chunked_get_survives_every_failing_allocation) {
  run_life(answer_chunked);
}

TEST(closing_a_session_completes_what_runs_and_tells_bottom_up) {
  struct server s;
  hn_runtime *rt;
  hn_handle session, connection, request;
  struct hn_request_spec spec = {.path = none()};
  struct hn_event e;
  server_start(&s, "");
  CHECK_INT(hn_runtime_new(&rt), 0);
  CHECK_INT(hn_open(rt, none(), HN_OPEN_ASYNC, &session), 0);
  CHECK_INT(hn_set_mask(rt, session, HN_STATUS_HANDLE_CLOSING), 0);
  CHECK_INT(hn_connect(rt, session, slice_of("127.0.0.1"), s.port, &connection),
            0);
  CHECK_INT(hn_open_request(rt, connection, &spec, &request), 0);
  CHECK_INT(hn_send(rt, request, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(await(rt, request, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(hn_receive_response(rt, request), 0);
  CHECK_INT(hn_step(rt, 0), 0);
  CHECK_INT(hn_close(rt, session), 0);
  CHECK_INT(hn_close(rt, request), HN_ERR_INVALID_HANDLE);
  CHECK_INT(hn_read(rt, request, 1, HN_READ_SOME), HN_ERR_INVALID_HANDLE);
  CHECK(hn_next_event(rt, session, &e));
  CHECK_INT(e.status, HN_STATUS_REQUEST_ERROR);
  CHECK_INT(e.code, HN_ERR_OPERATION_CANCELLED);
  CHECK(e.handle == request);
  CHECK(hn_next_event(rt, session, &e) && e.number == request);
  CHECK(hn_next_event(rt, session, &e) && e.number == connection);
  CHECK(hn_next_event(rt, session, &e) && e.number == session);
  CHECK(!hn_next_event(rt, 0, &e));
  hn_runtime_free(rt);
  server_stop(&s);
}

TEST(a_discarded_handle_leaves_no_event) {
  hn_runtime *rt;
  hn_handle session, connection, request;
  struct hn_request_spec spec = {.path = none()};
  struct hn_event e;
  CHECK_INT(hn_runtime_new(&rt), 0);
  CHECK_INT(hn_open(rt, none(), 0, &session), 0);
  CHECK_INT(hn_set_mask(rt, session, 0xffffffff), 0);
  CHECK_INT(hn_connect(rt, session, slice_of("127.0.0.1"), 9, &connection), 0);
  CHECK_INT(hn_open_request(rt, connection, &spec, &request), 0);
  hn_discard(rt, session);
  CHECK(!hn_next_event(rt, 0, &e));
  CHECK(!hn_is_valid(rt, request));
  hn_discard(rt, session);
  hn_runtime_free(rt);
}

TEST(an_operation_nobody_waited_for_was_broken_off) {
  struct server s;
  hn_runtime *rt;
  hn_handle session, connection, request;
  struct hn_request_spec spec = {.path = none()};
  struct hn_event e;
  server_start(&s, answer_plain);
  CHECK_INT(hn_runtime_new(&rt), 0);
  CHECK_INT(hn_open(rt, none(), 0, &session), 0);
  CHECK_INT(hn_connect(rt, session, slice_of("127.0.0.1"), s.port, &connection),
            0);
  CHECK_INT(hn_open_request(rt, connection, &spec, &request), 0);
  CHECK_INT(hn_send(rt, request, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(await(rt, request, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(hn_receive_response(rt, request), 0);
  CHECK_INT(hn_step(rt, 1000), 0);
  /* Its completion lies there, and nobody ever took it. */
  CHECK_INT(hn_read(rt, request, 9, HN_READ_SOME),
            HN_ERR_OPERATION_CANCELLED);
  CHECK_INT(hn_read(rt, request, 9, HN_READ_SOME),
            HN_ERR_OPERATION_CANCELLED);
  CHECK(!hn_next_event(rt, 0, &e));
  CHECK_INT(hn_send(rt, request, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(await(rt, request, HN_OP_SEND_REQUEST, &e));
  hn_runtime_free(rt);
  server_stop(&s);
}

TEST_MAIN(ROW(a_get_survives_every_failing_allocation),
          ROW(a_chunked_get_survives_every_failing_allocation),
          ROW(closing_a_session_completes_what_runs_and_tells_bottom_up),
          ROW(a_discarded_handle_leaves_no_event),
          ROW(an_operation_nobody_waited_for_was_broken_off))
