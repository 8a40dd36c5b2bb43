/*
 * lhn_option.c: set_option and query_option. The engine's table says which
 * options there are and of which type; times are seconds here.
 */
#include <string.h>

#include "lhn.h"

static const struct hn_option_entry *lhn_option_find(lua_State *L, int arg) {
  struct hn_slice name = lhn_check_slice(L, LHN_DIRECT, arg);
  const struct hn_option_entry *entry;
  for (size_t i = 0; (entry = hn_option_at(i)) != NULL; i++)
    if (lhn_slice_is(name, entry->name))
      return entry;
  lhn_argerror(L, LHN_DIRECT, arg,
               lua_pushfstring(L, "unknown option '%s'", name.p));
  return NULL;
}

/* Seconds as milliseconds, rounded up so that a short time is not none. */
static int lhn_option_time(lua_State *L, int arg, int64_t *out) {
  if (lua_isboolean(L, arg) && !lua_toboolean(L, arg)) {
    *out = -1;
    return 0;
  }
  if (lua_type(L, arg) != LUA_TNUMBER)
    lhn_typeerror(L, LHN_DIRECT, arg, "number or false");
  lua_Number seconds = lua_tonumber(L, arg);
  if (!(seconds > 0))
    return HN_ERR_INVALID_PARAMETER;
  *out = -1;
  if (seconds < 1e12) {
    *out = (int64_t)(seconds * 1000);
    if ((lua_Number)*out < seconds * 1000)
      ++*out;
  }
  return 0;
}

static int lhn_option_value(lua_State *L, int arg, enum hn_type type,
                            struct hn_value *out) {
  int is_integer;
  memset(out, 0, sizeof *out);
  out->type = type;
  switch (type) {
  case HN_TYPE_BOOLEAN:
    if (!lua_isboolean(L, arg))
      lhn_typeerror(L, LHN_DIRECT, arg, "boolean");
    out->number = lua_toboolean(L, arg);
    return 0;
  case HN_TYPE_TIME:
    return lhn_option_time(L, arg, &out->number);
  case HN_TYPE_TEXT:
    out->text = lhn_check_slice(L, LHN_DIRECT, arg);
    return 0;
  case HN_TYPE_INTEGER:
    out->number = (int64_t)lua_tointegerx(L, arg, &is_integer);
    if (!is_integer)
      lhn_typeerror(L, LHN_DIRECT, arg, "integer");
    return 0;
  case HN_TYPE_NONE:
  case HN_TYPE_HANDLE:
    break;
  }
  return 0;
}

/* handle:set_option(name, value) */
static int lhn_option_set(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  hn_runtime *rt = h->box->rt;
  if (rt == NULL)
    return lhn_fail(L, h, NULL, HN_ERR_INVALID_HANDLE);
  const struct hn_option_entry *entry = lhn_option_find(L, 2);
  struct hn_value value;
  int code = 0;
  luaL_checkany(L, 3);
  memset(&value, 0, sizeof value);
  value.type = entry->type;
  /* Handle, level and direction are judged before the value. */
  if (hn_is_valid(rt, h->id) && entry->can_set &&
      (entry->levels & (1u << h->kind)) != 0)
    code = lhn_option_value(L, 3, entry->type, &value);
  if (code == 0)
    code = hn_set_option(rt, h->id, lhn_slice_at(L, 2), &value);
  return lhn_answer(L, h, entry->name, code);
}

static void lhn_option_push(lua_State *L, const struct hn_value *value) {
  switch (value->type) {
  case HN_TYPE_BOOLEAN:
    lua_pushboolean(L, value->number != 0);
    break;
  case HN_TYPE_TIME:
    if (value->number < 0)
      lua_pushboolean(L, 0);
    else
      lua_pushnumber(L, (lua_Number)value->number / 1000);
    break;
  case HN_TYPE_TEXT:
    lhn_push_slice(L, value->text);
    break;
  case HN_TYPE_HANDLE: /* there is one: the parent */
    lua_getiuservalue(L, 1, LHN_UV_PARENT);
    break;
  case HN_TYPE_INTEGER:
  case HN_TYPE_NONE:
    lua_pushinteger(L, (lua_Integer)value->number);
    break;
  }
}

/* handle:query_option(name) */
static int lhn_option_query(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  hn_runtime *rt = h->box->rt;
  if (rt == NULL)
    return lhn_fail(L, h, NULL, HN_ERR_INVALID_HANDLE);
  const struct hn_option_entry *entry = lhn_option_find(L, 2);
  struct hn_value value;
  memset(&value, 0, sizeof value);
  int code = hn_query_option(rt, h->id, lhn_slice_at(L, 2), &value);
  if (code != 0)
    return lhn_fail(L, h, entry->name, code);
  lhn_option_push(L, &value);
  return 1;
}

/* options() -> table: name -> what set_option takes for it */
static int lhn_option_list(lua_State *L) {
  static const char *const types[] = {"none", "boolean", "integer",
                                      "time", "string",  "handle"};
  const struct hn_option_entry *entry;
  lua_newtable(L);
  for (size_t i = 0; (entry = hn_option_at(i)) != NULL; i++) {
    lua_pushstring(L, types[entry->type]);
    lua_setfield(L, -2, entry->name);
  }
  return 1;
}

const luaL_Reg lhn_option_functions[] = {
    {"options", lhn_option_list},
    {NULL, NULL},
};

const luaL_Reg lhn_option_methods[] = {
    {"set_option", lhn_option_set},
    {"query_option", lhn_option_query},
    {NULL, NULL},
};
