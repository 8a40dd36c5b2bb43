/*
 * lhn_embedded.c: luaopen_hinternet: the module of a program that has all of
 * the Lua files within itself. Only the amalgamation compiles this file.
 */
#include "../hinternet_lua.h"
#include "lhn.h"

/* loader(name) -> the module's value; its upvalue is the file */
static int lhn_embedded_load(lua_State *L) {
  const struct lhn_source *file = lua_touserdata(L, lua_upvalueindex(1));
  lhn_push_chunk(L, file);
  lua_pushstring(L, file->name);
  lhn_call(L);
  return 1;
}

/* Those that users require by name; the core has the others. */
int luaopen_hinternet(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_hinternet_core);
  lua_setfield(L, -2, "hinternet.core");
  for (const struct lhn_source *s = lhn_sources; s->name; s++) {
    if (s->inner) continue;
    lua_pushlightuserdata(L, (void *)(uintptr_t)s);
    lua_pushcclosure(L, lhn_embedded_load, 1);
    lua_setfield(L, -2, s->name);
  }
  lua_getfield(L, -1, "hinternet");
  lua_pushliteral(L, "hinternet");
  lhn_call(L);
  return 1;
}
