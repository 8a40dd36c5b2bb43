/*
 * lhn.h: what the files of the Lua binding share.
 *
 * The binding turns arguments into calls of hinternet.h and events into Lua
 * values; it keeps no lua_State and no registry reference. It calls no function
 * of the user's: where a call has to wait, or notifications are to be
 * delivered, it goes on as a function of the Lua half, which may yield; one
 * that does not puts failures into words. Every function registered here
 * carries the same upvalues.
 *
 * A call of Lua's API that allocates may run a finaliser, and that may close
 * any handle or free the runtime: so no pointer of the engine is held across
 * one, nor box->rt, but for the text of an event, which the engine keeps until
 * the next take.
 */
#ifndef HN_LUA_LHN_H
#define HN_LUA_LHN_H

#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>

#include "../base/list.h"
#include "../hinternet.h"

#ifndef HN_INTERNAL
#define HN_INTERNAL __attribute__((visibility("hidden")))
#endif

enum lhn_upvalue {
  LHN_UP_RUNTIME = 1, /* struct lhn_box */
  LHN_UP_SESSION,     /* metatables, at LHN_UP_RUNTIME + enum hn_kind */
  LHN_UP_CONNECTION,
  LHN_UP_REQUEST,
  LHN_UP_CLOSED, /* metatable of closed requests: nothing to finalise */
  LHN_UP_HEAD,   /* metatable of struct lhn_head */
  LHN_UP_PLACE,  /* metatable of struct lhn_place */
  LHN_UP_TASK,   /* metatable of struct lhn_task */
  LHN_UP_PLACES, /* weak table: address -> userdata of the places of calls that
                    wait, and of tasks */
  LHN_UP_MAP, /* weak table: slot index, or id of an older handle -> userdata of
                 the handles whose events somebody may want */
  LHN_UP_LUA, /* table: enum lhn_lua -> what the Lua half put there */
  LHN_UPVALUES = LHN_UP_LUA,
};

/* What the binding needs of the Lua half. Nobody but dispatch and parked is
 * given the table; what is read from it is judged all the same. */
enum lhn_lua {
  LHN_LUA_WAIT = 1,   /* function(handle, place): waits for a result there */
  LHN_LUA_REFUSED,    /* function(handle, message, code): what a start that
                         was refused for the handle's state answers */
  LHN_LUA_SEND_AGAIN, /* function(handle, headers, body, total, message):
                         the same for a send, once the state allows it */
  LHN_LUA_CREATED,    /* function(handle): delivers; answers the handle */
  LHN_LUA_CLOSE,      /* function(handle): closes while a callback runs */
  LHN_LUA_CLOSED,     /* function(handle): delivers what is left */
  LHN_LUA_CLOSE_VARIABLE, /* function(handle, problem) */
  LHN_LUA_WAITERS,        /* table: coroutine -> its waiter, if it has one */
  LHN_LUA_PARK,           /* function(handle, op, waiter, other): the same as
                             WAIT, in a coroutine that has a waiter; `other` had
                             its place */
  LHN_LUA_SENDING,        /* table: slot index -> waiter of the call parked on
                             the send side of a handle */
  LHN_LUA_RECEIVING,      /* the same of its receive side */
  LHN_LUA_CHANGED,        /* function(session): what it tells its children when
                             they are made has changed; answers true */
  LHN_LUA_LOST,           /* function(): gives up the call that lost its result
                             by the error that ends a poll */
  LHN_LUA_TASK_GONE,      /* function(data, unstarted, problem): says what a
                             task has become that nobody can reach */
  LHN_LUA_EXPLAIN,        /* function(what, code, state, argument...): a failure
                             in words, or nil; does not wait */
};

/* What a waiter holds at its integer keys. */
enum lhn_waiter {
  LHN_WAITER_RESULT = 1, /* three values */
  LHN_WAITER_HANDLE = 4, /* of the parked call; nil or false without one */
  LHN_WAITER_OP,         /* its operation */
  LHN_WAITER_DONE,       /* the result is there */
  LHN_WAITER_GIVEN,      /* and the call goes on with it */
  LHN_WAITER_TASK,       /* struct lhn_task whose calls wait so, or false */
};

