/*
 * lhn_handle.c: handles as userdata: what they hold, naming, closing,
 * collecting.
 */
#include <stdio.h>
#include <string.h>

#include "lhn.h"

/* Its address tells our userdata from those of others. */
static const char lhn_handle_magic = 'h';

const char *lhn_kind_name(int kind) {
  switch (kind) {
  case HN_KIND_SESSION: return "session";
  case HN_KIND_CONNECTION: return "connection";
  case HN_KIND_REQUEST: return "request";
  default: return "handle";
  }
}

/* Only a full userdata has a length, and only one of this length is looked
 * into. */
struct lhn_handle *lhn_test(lua_State *L, int arg) {
  struct lhn_handle *h = lua_touserdata(L, arg);
  if (!h || lua_rawlen(L, arg) != sizeof *h || h->magic != &lhn_handle_magic)
    return NULL;
  return h;
}

void lhn_misused(lua_State *L, int arg, int kind, int level) {
  const char *name = "hinternet handle";
  if (kind != 0) name = lua_pushfstring(L, "hinternet.%s", lhn_kind_name(kind));
  lhn_typeerror(L, level, arg, name);
}

struct lhn_handle *lhn_push_bare(lua_State *L, int kind, int parent) {
  struct lhn_handle *h = lua_newuserdatauv(L, sizeof *h, LHN_USERVALUES);
  memset(h, 0, sizeof *h);
  h->magic = &lhn_handle_magic;
  h->kind = kind;
  if (parent != 0) {
    const struct lhn_handle *from = lua_touserdata(L, parent);
    h->box = from->box;
    h->session = from->session;
    h->async = from->async;
    lua_pushvalue(L, parent);
    lua_setiuservalue(L, -2, LHN_UV_PARENT);
  } else {
    h->box = lhn_box(L);
  }
  return h;
}

struct lhn_handle *lhn_push_new(lua_State *L, int kind, int parent) {
  struct lhn_handle *h = lhn_push_bare(L, kind, parent);
  lua_pushvalue(L, lua_upvalueindex(LHN_UP_RUNTIME + kind));
  lua_setmetatable(L, -2);
  return h;
}

/* --------------------------------------------------------- what is anchored */

/* Pushes the table of what is kept, with room for all of it. */
static void lhn_push_room(lua_State *L, int ud) {
  ud = lua_absindex(L, ud);
  if (lua_getiuservalue(L, ud, LHN_UV_KEPT) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, LHN_KEPT_OUTPUT, 0);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, ud, LHN_UV_KEPT);
}

void lhn_reserve(lua_State *L, int ud) {
  lhn_push_room(L, ud);
  lua_pop(L, 1);
}

void lhn_keep(lua_State *L, int ud, enum lhn_kept what) {
  lhn_push_room(L, ud);
  lua_insert(L, -2);
  lua_rawseti(L, -2, what);
  lua_pop(L, 1);
}

void lhn_push_kept(lua_State *L, int ud, enum lhn_kept what) {
  if (lua_getiuservalue(L, ud, LHN_UV_KEPT) == LUA_TTABLE)
    lua_rawgeti(L, -1, what);
  else
    lua_pushnil(L);
  lua_remove(L, -2);
}

/* Pushes the anchored handles of the session that ud lives in, or of what is
 * highest above it. */
static void lhn_push_anchored(lua_State *L, int ud) {
  lua_pushvalue(L, ud);
  for (int depth = HN_KIND_SESSION; depth < HN_KIND_REQUEST; depth++) {
    lua_getiuservalue(L, -1, LHN_UV_PARENT);
    int below = lhn_test(L, -1) != NULL ? -2 : -1;
    lua_remove(L, below);
  }
  lhn_push_kept(L, -1, LHN_KEPT_ANCHORED);
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lhn_keep(L, -3, LHN_KEPT_ANCHORED);
  }
  lua_remove(L, -2);
}

/* The table's keys are slot indexes, which are few, with false where nothing is
 * anchored: a key that comes and goes would have the table built anew. A closed
 * handle whose slot is used again has its id for a key. */
static void lhn_set_anchored(lua_State *L, int ud, const struct lhn_handle *h,
                             bool anchored) {
  lua_Integer index = (lua_Integer)hn_index_of(h->id);
  ud = lua_absindex(L, ud);
  lhn_push_anchored(L, ud);
  lua_rawgeti(L, -1, index);
  const struct lhn_handle *there = lhn_test(L, -1);
  if (anchored && there && there != h)
    lua_rawseti(L, -2, (lua_Integer)there->id);
  else
    lua_pop(L, 1);
  if (anchored)
    lua_pushvalue(L, ud);
  else if (there == h)
    lua_pushboolean(L, 0);
  else
    lua_pushnil(L);
  lua_rawseti(L, -2, anchored || there == h ? index : (lua_Integer)h->id);
  lua_pop(L, 1);
}

