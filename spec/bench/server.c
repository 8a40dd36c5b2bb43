/*
 * server.c: a small fast server for the benchmark: one thread, epoll, http and
 * https on loopback.
 *
 *   server PORTS_FILE CERTIFICATE KEY
 *
 * Writes "PID HTTP HTTPS FULL" into PORTS_FILE once it listens; on port FULL no
 * TLS session can be resumed. Ends when its standard input does.
 *
 *   /file    1 KiB and eight header fields, sent in one piece
 *   /big/N   N bytes of the pattern of bench.h
 *   /gzip/N  N MiB of text, gzip-coded
 *   /up      swallows a body and answers its length; 400 if it is wrong
 *
 * X-Session says "plain", "full" or "resumed". It reads only what its own
 * clients send: requests that fit HEAD_SIZE, bodies with a Content-Length.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "bench.h"

enum {
  HEAD_SIZE = 8 * 1024,
  OUT_SIZE = 2 * 1024,
  TAIL_SIZE = 16,
  TEXT_SIZE = 1024 * 1024,
  EVENTS = 256,
};

enum state { HANDSHAKE, HEAD, SWALLOW, SEND };

struct conn {
  int fd;
  SSL *ssl;
  enum state state;
  uint32_t interest;
  bool last;     /* close after this answer */
  size_t have;   /* bytes of the next request in head */
  uint64_t left; /* to be swallowed */
  uint64_t swallowed;
  bool wrong;
  size_t out_at, out_n; /* head of the answer, and a small body */
  const char *block;    /* sent again and again ... */
  size_t block_n, block_at;
  uint64_t block_left; /* ... until so many bytes are out */
  size_t tail_at, tail_n;
  char tail[TAIL_SIZE];
  char out[OUT_SIZE];
  char head[HEAD_SIZE + 1];
};

struct listener {
  int fd, port;
  SSL_CTX *tls; /* NULL: plain */
};

static int poller;
static struct listener listeners[3];
static char pattern[BENCH_BLOCK], scratch[BENCH_PIECE];
static char *text_block;
static size_t text_n;
static uLong text_crc;

/* ------------------------------------------------------------------- bytes */

/* Both: > 0 bytes moved, 0 for "not now", < 0 for the end of the connection. */

static ssize_t result(ssize_t n) {
  if (n > 0) return n;
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : -1;
}

static ssize_t tls_result(struct conn *c, int ok, size_t n) {
  if (ok == 1) return (ssize_t)n;
  int why = SSL_get_error(c->ssl, ok);
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t get(struct conn *c, char *p, size_t n) {
  size_t got = 0;
  if (!c->ssl) return result(recv(c->fd, p, n, 0));
  int ok = SSL_read_ex(c->ssl, p, n, &got);
  return tls_result(c, ok, got);
}

static ssize_t put(struct conn *c, const char *p, size_t n) {
  size_t done = 0;
  if (!c->ssl) return result(send(c->fd, p, n, MSG_NOSIGNAL));
  int ok = SSL_write_ex(c->ssl, p, n, &done);
  return tls_result(c, ok, done);
}

static void watch(struct conn *c, uint32_t interest) {
  if (c->interest == interest) return;
  struct epoll_event e = {.events = interest, .data.ptr = c};
  if (epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e) != 0)
    bench_die("epoll_ctl: %s", strerror(errno));
  c->interest = interest;
}

static void drop(struct conn *c) {
  if (c->ssl) {
    if (SSL_is_init_finished(c->ssl)) (void)SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    ERR_clear_error(); /* the next connection's calls read the same queue */
  }
  (void)close(c->fd);
  free(c);
}

/* ------------------------------------------------------------------ answers */

