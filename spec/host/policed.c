/*
 * policed.c: policed SCRIPT FOLDER ALLOWED ARGUMENT...: a script under a policy
 * that lets it reach ALLOWED ("http://127.0.0.1:8080") and nothing else. It has
 * all of Lua's libraries but debug: those that reach files serve to try, and
 * package.loadlib to load the module a second time.
 */
#include "host.h"

int main(int argc, char **argv) {
  CHECK(argc > 3);
  int before = host_descriptors();
  const char *const hosts[] = {argv[3], NULL};
  const struct hn_policy policy = {
      .size = sizeof policy,
      .allow = HN_ALLOW_HTTP | HN_ALLOW_HTTPS,
      .hosts = hosts,
      .max_handles = 100,
      .max_response_body = 100000,
      .max_request_body = 1000,
  };
  hn_runtime *rt = NULL;
  CHECK(hn_runtime_new(&rt) == 0 && hn_set_policy(rt, &policy) == 0);
  lua_State *L = host_state();
  CHECK(hn_lua_use(L, rt) == 0);
  host_load(L);
  lua_pushnil(L);
  lua_setglobal(L, "debug");
  host_run(L, "package.loaded.debug = nil", NULL);
  host_run(L, argv[1], argv + 2);
  CHECK(hn_lua_runtime(L) == rt);
  lua_close(L);
  hn_runtime_free(rt);
  CHECK(host_descriptors() == before);
  return 0;
}
