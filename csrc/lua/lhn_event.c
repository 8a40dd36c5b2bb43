/*
 * lhn_event.c: events as Lua values.
 *
 * The text of an event is pushed before anything else: that call copies it
 * before a finaliser can run, and a finaliser may take the next event.
 */
#include <string.h>

#include "lhn.h"

static const char *lhn_event_status_name(uint32_t bit) {
  const struct hn_status_entry *entry;
  for (size_t i = 0; (entry = hn_status_at(i)) != NULL; i++)
    if (entry->bit == bit) return entry->name;
  return "unknown";
}

/* This may raise for want of memory: then the bytes are lost, and the next
 * operation has to say so. */
static void lhn_event_push_bytes(lua_State *L, struct lhn_handle *h,
                                 struct hn_slice bytes) {
  if (h) h->handing = true;
  lhn_push_slice(L, bytes);
  if (h) h->handing = false;
}

int lhn_push_result(lua_State *L, struct lhn_handle *h,
                    const struct hn_event *ev) {
  bool to_file = h && h->output.busy;
  switch (ev->status) {
  case HN_STATUS_REQUEST_ERROR:
    lua_pushnil(L);
    lhn_push_slice(L, ev->text);
    lua_pushinteger(L, ev->code);
    return 3;
  case HN_STATUS_READ_COMPLETE:
    if (to_file)
      lua_pushinteger(L, (lua_Integer)ev->number);
    else if (ev->text.n == 0)
      lua_pushnil(L); /* the end is nil in every mode */
    else
      lhn_event_push_bytes(L, h, ev->text);
    return 1;
  case HN_STATUS_DATA_AVAILABLE:
  case HN_STATUS_WRITE_COMPLETE:
    lua_pushinteger(L, (lua_Integer)ev->number);
    return 1;
  default: lua_pushboolean(L, 1); return 1;
  }
}

/* One value: what a notification that is no completion tells. */
static void lhn_event_push_info(lua_State *L, const struct hn_event *ev) {
  switch (ev->status) {
  case HN_STATUS_HANDLE_CREATED:
  case HN_STATUS_HANDLE_CLOSING:
    lhn_push_handle(L, (hn_handle)ev->number);
    break;
  case HN_STATUS_RESOLVING_NAME:
  case HN_STATUS_NAME_RESOLVED:
  case HN_STATUS_CONNECTING_TO_SERVER:
  case HN_STATUS_CONNECTED_TO_SERVER:
  case HN_STATUS_REDIRECT: lhn_push_slice(L, ev->text); break;
  case HN_STATUS_REQUEST_SENT:
  case HN_STATUS_RESPONSE_RECEIVED:
  case HN_STATUS_INTERMEDIATE_RESPONSE:
  case HN_STATUS_SECURE_FAILURE:
    lua_pushinteger(L, (lua_Integer)ev->number);
    break;
  default: lua_pushnil(L); break;
  }
}

/* a, b, c, phase, host: always five values. */
static void lhn_event_push_payload(lua_State *L, struct lhn_handle *h,
                                   const struct hn_event *ev) {
  char host[272];
  size_t n = ev->host.n < sizeof host ? ev->host.n : sizeof host;
  int top = lua_gettop(L);
  if (n > 0) memcpy(host, ev->host.p, n);
  if (ev->op != HN_OP_NONE)
    lhn_push_result(L, h, ev);
  else
    lhn_event_push_info(L, ev);
  lua_settop(L, top + 3);
  lua_pushstring(L, hn_phase_name(ev->phase));
  if (n > 0)
    lua_pushlstring(L, host, n);
  else
    lua_pushnil(L);
}

/* A closed handle gets no more events. */
static void lhn_event_forget(lua_State *L, hn_handle id) {
  int map = lua_upvalueindex(LHN_UP_MAP);
  lua_Integer index = (lua_Integer)hn_index_of(id);
  lua_rawgeti(L, map, index);
  const struct lhn_handle *h = lua_touserdata(L, -1);
  bool current = h && h->id == id;
  lua_pop(L, 1);
  lua_pushnil(L);
  lua_rawseti(L, map, current ? index : (lua_Integer)id);
}

int lhn_push_event(lua_State *L, const struct hn_event *ev) {
  bool completion = ev->op != HN_OP_NONE;
  luaL_checkstack(L, 20, "too many results");
  int first = lua_gettop(L) + 1;
  struct lhn_handle *h = lhn_push_handle(L, ev->handle);
  lhn_event_push_payload(L, h, ev);
  lua_pushstring(L, lhn_event_status_name(ev->status));
  lua_pushvalue(L, first);
  if (h && completion) {
    lhn_settle(L, first, h, ev);
    lhn_unanchor(L, first, h, lhn_anchor_of(ev->op));
  }
  if (h && h->heard && !ev->quiet)
    lhn_push_kept(L, first, LHN_KEPT_CALLBACK);
  else
    lua_pushnil(L);
  lua_pushinteger(L, (lua_Integer)ev->handle);
  if (completion)
    lua_pushinteger(L, ev->op);
  else
    lua_pushnil(L);
  if (ev->status == HN_STATUS_HANDLE_CLOSING) {
    if (h) lhn_unanchor(L, first, h, LHN_ANCHOR_CLOSING);
    lhn_event_forget(L, ev->handle);
  }
  lua_remove(L, first);
  /* payload, then the five values above: bring those to the front */
  lua_rotate(L, -10, 5);
  return 10;
}

