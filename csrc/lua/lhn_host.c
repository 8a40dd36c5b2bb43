/*
 * lhn_host.c: hinternet_lua.h: a runtime for a state, handles into Lua and out
 * of it.
 */
#include <assert.h>

#include "../hinternet_lua.h"
#include "lhn.h"

static const char lhn_host_pusher[] = "hinternet.push";

int hn_lua_use(lua_State *L, hn_runtime *rt) {
  assert(L);
  if (!rt) return HN_ERR_INVALID_PARAMETER;
  luaL_checkstack(L, 5, NULL);
  bool has_one = lhn_push_box(L) != NULL;
  lua_pop(L, 1);
  if (has_one) return HN_ERR_INVALID_OPERATION;
  struct lhn_box *box = lhn_push_new_box(L);
  int rc = hn_runtime_claim(rt, &box->rt);
  if (rc != 0) {
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, "hinternet.runtime");
  }
  lua_pop(L, 1);
  return rc;
}

hn_runtime *hn_lua_runtime(lua_State *L) {
  assert(L);
  luaL_checkstack(L, 1, NULL);
  const struct lhn_box *box = lhn_push_box(L);
  lua_pop(L, 1);
  return box ? box->rt : NULL;
}

hn_handle hn_lua_to(lua_State *L, int idx) {
  assert(L);
  const struct lhn_handle *h = lhn_test(L, idx);
  return h ? h->id : 0;
}

/* Pushes the userdata of a handle, made if there is none: then it is still C's,
 * and so are those above it. */
static struct lhn_handle *lhn_host_push_handle(lua_State *L, hn_handle id) {
  hn_handle parent = 0;
  luaL_checkstack(L, 5, NULL);
  struct lhn_handle *h = lhn_push_handle(L, id);
  if (h) return h;
  hn_runtime *rt = lhn_box(L)->rt;
  if (rt) (void)hn_parent(rt, id, &parent);
  if (parent != 0) (void)lhn_host_push_handle(L, parent);
  h = lhn_push_new(L, hn_kind_of(id), parent != 0 ? lua_gettop(L) : 0);
  h->id = id;
  h->lent = true;
  rt = h->box->rt;
  if (rt) {
    (void)hn_session_of(rt, id, &h->session);
    (void)hn_is_async(rt, id, &h->async);
  }
  lhn_remember(L, -1, h);
  return h;
}

/* push(id) -> handle */
static int lhn_host_push(lua_State *L) {
  lhn_host_push_handle(L, (hn_handle)lua_tointeger(L, 1))->lent = false;
  return 1;
}

void lhn_host_open(lua_State *L) {
  for (int i = 1; i <= LHN_UPVALUES; i++) lua_pushvalue(L, i);
  lua_pushcclosure(L, lhn_host_push, LHN_UPVALUES);
  lua_setfield(L, LUA_REGISTRYINDEX, lhn_host_pusher);
}

int hn_lua_push(lua_State *L, hn_handle h) {
  assert(L);
  luaL_checkstack(L, 2, NULL);
  if (lua_getfield(L, LUA_REGISTRYINDEX, lhn_host_pusher) != LUA_TFUNCTION) {
    lua_pop(L, 1);
    return HN_ERR_INVALID_OPERATION;
  }
  const hn_runtime *rt = hn_lua_runtime(L);
  if (!rt || !hn_is_valid(rt, h)) {
    lua_pop(L, 1);
    return HN_ERR_INVALID_HANDLE;
  }
  lua_pushinteger(L, (lua_Integer)h);
  lhn_call(L);
  return 0;
}
