/*
 * schedule_fixture.h: a small server on threads of its own that does, for each
 * path, one of the things servers do: answer, stall, truncate, reset, redirect.
 *
 * Byte i of every body is 'a' + i % 26, so that a reader knows from what it got
 * whether anything is missing.
 */
#ifndef HN_SPEC_SCHEDULE_FIXTURE_H
#define HN_SPEC_SCHEDULE_FIXTURE_H

#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "loopback_fixture.h"

enum { SCHEDULE_BIG = 300000, SCHEDULE_HEAD = 16384 };

struct schedule_server {
  int listener;
  unsigned port;
  atomic_int alive; /* connections being served */
  pthread_t thread;
  char pattern[SCHEDULE_BIG];
  char packed[4096]; /* 1000 bytes of it, gzip */
  size_t packed_size;
};

struct schedule_peer {
  struct schedule_server *server;
  int fd;
  size_t used; /* bytes in text */
  char text[SCHEDULE_HEAD];
};

static void schedule_nap(long ms) {
  struct timespec t = {.tv_nsec = ms * 1000000};
  nanosleep(&t, NULL);
}

static bool schedule_put(struct schedule_peer *p, const char *bytes, size_t n) {
  while (n > 0) {
    ssize_t put = send(p->fd, bytes, n, MSG_NOSIGNAL);
    if (put <= 0) return false;
    bytes += put;
    n -= (size_t)put;
  }
  return true;
}

static bool schedule_say(struct schedule_peer *p, const char *text) {
  return schedule_put(p, text, strlen(text));
}

static bool schedule_body(struct schedule_peer *p, size_t from, size_t to) {
  return schedule_put(p, p->server->pattern + from, to - from);
}

static bool schedule_fill(struct schedule_peer *p) {
  if (p->used == sizeof p->text - 1) return false;
  ssize_t n = recv(p->fd, p->text + p->used, sizeof p->text - 1 - p->used, 0);
  if (n <= 0) return false;
  p->used += (size_t)n;
  p->text[p->used] = '\0';
  return true;
}

static void schedule_drop(struct schedule_peer *p, size_t n) {
  p->used -= n;
  memmove(p->text, p->text + n, p->used + 1);
}

static bool schedule_skip(struct schedule_peer *p, size_t n) {
  while (n > 0) {
    if (p->used == 0 && !schedule_fill(p)) return false;
    size_t some = n < p->used ? n : p->used;
    schedule_drop(p, some);
    n -= some;
  }
  return true;
}

/* A chunk's size stands in front of it: what it holds is not looked at. */
static bool schedule_skip_chunks(struct schedule_peer *p) {
  for (;;) {
    char *end = strstr(p->text, "\r\n");
    if (!end) {
      if (!schedule_fill(p)) return false;
      continue;
    }
    size_t size = strtoul(p->text, NULL, 16);
    schedule_drop(p, (size_t)(end + 2 - p->text));
    if (!schedule_skip(p, size + 2)) return false;
    if (size == 0) return true;
  }
}

static bool schedule_wait_end(struct schedule_peer *p) {
  while (p->used = 0, schedule_fill(p)) continue;
  return false;
}

static bool schedule_plain(struct schedule_peer *p, size_t size) {
  char head[128];
  snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
           size);
  return schedule_say(p, head) && schedule_body(p, 0, size);
}

static bool schedule_chunked(struct schedule_peer *p) {
  bool ok = schedule_say(p, "HTTP/1.1 200 OK\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n");
  for (size_t at = 0, n = 1; ok && at < 1000; at += n, n = n * 3 % 250 + 1) {
    char line[32];
    if (n > 1000 - at) n = 1000 - at;
    snprintf(line, sizeof line, "%zx;x=y\r\n", n);
    ok = schedule_say(p, line) && schedule_body(p, at, at + n) &&
         schedule_say(p, "\r\n");
    if (n == 250) schedule_nap(1);
  }
  return ok && schedule_say(p, "0\r\nX-Check: 1\r\n\r\n");
}

static bool schedule_packed(struct schedule_peer *p, size_t missing) {
  char head[160];
  size_t size = p->server->packed_size;
  snprintf(head, sizeof head,
           "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
           "Content-Length: %zu\r\n\r\n",
           size - missing);
  return schedule_say(p, head) &&
         schedule_put(p, p->server->packed, size - missing);
}

static bool schedule_slow(struct schedule_peer *p) {
  bool ok = schedule_say(p, "HTTP/1.1 200 OK\r\nContent-Le") &&
            (schedule_nap(1), schedule_say(p, "ngth: 1000\r\n\r\n"));
  for (size_t at = 0; ok && at < 1000; at += 250) {
    schedule_nap(1);
    ok = schedule_body(p, at, at + 250);
  }
  return ok;
}

static bool schedule_reset(struct schedule_peer *p) {
  struct linger hard = {.l_onoff = 1};
  setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  return false;
}

static bool schedule_go_away(struct schedule_peer *p) {
  char head[160];
  snprintf(head, sizeof head,
           "HTTP/1.1 302 Found\r\nLocation: http://localhost:%u/plain\r\n"
           "Content-Length: 500\r\n\r\n",
           p->server->port);
  return schedule_say(p, head) && schedule_body(p, 0, 250) &&
         (schedule_nap(2), schedule_body(p, 250, 500));
}

