/*
 * lhn_head.c: the head of a message as a value: ordered, case-insensitive,
 * several values under one name. It is a copy, so it outlives its request, and
 * it is searched as text: most scripts ask for a field or two.
 */
#include <string.h>

#include "lhn.h"

/* Its address tells our userdata from those of others. */
static const char lhn_head_magic = 'm';

enum { LHN_HEAD_COPIED = 1024 };

/* ------------------------------------------------------------------- making */

static struct lhn_head *lhn_head_push_new(lua_State *L, size_t size) {
  struct lhn_head *head = lua_newuserdatauv(L, sizeof *head + size, 0);
  memset(head, 0, sizeof *head);
  head->magic = &lhn_head_magic;
  head->size = size;
  return head;
}

static void lhn_head_fill(lua_State *L, struct lhn_head *head,
                          const char *text) {
  if (head->size > 0) memcpy(head->text, text, head->size);
  lua_pushvalue(L, lua_upvalueindex(LHN_UP_HEAD));
  lua_setmetatable(L, -2);
}

static int lhn_head_query(const struct lhn_handle *h,
                          enum hn_header_source from, struct hn_slice *raw) {
  hn_runtime *rt = h->box->rt;
  return rt ? hn_query_raw_headers(rt, h->id, from, raw)
            : HN_ERR_INVALID_HANDLE;
}

/* The text is the engine's until its next call, which a finaliser may make
 * when room is made here: so it is copied first, or, when it is long, asked for
 * again until it fits. */
int lhn_push_head(lua_State *L, const struct lhn_handle *h,
                  enum hn_header_source from) {
  struct hn_slice raw;
  char copy[LHN_HEAD_COPIED];
  int top = lua_gettop(L);
  int rc = lhn_head_query(h, from, &raw);
  if (rc == 0 && raw.n <= sizeof copy) {
    if (raw.n > 0) memcpy(copy, raw.p, raw.n);
    lhn_head_fill(L, lhn_head_push_new(L, raw.n), copy);
    return 0;
  }
  while (rc == 0) {
    struct lhn_head *head = lhn_head_push_new(L, raw.n);
    rc = lhn_head_query(h, from, &raw);
    if (rc == 0 && raw.n == head->size) {
      lhn_head_fill(L, head, raw.p);
      return 0;
    }
    lua_settop(L, top);
  }
  return rc;
}

static const struct lhn_head *lhn_head_check(lua_State *L) {
  const struct lhn_head *head = lua_touserdata(L, 1);
  if (!head || (size_t)lua_rawlen(L, 1) < sizeof *head ||
      head->magic != &lhn_head_magic)
    lhn_typeerror(L, LHN_DIRECT, 1, "hinternet.headers");
  return head;
}

/* ---------------------------------------------------------------- searching */

static char lhn_head_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool lhn_head_is_blank(char c) {
  return c == ' ' || c == '\t';
}

/* Where the line that begins at `from` ends, and the next begins. */
static size_t lhn_head_line(struct hn_slice text, size_t from, size_t *next) {
  const char *end = memchr(text.p + from, '\n', text.n - from);
  size_t stop = end ? (size_t)(end - text.p) : text.n;
  *next = end ? stop + 1 : stop;
  return stop > from && text.p[stop - 1] == '\r' ? stop - 1 : stop;
}

/* RFC 9112 5.1: a field is a name without blanks, then the colon; a start line
 * has a blank before its first colon. The name's length; 0 for other lines. */
static size_t lhn_head_name(struct hn_slice text, size_t from, size_t stop) {
  for (size_t i = from; i < stop; i++) {
    if (text.p[i] == ':') return i - from;
    if (lhn_head_is_blank(text.p[i])) break;
  }
  return 0;
}

static struct hn_slice lhn_head_value(struct hn_slice text, size_t from,
                                      size_t stop) {
  while (from < stop && lhn_head_is_blank(text.p[from])) from++;
  while (stop > from && lhn_head_is_blank(text.p[stop - 1])) stop--;
  return (struct hn_slice){text.p + from, stop - from};
}

