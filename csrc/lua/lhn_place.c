/*
 * lhn_place.c: the places where events are taken, and what keeps coroutines
 * that are suspended anywhere out of each other's way.
 */
#include <string.h>

#include "lhn.h"

static const char lhn_place_magic = 'p';

static struct lhn_place *lhn_place_check(lua_State *L) {
  struct lhn_place *p = lua_touserdata(L, 1);
  if (!p || lua_rawlen(L, 1) != sizeof *p || p->magic != &lhn_place_magic) {
    lhn_typeerror(L, LHN_DIRECT, 1, "hinternet.place");
    return NULL;
  }
  return p;
}

static struct lhn_place *lhn_place_push(lua_State *L) {
  struct lhn_place *p = lua_newuserdatauv(L, sizeof *p, LHN_PLACE_VALUES);
  memset(p, 0, sizeof *p);
  p->magic = &lhn_place_magic;
  p->box = lhn_box(L);
  lua_pushvalue(L, lua_upvalueindex(LHN_UP_PLACE));
  lua_setmetatable(L, -2);
  return p;
}

/* The place on top becomes one where events are taken, by this coroutine. */
static void lhn_place_link(lua_State *L, struct lhn_place *p) {
  struct lhn_box *box = p->box;
  lua_pushthread(L);
  lua_setiuservalue(L, -2, LHN_PLACE_THREAD);
  p->thread = L;
  p->entered = true;
  p->prev = NULL;
  p->next = box->places;
  if (p->next) p->next->prev = p;
  box->places = p;
}

static void lhn_place_unlink(struct lhn_place *p) {
  p->entered = false;
  if (p->next) p->next->prev = p->prev;
  if (p->prev)
    p->prev->next = p->next;
  else
    p->box->places = p->next;
}

void lhn_place_enter(lua_State *L, int op) {
  const struct lhn_handle *h = lhn_test(L, 1);
  if (op != HN_OP_NONE) lhn_remember(L, 1, h);
  struct lhn_place *p = lhn_place_push(L);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, LHN_PLACE_HANDLE);
  p->id = h->id;
  p->session = h->session;
  p->op = op;
  if (op != HN_OP_NONE) {
    lua_pushvalue(L, -1);
    lua_rawsetp(L, lua_upvalueindex(LHN_UP_PLACES), p);
  }
  lhn_place_link(L, p);
  if (op != HN_OP_NONE && p->box->rt)
    (void)hn_await(p->box->rt, h->id, (enum hn_op)op);
}

/* enter(handle) -> the place of a delivery */
static int lhn_place_enter_delivery(lua_State *L) {
  lhn_check(L, 1, 0, LHN_DIRECT);
  lhn_place_enter(L, HN_OP_NONE);
  return 1;
}

/* ------------------------------------------------------- a running callback */

/* waiters[thread of the place at 1] = the value on top, if it has a waiter or
 * is to have one again. */
static void lhn_place_set_waiter(lua_State *L) {
  lua_rawgeti(L, lua_upvalueindex(LHN_UP_LUA), LHN_LUA_WAITERS);
  lua_getiuservalue(L, 1, LHN_PLACE_THREAD);
  lua_rotate(L, -3, 2); /* waiters, thread, value */
  if (lua_istable(L, -3))
    lua_rawset(L, -3);
  else
    lua_pop(L, 2);
  lua_pop(L, 1);
}

/* Pushes the waiter of the coroutine of the place at 1; or nothing. */
static bool lhn_place_push_waiter(lua_State *L) {
  bool found = false;
  if (lua_rawgeti(L, lua_upvalueindex(LHN_UP_LUA), LHN_LUA_WAITERS) ==
      LUA_TTABLE) {
    lua_getiuservalue(L, 1, LHN_PLACE_THREAD);
    found = lua_rawget(L, -2) == LUA_TTABLE;
    lua_remove(L, -2);
  }
  if (!found) lua_pop(L, 1);
  return found;
}

