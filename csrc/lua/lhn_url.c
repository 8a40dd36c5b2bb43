/*
 * lhn_url.c: URLs, dates and the error list.
 */
#include <string.h>

#include "../hinternet_url.h"
#include "lhn.h"

/* -------------------------------------------------------------------- flags */

static unsigned lhn_url_flag(lua_State *L, int arg, const char *name) {
  static const struct {
    const char *name;
    unsigned flag;
  } flags[] = {
      {"escape", (unsigned)HN_URL_ESCAPE},
      {"decode", HN_URL_DECODE},
      {"reject_userpwd", HN_URL_REJECT_USERPWD},
      {"include_default_port", HN_URL_INCLUDE_DEFAULT_PORT},
  };
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
    if (strcmp(flags[i].name, name) == 0) return flags[i].flag;
  lhn_argerror(L, LHN_DIRECT, arg,
               lua_pushfstring(L, "unknown flag '%s'", name));
  return 0;
}

/* {"decode", ...} or {decode = true, ...} */
static unsigned lhn_url_flags(lua_State *L, int arg) {
  unsigned flags = 0;
  if (lua_isnoneornil(L, arg)) return 0;
  if (!lua_istable(L, arg)) lhn_typeerror(L, LHN_DIRECT, arg, "table");
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    bool listed = lua_type(L, -2) == LUA_TNUMBER;
    int at = listed ? -1 : -2;
    if (lua_type(L, at) != LUA_TSTRING)
      lhn_argerror(L, LHN_DIRECT, arg, "flags must be names");
    unsigned flag = lhn_url_flag(L, arg, lua_tostring(L, at));
    if (listed || lua_toboolean(L, -1)) flags |= flag;
    lua_pop(L, 1);
  }
  return flags;
}

/* --------------------------------------------------------------------- URLs */

static void lhn_url_set(lua_State *L, const char *name, struct hn_slice s) {
  if (!s.p) return;
  lhn_push_slice(L, s);
  lua_setfield(L, -2, name);
}

/* RFC 3986 3.1: a scheme means the same in either case. */
static void lhn_url_set_scheme(lua_State *L, struct hn_slice s) {
  char text[16];
  size_t n = s.n < sizeof text ? s.n : sizeof text;
  for (size_t i = 0; i < n; i++)
    text[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
  lhn_url_set(L, "scheme", (struct hn_slice){text, n});
}

/* crack_url(url [, flags]) -> table */
static int lhn_url_crack(lua_State *L) {
  struct hn_slice url = lhn_check_slice(L, LHN_DIRECT, 1);
  unsigned flags = lhn_url_flags(L, 2);
  struct hn_url_parts parts;
  char *scratch = NULL;
  size_t size = 0;
  bool changes = (flags & ((unsigned)HN_URL_ESCAPE | HN_URL_DECODE)) != 0;
  if (changes || memchr(url.p, '%', url.n) != NULL) { /* an escaped zone */
    size = 3 * url.n + 1;
    scratch = lua_newuserdatauv(L, size, 0);
  }
  int rc = hn_crack_url(url, flags, scratch, size, &parts);
  if (rc != 0) return lhn_fail(L, NULL, "crack_url", rc);
  if (!parts.path.p) parts.path = (struct hn_slice){"", 0};
  if (!parts.extra.p) parts.extra = (struct hn_slice){"", 0};
  lua_createtable(L, 0, 7);
  lhn_url_set_scheme(L, parts.scheme);
  lhn_url_set(L, "user", parts.user);
  lhn_url_set(L, "password", parts.password);
  lhn_url_set(L, "host", parts.host);
  lua_pushinteger(L, parts.port);
  lua_setfield(L, -2, "port");
  lhn_url_set(L, "path", parts.path);
  lhn_url_set(L, "extra", parts.extra);
  return 1;
}

/* is_secure(scheme) -> whether requests of a URL with it go through TLS */
static int lhn_url_is_secure(lua_State *L) {
  struct hn_slice scheme = lhn_check_slice(L, LHN_DIRECT, 1);
  unsigned flags = 0;
  int rc = hn_scheme_flags(scheme, &flags);
  if (rc != 0) {
    lua_pushnil(L);
    lua_pushfstring(L, "%s: no request can go to %s://", hn_error_text(rc),
                    lua_tostring(L, 1));
    lua_pushinteger(L, rc);
    return 3;
  }
  lua_pushboolean(L, (flags & HN_REQUEST_SECURE) != 0);
  return 1;
}

static const char *const lhn_url_fields[] = {
    "scheme", "user", "password", "host", "path", "extra", "port",
};
enum { LHN_URL_TEXTS = 6, LHN_URL_FIRST = 3 };

/* Reads the parts at arg into the slots from LHN_URL_FIRST; their sum. */
static size_t lhn_url_read_parts(lua_State *L, int arg,
                                 struct hn_url_parts *parts) {
  struct hn_slice *const texts[LHN_URL_TEXTS] = {
      &parts->scheme, &parts->user, &parts->password,
      &parts->host,   &parts->path, &parts->extra};
  size_t sum = 0;
  for (int i = 0; i < LHN_URL_TEXTS; i++) {
    int type = lua_getfield(L, arg, lhn_url_fields[i]);
    if (type != LUA_TNIL && type != LUA_TSTRING)
      lhn_argerror(
          L, LHN_DIRECT, arg,
          lua_pushfstring(L, "'%s' must be a string", lhn_url_fields[i]));
    *texts[i] = lhn_slice_at(L, LHN_URL_FIRST + i);
    sum += texts[i]->n;
  }
  parts->port = -1;
  if (lua_getfield(L, arg, "port") != LUA_TNIL) {
    int is_integer;
    lua_Integer port = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer)
      lhn_argerror(L, LHN_DIRECT, arg, "'port' must be an integer");
    parts->port = port >= 0 && port <= 65535 ? (int)port : -2;
  }
  return sum;
}