enum lhn_anchor lhn_anchor_of(int op) {
  bool sends = op == HN_OP_SEND_REQUEST || op == HN_OP_WRITE_DATA;
  return sends ? LHN_ANCHOR_SEND : LHN_ANCHOR_RECEIVE;
}

void lhn_anchor(lua_State *L, int ud, struct lhn_handle *h,
                enum lhn_anchor why) {
  if (h->anchors == 0) lhn_set_anchored(L, ud, h, true);
  h->anchors |= (uint8_t)why;
}

void lhn_unanchor(lua_State *L, int ud, struct lhn_handle *h,
                  enum lhn_anchor why) {
  if ((h->anchors & why) == 0) return;
  h->anchors &= (uint8_t)~why;
  if (h->anchors == 0) lhn_set_anchored(L, ud, h, false);
}

/* ------------------------------------------------------------------ the map */

void lhn_remember(lua_State *L, int ud, const struct lhn_handle *h) {
  int map = lua_upvalueindex(LHN_UP_MAP);
  lua_Integer index = (lua_Integer)hn_index_of(h->id);
  ud = lua_absindex(L, ud);
  lua_rawgeti(L, map, index);
  const struct lhn_handle *other = lua_touserdata(L, -1);
  /* A closed handle whose slot is used again may still have events. */
  if (other && other->id != h->id)
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
  if (h && h->id == id) return h;
  lua_pop(L, 1);
  lua_rawgeti(L, map, (lua_Integer)id);
  return lua_touserdata(L, -1);
}

/* ------------------------------------------------------------------ closing */

static int lhn_handle_gc(lua_State *L) {
  struct lhn_handle *h = lhn_test(L, 1);
  if (h && h->box->rt && h->id != 0 && !h->lent) hn_discard(h->box->rt, h->id);
  return 0;
}

/* hn_close, and what it means for the userdata. */
static int lhn_handle_end(lua_State *L, struct lhn_handle *h) {
  uint32_t mask = 0;
  lhn_place_files(L, 1, h);
  hn_runtime *rt = h->box->rt;
  if (rt && h->async && h->heard) (void)hn_get_mask(rt, h->id, &mask);
  int rc = rt ? hn_close(rt, h->id) : HN_ERR_INVALID_HANDLE;
  if (rc != 0) return rc;
  lhn_release(L, 1, h);
  if ((mask & HN_STATUS_HANDLE_CLOSING) && h->kind != HN_KIND_SESSION)
    lhn_anchor(L, 1, h, LHN_ANCHOR_CLOSING);
  /* Nothing of a closed request is left to finalise: saves a protected call. */
  if (h->kind == HN_KIND_REQUEST) {
    lua_pushvalue(L, lua_upvalueindex(LHN_UP_CLOSED));
    lua_setmetatable(L, 1);
  }
  return 0;
}

/* close(handle) -> true, or nil, message, code: delivers nothing. */
static int lhn_handle_end_only(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  return lhn_answer(L, h, "close", lhn_handle_end(L, h));
}

/* A close that the Lua half has to see to: a callback is running, or calls may
 * be parked that the end of their session resumes. */
static bool lhn_handle_ends_in_lua(const struct lhn_handle *h) {
  return (h->kind == HN_KIND_SESSION && h->box->parks) || h->box->calling > 0;
}

/* handle:close() */
static int lhn_handle_close(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  lua_settop(L, 1);
  if (lhn_handle_ends_in_lua(h)) return lhn_go_on(L, LHN_LUA_CLOSE, 1);
  size_t handles, before = 0, after = 0;
  if (h->box->parks && h->box->rt) hn_live(h->box->rt, &handles, &before);
  int rc = lhn_handle_end(L, h);
  if (rc != 0) return lhn_fail(L, h, "close", rc);
  hn_runtime *rt = h->box->rt;
  if (h->box->parks && rt) hn_live(rt, &handles, &after);
  /* Where calls are parked, what is queued is mostly for them: poll's. */
  bool later = (h->async && h->kind != HN_KIND_SESSION) ||
               (h->box->parks && !h->box->heard && before == after);
  if (!later && rt && hn_has_event(rt, h->session))
    return lhn_go_on(L, LHN_LUA_CLOSED, 1);
  lua_pushboolean(L, 1);
  return 1;
}

static bool lhn_handle_open_now(const struct lhn_handle *h) {
  return h->box->rt && hn_is_valid(h->box->rt, h->id);
}

