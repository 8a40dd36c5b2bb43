#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void bench_die(const char *format, ...) {
  va_list list;
  va_start(list, format);
  (void)vfprintf(stderr, format, list);
  va_end(list);
  (void)fputc('\n', stderr);
  exit(1);
}

static uint64_t bench_number(const char *text) {
  char *end;
  uint64_t n = strtoull(text, &end, 10);
  if (end == text || *end) bench_die("not a number: %s", text);
  return n;
}

void bench_job_read(int argc, char **argv, struct bench_job *job) {
  if (argc < 4) bench_die("usage: %s WORK URL N [FILE]", argv[0]);
  *job = (struct bench_job){
      .work = argv[1],
      .url = argv[2],
      .n = bench_number(argv[3]),
      .file = argc > 4 ? argv[4] : NULL,
  };
  if (strncmp(job->work, "many", 4) == 0)
    job->at_once = bench_number(job->work + 4);
  job->secure = strncmp(job->url, "https://", 8) == 0;
  const char *host = job->url + (job->secure ? 8 : 7);
  const char *colon = strchr(host, ':');
  job->path = strchr(host, '/');
  if (!colon || !job->path) bench_die("no port or no path: %s", job->url);
  job->port = (int)strtol(colon + 1, NULL, 10);
}

const char *bench_small(void) {
  static char body[BENCH_SMALL];
  if (!body[0])
    for (size_t i = 0; i < BENCH_SMALL; i++)
      body[i] = "0123456789abcde\n"[i % 16];
  return body;
}

void bench_fill(char *p, size_t n, uint64_t at) {
  unsigned value = (unsigned)(at % BENCH_PERIOD);
  for (size_t i = 0; i < n; i++) {
    p[i] = (char)value;
    value = value + 1 == BENCH_PERIOD ? 0 : value + 1;
  }
}

bool bench_fits(const char *p, size_t n, uint64_t at) {
  return n == 0 || ((unsigned char)p[0] == at % BENCH_PERIOD &&
                    (unsigned char)p[n - 1] == (at + n - 1) % BENCH_PERIOD);
}

long bench_resident(void) {
  long pages = 0, resident = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (!f || fscanf(f, "%ld %ld", &pages, &resident) != 2)
    bench_die("cannot read /proc/self/statm");
  (void)fclose(f);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static int64_t bench_clock(clockid_t id) {
  struct timespec t;
  (void)clock_gettime(id, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct bench_time bench_now(void) {
  return (struct bench_time){.cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID),
                             .wall = bench_clock(CLOCK_MONOTONIC)};
}

void bench_spent(struct bench_time since) {
  struct bench_time now = bench_now();
  (void)printf("spent %lld %lld\n", (long long)(now.cpu - since.cpu),
               (long long)(now.wall - since.wall));
}
