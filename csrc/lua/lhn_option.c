/*
 * lhn_option.c: set_option and query_option. The engine's table says which
 * options there are and of which type; times are seconds here.
 */
#include <math.h>
#include <string.h>

#include "../hinternet_option.h"
#include "lhn.h"

static const struct hn_option_entry *lhn_option_find(lua_State *L, int arg) {
  struct hn_slice name = lhn_check_slice(L, LHN_DIRECT, arg);
  const struct hn_option_entry *entry;
  for (size_t i = 0; (entry = hn_option_at(i)) != NULL; i++)
    if (lhn_slice_is(name, entry->name)) return entry;
  lhn_argerror(L, LHN_DIRECT, arg,
               lua_pushfstring(L, "unknown option '%s'", name.p));
  return NULL;
}

/* Seconds in whole units, rounded up so that a short time is not none. What is
 * beyond all units is as long as they say. */
static int lhn_option_time(lua_State *L, int arg, int64_t per_second,
                           int64_t *out) {
  if (lua_isboolean(L, arg) && !lua_toboolean(L, arg)) {
    *out = -1;
    return 0;
  }
  if (lua_type(L, arg) != LUA_TNUMBER)
    lhn_typeerror(L, LHN_DIRECT, arg, "number or false");
  lua_Number seconds = lua_tonumber(L, arg);
  if (!(seconds > 0)) return HN_ERR_INVALID_PARAMETER;
  *out = -1;
  if (seconds == (lua_Number)HUGE_VAL) return 0;
  *out = INT64_MAX;
  seconds *= (lua_Number)per_second;
  if (seconds < 4e18) {
    *out = (int64_t)seconds;
    if ((lua_Number)*out < seconds) ++*out;
  }
  return 0;
}

/* The number of a word; raises for an unknown one. */
static int64_t lhn_option_word(lua_State *L, int arg, int idx,
                               const struct hn_option_entry *entry) {
  if (lua_type(L, idx) == LUA_TSTRING)
    for (const struct hn_word *w = entry->words; w->name; w++)
      if (lhn_slice_is(lhn_slice_at(L, idx), w->name)) return w->number;
  lhn_argerror(L, LHN_DIRECT, arg,
               lua_pushfstring(L, "'%s' is no value of '%s'",
                               luaL_tolstring(L, idx, NULL), entry->name));
  return 0;
}

/* An integer; a word for one; for flags also a list of words. */
static int64_t lhn_option_number(lua_State *L, int arg,
                                 const struct hn_option_entry *entry) {
  int is_integer = 0;
  int64_t number = 0;
  if (lua_type(L, arg) == LUA_TNUMBER)
    number = (int64_t)lua_tointegerx(L, arg, &is_integer);
  if (is_integer) return number;
  if (!entry->words) lhn_typeerror(L, LHN_DIRECT, arg, "integer");
  if (entry->type != HN_TYPE_FLAGS || !lua_istable(L, arg))
    return lhn_option_word(L, arg, arg, entry);
  lua_Integer n = (lua_Integer)lua_rawlen(L, arg);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, arg, i);
    number |= lhn_option_word(L, arg, lua_gettop(L), entry);
    lua_pop(L, 1);
  }
  return number;
}

static int lhn_option_value(lua_State *L, int arg,
                            const struct hn_option_entry *entry,
                            struct hn_value *out) {
  switch (entry->type) {
  case HN_TYPE_BOOLEAN:
    if (!lua_isboolean(L, arg)) lhn_typeerror(L, LHN_DIRECT, arg, "boolean");
    out->number = lua_toboolean(L, arg);
    return 0;
  case HN_TYPE_TIME: return lhn_option_time(L, arg, 1000, &out->number);
  case HN_TYPE_SPAN: return lhn_option_time(L, arg, 1000000, &out->number);
  case HN_TYPE_TEXT: out->text = lhn_check_data(L, LHN_DIRECT, arg); return 0;
  case HN_TYPE_INTEGER:
  case HN_TYPE_FLAGS: out->number = lhn_option_number(L, arg, entry); return 0;
  case HN_TYPE_NONE:
  case HN_TYPE_HANDLE:
  case HN_TYPE_RECORD: break;
  }
  return 0;
}

