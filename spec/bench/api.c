/*
 * api.c: hinternet from C, an asynchronous session with many requests under way
 * on one runtime. See bench.h for the arguments. SSL_CERT_FILE names the
 * authority.
 */
#include <stdlib.h>
#include <string.h>

#include "../../csrc/hinternet.h"
#include "bench.h"

static struct bench_job job;
static hn_runtime *rt;
static hn_handle connection;
static struct hn_request_spec spec;
static uint64_t started, answered;

static void check(int code, const char *what) {
  if (code) bench_die("%s: %s", what, hn_error_text(code));
}

static struct hn_slice slice(const char *text) {
  return (struct hn_slice){text, strlen(text)};
}

static void open_session(void) {
  hn_handle session;
  check(hn_runtime_new(&rt), "runtime");
  check(hn_open(rt, slice("bench"), HN_OPEN_ASYNC, &session), "open");
  check(hn_connect(rt, session, slice("127.0.0.1"), (unsigned)job.port,
                   &connection),
        "connect");
  spec.path = slice(job.path);
  spec.flags = job.secure ? HN_REQUEST_SECURE : 0;
}

static void start(void) {
  const struct hn_slice none = {NULL, 0};
  hn_handle request;
  started++;
  check(hn_open_request(rt, connection, &spec, &request), "open_request");
  check(hn_send(rt, request, none, none, HN_LENGTH_AUTO), "send");
}

static void on_head(hn_handle request) {
  struct hn_response_line line;
  check(hn_query_response_line(rt, request, &line), "query");
  if (line.status != 200) bench_die("status %d", line.status);
  check(hn_read(rt, request, BENCH_SMALL, HN_READ_FILL), "read");
}

static void on_body(hn_handle request, struct hn_slice body) {
  if (body.n != BENCH_SMALL || memcmp(body.p, bench_small(), body.n) != 0)
    bench_die("wrong body");
  check(hn_close(rt, request), "close");
  answered++;
  if (started < job.n) start();
}

static void on_event(const struct hn_event *e) {
  switch (e->status) {
  case HN_STATUS_SENDREQUEST_COMPLETE:
    check(hn_receive_response(rt, e->handle), "receive");
    break;
  case HN_STATUS_HEADERS_AVAILABLE: on_head(e->handle); break;
  case HN_STATUS_READ_COMPLETE: on_body(e->handle, e->text); break;
  case HN_STATUS_REQUEST_ERROR:
    bench_die("request: %s", hn_error_text(e->code));
  default: break;
  }
}

static void do_many(void) {
  struct hn_event e;
  open_session();
  while (started < job.n && started < job.at_once) start();
  while (answered < job.n) {
    check(hn_step(rt, -1), "step");
    while (hn_next_event(rt, 0, &e)) on_event(&e);
  }
  hn_runtime_free(rt);
}

int main(int argc, char **argv) {
  bench_job_read(argc, argv, &job);
  if (job.at_once == 0) return BENCH_NO_WORK;
  do_many();
  return 0;
}
