/*
 * closing.c: closing ROUNDS SCRIPT ARGUMENT...: the state is closed as the
 * script left it, with a runtime of its own and with the program's in turn. The
 * script's callbacks call `heard`, which nobody may do once the closing began.
 */
#include "host.h"

static bool closing;

static int heard(lua_State *L) {
  (void)L;
  CHECK(!closing);
  return 0;
}

static void round_of(char **argv, hn_runtime *rt, bool free_first) {
  lua_State *L = host_state();
  CHECK(rt == NULL || hn_lua_use(L, rt) == 0);
  host_load(L);
  lua_register(L, "heard", heard);
  host_run(L, argv[0], argv + 1);
  closing = true;
  if (free_first) hn_runtime_free(rt);
  lua_close(L);
  closing = false;
}

int main(int argc, char **argv) {
  CHECK(argc > 2);
  int rounds = atoi(argv[1]);
  for (int i = 0, before = 0; i < rounds; i++) {
    hn_runtime *rt = NULL, *freed = NULL;
    size_t handles = 0, operations = 0;
    round_of(argv + 2, NULL, false);
    CHECK(hn_runtime_new(&rt) == 0 && hn_runtime_new(&freed) == 0);
    round_of(argv + 2, rt, false);
    hn_live(rt, &handles, &operations);
    CHECK(handles == 0 && operations == 0);
    hn_runtime_free(rt);
    round_of(argv + 2, freed, true);
    if (i == 0) before = host_descriptors();
    CHECK(host_descriptors() <= before);
  }
  return 0;
}
