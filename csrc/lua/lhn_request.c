/*
 * lhn_request.c: the operations of a request.
 *
 * Each is one C entry: start, one step, take. A result that is there after
 * that goes straight to the caller; otherwise the call goes on in the Lua half,
 * which waits, delivers notifications and takes the result from the events. In
 * a coroutine with a waiter it goes on there at once, to be parked; elsewhere
 * a start in an asynchronous session answers true.
 */
#include <stdio.h>
#include <string.h>

#include "../hinternet_file.h"
#include "lhn.h"

enum {
  LHN_AT_ONCE = 4,           /* calls that go on in a row, in tasks */
  LHN_COPIED = 64 * 1024,    /* the engine copies inputs up to this size */
  LHN_READ_SIZE = 64 * 1024, /* read() without a size */
};

/* --------------------------------------------------------- what is anchored */

static void lhn_req_hold(lua_State *L, enum lhn_kept what, int arg,
                         struct lhn_held *held, int64_t at) {
  lua_pushvalue(L, arg);
  lhn_keep(L, 1, what);
  held->busy = true;
  held->at = at;
}

static void lhn_req_let_go(lua_State *L, int ud, enum lhn_kept what,
                           struct lhn_held *held) {
  held->busy = false;
  lua_pushnil(L);
  lhn_keep(L, ud, what);
}

/* The descriptor moved under the FILE: tells it that it stands `moved` bytes
 * on, and not where it read ahead. */
static void lhn_req_place(lua_State *L, int ud, enum lhn_kept what,
                          const struct lhn_held *held, uint64_t moved) {
  if (!held->busy || held->at < 0) return;
  lhn_push_kept(L, ud, what);
  luaL_Stream *stream = luaL_testudata(L, -1, LUA_FILEHANDLE);
  if (stream && stream->closef)
    (void)fseeko(stream->f, (off_t)(held->at + (int64_t)moved), SEEK_SET);
  lua_pop(L, 1);
}

void lhn_settle(lua_State *L, int ud, struct lhn_handle *h,
                const struct hn_event *ev) {
  bool out = ev->op == HN_OP_READ_DATA;
  struct lhn_held *held = out ? &h->output : &h->input;
  enum lhn_kept what = out ? LHN_KEPT_OUTPUT : LHN_KEPT_INPUT;
  if ((!out && ev->op != HN_OP_WRITE_DATA) || !held->busy) return;
  ud = lua_absindex(L, ud);
  lhn_req_place(L, ud, what, held, ev->number);
  lhn_req_let_go(L, ud, what, held);
}

void lhn_place_files(lua_State *L, int ud, struct lhn_handle *h) {
  struct hn_progress done;
  hn_runtime *rt = h->box->rt;
  if ((!h->input.busy && !h->output.busy) || !rt ||
      hn_query_progress(rt, h->id, &done) != 0)
    return;
  lhn_req_place(L, ud, LHN_KEPT_INPUT, &h->input, done.sent);
  lhn_req_place(L, ud, LHN_KEPT_OUTPUT, &h->output, done.received);
}

void lhn_cancel(lua_State *L, int ud, struct lhn_handle *h, enum hn_op op) {
  lhn_place_files(L, ud, h);
  hn_runtime *rt = h->box->rt;
  if (rt) (void)hn_cancel(rt, h->id, op);
  lhn_unanchor(L, ud, h, lhn_anchor_of((int)op));
  if (op == HN_OP_WRITE_DATA && h->input.busy)
    lhn_req_let_go(L, ud, LHN_KEPT_INPUT, &h->input);
  if (op == HN_OP_READ_DATA && h->output.busy)
    lhn_req_let_go(L, ud, LHN_KEPT_OUTPUT, &h->output);
}

