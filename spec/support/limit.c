/*
 * limit.c: a Lua module that makes memory short for the state that loads it.
 *
 *   limit(bytes)   no block larger than that can be had any more; 0: all can
 *   limit(0, n)    the n-th block from here on cannot be had, once; answers how
 *                  many there were since the last such call
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

struct limit {
  lua_Alloc alloc; /* the state's own */
  void *data;
  size_t most;
  long number, failing; /* blocks had; the one that cannot be */
  size_t again; /* Lua asks for so much a second time, after a collection */
};

static struct limit the_limit;

static void *limit_alloc(void *data, void *p, size_t old, size_t size) {
  (void)data;
  if (the_limit.most && size > the_limit.most && (!p || size > old))
    return NULL;
  if (size > 0 && (!p || size > old)) {
    bool again = size == the_limit.again;
    the_limit.again = 0;
    if (again) return NULL;
    if (++the_limit.number == the_limit.failing) {
      the_limit.again = size;
      return NULL;
    }
  }
  return the_limit.alloc(the_limit.data, p, old, size);
}

static int limit_set(lua_State *L) {
  the_limit.most = (size_t)luaL_checkinteger(L, 1);
  the_limit.failing = (long)luaL_optinteger(L, 2, 0);
  lua_pushinteger(L, the_limit.number);
  the_limit.number = 0;
  the_limit.again = 0;
  return 1;
}

int luaopen_limit(lua_State *L);
int luaopen_limit(lua_State *L) {
  the_limit.alloc = lua_getallocf(L, &the_limit.data);
  lua_setallocf(L, limit_alloc, NULL);
  lua_pushcfunction(L, limit_set);
  return 1;
}
