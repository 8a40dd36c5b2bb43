/*
 * yielding.c: yielding EVERY SCRIPT ARGUMENT...: the script answers a list of
 * functions, which run side by side in coroutines that a count hook suspends
 * after each EVERY instructions, until all have ended. Prints how often.
 */
#include "host.h"

enum { COROUTINES = 64 };

static long suspended;

static void suspend(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (!lua_isyieldable(L)) return;
  suspended++;
  lua_yield(L, 0);
}

/* Lets one go on; whether it has ended. */
static bool go_on(lua_State *L, lua_State *co) {
  int results;
  int status = lua_resume(co, L, 0, &results);
  if (status == LUA_YIELD) {
    lua_pop(co, results);
    return false;
  }
  if (status == LUA_OK) return true;
  luaL_traceback(L, co, lua_tostring(co, -1), 0);
  fprintf(stderr, "%s\n", lua_tostring(L, -1));
  exit(1);
}

static int start(lua_State *L, lua_State **threads, int every) {
  int count = (int)luaL_len(L, 1);
  CHECK(count <= COROUTINES);
  for (int i = 0; i < count; i++) {
    threads[i] = lua_newthread(L);
    lua_rawgeti(L, 1, i + 1);
    lua_xmove(L, threads[i], 1);
    lua_sethook(threads[i], suspend, LUA_MASKCOUNT, every);
  }
  return count;
}

int main(int argc, char **argv) {
  CHECK(argc >= 3);
  lua_State *threads[COROUTINES], *L = host_state();
  host_load(L);
  host_run(L, argv[2], argv + 3);
  lua_settop(L, 1);
  int count = start(L, threads, atoi(argv[1])), left = count;
  while (left > 0) {
    for (int i = 0; i < count; i++) {
      if (threads[i] == NULL || !go_on(L, threads[i])) continue;
      threads[i] = NULL;
      left--;
    }
  }
  lua_close(L);
  printf("%ld\n", suspended);
  return 0;
}