void lhn_release(lua_State *L, int ud, struct lhn_handle *h) {
  if (h->input.busy) lhn_req_let_go(L, ud, LHN_KEPT_INPUT, &h->input);
  if (h->output.busy) lhn_req_let_go(L, ud, LHN_KEPT_OUTPUT, &h->output);
  if (h->pinned) {
    h->pinned = false;
    lua_pushnil(L);
    lhn_keep(L, ud, LHN_KEPT_BODY);
  }
}

/* -------------------------------------------------------------- one C entry */

/* What a start that failed answers. A wait that died by an error, in a
 * coroutine nobody closed, may still hold the operation: the Lua half knows. */
static int lhn_req_refused(lua_State *L, const struct lhn_handle *h,
                           const char *what, int code) {
  if (code != HN_ERR_INCORRECT_HANDLE_STATE) return lhn_fail(L, h, what, code);
  lua_pushvalue(L, 1);
  lhn_fail(L, h, what, code);
  lua_remove(L, -3); /* the nil */
  return lhn_go_on(L, LHN_LUA_REFUSED, 3);
}

/* Goes on as a wait of the Lua half, within its place: whoever takes the result
 * before the next instruction of Lua is to find it, and an error that comes
 * before that leaves it. */
static int lhn_req_wait(lua_State *L, enum hn_op op) {
  lua_settop(L, 1);
  lhn_place_enter(L, (int)op);
  lua_toclose(L, 2);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  return lhn_go_on(L, LHN_LUA_WAIT, 2);
}

/* Goes on as a call that is parked until its completion comes; the waiter is
 * on top. */
static int lhn_req_park(lua_State *L, const struct lhn_handle *h,
                        enum hn_op op) {
  lua_pushinteger(L, op);
  lua_insert(L, 2);
  lua_insert(L, 3);
  lua_settop(L, 3);
  lhn_remember(L, 1, h);
  if (h->box->rt) (void)hn_await(h->box->rt, h->id, op);
  lhn_park(L, 1, 3, (int)op);
  return lhn_go_on(L, LHN_LUA_PARK, 4);
}

/* Lets an operation of an asynchronous session run: its completion comes
 * through poll. */
static int lhn_req_leave(lua_State *L, struct lhn_handle *h, enum hn_op op) {
  lhn_remember(L, 1, h);
  lhn_anchor(L, 1, h, lhn_anchor_of((int)op));
  lua_pushboolean(L, 1);
  return 1;
}

/* The caller's values for a completion. A signal that came meanwhile, as a
 * hook, takes them away with the next call: then the handle has to say so. */
static int lhn_req_hand_over(lua_State *L, struct lhn_handle *h,
                             const struct hn_event *ev, lua_Hook hook) {
  int n = lhn_push_result(L, h, ev);
  if (h->input.busy || h->output.busy) lhn_settle(L, 1, h, ev);
  if (lua_gethook(L) != hook) lhn_cancel(L, 1, h, (enum hn_op)ev->op);
  return n;
}

/* Whether the result of an operation may be there at once: a response has to
 * come from the server first, and who sleeps gives the others their turn. */
static bool lhn_req_is_near(enum hn_op op) {
  return op != HN_OP_RECEIVE_RESPONSE && op != HN_OP_SLEEP;
}

/* A call in a coroutine whose waiter is on top. Many have their result at once;
 * a few of these in a row go on, then the others get their turn. */
static int lhn_req_go_on(lua_State *L, struct lhn_handle *h, enum hn_op op,
                         lua_Hook hook) {
  struct hn_event ev;
  struct lhn_box *box = h->box;
  lua_pushliteral(L, "cancelled");
  lua_rawget(L, -2);
  bool cancelled = lua_toboolean(L, -1);
  lua_pop(L, 1);
  if (!lhn_req_is_near(op) || cancelled || box->at_once == LHN_AT_ONCE ||
      !box->rt || !hn_try_result(box->rt, h->id, op, &ev))
    return lhn_req_park(L, h, op);
  box->at_once++;
  return lhn_req_hand_over(L, h, &ev, hook);
}

