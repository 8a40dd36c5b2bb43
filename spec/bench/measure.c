/*
 * measure.c: runs a program and tells what it cost.
 *
 *   measure SERVER_PID COMMAND...
 *
 * The last line of the output is "measure STATUS WALL USER SYSTEM SERVER PEAK":
 * exit status (128 + signal), microseconds, the processor time the server used
 * meanwhile, and the peak resident set in KiB. SERVER_PID 0: no server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { MEASURE_SECONDS = 60 }; /* a program that takes longer hangs */

static int64_t measure_time(struct timeval t) {
  return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

/* schedstat counts nanoseconds, stat only ticks. */
static int64_t measure_server(const char *pid) {
  char path[64];
  long long ns = 0;
  (void)snprintf(path, sizeof path, "/proc/%s/schedstat", pid);
  FILE *f = fopen(path, "r");
  if (!f) return 0;
  if (fscanf(f, "%lld", &ns) != 1) ns = 0;
  (void)fclose(f);
  return ns / 1000;
}

int main(int argc, char **argv) {
  if (argc < 3) bench_die("usage: measure SERVER_PID COMMAND...");
  int64_t server = measure_server(argv[1]);
  int64_t start = bench_now().wall;
  pid_t pid = vfork();
  if (pid < 0) bench_die("cannot fork");
  if (pid == 0) {
    (void)alarm(MEASURE_SECONDS);
    (void)execvp(argv[2], argv + 2);
    _exit(127);
  }
  int status = 0;
  struct rusage use;
  if (wait4(pid, &status, 0, &use) != pid) bench_die("cannot wait");
  int64_t wall = bench_now().wall - start;
  server = measure_server(argv[1]) - server;
  status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  (void)printf("\nmeasure %d %lld %lld %lld %lld %ld\n", status,
               (long long)wall, (long long)measure_time(use.ru_utime),
               (long long)measure_time(use.ru_stime), (long long)server,
               use.ru_maxrss);
  return 0;
}
