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

/* What a callback is told of an operation that failed. */
static void lhn_event_push_failure(lua_State *L, const struct hn_event *ev) {
  static const char *const names[] = {"operation", "message", "code", "phase",
                                      "host"};
  char host[272];
  size_t n = ev->host.n < sizeof host ? ev->host.n : sizeof host;
  int first = lua_gettop(L) + 1;
  if (n > 0) memcpy(host, ev->host.p, n);
  lhn_push_slice(L, ev->text);
  lua_pushstring(L, lhn_op_name(ev->op));
  lua_insert(L, first);
  lua_pushinteger(L, ev->code);
  lua_pushstring(L, hn_phase_name(ev->phase));
  if (n > 0)
    lua_pushlstring(L, host, n);
  else
    lua_pushnil(L);
  lua_createtable(L, 0, 5);
  for (int i = 0; i < 5; i++) {
    lua_pushvalue(L, first + i);
    lua_setfield(L, -2, names[i]);
  }
  lua_replace(L, first);
  lua_settop(L, first);
}

/* One value: what a completion tells a callback. */
static void lhn_event_push_told(lua_State *L, struct lhn_handle *h,
                                const struct hn_event *ev) {
  if (ev->status == HN_STATUS_REQUEST_ERROR) {
    lhn_event_push_failure(L, ev);
    return;
  }
  lhn_push_result(L, h, ev);
  if (lua_isboolean(L, -1)) { /* nothing but that it is done */
    lua_pop(L, 1);
    lua_pushnil(L);
  }
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

/* A parked call has its result: the waiter on top goes to Lua, to be woken. A
 * task is woken at once; poll, which will resume it, gets false. */
static int lhn_event_wake(lua_State *L, const struct lhn_place *at) {
  lua_rawgeti(L, -1, LHN_WAITER_TASK);
  struct lhn_task *t = lhn_task_test(L, -1);
  lua_pop(L, 1);
  if (!t) return 1;
  lhn_task_wake(t, !at->all);
  lua_pushboolean(L, 0);
  return at->all ? 1 : 0;
}

/* The completion of a parked call goes to its waiter, which is on top. */
static int lhn_event_give(lua_State *L, const struct lhn_place *at,
                          const struct hn_event *ev) {
  struct lhn_box *box = at->box;
  int waiter = lua_gettop(L), ud = waiter + 1;
  /* There may be no memory for the result: see lost. */
  box->handing = ev->handle;
  box->handing_op = ev->op;
  lua_rawgeti(L, waiter, LHN_WAITER_HANDLE);
  struct lhn_handle *h = lhn_test(L, ud);
  (void)lhn_push_result(L, h, ev);
  lhn_settle(L, ud, h, ev);
  lua_settop(L, ud + 3);
  for (int i = 2; i >= 0; i--) lua_rawseti(L, waiter, LHN_WAITER_RESULT + i);
  lua_pushboolean(L, 1);
  lua_rawseti(L, waiter, LHN_WAITER_DONE);
  lhn_event_vacate(L, ev->handle, ev->op);
  box->handing = 0;
  lua_settop(L, waiter);
  return lhn_event_wake(L, at);
}

void lhn_park(lua_State *L, int ud, int waiter, int op) {
  const struct lhn_handle *h = lhn_test(L, ud);
  lua_Integer index = (lua_Integer)hn_index_of(h->id);
  for (int i = LHN_WAITER_DONE; i <= LHN_WAITER_GIVEN; i++) {
    lua_pushboolean(L, 0);
    lua_rawseti(L, waiter, i);
  }
  lua_pushinteger(L, op);
  lua_rawseti(L, waiter, LHN_WAITER_OP);
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

/* parked(handle, op) -> the waiter of the call parked on it; nothing without
 * one */
static int lhn_event_parked(lua_State *L) {
  const struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  int op = (int)luaL_checkinteger(L, 2);
  return lhn_event_push_parked(L, h->id, op) ? 1 : 0;
}

/* unpark(handle, op, waiter) -> whether that waiter's call was parked on it: it
 * leaves its place */
static int lhn_event_unpark(lua_State *L) {
  const struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  int op = (int)luaL_checkinteger(L, 2);
  lua_settop(L, 3);
  if (!lhn_event_push_parked(L, h->id, op) || !lua_rawequal(L, 3, 4)) return 0;
  lhn_event_vacate(L, h->id, op);
  lua_pushboolean(L, 1);
  return 1;
}

/* give_up(waiter, message, code): its call answers nil, message, code. Of a
 * call that is parked on a handle, with handle and op: answers true, or nothing
 * when it is not parked there any more. Lua wakes it if it is no task. */
static int lhn_event_give_up(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 5);
  if (!lua_isnil(L, 4)) {
    struct lhn_handle *h = lhn_check(L, 4, 0, LHN_DIRECT);
    int op = (int)luaL_checkinteger(L, 5);
    if (!lhn_event_push_parked(L, h->id, op) || !lua_rawequal(L, 1, 6))
      return 0;
    lhn_event_vacate(L, h->id, op);
    lhn_cancel(L, 4, h, (enum hn_op)op);
    lua_settop(L, 5);
  }
  lua_pushnil(L);
  lua_insert(L, 2);
  for (int i = 2; i >= 0; i--) {
    lua_pushvalue(L, 2 + i);
    lua_rawseti(L, 1, LHN_WAITER_RESULT + i);
  }
  lua_pushboolean(L, 1);
  lua_rawseti(L, 1, LHN_WAITER_DONE);
  lua_rawgeti(L, 1, LHN_WAITER_TASK);
  struct lhn_task *t = lhn_task_test(L, -1);
  if (t) lhn_task_wake(t, true);
  lua_pushboolean(L, 1);
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

/* A completion that nobody is to hear goes to the place that waits for it. A
 * sync operation nobody waits for was broken off between its start and its
 * wait: its result must not vanish as if it had been handed out. */
static void lhn_event_route(lua_State *L, int ud, struct lhn_handle *h,
                            const struct hn_event *ev) {
  bool given = lhn_place_give(L, h, ev);
  if (!h) return;
  lhn_settle(L, ud, h, ev);
  lhn_unanchor(L, ud, h, lhn_anchor_of(ev->op));
  if (!given && !h->async) lhn_cancel(L, ud, h, (enum hn_op)ev->op);
}

/* callback, handle, status, info */
static int lhn_event_tell(lua_State *L, struct lhn_place *at, int ud,
                          struct lhn_handle *h, const struct hn_event *ev) {
  if (ev->op != HN_OP_NONE) {
    lhn_event_push_told(L, h, ev);
    lhn_settle(L, ud, h, ev);
    lhn_unanchor(L, ud, h, lhn_anchor_of(ev->op));
  } else {
    lhn_event_push_info(L, ev);
  }
  lhn_push_kept(L, ud, LHN_KEPT_CALLBACK);
  lua_pushvalue(L, ud);
  lua_pushstring(L, lhn_event_status_name(ev->status));
  lua_pushvalue(L, ud + 1);
  lhn_place_begin(L, at, h, ev);
  return 4;
}

/* Gives an event to whom it is for; how many values Lua gets of it. */
static int lhn_event_pass(lua_State *L, struct lhn_place *at,
                          const struct hn_event *ev) {
  int n = 0, ud = lua_gettop(L) + 1;
  if (at->box->parks && ev->op != HN_OP_NONE &&
      lhn_event_push_parked(L, ev->handle, ev->op))
    return lhn_event_give(L, at, ev);
  struct lhn_handle *h = lhn_push_handle(L, ev->handle);
  if (h && h->heard && !ev->quiet)
    n = lhn_event_tell(L, at, ud, h, ev);
  else if (ev->op != HN_OP_NONE)
    lhn_event_route(L, ud, h, ev);
  if (ev->status == HN_STATUS_HANDLE_CLOSING) {
    if (h) lhn_unanchor(L, ud, h, LHN_ANCHOR_CLOSING);
    lhn_event_forget(L, ev->handle);
  }
  return n;
}

int lhn_take(lua_State *L, struct lhn_place *at, hn_handle scope) {
  struct hn_event ev;
  int top = lua_gettop(L);
  while (!at->got && at->box->rt && hn_next_event(at->box->rt, scope, &ev)) {
    int n = lhn_event_pass(L, at, &ev);
    if (n > 0) return n;
    lua_settop(L, top);
  }
  return 0;
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
    {"parked", lhn_event_parked},     {"unpark", lhn_event_unpark},
    {"lost", lhn_event_lost},         {"give_up", lhn_event_give_up},
    {"statuses", lhn_event_statuses}, {NULL, NULL},
};