/* What a child has from its session for good: settings are looked up anew for
 * each request. */
static bool lhn_option_is_handed_down(const struct lhn_handle *h,
                                      const struct hn_option_entry *entry) {
  return h->kind == HN_KIND_SESSION &&
         strcmp(entry->name, "context_value") == 0;
}

/* handle:set_option(name [, value]): none for an option that is only said */
static int lhn_option_set(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  const struct hn_option_entry *entry = lhn_option_find(L, 2);
  struct hn_value value;
  int rc = 0;
  if (entry->type != HN_TYPE_NONE) luaL_checkany(L, 3);
  memset(&value, 0, sizeof value);
  value.type = entry->type;
  /* Handle, level and direction are judged before the value. */
  hn_runtime *rt = h->box->rt;
  if (rt && hn_is_valid(rt, h->id) &&
      (entry->set_levels & (1u << h->kind)) != 0)
    rc = lhn_option_value(L, 3, entry, &value);
  rt = h->box->rt;
  if (!rt) rc = HN_ERR_INVALID_HANDLE;
  if (rc == 0) rc = hn_set_option(rt, h->id, lhn_slice_at(L, 2), &value);
  if (rc || !lhn_option_is_handed_down(h, entry))
    return lhn_answer(L, h, entry->name, rc);
  lua_settop(L, 1);
  return lhn_go_on(L, LHN_LUA_CHANGED, 1);
}

/* A value that is no record. */
static void lhn_option_push(lua_State *L, const struct hn_value *value) {
  switch (value->type) {
  case HN_TYPE_BOOLEAN: lua_pushboolean(L, value->number != 0); break;
  case HN_TYPE_TIME:
  case HN_TYPE_SPAN:
    if (value->number < 0)
      lua_pushboolean(L, 0);
    else
      lua_pushnumber(L, (lua_Number)value->number /
                            (value->type == HN_TYPE_TIME ? 1000 : 1000000));
    break;
  case HN_TYPE_TEXT: lhn_push_slice(L, value->text); break;
  case HN_TYPE_HANDLE: /* there is one: the parent */
    lua_getiuservalue(L, 1, LHN_UV_PARENT);
    break;
  case HN_TYPE_INTEGER:
  case HN_TYPE_FLAGS:
  case HN_TYPE_NONE:
  case HN_TYPE_RECORD: lua_pushinteger(L, (lua_Integer)value->number); break;
  }
}

static size_t lhn_option_text_size(const struct hn_value *record) {
  size_t n = 0;
  for (size_t i = 0; i < record->count; i++)
    n += record->fields[i].value.text.n;
  return n;
}

/* Moves a record's fields and their texts to memory of Lua's. */
static void lhn_option_copy(struct hn_value *record, char *room) {
  struct hn_field *fields = (struct hn_field *)(void *)room;
  char *text = room + record->count * sizeof *fields;
  for (size_t i = 0; i < record->count; i++) {
    fields[i] = record->fields[i];
    struct hn_slice *s = &fields[i].value.text;
    if (s->n == 0) continue;
    memcpy(text, s->p, s->n);
    s->p = text;
    text += s->n;
  }
  record->fields = fields;
}

/* A record is the engine's until its next call, which a finaliser may make
 * whenever Lua allocates: so room is made first, and the record asked for
 * again until it fits. */
