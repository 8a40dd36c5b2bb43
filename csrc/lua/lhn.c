/*
 * lhn.c: luaopen_hinternet_core, and the helpers every file of the binding
 * uses.
 */
#include <string.h>

#include "../hinternet_lua.h"
#include "lhn.h"

struct lhn_box *lhn_box(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(LHN_UP_RUNTIME));
}

hn_runtime *lhn_runtime(lua_State *L, const struct lhn_box *box) {
  if (!box->rt) luaL_error(L, "hinternet: the runtime is closed");
  return box->rt;
}

/* ---------------------------------------------------------------- arguments */

int lhn_argerror(lua_State *L, int level, int arg, const char *text) {
  lua_Debug ar;
  const char *name = "?";
  if (lua_getstack(L, level - 1, &ar) && lua_getinfo(L, "n", &ar)) {
    name = ar.name ? ar.name : "?";
    if (strcmp(ar.namewhat, "method") == 0) arg--;
  }
  luaL_where(L, level);
  if (arg == 0)
    lua_pushfstring(L, "calling '%s' on bad self (%s)", name, text);
  else
    lua_pushfstring(L, "bad argument #%d to '%s' (%s)", arg, name, text);
  lua_concat(L, 2);
  return lua_error(L);
}

int lhn_typeerror(lua_State *L, int level, int arg, const char *expected) {
  const char *got = luaL_typename(L, arg);
  int field = luaL_getmetafield(L, arg, "__name");
  if (field == LUA_TSTRING) got = lua_tostring(L, -1);
  return lhn_argerror(L, level, arg,
                      lua_pushfstring(L, "%s expected, got %s", expected, got));
}

struct hn_slice lhn_slice_at(lua_State *L, int idx) {
  struct hn_slice s = {NULL, 0};
  s.p = lua_tolstring(L, idx, &s.n);
  return s;
}

/* Lua writes numbers as the locale has them, with a comma perhaps; what goes to
 * a server has a point. Digits, signs and letters are the same everywhere. */
void lhn_plain_number(lua_State *L, int arg) {
  size_t n, used = 0;
  const char *text = lua_tolstring(L, arg, &n);
  char plain[64];
  for (size_t i = 0; i < n && used < sizeof plain; i++) {
    bool known = memchr("0123456789+-abcdefinx", text[i], 21) != NULL;
    if (known)
      plain[used++] = text[i];
    else if (used == 0 || plain[used - 1] != '.')
      plain[used++] = '.';
  }
  lua_pushlstring(L, plain, used);
  lua_replace(L, arg);
}

struct hn_slice lhn_check_slice(lua_State *L, int level, int arg) {
  struct hn_slice s = lhn_slice_at(L, arg);
  if (!s.p) lhn_typeerror(L, level, arg, "string");
  return s;
}

struct hn_slice lhn_opt_slice(lua_State *L, int level, int arg) {
  struct hn_slice s = lhn_slice_at(L, arg);
  if (!s.p && !lua_isnoneornil(L, arg)) lhn_typeerror(L, level, arg, "string");
  return s;
}

struct hn_slice lhn_opt_data(lua_State *L, int level, int arg) {
  int type = lua_type(L, arg);
  if (type <= LUA_TNIL) return (struct hn_slice){NULL, 0};
  if (type == LUA_TNUMBER)
    lhn_plain_number(L, arg);
  else if (type != LUA_TSTRING)
    lhn_typeerror(L, level, arg, "string");
  return lhn_slice_at(L, arg);
}

struct hn_slice lhn_check_data(lua_State *L, int level, int arg) {
  struct hn_slice s = lhn_opt_data(L, level, arg);
  if (!s.p) lhn_typeerror(L, level, arg, "string");
  return s;
}

lua_Integer lhn_check_integer(lua_State *L, int level, int arg) {
  int is_integer;
  lua_Integer n = lua_tointegerx(L, arg, &is_integer);
  if (!is_integer) lhn_typeerror(L, level, arg, "integer");
  return n;
}

