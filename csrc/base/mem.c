#include "mem.h"

#include <stdlib.h>
#include <string.h>

#ifdef HN_TEST

/* Atomic: the resolver's helper threads allocate too. */
static _Atomic long mem_asked, mem_blocks, mem_countdown;

static bool mem_may_go_on(void) {
  mem_asked++;
  if (mem_countdown <= 0) return true;
  return --mem_countdown > 0;
}

static void mem_note_blocks(long change) {
  mem_blocks += change;
}

void mem_fail_at(long n) {
  mem_countdown = n;
}

long mem_count(void) {
  return mem_asked;
}

long mem_live(void) {
  return mem_blocks;
}

#else

static bool mem_may_go_on(void) {
  return true;
}

static void mem_note_blocks(long change) {
  (void)change;
}

#endif

/* Pointer differences inside a larger block would be undefined. */
static bool mem_is_size(size_t n) {
  return n <= PTRDIFF_MAX;
}

static bool mem_multiply(size_t count, size_t size, size_t *out) {
  if (size != 0 && count > SIZE_MAX / size) return false;
  *out = count * size;
  return true;
}

void *mem_alloc(size_t n) {
  void *p;

  if (!mem_is_size(n) || !mem_may_go_on()) return NULL;
  p = malloc(n == 0 ? 1 : n);
  if (p) mem_note_blocks(1);
  return p;
}

void *mem_calloc(size_t count, size_t size) {
  size_t n;
  void *p;

  if (!mem_multiply(count, size, &n)) return NULL;
  if (!mem_is_size(n) || !mem_may_go_on()) return NULL;
  p = calloc(n == 0 ? 1 : n, 1);
  if (p) mem_note_blocks(1);
  return p;
}

void *mem_resize(void *p, size_t count, size_t size) {
  size_t n;
  void *moved;

  if (!mem_multiply(count, size, &n)) return NULL;
  if (!mem_is_size(n) || !mem_may_go_on()) return NULL;
  /* realloc to 0 bytes may free: never ask for that. */
  moved = realloc(p, n == 0 ? 1 : n);
  if (moved && !p) mem_note_blocks(1);
  return moved;
}

char *mem_copy(const char *p, size_t n) {
  char *copy;

  if (n == SIZE_MAX) return NULL;
  copy = mem_alloc(n + 1);
  if (!copy) return NULL;
  if (n > 0) memcpy(copy, p, n);
  copy[n] = '\0';
  return copy;
}

void mem_free(void *p) {
  if (!p) return;
  mem_note_blocks(-1);
  free(p);
}

void mem_wipe(void *p, size_t n) {
  volatile char *byte = p;

  while (n-- > 0) *byte++ = '\0';
}
