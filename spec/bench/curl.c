/*
 * curl.c: libcurl's easy interface with one handle that is used again, its
 * buffers left at their defaults. See bench.h for the arguments. SSL_CERT_FILE
 * names the authority.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { SMALL_ROOM = 4096 };

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

#define SET(handle, option, value) \
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
static void run_all(CURLM *multi, uint64_t n) {
  CURL **handles = calloc(n, sizeof *handles);
  struct body *bodies = calloc(n, sizeof *bodies);
  int running = 0;
  if (!handles || !bodies) bench_die("no memory");
  for (uint64_t i = 0; i < n; i++) {
    handles[i] = handle_new(keep);
    SET(handles[i], WRITEDATA, &bodies[i]);
    SET(handles[i], FRESH_CONNECT, 1L);
    if (curl_multi_add_handle(multi, handles[i]) != CURLM_OK)
      bench_die("cannot add a handle");
  }
  for (;;) {
    if (curl_multi_perform(multi, &running) != CURLM_OK)
      bench_die("cannot perform");
    if (running == 0) break;
    (void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  for (uint64_t i = 0; i < n; i++) {
    if (bodies[i].n != BENCH_SMALL) bench_die("wrong body");
    (void)curl_multi_remove_handle(multi, handles[i]);
    curl_easy_cleanup(handles[i]);
  }
  free(bodies);
  free(handles);
}

static void do_idle(void) {
  CURLM *multi = curl_multi_init();
  if (!multi ||
      curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)job.n + 1) !=
          CURLM_OK)
    bench_die("no memory");
  run_all(multi, 1);
  long before = bench_resident();
  run_all(multi, job.n);
  (void)printf("rss %ld %ld\n", before, bench_resident());
  (void)curl_multi_cleanup(multi);
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
  else if (strcmp(w, "idle") == 0)
    do_idle();
  else
    return BENCH_NO_WORK;
  if (easy) curl_easy_cleanup(easy);
  curl_global_cleanup();
  return 0;
}
