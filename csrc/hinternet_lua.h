/*
 * hinternet_lua.h: hinternet in a C program that embeds Lua.
 *
 * A state that loads the module by itself gets a runtime of its own, which ends
 * with it. A program that wants a word in it makes the runtime, prepares it and
 * gives it to the state before any script runs:
 *
 *   hn_runtime *rt;
 *   lua_State *L = luaL_newstate();
 *   luaL_openlibs(L);
 *   if (hn_runtime_new(&rt) != 0 || hn_lua_use(L, rt) != 0) ...
 *   luaL_requiref(L, "hinternet", luaopen_hinternet, 1);
 *   ...
 *   lua_close(L);
 *   hn_runtime_free(rt);
 *
 * A runtime given this way is its maker's to free. That may be before lua_close
 * too: then every handle in the state is invalid, and what needs the runtime
 * raises. lua_close closes what Lua's handles stand for and calls nobody; a
 * handle that C made and kept stays open, and the runtime may be given to
 * another state afterwards.
 *
 * One runtime serves one state at a time, on one thread at a time. Lua's poll
 * and run step it and take its events, also of handles that C kept.
 *
 * L is never NULL. All functions but hn_lua_to may raise Lua's memory error, as
 * Lua's own do: call them where an error may be raised.
 */
#ifndef HINTERNET_LUA_H
#define HINTERNET_LUA_H

#include <lua.h>

#include "hinternet.h"

/* The C half of the module, for package.preload or luaL_requiref when the Lua
 * half is installed as files. */
HN_API int luaopen_hinternet_core(lua_State *L);

/* The whole module, in the amalgamation only, where the Lua half is compiled
 * in: it needs the standard libraries base, package, coroutine, math, string
 * and table; io and os where files are named. */
HN_API int luaopen_hinternet(lua_State *L);

/* Makes the module use rt, which is to be loaded after this. rt is borrowed
 * until lua_close. INVALID_OPERATION when the state has a runtime already, or
 * rt another state; INVALID_PARAMETER when rt is NULL. */
HN_API int hn_lua_use(lua_State *L, hn_runtime *rt);

/* The runtime of a state; NULL when it has none, or it was freed. */
HN_API hn_runtime *hn_lua_runtime(lua_State *L);

/* Pushes a handle that C made as a userdata like any other. From then on it is
 * Lua's: collecting the userdata closes the handle, as lua_close does. C may go
 * on using the id; to keep the handle open it keeps the userdata (luaL_ref).
 * What Lua reaches from it with parent() stays C's, and open.
 * INVALID_HANDLE when it is closed, INVALID_OPERATION when the module has not
 * been loaded; then nothing is pushed. */
HN_API int hn_lua_push(lua_State *L, hn_handle h);

/* The handle at idx, open or closed; 0 when the value is none. It stays Lua's:
 * it is good as long as the value is. */
HN_API hn_handle hn_lua_to(lua_State *L, int idx);

#endif