static bool lhn_head_is_named(const char *p, struct hn_slice name) {
  if (p[name.n] != ':') return false;
  for (size_t i = 0; i < name.n; i++)
    if (lhn_head_lower(p[i]) != lhn_head_lower(name.p[i])) return false;
  return true;
}

/* A name that no field can have would match across the colon. */
static bool lhn_head_may_name(struct hn_slice name) {
  for (size_t i = 0; i < name.n; i++)
    if (name.p[i] == ':' || name.p[i] == '\n' || lhn_head_is_blank(name.p[i]))
      return false;
  return name.n > 0;
}

/* The next field of that name from *at on. */
static bool lhn_head_find(struct hn_slice text, struct hn_slice name,
                          size_t *at, struct hn_slice *value) {
  size_t next;
  for (size_t from = *at; from < text.n; from = next) {
    size_t stop = lhn_head_line(text, from, &next);
    if (stop - from <= name.n || !lhn_head_is_named(text.p + from, name))
      continue;
    *value = lhn_head_value(text, from + name.n + 1, stop);
    *at = next;
    return true;
  }
  return false;
}

/* The next field at all from *at on. */
static bool lhn_head_next(struct hn_slice text, size_t *at,
                          struct hn_slice *name, struct hn_slice *value) {
  size_t next;
  for (size_t from = *at; from < text.n; from = next) {
    size_t stop = lhn_head_line(text, from, &next);
    size_t n = lhn_head_name(text, from, stop);
    if (n == 0) continue;
    *name = (struct hn_slice){text.p + from, n};
    *value = lhn_head_value(text, from + n + 1, stop);
    *at = next;
    return true;
  }
  return false;
}

/* ------------------------------------------------------------------- asking */

static struct hn_slice lhn_head_text(const struct lhn_head *head) {
  return (struct hn_slice){head->text, head->size};
}

/* RFC 9110 5.3: repeated fields mean the same as one with the values joined.
 * Goes on from the value at slot 3. */
static void lhn_head_join(lua_State *L, const struct lhn_head *head,
                          struct hn_slice name, size_t at) {
  struct hn_slice value;
  luaL_Buffer b;
  if (!lhn_head_find(lhn_head_text(head), name, &at, &value)) return;
  luaL_buffinit(L, &b);
  lua_pushvalue(L, 3);
  luaL_addvalue(&b);
  do {
    luaL_addlstring(&b, ", ", 2);
    luaL_addlstring(&b, value.p, value.n);
  } while (lhn_head_find(lhn_head_text(head), name, &at, &value));
  luaL_pushresult(&b);
}

/* headers:get(name [, index]): the index-th value (from 1), or nil */
static int lhn_head_get(lua_State *L) {
  const struct lhn_head *head = lhn_head_check(L);
  struct hn_slice value = {NULL, 0};
  struct hn_slice name = lhn_check_slice(L, LHN_DIRECT, 2);
  lua_Integer index =
      lua_isnoneornil(L, 3) ? 1 : lhn_check_integer(L, LHN_DIRECT, 3);
  size_t at = 0;
  bool found = index > 0 && lhn_head_may_name(name);
  for (; found && index > 0; index--)
    found = lhn_head_find(lhn_head_text(head), name, &at, &value);
  if (!found) return 0;
  lhn_push_slice(L, value);
  return 1;
}

/* headers:all(name): the list of all values, empty when there is none */
static int lhn_head_all(lua_State *L) {
  const struct lhn_head *head = lhn_head_check(L);
  struct hn_slice value, name = lhn_check_slice(L, LHN_DIRECT, 2);
  size_t at = 0;
  lua_newtable(L);
  if (!lhn_head_may_name(name)) return 1;
  for (lua_Integer i = 1; lhn_head_find(lhn_head_text(head), name, &at, &value);
       i++) {
    lhn_push_slice(L, value);
    lua_rawseti(L, -2, i);
  }
  return 1;
}

