/*
 * unload.c: unload ROUNDS SCRIPT ARGUMENT...: the module as a library that
 * `require` loads and lua_close lets go of, again and again. Only Lua is linked
 * in. Memory and descriptors stay where they are after a tenth of the rounds.
 */
#include <unistd.h>

#include "host.h"

static long resident_kib(void) {
  long pages = 0, all = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  CHECK(f != NULL && fscanf(f, "%ld %ld", &all, &pages) == 2);
  CHECK(fclose(f) == 0);
  return pages * 4;
}

int main(int argc, char **argv) {
  CHECK(argc > 2);
  int rounds = atoi(argv[1]), descriptors = 0;
  long memory = 0;
  for (int i = 0; i < rounds; i++) {
    lua_State *L = host_state();
    host_run(L, argv[2], argv + 3);
    lua_close(L);
    if (i == rounds / 10) {
      memory = resident_kib();
      descriptors = host_descriptors();
    }
  }
  /* A look-up that nobody waits for has its socket until it ends. */
  for (int i = 0; i < 500 && host_descriptors() > descriptors; i++)
    CHECK(usleep(10000) == 0);
  CHECK(host_descriptors() <= descriptors);
  printf("%ld KiB after %d rounds, %ld KiB after %d\n", memory, rounds / 10 + 1,
         resident_kib(), rounds);
  CHECK(resident_kib() < memory + 2048);
  return 0;
}