int lhn_finish(lua_State *L, struct lhn_handle *h, enum hn_op op,
               lua_Hook hook) {
  struct hn_event ev;
  hn_runtime *rt = h->box->rt;
  bool lost = h->handing && op != HN_OP_SEND_REQUEST;
  h->handing = false;
  if (lost) {
    lhn_cancel(L, 1, h, op);
    return lhn_fail(L, h, NULL, HN_ERR_OPERATION_CANCELLED);
  }
  if (lhn_push_waiter(L, h->box)) return lhn_req_go_on(L, h, op, hook);
  if (h->async) return lhn_req_leave(L, h, op);
  if (lhn_req_is_near(op) && !h->box->heard &&
      hn_try_result(rt, h->id, op, &ev))
    return lhn_req_hand_over(L, h, &ev, hook);
  int rc = hn_step(rt, lhn_place_patience(L, h->box, LHN_STEP_MS));
  if (rc != 0) {
    lhn_cancel(L, 1, h, op);
    return lhn_fail(L, h, NULL, rc);
  }
  /* A signal handler's hook (Ctrl-C) fires with the next call or return, and
   * results go with it: so nothing is taken then. Known to the map, the handle
   * is found should its completion turn up later, wanted by nobody. */
  bool hooked = lua_gethook(L) != hook;
  if (hooked) lhn_remember(L, 1, h);
  if (hooked || !hn_take_result(rt, h->id, op, &ev)) return lhn_req_wait(L, op);
  return lhn_req_hand_over(L, h, &ev, hook);
}

/* ------------------------------------------------------------------ sending */

/* The body's length at arg: an integer, "chunked", or nil. */
static int lhn_req_total(lua_State *L, int arg, uint64_t *total) {
  if (lua_isnoneornil(L, arg)) {
    *total = HN_LENGTH_AUTO;
    return 0;
  }
  if (lua_type(L, arg) == LUA_TSTRING &&
      lhn_slice_is(lhn_slice_at(L, arg), "chunked")) {
    *total = HN_LENGTH_CHUNKED;
    return 0;
  }
  int is_integer;
  lua_Integer n = lua_tointegerx(L, arg, &is_integer);
  if (!is_integer) lhn_typeerror(L, LHN_DIRECT, arg, "integer or \"chunked\"");
  if (n < 0) return HN_ERR_INVALID_PARAMETER;
  *total = (uint64_t)n;
  return 0;
}

/* The start of a send; *headers is the text of what stands at 2, *body is what
 * the engine may pin. */
static int lhn_req_start_send(lua_State *L, const struct lhn_handle *h,
                              struct hn_slice *headers, struct hn_slice *body) {
  uint64_t total = HN_LENGTH_AUTO;
  if (lua_gettop(L) == 1)
    return hn_send(h->box->rt, h->id, *headers, *body, total);
  lua_settop(L, 4);
  int rc = lhn_header_text(L, 2, LHN_DIRECT, headers);
  *body = lhn_opt_data(L, LHN_DIRECT, 3);
  int total_code = lhn_req_total(L, 4, &total);
  if (rc == 0) rc = total_code;
  if (rc == 0 && body->n > LHN_COPIED) lhn_reserve(L, 1);
  hn_runtime *rt = h->box->rt;
  if (!rt || (rc != 0 && !hn_is_valid(rt, h->id))) return HN_ERR_INVALID_HANDLE;
  if (rc != 0) return rc;
  return hn_send(rt, h->id, *headers, *body, total);
}

/* Unlike the other calls, a send may follow a wait that was broken off: if
 * there is one, the Lua half ends it and sends again. */
static int lhn_req_send_again(lua_State *L, const struct lhn_handle *h,
                              struct hn_slice headers) {
  lua_settop(L, 4);
  if (headers.p) {
    lhn_push_slice(L, headers);
    lua_replace(L, 2);
  }
  lhn_fail(L, h, "send", HN_ERR_INCORRECT_HANDLE_STATE);
  lua_pop(L, 1);
  lua_replace(L, 5); /* the message, over the nil */
  return lhn_go_on(L, LHN_LUA_SEND_AGAIN, 5);
}

