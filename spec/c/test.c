#include "test.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { TEST_GUARDS = 4, TEST_MAX_ROUNDS = 100000 };

static const char *test_case_name = "";
static char test_row[128];  /* set by test_label */
static char test_round[64]; /* set by the helpers that repeat a body */
static long test_failures;  /* failed checks of the running case */

static void test_set_round(const char *what, size_t n) {
  snprintf(test_round, sizeof test_round, "%s %zu", what, n);
}

static void test_report(const char *file, int line, const char *what) {
  test_failures++;
  printf("%s:%d: %s", file, line, test_case_name);
  if (test_row[0] != '\0') printf(" (%s)", test_row);
  if (test_round[0] != '\0') printf(" [%s]", test_round);
  printf(": %s", what);
}

bool test_check(bool ok, const char *file, int line, const char *what) {
  if (!ok) {
    test_report(file, line, what);
    printf("\n");
  }
  return ok;
}

bool test_equal_int(int64_t a, int64_t b, const char *file, int line,
                    const char *what) {
  if (a != b) {
    test_report(file, line, what);
    printf(": %" PRId64 " is not %" PRId64 "\n", a, b);
  }
  return a == b;
}

static void test_print_bytes(struct hn_slice s) {
  printf("\"");
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];

    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
      printf("%c", c);
    } else {
      printf("\\x%02x", c);
    }
  }
  printf("\"");
}

bool test_equal_text(struct hn_slice a, const char *b, const char *file,
                     int line, const char *what) {
  bool ok = slice_equal(a, slice_of(b));

  if (!ok) {
    test_report(file, line, what);
    printf(": ");
    test_print_bytes(a);
    printf(" is not ");
    test_print_bytes(slice_of(b));
    printf("\n");
  }
  return ok;
}

void test_label(const char *label) {
  snprintf(test_row, sizeof test_row, "%s", label == NULL ? "" : label);
}

/* The thread of a look-up gives its memory back a moment after its answer. */
static void test_await_threads(long live) {
  const struct timespec moment = {.tv_nsec = 1000000};
  for (int i = 0; i < 5000 && mem_live() > live; i++) nanosleep(&moment, NULL);
}

static bool test_run_case(const struct test_case *row) {
  long live = mem_live();

  test_case_name = row->name;
  test_failures = 0;
  test_label(NULL);
  test_round[0] = '\0';
  row->run();
  mem_fail_at(0);
  test_label(NULL);
  test_round[0] = '\0';
  test_await_threads(live);
  test_equal_int(mem_live(), live, __FILE__, __LINE__, "nothing leaked");
  return test_failures == 0;
}

/* A run that takes too long is ended: it says where. */
static void test_on_term(int signal) {
  const char *name = test_case_name;
  static const char cut[] = ": cut off\n";

  (void)signal;
  if (write(STDOUT_FILENO, name, strlen(name)) < 0 ||
      write(STDOUT_FILENO, cut, sizeof cut - 1) < 0) {
    _exit(3);
  }
  _exit(2);
}

int test_run(const struct test_case *cases, size_t count) {
  size_t passed = 0;

  /* A crash must not take the reports before it along. */
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGTERM, test_on_term);
  for (size_t i = 0; i < count; i++) {
    if (test_run_case(&cases[i])) passed++;
  }
  printf("%zu passed, %zu failed\n", passed, count - passed);
  return passed == count ? 0 : 1;
}

struct test_guard {
  char *base;
  size_t room; /* accessible bytes; the guard page lies behind them */
};

static struct test_guard test_guards[TEST_GUARDS];

static struct test_guard test_map_guard(size_t n, size_t page) {
  struct test_guard g;

  g.room = (n / page + 1) * page;
  g.base = mmap(NULL, g.room + page, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (g.base == MAP_FAILED || mprotect(g.base + g.room, page, PROT_NONE) != 0) {
    perror("guard page");
    _exit(2);
  }
  return g;
}

struct hn_slice test_guarded(int which, struct hn_slice s) {
  struct test_guard *g = &test_guards[which];
  struct test_guard old = *g;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);

  if (s.n > g->room || g->base == NULL) *g = test_map_guard(s.n, page);
  char *p = g->base + g->room - s.n;
  if (s.n > 0) memmove(p, s.p, s.n);
  if (old.base != NULL && old.base != g->base) {
    munmap(old.base, old.room + page);
  }
  return slice_make(p, s.n);
}

void test_each_failure(bool (*body)(void *ctx), void *ctx) {
  bool reached = true;

  for (long n = 1; reached && n < TEST_MAX_ROUNDS; n++) {
    long live = mem_live(), asked = mem_count();
    bool ok;

    test_set_round("failing allocation", (size_t)n);
    mem_fail_at(n);
    ok = body(ctx);
    mem_fail_at(0);
    reached = mem_count() - asked >= n;
    test_equal_int(mem_live(), live, __FILE__, __LINE__, "nothing leaked");
    if (!reached) test_check(ok, __FILE__, __LINE__, "succeeds in the end");
  }
  test_check(!reached, __FILE__, __LINE__, "a bounded count of allocations");
  test_round[0] = '\0';
}

void test_each_split(struct hn_slice input,
                     void (*run)(void *ctx, const struct test_pieces *pieces),
                     void *ctx) {
  struct test_pieces pieces = {input, 0, 0};

  snprintf(test_round, sizeof test_round, "whole");
  run(ctx, &pieces);
  pieces.step = 1;
  snprintf(test_round, sizeof test_round, "byte by byte");
  run(ctx, &pieces);
  pieces.step = 0;
  for (pieces.split = 1; pieces.split < input.n; pieces.split++) {
    test_set_round("split at", pieces.split);
    run(ctx, &pieces);
  }
  test_round[0] = '\0';
}

size_t test_piece_end(const struct test_pieces *pieces, size_t from) {
  if (from >= pieces->input.n) return pieces->input.n;
  if (pieces->step > 0) {
    size_t left = pieces->input.n - from;
    return from + (pieces->step < left ? pieces->step : left);
  }
  return from < pieces->split ? pieces->split : pieces->input.n;
}