static bool schedule_part(struct schedule_peer *p) {
  return schedule_say(p, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n") &&
         schedule_body(p, 0, 300);
}

/* What comes after a request's body; false: the connection is closed. */
static bool schedule_answer(struct schedule_peer *p, const char *path) {
  if (!strcmp(path, "big")) return schedule_plain(p, SCHEDULE_BIG);
  if (!strcmp(path, "chunked")) return schedule_chunked(p);
  if (!strcmp(path, "gzip")) return schedule_packed(p, 0);
  if (!strcmp(path, "bad_gzip")) return schedule_packed(p, 9);
  if (!strcmp(path, "slow")) return schedule_slow(p);
  if (!strcmp(path, "reset")) return schedule_reset(p);
  if (!strcmp(path, "away")) return schedule_go_away(p);
  if (!strcmp(path, "truncated")) return schedule_part(p) && false;
  if (!strcmp(path, "hang_up")) return false;
  if (!strcmp(path, "silent")) return schedule_wait_end(p);
  if (!strcmp(path, "stalled")) return schedule_part(p) && schedule_wait_end(p);
  if (!strcmp(path, "until_close"))
    return schedule_say(p, "HTTP/1.1 200 OK\r\n\r\n") &&
           schedule_body(p, 0, 1000) && false;
  if (!strcmp(path, "garbage")) return schedule_say(p, "nonsense\r\n\r\n");
  if (!strcmp(path, "extra"))
    return schedule_plain(p, 1000) && schedule_say(p, "HTTP/1.1 200");
  if (!strcmp(path, "once")) return schedule_plain(p, 1000) && false;
  if (!strcmp(path, "loop"))
    return schedule_say(p, "HTTP/1.1 307 Again\r\nLocation: /loop\r\n"
                           "Content-Length: 0\r\n\r\n");
  if (!strcmp(path, "redirect"))
    return schedule_say(p, "HTTP/1.1 303 Other\r\nLocation: plain\r\n"
                           "Content-Length: 3\r\n\r\nabc");
  if (!strcmp(path, "interim"))
    return schedule_say(p, "HTTP/1.1 103 Hints\r\n\r\n"
                           "HTTP/1.1 102 Wait\r\n\r\n") &&
           schedule_plain(p, 1000);
  if (!strcmp(path, "empty"))
    return schedule_say(p, "HTTP/1.1 204 Nothing\r\n\r\n");
  return schedule_plain(p, 1000);
}

static bool schedule_request(struct schedule_peer *p) {
  char *end, path[32] = "";
  while ((end = strstr(p->text, "\r\n\r\n")) == NULL)
    if (!schedule_fill(p)) return false;
  *end = '\0';
  (void)sscanf(p->text, "%*s /%31[a-z_]", path);
  const char *length = strcasestr(p->text, "\r\nContent-Length:");
  size_t size = length ? strtoul(length + 17, NULL, 10) : 0;
  bool chunked = strcasestr(p->text, "\r\nTransfer-Encoding:") != NULL;
  bool expects = strcasestr(p->text, "\r\nExpect:") != NULL;
  schedule_drop(p, (size_t)(end + 4 - p->text));
  if (!strcmp(path, "early"))
    return schedule_plain(p, 1000) && schedule_wait_end(p);
  if (expects && !schedule_say(p, "HTTP/1.1 100 Continue\r\n\r\n"))
    return false;
  if (!(chunked ? schedule_skip_chunks(p) : schedule_skip(p, size)))
    return false;
  return schedule_answer(p, path);
}

static void *schedule_serve_one(void *arg) {
  struct schedule_peer *p = arg;
  while (schedule_request(p)) continue;
  close(p->fd);
  atomic_fetch_sub(&p->server->alive, 1);
  free(p);
  return NULL;
}

static void *schedule_serve(void *arg) {
  struct schedule_server *s = arg;
  pthread_attr_t attr;
  int fd, on = 1;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  while ((fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
    struct schedule_peer *p = calloc(1, sizeof *p);
    pthread_t thread;
    p->server = s;
    p->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    atomic_fetch_add(&s->alive, 1);
    if (pthread_create(&thread, &attr, schedule_serve_one, p) != 0) abort();
  }
  pthread_attr_destroy(&attr);
  return NULL;
}

static void schedule_pack(struct schedule_server *s) {
  z_stream z = {.next_in = (Bytef *)s->pattern, .avail_in = 1000};
  z.next_out = (Bytef *)s->packed;
  z.avail_out = sizeof s->packed;
  CHECK_INT(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, 0), Z_OK);
  CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
  s->packed_size = sizeof s->packed - z.avail_out;
  deflateEnd(&z);
}

static void schedule_server_start(struct schedule_server *s) {
  for (size_t i = 0; i < sizeof s->pattern; i++)
    s->pattern[i] = (char)('a' + i % 26);
  schedule_pack(s);
  atomic_init(&s->alive, 0);
  s->listener = loopback_listen(64, &s->port);
  CHECK_INT(pthread_create(&s->thread, NULL, schedule_serve, s), 0);
}

/* Waits until all connections made so far have been served: a last one is
 * accepted after those before it. */
static bool schedule_server_is_quiet(struct schedule_server *s) {
  static const char last[] = "GET /hang_up HTTP/1.1\r\n\r\n";
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(s->port)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  char byte;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK_INT(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
  CHECK(send(fd, last, sizeof last - 1, MSG_NOSIGNAL) > 0);
  CHECK_INT(recv(fd, &byte, 1, 0), 0);
  close(fd);
  for (int i = 0; i < 5000 && atomic_load(&s->alive) > 0; i++) schedule_nap(1);
  return atomic_load(&s->alive) == 0;
}

static void schedule_server_stop(struct schedule_server *s) {
  shutdown(s->listener, SHUT_RDWR);
  pthread_join(s->thread, NULL);
  close(s->listener);
}

#endif