enum lhn_uservalue {
  LHN_UV_PARENT = 1, /* the parent's userdata */
  LHN_UV_KEPT,       /* nil, or a table: enum lhn_kept -> value */
  LHN_USERVALUES = LHN_UV_KEPT,
};

enum lhn_kept {
  LHN_KEPT_CALLBACK = 1, /* the status callback */
  LHN_KEPT_BODY,         /* the pinned body of a send */
  LHN_KEPT_INPUT,        /* what a running write or write_from reads */
  LHN_KEPT_OUTPUT,       /* the file a running read_to writes */
  LHN_KEPT_ANCHORED,     /* of a session: table, see lhn_set_anchored */
};

/* Why a session keeps one of its handles: what is still to be told of it. */
enum lhn_anchor {
  LHN_ANCHOR_SEND = 1,    /* the operation of its send side */
  LHN_ANCHOR_RECEIVE = 2, /* or of its receive side */
  LHN_ANCHOR_CLOSING = 4, /* handle_closing */
};

struct lhn_box {
  hn_runtime *rt;   /* NULL once the state closes, or the runtime was freed */
  bool owned;       /* rt was made for this state, and ends with it */
  bool heard;       /* a status callback was set, ever */
  bool parks;       /* a coroutine has had a waiter, ever */
  unsigned calling; /* callbacks running now: one in a coroutine that was
                       dropped counts until it is collected; 0: none */
  struct lhn_place *places; /* the first one that was entered */
  struct hn_link tasks;     /* those that have not ended */
  struct hn_link ready, again, over, failures; /* see enum lhn_turn */
  unsigned inside;    /* tasks being resumed now, one below the other */
  bool watched;       /* somebody waits for the descriptor */
  uint8_t at_once;    /* calls since the last event that were not parked */
  uint8_t handing_op; /* enum hn_op of the completion that a parked call is */
  hn_handle handing;  /* being given, and whose; 0: none */
};

/*
 * Where events are taken: a call that waits, a delivery, or poll.
 *
 * A host's hook may suspend a coroutine at any instruction of Lua, and others
 * then take events of the same session. So a result is stored with the place
 * that waits for it by the C function that took it, and no list of places is
 * walked in Lua.
 */
struct lhn_place {
  const void *magic;
  struct lhn_box *box;
  struct lhn_place *next, *prev; /* of those that were entered */
  lua_State *thread;             /* kept alive by LHN_PLACE_THREAD */
  hn_handle id;                  /* of LHN_PLACE_HANDLE */
  hn_handle session; /* that events are taken of; or of the running callback */
  hn_handle hears;   /* whose event the running callback was called with */
  int op;            /* enum hn_op that is waited for; HN_OP_NONE: a delivery */
  bool entered;
  bool all;     /* poll: events of every session */
  bool calling; /* a callback runs below it */
  bool holds;   /* and what it hears of waits for it */
  bool got;     /* the result is at LHN_PLACE_RESULT now; or was lost: */
  bool lost;    /* there was no memory for it */
  bool done;    /* it was handed over */
};

enum lhn_place_value {
  LHN_PLACE_THREAD = 1, /* the coroutine */
  LHN_PLACE_HANDLE,
  LHN_PLACE_WAITER, /* of the coroutine, while a callback runs */
  LHN_PLACE_RESULT, /* three values */
  LHN_PLACE_VALUES = LHN_PLACE_RESULT + 2,
};

/* The input or output file of a running operation. */
struct lhn_held {
  bool busy;  /* its value is kept */
  int64_t at; /* where the file stood at the start; -1: cannot seek */
};

struct lhn_handle {
  const void *magic;   /* what every handle has there */
  struct lhn_box *box; /* borrowed (as long as the state) */
  hn_handle id;        /* 0 until the engine made it */
  hn_handle session;   /* the session it lives in, alive or not */
  int kind;            /* enum hn_kind */
  bool async;          /* of an asynchronous session */
  bool heard;          /* LHN_KEPT_CALLBACK is set */
  bool pinned;         /* LHN_KEPT_BODY is set */
  bool handing;        /* bytes that were read are being handed over, or were
                          lost: there was no memory for them */
  uint8_t anchors;     /* enum lhn_anchor, several */
  bool lent;           /* C's: collecting the userdata does not close it */
  struct lhn_held input, output;
};

enum {
  LHN_STEP_MS = 1000,   /* the longest time deaf to a lost signal */
  LHN_SUSPENDED_MS = 10 /* and to whoever resumes a suspended callback */
};

