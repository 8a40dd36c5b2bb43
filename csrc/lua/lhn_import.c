/*
 * lhn_import.c: the Lua half, whose text is within the library: each of its
 * modules is compiled when it is first asked for.
 *
 * A module needs nothing that a script can take away: neither require nor
 * package, nor a file, nor a global. It is called with the core and import;
 * those where the two halves meet also with the table of what C reads of the
 * other half, which is in no table that Lua code can reach.
 */
#include <string.h>

#include "lhn.h"

enum { LHN_IMPORT_PREFIX = sizeof "hinternet." - 1 };

enum {
  LHN_IMPORT_CORE = 1,
  LHN_IMPORT_HALF,  /* what enum lhn_lua is the keys of */
  LHN_IMPORT_SLOTS, /* table: name of such a key -> the key */
  LHN_IMPORT_ENV,   /* table: the globals of the modules */
  LHN_IMPORT_DONE,  /* table: name -> the module's value */
  LHN_IMPORT_SELF,  /* the function itself */
  LHN_IMPORT_COUNT = LHN_IMPORT_SELF,
};

/* What the modules may use, as it was when the core was loaded. */
static const char *const lhn_import_globals[] = {
    "assert", "error",  "getmetatable", "ipairs",    "next",
    "pairs",  "pcall",  "rawequal",     "rawget",    "rawlen",
    "rawset", "select", "setmetatable", "tonumber",  "tostring",
    "type",   "warn",   "xpcall",       "coroutine", "io",
    "math",   "os",     "string",       "table",     "utf8",
};

/* One name, one module: a NUL within a name does not end it. */
static const struct lhn_source *lhn_import_find(struct hn_slice name) {
  for (const struct lhn_source *s = lhn_sources; s->name; s++) {
    if (!s->inner || strlen(s->name) < LHN_IMPORT_PREFIX) continue;
    if (lhn_slice_is(name, s->name + LHN_IMPORT_PREFIX)) return s;
  }
  return NULL;
}

void lhn_push_chunk(lua_State *L, const struct lhn_source *source) {
  const char *chunk = lua_pushfstring(L, "=%s", source->name);
  if (luaL_loadbufferx(L, source->text, source->size, chunk, "t") != LUA_OK)
    lua_error(L);
  lua_remove(L, -2);
}

/* Whoever asked for the module meanwhile, below a hook that yields, has it. */
static int lhn_import_done(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  lua_pushvalue(L, 1);
  if (lua_rawget(L, lua_upvalueindex(LHN_IMPORT_DONE)) != LUA_TNIL) return 1;
  lua_pop(L, 1);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, -2);
  lua_rawset(L, lua_upvalueindex(LHN_IMPORT_DONE));
  return 1;
}

/* import(name) -> the value of a module of the Lua half */
static int lhn_import(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_pushvalue(L, 1);
  if (lua_rawget(L, lua_upvalueindex(LHN_IMPORT_DONE)) != LUA_TNIL) return 1;
  const struct lhn_source *source = lhn_import_find(lhn_slice_at(L, 1));
  if (!source) return luaL_error(L, "hinternet has no module '%s'", name);
  lhn_push_chunk(L, source);
  lua_pushvalue(L, lua_upvalueindex(LHN_IMPORT_ENV));
  lua_setupvalue(L, -2, 1);
  lua_pushvalue(L, lua_upvalueindex(LHN_IMPORT_CORE));
  lua_pushvalue(L, lua_upvalueindex(LHN_IMPORT_SELF));
  bool meets = strcmp(name, "dispatch") == 0 || strcmp(name, "parked") == 0 ||
               strcmp(name, "task") == 0;
  if (!meets) return lhn_call_then(L, 2, lhn_import_done);
  lua_pushvalue(L, lua_upvalueindex(LHN_IMPORT_HALF));
  lua_pushvalue(L, lua_upvalueindex(LHN_IMPORT_SLOTS));
  return lhn_call_then(L, 4, lhn_import_done);
}

static int lhn_import_loaded(lua_State *L, int status, lua_KContext context) {
  (void)L;
  (void)status;
  (void)context;
  return 1;
}

/* loader(name) -> the same, for require; its upvalue is import */
static int lhn_import_loader(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  bool full = strncmp(name, "hinternet.", LHN_IMPORT_PREFIX) == 0;
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushstring(L, full ? name + LHN_IMPORT_PREFIX : name);
  return lhn_call_then(L, 1, lhn_import_loaded);
}

static void lhn_import_push_globals(lua_State *L) {
  size_t count = sizeof lhn_import_globals / sizeof lhn_import_globals[0];
  lua_createtable(L, 0, (int)count);
  lua_pushglobaltable(L);
  for (size_t i = 0; i < count; i++) {
    lua_pushstring(L, lhn_import_globals[i]);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    lua_rawset(L, -4);
  }
  lua_pop(L, 1);
}

/* Has require find the modules by their names; the loader is on top. */
static void lhn_import_preload(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const struct lhn_source *s = lhn_sources; s->name; s++) {
    if (!s->inner) continue;
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, s->name);
  }
  lua_pop(L, 2);
}

/* loaded(name) -> what require has loaded under a name, if anything */
static int lhn_import_of_others(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  if (lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE) != LUA_TTABLE)
    return 0;
  lua_insert(L, 1);
  lua_rawget(L, 1);
  return 1;
}

void lhn_import_open(lua_State *L, int core, int half, int slots) {
  lua_pushvalue(L, core);
  lua_pushvalue(L, half);
  lua_pushvalue(L, slots);
  lhn_import_push_globals(L);
  lua_newtable(L);
  lua_pushnil(L);
  lua_pushcclosure(L, lhn_import, LHN_IMPORT_COUNT);
  lua_pushvalue(L, -1);
  lua_setupvalue(L, -2, LHN_IMPORT_SELF);
  lua_pushvalue(L, -1);
  lua_setfield(L, core, "import");
  lua_pushcclosure(L, lhn_import_loader, 1);
  lhn_import_preload(L);
  lua_pushcfunction(L, lhn_import_of_others);
  lua_setfield(L, core, "loaded");
}
