/*
 * curl.c: libcurl's easy interface with one handle that is used again, and for
 * many at once its multi interface under epoll; buffers are left at their
 * defaults. See bench.h for the arguments. SSL_CERT_FILE names the authority.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "bench.h"

enum { SMALL_ROOM = 4096, EVENTS = 256 };

static struct bench_job job;
static CURL *easy;

/* What came of a body. */
struct body {
  char small[SMALL_ROOM];
  uint64_t n;
  FILE *file;
};

static struct body body;
static bool resumed;
static uint64_t sent;

static void check(CURLcode code, const char *what) {
  if (code != CURLE_OK) bench_die("%s: %s", what, curl_easy_strerror(code));
}

#define SET(handle, option, value)                                             \
  check(curl_easy_setopt(handle, CURLOPT_##option, value), #option)

static size_t keep(char *p, size_t size, size_t n, void *to) {
  struct body *b = to;
  n *= size;
  if (b->n + n > SMALL_ROOM) return 0;
  memcpy(b->small + b->n, p, n);
  b->n += n;
  return n;
}

static size_t count(char *p, size_t size, size_t n, void *to) {
  struct body *b = to;
  n *= size;
  if (!bench_fits(p, n, b->n)) return 0;
  b->n += n;
  return n;
}

static size_t count_text(char *p, size_t size, size_t n, void *to) {
  struct body *b = to;
  (void)p;
  b->n += n * size;
  return n * size;
}

static size_t save(char *p, size_t size, size_t n, void *to) {
  struct body *b = to;
  n *= size;
  if (!bench_fits(p, n, b->n)) return 0;
  b->n += n;
  return fwrite(p, 1, n, b->file);
}

static size_t see_header(char *p, size_t size, size_t n, void *to) {
  static const char mark[] = "X-Session: resumed";
  (void)to;
  n *= size;
  if (n >= sizeof mark - 1 && memcmp(p, mark, sizeof mark - 1) == 0)
    resumed = true;
  return n;
}

static CURL *handle_new(curl_write_callback use) {
  CURL *h = curl_easy_init();
  if (!h) bench_die("no memory");
  SET(h, URL, job.url);
  SET(h, USERAGENT, "bench");
  SET(h, HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  SET(h, CAINFO, getenv("SSL_CERT_FILE"));
  SET(h, NOSIGNAL, 1L);
  SET(h, WRITEFUNCTION, use);
  SET(h, WRITEDATA, &body);
  return h;
}

static void perform(void) {
  long status = 0;
  body.n = 0;
  check(curl_easy_perform(easy), "perform");
  check(curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status), "status");
  if (status != 200) bench_die("status %ld", status);
}

static void get_small(void) {
  SET(easy, URL, job.url);
  perform();
  if (body.n != BENCH_SMALL || memcmp(body.small, bench_small(), body.n) != 0)
    bench_die("wrong body");
}

static void do_get(void) {
  easy = handle_new(keep);
  for (uint64_t i = 0; i < job.n; i++) get_small();
}

static void do_connect(void) {
  bool resume = strcmp(job.work, "resume") == 0;
  easy = handle_new(keep);
  SET(easy, FORBID_REUSE, 1L);
  if (resume) SET(easy, HEADERFUNCTION, see_header);
  for (uint64_t i = 0; i < job.n; i++) {
    resumed = false;
    get_small();
    if (resume && i > 0 && !resumed) bench_die("not resumed");
  }
}

static void download(curl_write_callback use, uint64_t size) {
  easy = handle_new(use);
  perform();
  if (body.n != size) bench_die("wrong size");
}

static void do_file(void) {
  body.file = fopen(job.file, "wb");
  if (!body.file) bench_die("cannot open %s", job.file);
  download(save, job.n);
  if (fclose(body.file) != 0) bench_die("cannot write %s", job.file);
}

static void do_gzip(void) {
  easy = handle_new(count_text);
  SET(easy, ACCEPT_ENCODING, "gzip");
  perform();
  if (body.n != job.n << 20) bench_die("wrong size");
}

/* libcurl 7.88 asks for more than INFILESIZE and would send it. */
static size_t read_some(char *p, size_t size, size_t n, void *from) {
  n *= size;
  if (n > job.n - sent) n = (size_t)(job.n - sent);
  n = fread(p, 1, n, from);
  sent += n;
  return n;
}

static struct curl_slist *upload_new(void) {
  struct curl_slist *list = curl_slist_append(NULL, "Expect:");
  easy = handle_new(keep);
  SET(easy, HTTPHEADER, list);
  return list;
}

static void check_upload(struct curl_slist *list) {
  perform();
  body.small[body.n] = '\0';
  if (strtoull(body.small, NULL, 10) != job.n) bench_die("wrong count");
  curl_slist_free_all(list);
}

static void do_send_file(void) {
  struct curl_slist *list = upload_new();
  FILE *f = fopen(job.file, "rb");
  if (!f) bench_die("cannot open %s", job.file);
  SET(easy, UPLOAD, 1L);
  SET(easy, READFUNCTION, read_some);
  SET(easy, READDATA, f);
  SET(easy, INFILESIZE_LARGE, (curl_off_t)job.n);
  check_upload(list);
  (void)fclose(f);
}

static void do_send_string(void) {
  struct curl_slist *list = upload_new();
  char *text = malloc(job.n);
  if (!text) bench_die("no memory");
  bench_fill(text, job.n, 0);
  struct bench_time start = bench_now();
  SET(easy, POSTFIELDS, text);
  SET(easy, POSTFIELDSIZE_LARGE, (curl_off_t)job.n);
  SET(easy, CUSTOMREQUEST, "PUT");
  check_upload(list);
  bench_spent(start);
  free(text);
}

/* Each handle keeps a body of its own while all of them run at once. */
static void run_all(CURLM *all, uint64_t n) {
  CURL **handles = calloc(n, sizeof *handles);
  struct body *bodies = calloc(n, sizeof *bodies);
  int running = 0;
  if (!handles || !bodies) bench_die("no memory");
  for (uint64_t i = 0; i < n; i++) {
    handles[i] = handle_new(keep);
    SET(handles[i], WRITEDATA, &bodies[i]);
    SET(handles[i], FRESH_CONNECT, 1L);
    if (curl_multi_add_handle(all, handles[i]) != CURLM_OK)
      bench_die("cannot add a handle");
  }
  for (;;) {
    if (curl_multi_perform(all, &running) != CURLM_OK)
      bench_die("cannot perform");
    if (running == 0) break;
    (void)curl_multi_poll(all, NULL, 0, 1000, NULL);
  }
  for (uint64_t i = 0; i < n; i++) {
    if (bodies[i].n != BENCH_SMALL) bench_die("wrong body");
    (void)curl_multi_remove_handle(all, handles[i]);
    curl_easy_cleanup(handles[i]);
  }
  free(bodies);
  free(handles);
}

static void do_idle(void) {
  CURLM *all = curl_multi_init();
  if (!all ||
      curl_multi_setopt(all, CURLMOPT_MAXCONNECTS, (long)job.n + 1) != CURLM_OK)
    bench_die("no memory");
  run_all(all, 1);
  long before = bench_resident();
  run_all(all, job.n);
  (void)printf("rss %ld %ld\n", before, bench_resident());
  (void)curl_multi_cleanup(all);
}

/* ------------------------------------------------- many at once, under epoll
 */

static CURLM *multi;
static int poller;
static long wait_ms = -1; /* until libcurl wants to be called in any case */
static uint64_t started, answered;

static void multi_check(CURLMcode code) {
  if (code != CURLM_OK) bench_die("multi: %s", curl_multi_strerror(code));
}

static int on_socket(CURL *h, curl_socket_t fd, int what, void *to,
                     void *known) {
  struct epoll_event e = {.data.fd = fd};
  (void)h;
  (void)to;
  if (what != CURL_POLL_OUT) e.events |= EPOLLIN;
  if (what != CURL_POLL_IN) e.events |= EPOLLOUT;
  int how = what == CURL_POLL_REMOVE ? EPOLL_CTL_DEL
            : known                  ? EPOLL_CTL_MOD
                                     : EPOLL_CTL_ADD;
  if (epoll_ctl(poller, how, fd, &e) != 0)
    bench_die("epoll_ctl: %s", strerror(errno));
  multi_check(
      curl_multi_assign(multi, fd, what == CURL_POLL_REMOVE ? NULL : &poller));
  return 0;
}

static int on_timer(CURLM *m, long ms, void *to) {
  (void)m;
  (void)to;
  wait_ms = ms;
  return 0;
}

static void act(curl_socket_t fd, uint32_t events) {
  int running;
  int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
             (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
             (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
  if (fd == CURL_SOCKET_TIMEOUT) wait_ms = -1;
  multi_check(curl_multi_socket_action(multi, fd, what, &running));
}

static void start(CURL *h, struct body *b) {
  b->n = 0;
  started++;
  multi_check(curl_multi_add_handle(multi, h));
}

static void finish(const CURLMsg *m) {
  CURL *h = m->easy_handle;
  struct body *b;
  long status = 0;
  check(m->data.result, "perform");
  check(curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status), "status");
  check(curl_easy_getinfo(h, CURLINFO_PRIVATE, (char **)&b), "body");
  if (status != 200 || b->n != BENCH_SMALL ||
      memcmp(b->small, bench_small(), b->n) != 0)
    bench_die("wrong answer");
  answered++;
  multi_check(curl_multi_remove_handle(multi, h));
  if (started < job.n)
    start(h, b);
  else
    curl_easy_cleanup(h);
}

static void make_multi(void) {
  multi = curl_multi_init();
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (!multi || poller < 0) bench_die("no memory");
  multi_check(
      curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)job.at_once));
  multi_check(curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket));
  multi_check(curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer));
}

