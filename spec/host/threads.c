/*
 * threads.c: threads N SCRIPT ARGUMENT...: N threads, each with a state of its
 * own that runs the script.
 */
#include <pthread.h>

#include "host.h"

enum { MOST = 64 };
static char **arguments;

static void *work(void *unused) {
  lua_State *L = host_state();
  host_load(L);
  host_run(L, arguments[0], arguments + 1);
  lua_close(L);
  return unused;
}

int main(int argc, char **argv) {
  pthread_t threads[MOST];
  CHECK(argc > 2);
  int count = atoi(argv[1]), before = host_descriptors();
  CHECK(count > 0 && count <= MOST);
  arguments = argv + 2;
  for (int i = 0; i < count; i++)
    CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
  for (int i = 0; i < count; i++) CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK(host_descriptors() == before);
  return 0;
}