/* The level of the function whose caller made a mistake: 1 for functions that
 * users call themselves, 2 where one function of the Lua half is in between. */
enum { LHN_DIRECT = 1, LHN_WRAPPED = 2 };

/* -------------------------------------------------------------------- lhn.c */

HN_INTERNAL struct lhn_box *lhn_box(lua_State *L);
/* Pushes the state's box, or nil. */
HN_INTERNAL struct lhn_box *lhn_push_box(lua_State *L);
/* Pushes a box without a runtime, which the registry keeps. */
HN_INTERNAL struct lhn_box *lhn_push_new_box(lua_State *L);
/* The box's runtime; raises when it has none. Functions that finalisers may
 * call look at box->rt themselves. */
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
/* The same for what goes to a server, where a number may stand for its text.
 * Makes the number at arg, from the bottom, text that no locale has touched. */
HN_INTERNAL struct hn_slice lhn_check_data(lua_State *L, int level, int arg);
HN_INTERNAL struct hn_slice lhn_opt_data(lua_State *L, int level, int arg);
HN_INTERNAL void lhn_plain_number(lua_State *L, int arg);
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

/* "send", "read", ...; NULL for HN_OP_NONE. */
HN_INTERNAL const char *lhn_op_name(int op);

/* Ends a C function as a function of the Lua half, called with the n values on
 * top; its results are the C function's. */
HN_INTERNAL int lhn_go_on(lua_State *L, enum lhn_lua function, int n);

/* Calls a function of ours that does not wait, with the value on top; it has
 * one result. */
HN_INTERNAL void lhn_call(lua_State *L);

/* Ends a C function as `then`, after a call of a Lua function with the n values
 * on top; one result is on top. */
HN_INTERNAL int lhn_call_then(lua_State *L, int n, lua_KFunction then);

/* Adds functions with the binding's upvalues, which stand at the stack's first
 * LHN_UPVALUES slots, to the table on top. */
HN_INTERNAL void lhn_register(lua_State *L, const luaL_Reg *functions);

/* ------------------------------------------------------------- lhn_handle.c */

/* The handle at arg, of any kind, or NULL. */
HN_INTERNAL struct lhn_handle *lhn_test(lua_State *L, int arg);
/* Raises because of what is at arg instead of a handle of that kind. */
HN_INTERNAL void lhn_misused(lua_State *L, int arg, int kind, int level);
/* The handle at arg; kind 0 takes any. Raises for anything else. Inline: most
 * calls begin with it, and the kind is a constant. */
static inline struct lhn_handle *lhn_check(lua_State *L, int arg, int kind,
                                           int level) {
  struct lhn_handle *h = lhn_test(L, arg);
  if (!h || (kind != 0 && h->kind != kind)) lhn_misused(L, arg, kind, level);
  return h;
}
/* "request", "connection", ... */
HN_INTERNAL const char *lhn_kind_name(int kind);
/* Pushes an empty handle; parent is its stack index, or 0. */
HN_INTERNAL struct lhn_handle *lhn_push_new(lua_State *L, int kind, int parent);
/* The same without a metatable. */
HN_INTERNAL struct lhn_handle *lhn_push_bare(lua_State *L, int kind,
                                             int parent);
/* Makes the place for what is kept with the handle at ud: after that lhn_keep
 * cannot fail, as it must not once the engine has begun to use the value. */
HN_INTERNAL void lhn_reserve(lua_State *L, int ud);
/* Keeps the value on top, which is popped, with the handle at ud. */
HN_INTERNAL void lhn_keep(lua_State *L, int ud, enum lhn_kept what);
/* Pushes what is kept, or nil. */
HN_INTERNAL void lhn_push_kept(lua_State *L, int ud, enum lhn_kept what);
/* The side an operation belongs to. */
HN_INTERNAL enum lhn_anchor lhn_anchor_of(int op);
/* Keeps the handle at ud alive with its session, or no longer. */
HN_INTERNAL void lhn_anchor(lua_State *L, int ud, struct lhn_handle *h,
                            enum lhn_anchor why);
HN_INTERNAL void lhn_unanchor(lua_State *L, int ud, struct lhn_handle *h,
                              enum lhn_anchor why);