static void do_many(void) {
  struct epoll_event events[EVENTS];
  struct body *bodies = calloc(job.at_once, sizeof *bodies);
  if (!bodies) bench_die("no memory");
  make_multi();
  while (started < job.n && started < job.at_once) {
    struct body *b = &bodies[started];
    CURL *h = handle_new(keep);
    SET(h, WRITEDATA, b);
    SET(h, PRIVATE, (char *)b);
    start(h, b);
  }
  while (answered < job.n) {
    CURLMsg *m;
    int left;
    int n = epoll_wait(poller, events, EVENTS, (int)wait_ms);
    for (int i = 0; i < n; i++) act(events[i].data.fd, events[i].events);
    if (n == 0 || wait_ms == 0) act(CURL_SOCKET_TIMEOUT, 0);
    while ((m = curl_multi_info_read(multi, &left)) != NULL) finish(m);
  }
  multi_check(curl_multi_cleanup(multi));
  free(bodies);
}

int main(int argc, char **argv) {
  bench_job_read(argc, argv, &job);
  const char *w = job.work;
  check(curl_global_init(CURL_GLOBAL_DEFAULT), "init");
  if (strcmp(w, "get") == 0)
    do_get();
  else if (strcmp(w, "connect") == 0 || strcmp(w, "resume") == 0)
    do_connect();
  else if (strcmp(w, "count") == 0)
    download(count, job.n);
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
  if (easy) curl_easy_cleanup(easy);
  curl_global_cleanup();
  return 0;
}
