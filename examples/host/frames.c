/*
 * frames.c: a program with a loop of 60 frames a second, whose script downloads
 * while the frames go on.
 *
 *   make build/host/frames
 *   build/host/frames [script [url [downloads [ca_file]]]]
 *
 * It holds the whole module (make amalgamation), gives the script a runtime
 * under a policy and calls poll(0) once in each frame, which works for
 * FRAME_BUDGET at most. In the end it prints how long those calls took.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lualib.h>

#include "hinternet.h"

enum {
  FRAME_NS = 1000000000 / 60,
  FRAME_BUDGET = 250,    /* us of network in one frame */
  FRAME_MOST = 60 * 600, /* frames: ten minutes */
  BAR_WIDTH = 40,
};

static const char *const defaults[] = {"examples/host/downloads.lua",
                                       "https://localhost:8443/", "100", NULL};

static int fail(const char *what, const char *why) {
  fprintf(stderr, "frames: %s: %s\n", what, why);
  return EXIT_FAILURE;
}

/* ------------------------------------------------------------- the script */

/* Run before anything else. Bytecode can be made up to reach any memory, so
 * `load` takes text alone, whatever mode it is asked for. `require` finds what
 * is there already (hinternet is in package.preload) and no file: nothing that
 * knows a path is left, not even to ask whether one exists. */
static const char sandbox[] =
    "local load = load\n"
    "local kept = {loaded = true, preload = true, searchers = true}\n"
    "function _G.load(chunk, name, _, ...)\n"
    "  return load(chunk, name, 't', ...)\n"
    "end\n"
    "dofile, loadfile, string.dump = nil, nil, nil\n"
    "package.searchers = {package.searchers[1]}\n"
    "for name in pairs(package) do\n"
    "  if not kept[name] then package[name] = nil end\n"
    "end\n";

/* What a script gets: no files, no programs, no other libraries, and not
 * `debug`, which would open all of it again: of io and os nothing either, as
 * they reach files. What it computes and keeps in Lua's own values is not
 * bounded here: lua_sethook and an allocator of one's own do that. */
static void open_libraries(lua_State *L) {
  static const luaL_Reg libraries[] = {
      {LUA_GNAME, luaopen_base},          {LUA_LOADLIBNAME, luaopen_package},
      {LUA_COLIBNAME, luaopen_coroutine}, {LUA_MATHLIBNAME, luaopen_math},
      {LUA_STRLIBNAME, luaopen_string},   {LUA_TABLIBNAME, luaopen_table},
  };
  for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
    luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
    lua_pop(L, 1);
  }
  if (luaL_dostring(L, sandbox) != LUA_OK) lua_error(L);
}

/* A runtime that reaches nothing but https servers, here or in the world, but
 * none in private networks. */
static int make_runtime(const char *ca_file, hn_runtime **rt) {
  const struct hn_policy policy = {
      .size = sizeof policy,
      .allow = HN_ALLOW_HTTPS | HN_ALLOW_LOOPBACK,
      .ca_file = ca_file,
      .max_handles = 10000,
      .max_response_body = (uint64_t)1 << 30,
  };
  int code = hn_runtime_new(rt);
  if (code == 0) code = hn_set_policy(*rt, &policy);
  if (code == 0) code = hn_set_budget(*rt, FRAME_BUDGET);
  return code;
}

/* Runs in protected mode: argument 1 is the runtime, then come the script's
 * name and its arguments. Leaves poll as the registry's "poll", and what the
 * script returns as its "kept": a session that nobody holds is collected, and
 * its tasks with it. */
static int start(lua_State *L) {
  hn_runtime *rt = lua_touserdata(L, 1);
  open_libraries(L);
  int code = hn_lua_use(L, rt);
  if (code != 0) return luaL_error(L, "%s", hn_error_text(code));
  luaL_requiref(L, "hinternet", luaopen_hinternet, 1);
  lua_getfield(L, -1, "poll");
  lua_setfield(L, LUA_REGISTRYINDEX, "poll");
  lua_pop(L, 1);
  if (luaL_loadfilex(L, lua_tostring(L, 2), "t") != LUA_OK) return lua_error(L);
  lua_replace(L, 2);
  lua_call(L, lua_gettop(L) - 2, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "kept");
  return 0;
}

/* One poll(0). Whether there is more to come. */
static bool poll(lua_State *L, bool *failed) {
  lua_getfield(L, LUA_REGISTRYINDEX, "poll");
  lua_pushinteger(L, 0);
  *failed = lua_pcall(L, 1, 1, 0) != LUA_OK;
  if (*failed) (void)fail("script", lua_tostring(L, -1));
  bool pending = !*failed && lua_toboolean(L, -1);
  lua_pop(L, 1);
  return pending;
}