/* Puts the handle at ud into the map, so that its events find it. */
HN_INTERNAL void lhn_remember(lua_State *L, int ud, const struct lhn_handle *h);
/* Pushes the userdata of an id, or nil. */
HN_INTERNAL struct lhn_handle *lhn_push_handle(lua_State *L, hn_handle id);

/* Pushes the waiter of the running coroutine; or nothing, with false. */
HN_INTERNAL bool lhn_push_waiter(lua_State *L, const struct lhn_box *box);

extern const luaL_Reg lhn_handle_functions[];
extern const luaL_Reg lhn_handle_methods[];
extern const luaL_Reg lhn_handle_meta[];
extern const luaL_Reg lhn_closed_meta[];

/* --------------------------------------------------------------- lhn_host.c */

/* Makes what hn_lua_push calls; the upvalues stand at the first slots. */
HN_INTERNAL void lhn_host_open(lua_State *L);

/* ------------------------------------------------------------- lhn_import.c */

/* A Lua file within the library. */
struct lhn_source {
  const char *name; /* of its module */
  bool inner;       /* a module of the Lua half; else one for users */
  const char *text;
  size_t size;
};

/* All of them, ended by a NULL name: made by csrc/lua/embed.sh. */
extern const struct lhn_source lhn_sources[];

/* Pushes the function that a file is; raises. */
HN_INTERNAL void lhn_push_chunk(lua_State *L, const struct lhn_source *source);

/* Puts import, and what it is with, into the core at that index; half and
 * slots are for the modules that meet the C half. */
HN_INTERNAL void lhn_import_open(lua_State *L, int core, int half, int slots);

/* --------------------------------------------------------------- lhn_open.c */

extern const luaL_Reg lhn_open_functions[];
extern const luaL_Reg lhn_session_methods[];
extern const luaL_Reg lhn_connection_methods[];

/* --------------------------------------------------------------- lhn_file.c */

/* The descriptor of what new_file made, at arg; -1: that is something else. */
HN_INTERNAL int lhn_file_descriptor(lua_State *L, int arg);
/* What a stream has read ahead; valid until it is used. */
HN_INTERNAL struct hn_slice lhn_file_ahead(FILE *stream);
/* Reads n bytes of that. */
HN_INTERNAL void lhn_file_skip(FILE *stream, size_t n);

extern const luaL_Reg lhn_file_functions[];

/* ------------------------------------------------------------ lhn_request.c */

/* Lets go of what the completed operation held, and puts its file where the
 * operation left it. */
HN_INTERNAL void lhn_settle(lua_State *L, int ud, struct lhn_handle *h,
                            const struct hn_event *ev);
/* Cancels an operation, for which nothing is left to take then. */
HN_INTERNAL void lhn_cancel(lua_State *L, int ud, struct lhn_handle *h,
                            enum hn_op op);
/* Before a close: puts the files of running operations where these are. */
HN_INTERNAL void lhn_place_files(lua_State *L, int ud, struct lhn_handle *h);
/* After it: lets go of everything the handle held. */
HN_INTERNAL void lhn_release(lua_State *L, int ud, struct lhn_handle *h);

/* The second half of an operation that was started on the handle at 1: waits
 * for it as any call waits there. The hook is the one of its beginning. */
HN_INTERNAL int lhn_finish(lua_State *L, struct lhn_handle *h, enum hn_op op,
                           lua_Hook hook);

extern const luaL_Reg lhn_request_methods[];
extern const luaL_Reg lhn_request_functions[];

/* -------------------------------------------------------------- lhn_sleep.c */

extern const luaL_Reg lhn_sleep_functions[];
/* Of sleepers; where it is a key of the Lua half's table is their metatable. */
extern const luaL_Reg lhn_sleep_meta[];

/* ------------------------------------------------------------- lhn_header.c */

/* Header text at arg: a string, a map, a list of {name, value}, or nil. The
 * text stays valid while arg stays. INVALID_PARAMETER for what cannot be one
 * header line each; raises for other types. */
HN_INTERNAL int lhn_header_text(lua_State *L, int arg, int level,
                                struct hn_slice *out);
/* Puts the text made of a table back to arg as a string: a message is to tell
 * what is wrong with it. */
HN_INTERNAL void lhn_header_show(lua_State *L, int arg, struct hn_slice text);

