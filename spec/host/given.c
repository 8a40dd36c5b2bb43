/*
 * given.c: given URL: a runtime that the program makes, and handles that go
 * from C to Lua and back. URL answers "GET /" with a body.
 */
#include "host.h"

static struct hn_slice text(const char *s) {
  return (struct hn_slice){s, strlen(s)};
}

static bool answers(lua_State *L, const char *script) {
  lua_settop(L, 0);
  host_run(L, script, NULL);
  return lua_toboolean(L, -1);
}

static void one_state_for_a_runtime(void) {
  hn_runtime *rt = NULL, *other = NULL;
  CHECK(hn_runtime_new(&rt) == 0 && hn_runtime_new(&other) == 0);
  lua_State *L = host_state(), *M = host_state();
  CHECK(hn_lua_runtime(L) == NULL);
  CHECK(hn_lua_use(L, NULL) == HN_ERR_INVALID_PARAMETER);
  CHECK(hn_lua_use(L, rt) == 0 && hn_lua_runtime(L) == rt);
  CHECK(hn_lua_use(L, rt) == HN_ERR_INVALID_OPERATION);
  CHECK(hn_lua_use(L, other) == HN_ERR_INVALID_OPERATION);
  CHECK(hn_lua_use(M, rt) == HN_ERR_INVALID_OPERATION);
  CHECK(hn_lua_runtime(M) == NULL);
  host_load(M); /* with a runtime of its own */
  CHECK(hn_lua_runtime(M) != NULL && hn_lua_runtime(M) != rt);
  CHECK(hn_lua_use(M, other) == HN_ERR_INVALID_OPERATION);
  lua_close(L);
  L = host_state();
  CHECK(hn_lua_use(L, hn_lua_runtime(M)) == HN_ERR_INVALID_OPERATION);
  CHECK(hn_lua_use(L, rt) == 0); /* free again */
  lua_close(L);
  lua_close(M);
  hn_runtime_free(other);
  hn_runtime_free(rt);
}

static void freed_before_the_state(void) {
  hn_runtime *rt = NULL;
  CHECK(hn_runtime_new(&rt) == 0);
  lua_State *L = host_state();
  CHECK(hn_lua_use(L, rt) == 0);
  host_load(L);
  CHECK(answers(L, "session = hinternet.open() return session:is_valid()"));
  hn_runtime_free(rt);
  CHECK(hn_lua_runtime(L) == NULL);
  CHECK(hn_lua_push(L, 1) == HN_ERR_INVALID_HANDLE);
  CHECK(answers(L, "return not session:is_valid()"
                   " and select(3, session:connect('a')) == 6"
                   " and select(3, session:close()) == 6"
                   " and not pcall(hinternet.open)"));
  lua_close(L);
}

static void out_of_lua(void) {
  lua_State *L = host_state();
  CHECK(hn_lua_push(L, 1) == HN_ERR_INVALID_OPERATION);
  host_load(L);
  hn_runtime *rt = hn_lua_runtime(L);
  host_run(L,
           "session = hinternet.open { async = true }"
           " return session, 1, io.stdout",
           NULL);
  hn_handle h = hn_lua_to(L, 1);
  bool async = false;
  CHECK(hn_is_valid(rt, h) && hn_kind_of(h) == HN_KIND_SESSION);
  CHECK(hn_is_async(rt, h, &async) == 0 && async);
  CHECK(hn_lua_to(L, 2) == 0 && hn_lua_to(L, 3) == 0 && hn_lua_to(L, 9) == 0);
  CHECK(hn_close(rt, h) == 0 && hn_lua_to(L, 1) == h);
  CHECK(answers(L, "return hinternet.type(session) == 'closed session'"));
  CHECK(hn_lua_push(L, h) == HN_ERR_INVALID_HANDLE);
  CHECK(lua_gettop(L) == 1);
  lua_close(L);
}

static hn_runtime *with_request(const char *url, hn_handle out[3]) {
  struct hn_url_parts parts;
  hn_runtime *rt = NULL;
  const struct hn_request_spec spec = {.path = text("/")};
  CHECK(hn_crack_url(text(url), 0, NULL, 0, &parts) == 0);
  CHECK(hn_runtime_new(&rt) == 0);
  CHECK(hn_open(rt, text("host"), 0, &out[0]) == 0);
  CHECK(hn_connect(rt, out[0], parts.host, (unsigned)parts.port, &out[1]) == 0);
  CHECK(hn_open_request(rt, out[1], &spec, &out[2]) == 0);
  return rt;
}

/* A request becomes Lua's; the handles above it stay C's. */
static void into_lua(const char *url) {
  hn_handle h[3];
  hn_runtime *rt = with_request(url, h);
  lua_State *L = host_state();
  CHECK(hn_lua_use(L, rt) == 0);
  host_load(L);
  CHECK(hn_lua_push(L, h[2]) == 0 && hn_lua_to(L, -1) == h[2]);
  CHECK(hn_lua_push(L, h[2]) == 0 && lua_rawequal(L, -1, -2));
  lua_setglobal(L, "request");
  CHECK(answers(L, "assert(request:send() and request:receive_response())"
                   " return request:query_headers 'status_code' == 200"
                   " and request:read 'a'"));
  CHECK(answers(L, "local connection = request:parent()"
                   " return hinternet.type(connection:parent()) == 'session'"));
  host_run(L, "request = nil collectgarbage() collectgarbage()", NULL);
  CHECK(!hn_is_valid(rt, h[2]) && hn_is_valid(rt, h[1]));
  CHECK(hn_is_valid(rt, h[0]));
  CHECK(hn_lua_push(L, h[0]) == 0); /* now the session is Lua's too */
  lua_setglobal(L, "session");
  lua_close(L);
  CHECK(!hn_is_valid(rt, h[0]) && !hn_is_valid(rt, h[1]));
  hn_runtime_free(rt);
}

/* What C made and kept outlives the state; Lua's own does not. */
static void kept_by_c(const char *url) {
  hn_handle h[3];
  hn_runtime *rt = with_request(url, h);
  for (int i = 0; i < 3; i++) {
    size_t handles = 0, operations = 0;
    lua_State *L = host_state();
    CHECK(hn_lua_use(L, rt) == 0);
    host_load(L);
    host_run(L, "list = { hinternet.open(), hinternet.open() }", NULL);
    hn_live(rt, &handles, &operations);
    CHECK(handles == 5);
    lua_close(L);
    hn_live(rt, &handles, &operations);
    CHECK(handles == 3 && hn_is_valid(rt, h[2]));
  }
  hn_runtime_free(rt);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  int before = host_descriptors();
  one_state_for_a_runtime();
  freed_before_the_state();
  out_of_lua();
  into_lua(argv[1]);
  kept_by_c(argv[1]);
  CHECK(host_descriptors() == before);
  return 0;
}