static void answer(struct conn *c, const char *status, uint64_t length,
                   const char *coding) {
  const char *session = !c->ssl                      ? "plain"
                        : SSL_session_reused(c->ssl) ? "resumed"
                                                     : "full";
  int n = snprintf(c->out, sizeof c->out,
                   "HTTP/1.1 %s\r\n"
                   "Server: bench\r\n"
                   "Date: Tue, 01 Sep 2026 12:00:00 GMT\r\n"
                   "Content-Type: application/octet-stream\r\n"
                   "Content-Length: %llu\r\n"
                   "Last-Modified: Tue, 01 Sep 2026 11:00:00 GMT\r\n"
                   "Connection: %s\r\n"
                   "ETag: \"64f1c2b0-400\"\r\n"
                   "X-Session: %s\r\n"
                   "%s\r\n",
                   status, (unsigned long long)length,
                   c->last ? "close" : "keep-alive", session, coding);
  c->out_at = 0;
  c->out_n = (size_t)n;
  c->block_left = 0;
  c->tail_at = c->tail_n = 0;
  c->state = SEND;
}

static void append(struct conn *c, const char *p, size_t n) {
  memcpy(c->out + c->out_n, p, n);
  c->out_n += n;
}

static void repeat(struct conn *c, const char *block, size_t n,
                   uint64_t total) {
  c->block = block;
  c->block_n = n;
  c->block_at = 0;
  c->block_left = total;
}

static void answer_big(struct conn *c, uint64_t n) {
  answer(c, "200 OK", n, "");
  repeat(c, pattern, sizeof pattern, n);
}

/* Text that shrinks to about a third, flushed so that the coded block can be
 * sent any number of times: each begins with an empty window. */
static void make_text(void) {
  static const char *const words[] = {
      "handle", "request", "session",  "the",   "answer", "of",    "connection",
      "header", "closed",  "callback", "in",    "until",  "bytes", "server",
      "a",      "waits",   "redirect", "token", "field",  "length"};
  char *plain = malloc(TEXT_SIZE + 32);
  size_t room = TEXT_SIZE + 1024, at = 0;
  uint32_t random = 1;
  text_block = malloc(room);
  if (!plain || !text_block) bench_die("no memory");
  while (at < TEXT_SIZE) {
    random = random * 1103515245u + 12345u;
    int n = snprintf(plain + at, 32, "%s%u ", words[(random >> 16) % 20],
                     (random >> 8) % 3 ? 0 : (random >> 20) & 0xff);
    at += (size_t)n;
  }
  z_stream z = {0};
  z.next_in = (Bytef *)plain;
  z.avail_in = TEXT_SIZE;
  z.next_out = (Bytef *)text_block;
  z.avail_out = (uInt)room;
  if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
      deflate(&z, Z_FULL_FLUSH) != Z_OK || z.avail_in != 0)
    bench_die("deflate failed");
  text_n = room - z.avail_out;
  text_crc = crc32(0, (const Bytef *)plain, TEXT_SIZE);
  (void)deflateEnd(&z);
  free(plain);
}

static void put32(char *p, uint32_t n) {
  for (int i = 0; i < 4; i++) p[i] = (char)(n >> 8 * i & 0xff);
}