/* request:send([headers [, body [, total_length]]]) */
static int lhn_req_send(lua_State *L) {
  lua_Hook hook = lua_gethook(L);
  struct lhn_handle *h = lhn_check(L, 1, HN_KIND_REQUEST, LHN_DIRECT);
  struct hn_slice headers = {NULL, 0}, body = {NULL, 0};
  if (!h->box->rt) return lhn_fail(L, h, NULL, HN_ERR_INVALID_HANDLE);
  int rc = lhn_req_start_send(L, h, &headers, &body);
  if (rc == HN_ERR_INCORRECT_HANDLE_STATE)
    return lhn_req_send_again(L, h, headers);
  if (rc != 0) {
    lhn_header_show(L, 2, headers);
    return lhn_fail(L, h, "send", rc);
  }
  bool pin = body.n > LHN_COPIED;
  if (pin || h->pinned) {
    if (pin)
      lua_pushvalue(L, 3);
    else
      lua_pushnil(L);
    lhn_keep(L, 1, LHN_KEPT_BODY);
    h->pinned = pin;
  }
  return lhn_finish(L, h, HN_OP_SEND_REQUEST, hook);
}

/* request:write(data) */
static int lhn_req_write(lua_State *L) {
  lua_Hook hook = lua_gethook(L);
  struct lhn_handle *h = lhn_check(L, 1, HN_KIND_REQUEST, LHN_DIRECT);
  struct hn_slice data = lhn_check_data(L, LHN_DIRECT, 2);
  if (data.n > LHN_COPIED) lhn_reserve(L, 1);
  hn_runtime *rt = h->box->rt;
  if (!rt) return lhn_fail(L, h, NULL, HN_ERR_INVALID_HANDLE);
  int rc = hn_write(rt, h->id, data);
  if (rc != 0) return lhn_req_refused(L, h, "write", rc);
  if (data.n > LHN_COPIED) lhn_req_hold(L, LHN_KEPT_INPUT, 2, &h->input, -1);
  return lhn_finish(L, h, HN_OP_WRITE_DATA, hook);
}

/* -------------------------------------------------------------------- files */

static const char lhn_req_unflushed[] =
    "what it has buffered cannot be written";

struct lhn_file {
  int fd;
  int64_t at;   /* where a Lua file stands; -1: a descriptor, or cannot seek */
  FILE *stream; /* of a Lua file; or NULL */
};

/* The Lua file, the descriptor or what new_file made at arg. A Lua file is
 * flushed, which leaves its descriptor where the file stands (POSIX fflush);
 * false when that fails. */
static bool lhn_req_file(lua_State *L, int arg, struct lhn_file *out) {
  *out = (struct lhn_file){lhn_file_descriptor(L, arg), -1, NULL};
  if (out->fd >= 0) return true;
  if (lua_type(L, arg) == LUA_TNUMBER) {
    lua_Integer n = lhn_check_integer(L, LHN_DIRECT, arg);
    if (n < 0 || n > INT32_MAX)
      lhn_argerror(L, LHN_DIRECT, arg, "not a file descriptor");
    out->fd = (int)n;
    return true;
  }
  luaL_Stream *stream = luaL_testudata(L, arg, LUA_FILEHANDLE);
  if (!stream) lhn_typeerror(L, LHN_DIRECT, arg, "file or descriptor");
  if (!stream->closef) lhn_argerror(L, LHN_DIRECT, arg, "closed file");
  if (hn_flush_stream(stream->f) != 0) return false;
  out->stream = stream->f;
  out->at = (int64_t)ftello(stream->f);
  out->fd = fileno(stream->f);
  return true;
}

