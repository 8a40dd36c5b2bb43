/*
 * lhn_header.c: header text in, header values out.
 */
#include <string.h>

#include "lhn.h"

/* ---------------------------------------------------- tables as header text */

/* Lines under construction; p NULL while they are only measured. */
struct lhn_lines {
  char *p;
  size_t n, size;
  int code;
};

static void lhn_header_put(struct lhn_lines *lines, const char *p, size_t n) {
  if (lines->p && n > 0 && lines->n + n <= lines->size)
    memcpy(lines->p + lines->n, p, n);
  lines->n += n;
}

static bool lhn_header_has(struct hn_slice s, const char *bad, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (s.n > 0 && memchr(s.p, bad[i], s.n) != NULL) return true;
  return false;
}

/* One line of the name and the value at these stack slots. A line break in
 * either would be a header of its own: header injection. */
static void lhn_header_line(lua_State *L, struct lhn_lines *lines, int name_at,
                            int value_at) {
  if (lua_type(L, value_at) == LUA_TNUMBER) lhn_plain_number(L, value_at);
  struct hn_slice name = lhn_slice_at(L, name_at);
  struct hn_slice value = lhn_slice_at(L, value_at);
  if (lhn_header_has(name, "\r\n\0:", 4) || lhn_header_has(value, "\r\n", 3)) {
    lines->code = HN_ERR_INVALID_PARAMETER;
    return;
  }
  if (lines->n > 0) lhn_header_put(lines, "\r\n", 2);
  lhn_header_put(lines, name.p, name.n);
  lhn_header_put(lines, ": ", 2);
  lhn_header_put(lines, value.p, value.n);
}

/* Names are strings; values are strings or numbers. */
static void lhn_header_check(lua_State *L, int arg, int level, int name_at,
                             int value_at) {
  if (lua_type(L, name_at) != LUA_TSTRING)
    lhn_argerror(L, level, arg, "header names must be strings");
  if (!lua_isstring(L, value_at))
    lhn_argerror(L, level, arg, "header values must be strings or numbers");
}

static void lhn_header_list(lua_State *L, int arg, int level,
                            struct lhn_lines *lines) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, arg);
  for (lua_Integer i = 1; i <= n; i++) {
    int top = lua_gettop(L);
    if (lua_rawgeti(L, arg, i) != LUA_TTABLE)
      lhn_argerror(L, level, arg, "a list must hold {name, value} pairs");
    lua_rawgeti(L, top + 1, 1);
    lua_rawgeti(L, top + 1, 2);
    lhn_header_check(L, arg, level, top + 2, top + 3);
    lhn_header_line(L, lines, top + 2, top + 3);
    lua_settop(L, top);
  }
}

static void lhn_header_map(lua_State *L, int arg, int level,
                           struct lhn_lines *lines) {
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    int top = lua_gettop(L);
    lhn_header_check(L, arg, level, top - 1, top);
    lhn_header_line(L, lines, top - 1, top);
    lua_settop(L, top - 1);
  }
}

static void lhn_header_walk(lua_State *L, int arg, int level,
                            struct lhn_lines *lines) {
  lines->n = 0;
  if (lua_rawlen(L, arg) > 0)
    lhn_header_list(L, arg, level, lines);
  else
    lhn_header_map(L, arg, level, lines);
}

int lhn_header_text(lua_State *L, int arg, int level, struct hn_slice *out) {
  struct lhn_lines lines = {NULL, 0, 0, 0};
  *out = (struct hn_slice){NULL, 0};
  if (!lua_istable(L, arg)) {
    *out = lhn_opt_slice(L, level, arg);
    return 0;
  }
  lhn_header_walk(L, arg, level, &lines);
  if (lines.code != 0 || lines.n == 0) return lines.code;
  lines.size = lines.n;
  lines.p = lua_newuserdatauv(L, lines.size, 0);
  lhn_header_walk(L, arg, level, &lines);
  if (lines.code != 0 || lines.n != lines.size)
    lhn_argerror(L, level, arg, "table changed while it was read");
  lua_replace(L, arg);
  out->p = lines.p;
  out->n = lines.size;
  return 0;
}

void lhn_header_show(lua_State *L, int arg, struct hn_slice text) {
  if (lua_type(L, arg) != LUA_TUSERDATA) return;
  lhn_push_slice(L, text);
  lua_replace(L, arg);
}

/* -------------------------------------------------------------- add_headers */

