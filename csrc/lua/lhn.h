/*
 * lhn.h: what the files of the Lua binding share.
 *
 * The binding turns arguments into calls of hinternet.h and events into Lua
 * values; it calls no Lua function and keeps no lua_State and no registry
 * reference. Every function registered here carries the same upvalues: the
 * runtime's box, one metatable per kind of handle, and the weak map from slot
 * index to userdata of the handles whose events somebody may want.
 *
 * A call of Lua's API that allocates may run a finaliser, and that may close
 * any handle: so no pointer of the engine is held across one, but for the text
 * of an event, which the engine keeps until the next take.
 */
#ifndef HN_LUA_LHN_H
#define HN_LUA_LHN_H

#include <lauxlib.h>
#include <lua.h>

#include "../hinternet.h"

#ifndef HN_INTERNAL
#define HN_INTERNAL __attribute__((visibility("hidden")))
#endif

enum lhn_upvalue {
  LHN_UP_RUNTIME = 1, /* struct lhn_box */
  LHN_UP_SESSION,     /* metatables, at LHN_UP_RUNTIME + enum hn_kind */
  LHN_UP_CONNECTION,
  LHN_UP_REQUEST,
  LHN_UP_MAP, /* table: slot index, or id of an older handle -> userdata */
  LHN_UPVALUES = LHN_UP_MAP,
};

enum lhn_uservalue {
  LHN_UV_PARENT = 1, /* the parent's userdata */
  LHN_UV_BODY,       /* the pinned body of a send */
  LHN_UV_CALLBACK,   /* the status callback */
  LHN_UV_INPUT,      /* what a running write or write_from reads */
  LHN_UV_OUTPUT,     /* the file a running read_to writes */
};

struct lhn_box {
  hn_runtime *rt; /* owned; NULL once the state closes */
  /* borrowed (as long as the box): the metatable of each kind, to compare */
  const void *meta[HN_KIND_REQUEST + 1];
};

/* The input or output file of a running operation. */
struct lhn_held {
  bool busy;  /* its user value is set */
  int64_t at; /* where the file stood at the start; -1: cannot seek */
};

struct lhn_handle {
  struct lhn_box *box; /* borrowed (as long as the state) */
  hn_handle id;        /* 0 until the engine made it */
  hn_handle session;   /* the session it lives in, alive or not */
  int kind;          /* enum hn_kind */
  bool async;        /* of an asynchronous session */
  bool pinned;       /* LHN_UV_BODY is set */
  struct lhn_held input, output;
};

/* The level of the function whose caller made a mistake: 1 for functions that
 * users call themselves, 2 where one function of the Lua half is in between. */
enum { LHN_DIRECT = 1, LHN_WRAPPED = 2 };

/* -------------------------------------------------------------------- lhn.c */

HN_INTERNAL struct lhn_box *lhn_box(lua_State *L);
/* The box's runtime; raises once the state closes. Functions that finalisers
 * may call look at box->rt themselves. */
HN_INTERNAL hn_runtime *lhn_runtime(lua_State *L, const struct lhn_box *box);

/* luaL_argerror, blamed on the function at `level`. */
HN_INTERNAL int lhn_argerror(lua_State *L, int level, int arg,
                             const char *text);
/* The same for a wrong type. */
HN_INTERNAL int lhn_typeerror(lua_State *L, int level, int arg,
                              const char *expected);
HN_INTERNAL struct hn_slice lhn_check_slice(lua_State *L, int level, int arg);
/* A string at arg, or absent for nil. */
HN_INTERNAL struct hn_slice lhn_opt_slice(lua_State *L, int level, int arg);
HN_INTERNAL lua_Integer lhn_check_integer(lua_State *L, int level, int arg);

/* The string at idx, which must be one and stay where it is. */
HN_INTERNAL struct hn_slice lhn_slice_at(lua_State *L, int idx);
HN_INTERNAL bool lhn_slice_is(struct hn_slice s, const char *text);
HN_INTERNAL void lhn_push_slice(lua_State *L, struct hn_slice s);

/* Pushes nil, message, code. h may be NULL; what names the call or the detail,
 * or is NULL. */
HN_INTERNAL int lhn_fail(lua_State *L, const struct lhn_handle *h,
                         const char *what, int code);
/* true, or lhn_fail's values. */
HN_INTERNAL int lhn_answer(lua_State *L, const struct lhn_handle *h,
                           const char *what, int code);

/* Adds functions with the binding's upvalues, which stand at the stack's first
 * LHN_UPVALUES slots, to the table on top. */
HN_INTERNAL void lhn_register(lua_State *L, const luaL_Reg *functions);

/* ------------------------------------------------------------- lhn_handle.c */

/* The handle at arg; kind 0 takes any. Raises for anything else. */
HN_INTERNAL struct lhn_handle *lhn_check(lua_State *L, int arg, int kind,
                                         int level);
/* "request", "connection", ... */
HN_INTERNAL const char *lhn_kind_name(int kind);
/* Puts the handle at ud into the map, so that its events find it. */
HN_INTERNAL void lhn_remember(lua_State *L, int ud,
                              const struct lhn_handle *h);
/* Pushes the userdata of an id, or nil. */
HN_INTERNAL struct lhn_handle *lhn_push_handle(lua_State *L, hn_handle id);

extern const luaL_Reg lhn_handle_functions[];
extern const luaL_Reg lhn_handle_methods[];
extern const luaL_Reg lhn_handle_meta[];
extern const luaL_Reg lhn_session_methods[];
extern const luaL_Reg lhn_connection_methods[];

/* ------------------------------------------------------------ lhn_request.c */

/* Lets go of what the completed operation held, and puts its file where the
 * operation left it. */
HN_INTERNAL void lhn_settle(lua_State *L, int ud, struct lhn_handle *h,
                            const struct hn_event *ev);
/* Cancels an operation, for which nothing is left to take then. */
HN_INTERNAL void lhn_cancel(lua_State *L, int ud, struct lhn_handle *h,
                            enum hn_op op);
/* Lets go of everything a closed handle held. */
HN_INTERNAL void lhn_release(lua_State *L, int ud, struct lhn_handle *h);

extern const luaL_Reg lhn_request_methods[];

/* ------------------------------------------------------------- lhn_header.c */

/* Header text at arg: a string, a map, a list of {name, value}, or nil. The
 * text stays valid while arg stays. INVALID_PARAMETER for what cannot be one
 * header line each; raises for other types. */
HN_INTERNAL int lhn_header_text(lua_State *L, int arg, int level,
                                struct hn_slice *out);

extern const luaL_Reg lhn_header_methods[];
extern const luaL_Reg lhn_header_functions[];

/* -------------------------------------------------------------- lhn_event.c */

/* Pushes what the caller of a blocking call gets for a completion; h may be
 * NULL when nobody will look. */
HN_INTERNAL int lhn_push_result(lua_State *L, const struct lhn_handle *h,
                                const struct hn_event *ev);
/* Pushes an event: status, handle, callback, id, op, a, b, c, phase, host. */
HN_INTERNAL int lhn_push_event(lua_State *L, const struct hn_event *ev);

extern const luaL_Reg lhn_event_functions[];

/* ------------------------------------------------------------- lhn_option.c */

extern const luaL_Reg lhn_option_methods[];
extern const luaL_Reg lhn_option_functions[];

/* ---------------------------------------------------------------- lhn_url.c */

extern const luaL_Reg lhn_url_functions[];

#endif
