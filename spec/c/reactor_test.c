#include "loopback_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../../csrc/net/clock.h"
#include "../../csrc/net/reactor.h"

enum { ROOM = 16 };

static struct hn_reactor *open_reactor(void) {
  struct hn_reactor *r = NULL;
  CHECK_INT(reactor_new(&r), 0);
  return r;
}

/* What a look reports about tag; 0: nothing. */
static unsigned look(struct hn_reactor *r, uint64_t tag) {
  struct hn_ready ready[ROOM];
  size_t count = 99;
  CHECK_INT(reactor_wait(r, 0, ready, ROOM, &count), 0);
  CHECK(count <= ROOM);
  for (size_t i = 0; i < count; i++) {
    CHECK(ready[i].tag != 0);
    if (ready[i].tag == tag) return ready[i].what;
  }
  return 0;
}

TEST(reports_reading_and_writing) {
  struct hn_reactor *r = open_reactor();
  int s[2];
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
  CHECK_INT(reactor_add(r, s[0], 7, HN_WANT_READ), 0);
  CHECK_INT(look(r, 7), 0);
  CHECK_INT(write(s[1], "x", 1), 1);
  CHECK_INT(look(r, 7), HN_WANT_READ);
  CHECK_INT(look(r, 7), HN_WANT_READ);
  CHECK_INT(reactor_change(r, s[0], 8, HN_WANT_READ | HN_WANT_WRITE), 0);
  CHECK_INT(look(r, 7), 0);
  CHECK_INT(look(r, 8), HN_WANT_READ | HN_WANT_WRITE);
  CHECK_INT(reactor_change(r, s[0], 8, HN_WANT_WRITE), 0);
  CHECK_INT(look(r, 8), HN_WANT_WRITE);
  reactor_remove(r, s[0]);
  CHECK_INT(look(r, 8), 0);
  reactor_remove(r, s[0]);
  CHECK(reactor_change(r, s[0], 8, HN_WANT_READ) != 0);
  CHECK_INT(reactor_add(r, s[0], 9, HN_WANT_READ), 0);
  CHECK_INT(look(r, 9), HN_WANT_READ);
  reactor_forget(r, s[0]);
  close(s[0]);
  CHECK_INT(look(r, 9), 0);
  close(s[1]);
  reactor_free(r);
}

TEST(reports_a_hang_up) {
  struct hn_reactor *r = open_reactor();
  int s[2];
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
  CHECK_INT(reactor_add(r, s[0], 7, HN_WANT_READ), 0);
  close(s[1]);
  CHECK((look(r, 7) & (HN_READY_FAIL | HN_WANT_READ)) ==
        (HN_READY_FAIL | HN_WANT_READ));
  reactor_forget(r, s[0]);
  close(s[0]);
  reactor_free(r);
}

TEST(refuses_what_is_no_descriptor) {
  struct hn_reactor *r = open_reactor();
  struct hn_ready ready[1];
  size_t count = 99;
  CHECK(reactor_add(r, -1, 7, HN_WANT_READ) != 0);
  reactor_remove(r, -1);
  reactor_remove(r, 12345);
  CHECK(reactor_wait(r, 0, ready, 0, &count) != 0);
  CHECK_INT(count, 99);
  reactor_free(r);
  reactor_free(NULL);
}

TEST(waits_as_long_as_it_should) {
  struct hn_reactor *r = open_reactor();
  struct hn_ready ready[1];
  size_t count = 99;
  int64_t before = clock_now_us();
  CHECK_INT(reactor_wait(r, 20, ready, 1, &count), 0);
  CHECK_INT(count, 0);
  CHECK(clock_now_us() - before >= 19000);
  reactor_free(r);
}

TEST(a_wake_before_the_wait_ends_it) {
  struct hn_reactor *r = open_reactor();
  struct hn_ready ready[1];
  size_t count = 99;
  for (int i = 0; i < 100000; i++) reactor_wake(r);
  CHECK_INT(reactor_wait(r, INT64_MAX, ready, 1, &count), 0);
  CHECK_INT(count, 0);
  int64_t before = clock_now_us();
  CHECK_INT(reactor_wait(r, 20, ready, 1, &count), 0);
  CHECK(clock_now_us() - before >= 19000);
  reactor_free(r);
}

static void *wake_soon(void *arg) {
  struct timespec t = {.tv_nsec = 30000000};
  nanosleep(&t, NULL);
  reactor_wake(arg);
  return NULL;
}

TEST(a_wake_from_another_thread) {
  struct hn_reactor *r = open_reactor();
  struct hn_ready ready[1];
  size_t count = 99;
  pthread_t thread;
  CHECK_INT(pthread_create(&thread, NULL, wake_soon, r), 0);
  CHECK_INT(reactor_wait(r, -1, ready, 1, &count), 0);
  CHECK_INT(count, 0);
  CHECK_INT(pthread_join(thread, NULL), 0);
  reactor_free(r);
}

static void on_alarm(int signal) {
  (void)signal;
}

TEST(a_signal_ends_the_wait) {
  struct hn_reactor *r = open_reactor();
  struct hn_ready ready[1];
  size_t count = 99;
  struct sigaction action = {.sa_handler = on_alarm}, before;
  CHECK_INT(sigaction(SIGALRM, &action, &before), 0);
  alarm(1);
  CHECK_INT(reactor_wait(r, -1, ready, 1, &count), 0);
  CHECK_INT(count, 0);
  CHECK_INT(sigaction(SIGALRM, &before, NULL), 0);
  reactor_free(r);
}