static unsigned lhn_header_mode(lua_State *L, int arg) {
  static const char *const names[] = {"add",
                                      "add_if_new",
                                      "replace",
                                      "add_or_replace",
                                      "set",
                                      "coalesce",
                                      "coalesce_with_comma",
                                      "coalesce_with_semicolon",
                                      NULL};
  static const unsigned modes[] = {
      HN_ADD,
      HN_ADD_IF_NEW,
      (unsigned)HN_ADD_REPLACE,
      HN_ADD_OR_REPLACE,
      HN_ADD_OR_REPLACE,
      HN_ADD_COALESCE,
      HN_ADD_COALESCE,
      HN_ADD_COALESCE_SEMICOLON,
  };
  return modes[luaL_checkoption(L, arg, "add", names)];
}

/* request:add_headers(text_or_table [, mode]) */
static int lhn_header_add(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, HN_KIND_REQUEST, LHN_DIRECT);
  unsigned mode = lhn_header_mode(L, 3);
  struct hn_slice text;
  if (lua_isnoneornil(L, 2)) lhn_typeerror(L, LHN_DIRECT, 2, "string or table");
  bool table = lua_istable(L, 2);
  int rc = lhn_header_text(L, 2, LHN_DIRECT, &text);
  hn_runtime *rt = h->box->rt;
  if (!rt || !hn_is_valid(rt, h->id))
    rc = HN_ERR_INVALID_HANDLE;
  else if (rc == 0 && (text.n > 0 || !table))
    rc = hn_add_headers(rt, h->id, text, mode);
  if (rc != 0) lhn_header_show(L, 2, text);
  return lhn_answer(L, h, "add headers", rc);
}

/* ------------------------------------------------------------ query_headers */

/* WINHTTP_QUERY_* levels of more than one word whose header is not spelt by
 * putting "-" for "_" come first, with their spelling. */
static const char *const lhn_header_spelt[][2] = {
    {"passport_urls", "PassportURLs"},
    {"passport_config", "PassportConfig"},
    {"derived_from", "From"},
};

static const char *const lhn_header_levels[] = {
    "content_type",
    "content_encoding",
    "set_cookie",
    "last_modified",
    "transfer_encoding",
    "cache_control",
    "www_authenticate",
    "proxy_authenticate",
    "accept_ranges",
    "content_range",
    "content_disposition",
    "content_language",
    "content_location",
    "content_md5",
    "content_base",
    "content_id",
    "content_description",
    "content_transfer_encoding",
    "retry_after",
    "user_agent",
    "accept_charset",
    "accept_encoding",
    "accept_language",
    "if_match",
    "if_none_match",
    "if_modified_since",
    "if_unmodified_since",
    "if_range",
    "unless_modified_since",
    "max_forwards",
    "proxy_authorization",
    "proxy_connection",
    "proxy_support",
    "authentication_info",
    "mime_version",
    "message_id",
    "orig_uri",
};

enum { LHN_LEVEL_SIZE = 32 }; /* longer than any level */

/* The header an info level stands for, spelt into text; else what itself. */
static struct hn_slice lhn_header_name(struct hn_slice what,
                                       char text[LHN_LEVEL_SIZE]) {
  if (what.n == 0 || memchr(what.p, '_', what.n) == NULL) return what;
  for (size_t i = 0; i < 3; i++)
    if (lhn_slice_is(what, lhn_header_spelt[i][0]))
      return (struct hn_slice){lhn_header_spelt[i][1],
                               strlen(lhn_header_spelt[i][1])};
  size_t count = sizeof lhn_header_levels / sizeof lhn_header_levels[0];
  for (size_t i = 0; i < count; i++) {
    if (!lhn_slice_is(what, lhn_header_levels[i])) continue;
    for (size_t k = 0; k < what.n; k++)
      text[k] = what.p[k] == '_' ? '-' : what.p[k];
    return (struct hn_slice){text, what.n};
  }
  return what;
}

struct lhn_query {
  hn_runtime *rt;
  struct lhn_handle *h;
  struct hn_slice what;
  enum hn_header_source from;
  size_t index; /* from 0 */
};

static bool lhn_header_query_option(lua_State *L, int arg, struct lhn_query *q,
                                    const char *name) {
  if (strcmp(name, "index") == 0) {
    int is_integer;
    lua_Integer i = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer || i < 1)
      lhn_argerror(L, LHN_DIRECT, arg, "'index' must be an integer from 1");
    q->index = (size_t)i - 1;
  } else if (strcmp(name, "request") == 0) {
    if (lua_toboolean(L, -1)) q->from = HN_FROM_REQUEST;
  } else if (strcmp(name, "trailer") == 0) {
    if (lua_toboolean(L, -1)) q->from = HN_FROM_TRAILERS;
  } else {
    return false;
  }
  return true;
}

