/*
 * bench.h: what the C programs of the benchmark share.
 *
 * A client program is called as  PROGRAM WORK URL N [FILE]  and does one
 * kind of work N times (or with N bytes). It ends with 0 when every answer was
 * right, with BENCH_NOT_BUILT when it cannot do that yet, with BENCH_NO_WORK
 * when it has no such work, and with 1 else.
 *
 *   get          N GETs of /file on one connection
 *   connect      N GETs, each on a new connection
 *   resume       the same; TLS sessions must be resumed from the second on
 *   count        GETs /big/N and counts the bytes
 *   file         GETs /big/N into FILE
 *   gzip         GETs /gzip/N, N MiB when decoded
 *   send_file    PUTs FILE, which has N bytes, to /up
 *   send_string  PUTs N bytes from memory; prints "spent CPU WALL" in
 *                microseconds, without the making of them
 *   manyM        N GETs over M connections at once, each asking again as soon
 * as it is answered idle         leaves N connections idle; prints "rss BEFORE
 * AFTER" in KiB
 *
 * From Lua a download as strings is read in pieces of each library's own size.
 *
 * /file is 1 KiB of "0123456789abcde\n"; byte i of /big and of what is sent to
 * /up is i % 251, which the server checks and answers with the count.
 */
#ifndef HN_BENCH_H
#define HN_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  BENCH_NOT_BUILT = 3,
  BENCH_NO_WORK = 4,
  BENCH_SMALL = 1024,       /* size of /file */
  BENCH_PERIOD = 251,       /* of the pattern of large bodies */
  BENCH_BLOCK = 251 * 1024, /* the pattern, whole periods */
  BENCH_PIECE = 256 * 1024, /* one read or write of bulk data */
};

struct bench_job {
  const char *work, *url, *file;
  const char *path; /* in url, "/" and what follows */
  int port;
  bool secure;
  uint64_t n;
  uint64_t at_once; /* of "many"; 0: another work */
};

/* Prints a message and ends the program. */
_Noreturn void bench_die(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* From the program's arguments; the host is always 127.0.0.1. */
void bench_job_read(int argc, char **argv, struct bench_job *job);

/* The body of /file, BENCH_SMALL bytes. */
const char *bench_small(void);

/* Writes n bytes of the pattern that begins at offset `at`. */
void bench_fill(char *p, size_t n, uint64_t at);

/* Whether p[0] and p[n - 1] are what the pattern has at `at`. */
bool bench_fits(const char *p, size_t n, uint64_t at);

/* The resident set in KiB. */
long bench_resident(void);

/* The processor's and the wall clock in microseconds. */
struct bench_time {
  int64_t cpu, wall;
};
struct bench_time bench_now(void);
/* Prints "spent CPU WALL" since then. */
void bench_spent(struct bench_time since);

#endif
