#include <sys/resource.h>

#include "net_fixture.h"

#include <signal.h>

enum { TAG = 77 };

/* Waits for the next answer. */
static bool take(struct hn_env *env, struct hn_resolved *out) {
  for (int i = 0; i < 600; i++) {
    env->now_us = clock_now_us();
    if (resolver_take(env->resolver, env_now(env), out)) return true;
    fixture_wait(env, TAG, 100);
  }
  return false;
}

static int start_slice(struct hn_env *env, struct hn_slice host, unsigned port,
                       uint64_t *job, struct hn_addresses *out) {
  const struct hn_lookup what = {
      .host = host, .port = port, .tag = TAG, .now = env_now(env)};
  return resolver_start(env->resolver, &what, job, out);
}

static int start(struct hn_env *env, const char *host, unsigned port,
                 uint64_t *job, struct hn_addresses *out) {
  return start_slice(env, slice_of(host), port, job, out);
}

static bool is_loopback(const struct hn_address *a) {
  char text[HN_ADDRESS_TEXT];
  address_format(a, text);
  return strcmp(text, "127.0.0.1") == 0 || strcmp(text, "::1") == 0;
}

TEST(literals_are_answered_at_once) {
  struct hn_env env;
  struct hn_addresses a = {0};
  uint64_t job = 5;
  CHECK(fixture_open(&env));
  CHECK_INT(start(&env, "192.0.2.7", 81, &job, &a), 0);
  CHECK_INT(a.count, 1);
  CHECK_INT(fixture_port(&a.list[0]), 81);
  CHECK_INT(start(&env, "[2001:db8::1]", 82, &job, &a), 0);
  CHECK_INT(a.list[0].u.any.sa_family, AF_INET6);
  CHECK_INT(job, 5);
  CHECK_INT(resolver_pending(env.resolver), 0);
  fixture_close(&env);
}

TEST(what_can_be_no_name) {
  static const struct hn_slice bad[] = {
      {"", 0},       {"a b", 3},  {"a\tb", 3}, {"localhost\0.x", 12},
      {"a\r\nb", 4}, {"\x7f", 1}, {" ", 1},
  };
  char text[HN_MAX_HOST + 1];
  struct hn_env env;
  struct hn_addresses a = {0};
  uint64_t job = 5;
  CHECK(fixture_open(&env));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK_INT(start_slice(&env, test_guarded(0, bad[i]), 80, &job, &a),
              HN_ERR_NAME_NOT_RESOLVED);
  memset(text, 'a', sizeof text);
  CHECK_INT(start_slice(&env, slice_make(text, sizeof text), 80, &job, &a),
            HN_ERR_NAME_NOT_RESOLVED);
  CHECK_INT(job, 5);
  CHECK_INT(a.count, 0);
  fixture_close(&env);
}

TEST(localhost_and_then_from_memory) {
  struct hn_env env;
  struct hn_addresses a = {0};
  struct hn_resolved r;
  uint64_t job = 0;
  long live = mem_live();
  CHECK(fixture_open(&env));
  CHECK(!resolver_take(env.resolver, 0, &r));
  CHECK_INT(start(&env, "LocalHost", 8080, &job, &a), HN_AGAIN);
  CHECK(job != 0);
  CHECK_INT(resolver_pending(env.resolver), 1);
  if (CHECK(take(&env, &r))) {
    CHECK_INT(r.job, job);
    CHECK_INT(r.tag, TAG);
    CHECK_INT(r.code, 0);
    CHECK(r.addresses.count >= 1);
    for (size_t i = 0; i < r.addresses.count; i++) {
      CHECK(is_loopback(&r.addresses.list[i]));
      CHECK_INT(fixture_port(&r.addresses.list[i]), 8080);
    }
  }
  CHECK_INT(resolver_pending(env.resolver), 0);
  /* Whatever the case and the port. */
  CHECK_INT(start(&env, "LOCALHOST", 9, &job, &a), 0);
  CHECK_INT(a.count, r.addresses.count);
  CHECK_INT(fixture_port(&a.list[0]), 9);
  /* But not for ever. */
  env.now_us += 60001000;
  CHECK_INT(start(&env, "localhost", 9, &job, &a), HN_AGAIN);
  CHECK(take(&env, &r));
  fixture_close(&env);
  fixture_settle(live);
}