static void lhn_header_query_options(lua_State *L, int arg,
                                     struct lhn_query *q) {
  if (lua_isnoneornil(L, arg)) return;
  if (!lua_istable(L, arg)) lhn_typeerror(L, LHN_DIRECT, arg, "table");
  lua_pushnil(L);
  while (lua_next(L, arg)) {
    const char *name =
        lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    if (!lhn_header_query_option(L, arg, q, name))
      lhn_argerror(L, LHN_DIRECT, arg,
                   lua_pushfstring(L, "unknown option '%s'", name));
    lua_pop(L, 1);
  }
}

/* The query's name as it stands in messages. */
static int lhn_header_fail(lua_State *L, const struct lhn_query *q, int code) {
  if (code == HN_ERR_INCORRECT_HANDLE_STATE)
    return lhn_fail(L, q->h, "query headers", code);
  lua_pushlstring(L, q->what.p, q->what.n);
  return lhn_fail(L, q->h, lua_tostring(L, -1), code);
}

/* RFC 9110 8.6: 1*DIGIT. */
static bool lhn_header_integer(struct hn_slice s, lua_Integer *out) {
  lua_Integer n = 0;
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] < '0' || s.p[i] > '9' || n > (LUA_MAXINTEGER - 9) / 10)
      return false;
    n = n * 10 + (s.p[i] - '0');
  }
  *out = n;
  return s.n > 0;
}

static int lhn_header_field(lua_State *L, const struct lhn_query *q) {
  char text[LHN_LEVEL_SIZE];
  struct hn_slice value;
  struct hn_slice name = lhn_header_name(q->what, text);
  int rc = hn_query_header(q->rt, q->h->id, q->from, name, q->index, &value);
  if (rc != 0) return lhn_header_fail(L, q, rc);
  lhn_push_slice(L, value);
  return 1;
}

static int lhn_header_length(lua_State *L, const struct lhn_query *q) {
  struct hn_slice value, name = {"Content-Length", 14};
  lua_Integer n = 0;
  int rc = hn_query_header(q->rt, q->h->id, q->from, name, q->index, &value);
  if (rc == 0 && !lhn_header_integer(value, &n)) rc = HN_ERR_INVALID_HEADER;
  if (rc != 0) return lhn_header_fail(L, q, rc);
  lua_pushinteger(L, n);
  return 1;
}

static int lhn_header_raw(lua_State *L, const struct lhn_query *q) {
  struct hn_slice text;
  int rc = hn_query_raw_headers(q->rt, q->h->id, q->from, &text);
  if (rc != 0) return lhn_header_fail(L, q, rc);
  lhn_push_slice(L, text);
  return 1;
}

/* WINHTTP_QUERY_RAW_HEADERS: each line ended by NUL, without the last line,
 * which is empty. */
static int lhn_header_raw_nul(lua_State *L, const struct lhn_query *q) {
  int results = lhn_header_raw(L, q);
  if (results != 1) return results;
  struct hn_slice text = lhn_slice_at(L, -1);
  char *out = lua_newuserdatauv(L, text.n + 1, 0);
  size_t n = 0;
  for (size_t i = 0; i < text.n; i++)
    if (text.p[i] != '\r') out[n++] = text.p[i] == '\n' ? '\0' : text.p[i];
  lua_pushlstring(L, out, n > 0 ? n - 1 : 0);
  return 1;
}

/* The version stands at the end of a request's start line. */
static int lhn_header_request_version(lua_State *L, const struct lhn_query *q) {
  struct hn_slice text;
  int rc = hn_query_raw_headers(q->rt, q->h->id, HN_FROM_REQUEST, &text);
  if (rc != 0) return lhn_header_fail(L, q, rc);
  const char *end = text.n > 0 ? memchr(text.p, '\r', text.n) : NULL;
  size_t n = end ? (size_t)(end - text.p) : 0;
  size_t start = n;
  while (start > 0 && text.p[start - 1] != ' ') start--;
  lhn_push_slice(L, (struct hn_slice){text.p + start, n - start});
  return 1;
}

static int lhn_header_start_line(const struct lhn_query *q,
                                 struct hn_response_line *line) {
  return q->from == HN_FROM_RESPONSE
             ? hn_query_response_line(q->rt, q->h->id, line)
             : HN_ERR_HEADER_NOT_FOUND;
}

static int lhn_header_status(lua_State *L, const struct lhn_query *q) {
  struct hn_response_line line;
  int rc = lhn_header_start_line(q, &line);
  if (rc != 0) return lhn_header_fail(L, q, rc);
  lua_pushinteger(L, line.status);
  return 1;
}

