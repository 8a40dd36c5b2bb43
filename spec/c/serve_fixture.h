/*
 * serve_fixture.h: a server that runs a function for each connection, on
 * threads of its own, and a client's few words to the engine's API.
 */
#ifndef HN_SPEC_SERVE_FIXTURE_H
#define HN_SPEC_SERVE_FIXTURE_H

#include <pthread.h>
#include <stdlib.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../../csrc/hinternet_option.h"
#include "loopback_fixture.h"

enum { SERVE_MAX = 16 };

typedef void serve_fn(int fd);

struct serve {
  int listener;
  unsigned port;
  serve_fn *run;
  pthread_t thread, connections[SERVE_MAX];
  int fds[SERVE_MAX];
  int count;
};

struct serve_one {
  serve_fn *run;
  int fd;
};

static inline void *serve_run_one(void *arg) {
  struct serve_one one = *(struct serve_one *)arg;
  free(arg);
  one.run(one.fd);
  shutdown(one.fd, SHUT_RDWR);
  return NULL;
}

static inline void *serve_run(void *arg) {
  struct serve *s = arg;
  int fd;
  while (s->count < SERVE_MAX && (fd = accept(s->listener, NULL, NULL)) >= 0) {
    struct serve_one *one = malloc(sizeof *one);
    *one = (struct serve_one){s->run, fd};
    s->fds[s->count] = fd;
    pthread_create(&s->connections[s->count], NULL, serve_run_one, one);
    s->count++;
  }
  return NULL;
}

static inline void serve_start(struct serve *s, serve_fn *run) {
  memset(s, 0, sizeof *s);
  s->run = run;
  s->listener = loopback_listen(16, &s->port);
  CHECK_INT(pthread_create(&s->thread, NULL, serve_run, s), 0);
}

/* The same on an abstract Unix socket "@name", whose receiver may find much
 * more at once. */
static inline void serve_start_local(struct serve *s, serve_fn *run,
                                     const char *name) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  size_t n = strlen(name);
  memset(s, 0, sizeof *s);
  memcpy(a.sun_path + 1, name + 1, n - 1);
  s->run = run;
  s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK_INT(bind(s->listener, (struct sockaddr *)&a,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
            0);
  CHECK_INT(listen(s->listener, 16), 0);
  CHECK_INT(pthread_create(&s->thread, NULL, serve_run, s), 0);
}

static inline void serve_stop(struct serve *s) {
  shutdown(s->listener, SHUT_RDWR);
  pthread_join(s->thread, NULL);
  close(s->listener);
  for (int i = 0; i < s->count; i++) {
    shutdown(s->fds[i], SHUT_RDWR);
    pthread_join(s->connections[i], NULL);
    close(s->fds[i]);
  }
}

/* Byte by byte, so that nothing behind the head is taken. */
static inline bool serve_take_head(int fd) {
  static const char end[] = "\r\n\r\n";
  size_t seen = 0;
  char c;
  while (seen < 4) {
    if (recv(fd, &c, 1, 0) <= 0) return false;
    seen = c == end[seen] ? seen + 1 : c == '\r';
  }
  return true;
}

static inline void serve_put(int fd, const char *p, size_t n) {
  while (n > 0) {
    ssize_t put = send(fd, p, n, MSG_NOSIGNAL);
    if (put <= 0) return;
    p += put;
    n -= (size_t)put;
  }
}

static inline void serve_say(int fd, const char *text) {
  serve_put(fd, text, strlen(text));
}

static inline void serve_nap(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&t, NULL);
}

/* ------------------------------------------------------------------- client */

struct client {
  hn_runtime *rt;
  hn_handle session, connection;
};

static inline struct hn_slice none(void) {
  return slice_make(NULL, 0);
}

static inline void client_open(struct client *c, unsigned port, uint32_t mask) {
  CHECK_INT(hn_runtime_new(&c->rt), 0);
  CHECK_INT(hn_open(c->rt, none(), HN_OPEN_ASYNC, &c->session), 0);
  CHECK_INT(hn_set_mask(c->rt, c->session, mask), 0);
  CHECK_INT(hn_connect(c->rt, c->session, slice_of("127.0.0.1"), port,
                       &c->connection),
            0);
}

static inline hn_handle client_request(struct client *c, const char *method) {
  struct hn_request_spec spec = {.method = slice_of(method)};
  hn_handle r = 0;
  CHECK_INT(hn_open_request(c->rt, c->connection, &spec, &r), 0);
  return r;
}

static inline void client_set(struct client *c, const char *name,
                              struct hn_value v) {
  CHECK_INT(hn_set_option(c->rt, c->session, slice_of(name), &v), 0);
}

static inline void client_set_number(struct client *c, const char *name,
                                     enum hn_type type, int64_t number) {
  client_set(c, name, (struct hn_value){.type = type, .number = number});
}

/* An option of any handle; what the engine says to it. */
static inline int client_try_text(struct client *c, hn_handle h,
                                  const char *name, const char *text) {
  struct hn_value v = {.type = HN_TYPE_TEXT, .text = slice_of(text)};
  return hn_set_option(c->rt, h, slice_of(name), &v);
}

static inline void client_set_text(struct client *c, hn_handle h,
                                   const char *name, const char *text) {
  CHECK_INT(client_try_text(c, h, name, text), 0);
}

/* Steps until the operation has completed; other events are let go. */
static inline bool client_await(struct client *c, hn_handle h, enum hn_op op,
                                struct hn_event *out) {
  for (int i = 0; i < 10000; i++) {
    while (hn_next_event(c->rt, 0, out))
      if (out->handle == h && out->op == op)
        return out->status != HN_STATUS_REQUEST_ERROR;
    if (hn_step(c->rt, 1000)) return false;
  }
  return false;
}

/* Sends what is given and waits for the response's head. */
static inline bool client_exchange(struct client *c, hn_handle r) {
  struct hn_event e;
  return hn_send(c->rt, r, none(), none(), HN_LENGTH_AUTO) == 0 &&
         client_await(c, r, HN_OP_SEND_REQUEST, &e) &&
         hn_receive_response(c->rt, r) == 0 &&
         client_await(c, r, HN_OP_RECEIVE_RESPONSE, &e);
}

static inline int64_t client_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* How many steps it takes to wait that long while nothing is taken. */
static inline int client_idle(struct client *c, int64_t ms) {
  int64_t start = client_now();
  int n = 0;
  for (; client_now() - start < ms; n++) CHECK_INT(hn_step(c->rt, 50), 0);
  return n;
}

#endif
