/*
 * lhn_open.c: open, connect, open_request.
 *
 * A userdata is made first, empty, then the engine is asked, then the id is
 * stored: whatever raises in between leaves nothing behind.
 */
#include <string.h>

#include "lhn.h"

/* Finishes the handle on top: it hears what its parent, at 1, hears. A sync
 * session's notification of it is delivered at once. */
static int lhn_open_made(lua_State *L, const struct lhn_handle *parent,
                         struct lhn_handle *h) {
  if (!parent->heard) return 1;
  h->heard = true;
  lhn_push_kept(L, 1, LHN_KEPT_CALLBACK);
  lhn_keep(L, -2, LHN_KEPT_CALLBACK);
  lhn_remember(L, -1, h);
  return h->async ? 1 : lhn_go_on(L, LHN_LUA_CREATED, 1);
}

/* open([agent [, async]]) -> session. Without an agent our own name is told, as
 * other clients do; an empty one is none. */
static int lhn_open_session(lua_State *L) {
  static const char name[] = "hinternet/" HN_VERSION;
  struct hn_slice agent = lhn_opt_slice(L, LHN_WRAPPED, 1);
  if (!agent.p)
    agent = (struct hn_slice){name, sizeof name - 1};
  else if (agent.n == 0)
    agent.p = NULL;
  bool async = lua_toboolean(L, 2);
  struct lhn_handle *h = lhn_push_new(L, HN_KIND_SESSION, 0);
  hn_runtime *rt = lhn_runtime(L, h->box);
  int rc = hn_open(rt, agent, async ? HN_OPEN_ASYNC : 0, &h->id);
  if (rc != 0) return lhn_fail(L, NULL, "open", rc);
  h->session = h->id;
  h->async = async;
  return 1;
}

/* session:connect(host [, port]) -> connection */
static int lhn_open_connection(lua_State *L) {
  struct lhn_handle *parent = lhn_check(L, 1, HN_KIND_SESSION, LHN_DIRECT);
  struct hn_slice host = lhn_check_slice(L, LHN_DIRECT, 2);
  lua_Integer port =
      lua_isnoneornil(L, 3) ? 0 : lhn_check_integer(L, LHN_DIRECT, 3);
  lua_settop(L, 3);
  if (port < 0 || port > 65535)
    return lhn_fail(L, parent, "connect", HN_ERR_INVALID_PARAMETER);
  struct lhn_handle *h = lhn_push_new(L, HN_KIND_CONNECTION, 1);
  hn_runtime *rt = parent->box->rt;
  if (!rt) return lhn_fail(L, parent, NULL, HN_ERR_INVALID_HANDLE);
  int rc = hn_connect(rt, parent->id, host, (unsigned)port, &h->id);
  if (rc != 0) return lhn_fail(L, parent, "connect", rc);
  return lhn_open_made(L, parent, h);
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
    if (strcmp(flags[i].name, name) == 0) return flags[i].flag;
  return 0;
}

static int lhn_open_text(const char *name) {
  static const char *const names[] = {"version", "referrer", "accept"};
  for (int i = 0; i < 3; i++)
    if (strcmp(names[i], name) == 0) return LHN_OPEN_TEXTS + i;
  return 0;
}

/* Replaces the list on top by its strings joined with ", ". */
static void lhn_open_join(lua_State *L) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  lua_pushliteral(L, "");
  for (lua_Integer i = 1; i <= n; i++) {
    lua_pushstring(L, i > 1 ? ", " : "");
    if (lua_rawgeti(L, -3, i) != LUA_TSTRING)
      lhn_argerror(L, LHN_DIRECT, 4, "'accept' must hold strings");
    lua_concat(L, 3);
  }
  lua_remove(L, -2);
}

/* One option: its name below its value on top. */
static void lhn_open_option(lua_State *L, struct hn_request_spec *spec) {
  const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
  int flag = lhn_open_flag(name);
  int slot = lhn_open_text(name);
  if (flag != 0) {
    if (!lua_isboolean(L, -1))
      lhn_argerror(L, LHN_DIRECT, 4,
                   lua_pushfstring(L, "'%s' must be a boolean", name));
    if (lua_toboolean(L, -1)) spec->flags |= (unsigned)flag;
    return;
  }
  if (slot == 0)
    lhn_argerror(L, LHN_DIRECT, 4,
                 lua_pushfstring(L, "unknown option '%s'", name));
  lua_pushvalue(L, -1);
  if (slot == LHN_OPEN_LAST && lua_istable(L, -1)) lhn_open_join(L);
  if (lua_type(L, -1) != LUA_TSTRING)
    lhn_argerror(L, LHN_DIRECT, 4,
                 lua_pushfstring(L, "'%s' must be a string", name));
  lua_replace(L, slot);
}

static void lhn_open_options(lua_State *L, struct hn_request_spec *spec) {
  if (lua_isnoneornil(L, 4)) return;
  if (!lua_istable(L, 4)) lhn_typeerror(L, LHN_DIRECT, 4, "table");
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
static int lhn_open_request(lua_State *L) {
  struct lhn_handle *parent = lhn_check(L, 1, HN_KIND_CONNECTION, LHN_DIRECT);
  struct hn_request_spec spec;
  memset(&spec, 0, sizeof spec);
  spec.method = lhn_opt_slice(L, LHN_DIRECT, 2);
  spec.path = lhn_opt_data(L, LHN_DIRECT, 3);
  lhn_open_options(L, &spec);
  struct lhn_handle *h = lhn_push_new(L, HN_KIND_REQUEST, 1);
  hn_runtime *rt = parent->box->rt;
  if (!rt) return lhn_fail(L, parent, NULL, HN_ERR_INVALID_HANDLE);
  int rc = hn_open_request(rt, parent->id, &spec, &h->id);
  if (rc != 0) return lhn_fail(L, parent, "open_request", rc);
  return lhn_open_made(L, parent, h);
}

const luaL_Reg lhn_open_functions[] = {
    {"open", lhn_open_session},
    {NULL, NULL},
};

const luaL_Reg lhn_session_methods[] = {
    {"connect", lhn_open_connection},
    {NULL, NULL},
};

const luaL_Reg lhn_connection_methods[] = {
    {"open_request", lhn_open_request},
    {NULL, NULL},
};