bool lhn_slice_is(struct hn_slice s, const char *text) {
  return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

void lhn_push_slice(lua_State *L, struct hn_slice s) {
  lua_pushlstring(L, s.p ? s.p : "", s.n);
}

/* ----------------------------------------------------------------- failures */

enum {
  LHN_STATE_SIZE = 512, /* a description that is not cut */
  LHN_EXPLAINED = 4,    /* arguments that the Lua half may look at */
};

/* The state of a handle for a message, "" when it cannot be had. */
static void lhn_state_text(const struct lhn_handle *h, char *text,
                           size_t size) {
  text[0] = '\0';
  if (h->box->rt) (void)hn_describe(h->box->rt, h->id, text, size);
  text[size - 1] = '\0';
}

/* Failures that are the caller's fault: its values say more than the code. */
static bool lhn_is_explained(int code) {
  return code == HN_ERR_INVALID_PARAMETER || code == HN_ERR_INVALID_URL ||
         code == HN_ERR_UNRECOGNIZED_SCHEME ||
         code == HN_ERR_INCORRECT_HANDLE_STATE ||
         code == HN_ERR_INCORRECT_HANDLE_TYPE ||
         code == HN_ERR_INVALID_OPTION || code == HN_ERR_OPTION_NOT_SETTABLE;
}

/* Pushes the Lua half's words for a failure of a call with the arguments at
 * the first `given` slots; or nothing, with false. */
static bool lhn_push_explained(lua_State *L, const struct lhn_handle *h,
                               const char *what, int code, int given) {
  char state[LHN_STATE_SIZE] = "";
  if (lua_rawgeti(L, lua_upvalueindex(LHN_UP_LUA), LHN_LUA_EXPLAIN) !=
      LUA_TFUNCTION) {
    lua_pop(L, 1);
    return false;
  }
  lua_pushstring(L, what);
  lua_pushinteger(L, code);
  if (h) lhn_state_text(h, state, sizeof state);
  lua_pushstring(L, state);
  if (given > LHN_EXPLAINED) given = LHN_EXPLAINED;
  for (int i = 1; i <= given; i++) lua_pushvalue(L, i);
  lua_callk(L, 3 + given, 1, 0, NULL);
  if (lua_type(L, -1) == LUA_TSTRING) return true;
  lua_pop(L, 1);
  return false;
}

int lhn_fail(lua_State *L, const struct lhn_handle *h, const char *what,
             int code) {
  char state[LHN_STATE_SIZE];
  int given = lua_gettop(L);
  lua_pushnil(L);
  if (what && lhn_is_explained(code) &&
      lhn_push_explained(L, h, what, code, given)) {
    ;
  } else if (code == HN_ERR_INVALID_HANDLE && h) {
    lua_pushfstring(L, "%s (%s is closed)", hn_error_text(code),
                    lhn_kind_name(h->kind));
  } else if (code == HN_ERR_INCORRECT_HANDLE_STATE && h) {
    lhn_state_text(h, state, sizeof state);
    lua_pushfstring(L, "%s: cannot %s now (%s)", hn_error_text(code),
                    what ? what : "do that", state);
  } else if (what) {
    lua_pushfstring(L, "%s: %s", hn_error_text(code), what);
  } else {
    lua_pushstring(L, hn_error_text(code));
  }
  lua_pushinteger(L, code);
  return 3;
}

int lhn_answer(lua_State *L, const struct lhn_handle *h, const char *what,
               int code) {
  if (code != 0) return lhn_fail(L, h, what, code);
  lua_pushboolean(L, 1);
  return 1;
}

/* ------------------------------------------------------------- the Lua half */

static int lhn_went_on(lua_State *L, int status, lua_KContext base) {
  (void)status;
  return lua_gettop(L) - (int)base;
}

int lhn_go_on(lua_State *L, enum lhn_lua function, int n) {
  int base = lua_gettop(L) - n;
  lua_rawgeti(L, lua_upvalueindex(LHN_UP_LUA), function);
  lua_insert(L, base + 1);
  lua_callk(L, n, LUA_MULTRET, base, lhn_went_on);
  return lua_gettop(L) - base;
}

void lhn_call(lua_State *L) {
  lua_callk(L, 1, 1, 0, NULL);
}

int lhn_call_then(lua_State *L, int n, lua_KFunction then) {
  lua_callk(L, n, 1, 0, then);
  return then(L, LUA_OK, 0);
}

/* -------------------------------------------------------------- the opening */

void lhn_register(lua_State *L, const luaL_Reg *functions) {
  for (int i = 1; i <= LHN_UPVALUES; i++) lua_pushvalue(L, i);
  luaL_setfuncs(L, functions, LHN_UPVALUES);
}

static int lhn_runtime_gc(lua_State *L) {
  struct lhn_box *box = lua_touserdata(L, 1);
  hn_runtime *rt = box->rt;
  box->rt = NULL;
  if (rt && box->owned)
    hn_runtime_free(rt);
  else if (rt)
    (void)hn_runtime_claim(rt, NULL);
  return 0;
}

struct lhn_box *lhn_push_box(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "hinternet.runtime");
  return lua_touserdata(L, -1);
}

