/*
 * lhn_loop.c: what the Lua half needs of the runtime to be its loop.
 */
#include "lhn.h"

/* step(milliseconds) -> nothing, or message, code */
static int lhn_loop_step(lua_State *L) {
  const struct lhn_box *box = lhn_box(L);
  hn_runtime *rt = lhn_runtime(L, box);
  int64_t ms = (int64_t)luaL_checkinteger(L, 1);
  int rc = hn_step(rt, lhn_place_patience(L, box, ms));
  if (rc == 0) return 0;
  lua_pushstring(L, hn_error_text(rc));
  lua_pushinteger(L, rc);
  return 2;
}

/* now() -> seconds of a clock that only goes forward */
static int lhn_loop_now(lua_State *L) {
  lua_pushnumber(L, (lua_Number)hn_monotonic_time() / 1e6);
  return 1;
}

/* wake(): ends a wait, or keeps the next from beginning */
static int lhn_loop_wake(lua_State *L) {
  hn_wake(lhn_runtime(L, lhn_box(L)));
  return 0;
}

/* live() -> open handles, running operations */
static int lhn_loop_live(lua_State *L) {
  const hn_runtime *rt = lhn_runtime(L, lhn_box(L));
  size_t handles = 0, operations = 0;
  hn_live(rt, &handles, &operations);
  lua_pushinteger(L, (lua_Integer)handles);
  lua_pushinteger(L, (lua_Integer)operations);
  return 2;
}

static bool lhn_loop_is_pending(lua_State *L) {
  const struct lhn_box *box = lhn_box(L);
  hn_runtime *rt = lhn_runtime(L, box);
  size_t handles = 0, operations = 0;
  hn_live(rt, &handles, &operations);
  return operations > 0 || lhn_task_is_pending(box) || hn_has_event(rt, 0) ||
         hn_next_timeout(rt) == 0;
}

/* pending() -> whether a step, a take or a task has, or will have, something to
 * do: looked at as a whole, since others may run between two looks */
static int lhn_loop_pending(lua_State *L) {
  lua_pushboolean(L, lhn_loop_is_pending(L));
  return 1;
}

/* is_stuck([task]) -> whether it, or any, has not ended and nothing is pending
 */
static int lhn_loop_is_stuck(lua_State *L) {
  bool waits = lhn_task_is_alive(lhn_box(L), lhn_task_test(L, 1));
  lua_pushboolean(L, waits && !lhn_loop_is_pending(L));
  return 1;
}

/* budget() -> seconds a step may work; nothing without a limit */
static int lhn_loop_budget(lua_State *L) {
  int64_t budget = hn_budget(lhn_runtime(L, lhn_box(L)));
  if (budget == 0) return 0;
  lua_pushnumber(L, (lua_Number)budget / 1e6);
  return 1;
}

/* timeout() -> seconds until the next step is due; nothing when it never is */
static int lhn_loop_timeout(lua_State *L) {
  int64_t left = hn_next_timeout(lhn_runtime(L, lhn_box(L)));
  if (left < 0) return 0;
  lua_pushnumber(L, (lua_Number)left / 1e3);
  return 1;
}

/* pollable() -> descriptor */
static int lhn_loop_pollable(lua_State *L) {
  int fd;
  int rc = hn_pollable(lhn_runtime(L, lhn_box(L)), &fd);
  if (rc != 0) return lhn_fail(L, NULL, "a descriptor to watch", rc);
  lua_pushinteger(L, fd);
  return 1;
}

const luaL_Reg lhn_loop_functions[] = {
    {"step", lhn_loop_step},         {"pending", lhn_loop_pending},
    {"is_stuck", lhn_loop_is_stuck}, {"live", lhn_loop_live},
    {"now", lhn_loop_now},           {"wake", lhn_loop_wake},
    {"budget", lhn_loop_budget},     {"timeout", lhn_loop_timeout},
    {"pollable", lhn_loop_pollable}, {NULL, NULL},
};