TEST(no_such_name) {
  struct hn_env env;
  struct hn_addresses a = {0};
  struct hn_resolved r;
  uint64_t job = 0;
  long live = mem_live();
  CHECK(fixture_open(&env));
  for (int i = 0; i < 2; i++) { /* a bad answer is not kept */
    CHECK_INT(start(&env, "nothing.invalid", 80, &job, &a), HN_AGAIN);
    if (!CHECK(take(&env, &r))) continue;
    CHECK_INT(r.job, job);
    CHECK_INT(r.code, HN_ERR_NAME_NOT_RESOLVED);
    CHECK_INT(r.addresses.count, 0);
    CHECK(r.detail != NULL);
  }
  fixture_close(&env);
  fixture_settle(live);
}

/* Two askers for one name share the look-up; each gets its own answer. */
TEST(askers_for_one_name) {
  struct hn_env env;
  struct hn_addresses a = {0};
  struct hn_resolved r[2];
  uint64_t jobs[3];
  long live = mem_live();
  CHECK(fixture_open(&env));
  for (unsigned i = 0; i < 3; i++)
    CHECK_INT(start(&env, "localhost", i + 1, &jobs[i], &a), HN_AGAIN);
  CHECK_INT(resolver_pending(env.resolver), 3);
  resolver_abandon(env.resolver, jobs[1]);
  resolver_abandon(env.resolver, jobs[1]);
  CHECK_INT(resolver_pending(env.resolver), 2);
  CHECK(take(&env, &r[0]));
  CHECK(take(&env, &r[1]));
  CHECK_INT(r[0].job, jobs[0]);
  CHECK_INT(r[1].job, jobs[2]);
  CHECK_INT(fixture_port(&r[0].addresses.list[0]), 1);
  CHECK_INT(fixture_port(&r[1].addresses.list[0]), 3);
  CHECK(!resolver_take(env.resolver, 0, &r[0]));
  fixture_close(&env);
  fixture_settle(live);
}

TEST(abandoning_in_every_state) {
  enum { MANY = 40 };
  struct hn_env env;
  struct hn_addresses a = {0};
  struct hn_resolved r;
  uint64_t jobs[MANY], last = 0;
  char name[32];
  long live = mem_live();
  CHECK(fixture_open(&env));
  resolver_abandon(env.resolver, 0);
  resolver_abandon(env.resolver, 123456789);
  for (unsigned i = 0; i < MANY; i++) {
    snprintf(name, sizeof name, "n%u.invalid", i);
    CHECK_INT(start(&env, name, 80, &jobs[i], &a), HN_AGAIN);
  }
  /* Some run, most wait in line, and after a while some are done. */
  for (unsigned i = 0; i < MANY / 2; i++)
    resolver_abandon(env.resolver, jobs[2 * i]);
  CHECK(take(&env, &r));
  for (unsigned i = 0; i < MANY; i++) resolver_abandon(env.resolver, jobs[i]);
  CHECK_INT(resolver_pending(env.resolver), 0);
  CHECK(!resolver_take(env.resolver, 0, &r));
  CHECK_INT(start(&env, "localhost", 80, &last, &a), HN_AGAIN);
  CHECK(take(&env, &r));
  CHECK_INT(r.job, last);
  fixture_close(&env);
  fixture_settle(live);
}

TEST(freeing_with_look_ups_running) {
  long live = mem_live();
  for (unsigned round = 0; round < 20; round++) {
    struct hn_env env;
    struct hn_addresses a = {0};
    uint64_t job;
    char name[32];
    CHECK(fixture_open(&env));
    for (unsigned i = 0; i < 20; i++) {
      snprintf(name, sizeof name, "n%u.invalid", i);
      CHECK_INT(start(&env, name, 80, &job, &a), HN_AGAIN);
    }
    fixture_close(&env);
  }
  fixture_settle(live);
  CHECK_INT(mem_live(), live);
}

