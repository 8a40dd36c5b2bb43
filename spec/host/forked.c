/*
 * forked.c: forked BEFORE CHILD AFTER ARGUMENT...: three scripts in one state:
 * BEFORE in the parent, then CHILD in a child of it, then AFTER in the parent.
 * Each leaves with `true`.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

static void step(lua_State *L, const char *script, char **args) {
  lua_settop(L, 0);
  host_run(L, script, args);
  CHECK(lua_toboolean(L, 1));
}

int main(int argc, char **argv) {
  int status = 0;
  CHECK(argc > 3);
  lua_State *L = host_state();
  host_load(L);
  step(L, argv[1], argv + 4);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    step(L, argv[2], argv + 4);
    lua_close(L);
    return 0;
  }
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  step(L, argv[3], argv + 4);
  lua_close(L);
  return 0;
}