/* The number of bytes at arg; all of them without one. */
static bool lhn_req_limit(lua_State *L, int arg, uint64_t *limit) {
  lua_Integer n;
  *limit = UINT64_MAX;
  if (lua_isnoneornil(L, arg)) return true;
  n = lhn_check_integer(L, LHN_DIRECT, arg);
  *limit = (uint64_t)n;
  return n >= 0;
}

/* The start of write_from. A pipe cannot be put back to where its FILE stands:
 * what that has read ahead goes first. */
static int lhn_req_start_write_from(const struct lhn_handle *h,
                                    const struct lhn_file *file,
                                    uint64_t limit) {
  hn_runtime *rt = h->box->rt;
  struct hn_progress done;
  struct hn_slice ahead = {NULL, 0};
  if (file->stream && file->at < 0 &&
      hn_query_progress(rt, h->id, &done) == 0) {
    ahead = lhn_file_ahead(file->stream);
    if (ahead.n > limit) ahead.n = (size_t)limit;
    if (ahead.n > done.unsent) ahead.n = (size_t)done.unsent;
  }
  int rc = hn_write_from_after(rt, h->id, ahead, file->fd, limit);
  if (rc == 0) lhn_file_skip(file->stream, ahead.n);
  return rc;
}

/* request:write_from(file [, n]) */
static int lhn_req_write_from(lua_State *L) {
  lua_Hook hook = lua_gethook(L);
  struct lhn_handle *h = lhn_check(L, 1, HN_KIND_REQUEST, LHN_DIRECT);
  uint64_t limit;
  struct lhn_file file;
  bool good = lhn_req_limit(L, 3, &limit);
  lhn_reserve(L, 1);
  if (!lhn_req_file(L, 2, &file))
    return lhn_fail(L, h, lhn_req_unflushed, HN_ERR_READ_FAULT);
  if (!h->box->rt) return lhn_fail(L, h, NULL, HN_ERR_INVALID_HANDLE);
  int rc = good ? lhn_req_start_write_from(h, &file, limit)
                : HN_ERR_INVALID_PARAMETER;
  if (rc != 0) return lhn_req_refused(L, h, "write_from", rc);
  lhn_req_hold(L, LHN_KEPT_INPUT, 2, &h->input, file.at);
  return lhn_finish(L, h, HN_OP_WRITE_DATA, hook);
}

/* request:read_to(file [, n]) */
static int lhn_req_read_to(lua_State *L) {
  lua_Hook hook = lua_gethook(L);
  struct lhn_handle *h = lhn_check(L, 1, HN_KIND_REQUEST, LHN_DIRECT);
  uint64_t limit;
  struct lhn_file file;
  bool good = lhn_req_limit(L, 3, &limit);
  lhn_reserve(L, 1);
  if (!lhn_req_file(L, 2, &file))
    return lhn_fail(L, h, lhn_req_unflushed, HN_ERR_WRITE_FAULT);
  hn_runtime *rt = h->box->rt;
  if (!rt) return lhn_fail(L, h, NULL, HN_ERR_INVALID_HANDLE);
  int rc =
      good ? hn_read_to(rt, h->id, file.fd, limit) : HN_ERR_INVALID_PARAMETER;
  if (rc != 0) return lhn_req_refused(L, h, "read_to", rc);
  lhn_req_hold(L, LHN_KEPT_OUTPUT, 2, &h->output, file.at);
  return lhn_finish(L, h, HN_OP_READ_DATA, hook);
}

/* ---------------------------------------------------------------- receiving */

/* request:receive_response() */
static int lhn_req_receive_response(lua_State *L) {
  lua_Hook hook = lua_gethook(L);
  struct lhn_handle *h = lhn_check(L, 1, HN_KIND_REQUEST, LHN_DIRECT);
  hn_runtime *rt = h->box->rt;
  if (!rt) return lhn_fail(L, h, NULL, HN_ERR_INVALID_HANDLE);
  int rc = hn_receive_response(rt, h->id);
  if (rc != 0) return lhn_req_refused(L, h, "receive_response", rc);
  return lhn_finish(L, h, HN_OP_RECEIVE_RESPONSE, hook);
}

