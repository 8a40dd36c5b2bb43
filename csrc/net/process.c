#include "process.h"

#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "../base/mem.h"

struct hn_process {
  volatile char *page; /* owned: 1 here, 0 in a child; NULL: cannot be had */
  size_t size;
  pid_t pid;
};

#ifdef MADV_WIPEONFORK
static char *process_map(size_t size) {
  char *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return NULL;
  if (madvise(page, size, MADV_WIPEONFORK) != 0) {
    (void)munmap(page, size);
    return NULL;
  }
  *page = 1;
  return page;
}
#else
static char *process_map(size_t size) {
  (void)size;
  return NULL;
}
#endif

int process_new(struct hn_process **out) {
  struct hn_process *p = mem_calloc(1, sizeof *p);
  if (!p) return HN_ERR_NOT_ENOUGH_MEMORY;
  long size = sysconf(_SC_PAGESIZE);
  p->size = size > 0 ? (size_t)size : 4096;
  p->page = process_map(p->size);
  p->pid = getpid();
  *out = p;
  return 0;
}

void process_random(void *p, size_t n) {
  (void)!getrandom(p, n, GRND_NONBLOCK);
}

void process_free(struct hn_process *p) {
  if (!p) return;
  if (p->page) (void)munmap((void *)(uintptr_t)p->page, p->size);
  mem_free(p);
}

/* Kept out of the way of the question that costs one load. */
__attribute__((noinline)) static bool
process_has_other_id(const struct hn_process *p) {
  return getpid() != p->pid;
}

bool process_is_other(const struct hn_process *p) {
  return p->page ? *p->page == 0 : process_has_other_id(p);
}
