/*
 * run.c: run [-f] SCRIPT ARGUMENT...: a script in a program that holds the
 * whole module; -f: with only the few standard libraries the module needs.
 */
#include "host.h"

static lua_State *few_libraries(void) {
  static const luaL_Reg libraries[] = {
      {LUA_GNAME, luaopen_base},          {LUA_LOADLIBNAME, luaopen_package},
      {LUA_COLIBNAME, luaopen_coroutine}, {LUA_MATHLIBNAME, luaopen_math},
      {LUA_STRLIBNAME, luaopen_string},   {LUA_TABLIBNAME, luaopen_table},
  };
  lua_State *L = luaL_newstate();
  CHECK(L != NULL);
  for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
    luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
    lua_pop(L, 1);
  }
  return L;
}

int main(int argc, char **argv) {
  bool few = argc > 1 && strcmp(argv[1], "-f") == 0;
  CHECK(argc > 1 + few);
  int before = host_descriptors();
  lua_State *L = few ? few_libraries() : host_state();
  host_load(L);
  host_run(L, argv[1 + few], argv + 2 + few);
  lua_close(L);
  CHECK(host_descriptors() == before);
  return 0;
}
