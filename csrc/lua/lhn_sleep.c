/*
 * lhn_sleep.c: letting time pass, as an operation of a handle that no script
 * ever holds.
 */
#include "lhn.h"

/* Nobody is told of its end. */
static int lhn_sleep_end(lua_State *L) {
  const struct lhn_handle *h = lhn_test(L, 1);
  if (h && h->box->rt && h->id != 0) hn_discard(h->box->rt, h->id);
  return 0;
}

const luaL_Reg lhn_sleep_meta[] = {
    {"__gc", lhn_sleep_end},
    {"__close", lhn_sleep_end},
    {NULL, NULL},
};

/* new_sleeper() -> a handle for one sleep, which ends with its scope or its
 * collection */
static int lhn_sleep_new(lua_State *L) {
  (void)lhn_push_bare(L, HN_KIND_SLEEPER, 0);
  lua_rawgetp(L, lua_upvalueindex(LHN_UP_LUA), lhn_sleep_meta);
  lua_setmetatable(L, -2);
  return 1;
}

/* sleep(sleeper, milliseconds) -> true; -1: for ever */
static int lhn_sleep(lua_State *L) {
  lua_Hook hook = lua_gethook(L);
  struct lhn_handle *h = lhn_check(L, 1, HN_KIND_SLEEPER, LHN_DIRECT);
  int64_t ms = (int64_t)luaL_checkinteger(L, 2);
  if (!h->box->rt) return lhn_fail(L, NULL, NULL, HN_ERR_SHUTDOWN);
  int rc = HN_ERR_INCORRECT_HANDLE_STATE;
  if (h->id == 0) rc = hn_sleep(h->box->rt, ms, &h->id);
  if (rc != 0) return lhn_fail(L, NULL, NULL, rc);
  h->session = h->id;
  return lhn_finish(L, h, HN_OP_SLEEP, hook);
}

const luaL_Reg lhn_sleep_functions[] = {
    {"new_sleeper", lhn_sleep_new},
    {"sleep", lhn_sleep},
    {NULL, NULL},
};
