/*
 * loop_test.c: the whole engine through its public C API, against a small
 * server on a thread of its own, with every allocation failing in turn; what a
 * foreign loop sees of it; and steps that may only work so long.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "serve_fixture.h"

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
  s->answer = answer;
  s->listener = loopback_listen(16, &s->port);
  CHECK(pthread_create(&s->thread, NULL, serve, s) == 0);
}

static void server_stop(struct server *s) {
  shutdown(s->listener, SHUT_RDWR);
  pthread_join(s->thread, NULL);
  close(s->listener);
}

/* One GET; true when "hello" came back. */
static bool get(struct client *c) {
  struct hn_request_spec spec = {.path = slice_of("/x?y=1")};
  struct hn_event e;
  struct hn_slice name = slice_of("X-Trace");
  hn_handle r;
  if (hn_open_request(c->rt, c->connection, &spec, &r)) return false;
  bool ok = hn_add_header(c->rt, r, name, slice_of("1"), HN_ADD) == 0 &&
            client_exchange(c, r) && hn_read(c->rt, r, 0, HN_READ_ALL) == 0 &&
            client_await(c, r, HN_OP_READ_DATA, &e) &&
            slice_equal(e.text, slice_of("hello")) &&
            hn_read(c->rt, r, 1, HN_READ_SOME) == 0 &&
            client_await(c, r, HN_OP_READ_DATA, &e) && e.ended;
  CHECK_INT(hn_close(c->rt, r), 0);
  return ok;
}