/* The handle leaves its scope, perhaps by the error at 2. */
static int lhn_handle_close_variable(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  if (!lhn_handle_open_now(h)) return 0;
  lua_settop(L, 2);
  if (!lua_isnil(L, 2) || lhn_handle_ends_in_lua(h))
    return lhn_go_on(L, LHN_LUA_CLOSE_VARIABLE, 2);
  return lhn_handle_close(L);
}

/* ------------------------------------------------------------------- asking */

bool lhn_push_waiter(lua_State *L, const struct lhn_box *box) {
  /* Below a C function, as in table.sort, a coroutine cannot yield. */
  if (!box->parks || !lua_isyieldable(L)) return false;
  if (lua_rawgeti(L, lua_upvalueindex(LHN_UP_LUA), LHN_LUA_WAITERS) ==
      LUA_TTABLE) {
    lua_pushthread(L);
    if (lua_rawget(L, -2) == LUA_TTABLE) {
      lua_remove(L, -2);
      return true;
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return false;
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
  if (rt) (void)hn_describe(rt, h->id, text, sizeof text);
  text[sizeof text - 1] = '\0';
  lua_pushfstring(L, "%s (%p): %s", lhn_kind_name(h->kind), (const void *)h,
                  text);
  return 1;
}

/* type(x) -> "request", "closed request", ..., or nil */
static int lhn_handle_type(lua_State *L) {
  luaL_checkany(L, 1);
  const struct lhn_handle *h = lhn_test(L, 1);
  if (!h)
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

/* is_async(x) -> whether an open session is asynchronous; nil if it is none */
static int lhn_handle_is_async(lua_State *L) {
  const struct lhn_handle *h = lhn_test(L, 1);
  if (!h || h->kind != HN_KIND_SESSION) return 0;
  lua_pushboolean(L, h->async && lhn_handle_open_now(h));
  return 1;
}

/* allow_parking(): coroutines may have waiters from here on. */
static int lhn_handle_allow_parking(lua_State *L) {
  lhn_box(L)->parks = true;
  return 0;
}

/* cancel(handle, op); may be called by finalisers. */
static int lhn_handle_cancel(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  enum hn_op op = (enum hn_op)luaL_checkinteger(L, 2);
  lhn_cancel(L, 1, h, op);
  return 0;
}

/* set_callback(handle, callback or nil, mask) -> true */
static int lhn_handle_set_callback(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, 0, LHN_WRAPPED);
  uint32_t mask = (uint32_t)luaL_checkinteger(L, 3);
  bool heard = !lua_isnil(L, 2);
  hn_runtime *rt = h->box->rt;
  if (!rt) return lhn_fail(L, h, NULL, HN_ERR_INVALID_HANDLE);
  int rc = hn_set_mask(rt, h->id, heard ? mask : 0);
  if (rc != 0) return lhn_fail(L, h, "set_status_callback", rc);
  if (heard) {
    h->box->heard = true;
    lhn_remember(L, 1, h);
  }
  if (heard || h->heard) {
    lua_pushvalue(L, 2);
    lhn_keep(L, 1, LHN_KEPT_CALLBACK);
  }
  h->heard = heard;
  lua_pushboolean(L, 1);
  return 1;
}

/* callback(handle) -> the callback and its mask; nil without one */
static int lhn_handle_callback(lua_State *L) {
  const struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  uint32_t mask = 0;
  if (!h->heard || !h->box->rt || hn_get_mask(h->box->rt, h->id, &mask) != 0)
    return 0;
  lhn_push_kept(L, 1, LHN_KEPT_CALLBACK);
  lua_pushinteger(L, (lua_Integer)mask);
  return 2;
}

const luaL_Reg lhn_handle_functions[] = {
    {"type", lhn_handle_type},
    {"ids", lhn_handle_ids},
    {"is_async", lhn_handle_is_async},
    {"allow_parking", lhn_handle_allow_parking},
    {"cancel", lhn_handle_cancel},
    {"close", lhn_handle_end_only},
    {"set_callback", lhn_handle_set_callback},
    {"callback", lhn_handle_callback},
    {NULL, NULL},
};

const luaL_Reg lhn_handle_methods[] = {
    {"close", lhn_handle_close},
    {"abort", lhn_handle_close},
    {"is_valid", lhn_handle_is_valid},
    {"parent", lhn_handle_parent},
    {NULL, NULL},
};

const luaL_Reg lhn_handle_meta[] = {
    {"__gc", lhn_handle_gc},
    {"__close", lhn_handle_close_variable},
    {"__tostring", lhn_handle_tostring},
    {NULL, NULL},
};

const luaL_Reg lhn_closed_meta[] = {
    {"__close", lhn_handle_close_variable},
    {"__tostring", lhn_handle_tostring},
    {NULL, NULL},
};