static void lhn_url_check_fields(lua_State *L, int arg) {
  if (!lua_istable(L, arg)) lhn_typeerror(L, LHN_DIRECT, arg, "table");
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    bool known = false;
    for (int i = 0; i <= LHN_URL_TEXTS && lua_type(L, -2) == LUA_TSTRING; i++)
      known = known || strcmp(lua_tostring(L, -2), lhn_url_fields[i]) == 0;
    if (!known)
      lhn_argerror(
          L, LHN_DIRECT, arg,
          lua_pushfstring(L, "unknown part '%s'", luaL_tolstring(L, -2, NULL)));
    lua_pop(L, 1);
  }
}

/* create_url(parts [, flags]) -> url */
static int lhn_url_create(lua_State *L) {
  struct hn_url_parts parts;
  lhn_url_check_fields(L, 1);
  unsigned flags = lhn_url_flags(L, 2);
  lua_settop(L, 2);
  size_t size = 3 * lhn_url_read_parts(L, 1, &parts) + 64;
  if (parts.port == -2)
    return lhn_fail(L, NULL, "create_url", HN_ERR_INVALID_PARAMETER);
  char *text = lua_newuserdatauv(L, size, 0);
  int rc = hn_create_url(&parts, flags, text, &size);
  if (rc != 0) return lhn_fail(L, NULL, "create_url", rc);
  lua_pushlstring(L, text, size);
  return 1;
}

/* resolve_url(base, reference) -> url */
static int lhn_url_resolve(lua_State *L) {
  struct hn_slice base = lhn_check_slice(L, LHN_DIRECT, 1);
  struct hn_slice reference = lhn_check_slice(L, LHN_DIRECT, 2);
  size_t size = base.n + reference.n + 64;
  char *text = lua_newuserdatauv(L, size, 0);
  int rc = hn_resolve_url(base, reference, text, &size);
  if (rc == HN_ERR_INSUFFICIENT_BUFFER) {
    text = lua_newuserdatauv(L, size, 0);
    rc = hn_resolve_url(base, reference, text, &size);
  }
  if (rc != 0) return lhn_fail(L, NULL, "resolve_url", rc);
  lua_pushlstring(L, text, size);
  return 1;
}

/* -------------------------------------------------------------------- dates */

/* format_date([seconds]) -> text */
static int lhn_url_format_date(lua_State *L) {
  char text[HN_DATE_SIZE];
  lua_Number t = luaL_optnumber(L, 1, (lua_Number)hn_wall_time());
  if (!(t > -1e15 && t < 1e15))
    return lhn_fail(L, NULL, "date", HN_ERR_INVALID_PARAMETER);
  int64_t seconds = (int64_t)t;
  if ((lua_Number)seconds > t) seconds--;
  int rc = hn_format_date(seconds, text);
  if (rc != 0) return lhn_fail(L, NULL, "date", rc);
  lua_pushstring(L, text);
  return 1;
}

/* parse_date(text) -> seconds */
static int lhn_url_parse_date(lua_State *L) {
  struct hn_slice text = lhn_check_slice(L, LHN_DIRECT, 1);
  int64_t seconds = 0;
  int rc = hn_parse_date(text, hn_wall_time(), &seconds);
  if (rc != 0) return lhn_fail(L, NULL, "date", rc);
  lua_pushinteger(L, (lua_Integer)seconds);
  return 1;
}

/* ------------------------------------------------------------------- errors */

/* errors() -> table: lower-case name -> code and code -> name */
static int lhn_url_errors(lua_State *L) {
  const struct hn_error_entry *entry;
  lua_newtable(L);
  for (size_t i = 0; (entry = hn_error_at(i)) != NULL; i++) {
    char name[64];
    size_t n = 0;
    for (; entry->name[n] != '\0' && n < sizeof name; n++) {
      char c = entry->name[n];
      name[n] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    lua_pushlstring(L, name, n);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, entry->code);
    lua_pushinteger(L, entry->code);
    lua_rawset(L, -3);
  }
  return 1;
}

const luaL_Reg lhn_url_functions[] = {
    {"crack_url", lhn_url_crack},         {"create_url", lhn_url_create},
    {"resolve_url", lhn_url_resolve},     {"is_secure", lhn_url_is_secure},
    {"format_date", lhn_url_format_date}, {"parse_date", lhn_url_parse_date},
    {"errors", lhn_url_errors},           {NULL, NULL},
};