void lhn_place_begin(lua_State *L, struct lhn_place *p,
                     const struct lhn_handle *h, const struct hn_event *ev) {
  if (p->calling) return;
  p->holds = (ev->status & HN_STATUS_HOLDS) != 0 && p->box->rt;
  if (p->holds) hn_hear(p->box->rt, h->id, true);
  p->calling = true;
  p->session = h->session;
  p->hears = h->id;
  p->box->calling++;
  if (!p->box->parks || !lhn_place_push_waiter(L)) return;
  lua_setiuservalue(L, 1, LHN_PLACE_WAITER);
  lua_pushboolean(L, 0);
  lhn_place_set_waiter(L);
}

/* The callback of the place at 1 has returned, or was left. */
static void lhn_place_end(lua_State *L, struct lhn_place *p) {
  if (!p->calling) return;
  p->calling = false;
  p->box->calling--;
  if (p->holds && p->box->rt) hn_hear(p->box->rt, p->hears, false);
  if (lua_getiuservalue(L, 1, LHN_PLACE_WAITER) != LUA_TTABLE) {
    lua_pop(L, 1);
    return;
  }
  lhn_place_set_waiter(L);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, LHN_PLACE_WAITER);
}

/* Its callback did not return: what that was to hear of does not come about. */
static void lhn_place_break(lua_State *L, struct lhn_place *p) {
  hn_runtime *rt = p->box->rt;
  if (p->calling && rt) (void)hn_refuse(rt, p->hears);
  lhn_place_end(L, p);
}

/* heard(place): its callback has returned */
static int lhn_place_heard(lua_State *L) {
  lhn_place_end(L, lhn_place_check(L));
  return 0;
}

/* refused(place): its callback has raised an error */
static int lhn_place_refused(lua_State *L) {
  lhn_place_break(L, lhn_place_check(L));
  return 0;
}

/* Whether its coroutine runs, or waits for one that does. */
static bool lhn_place_is_active(lua_State *L, const struct lhn_place *p) {
  lua_Debug ar;
  if (p->thread == L) return true;
  return lua_status(p->thread) == LUA_OK &&
         lua_getstack(p->thread, 0, &ar) != 0;
}

int64_t lhn_place_patience(lua_State *L, const struct lhn_box *box,
                           int64_t ms) {
  const struct lhn_place *p = box->calling > 0 ? box->places : NULL;
  if (ms >= 0 && ms <= LHN_SUSPENDED_MS) return ms;
  while (p && (!p->calling || lhn_place_is_active(L, p))) p = p->next;
  return p ? LHN_SUSPENDED_MS : ms;
}

static bool lhn_place_is_dead(lua_State *L, const struct lhn_place *p) {
  int status = lua_status(p->thread);
  if (status == LUA_YIELD || lhn_place_is_active(L, p)) return false;
  return status != LUA_OK || lua_gettop(p->thread) == 0;
}

/* enter_poll([place]) -> the place that takes the events of all sessions: one
 * that this function made before; or a new one, where a coroutine keeps that */
static int lhn_place_enter_poll(lua_State *L) {
  lua_settop(L, 1);
  struct lhn_place *p = lua_isnil(L, 1) ? NULL : lhn_place_check(L);
  if (p && (!p->all || (p->entered && lhn_place_is_active(L, p))))
    return luaL_error(L, "poll called inside poll");
  if (!p || p->entered) {
    p = lhn_place_push(L);
    p->all = true;
  }
  lhn_place_link(L, p);
  return 1;
}

/* is_polling(place) */
static int lhn_place_is_polling(lua_State *L) {
  const struct lhn_place *p = lhn_place_check(L);
  lua_pushboolean(L, p->entered && lhn_place_is_active(L, p));
  return 1;
}

/* inside_callback([handle]) -> whether a status callback is running now: of any
 * session, or of the handle's */
