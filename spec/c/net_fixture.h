/*
 * net_fixture.h: an environment for the tests of the network floor, and the
 * step that the runtime would make with it.
 */
#ifndef HN_SPEC_NET_FIXTURE_H
#define HN_SPEC_NET_FIXTURE_H

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

#include "../../csrc/net/dial.h"

/* A helper thread that was abandoned frees what is its own a little later. */
static inline void fixture_settle(long live) {
  struct timespec t = {.tv_nsec = 1000000};
  for (int i = 0; i < 20000 && mem_live() != live; i++) nanosleep(&t, NULL);
}

static inline bool fixture_open(struct hn_env *env) {
  memset(env, 0, sizeof *env);
  heap_init(&env->deadlines);
  slots_init(&env->slots);
  list_init(&env->pools);
  list_init(&env->told);
  list_init(&env->hearing);
  list_init(&env->woken);
  list_init(&env->unfinished);
  list_init(&env->unflushed);
  env->now_us = clock_now_us();
  if (reactor_new(&env->reactor) != 0) return false;
  return resolver_new(&env->resolver, env->reactor) == 0;
}

static inline void fixture_close(struct hn_env *env) {
  resolver_free(env->resolver);
  reactor_free(env->reactor);
  heap_fini(&env->deadlines);
  slots_fini(&env->slots);
}

/* Waits until something is ready or due, at most max_wait ms; true when
 * anything of tag was. Expired timers are taken out. */
static inline bool fixture_wait(struct hn_env *env, uint64_t tag,
                                int64_t max_wait) {
  struct hn_ready ready[16];
  size_t count = 0;
  bool mine = false;
  struct hn_timer *timer = heap_peek(&env->deadlines);
  env->now_us = clock_now_us();
  if (timer && timer->when - env_now(env) < max_wait)
    max_wait = timer->when > env_now(env) ? timer->when - env_now(env) : 0;
  CHECK_INT(reactor_wait(env->reactor, max_wait, ready, 16, &count), 0);
  for (size_t i = 0; i < count; i++) mine = mine || ready[i].tag == tag;
  env->now_us = clock_now_us();
  while ((timer = heap_take_expired(&env->deadlines, env_now(env))))
    mine = mine || timer->tag == tag;
  return mine;
}

/* A listening socket on 127.0.0.1 or ::1; its address goes to *out. */
static inline int fixture_listen(const char *host, struct hn_address *out) {
  CHECK(address_parse(slice_of(host), 0, out));
  int fd = socket(out->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  CHECK_INT(bind(fd, &out->u.any, out->size), 0);
  CHECK_INT(listen(fd, 8), 0);
  CHECK_INT(getsockname(fd, &out->u.any, &out->size), 0);
  return fd;
}

/* An address on which nobody listens. The socket keeps the port taken: close
 * it afterwards. */
static inline int fixture_refuse(const char *host, struct hn_address *out) {
  CHECK(address_parse(slice_of(host), 0, out));
  int fd = socket(out->u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  CHECK_INT(bind(fd, &out->u.any, out->size), 0);
  CHECK_INT(getsockname(fd, &out->u.any, &out->size), 0);
  return fd;
}

/* A listener that answers nobody: its backlog of one is full. The kernel then
 * drops what comes, as a dead host would. */
struct fixture_hole {
  int fd;
  int filler[4];
};

static inline void fixture_open_hole(struct fixture_hole *h,
                                     struct hn_address *out) {
  struct timespec t = {.tv_nsec = 20000000};
  h->fd = fixture_listen("127.0.0.1", out);
  CHECK_INT(listen(h->fd, 0), 0);
  for (int i = 0; i < 4; i++) {
    h->filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)connect(h->filler[i], &out->u.any, out->size);
    nanosleep(&t, NULL);
  }
}

static inline void fixture_close_hole(struct fixture_hole *h) {
  for (int i = 0; i < 4; i++) close(h->filler[i]);
  close(h->fd);
}

static inline int fixture_listen_path(const char *path, int backlog) {
  struct hn_unix_path a;
  const char *detail;
  CHECK_INT(address_parse_path(slice_of(path), &a, &detail), 0);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  CHECK_INT(bind(fd, (struct sockaddr *)&a.name, a.size), 0);
  CHECK_INT(listen(fd, backlog), 0);
  return fd;
}

/* A listening Unix socket in a folder of its own. */
struct fixture_local {
  char folder[32];
  char path[64];
  int listener;
};

static inline void fixture_open_local(struct fixture_local *l) {
  snprintf(l->folder, sizeof l->folder, "/tmp/hn_local_XXXXXX");
  CHECK(mkdtemp(l->folder) != NULL);
  snprintf(l->path, sizeof l->path, "%s/a socket", l->folder);
  l->listener = fixture_listen_path(l->path, 8);
}

static inline void fixture_close_local(struct fixture_local *l) {
  close(l->listener);
  unlink(l->path);
  rmdir(l->folder);
}

static inline unsigned fixture_port(const struct hn_address *a) {
  return ntohs(a->u.v4.sin_port);
}

#endif
