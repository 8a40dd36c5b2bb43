/*
 * limit.c: a Lua module that makes memory short for the state that loads it.
 *
 *   limit(bytes)   no block larger than that can be had any more; 0: all can
 */
#include <lauxlib.h>
#include <lua.h>

struct limit {
  lua_Alloc alloc; /* the state's own */
  void *data;
  size_t most;
};

static struct limit the_limit;

static void *limit_alloc(void *data, void *p, size_t old, size_t size) {
  (void)data;
  if (the_limit.most && size > the_limit.most && (!p || size > old))
    return NULL;
  return the_limit.alloc(the_limit.data, p, old, size);
}

static int limit_set(lua_State *L) {
  the_limit.most = (size_t)luaL_checkinteger(L, 1);
  return 0;
}

int luaopen_limit(lua_State *L);
int luaopen_limit(lua_State *L) {
  the_limit.alloc = lua_getallocf(L, &the_limit.data);
  lua_setallocf(L, limit_alloc, NULL);
  lua_pushcfunction(L, limit_set);
  return 1;
}
