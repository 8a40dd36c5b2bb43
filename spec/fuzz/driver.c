/*
 * driver.c: runs a fuzz target without a fuzzing engine.
 *
 *   x_fuzz [--mutate N] [--seed S] [--verbose] [file or folder ...]
 *
 * Replays the empty input and every file given (folders with all below them,
 * in the order of their names), then N inputs mutated from these. The same
 * arguments give the same inputs everywhere. Each one lies in a block of its
 * own size, so that AddressSanitizer sees a byte too far.
 *
 * When the process dies, the input that did it is written to the file named by
 * the environment variable HN_FUZZ_CRASH; SIGTERM counts, so that `timeout`
 * saves an input that hangs. Exit status: 0, or 2 for bad arguments.
 *
 * A target linked with clang's -fsanitize=fuzzer leaves this file out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* There only when a sanitizer is linked in. */
void __sanitizer_set_death_callback(void (*callback)(void))
    __attribute__((weak));

/* gcc's UBSan keeps its own list of callbacks, which ours does not reach: it
 * must abort, and SIGABRT is caught. */
__attribute__((visibility("default"))) const char *
__ubsan_default_options(void);

const char *__ubsan_default_options(void) {
  return "abort_on_error=1:print_stacktrace=1";
}

enum {
  DRIVER_MAX_INPUT = 256 * 1024, /* longest mutated input */
  DRIVER_MAX_RUN = 64,           /* longest run inserted or repeated */
  DRIVER_MAX_DEPTH = 16,         /* folders in folders */
};

struct input {
  uint8_t *bytes; /* owned */
  size_t n;
  char *name; /* owned */
};

struct corpus {
  struct input *items; /* owned */
  size_t count, room;
};

struct settings {
  uint64_t mutate, seed;
  bool verbose;
};

static void die(const char *what, const char *name) {
  fprintf(stderr, "driver: %s: %s\n", name, what);
  exit(2);
}

static void *need(void *p) {
  if (p == NULL) die("not enough memory", "input");
  return p;
}

/* ------------------------------------------------------------ crash report */

/* The input being run; only these are read once the process is dying. */
static const uint8_t *volatile current_bytes;
static volatile size_t current_size;
static const char *crash_path; /* borrowed from the environment */

static void save_current(void) {
  const uint8_t *p = current_bytes;
  size_t left = current_size;

  if (crash_path == NULL || p == NULL) return;
  /* Once only: abort comes after a sanitizer's own report. */
  current_bytes = NULL;
  int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return;
  while (left > 0) {
    ssize_t n = write(fd, p, left);
    if (n <= 0) break;
    p += n;
    left -= (size_t)n;
  }
  close(fd);
}

static void on_signal(int number) {
  save_current();
  signal(number, SIG_DFL);
  raise(number);
}

static void watch_for_crashes(void) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};

  crash_path = getenv("HN_FUZZ_CRASH");
  signal(SIGABRT, on_signal);
  signal(SIGTERM, on_signal);
  /* A sanitizer reports faults itself, better than a handler could. */
  if (__sanitizer_set_death_callback != NULL) {
    __sanitizer_set_death_callback(save_current);
    return;
  }
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    signal(faults[i], on_signal);
  }
}

/* ------------------------------------------------------------------ corpus */

static struct input *corpus_add(struct corpus *c, const char *name) {
  struct input *in;

  if (c->count == c->room) {
    c->room = c->room * 2 + 16;
    c->items = need(realloc(c->items, c->room * sizeof *c->items));
  }
  in = &c->items[c->count++];
  in->bytes = NULL;
  in->n = 0;
  in->name = need(strdup(name));
  return in;
}

static void corpus_free(struct corpus *c) {
  for (size_t i = 0; i < c->count; i++) {
    free(c->items[i].bytes);
    free(c->items[i].name);
  }
  free(c->items);
}

static void load_file(struct corpus *c, const char *path, size_t size) {
  struct input *in = corpus_add(c, path);
  FILE *f = fopen(path, "rb");

  if (f == NULL) die(strerror(errno), path);
  in->bytes = need(malloc(size + 1));
  in->n = fread(in->bytes, 1, size, f);
  if (ferror(f)) die("cannot read", path);
  fclose(f);
}

static void load_path(struct corpus *c, const char *path, int depth);