static int lhn_place_inside(lua_State *L) {
  const struct lhn_box *box = lhn_box(L);
  hn_handle session = 0;
  bool inside = false;
  if (!lua_isnoneornil(L, 1)) session = lhn_check(L, 1, 0, LHN_DIRECT)->session;
  const struct lhn_place *p = box->calling > 0 ? box->places : NULL;
  for (; p && !inside; p = p->next)
    inside = p->calling && (session == 0 || session == p->session) &&
             lhn_place_is_active(L, p);
  lua_pushboolean(L, inside);
  return 1;
}

/* ------------------------------------------------------------------ results */

/* Pushes the userdata of the place that waits for a completion; or nothing. */
static struct lhn_place *lhn_place_push_of(lua_State *L,
                                           const struct hn_event *ev) {
  struct lhn_place *p = lhn_box(L)->places;
  for (; p; p = p->next) {
    if (p->op != ev->op || p->id != ev->handle || p->done || p->got) continue;
    lua_rawgetp(L, lua_upvalueindex(LHN_UP_PLACES), p);
    if (lua_touserdata(L, -1) == p) /* not being collected */
      return p;
    lua_pop(L, 1);
  }
  return NULL;
}

bool lhn_place_give(lua_State *L, struct lhn_handle *h,
                    const struct hn_event *ev) {
  struct lhn_place *p = lhn_place_push_of(L, ev);
  if (!p) return false;
  int place = lua_gettop(L);
  p->got = p->lost = true;
  (void)lhn_push_result(L, h, ev);
  lua_settop(L, place + 3);
  for (int i = 2; i >= 0; i--)
    lua_setiuservalue(L, place, LHN_PLACE_RESULT + i);
  p->lost = false;
  lua_settop(L, place - 1);
  return true;
}

static int lhn_place_fail(lua_State *L, int code) {
  lua_pushboolean(L, 0);
  lua_pushstring(L, hn_error_text(code));
  lua_pushinteger(L, code);
  return 3;
}

static int lhn_place_hand_over(lua_State *L, struct lhn_place *p) {
  if (p->lost) return lhn_place_fail(L, HN_ERR_NOT_ENOUGH_MEMORY);
  p->done = true;
  p->got = false;
  lua_pushboolean(L, 1);
  for (int i = 0; i < 3; i++) lua_getiuservalue(L, 1, LHN_PLACE_RESULT + i);
  return 4;
}

/* await(place, own) -> what take answers, of the place's handle only if `own`;
 * true and the result's three values; false, message, code; or nothing, after
 * one step, for hooks to be called */
static int lhn_place_await(lua_State *L) {
  struct lhn_place *p = lhn_place_check(L);
  bool own = lua_toboolean(L, 2);
  lua_settop(L, 1);
  lhn_place_end(L, p);
  int n = lhn_take(L, p, own ? p->id : p->session);
  if (n > 0) return n;
  if (p->got) return lhn_place_hand_over(L, p);
  int rc = hn_step(lhn_runtime(L, p->box),
                   lhn_place_patience(L, p->box, LHN_STEP_MS));
  return rc != 0 ? lhn_place_fail(L, rc) : 0;
}

/* take(place) -> callback, handle, status, info: to be called; the waiter of a
 * parked call that has its result; nothing: there is nothing to take */
static int lhn_place_take(lua_State *L) {
  struct lhn_place *p = lhn_place_check(L);
  lua_settop(L, 1);
  lhn_place_end(L, p);
  p->box->at_once = 0;
  return lhn_take(L, p, p->all ? 0 : p->session);
}

/* Ends a place. One that did not get its result cancels its operation: that
 * side answers 12017 from then on, and no byte of the body is silently lost.
 * An error (Ctrl-C) that comes after the result was taken loses it all the
 * same. */
static void lhn_place_end_all(lua_State *L, struct lhn_place *p, bool problem) {
  lhn_place_unlink(p);
  lhn_place_break(L, p);
  if (p->op == HN_OP_NONE || (p->done && !problem)) return;
  p->done = true;
  lua_getiuservalue(L, 1, LHN_PLACE_HANDLE);
  int ud = lua_gettop(L);
  struct lhn_handle *h = lhn_test(L, ud);
  if (h) lhn_cancel(L, ud, h, (enum hn_op)p->op);
}

