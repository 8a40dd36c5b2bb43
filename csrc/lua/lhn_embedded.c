/*
 * lhn_embedded.c: luaopen_hinternet: the module of a program that has the Lua
 * half within itself. Only the amalgamation compiles this file.
 */
#include <string.h>

#include "../hinternet_lua.h"
#include "lhn.h"

/* lua_Reader: the lines of a file, one after the other. */
static const char *lhn_embedded_line(lua_State *L, void *data, size_t *size) {
  const char *const **next = data;
  const char *line = **next;
  (void)L;
  if (line == NULL)
    return NULL;
  ++*next;
  *size = strlen(line);
  return line;
}

/* loader(name) -> the module's value; its upvalue is the file */
static int lhn_embedded_load(lua_State *L) {
  const struct lhn_source *file = lua_touserdata(L, lua_upvalueindex(1));
  const char *const *lines = file->lines;
  const char *chunk = lua_pushfstring(L, "=%s", file->name);
  if (lua_load(L, lhn_embedded_line, &lines, chunk, "t") != LUA_OK)
    return lua_error(L);
  lua_pushstring(L, file->name);
  lhn_call(L);
  return 1;
}

int luaopen_hinternet(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_hinternet_core);
  lua_setfield(L, -2, "hinternet.core");
  for (const struct lhn_source *s = lhn_sources; s->name != NULL; s++) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)s);
    lua_pushcclosure(L, lhn_embedded_load, 1);
    lua_setfield(L, -2, s->name);
  }
  lua_getfield(L, -1, "hinternet");
  lua_pushliteral(L, "hinternet");
  lhn_call(L);
  return 1;
}