static int is_visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_folder(struct corpus *c, const char *path, int depth) {
  struct dirent **entries;
  int count = scandir(path, &entries, is_visible, compare_names);

  if (count < 0) die(strerror(errno), path);
  for (int i = 0; i < count; i++) {
    size_t size = strlen(path) + strlen(entries[i]->d_name) + 2;
    char *below = need(malloc(size));

    snprintf(below, size, "%s/%s", path, entries[i]->d_name);
    load_path(c, below, depth + 1);
    free(below);
    free(entries[i]);
  }
  free(entries);
}

static void load_path(struct corpus *c, const char *path, int depth) {
  struct stat st;

  if (depth > DRIVER_MAX_DEPTH) die("too deep", path);
  if (stat(path, &st) != 0) die(strerror(errno), path);
  if (S_ISDIR(st.st_mode)) {
    load_folder(c, path, depth);
  } else {
    load_file(c, path, (size_t)st.st_size);
  }
}

/* ----------------------------------------------------------------- running */

static void run_input(const uint8_t *bytes, size_t n) {
  /* Of exactly n bytes; when there are none the pointer is still one. */
  uint8_t *copy = need(malloc(n == 0 ? 1 : n));

  if (n > 0) memcpy(copy, bytes, n);
  current_size = n;
  current_bytes = copy;
  /* Begins behind the block: not even one byte may be read. */
  LLVMFuzzerTestOneInput(n == 0 ? copy + 1 : copy, n);
  current_bytes = NULL;
  free(copy);
}

static void replay(const struct corpus *c, const struct settings *s) {
  for (size_t i = 0; i < c->count; i++) {
    if (s->verbose) fprintf(stderr, "%s\n", c->items[i].name);
    run_input(c->items[i].bytes, c->items[i].n);
  }
}

/* --------------------------------------------------------------- mutations */

struct mutant {
  uint8_t bytes[DRIVER_MAX_INPUT];
  size_t n;
  uint64_t random;
};