TEST(many_descriptors) {
  enum { MANY = 300 };
  static int fds[MANY][2];
  static bool seen[MANY];
  struct hn_reactor *r = open_reactor();
  struct hn_ready ready[ROOM];
  struct rlimit limit;
  size_t all = MANY, count, total = 0;
  CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < 2 * MANY + 50) all = 100;
  memset(seen, 0, sizeof seen);
  for (size_t i = 0; i < all; i++) {
    CHECK_INT(pipe(fds[i]), 0);
    CHECK_INT(reactor_add(r, fds[i][0], i + 1, HN_WANT_READ), 0);
    CHECK_INT(write(fds[i][1], "x", 1), 1);
  }
  /* Level-triggered and more than there is room for: all get their turn. */
  for (int round = 0; round < 200 && total < all; round++) {
    CHECK_INT(reactor_wait(r, 0, ready, ROOM, &count), 0);
    CHECK_INT(count, ROOM);
    for (size_t i = 0; i < count; i++) {
      if (!seen[ready[i].tag - 1]) total++;
      seen[ready[i].tag - 1] = true;
    }
  }
  CHECK_INT(total, all);
  for (size_t i = 0; i < all; i += 2) reactor_remove(r, fds[i][0]);
  CHECK_INT(reactor_wait(r, 0, ready, ROOM, &count), 0);
  for (size_t i = 0; i < count; i++) CHECK_INT(ready[i].tag % 2, 0);
  for (size_t i = 0; i < all; i++) {
    reactor_forget(r, fds[i][0]);
    close(fds[i][0]);
    close(fds[i][1]);
  }
  CHECK_INT(reactor_wait(r, 0, ready, ROOM, &count), 0);
  CHECK_INT(count, 0);
  reactor_free(r);
}

static int64_t now(void) {
  return clock_now_us() / 1000;
}

static void check_descriptor(struct hn_reactor *r, int fd) {
  int s[2], same;
  CHECK_INT(is_readable(fd, 0), 0);
  reactor_wake(r);
  CHECK_INT(is_readable(fd, 0), 1);
  CHECK_INT(look(r, 1), 0);
  CHECK_INT(is_readable(fd, 0), 0);
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
  CHECK_INT(reactor_add(r, s[0], 7, HN_WANT_READ), 0);
  CHECK_INT(is_readable(fd, 0), 0);
  CHECK_INT(write(s[1], "x", 1), 1);
  CHECK_INT(is_readable(fd, 0), 1);
  CHECK_INT(reactor_open_fd(r, &same), 0);
  CHECK_INT(same, fd);
  reactor_remove(r, s[0]);
  CHECK_INT(is_readable(fd, 0), 0);
  close(s[0]);
  close(s[1]);
}

static void check_alarm(struct hn_reactor *r, int fd) {
  struct hn_ready ready[ROOM];
  size_t count;
  reactor_set_alarm(r, HN_ALARM_NOW);
  reactor_set_alarm(r, HN_ALARM_NOW);
  CHECK_INT(is_readable(fd, 0), 1);
  int64_t start = now();
  CHECK_INT(reactor_wait(r, 20, ready, ROOM, &count), 0);
  CHECK(now() - start >= 19); /* not ended by the alarm */
  CHECK_INT(is_readable(fd, 0), 1);
  reactor_set_alarm(r, HN_ALARM_NONE);
  CHECK_INT(is_readable(fd, 0), 0);
  start = now();
  reactor_set_alarm(r, start + 30);
  CHECK_INT(is_readable(fd, 0), 0);
  CHECK_INT(is_readable(fd, 10000), 1);
  CHECK(now() - start >= 30);
  reactor_set_alarm(r, start + 60000);
  CHECK_INT(is_readable(fd, 0), 0);
  reactor_set_alarm(r, start);
  CHECK_INT(is_readable(fd, 0), 1);
}

TEST(has_a_descriptor_of_its_own_or_none) {
  struct hn_reactor *r = open_reactor();
  bool epoll = strcmp(reactor_name(), "epoll") == 0;
  int fd = -2;
  CHECK(epoll || strcmp(reactor_name(), "poll") == 0);
  reactor_set_alarm(r, HN_ALARM_NOW);
  CHECK_INT(reactor_open_fd(r, &fd), epoll ? 0 : HN_ERR_NOT_SUPPORTED);
  if (epoll) {
    check_descriptor(r, fd);
    check_alarm(r, fd);
  } else {
    CHECK_INT(fd, -2);
    reactor_set_alarm(r, HN_ALARM_NOW);
  }
  reactor_free(r);
}

static bool build(void *ctx) {
  struct hn_reactor *r;
  int rc = reactor_new(&r);
  (void)ctx;
  if (rc != 0) return !CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
  rc = reactor_add(r, 0, 7, HN_WANT_WRITE);
  reactor_remove(r, 0);
  reactor_free(r);
  return rc != HN_ERR_NOT_ENOUGH_MEMORY;
}

TEST(each_allocation_failing) {
  test_each_failure(build, NULL);
}

TEST_MAIN(ROW(reports_reading_and_writing), ROW(reports_a_hang_up),
          ROW(refuses_what_is_no_descriptor), ROW(waits_as_long_as_it_should),
          ROW(a_wake_before_the_wait_ends_it), ROW(a_wake_from_another_thread),
          ROW(a_signal_ends_the_wait), ROW(many_descriptors),
          ROW(has_a_descriptor_of_its_own_or_none),
          ROW(each_allocation_failing))