static int lhn_option_push_record(lua_State *L, struct lhn_handle *h,
                                  struct hn_value *record) {
  size_t size, had;
  do {
    had =
        record->count * sizeof(struct hn_field) + lhn_option_text_size(record);
    char *room = lua_newuserdatauv(L, had > 0 ? had : 1, 0);
    hn_runtime *rt = h->box->rt;
    int rc = rt != NULL ? hn_query_option(rt, h->id, lhn_slice_at(L, 2), record)
                        : HN_ERR_INVALID_HANDLE;
    if (rc != 0) return lhn_fail(L, h, NULL, rc);
    size =
        record->count * sizeof(struct hn_field) + lhn_option_text_size(record);
    if (size <= had) lhn_option_copy(record, room);
  } while (size > had);
  lua_createtable(L, 0, (int)record->count);
  for (size_t i = 0; i < record->count; i++) {
    lhn_option_push(L, &record->fields[i].value);
    lua_setfield(L, -2, record->fields[i].name);
  }
  return 1;
}

/* handle:query_option(name) */
static int lhn_option_query(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, 0, LHN_DIRECT);
  const struct hn_option_entry *entry = lhn_option_find(L, 2);
  struct hn_value value;
  hn_runtime *rt = h->box->rt;
  if (!rt) return lhn_fail(L, h, NULL, HN_ERR_INVALID_HANDLE);
  memset(&value, 0, sizeof value);
  int rc = hn_query_option(rt, h->id, lhn_slice_at(L, 2), &value);
  if (rc != 0) return lhn_fail(L, h, entry->name, rc);
  if (value.type == HN_TYPE_RECORD) return lhn_option_push_record(L, h, &value);
  lhn_option_push(L, &value);
  return 1;
}

/* Sets a field of the table on top: the letters of the levels in a mask. */
static void lhn_option_levels(lua_State *L, const char *field,
                              unsigned levels) {
  char letters[4];
  int n = 0;
  if (levels & (1u << HN_KIND_SESSION)) letters[n++] = 'S';
  if (levels & (1u << HN_KIND_CONNECTION)) letters[n++] = 'C';
  if (levels & (1u << HN_KIND_REQUEST)) letters[n++] = 'R';
  lua_pushlstring(L, letters, (size_t)n);
  lua_setfield(L, -2, field);
}

static void lhn_option_words(lua_State *L, const struct hn_word *words) {
  if (!words) return;
  lua_newtable(L);
  for (; words->name; words++) {
    lua_pushinteger(L, (lua_Integer)words->number);
    lua_setfield(L, -2, words->name);
  }
  lua_setfield(L, -2, "words");
}

/* options() -> table: name -> {type=, number=, query=, set=, text=, words=,
 * min=, max=} */
static int lhn_option_list(lua_State *L) {
  static const char *const types[] = {
      [HN_TYPE_NONE] = "none",       [HN_TYPE_BOOLEAN] = "boolean",
      [HN_TYPE_INTEGER] = "integer", [HN_TYPE_TIME] = "time",
      [HN_TYPE_TEXT] = "string",     [HN_TYPE_HANDLE] = "handle",
      [HN_TYPE_FLAGS] = "flags",     [HN_TYPE_SPAN] = "time",
      [HN_TYPE_RECORD] = "record",
  };
  const struct hn_option_entry *entry;
  lua_newtable(L);
  for (size_t i = 0; (entry = hn_option_at(i)) != NULL; i++) {
    lua_newtable(L);
    lua_pushstring(L, types[entry->type]);
    lua_setfield(L, -2, "type");
    lua_pushinteger(L, entry->number);
    lua_setfield(L, -2, "number");
    lhn_option_levels(L, "query", entry->query_levels);
    lhn_option_levels(L, "set", entry->set_levels);
    lua_pushstring(L, entry->text);
    lua_setfield(L, -2, "text");
    lua_pushinteger(L, (lua_Integer)entry->min);
    lua_setfield(L, -2, "min");
    lua_pushinteger(L, (lua_Integer)entry->max);
    lua_setfield(L, -2, "max");
    lhn_option_words(L, entry->words);
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