TEST(threads_leave_signals_alone) {
  struct hn_env env;
  struct hn_addresses a = {0};
  struct hn_resolved r;
  uint64_t job;
  sigset_t before, after;
  long live = mem_live();
  CHECK(fixture_open(&env));
  sigprocmask(SIG_SETMASK, NULL, &before);
  CHECK_INT(start(&env, "localhost", 80, &job, &a), HN_AGAIN);
  sigprocmask(SIG_SETMASK, NULL, &after);
  for (int i = 1; i < 32; i++)
    CHECK_INT(sigismember(&before, i), sigismember(&after, i));
  CHECK(take(&env, &r));
  fixture_close(&env);
  fixture_settle(live);
}

/* More names than places: the kept answers stay few and right. */
TEST(the_memory_is_bounded) {
  struct hn_env env;
  struct hn_addresses a = {0};
  struct hn_resolved r;
  uint64_t job;
  char name[HN_MAX_HOST];
  long live = mem_live();
  CHECK(fixture_open(&env));
  /* The numbers-and-dots forms of inet_aton are names to us, and resolved
   * without any server. */
  for (unsigned i = 0; i < HN_MAX_RESOLVER_CACHE + 20; i++) {
    snprintf(name, sizeof name, "127.%u", i + 1);
    CHECK_INT(start(&env, name, 80, &job, &a), HN_AGAIN);
    CHECK(take(&env, &r));
    CHECK_INT(r.code, 0);
  }
  CHECK(mem_live() - live < HN_MAX_RESOLVER_CACHE + 20);
  CHECK_INT(start(&env, name, 80, &job, &a), 0);
  CHECK_INT(start(&env, "127.1", 80, &job, &a), HN_AGAIN);
  fixture_close(&env);
  fixture_settle(live);
}

/* getaddrinfo says "no such host" of a hosts file it could not open. */
TEST(no_descriptors_are_told_from_no_such_name) {
  struct hn_env env;
  struct hn_addresses a = {0};
  struct hn_resolved r;
  struct rlimit all, few;
  uint64_t job;
  long live = mem_live();
  CHECK(fixture_open(&env));
  CHECK_INT(getrlimit(RLIMIT_NOFILE, &all), 0);
  few = (struct rlimit){.rlim_cur = 3, .rlim_max = all.rlim_max};
  for (int i = 0; i < 2; i++) {
    CHECK_INT(start(&env, "nothing.invalid", 80, &job, &a), HN_AGAIN);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, i == 0 ? &few : &all), 0);
    CHECK(take(&env, &r));
    CHECK_INT(r.code, HN_ERR_NAME_NOT_RESOLVED);
    CHECK_INT(r.system, i == 0 ? EMFILE : 0);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &all), 0);
  }
  fixture_close(&env);
  fixture_settle(live);
}

static bool look_up(void *ctx) {
  long live = mem_live();
  struct hn_env env;
  struct hn_addresses a = {0};
  struct hn_resolved r;
  uint64_t job = 0;
  bool ok = fixture_open(&env);
  (void)ctx;
  if (ok) {
    int rc = start(&env, "localhost", 80, &job, &a);
    ok = rc == HN_AGAIN && take(&env, &r) && r.code == 0;
    if (rc != HN_AGAIN) CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
    /* Without memory for keeping it the answer is just not kept. */
    rc = start(&env, "localhost", 80, &job, &a);
    ok = ok && rc == 0;
  }
  fixture_close(&env);
  fixture_settle(live);
  return ok;
}

TEST(each_allocation_failing) {
  test_each_failure(look_up, NULL);
}

TEST_MAIN(ROW(literals_are_answered_at_once), ROW(what_can_be_no_name),
          ROW(localhost_and_then_from_memory), ROW(no_such_name),
          ROW(no_descriptors_are_told_from_no_such_name),
          ROW(askers_for_one_name), ROW(abandoning_in_every_state),
          ROW(freeing_with_look_ups_running), ROW(threads_leave_signals_alone),
          ROW(the_memory_is_bounded), ROW(each_allocation_failing))
