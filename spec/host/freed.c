/*
 * freed.c: freed URL: the program's runtime is freed by a finaliser that runs
 * within a call of the module, at each allocation of each call in turn.
 */
#include "host.h"

static struct {
  lua_Alloc alloc; /* the state's own */
  void *data;
  lua_State *state;
  long left; /* allocations until the collector goes on */
  hn_runtime *rt;
} the;

/* The next check of the collector works off a whole cycle, finalisers too. */
static void *counting_alloc(void *data, void *p, size_t old, size_t size) {
  (void)data;
  if (size > 0 && (p == NULL || size > old) && the.left > 0 && --the.left == 0)
    lua_gc(the.state, LUA_GCRESTART);
  return the.alloc(the.data, p, old, size);
}

static int free_runtime(lua_State *L) {
  (void)L;
  hn_runtime_free(the.rt);
  the.rt = NULL;
  return 0;
}

/* What a finaliser is called for as soon as there is a cycle. */
static void leave_garbage(lua_State *L) {
  lua_newtable(L);
  lua_newtable(L);
  lua_pushcfunction(L, free_runtime);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

static const char prepare[] =
    "local url = ...\n"
    "local host, port = url:match '//(.-):(%d+)'\n"
    "function hear() end\n"
    "core = require 'hinternet.core'\n"
    "session = hinternet.open { connect_timeout = 5 }\n"
    "connection = session:connect(host, tonumber(port))\n"
    "request = connection:open_request('PUT', '/')\n"
    "done = connection:open_request()\n"
    "assert(done:send() and done:receive_response())\n"
    "sent = connection:open_request('PUT')\n"
    "assert(sent:send(nil, nil, 200000))\n"
    "async = hinternet.open { async = true }\n"
    "there = async:connect(host, tonumber(port)):open_request()\n"
    "file, out = io.open '/proc/self/exe', io.tmpfile()\n"
    "big = ('x'):rep(100000)\n"
    "function in_task(f)\n"
    "  local task = session:spawn(f)\n"
    "  pcall(hinternet.run)\n"
    "  pcall(task.join, task)\n"
    "end\n"
    "pcall(in_task, function()\n"
    "  for _ in session:get(url, { timeout = 5, stream = true }):lines() do "
    "end\n"
    "  session:post(url, { form = { a = 'b' } })\n"
    "end)\n"
    "hinternet.all { url }\n"
    "local other = hinternet.open { async = true }\n"
    "other:set_timeouts { connect = 1 }\n"
    "other:set_status_callback(hear)\n"
    "other:connect('a'):open_request():add_headers(17)\n"
    "other:close()\n"
    "the_url = url\n";

static const char *const calls[] = {
    "hinternet.open('x')",
    "hinternet.open { user_agent = 'y', connect_timeout = 7, ca_file = 'x' }",
    "session:connect('example.org', 80)",
    "connection:open_request('GET', '/a b', { accept = { 'a', 'b' },"
    " version = 'HTTP/1.1', referrer = 'x' })",
    "session:set_status_callback(hear) session:connect('a'):open_request()",
    "request:add_headers { A = 'b', C = 1 } request:add_headers('D: e', 'set')",
    "request:add_headers(17)",
    "request:send({ A = 'b' }, big, 100000)",
    "request:send('A: b', 'text') request:receive_response()",
    "request:send(nil, nil, 4) request:write(1234) request:receive_response()",
    "sent:write(big) sent:write(big)",
    "sent:write_from(file, 200000)",
    "sent:write_from(io.popen 'printf abc 2>/dev/null', 3)",
    "done:read(2) done:read('a')",
    "done:read_to(out) done:query_data_available()",
    "done:query_headers('status_text') done:query_headers('raw_headers')"
    " done:query_headers('raw_headers_crlf') done:query_headers('version')",
    "done:query_headers('Content-Length', { index = 2 })"
    " done:query_headers(5) done:query_headers('no_such')",
    "done:headers() done:headers { request = true } core.response(done)",
    "request:set_option('ca_file', 123) request:set_option('unix_socket', 'x')"
    " request:set_timeouts { connect = 3, send = 2 }",
    "done:query_option('url') done:query_option('request_times')"
    " done:query_option('request_stats') done:query_option('connection_info')",
    "tostring(done) hinternet.type(done) done:parent() done:is_valid()",
    "done:close() request:close() session:close()",
    "session:set_status_callback(hear) session:close()",
    "done:set_status_callback(hear) done:set_status_callback(nil)",
    "there:set_status_callback(hear) there:send() hinternet.poll(1)"
    " hinternet.poll(1) there:close() hinternet.poll(0)",
    "in_task(function() done:read(1) done:read(9) end)",
    "in_task(function() request:send() request:receive_response() end)",
    "in_task(function() session:get(the_url) session:close() end)",
    "local t = session:spawn(function() there:send() end) hinternet.poll(0)"
    " async:close() t:cancel() hinternet.poll(0)",
    "session:get(the_url) hinternet.get(the_url)",
    "session:post(the_url, { form = { a = 'b' }, headers = { C = 'd' } })",
    "for line in session:get(the_url, { stream = true }):lines() do end",
    "hinternet.all { the_url, the_url }",
    "hinternet.pollable():timeout() core.live() core.budget() core.step(0)",
    "core.ids(done) core.enter(there) core.cancel(done, 4) core.unsent(sent)",
    "core.take(core.enter(done)) core.take(core.enter_poll()) core.lost()",
    "do local a <close> = done local b <close> = session end",
};

/* Whether there was such an allocation. */
static bool freed_at(const char *url, const char *call, long number) {
  lua_State *L = host_state();
  char *args[] = {(char *)(uintptr_t)url, NULL};
  CHECK(hn_runtime_new(&the.rt) == 0 && hn_lua_use(L, the.rt) == 0);
  host_load(L);
  host_run(L, prepare, args);
  lua_settop(L, 0);
  CHECK(luaL_loadstring(L, call) == LUA_OK);
  lua_gc(L, LUA_GCINC, 100, 1000, 30);
  lua_gc(L, LUA_GCCOLLECT);
  lua_gc(L, LUA_GCSTOP);
  leave_garbage(L);
  the.state = L;
  the.alloc = lua_getallocf(L, &the.data);
  lua_setallocf(L, counting_alloc, NULL);
  the.left = number;
  (void)lua_pcall(L, 0, 0, 0);
  bool reached = the.left == 0;
  the.left = 0;
  lua_gc(L, LUA_GCRESTART);
  lua_close(L);
  if (the.rt != NULL) hn_runtime_free(the.rt);
  return reached;
}

static void push_freed_at(long number) {
  lua_State *L = host_state();
  hn_handle session = 0, connection = 0;
  CHECK(hn_runtime_new(&the.rt) == 0 && hn_lua_use(L, the.rt) == 0);
  host_load(L);
  const struct hn_slice host = {"a", 1};
  CHECK(hn_open(the.rt, host, 0, &session) == 0);
  CHECK(hn_connect(the.rt, session, host, 1, &connection) == 0);
  lua_gc(L, LUA_GCINC, 100, 1000, 30);
  lua_gc(L, LUA_GCSTOP);
  leave_garbage(L);
  the.state = L;
  the.alloc = lua_getallocf(L, &the.data);
  lua_setallocf(L, counting_alloc, NULL);
  the.left = number;
  (void)hn_lua_push(L, connection);
  the.left = 0;
  lua_close(L);
  if (the.rt != NULL) hn_runtime_free(the.rt);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  long sum = 0;
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    long number = 1;
    while (number <= 150 && freed_at(argv[1], calls[i], number)) number++;
    sum += number - 1;
  }
  for (long number = 1; number < 30; number++) push_freed_at(number);
  printf("%ld\n", sum);
  return 0;
}
