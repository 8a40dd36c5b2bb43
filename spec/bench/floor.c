/*
 * floor.c: the least that each kind of work can cost: blocking sockets, OpenSSL
 * and zlib, and a parser that knows only what the benchmark's servers send. See
 * bench.h for the arguments. SSL_CERT_FILE names the authority.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include "bench.h"

enum { REQUEST_SIZE = 512, READ_AHEAD = 64 * 1024 };

struct line {
  int fd;
  SSL *ssl;
};

struct answer {
  const char *head, *body; /* in `buffer` */
  size_t here;             /* bytes of body that came with the head */
  uint64_t length;
};

static struct bench_job job;
static SSL_CTX *tls;
static SSL_SESSION *session;
static char buffer[BENCH_PIECE + 1];
static char request[REQUEST_SIZE];

/* -------------------------------------------------------------- connections */

static void make_tls(void) {
  const char *authority = getenv("SSL_CERT_FILE");
  tls = SSL_CTX_new(TLS_client_method());
  if (!tls || !authority || SSL_CTX_load_verify_file(tls, authority) != 1)
    bench_die("no SSL_CERT_FILE");
  SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(tls, 1);
  SSL_CTX_set_default_read_buffer_len(tls, READ_AHEAD);
}

static SSL *secure(int fd) {
  int on = 1;
  /* The request follows the end of the handshake at once. */
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!tls) make_tls();
  SSL *ssl = SSL_new(tls);
  if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_set1_host(ssl, "localhost") != 1)
    bench_die("no memory");
  if (session) (void)SSL_set_session(ssl, session);
  if (SSL_connect(ssl) != 1) bench_die("handshake failed");
  return ssl;
}