/* It is finalised after every handle, being made before, and its metatable
 * stays out of reach. */
struct lhn_box *lhn_push_new_box(lua_State *L) {
  struct lhn_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  memset(box, 0, sizeof *box);
  list_init(&box->tasks);
  list_init(&box->ready);
  list_init(&box->again);
  list_init(&box->over);
  list_init(&box->failures);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, lhn_runtime_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushliteral(L, "hinternet.runtime");
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, "hinternet.runtime");
  return box;
}

/* Pushes the box, with the runtime that the host gave or one of its own. */
static void lhn_push_runtime(lua_State *L) {
  struct lhn_box *box = lhn_push_box(L);
  if (!box) {
    lua_pop(L, 1);
    box = lhn_push_new_box(L);
    box->owned = true;
  }
  if (!box->owned || box->rt) return;
  int rc = hn_runtime_new(&box->rt);
  if (rc != 0) luaL_error(L, "hinternet: cannot start: %s", hn_error_text(rc));
  (void)hn_runtime_claim(box->rt, &box->rt);
}

/* Fills the metatable at slot `meta`. */
static void lhn_open_meta(lua_State *L, int meta, const char *name,
                          const luaL_Reg *functions) {
  lua_pushfstring(L, "hinternet.%s", name);
  lua_pushvalue(L, -1);
  lua_setfield(L, meta, "__name");
  lua_setfield(L, meta, "__metatable");
  lua_pushvalue(L, meta);
  lhn_register(L, functions);
  lua_pop(L, 1);
}

/* Fills the metatable of a kind, at its upvalue's slot, and puts its methods
 * into the module table on top, where the Lua half adds to them. */
static void lhn_open_kind(lua_State *L, int kind, const luaL_Reg *methods,
                          const luaL_Reg *more) {
  int meta = LHN_UP_RUNTIME + kind;
  lhn_open_meta(L, meta, lhn_kind_name(kind), lhn_handle_meta);
  lua_newtable(L);
  lhn_register(L, lhn_handle_methods);
  lhn_register(L, lhn_option_methods);
  lhn_register(L, methods);
  if (more) lhn_register(L, more);
  lua_pushvalue(L, -1);
  lua_setfield(L, meta, "__index");
  lua_setfield(L, -2, lhn_kind_name(kind));
}

/* The metatable of sleepers, which have what requests have. */
static void lhn_open_sleepers(lua_State *L) {
  lua_newtable(L);
  lhn_open_meta(L, lua_gettop(L), "sleeper", lhn_sleep_meta);
  lua_getfield(L, LHN_UP_REQUEST, "__index");
  lua_setfield(L, -2, "__index");
  lua_rawsetp(L, LHN_UP_LUA, lhn_sleep_meta);
}

/* The other two metatables; the requests' is filled. */
static void lhn_open_others(lua_State *L) {
  lhn_open_meta(L, LHN_UP_CLOSED, "request", lhn_closed_meta);
  lua_getfield(L, LHN_UP_REQUEST, "__index");
  lua_setfield(L, LHN_UP_CLOSED, "__index");
  lhn_open_meta(L, LHN_UP_PLACE, "place", lhn_place_meta);
  lhn_open_meta(L, LHN_UP_TASK, "task", lhn_task_meta);
  lhn_open_meta(L, LHN_UP_HEAD, "headers", lhn_head_meta);
  lua_newtable(L);
  lhn_register(L, lhn_head_methods);
  lua_rawsetp(L, LHN_UP_HEAD, lhn_head_methods);
}

static const struct {
  const char *name;
  int op;
} lhn_ops[] = {
    {"receive_response", HN_OP_RECEIVE_RESPONSE},
    {"query_data_available", HN_OP_QUERY_DATA_AVAILABLE},
    {"read", HN_OP_READ_DATA},
    {"write", HN_OP_WRITE_DATA},
    {"send", HN_OP_SEND_REQUEST},
};

enum { LHN_OPS = sizeof lhn_ops / sizeof lhn_ops[0] };

const char *lhn_op_name(int op) {
  for (size_t i = 0; i < LHN_OPS; i++)
    if (lhn_ops[i].op == op) return lhn_ops[i].name;
  return NULL;
}

static void lhn_push_ops(lua_State *L) {
  lua_newtable(L);
  for (size_t i = 0; i < LHN_OPS; i++) {
    lua_pushinteger(L, lhn_ops[i].op);
    lua_setfield(L, -2, lhn_ops[i].name);
  }
}

static void lhn_push_weak(lua_State *L, const char *mode) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, mode);
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