static int lhn_header_reason(lua_State *L, const struct lhn_query *q) {
  struct hn_response_line line;
  int rc = lhn_header_start_line(q, &line);
  if (rc != 0) return lhn_header_fail(L, q, rc);
  lhn_push_slice(L, line.reason);
  return 1;
}

static int lhn_header_version(lua_State *L, const struct lhn_query *q) {
  struct hn_response_line line;
  if (q->from == HN_FROM_REQUEST) return lhn_header_request_version(L, q);
  int rc = lhn_header_start_line(q, &line);
  if (rc != 0) return lhn_header_fail(L, q, rc);
  lua_pushfstring(L, "HTTP/%d.%d", line.major, line.minor);
  return 1;
}

static int lhn_header_method(lua_State *L, const struct lhn_query *q) {
  struct hn_slice method;
  int rc = hn_query_method(q->rt, q->h->id, &method);
  if (rc != 0) return lhn_header_fail(L, q, rc);
  lhn_push_slice(L, method);
  return 1;
}

/* Info levels that are no header's name. X(text, function) */
#define LHN_HEADER_SPECIAL_LIST(X)                                             \
  X("status_code", lhn_header_status)                                          \
  X("content_length", lhn_header_length)                                       \
  X("status_text", lhn_header_reason)                                          \
  X("version", lhn_header_version)                                             \
  X("raw_headers_crlf", lhn_header_raw)                                        \
  X("raw_headers", lhn_header_raw_nul)                                         \
  X("request_method", lhn_header_method)

typedef int lhn_header_answer(lua_State *L, const struct lhn_query *q);

static lhn_header_answer *lhn_header_special(struct hn_slice what) {
  static const struct {
    struct hn_slice what;
    lhn_header_answer *answer;
  } special[] = {
#define HN_X(text, function) {{text, sizeof text - 1}, function},
      LHN_HEADER_SPECIAL_LIST(HN_X)
#undef HN_X
  };
  for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
    if (what.n == special[i].what.n &&
        memcmp(what.p, special[i].what.p, what.n) == 0)
      return special[i].answer;
  return lhn_header_field;
}

/* request:query_headers(what [, {index=, request=, trailer=}]) */
static int lhn_header_query(lua_State *L) {
  struct lhn_query q;
  q.h = lhn_check(L, 1, HN_KIND_REQUEST, LHN_DIRECT);
  q.what = lhn_check_slice(L, LHN_DIRECT, 2);
  q.from = HN_FROM_RESPONSE;
  q.index = 0;
  lhn_header_query_options(L, 3, &q);
  q.rt = q.h->box->rt;
  if (!q.rt) return lhn_fail(L, q.h, NULL, HN_ERR_INVALID_HANDLE);
  return lhn_header_special(q.what)(L, &q);
}

/* request:headers([{request=, trailer=}]) -> a copy of all of them */
static int lhn_header_copy(lua_State *L) {
  struct lhn_query q;
  q.h = lhn_check(L, 1, HN_KIND_REQUEST, LHN_DIRECT);
  q.from = HN_FROM_RESPONSE;
  q.index = 0;
  lhn_header_query_options(L, 2, &q);
  int rc = lhn_push_head(L, q.h, q.from);
  return rc == 0 ? 1 : lhn_fail(L, q.h, "query headers", rc);
}

/* response(request) -> headers, redirects followed, status: what the one-call
 * layer wants to know, in one entry. */
static int lhn_header_response(lua_State *L) {
  struct lhn_handle *h = lhn_check(L, 1, HN_KIND_REQUEST, LHN_DIRECT);
  struct hn_response_line line;
  int rc = lhn_push_head(L, h, HN_FROM_RESPONSE);
  hn_runtime *rt = h->box->rt;
  if (rc == 0 && !rt) rc = HN_ERR_INVALID_HANDLE;
  if (rc == 0) {
    struct lhn_head *head = lua_touserdata(L, -1);
    (void)hn_query_times(rt, h->id, head->times);
    rc = hn_query_response_line(rt, h->id, &line);
  }
  if (rc != 0) return lhn_fail(L, h, "query headers", rc);
  lua_pushinteger(L, line.hops);
  lua_pushinteger(L, line.status);
  return 3;
}

const luaL_Reg lhn_header_methods[] = {
    {"add_headers", lhn_header_add},
    {"query_headers", lhn_header_query},
    {"headers", lhn_header_copy},
    {NULL, NULL},
};

const luaL_Reg lhn_header_functions[] = {
    {"response", lhn_header_response},
    {NULL, NULL},
};