/* -------------------------------------------------------------- the frames */

static int64_t now_ns(clockid_t clock) {
  struct timespec t;
  (void)clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_until(int64_t ns) {
  struct timespec t = {.tv_sec = (time_t)(ns / 1000000000),
                       .tv_nsec = (long)(ns % 1000000000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
    ; /* a signal */
}

/* Frames until nothing is pending; took[i]: ms that the i-th poll(0) took,
 * worked[i]: ms of processor time in it. The number of frames, or 0 when the
 * script failed. */
static int run_frames(lua_State *L, double *took, double *worked) {
  int64_t next = now_ns(CLOCK_MONOTONIC);
  bool pending = true, failed = false;
  int n = 0;
  while (pending && n < FRAME_MOST) {
    int64_t began = now_ns(CLOCK_MONOTONIC);
    int64_t cpu = now_ns(CLOCK_THREAD_CPUTIME_ID);
    pending = poll(L, &failed);
    worked[n] = (double)(now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu) / 1e6;
    took[n++] = (double)(now_ns(CLOCK_MONOTONIC) - began) / 1e6;
    /* Here a game would move and draw its things. */
    next += FRAME_NS;
    sleep_until(next);
  }
  return failed ? 0 : n;
}

/* ----------------------------------------------------------- the histogram */

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void sort(double *times, int n) {
  qsort(times, (size_t)n, sizeof times[0], compare);
}

/* Of sorted times: the least that p percent of them do not exceed. */
static double percentile(const double *sorted, int n, double p) {
  int rank = (int)ceil(n * p / 100);
  return sorted[rank > 0 ? rank - 1 : 0];
}

static void print_bar(const char *label, int count, int all) {
  int width = (int)ceil((double)count * BAR_WIDTH / all);
  printf("%14s %6d ", label, count);
  while (width-- > 0) putchar('#');
  putchar('\n');
}

static void print_summary(const char *label, const double *sorted, int n) {
  printf("%sp50 %.3f   p99 %.3f   max %.3f\n", label, percentile(sorted, n, 50),
         percentile(sorted, n, 99), sorted[n - 1]);
}

static void print_histogram(const double *took, int n) {
  static const double limits[] = {0.05, 0.1, 0.2, 0.5, 1, 1.5, 2, 4, 8, 16};
  size_t last = sizeof limits / sizeof limits[0];
  char label[32];
  printf("%d frames of %.1f ms; poll(0) took, in ms:\n", n, FRAME_NS / 1e6);
  for (size_t i = 0, at = 0; i <= last; i++) {
    size_t from = at;
    while (at < (size_t)n && (i == last || took[at] <= limits[i])) at++;
    if (i < last)
      (void)snprintf(label, sizeof label, "to %.2f", limits[i]);
    else
      (void)snprintf(label, sizeof label, "more");
    print_bar(label, (int)(at - from), n);
  }
}

/* --------------------------------------------------------------------- main */

static int run(lua_State *L, hn_runtime *rt, const char *const *args) {
  int n = 1;
  lua_pushcfunction(L, start);
  lua_pushlightuserdata(L, rt);
  while (n <= 3) lua_pushstring(L, args[n++ - 1]);
  if (lua_pcall(L, n, 0, 0) != LUA_OK)
    return fail(args[0], lua_tostring(L, -1));
  double *took = malloc(2 * FRAME_MOST * sizeof took[0]);
  if (took == NULL) return fail("frames", "not enough memory");
  double *worked = took + FRAME_MOST;
  int frames = run_frames(L, took, worked);
  if (frames > 0) {
    sort(took, frames);
    sort(worked, frames);
    print_histogram(took, frames);
    print_summary("of the processor's time: ", worked, frames);
    print_summary("", took, frames);
  }
  free(took);
  return frames > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
  const char *args[4];
  hn_runtime *rt = NULL;
  for (int i = 0; i < 4; i++)
    args[i] = i + 1 < argc ? argv[i + 1] : defaults[i];
  int code = make_runtime(args[3], &rt);
  if (code != 0) return fail("runtime", hn_error_text(code));
  lua_State *L = luaL_newstate();
  int status = L != NULL ? run(L, rt, args) : fail("Lua", "not enough memory");
  if (L != NULL) lua_close(L);
  hn_runtime_free(rt);
  return status;
}