static struct line line_open(void) {
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_port = htons((uint16_t)job.port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  struct line l = {.fd = socket(AF_INET, SOCK_STREAM, 0)};
  if (l.fd < 0 || connect(l.fd, (struct sockaddr *)&a, sizeof a) != 0)
    bench_die("cannot connect: %s", strerror(errno));
  if (job.secure) l.ssl = secure(l.fd);
  return l;
}

static void line_close(struct line *l) {
  if (l->ssl) {
    if (session) SSL_SESSION_free(session);
    session = SSL_get1_session(l->ssl);
    (void)SSL_shutdown(l->ssl);
    SSL_free(l->ssl);
  }
  (void)close(l->fd);
}

static size_t line_read(struct line *l, char *p, size_t n) {
  size_t got = 0;
  ssize_t done;
  if (l->ssl) {
    if (SSL_read_ex(l->ssl, p, n, &got) != 1) bench_die("TLS read failed");
    return got;
  }
  done = recv(l->fd, p, n, 0);
  if (done <= 0) bench_die("connection closed");
  return (size_t)done;
}

static void line_write(struct line *l, const char *p, size_t n) {
  while (n > 0) {
    size_t done = 0;
    if (l->ssl) {
      if (SSL_write_ex(l->ssl, p, n, &done) != 1) bench_die("TLS write failed");
    } else {
      ssize_t sent = send(l->fd, p, n, MSG_NOSIGNAL);
      if (sent <= 0) bench_die("cannot send: %s", strerror(errno));
      done = (size_t)sent;
    }
    p += done;
    n -= done;
  }
}

/* ----------------------------------------------------------------- messages */

static void make_request(const char *method, const char *fields) {
  int n = snprintf(request, sizeof request,
                   "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                   "User-Agent: bench\r\n%s\r\n",
                   method, job.path, job.port, fields);
  if (n < 0 || n >= REQUEST_SIZE) bench_die("request too long");
}

static void read_answer(struct line *l, struct answer *a) {
  static const char name[] = "\r\nContent-Length: ";
  size_t have = 0;
  char *end;
  do {
    have += line_read(l, buffer + have, BENCH_PIECE - have);
    buffer[have] = '\0';
    end = strstr(buffer, "\r\n\r\n");
  } while (!end && have < BENCH_PIECE);
  if (!end || memcmp(buffer, "HTTP/1.1 200", 12) != 0)
    bench_die("bad answer: %.40s", buffer);
  const char *length = strstr(buffer, name);
  if (!length) bench_die("no length");
  a->head = buffer;
  a->body = end + 4;
  a->here = have - (size_t)(a->body - buffer);
  a->length = 0;
  for (length += sizeof name - 1; *length >= '0' && *length <= '9'; length++)
    a->length = a->length * 10 + (uint64_t)(*length - '0');
}

static void ask_small(struct line *l) {
  line_write(l, request, strlen(request));
}

static void take_small(struct line *l) {
  struct answer a;
  read_answer(l, &a);
  if (a.length != BENCH_SMALL) bench_die("wrong length");
  while (a.here < BENCH_SMALL)
    a.here +=
        line_read(l, buffer + (a.body - buffer) + a.here, BENCH_SMALL - a.here);
  if (memcmp(a.body, bench_small(), BENCH_SMALL) != 0) bench_die("wrong body");
}

static void get_small(struct line *l) {
  ask_small(l);
  take_small(l);
}

/* -------------------------------------------------------------------- works */

static void do_get(void) {
  struct line l = line_open();
  make_request("GET", "");
  for (uint64_t i = 0; i < job.n; i++) get_small(&l);
  line_close(&l);
}

static void do_connect(void) {
  bool resume = strcmp(job.work, "resume") == 0;
  make_request("GET", "");
  for (uint64_t i = 0; i < job.n; i++) {
    struct line l = line_open();
    get_small(&l);
    if (resume && i > 0 && !SSL_session_reused(l.ssl)) bench_die("not resumed");
    line_close(&l);
  }
}

/* In rounds: all of them are asked, then each is waited for. */
static void do_many(void) {
  struct line *lines = calloc(job.at_once, sizeof *lines);
  if (!lines) bench_die("no memory");
  make_request("GET", "");
  uint64_t count = job.n < job.at_once ? job.n : job.at_once;
  for (uint64_t i = 0; i < count; i++) lines[i] = line_open();
  for (uint64_t left = job.n; left > 0; left -= count) {
    if (count > left) count = left;
    for (uint64_t i = 0; i < count; i++) ask_small(&lines[i]);
    for (uint64_t i = 0; i < count; i++) take_small(&lines[i]);
  }
}

typedef void consume(char *p, size_t n, uint64_t at);

static void download(consume *use) {
  struct line l = line_open();
  struct answer a;
  make_request("GET", "");
  line_write(&l, request, strlen(request));
  read_answer(&l, &a);
  use(buffer + (a.body - buffer), a.here, 0);
  for (uint64_t at = a.here; at < a.length;) {
    size_t n = line_read(&l, buffer, BENCH_PIECE);
    use(buffer, n, at);
    at += n;
  }
  line_close(&l);
}

static void count(char *p, size_t n, uint64_t at) {
  if (!bench_fits(p, n, at))
    bench_die("wrong bytes at %llu", (unsigned long long)at);
}

static int out = -1;

static void save(char *p, size_t n, uint64_t at) {
  count(p, n, at);
  while (n > 0) {
    ssize_t done = write(out, p, n);
    if (done <= 0) bench_die("cannot write: %s", strerror(errno));
    p += done;
    n -= (size_t)done;
  }
}

static void do_file(void) {
  out = open(job.file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (out < 0) bench_die("cannot open %s", job.file);
  download(save);
  (void)close(out);
}

static z_stream unzip;
static uint64_t unzipped;

static void inflate_piece(char *p, size_t n, uint64_t at) {
  static char text[BENCH_PIECE];
  (void)at;
  unzip.next_in = (Bytef *)p;
  unzip.avail_in = (uInt)n;
  do {
    unzip.next_out = (Bytef *)text;
    unzip.avail_out = sizeof text;
    int code = inflate(&unzip, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      bench_die("inflate failed");
    unzipped += sizeof text - unzip.avail_out;
  } while (unzip.avail_out == 0);
}

static void do_gzip(void) {
  if (inflateInit2(&unzip, 15 + 16) != Z_OK) bench_die("no memory");
  download(inflate_piece);
  if (unzipped != job.n << 20) bench_die("wrong size");
}

static void send_head(struct line *l) {
  char field[64];
  (void)snprintf(field, sizeof field, "Content-Length: %llu\r\n",
                 (unsigned long long)job.n);
  make_request("PUT", field);
  line_write(l, request, strlen(request));
}

static void check_upload(struct line *l) {
  struct answer a;
  read_answer(l, &a);
  while (a.here < a.length)
    a.here +=
        line_read(l, buffer + (a.body - buffer) + a.here, a.length - a.here);
  buffer[(size_t)(a.body - buffer) + a.here] = '\0';
  if (strtoull(a.body, NULL, 10) != job.n) bench_die("wrong count");
}

static void send_plain_file(struct line *l, int fd) {
  uint64_t left = job.n;
  while (left > 0) {
    ssize_t n = sendfile(l->fd, fd, NULL, left);
    if (n <= 0) bench_die("sendfile: %s", strerror(errno));
    left -= (uint64_t)n;
  }
}

static void do_send_file(void) {
  struct line l = line_open();
  int fd = open(job.file, O_RDONLY);
  if (fd < 0) bench_die("cannot open %s", job.file);
  send_head(&l);
  if (!l.ssl) {
    send_plain_file(&l, fd);
  } else {
    for (uint64_t left = job.n; left > 0;) {
      size_t want = left < BENCH_PIECE ? (size_t)left : BENCH_PIECE;
      ssize_t n = read(fd, buffer, want);
      if (n <= 0) bench_die("cannot read %s", job.file);
      line_write(&l, buffer, (size_t)n);
      left -= (uint64_t)n;
    }
  }
  check_upload(&l);
  line_close(&l);
  (void)close(fd);
}

static void do_send_string(void) {
  char *text = malloc(job.n);
  if (!text) bench_die("no memory");
  bench_fill(text, job.n, 0);
  struct bench_time start = bench_now();
  struct line l = line_open();
  send_head(&l);
  line_write(&l, text, job.n);
  check_upload(&l);
  line_close(&l);
  bench_spent(start);
  free(text);
}

static void do_idle(void) {
  struct line *lines = calloc(job.n + 1, sizeof *lines);
  if (!lines) bench_die("no memory");
  make_request("GET", "");
  lines[job.n] = line_open();
  get_small(&lines[job.n]);
  long before = bench_resident();
  for (uint64_t i = 0; i < job.n; i++) {
    lines[i] = line_open();
    get_small(&lines[i]);
  }
  (void)printf("rss %ld %ld\n", before, bench_resident());
  for (uint64_t i = 0; i <= job.n; i++) line_close(&lines[i]);
  free(lines);
}

int main(int argc, char **argv) {
  bench_job_read(argc, argv, &job);
  const char *w = job.work;
  if (strcmp(w, "get") == 0)
    do_get();
  else if (strcmp(w, "connect") == 0 || strcmp(w, "resume") == 0)
    do_connect();
  else if (strcmp(w, "count") == 0)
    download(count);
  else if (strcmp(w, "file") == 0)
    do_file();
  else if (strcmp(w, "gzip") == 0)
    do_gzip();
  else if (strcmp(w, "send_file") == 0)
    do_send_file();
  else if (strcmp(w, "send_string") == 0)
    do_send_string();
  else if (job.at_once > 0)
    do_many();
  else if (strcmp(w, "idle") == 0)
    do_idle();
  else
    return BENCH_NO_WORK;
  return 0;
}