/* splitmix64: the same numbers on every machine. */
static uint64_t next_random(struct mutant *m) {
  uint64_t x = m->random += 0x9e3779b97f4a7c15u;

  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

/* 0 .. limit - 1; 0 when limit is 0. */
static size_t pick(struct mutant *m, size_t limit) {
  return limit == 0 ? 0 : (size_t)(next_random(m) % limit);
}

/* Opens a gap of n bytes at `at`; how many there was room for. */
static size_t open_gap(struct mutant *m, size_t at, size_t n) {
  if (n > sizeof m->bytes - m->n) n = sizeof m->bytes - m->n;
  memmove(m->bytes + at + n, m->bytes + at, m->n - at);
  m->n += n;
  return n;
}

static void flip_bit(struct mutant *m, const struct corpus *c) {
  (void)c;
  if (m->n == 0) return;
  m->bytes[pick(m, m->n)] ^= (uint8_t)(1u << pick(m, 8));
}

/* Bytes that mean something to text protocols, and the extremes. */
static uint8_t special_byte(struct mutant *m) {
  static const char bytes[] = "\0\r\n\t :;,=\"\\%/?#@[]&()<>{}0179afAFxX-+._~"
                              "\x01\x1f\x7f\x80\xbf\xc0\xc3\xe2\xf0\xff";
  return (uint8_t)bytes[pick(m, sizeof bytes - 1)];
}

static void set_byte(struct mutant *m, const struct corpus *c) {
  (void)c;
  if (m->n == 0) return;
  m->bytes[pick(m, m->n)] =
      pick(m, 4) == 0 ? (uint8_t)next_random(m) : special_byte(m);
}

static void insert_bytes(struct mutant *m, const struct corpus *c) {
  size_t at = pick(m, m->n + 1);
  size_t n = open_gap(m, at, 1 + pick(m, 4));

  (void)c;
  for (size_t i = 0; i < n; i++) m->bytes[at + i] = special_byte(m);
}

/* A long run of one byte: padding, leading zeros, deep nesting. */
static void insert_run(struct mutant *m, const struct corpus *c) {
  size_t at = pick(m, m->n + 1);
  size_t n = open_gap(m, at, 1 + pick(m, DRIVER_MAX_RUN));

  (void)c;
  memset(m->bytes + at, special_byte(m), n);
}

static void insert_word(struct mutant *m, const struct corpus *c) {
  static const char *const words[] = {
      "\r\n",
      "\r\n\r\n",
      "\n\n",
      "://",
      "%00",
      "%2e",
      "..",
      "0x",
      "-1",
      "4294967295",
      "4294967296",
      "9223372036854775807",
      "9223372036854775808",
      "18446744073709551615",
      "18446744073709551616",
      "ffffffffffffffff",
      "HTTP/1.1 ",
      "chunked",
      "close",
      "Content-Length: ",
      "Transfer-Encoding: ",
      "Connection: ",
      "[::1]",
      "GMT",
      "\xef\xbb\xbf",
  };
  const char *word = words[pick(m, sizeof words / sizeof *words)];
  size_t at = pick(m, m->n + 1);

  (void)c;
  memcpy(m->bytes + at, word, open_gap(m, at, strlen(word)));
}

static void delete_range(struct mutant *m, const struct corpus *c) {
  size_t from = pick(m, m->n), n = 1 + pick(m, pick(m, 2) ? 4 : m->n);

  (void)c;
  if (n > m->n - from) n = m->n - from;
  memmove(m->bytes + from, m->bytes + from + n, m->n - from - n);
  m->n -= n;
}

static void repeat_range(struct mutant *m, const struct corpus *c) {
  uint8_t copy[DRIVER_MAX_RUN];
  size_t from = pick(m, m->n), n = 1 + pick(m, sizeof copy), at;

  (void)c;
  if (n > m->n - from) n = m->n - from;
  memcpy(copy, m->bytes + from, n);
  at = pick(m, m->n + 1);
  memcpy(m->bytes + at, copy, open_gap(m, at, n));
}

/* From some point on, the bytes of another input from some point on. */
static void splice_other(struct mutant *m, const struct corpus *c) {
  const struct input *other = &c->items[pick(m, c->count)];
  size_t at = pick(m, m->n + 1), from = pick(m, other->n + 1);
  size_t n = other->n - from;

  if (n == 0) return;
  if (n > sizeof m->bytes - at) n = sizeof m->bytes - at;
  memcpy(m->bytes + at, other->bytes + from, n);
  m->n = at + n;
}

static void mutate(struct mutant *m, const struct corpus *c) {
  static void (*const ways[])(struct mutant *, const struct corpus *) = {
      flip_bit,    set_byte,     insert_bytes, insert_run,
      insert_word, delete_range, repeat_range, splice_other,
  };
  const struct input *base = &c->items[pick(m, c->count)];
  size_t steps = 1 + pick(m, 5);

  m->n = base->n < sizeof m->bytes ? base->n : sizeof m->bytes;
  if (m->n > 0) memcpy(m->bytes, base->bytes, m->n);
  for (size_t i = 0; i < steps; i++) {
    ways[pick(m, sizeof ways / sizeof *ways)](m, c);
  }
}

static void run_mutants(const struct corpus *c, const struct settings *s) {
  struct mutant *m = need(malloc(sizeof *m));

  m->random = s->seed;
  for (uint64_t i = 0; i < s->mutate; i++) {
    mutate(m, c);
    if (s->verbose) fprintf(stderr, "mutant %" PRIu64 "\n", i + 1);
    run_input(m->bytes, m->n);
  }
  free(m);
}

/* --------------------------------------------------------------- arguments */

static uint64_t parse_number(const char *option, const char *text) {
  char *end;

  if (text == NULL || text[0] < '0' || text[0] > '9') {
    die("wants a number", option);
  }
  errno = 0;
  uint64_t n = strtoull(text, &end, 10);
  if (errno != 0 || *end != '\0') die("wants a number", option);
  return n;
}

int main(int argc, char **argv) {
  struct settings s = {0, 1, false};
  struct corpus c = {NULL, 0, 0};

  watch_for_crashes();
  corpus_add(&c, "(empty)");
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--mutate") == 0) {
      s.mutate = parse_number("--mutate", argv[++i]);
    } else if (strcmp(argv[i], "--seed") == 0) {
      s.seed = parse_number("--seed", argv[++i]);
    } else if (strcmp(argv[i], "--verbose") == 0) {
      s.verbose = true;
    } else if (strncmp(argv[i], "--", 2) == 0) {
      die("unknown option", argv[i]);
    } else {
      load_path(&c, argv[i], 0);
    }
  }
  replay(&c, &s);
  run_mutants(&c, &s);
  printf("seed %" PRIu64 ": %zu replayed, %" PRIu64 " mutated\n", s.seed,
         c.count, s.mutate);
  corpus_free(&c);
  return 0;
}