extern const luaL_Reg lhn_header_methods[];
extern const luaL_Reg lhn_header_functions[];

/* --------------------------------------------------------------- lhn_head.c */

/* The head that a request sent or got (or the trailers), as a value of its
 * own: immutable, found by its magic. */
struct lhn_head {
  const void *magic;
  int64_t times[HN_MAX_TIMES]; /* microseconds from the start; 0: not known */
  size_t size;
  char text[]; /* lines ended by CRLF; the start line first, if there is one */
};

/* Pushes a copy of what hn_query_raw_headers answers; or nothing, with its
 * code. */
HN_INTERNAL int lhn_push_head(lua_State *L, const struct lhn_handle *h,
                              enum hn_header_source from);

extern const luaL_Reg lhn_head_functions[];
extern const luaL_Reg lhn_head_meta[];
extern const luaL_Reg lhn_head_methods[];

/* -------------------------------------------------------------- lhn_event.c */

/* Pushes what the caller of a blocking call gets for a completion; h may be
 * NULL when nobody will look. */
HN_INTERNAL int lhn_push_result(lua_State *L, struct lhn_handle *h,
                                const struct hn_event *ev);
/* Takes events at the place at 1, until there is something to do for Lua, the
 * place has its result, or there are none. Answers how many values it pushed:
 * callback, handle, status, info, and the callback counts as running from then
 * on; the waiter of a parked call that has its result now; or false: a task
 * has one. */
HN_INTERNAL int lhn_take(lua_State *L, struct lhn_place *at, hn_handle scope);

/* Enters the waiter of a call that is to be parked on the handle at ud. Pushes
 * the one that had its place, or nil. */
HN_INTERNAL void lhn_park(lua_State *L, int ud, int waiter, int op);

extern const luaL_Reg lhn_event_functions[];

/* -------------------------------------------------------------- lhn_place.c */

/* Stores a completion with the place that waits for it; whether there is one.
 */
HN_INTERNAL bool lhn_place_give(lua_State *L, struct lhn_handle *h,
                                const struct hn_event *ev);
/* Pushes a new place, entered: of a call that waits for an operation of the
 * handle at 1, or of a delivery for HN_OP_NONE. */
HN_INTERNAL void lhn_place_enter(lua_State *L, int op);
/* A callback begins at the place at 1, with an event of that handle. It does
 * not wait as the coroutine does that happens to deliver: calls in it block, or
 * return at once. */
HN_INTERNAL void lhn_place_begin(lua_State *L, struct lhn_place *p,
                                 const struct lhn_handle *h,
                                 const struct hn_event *ev);

/* How long a step may wait that would wait for `ms` (less than 0: for ever). A
 * callback may be suspended in another coroutine: what waits until it was heard
 * goes on only if the program has its turn to resume that. */
HN_INTERNAL int64_t lhn_place_patience(lua_State *L, const struct lhn_box *box,
                                       int64_t ms);

extern const luaL_Reg lhn_place_functions[];
extern const luaL_Reg lhn_place_meta[];

/* --------------------------------------------------------------- lhn_task.c */

struct lhn_task;

/* The task at idx, or NULL. */
HN_INTERNAL struct lhn_task *lhn_task_test(lua_State *L, int idx);
/* What it waits for may be there: it is to go on. `aloud` tells those who watch
 * from outside, too. Allocates nothing. */
HN_INTERNAL void lhn_task_wake(struct lhn_task *t, bool aloud);
/* Whether one is ready, or will be with the next round, or has ended and nobody
 * has seen to it. */
HN_INTERNAL bool lhn_task_is_pending(const struct lhn_box *box);
/* Whether it, or any if t is NULL, has not ended. */
HN_INTERNAL bool lhn_task_is_alive(const struct lhn_box *box,
                                   const struct lhn_task *t);

extern const luaL_Reg lhn_task_functions[];
extern const luaL_Reg lhn_task_meta[];

/* --------------------------------------------------------------- lhn_loop.c */

extern const luaL_Reg lhn_loop_functions[];

/* ------------------------------------------------------------- lhn_option.c */

extern const luaL_Reg lhn_option_methods[];
extern const luaL_Reg lhn_option_functions[];

/* ---------------------------------------------------------------- lhn_url.c */

extern const luaL_Reg lhn_url_functions[];

#endif
