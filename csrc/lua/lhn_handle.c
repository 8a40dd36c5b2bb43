/*
 * lhn_handle.c: handles as userdata: making, naming, closing, collecting.
 *
 * A userdata is made first, empty, then the engine is asked, then the id is
 * stored: whatever raises in between leaves nothing behind.
 */
#include <stdio.h>
#include <string.h>

#include "lhn.h"

const char *lhn_kind_name(int kind) {
  switch (kind) {
  case HN_KIND_SESSION:
    return "session";
  case HN_KIND_CONNECTION:
    return "connection";
  case HN_KIND_REQUEST:
    return "request";
  default:
    return "handle";
  }
}

/* The metatable of the value at arg, to compare; NULL without one. */
static const void *lhn_handle_meta_at(lua_State *L, int arg) {
  if (!lua_getmetatable(L, arg))
    return NULL;
  const void *meta = lua_topointer(L, -1);
  lua_pop(L, 1);
  return meta;
}

/* The handle at arg, of any kind, or NULL. */
static struct lhn_handle *lhn_handle_test(lua_State *L, int arg) {
  const struct lhn_box *box = lhn_box(L);
  struct lhn_handle *h = lua_touserdata(L, arg);
  const void *meta = h != NULL ? lhn_handle_meta_at(L, arg) : NULL;
  if (meta == NULL)
    return NULL;
  for (int kind = HN_KIND_SESSION; kind <= HN_KIND_REQUEST; kind++)
    if (meta == box->meta[kind])
      return h;
  return NULL;
}

static void lhn_handle_misused(lua_State *L, int arg, int kind, int level) {
  const char *name = "hinternet handle";
  if (kind != 0)
    name = lua_pushfstring(L, "hinternet.%s", lhn_kind_name(kind));
  lhn_typeerror(L, level, arg, name);
}

struct lhn_handle *lhn_check(lua_State *L, int arg, int kind, int level) {
  struct lhn_handle *h;
  if (kind == 0) {
    h = lhn_handle_test(L, arg);
  } else {
    h = lua_touserdata(L, arg);
    if (h != NULL && lhn_handle_meta_at(L, arg) != lhn_box(L)->meta[kind])
      h = NULL;
  }
  if (h == NULL)
    lhn_handle_misused(L, arg, kind, level);
  return h;
}

/* ------------------------------------------------------------------ the map */

void lhn_remember(lua_State *L, int ud, const struct lhn_handle *h) {
  int map = lua_upvalueindex(LHN_UP_MAP);
  lua_Integer index = (lua_Integer)hn_index_of(h->id);
  ud = lua_absindex(L, ud);
  lua_rawgeti(L, map, index);
  const struct lhn_handle *other = lua_touserdata(L, -1);
  /* A closed handle whose slot is used again may still have events. */
  if (other != NULL && other->id != h->id)
    lua_rawseti(L, map, (lua_Integer)other->id);
  else
    lua_pop(L, 1);
  lua_pushvalue(L, ud);
  lua_rawseti(L, map, index);
}

struct lhn_handle *lhn_push_handle(lua_State *L, hn_handle id) {
  int map = lua_upvalueindex(LHN_UP_MAP);
  lua_rawgeti(L, map, (lua_Integer)hn_index_of(id));
  struct lhn_handle *h = lua_touserdata(L, -1);
  if (h != NULL && h->id == id)
    return h;
  lua_pop(L, 1);
  lua_rawgeti(L, map, (lua_Integer)id);
  return lua_touserdata(L, -1);
}

/* ------------------------------------------------------------------- making */

/* Pushes an empty handle; parent is its stack index, or 0. */
static struct lhn_handle *lhn_handle_push_new(lua_State *L, int kind,
                                              int parent) {
  int values = kind == HN_KIND_REQUEST ? LHN_UV_OUTPUT : LHN_UV_CALLBACK;
  struct lhn_handle *h = lua_newuserdatauv(L, sizeof *h, values);
  memset(h, 0, sizeof *h);
  h->box = lhn_box(L);
  h->kind = kind;
  lua_pushvalue(L, lua_upvalueindex(LHN_UP_RUNTIME + kind));
  lua_setmetatable(L, -2);
  if (parent != 0) {
    const struct lhn_handle *from = lua_touserdata(L, parent);
    h->session = from->session;
    h->async = from->async;
    lua_pushvalue(L, parent);
    lua_setiuservalue(L, -2, LHN_UV_PARENT);
  }
  return h;
}