/* The upvalues, at the first slots of the stack. */
static void lhn_push_upvalues(lua_State *L) {
  lhn_push_runtime(L);
  for (int i = LHN_UP_SESSION; i < LHN_UP_PLACES; i++) lua_newtable(L);
  lhn_push_weak(L, "v");                  /* LHN_UP_PLACES */
  lhn_push_weak(L, "v");                  /* LHN_UP_MAP */
  lua_createtable(L, LHN_LUA_EXPLAIN, 0); /* LHN_UP_LUA */
}

/* Name -> whether this build has it; and the reactor's name. */
static void lhn_push_features(lua_State *L) {
  const char *name;
  bool built = false;
  lua_newtable(L);
  for (size_t i = 0; (name = hn_feature_at(i, &built)) != NULL; i++) {
    lua_pushboolean(L, built);
    lua_setfield(L, -2, name);
  }
  lua_pushstring(L, hn_reactor_name());
  lua_setfield(L, -2, "reactor");
}

/* Makes the table at LHN_UP_LUA ready to be filled by the Lua half, and pushes
 * names for its keys. */
static void lhn_push_slots(lua_State *L) {
  static const char *const names[] = {
      [LHN_LUA_WAIT] = "wait",
      [LHN_LUA_REFUSED] = "refused",
      [LHN_LUA_SEND_AGAIN] = "send_again",
      [LHN_LUA_CREATED] = "created",
      [LHN_LUA_CLOSE] = "close",
      [LHN_LUA_CLOSED] = "closed",
      [LHN_LUA_CLOSE_VARIABLE] = "close_variable",
      [LHN_LUA_WAITERS] = "waiters",
      [LHN_LUA_PARK] = "park",
      [LHN_LUA_SENDING] = "sending",
      [LHN_LUA_RECEIVING] = "receiving",
      [LHN_LUA_CHANGED] = "changed",
      [LHN_LUA_LOST] = "lost",
      [LHN_LUA_TASK_GONE] = "task_gone",
      [LHN_LUA_EXPLAIN] = "explain",
  };
  lhn_push_weak(L, "k");
  lua_rawseti(L, LHN_UP_LUA, LHN_LUA_WAITERS);
  lhn_push_weak(L, "v");
  lua_rawseti(L, LHN_UP_LUA, LHN_LUA_SENDING);
  lhn_push_weak(L, "v");
  lua_rawseti(L, LHN_UP_LUA, LHN_LUA_RECEIVING);
  lua_newtable(L);
  for (int i = LHN_LUA_WAIT; i <= LHN_LUA_EXPLAIN; i++) {
    lua_pushinteger(L, i);
    lua_setfield(L, -2, names[i]);
  }
}

int luaopen_hinternet_core(lua_State *L) {
  /* One runtime per state, also when package.loaded was cleared. */
  if (lua_getfield(L, LUA_REGISTRYINDEX, "hinternet.core") == LUA_TTABLE)
    return 1;
  lua_settop(L, 0);
  lhn_push_upvalues(L);
  lua_newtable(L);
  lhn_register(L, lhn_handle_functions);
  lhn_register(L, lhn_open_functions);
  lhn_register(L, lhn_event_functions);
  lhn_register(L, lhn_place_functions);
  lhn_register(L, lhn_task_functions);
  lhn_register(L, lhn_loop_functions);
  lhn_register(L, lhn_url_functions);
  lhn_register(L, lhn_option_functions);
  lhn_register(L, lhn_header_functions);
  lhn_register(L, lhn_head_functions);
  lhn_register(L, lhn_request_functions);
  lhn_register(L, lhn_file_functions);
  lhn_register(L, lhn_sleep_functions);
  lhn_open_kind(L, HN_KIND_SESSION, lhn_session_methods, NULL);
  lhn_open_kind(L, HN_KIND_CONNECTION, lhn_connection_methods, NULL);
  lhn_open_kind(L, HN_KIND_REQUEST, lhn_request_methods, lhn_header_methods);
  lhn_open_others(L);
  lhn_open_sleepers(L);
  lhn_host_open(L);
  int core = lua_gettop(L);
  lhn_push_slots(L);
  lhn_import_open(L, core, LHN_UP_LUA, core + 1);
  lua_pop(L, 1);
  lhn_push_ops(L);
  lua_setfield(L, -2, "ops");
  lua_pushliteral(L, HN_VERSION);
  lua_setfield(L, -2, "version");
  lhn_push_features(L);
  lua_setfield(L, -2, "features");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, "hinternet.core");
  return 1;
}