static int lhn_head_len(lua_State *L) {
  const struct lhn_head *head = lhn_head_check(L);
  struct hn_slice name, value;
  lua_Integer n = 0;
  for (size_t at = 0; lhn_head_next(lhn_head_text(head), &at, &name, &value);)
    n++;
  lua_pushinteger(L, n);
  return 1;
}

/* The iterator: upvalues are the head and where to go on. */
static int lhn_head_step(lua_State *L) {
  const struct lhn_head *head = lua_touserdata(L, lua_upvalueindex(1));
  struct hn_slice name, value;
  size_t at = (size_t)lua_tointeger(L, lua_upvalueindex(2));
  if (!lhn_head_next(lhn_head_text(head), &at, &name, &value)) return 0;
  lua_pushinteger(L, (lua_Integer)at);
  lua_replace(L, lua_upvalueindex(2));
  lhn_push_slice(L, name);
  lhn_push_slice(L, value);
  return 2;
}

static int lhn_head_pairs(lua_State *L) {
  lhn_head_check(L);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, lhn_head_step, 2);
  return 1;
}

static int lhn_head_tostring(lua_State *L) {
  lhn_push_slice(L, lhn_head_text(lhn_head_check(L)));
  return 1;
}

static int lhn_head_newindex(lua_State *L) {
  return luaL_error(L, "headers of a message cannot be changed");
}

/* start_line(headers) -> version, reason, of a response's head */
static int lhn_head_start_line(lua_State *L) {
  const struct lhn_head *head = lhn_head_check(L);
  struct hn_slice text = lhn_head_text(head);
  size_t next, stop = lhn_head_line(text, 0, &next);
  const char *blank = stop > 0 ? memchr(text.p, ' ', stop) : NULL;
  size_t version = blank ? (size_t)(blank - text.p) : stop;
  struct hn_slice rest = lhn_head_value(text, version, stop);
  size_t code = rest.n < 3 ? rest.n : 3; /* "200" */
  lhn_push_slice(L, (struct hn_slice){text.p, version});
  lhn_push_slice(L, lhn_head_value(rest, code, rest.n));
  return 2;
}

/* times(headers) -> table of seconds since the exchange began */
static int lhn_head_times(lua_State *L) {
  const struct lhn_head *head = lhn_head_check(L);
  const char *name;
  lua_newtable(L);
  for (size_t i = 0; (name = hn_time_name(i)) != NULL; i++) {
    if (head->times[i] == 0) continue;
    lua_pushnumber(L, (lua_Number)head->times[i] / 1000000);
    lua_setfield(L, -2, name);
  }
  return 1;
}

const luaL_Reg lhn_head_methods[] = {
    {"get", lhn_head_get},
    {"all", lhn_head_all},
    {NULL, NULL},
};

/* headers[name]: a method, or the values of a field, joined; nil without. A
 * method comes first: no peer may take it away with a field of that name. */
static int lhn_head_index(lua_State *L) {
  const struct lhn_head *head = lhn_head_check(L);
  struct hn_slice value, name;
  size_t at = 0;
  lua_settop(L, 2);
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  name = lhn_slice_at(L, 2);
  for (const luaL_Reg *m = lhn_head_methods; m->name; m++)
    if (lhn_slice_is(name, m->name)) {
      lua_rawgetp(L, lua_upvalueindex(LHN_UP_HEAD), lhn_head_methods);
      return lua_getfield(L, -1, m->name) != LUA_TNIL;
    }
  if (!lhn_head_may_name(name) ||
      !lhn_head_find(lhn_head_text(head), name, &at, &value))
    return 0;
  lhn_push_slice(L, value);
  lhn_head_join(L, head, name, at);
  return 1;
}

const luaL_Reg lhn_head_functions[] = {
    {"start_line", lhn_head_start_line},
    {"times", lhn_head_times},
    {NULL, NULL},
};

const luaL_Reg lhn_head_meta[] = {
    {"__index", lhn_head_index},       {"__newindex", lhn_head_newindex},
    {"__len", lhn_head_len},           {"__pairs", lhn_head_pairs},
    {"__tostring", lhn_head_tostring}, {NULL, NULL},
};