/* Finishes the handle on top: it hears what its parent hears. Returns the
 * handle and, when a notification may be waiting for a sync session, true. */
static int lhn_handle_made(lua_State *L, int parent, struct lhn_handle *h) {
  if (lua_getiuservalue(L, parent, LHN_UV_CALLBACK) == LUA_TNIL) {
    lua_pop(L, 1);
    return 1;
  }
  lua_setiuservalue(L, -2, LHN_UV_CALLBACK);
  lhn_remember(L, -1, h);
  if (h->async)
    return 1;
  lua_pushboolean(L, 1);
  return 2;
}

/* open([agent [, async]]) -> session */
static int lhn_handle_open(lua_State *L) {
  hn_runtime *rt = lhn_runtime(L, lhn_box(L));
  struct hn_slice agent = lhn_opt_slice(L, LHN_WRAPPED, 1);
  bool async = lua_toboolean(L, 2);
  struct lhn_handle *h = lhn_handle_push_new(L, HN_KIND_SESSION, 0);
  int code = hn_open(rt, agent, async ? HN_OPEN_ASYNC : 0, &h->id);
  if (code != 0)
    return lhn_fail(L, NULL, "open", code);
  h->session = h->id;
  h->async = async;
  return 1;
}

/* session:connect(host [, port]) -> connection */
static int lhn_session_connect(lua_State *L) {
  struct lhn_handle *parent = lhn_check(L, 1, HN_KIND_SESSION, LHN_WRAPPED);
  hn_runtime *rt = parent->box->rt;
  if (rt == NULL)
    return lhn_fail(L, parent, NULL, HN_ERR_INVALID_HANDLE);
  struct hn_slice host = lhn_check_slice(L, LHN_WRAPPED, 2);
  lua_Integer port =
      lua_isnoneornil(L, 3) ? 0 : lhn_check_integer(L, LHN_WRAPPED, 3);
  if (port < 0 || port > 65535)
    return lhn_fail(L, parent, "port", HN_ERR_INVALID_PARAMETER);
  struct lhn_handle *h = lhn_handle_push_new(L, HN_KIND_CONNECTION, 1);
  int code = hn_connect(rt, parent->id, host, (unsigned)port, &h->id);
  if (code != 0)
    return lhn_fail(L, parent, "connect", code);
  return lhn_handle_made(L, 1, h);
}

/* ----------------------------------------------------- options of a request */

/* Where the texts of open_request's options stand while it works. */
enum { LHN_OPEN_TEXTS = 5, LHN_OPEN_LAST = 7 };

static int lhn_open_flag(const char *name) {
  static const struct {
    const char *name;
    int flag;
  } flags[] = {
      {"secure", HN_REQUEST_SECURE},
      {"escape_percent", HN_REQUEST_ESCAPE_PERCENT},
      {"escape_disable", HN_REQUEST_ESCAPE_DISABLE},
      {"escape_disable_query", HN_REQUEST_ESCAPE_DISABLE_QUERY},
      {"refresh", HN_REQUEST_REFRESH},
  };
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
    if (strcmp(flags[i].name, name) == 0)
      return flags[i].flag;
  return 0;
}

static int lhn_open_text(const char *name) {
  static const char *const names[] = {"version", "referrer", "accept"};
  for (int i = 0; i < 3; i++)
    if (strcmp(names[i], name) == 0)
      return LHN_OPEN_TEXTS + i;
  return 0;
}

/* Replaces the list on top by its strings joined with ", ". */
static void lhn_open_join(lua_State *L) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  lua_pushliteral(L, "");
  for (lua_Integer i = 1; i <= n; i++) {
    lua_pushstring(L, i > 1 ? ", " : "");
    if (lua_rawgeti(L, -3, i) != LUA_TSTRING)
      lhn_argerror(L, LHN_WRAPPED, 4, "'accept' must hold strings");
    lua_concat(L, 3);
  }
  lua_remove(L, -2);
}