static void answer_gzip(struct conn *c, uint64_t blocks) {
  static const char start[10] = {0x1f, (char)0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
  static const char end[2] = {3, 0}; /* an empty last block */
  if (!text_block) make_text();
  uLong crc = crc32(0, NULL, 0);
  for (uint64_t i = 0; i < blocks; i++)
    crc = crc32_combine(crc, text_crc, TEXT_SIZE);
  answer(c, "200 OK", sizeof start + blocks * text_n + 10,
         "Content-Encoding: gzip\r\n");
  append(c, start, sizeof start);
  repeat(c, text_block, text_n, blocks * text_n);
  memcpy(c->tail, end, sizeof end);
  put32(c->tail + 2, (uint32_t)crc);
  put32(c->tail + 6, (uint32_t)(blocks * TEXT_SIZE));
  c->tail_n = 10;
}

static void answer_small(struct conn *c) {
  answer(c, "200 OK", BENCH_SMALL, "");
  append(c, bench_small(), BENCH_SMALL);
}

static void answer_upload(struct conn *c) {
  char digits[24];
  int n =
      snprintf(digits, sizeof digits, "%llu", (unsigned long long)c->swallowed);
  answer(c, c->wrong ? "400 Wrong" : "200 OK", (uint64_t)n, "");
  append(c, digits, (size_t)n);
}

/* ----------------------------------------------------------------- requests */

/* The value of a field of the head, which ends with an empty line. */
static const char *field(const char *head, const char *name) {
  size_t n = strlen(name);
  for (const char *p = strstr(head, "\r\n"); p; p = strstr(p + 2, "\r\n"))
    if (strncasecmp(p + 2, name, n) == 0) return p + 2 + n;
  return NULL;
}

static void swallow(struct conn *c, const char *p, size_t n) {
  if (!bench_fits(p, n, c->swallowed)) c->wrong = true;
  c->swallowed += n;
  c->left -= n;
}

static void begin(struct conn *c, const char *head) {
  const char *path = strchr(head, ' ');
  const char *length = field(head, "Content-Length:");
  const char *option = field(head, "Connection:");
  c->last = option && strncasecmp(option, " close", 6) == 0;
  c->left = length ? strtoull(length, NULL, 10) : 0;
  c->swallowed = 0;
  c->wrong = false;
  if (!path)
    c->last = true, answer(c, "400 Bad", 0, "");
  else if (strncmp(path, " /file ", 7) == 0)
    answer_small(c);
  else if (strncmp(path, " /big/", 6) == 0)
    answer_big(c, strtoull(path + 6, NULL, 10));
  else if (strncmp(path, " /gzip/", 7) == 0)
    answer_gzip(c, strtoull(path + 7, NULL, 10));
  else if (strncmp(path, " /up ", 5) == 0)
    c->state = SWALLOW;
  else
    answer(c, "404 Not Found", 0, "");
}

/* The next request, if all of its head is here: false when it is not. */
static bool take_request(struct conn *c) {
  c->head[c->have] = '\0';
  char *end = strstr(c->head, "\r\n\r\n");
  if (!end) return false;
  char kept = end[4];
  end[4] = '\0';
  begin(c, c->head);
  end[4] = kept;
  size_t used = (size_t)(end + 4 - c->head);
  size_t body = c->have - used;
  if (c->state == SWALLOW) {
    if (body > c->left) body = (size_t)c->left;
    swallow(c, end + 4, body);
    used += body;
  }
  c->have -= used;
  memmove(c->head, c->head + used, c->have);
  return true;
}

/* Steps answer as get and put do; > 0: go on. */

static ssize_t step_head(struct conn *c) {
  if (c->have > 0 && take_request(c)) return 1;
  if (c->have == HEAD_SIZE) return -1;
  ssize_t n = get(c, c->head + c->have, HEAD_SIZE - c->have);
  if (n <= 0) return n;
  c->have += (size_t)n;
  if (take_request(c)) return 1;
  /* Bytes the library has read ahead are announced by no event. */
  return c->ssl && SSL_has_pending(c->ssl) ? 1 : 0;
}

static ssize_t step_swallow(struct conn *c) {
  if (c->left == 0) {
    answer_upload(c);
    return 1;
  }
  size_t want = c->left < sizeof scratch ? (size_t)c->left : sizeof scratch;
  ssize_t n = get(c, scratch, want);
  if (n > 0) swallow(c, scratch, (size_t)n);
  return n;
}

static ssize_t step_block(struct conn *c) {
  size_t n = c->block_n - c->block_at;
  if (n > c->block_left) n = (size_t)c->block_left;
  ssize_t done = put(c, c->block + c->block_at, n);
  if (done <= 0) return done;
  c->block_left -= (uint64_t)done;
  c->block_at = (c->block_at + (size_t)done) % c->block_n;
  return done;
}

static ssize_t step_send(struct conn *c) {
  ssize_t done;
  if (c->out_at < c->out_n) {
    done = put(c, c->out + c->out_at, c->out_n - c->out_at);
    if (done > 0) c->out_at += (size_t)done;
    if (done <= 0 || c->out_at < c->out_n) return done;
  }
  if (c->block_left > 0) return step_block(c);
  if (c->tail_at < c->tail_n) {
    done = put(c, c->tail + c->tail_at, c->tail_n - c->tail_at);
    if (done > 0) c->tail_at += (size_t)done;
    if (done <= 0 || c->tail_at < c->tail_n) return done;
  }
  if (c->last) return -1;
  c->state = HEAD;
  /* A pipelined request goes on at once; else the next event does. */
  return c->have > 0 || (c->ssl && SSL_has_pending(c->ssl)) ? 1 : 0;
}

static ssize_t step_handshake(struct conn *c) {
  int ok = SSL_accept(c->ssl);
  int on = 1;
  if (ok == 1) {
    c->state = HEAD;
    /* A client under Nagle's algorithm holds its request back until the end of
     * the handshake is acknowledged. */
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
  }
  return tls_result(c, ok, 1);
}

static void drive(struct conn *c) {
  for (;;) {
    ssize_t n = c->state == HANDSHAKE ? step_handshake(c)
                : c->state == HEAD    ? step_head(c)
                : c->state == SWALLOW ? step_swallow(c)
                                      : step_send(c);
    if (n > 0) continue;
    if (n < 0)
      drop(c);
    else
      watch(c, c->state == SEND ? EPOLLOUT : EPOLLIN);
    return;
  }
}

/* ------------------------------------------------------------------ opening */

static void accept_all(const struct listener *l) {
  int fd, on = 1;
  while ((fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct conn *c = calloc(1, sizeof *c);
    if (!c) bench_die("no memory");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->fd = fd;
    c->state = l->tls ? HANDSHAKE : HEAD;
    c->interest = EPOLLIN;
    if (l->tls) {
      c->ssl = SSL_new(l->tls);
      if (!c->ssl || SSL_set_fd(c->ssl, fd) != 1) bench_die("no memory");
    }
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) != 0)
      bench_die("epoll_ctl: %s", strerror(errno));
  }
}