/* next_event([handle [, own]]): the oldest event of the handle's session, of
 * the handle alone, or without one of all; nothing when there is none. */
static int lhn_event_next(lua_State *L) {
  hn_runtime *rt = lhn_box(L)->rt;
  hn_handle scope = 0;
  struct hn_event ev;
  if (!lua_isnoneornil(L, 1)) {
    const struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
    scope = lua_toboolean(L, 2) ? h->id : h->session;
  }
  if (!rt || !hn_next_event(rt, scope, &ev)) return 0;
  return lhn_push_event(L, &ev);
}

/* Pushes the table of the calls parked on the side of an operation; or nothing,
 * with false. */
static bool lhn_event_push_side(lua_State *L, int op) {
  bool sends = lhn_anchor_of(op) == LHN_ANCHOR_SEND;
  if (lua_rawgeti(L, lua_upvalueindex(LHN_UP_LUA),
                  sends ? LHN_LUA_SENDING : LHN_LUA_RECEIVING) == LUA_TTABLE)
    return true;
  lua_pop(L, 1);
  return false;
}

/* Pushes the waiter of the call parked on a handle; or nothing, with false. A
 * slot's index may belong to a later handle by now. */
static bool lhn_event_push_parked(lua_State *L, hn_handle id, int op) {
  int top = lua_gettop(L);
  if (lhn_event_push_side(L, op) &&
      lua_rawgeti(L, -1, (lua_Integer)hn_index_of(id)) == LUA_TTABLE) {
    lua_rawgeti(L, -1, LHN_WAITER_HANDLE);
    const struct lhn_handle *h = lhn_test(L, -1);
    bool is_its = h && h->id == id;
    lua_pop(L, 1);
    if (is_its) {
      lua_remove(L, -2);
      return true;
    }
  }
  lua_settop(L, top);
  return false;
}

/* The waiter of the call parked on a handle leaves its place. */
static void lhn_event_vacate(lua_State *L, hn_handle id, int op) {
  if (!lhn_event_push_side(L, op)) return;
  lua_pushnil(L);
  lua_rawseti(L, -2, (lua_Integer)hn_index_of(id));
  lua_pop(L, 1);
}

void lhn_park(lua_State *L, int ud, int waiter, int op) {
  const struct lhn_handle *h = lhn_test(L, ud);
  lua_Integer index = (lua_Integer)hn_index_of(h->id);
  lua_pushvalue(L, ud);
  lua_rawseti(L, waiter, LHN_WAITER_HANDLE);
  if (!lhn_event_push_side(L, op)) {
    lua_pushnil(L);
    return;
  }
  lua_rawgeti(L, -1, index);
  lua_insert(L, -2);
  lua_pushvalue(L, waiter);
  lua_rawseti(L, -2, index);
  lua_pop(L, 1);
}

/* unpark(handle, op) -> the waiter of the call parked on it, which leaves its
 * place; nothing without one */
static int lhn_event_unpark(lua_State *L) {
  const struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  int op = (int)luaL_checkinteger(L, 2);
  if (!lhn_event_push_parked(L, h->id, op)) return 0;
  lhn_event_vacate(L, h->id, op);
  return 1;
}

/* lost() -> the waiter of the call that the last take could not give its
 * result; nothing when there is none */
static int lhn_event_lost(lua_State *L) {
  struct lhn_box *box = lhn_box(L);
  hn_handle id = box->handing;
  box->handing = 0;
  if (id == 0 || !lhn_event_push_parked(L, id, box->handing_op)) return 0;
  lhn_event_vacate(L, id, box->handing_op);
  return 1;
}

/* take(): the oldest event of all sessions. Of the completion of a parked call
 * the call's waiter, with the result at 1 to 3; of another as next_event;
 * nothing when there is none. */
static int lhn_event_take(lua_State *L) {
  struct lhn_box *box = lhn_box(L);
  struct hn_event ev;
  box->at_once = 0;
  if (!box->rt || !hn_next_event(box->rt, 0, &ev)) return 0;
  lua_settop(L, 0);
  if (!box->parks || ev.op == HN_OP_NONE ||
      !lhn_event_push_parked(L, ev.handle, ev.op))
    return lhn_push_event(L, &ev);
  /* There may be no memory for the result: see lost. */
  box->handing = ev.handle;
  box->handing_op = ev.op;
  lua_rawgeti(L, 1, LHN_WAITER_HANDLE);
  struct lhn_handle *h = lhn_test(L, 2);
  (void)lhn_push_result(L, h, &ev);
  lhn_settle(L, 2, h, &ev);
  lua_settop(L, 5);
  for (int i = 3; i >= 1; i--) lua_rawseti(L, 1, i);
  lhn_event_vacate(L, ev.handle, ev.op);
  box->handing = 0;
  lua_settop(L, 1);
  return 1;
}

/* statuses() -> table: name -> bit */
static int lhn_event_statuses(lua_State *L) {
  const struct hn_status_entry *entry;
  lua_newtable(L);
  for (size_t i = 0; (entry = hn_status_at(i)) != NULL; i++) {
    lua_pushinteger(L, (lua_Integer)entry->bit);
    lua_setfield(L, -2, entry->name);
  }
  return 1;
}

const luaL_Reg lhn_event_functions[] = {
    {"next_event", lhn_event_next},   {"take", lhn_event_take},
    {"unpark", lhn_event_unpark},     {"lost", lhn_event_lost},
    {"statuses", lhn_event_statuses}, {NULL, NULL},
};