/* One option: its name below its value on top. */
static void lhn_open_option(lua_State *L, struct hn_request_spec *spec) {
  const char *name =
      lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
  int flag = lhn_open_flag(name);
  int slot = lhn_open_text(name);
  if (flag != 0) {
    if (!lua_isboolean(L, -1))
      lhn_argerror(L, LHN_WRAPPED, 4,
                   lua_pushfstring(L, "'%s' must be a boolean", name));
    if (lua_toboolean(L, -1))
      spec->flags |= (unsigned)flag;
    return;
  }
  if (slot == 0)
    lhn_argerror(L, LHN_WRAPPED, 4,
                 lua_pushfstring(L, "unknown option '%s'", name));
  lua_pushvalue(L, -1);
  if (slot == LHN_OPEN_LAST && lua_istable(L, -1))
    lhn_open_join(L);
  if (lua_type(L, -1) != LUA_TSTRING)
    lhn_argerror(L, LHN_WRAPPED, 4,
                 lua_pushfstring(L, "'%s' must be a string", name));
  lua_replace(L, slot);
}

static void lhn_open_options(lua_State *L, struct hn_request_spec *spec) {
  lua_settop(L, 4);
  if (lua_isnil(L, 4))
    return;
  if (!lua_istable(L, 4))
    lhn_typeerror(L, LHN_WRAPPED, 4, "table");
  lua_settop(L, LHN_OPEN_LAST);
  lua_pushnil(L);
  while (lua_next(L, 4)) {
    lhn_open_option(L, spec);
    lua_pop(L, 1);
  }
  spec->version = lhn_slice_at(L, LHN_OPEN_TEXTS);
  spec->referrer = lhn_slice_at(L, LHN_OPEN_TEXTS + 1);
  spec->accept = lhn_slice_at(L, LHN_OPEN_LAST);
}

/* connection:open_request([method [, path [, options]]]) -> request */
static int lhn_connection_open_request(lua_State *L) {
  struct lhn_handle *parent = lhn_check(L, 1, HN_KIND_CONNECTION, LHN_WRAPPED);
  hn_runtime *rt = parent->box->rt;
  if (rt == NULL)
    return lhn_fail(L, parent, NULL, HN_ERR_INVALID_HANDLE);
  struct hn_request_spec spec;
  memset(&spec, 0, sizeof spec);
  spec.method = lhn_opt_slice(L, LHN_WRAPPED, 2);
  spec.path = lhn_opt_slice(L, LHN_WRAPPED, 3);
  lhn_open_options(L, &spec);
  struct lhn_handle *h = lhn_handle_push_new(L, HN_KIND_REQUEST, 1);
  int code = hn_open_request(rt, parent->id, &spec, &h->id);
  if (code != 0)
    return lhn_fail(L, parent, "open_request", code);
  return lhn_handle_made(L, 1, h);
}

/* ------------------------------------------------------------------ closing */

static int lhn_handle_gc(lua_State *L) {
  struct lhn_handle *h = lhn_handle_test(L, 1);
  if (h != NULL && h->box->rt != NULL && h->id != 0)
    hn_discard(h->box->rt, h->id);
  return 0;
}

/* close(handle [, leave]) -> true; or false and the first event that is left
 * to deliver; or nil, message, code. With `leave` no event is taken. */
static int lhn_handle_close(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, 0, LHN_WRAPPED);
  hn_runtime *rt = h->box->rt;
  bool leave = lua_toboolean(L, 2);
  int code = rt != NULL ? hn_close(rt, h->id) : HN_ERR_INVALID_HANDLE;
  if (code != 0)
    return lhn_fail(L, h, "close", code);
  lhn_release(L, 1, h);
  struct hn_event ev;
  bool later = leave || (h->async && h->kind != HN_KIND_SESSION);
  if (later || !hn_next_event(rt, h->session, &ev)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  return 1 + lhn_push_event(L, &ev);
}

/* ------------------------------------------------------------------- asking */

static bool lhn_handle_open_now(const struct lhn_handle *h) {
  return h->box->rt != NULL && hn_is_valid(h->box->rt, h->id);
}

static int lhn_handle_is_valid(lua_State *L) {
  const struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  lua_pushboolean(L, lhn_handle_open_now(h));
  return 1;
}

static int lhn_handle_parent(lua_State *L) {
  const struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  if (!lhn_handle_open_now(h))
    return lhn_fail(L, h, "parent", HN_ERR_INVALID_HANDLE);
  lua_getiuservalue(L, 1, LHN_UV_PARENT);
  return 1;
}

static int lhn_handle_tostring(lua_State *L) {
  const struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  hn_runtime *rt = h->box->rt;
  char text[1024] = "closed";
  if (rt != NULL)
    (void)hn_describe(rt, h->id, text, sizeof text);
  text[sizeof text - 1] = '\0';
  lua_pushfstring(L, "%s (%p): %s", lhn_kind_name(h->kind), (const void *)h,
                  text);
  return 1;
}

