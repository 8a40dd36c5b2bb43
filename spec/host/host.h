/*
 * host.h: what the programs here share. Each embeds Lua and the amalgamation,
 * is run by spec/embed_spec.lua and ends with status 1 where something is not
 * as it should be.
 */
#ifndef HOST_H
#define HOST_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "hinternet.h"

#define CHECK(x) ((x) ? (void)0 : host_fail(__FILE__, __LINE__, #x))

static inline void host_fail(const char *file, int line, const char *what) {
  fprintf(stderr, "%s:%d: %s\n", file, line, what);
  exit(1);
}

/* Open descriptors of the process. */
static inline int host_descriptors(void) {
  int count = -1; /* the folder's own */
  DIR *d = opendir("/proc/self/fd");
  CHECK(d != NULL);
  for (struct dirent *e; (e = readdir(d)) != NULL;)
    count += e->d_name[0] != '.';
  CHECK(closedir(d) == 0);
  return count;
}

/* A state with the standard libraries. */
static inline lua_State *host_state(void) {
  lua_State *L = luaL_newstate();
  CHECK(L != NULL);
  luaL_openlibs(L);
  return L;
}

/* Loads the module as the global "hinternet". */
static inline void host_load(lua_State *L) {
  luaL_requiref(L, "hinternet", luaopen_hinternet, 1);
  lua_pop(L, 1);
}

/* Runs a script with arguments, ended by NULL, or without; its results stay. */
static inline void host_run(lua_State *L, const char *script, char **args) {
  int n = 0, base = lua_gettop(L);
  int status = luaL_loadbuffer(L, script, strlen(script), "=script");
  while (status == LUA_OK && args != NULL && args[n] != NULL)
    lua_pushstring(L, args[n++]);
  if (status == LUA_OK) status = lua_pcall(L, n, LUA_MULTRET, 0);
  if (status == LUA_OK) return;
  fprintf(stderr, "%s\n", lua_tostring(L, base + 1));
  exit(1);
}

#endif
