/*
 * tls_starve_fixture.h: the TLS library's own allocations, of which one can be
 * made to fail. STARVE_MAIN has to come before anything that uses the library.
 */
#ifndef HN_SPEC_TLS_STARVE_FIXTURE_H
#define HN_SPEC_TLS_STARVE_FIXTURE_H

#include "tls_pair_fixture.h"

/* The n-th allocation from now fails, once; 0: none. */
static long starve_countdown;
/* Allocations asked for, ever. */
static long starve_asked;

static bool starve_may_go_on(void) {
  starve_asked++;
  return starve_countdown <= 0 || --starve_countdown > 0;
}

static void *starve_alloc(size_t n, const char *file, int line) {
  (void)file;
  (void)line;
  return starve_may_go_on() ? malloc(n) : NULL;
}

static void *starve_resize(void *p, size_t n, const char *file, int line) {
  (void)file;
  (void)line;
  return starve_may_go_on() ? realloc(p, n) : NULL;
}

static void starve_free(void *p, const char *file, int line) {
  (void)file;
  (void)line;
  free(p);
}

#define STARVE_MAIN(...)                                                       \
  int main(void) {                                                             \
    static const struct test_case rows[] = {__VA_ARGS__};                      \
    if (CRYPTO_set_mem_functions(starve_alloc, starve_resize, starve_free) !=  \
        1)                                                                     \
      return 1;                                                                \
    return pair_main(rows, sizeof rows / sizeof *rows);                        \
  }

#endif