static void start_listening(struct listener *l) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  socklen_t size = sizeof a;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (l->fd < 0 || bind(l->fd, (struct sockaddr *)&a, size) != 0 ||
      listen(l->fd, 1024) != 0 ||
      getsockname(l->fd, (struct sockaddr *)&a, &size) != 0)
    bench_die("cannot listen: %s", strerror(errno));
  l->port = ntohs(a.sin_port);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = l};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, l->fd, &e) != 0)
    bench_die("epoll_ctl: %s", strerror(errno));
}

static SSL_CTX *new_tls(const char *certificate, const char *key,
                        bool resumable) {
  SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
  if (!tls || SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1)
    bench_die("cannot use %s and %s", certificate, key);
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(tls, 1);
  (void)SSL_CTX_set_session_id_context(tls, (const unsigned char *)"bench", 5);
  if (resumable) return tls;
  SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(tls, SSL_OP_NO_TICKET);
  (void)SSL_CTX_set_num_tickets(tls, 0);
  return tls;
}

/* Renamed into place, so that a reader never sees half of it. */
static void write_ports(const char *path) {
  char other[4096];
  (void)snprintf(other, sizeof other, "%s.new", path);
  FILE *f = fopen(other, "w");
  if (!f) bench_die("cannot write %s", other);
  (void)fprintf(f, "%ld %d %d %d\n", (long)getpid(), listeners[0].port,
                listeners[1].port, listeners[2].port);
  if (fclose(f) != 0 || rename(other, path) != 0)
    bench_die("cannot write %s", path);
}

static void on_input(void) {
  char byte;
  if (read(STDIN_FILENO, &byte, 1) <= 0) exit(0);
}

static void serve(const struct epoll_event *e) {
  if (!e->data.ptr) {
    on_input();
    return;
  }
  for (size_t i = 0; i < 3; i++) {
    if (e->data.ptr != &listeners[i]) continue;
    accept_all(&listeners[i]);
    return;
  }
  drive(e->data.ptr);
}

int main(int argc, char **argv) {
  struct epoll_event events[EVENTS];
  if (argc != 4) bench_die("usage: server PORTS_FILE CERTIFICATE KEY");
  (void)signal(SIGPIPE, SIG_IGN);
  bench_fill(pattern, sizeof pattern, 0);
  poller = epoll_create1(EPOLL_CLOEXEC);
  listeners[1].tls = new_tls(argv[2], argv[3], true);
  listeners[2].tls = new_tls(argv[2], argv[3], false);
  for (size_t i = 0; i < 3; i++) start_listening(&listeners[i]);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &e) != 0)
    bench_die("standard input is no pipe");
  write_ports(argv[1]);
  for (;;) {
    int n = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < n; i++) serve(&events[i]);
  }
}