/* __close, __gc. The error that poll ends by may have come in place of a parked
 * call's result. */
static int lhn_place_leave(lua_State *L) {
  struct lhn_place *p = lhn_place_check(L);
  bool problem = !lua_isnoneornil(L, 2);
  lua_settop(L, 1);
  if (!p->entered) return 0;
  lhn_place_end_all(L, p, problem);
  if (p->all) { /* it stays, and must not keep who was here */
    lua_pushnil(L);
    lua_setiuservalue(L, 1, LHN_PLACE_THREAD);
  }
  if (p->all && problem && p->box->handing != 0)
    return lhn_go_on(L, LHN_LUA_LOST, 0);
  return 0;
}

/* leave_poll(place, problem): once more */
static int lhn_place_leave_poll(lua_State *L) {
  const struct lhn_place *p = lhn_place_check(L);
  return p->all && p->thread == L ? lhn_place_leave(L) : 0;
}

/* bury(handle) -> whether there was a wait that died by an error in a coroutine
 * nobody closed, and still held an operation of the handle; it is ended */
static int lhn_place_bury(lua_State *L) {
  const struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  hn_handle id = h->id;
  lua_settop(L, 1);
  struct lhn_place *p = lhn_box(L)->places;
  while (p && (p->id != id || p->op == HN_OP_NONE || !lhn_place_is_dead(L, p)))
    p = p->next;
  if (!p) return 0;
  lua_rawgetp(L, lua_upvalueindex(LHN_UP_PLACES), p);
  if (lua_touserdata(L, -1) != p) return 0;
  lua_replace(L, 1);
  lhn_place_end_all(L, p, false);
  lua_pushboolean(L, 1);
  return 1;
}

/* -------------------------------------------- tables that others may change */

static int lhn_place_count(lua_State *L) {
  int n = 0;
  for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) n++;
  return n;
}

/* A list of a table's keys or values as they are now. A finaliser may change
 * the table while the list is made, and nothing while it is filled. */
static int lhn_place_list(lua_State *L, bool values) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  int n, i = 0;
  do {
    lua_settop(L, 1);
    n = lhn_place_count(L);
    lua_createtable(L, n, 0);
  } while (lhn_place_count(L) > n);
  for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
    lua_pushvalue(L, values ? -1 : -2);
    lua_rawseti(L, 2, ++i);
  }
  return 1;
}

/* keys(table) -> list */
static int lhn_place_keys(lua_State *L) {
  return lhn_place_list(L, false);
}

/* values(table) -> list */
static int lhn_place_values(lua_State *L) {
  return lhn_place_list(L, true);
}

/* clear(table) */
static int lhn_place_clear(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  for (lua_pushnil(L); lua_next(L, 1) != 0;) {
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, 1);
  }
  return 0;
}

/* count(table, key) -> the integer there, which is one more then */
static int lhn_place_count_up(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  lua_rawget(L, 1);
  lua_Integer n = luaL_checkinteger(L, 3);
  lua_pushvalue(L, 2);
  lua_pushinteger(L, (lua_Integer)((lua_Unsigned)n + 1));
  lua_rawset(L, 1);
  return 1;
}

const luaL_Reg lhn_place_functions[] = {
    {"enter", lhn_place_enter_delivery},
    {"enter_poll", lhn_place_enter_poll},
    {"leave_poll", lhn_place_leave_poll},
    {"is_polling", lhn_place_is_polling},
    {"heard", lhn_place_heard},
    {"refused", lhn_place_refused},
    {"inside_callback", lhn_place_inside},
    {"await", lhn_place_await},
    {"take", lhn_place_take},
    {"bury", lhn_place_bury},
    {"keys", lhn_place_keys},
    {"values", lhn_place_values},
    {"clear", lhn_place_clear},
    {"count", lhn_place_count_up},
    {NULL, NULL},
};

const luaL_Reg lhn_place_meta[] = {
    {"__close", lhn_place_leave},
    {"__gc", lhn_place_leave},
    {NULL, NULL},
};