/* type(x) -> "request", "closed request", ..., or nil */
static int lhn_handle_type(lua_State *L) {
  luaL_checkany(L, 1);
  const struct lhn_handle *h = lhn_handle_test(L, 1);
  if (h == NULL)
    lua_pushnil(L);
  else
    lua_pushfstring(L, "%s%s", lhn_handle_open_now(h) ? "" : "closed ",
                    lhn_kind_name(h->kind));
  return 1;
}

/* ---------------------------------------------------- for the Lua half only */

/* ids(handle) -> id, the session's id, async: integers to compare, not to use
 * as keys. */
static int lhn_handle_ids(lua_State *L) {
  const struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  lua_pushinteger(L, (lua_Integer)h->id);
  lua_pushinteger(L, (lua_Integer)h->session);
  lua_pushboolean(L, h->async);
  return 3;
}

/* await(handle, op) -> id, the session's id */
static int lhn_handle_await(lua_State *L) {
  const struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  hn_runtime *rt = h->box->rt;
  if (rt == NULL)
    return lhn_fail(L, h, NULL, HN_ERR_INVALID_HANDLE);
  enum hn_op op = (enum hn_op)luaL_checkinteger(L, 2);
  lhn_remember(L, 1, h);
  (void)hn_await(rt, h->id, op);
  lua_pushinteger(L, (lua_Integer)h->id);
  lua_pushinteger(L, (lua_Integer)h->session);
  return 2;
}

/* cancel(handle, op); may be called by finalisers. */
static int lhn_handle_cancel(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  enum hn_op op = (enum hn_op)luaL_checkinteger(L, 2);
  lhn_cancel(L, 1, h, op);
  return 0;
}

/* step(milliseconds) -> nothing, or message, code */
static int lhn_handle_step(lua_State *L) {
  hn_runtime *rt = lhn_runtime(L, lhn_box(L));
  int code = hn_step(rt, (int64_t)luaL_checkinteger(L, 1));
  if (code == 0)
    return 0;
  lua_pushstring(L, hn_error_text(code));
  lua_pushinteger(L, code);
  return 2;
}

/* live() -> open handles, running operations */
static int lhn_handle_live(lua_State *L) {
  const hn_runtime *rt = lhn_runtime(L, lhn_box(L));
  size_t handles = 0, operations = 0;
  hn_live(rt, &handles, &operations);
  lua_pushinteger(L, (lua_Integer)handles);
  lua_pushinteger(L, (lua_Integer)operations);
  return 2;
}

/* set_callback(handle, callback or nil, mask) -> true */
static int lhn_handle_set_callback(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, 0, LHN_WRAPPED);
  hn_runtime *rt = h->box->rt;
  if (rt == NULL)
    return lhn_fail(L, h, NULL, HN_ERR_INVALID_HANDLE);
  uint32_t mask = (uint32_t)luaL_checkinteger(L, 3);
  int code = hn_set_mask(rt, h->id, lua_isnil(L, 2) ? 0 : mask);
  if (code != 0)
    return lhn_fail(L, h, "set_status_callback", code);
  if (!lua_isnil(L, 2))
    lhn_remember(L, 1, h);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 1, LHN_UV_CALLBACK);
  lua_pushboolean(L, 1);
  return 1;
}

const luaL_Reg lhn_handle_functions[] = {
    {"open", lhn_handle_open},
    {"type", lhn_handle_type},
    {"ids", lhn_handle_ids},
    {"await", lhn_handle_await},
    {"cancel", lhn_handle_cancel},
    {"step", lhn_handle_step},
    {"live", lhn_handle_live},
    {"set_callback", lhn_handle_set_callback},
    {NULL, NULL},
};

/* close, connect and open_request are replaced by the Lua half, which delivers
 * the events they leave. */
const luaL_Reg lhn_handle_methods[] = {
    {"close", lhn_handle_close},
    {"is_valid", lhn_handle_is_valid},
    {"parent", lhn_handle_parent},
    {NULL, NULL},
};

const luaL_Reg lhn_handle_meta[] = {
    {"__gc", lhn_handle_gc},
    {"__tostring", lhn_handle_tostring},
    {NULL, NULL},
};

const luaL_Reg lhn_session_methods[] = {
    {"connect", lhn_session_connect},
    {NULL, NULL},
};

const luaL_Reg lhn_connection_methods[] = {
    {"open_request", lhn_connection_open_request},
    {NULL, NULL},
};