/* A life of a runtime: two GETs on one connection, with every notification. */
static bool life(void *ctx) {
  const struct server *s = ctx;
  struct client c;
  if (hn_runtime_new(&c.rt)) return false;
  bool ok = hn_open(c.rt, slice_of("test"), 0, &c.session) == 0 &&
            hn_set_mask(c.rt, c.session, 0xffffffff) == 0 &&
            hn_connect(c.rt, c.session, slice_of("127.0.0.1"), s->port,
                       &c.connection) == 0 &&
            get(&c) && get(&c) && hn_close(c.rt, c.session) == 0;
  size_t handles, operations;
  hn_live(c.rt, &handles, &operations);
  CHECK_INT(operations, 0);
  if (ok) CHECK_INT(handles, 0);
  hn_runtime_free(c.rt);
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
  struct client c;
  struct hn_event e;
  server_start(&s, "");
  client_open(&c, s.port, HN_STATUS_HANDLE_CLOSING);
  hn_handle request = client_request(&c, "GET");
  CHECK_INT(hn_send(c.rt, request, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(client_await(&c, request, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(hn_receive_response(c.rt, request), 0);
  CHECK_INT(hn_step(c.rt, 0), 0);
  CHECK_INT(hn_close(c.rt, c.session), 0);
  CHECK_INT(hn_close(c.rt, request), HN_ERR_INVALID_HANDLE);
  CHECK_INT(hn_read(c.rt, request, 1, HN_READ_SOME), HN_ERR_INVALID_HANDLE);
  CHECK(hn_next_event(c.rt, c.session, &e));
  CHECK_INT(e.status, HN_STATUS_REQUEST_ERROR);
  CHECK_INT(e.code, HN_ERR_OPERATION_CANCELLED);
  CHECK(e.handle == request);
  CHECK(hn_next_event(c.rt, c.session, &e) && e.number == request);
  CHECK(hn_next_event(c.rt, c.session, &e) && e.number == c.connection);
  CHECK(hn_next_event(c.rt, c.session, &e) && e.number == c.session);
  CHECK(!hn_next_event(c.rt, 0, &e));
  hn_runtime_free(c.rt);
  server_stop(&s);
}

TEST(a_discarded_handle_leaves_no_event) {
  struct client c;
  struct hn_event e;
  client_open(&c, 9, 0xffffffff);
  hn_handle request = client_request(&c, "GET");
  hn_discard(c.rt, c.session);
  CHECK(!hn_next_event(c.rt, 0, &e));
  CHECK(!hn_is_valid(c.rt, request));
  hn_discard(c.rt, c.session);
  hn_runtime_free(c.rt);
}

TEST(an_operation_nobody_waited_for_was_broken_off) {
  struct server s;
  struct client c;
  struct hn_event e;
  server_start(&s, answer_plain);
  client_open(&c, s.port, 0);
  CHECK_INT(hn_open(c.rt, none(), 0, &c.session), 0); /* a sync one */
  CHECK_INT(
      hn_connect(c.rt, c.session, slice_of("127.0.0.1"), s.port, &c.connection),
      0);
  hn_handle request = client_request(&c, "GET");
  CHECK_INT(hn_send(c.rt, request, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK_INT(hn_await(c.rt, request, HN_OP_SEND_REQUEST), 0);
  CHECK(client_await(&c, request, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(hn_receive_response(c.rt, request), 0);
  CHECK_INT(hn_step(c.rt, 1000), 0);
  /* Its completion lies there, and nobody ever took it. */
  CHECK_INT(hn_read(c.rt, request, 9, HN_READ_SOME),
            HN_ERR_OPERATION_CANCELLED);
  CHECK_INT(hn_read(c.rt, request, 9, HN_READ_SOME),
            HN_ERR_OPERATION_CANCELLED);
  CHECK(!hn_next_event(c.rt, 0, &e));
  CHECK_INT(hn_send(c.rt, request, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK_INT(hn_await(c.rt, request, HN_OP_SEND_REQUEST), 0);
  CHECK(client_await(&c, request, HN_OP_SEND_REQUEST, &e));
  hn_runtime_free(c.rt);
  server_stop(&s);
}

/* ------------------------------------------------------------ a foreign loop
 */

/* A head that says by its first letter after "GET /" what comes back: "s"
 * nothing, "r" a redirect to itself, anything else five bytes. */
static void answer_by_path(int fd) {
  char c, seen[6] = "";
  while (recv(fd, seen, 5, MSG_WAITALL) == 5 && recv(fd, &c, 1, 0) == 1) {
    if (!serve_take_head(fd)) return;
    if (c == 'r')
      serve_say(fd, "HTTP/1.1 302 Found\r\nLocation: /x\r\n"
                    "Content-Length: 0\r\n\r\n");
    else if (c != 's')
      serve_say(fd, answer_plain);
  }
}

struct foreign {
  struct serve s;
  struct client c;
  int fd;
};

/* False with a reactor that has no descriptor. */
static bool foreign_open(struct foreign *f, uint32_t mask) {
  serve_start(&f->s, answer_by_path);
  client_open(&f->c, f->s.port, mask);
  int rc = hn_pollable(f->c.rt, &f->fd);
  if (strcmp(hn_reactor_name(), "epoll") == 0) return CHECK_INT(rc, 0);
  CHECK_INT(rc, HN_ERR_NOT_SUPPORTED);
  return false;
}

static void foreign_close(struct foreign *f) {
  hn_runtime_free(f->c.rt);
  serve_stop(&f->s);
}

static hn_handle foreign_request(struct foreign *f, const char *path) {
  struct hn_request_spec spec = {.path = slice_of(path)};
  hn_handle r = 0;
  CHECK_INT(hn_open_request(f->c.rt, f->c.connection, &spec, &r), 0);
  return r;
}

/* Does all there is to do; there must be an end to it. The events taken. */
static int foreign_drain(struct foreign *f) {
  struct hn_event e;
  int taken = 0;
  for (int i = 0; i < 100 && is_readable(f->fd, 0); i++) {
    CHECK_INT(hn_step(f->c.rt, 0), 0);
    while (hn_next_event(f->c.rt, 0, &e)) taken++;
  }
  CHECK_INT(is_readable(f->fd, 0), 0);
  CHECK(hn_next_timeout(f->c.rt) != 0);
  return taken;
}

/* Works as the descriptor says until the operation has completed. */
static bool foreign_await(struct foreign *f, hn_handle h, enum hn_op op) {
  struct hn_event e;
  for (int i = 0; i < 100; i++) {
    while (hn_next_event(f->c.rt, 0, &e))
      if (e.handle == h && e.op == op)
        return e.status != HN_STATUS_REQUEST_ERROR;
    if (!CHECK_INT(is_readable(f->fd, 10000), 1)) return false;
    CHECK_INT(hn_step(f->c.rt, 0), 0);
  }
  return false;
}

static void foreign_send(struct foreign *f, hn_handle r) {
  CHECK_INT(hn_send(f->c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK_INT(is_readable(f->fd, 0), 1);
  CHECK_INT(hn_next_timeout(f->c.rt), 0);
  CHECK(foreign_await(f, r, HN_OP_SEND_REQUEST));
}

TEST(a_foreign_loop_is_told_of_operations_network_and_events) {
  struct foreign f;
  if (foreign_open(&f, 0)) {
    hn_handle r = foreign_request(&f, "/x");
    CHECK_INT(is_readable(f.fd, 0), 0);
    CHECK_INT(hn_next_timeout(f.c.rt), -1);
    foreign_send(&f, r);
    CHECK_INT(hn_receive_response(f.c.rt, r), 0);
    CHECK_INT(is_readable(f.fd, 0), 1);
    CHECK(foreign_await(&f, r, HN_OP_RECEIVE_RESPONSE));
    CHECK_INT(foreign_drain(&f), 0);
    CHECK_INT(hn_read(f.c.rt, r, 5, HN_READ_FILL), 0);
    CHECK_INT(hn_step(f.c.rt, 0), 0);
    CHECK_INT(is_readable(f.fd, 0), 1); /* for its event */
    CHECK_INT(hn_step(f.c.rt, 0), 0);
    CHECK_INT(is_readable(f.fd, 0), 1);
    CHECK_INT(foreign_drain(&f), 1);
    hn_wake(f.c.rt);
    CHECK_INT(is_readable(f.fd, 0), 1);
    CHECK_INT(foreign_drain(&f), 0);
  }
  foreign_close(&f);
}

TEST(a_foreign_loop_is_told_of_deadlines) {
  static const char *const names[] = {"receive_response_timeout",
                                      "total_timeout"};
  struct foreign f;
  struct hn_event e;
  for (int i = 0; i < 2 && foreign_open(&f, 0); i++) {
    client_set_number(&f.c, "receive_timeout", HN_TYPE_TIME, 40);
    client_set_number(&f.c, names[i], HN_TYPE_TIME, 40);
    hn_handle r = foreign_request(&f, "/silent");
    foreign_send(&f, r);
    int64_t start = client_now();
    CHECK_INT(hn_receive_response(f.c.rt, r), 0);
    CHECK_INT(hn_step(f.c.rt, 0), 0);
    int64_t left = hn_next_timeout(f.c.rt);
    CHECK(left > 0 && left <= 41);
    CHECK_INT(is_readable(f.fd, 0), 0);
    CHECK_INT(is_readable(f.fd, 10000), 1);
    CHECK(client_now() - start >= left - 1);
    CHECK_INT(hn_next_timeout(f.c.rt), 0);
    CHECK_INT(hn_step(f.c.rt, 0), 0);
    CHECK(hn_next_event(f.c.rt, 0, &e));
    CHECK_INT(e.code, HN_ERR_TIMEOUT);
    CHECK_INT(foreign_drain(&f), 0);
    CHECK_INT(hn_next_timeout(f.c.rt), -1);
    if (i == 0) foreign_close(&f);
  }
  foreign_close(&f);
}

static void end_close(struct foreign *f, hn_handle r) {
  CHECK_INT(hn_close(f->c.rt, r), 0);
}

static void end_discard(struct foreign *f, hn_handle r) {
  hn_discard(f->c.rt, r);
}

static void end_cancel(struct foreign *f, hn_handle r) {
  CHECK_INT(hn_cancel(f->c.rt, r, HN_OP_NONE), 0);
}

TEST(a_deadline_that_a_close_took_along_wakes_nobody) {
  static void (*const ends[])(struct foreign * f, hn_handle r) = {
      end_close, end_discard, end_cancel};
  struct foreign f;
  if (foreign_open(&f, 0)) {
    client_set_number(&f.c, "total_timeout", HN_TYPE_TIME, 60);
    for (int i = 0; i < 3; i++) {
      hn_handle r = foreign_request(&f, "/silent");
      foreign_send(&f, r);
      CHECK_INT(hn_receive_response(f.c.rt, r), 0);
      CHECK_INT(hn_step(f.c.rt, 0), 0);
      CHECK(hn_next_timeout(f.c.rt) > 0);
      ends[i](&f, r);
      while (i == 0 && foreign_drain(&f) > 0) continue;
      CHECK_INT(is_readable(f.fd, 100), 0);
      CHECK_INT(hn_next_timeout(f.c.rt), -1);
    }
  }
  foreign_close(&f);
}

TEST(a_foreign_loop_is_told_of_what_a_close_posts) {
  struct foreign f;
  struct hn_event e;
  if (foreign_open(&f, HN_STATUS_HANDLE_CLOSING | HN_STATUS_HANDLE_CREATED)) {
    foreign_drain(&f);
    hn_handle r = foreign_request(&f, "/x");
    CHECK_INT(is_readable(f.fd, 0), 1);
    CHECK(hn_next_event(f.c.rt, 0, &e));
    CHECK_INT(is_readable(f.fd, 0), 0);
    CHECK_INT(hn_close(f.c.rt, r), 0);
    CHECK_INT(is_readable(f.fd, 0), 1);
    hn_discard(f.c.rt, f.c.session); /* takes the event along */
    CHECK_INT(is_readable(f.fd, 0), 0);
  }
  foreign_close(&f);
}

TEST(a_foreign_loop_is_told_when_a_connection_is_free) {
  struct foreign f;
  if (foreign_open(&f, 0)) {
    client_set_number(&f.c, "max_conns_per_server", HN_TYPE_INTEGER, 1);
    hn_handle first = foreign_request(&f, "/silent");
    hn_handle second = foreign_request(&f, "/x");
    foreign_send(&f, first);
    CHECK_INT(hn_send(f.c.rt, second, none(), none(), HN_LENGTH_AUTO), 0);
    foreign_drain(&f);
    hn_discard(f.c.rt, first);
    CHECK_INT(is_readable(f.fd, 0), 1);
    CHECK_INT(hn_next_timeout(f.c.rt), 0);
    CHECK(foreign_await(&f, second, HN_OP_SEND_REQUEST));
    foreign_drain(&f);
  }
  foreign_close(&f);
}

TEST(a_foreign_loop_is_told_of_look_ups_and_held_redirects) {
  struct foreign f;
  struct hn_event e;
  if (foreign_open(&f, HN_STATUS_REDIRECT)) {
    CHECK_INT(hn_connect(f.c.rt, f.c.session, slice_of("localhost"), f.s.port,
                         &f.c.connection),
              0);
    hn_handle r = foreign_request(&f, "/redirect");
    foreign_send(&f, r);
    CHECK_INT(hn_receive_response(f.c.rt, r), 0);
    while (!hn_next_event(f.c.rt, 0, &e) && is_readable(f.fd, 10000))
      CHECK_INT(hn_step(f.c.rt, 0), 0);
    CHECK_INT(e.status, HN_STATUS_REDIRECT);
    CHECK_INT(is_readable(f.fd, 0), 1); /* the next take lets it go on */
    CHECK(!hn_next_event(f.c.rt, 0, &e));
    CHECK_INT(is_readable(f.fd, 0), 1);
    CHECK(foreign_await(&f, r, HN_OP_RECEIVE_RESPONSE));
    foreign_drain(&f);
  }
  foreign_close(&f);
}

TEST(a_forked_child_leaves_its_parents_descriptor_alone) {
  struct foreign f;
  if (foreign_open(&f, 0)) {
    hn_handle r = foreign_request(&f, "/x");
    CHECK_INT(hn_send(f.c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
    CHECK_INT(is_readable(f.fd, 0), 1);
    pid_t pid = fork();
    if (pid == 0) {
      int fd = 0;
      hn_handle own;
      bool ok = hn_pollable(f.c.rt, &fd) == HN_ERR_SHUTDOWN && fd == 0 &&
                hn_next_timeout(f.c.rt) == -1 &&
                hn_open(f.c.rt, none(), HN_OPEN_ASYNC, &own) == 0 &&
                hn_pollable(f.c.rt, &fd) == 0 && !is_readable(fd, 0);
      hn_runtime_free(f.c.rt);
      _exit(ok ? 0 : 1);
    }
    int status = -1;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    CHECK_INT(is_readable(f.fd, 0), 1);
    CHECK(foreign_await(&f, r, HN_OP_SEND_REQUEST));
  }
  foreign_close(&f);
}

/* -------------------------------------------------------------------- budget
 */

enum { MANY = 8 };

/* A started send. */
static hn_handle start_send(struct client *c, const char *path) {
  struct hn_request_spec spec = {.path = slice_of(path)};
  hn_handle r = 0;
  CHECK_INT(hn_open_request(c->rt, c->connection, &spec, &r), 0);
  CHECK_INT(hn_send(c->rt, r, none(), none(), HN_LENGTH_AUTO), 0);
  return r;
}

/* A request whose answer is awaited, over a connection of its own. */
static hn_handle start_receive(struct client *c, const char *path) {
  struct hn_event e;
  hn_handle r = start_send(c, path);
  CHECK(client_await(c, r, HN_OP_SEND_REQUEST, &e));
  CHECK_INT(hn_receive_response(c->rt, r), 0);
  CHECK_INT(hn_step(c->rt, 0), 0);
  return r;
}

TEST(a_step_out_of_time_leaves_the_rest_to_the_next_in_order) {
  struct serve s;
  struct client c;
  struct hn_event e;
  hn_handle r[MANY];
  serve_start(&s, answer_by_path);
  client_open(&c, s.port, HN_STATUS_CONNECTING_TO_SERVER);
  CHECK_INT(hn_set_budget(c.rt, -1), HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_budget(c.rt), 0);
  CHECK_INT(hn_set_budget(c.rt, 1), 0);
  CHECK_INT(hn_budget(c.rt), 1);
  for (int i = 0; i < MANY; i++) r[i] = start_send(&c, "/x");
  for (int i = 0; i < MANY; i++) {
    CHECK_INT(hn_next_timeout(c.rt), 0);
    CHECK_INT(hn_step(c.rt, 1000), 0);
    CHECK(hn_next_event(c.rt, 0, &e));
    do CHECK(e.handle == r[i]);
    while (hn_next_event(c.rt, 0, &e));
  }
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

TEST(what_the_network_brought_at_once_is_worked_off_in_turn) {
  struct serve s;
  struct client c;
  struct hn_event e;
  size_t handles, operations = MANY;
  serve_start(&s, answer_by_path);
  client_open(&c, s.port, 0);
  CHECK_INT(hn_set_budget(c.rt, 1), 0);
  for (int i = 0; i < MANY; i++) start_receive(&c, "/x");
  while (hn_next_event(c.rt, 0, &e)) continue;
  serve_nap(50); /* the other answers are here */
  for (int i = 0; i < 20 * MANY && operations > 0; i++) {
    CHECK_INT(hn_step(c.rt, 100), 0);
    if (hn_next_event(c.rt, 0, &e)) CHECK(!hn_next_event(c.rt, 0, &e));
    hn_live(c.rt, &handles, &operations);
  }
  CHECK_INT(operations, 0);
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

/* "f" floods with a body, anything else gets an answer after a while. */
static void answer_or_flood(int fd) {
  static char waste[1 << 16];
  char start[6];
  if (recv(fd, start, 6, MSG_WAITALL) != 6 || !serve_take_head(fd)) return;
  if (start[5] != 'f') {
    serve_nap(100);
    serve_say(fd, answer_plain);
    return;
  }
  serve_say(fd, "HTTP/1.1 200 OK\r\n\r\n");
  while (send(fd, waste, sizeof waste, MSG_NOSIGNAL) > 0) continue;
}

/* Reads a body without an end. */
static void start_flood(struct client *c, int fd) {
  struct hn_event e;
  hn_handle r = start_receive(c, "/flood");
  CHECK(client_await(c, r, HN_OP_RECEIVE_RESPONSE, &e));
  CHECK_INT(hn_read_to(c->rt, r, fd, UINT64_MAX), 0);
}

/* Steps without waiting until something has completed: how many were taken
 * from `due` on. */
static int count_steps(struct client *c, int64_t due, struct hn_event *out) {
  int n = 0;
  while (client_now() < due + 10000) {
    bool late = client_now() >= due;
    CHECK_INT(hn_step(c->rt, 0), 0);
    if (late) n++;
    if (hn_next_event(c->rt, 0, out)) return n;
  }
  return -1;
}

TEST(floods_starve_neither_others_nor_deadlines) {
  struct serve s;
  struct client c;
  struct hn_event e;
  int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  serve_start(&s, answer_or_flood);
  client_open(&c, s.port, 0);
  for (int i = 0; i < 4; i++) start_flood(&c, fd);
  CHECK_INT(hn_set_budget(c.rt, 1), 0);
  hn_handle r = start_receive(&c, "/x");
  int64_t start = client_now();
  CHECK(count_steps(&c, start + 150, &e) >= 0);
  CHECK(e.handle == r && e.op == HN_OP_RECEIVE_RESPONSE);
  CHECK_INT(e.status, HN_STATUS_HEADERS_AVAILABLE);
  client_set_number(&c, "receive_timeout", HN_TYPE_TIME, 40);
  client_set_number(&c, "receive_response_timeout", HN_TYPE_TIME, 40);
  r = start_receive(&c, "/x");
  int steps = count_steps(&c, client_now() + 50, &e);
  CHECK(steps >= 0 && steps < 50);
  CHECK(e.handle == r && e.code == HN_ERR_TIMEOUT);
  hn_runtime_free(c.rt);
  serve_stop(&s);
  close(fd);
}

TEST_MAIN(ROW(a_get_survives_every_failing_allocation),
          ROW(a_chunked_get_survives_every_failing_allocation),
          ROW(closing_a_session_completes_what_runs_and_tells_bottom_up),
          ROW(a_discarded_handle_leaves_no_event),
          ROW(an_operation_nobody_waited_for_was_broken_off),
          ROW(a_foreign_loop_is_told_of_operations_network_and_events),
          ROW(a_foreign_loop_is_told_of_deadlines),
          ROW(a_deadline_that_a_close_took_along_wakes_nobody),
          ROW(a_foreign_loop_is_told_of_what_a_close_posts),
          ROW(a_foreign_loop_is_told_when_a_connection_is_free),
          ROW(a_foreign_loop_is_told_of_look_ups_and_held_redirects),
          ROW(a_forked_child_leaves_its_parents_descriptor_alone),
          ROW(a_step_out_of_time_leaves_the_rest_to_the_next_in_order),
          ROW(what_the_network_brought_at_once_is_worked_off_in_turn),
          ROW(floods_starve_neither_others_nor_deadlines))