/* request:query_data_available() */
static int lhn_req_query_data_available(lua_State *L) {
  lua_Hook hook = lua_gethook(L);
  struct lhn_handle *h = lhn_check(L, 1, HN_KIND_REQUEST, LHN_DIRECT);
  hn_runtime *rt = h->box->rt;
  if (!rt) return lhn_fail(L, h, NULL, HN_ERR_INVALID_HANDLE);
  int rc = hn_query_data_available(rt, h->id);
  if (rc != 0) return lhn_req_refused(L, h, "query_data_available", rc);
  return lhn_finish(L, h, HN_OP_QUERY_DATA_AVAILABLE, hook);
}

static enum hn_read_mode lhn_req_mode(lua_State *L, int arg) {
  if (lua_isnoneornil(L, arg)) return HN_READ_SOME;
  struct hn_slice mode = lhn_check_slice(L, LHN_DIRECT, arg);
  if (!lhn_slice_is(mode, "fill"))
    lhn_argerror(L, LHN_DIRECT, arg,
                 lua_pushfstring(L, "invalid mode '%s'", mode.p));
  return HN_READ_FILL;
}

/* request:read([n [, "fill"]]) or request:read("a") */
static int lhn_req_read(lua_State *L) {
  lua_Hook hook = lua_gethook(L);
  struct lhn_handle *h = lhn_check(L, 1, HN_KIND_REQUEST, LHN_DIRECT);
  enum hn_read_mode mode = lhn_req_mode(L, 3);
  lua_Integer n = LHN_READ_SIZE;
  int type = lua_type(L, 2);
  if (type == LUA_TSTRING) {
    struct hn_slice what = lhn_slice_at(L, 2);
    if (!lhn_slice_is(what, "a") && !lhn_slice_is(what, "*a"))
      lhn_argerror(L, LHN_DIRECT, 2, "invalid format");
    mode = HN_READ_ALL;
  } else if (type > LUA_TNIL) {
    n = lhn_check_integer(L, LHN_DIRECT, 2);
  }
  hn_runtime *rt = h->box->rt;
  if (!rt) return lhn_fail(L, h, NULL, HN_ERR_INVALID_HANDLE);
  int rc =
      n > 0 ? hn_read(rt, h->id, (size_t)n, mode) : HN_ERR_INVALID_PARAMETER;
  if (rc != 0) return lhn_req_refused(L, h, "read", rc);
  return lhn_finish(L, h, HN_OP_READ_DATA, hook);
}

/* unsent(request) -> bytes of the announced body that are still to be written,
 * how many were given, and how many announced; nothing when that is not
 * known */
static int lhn_req_unsent(lua_State *L) {
  const struct lhn_handle *h = lhn_check(L, 1, HN_KIND_REQUEST, LHN_DIRECT);
  struct hn_progress done;
  if (!h->box->rt || hn_query_progress(h->box->rt, h->id, &done) != 0 ||
      done.unsent == HN_LENGTH_CHUNKED)
    return 0;
  lua_pushinteger(L, (lua_Integer)done.unsent);
  lua_pushinteger(L, (lua_Integer)done.given);
  lua_pushinteger(L, (lua_Integer)done.announced);
  return 3;
}

const luaL_Reg lhn_request_functions[] = {
    {"unsent", lhn_req_unsent},
    {NULL, NULL},
};

const luaL_Reg lhn_request_methods[] = {
    {"send", lhn_req_send},
    {"write", lhn_req_write},
    {"write_from", lhn_req_write_from},
    {"receive_response", lhn_req_receive_response},
    {"query_data_available", lhn_req_query_data_available},
    {"read", lhn_req_read},
    {"read_to", lhn_req_read_to},
    {NULL, NULL},
};
