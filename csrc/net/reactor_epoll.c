#include "reactor.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../base/mem.h"

/* What one epoll_wait fetches at most. */
enum { HN_REACTOR_BATCH = 256 };

struct hn_reactor {
  int epoll;
  int wake; /* eventfd, watched under tag 0 */
  /* What a foreign loop watches: an epoll of the one above and of a timer, so
   * that an alarm does not end our own waits. -1 until it is asked for. */
  int outer, timer;
  int64_t alarm; /* as the timer is set */
};

static int reactor_error(void) {
  if (errno == EPERM) return HN_ERR_NOT_SUPPORTED;
  return errno == ENOMEM || errno == ENOSPC ? HN_ERR_NOT_ENOUGH_MEMORY
                                            : HN_ERR_INTERNAL_ERROR;
}

static int reactor_control(const struct hn_reactor *r, int how, int fd,
                           uint64_t tag, unsigned interest) {
  struct epoll_event e = {.data.u64 = tag};
  if (interest & HN_WANT_READ) e.events |= EPOLLIN;
  if (interest & HN_WANT_WRITE) e.events |= EPOLLOUT;
  return epoll_ctl(r->epoll, how, fd, &e) == 0 ? 0 : reactor_error();
}

int reactor_new(struct hn_reactor **out) {
  struct hn_reactor *r = mem_calloc(1, sizeof *r);
  if (!r) return HN_ERR_NOT_ENOUGH_MEMORY;
  r->outer = r->timer = -1;
  r->epoll = epoll_create1(EPOLL_CLOEXEC);
  r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  int rc = r->epoll < 0 || r->wake < 0 ? reactor_error() : 0;
  if (rc == 0) rc = reactor_control(r, EPOLL_CTL_ADD, r->wake, 0, HN_WANT_READ);
  if (rc != 0) {
    reactor_free(r);
    return rc;
  }
  *out = r;
  return 0;
}

static void reactor_close(int *fd) {
  if (*fd >= 0) (void)close(*fd);
  *fd = -1;
}

void reactor_free(struct hn_reactor *r) {
  if (!r) return;
  reactor_close(&r->outer);
  reactor_close(&r->timer);
  reactor_close(&r->epoll);
  reactor_close(&r->wake);
  mem_free(r);
}

int reactor_add(struct hn_reactor *r, int fd, uint64_t tag, unsigned interest) {
  return reactor_control(r, EPOLL_CTL_ADD, fd, tag, interest);
}

int reactor_change(struct hn_reactor *r, int fd, uint64_t tag,
                   unsigned interest) {
  return reactor_control(r, EPOLL_CTL_MOD, fd, tag, interest);
}

void reactor_remove(struct hn_reactor *r, int fd) {
  (void)epoll_ctl(r->epoll, EPOLL_CTL_DEL, fd, NULL);
}

void reactor_forget(struct hn_reactor *r, int fd) {
  (void)r; /* closing the last descriptor of a file removes it */
  (void)fd;
}

static void reactor_drain_wake(struct hn_reactor *r) {
  uint64_t n;
  /* One read takes the whole count; nothing there is fine too. */
  ssize_t got = read(r->wake, &n, sizeof n);
  (void)got;
}

/* ERR and HUP come unasked: whoever reads or writes then learns the cause. */
static unsigned reactor_translate(uint32_t events) {
  unsigned what = 0;
  if (events & EPOLLIN) what |= HN_WANT_READ;
  if (events & EPOLLOUT) what |= HN_WANT_WRITE;
  if (events & (EPOLLERR | EPOLLHUP))
    what |= HN_READY_FAIL | HN_WANT_READ | HN_WANT_WRITE;
  return what;
}

int reactor_wait(struct hn_reactor *r, int64_t max_wait, struct hn_ready *out,
                 size_t room, size_t *count) {
  struct epoll_event events[HN_REACTOR_BATCH];
  size_t batch = room < HN_REACTOR_BATCH ? room : HN_REACTOR_BATCH;
  if (batch == 0) return HN_ERR_INVALID_PARAMETER;
  int wait = -1;
  if (max_wait >= 0) wait = max_wait > INT_MAX ? INT_MAX : (int)max_wait;
  int n = epoll_wait(r->epoll, events, (int)batch, wait);
  if (n < 0 && errno != EINTR) return reactor_error();
  size_t used = 0;
  for (int i = 0; i < n; i++) {
    if (events[i].data.u64 == 0) {
      reactor_drain_wake(r);
      continue;
    }
    out[used].tag = events[i].data.u64;
    out[used++].what = reactor_translate(events[i].events);
  }
  *count = used;
  return 0;
}

void reactor_wake(struct hn_reactor *r) {
  uint64_t one = 1;
  /* A full counter means that a wake is pending anyway. */
  ssize_t put = write(r->wake, &one, sizeof one);
  (void)put;
}

static int reactor_join(const struct hn_reactor *r, int fd) {
  struct epoll_event e = {.events = EPOLLIN};
  return epoll_ctl(r->outer, EPOLL_CTL_ADD, fd, &e);
}

int reactor_open_fd(struct hn_reactor *r, int *fd) {
  if (r->outer < 0) {
    r->alarm = HN_ALARM_NONE;
    r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    r->outer = epoll_create1(EPOLL_CLOEXEC);
    if (r->timer < 0 || r->outer < 0 || reactor_join(r, r->epoll) != 0 ||
        reactor_join(r, r->timer) != 0) {
      int rc = reactor_error();
      reactor_close(&r->outer);
      reactor_close(&r->timer);
      return rc;
    }
  }
  *fd = r->outer;
  return 0;
}

/* The timer is never read: setting it anew makes it unreadable as well. */
void reactor_set_alarm(struct hn_reactor *r, int64_t when) {
  if (r->outer < 0 || r->alarm == when) return;
  struct itimerspec t = {0};
  if (when > 0) {
    t.it_value.tv_sec = (time_t)(when / 1000);
    t.it_value.tv_nsec = (long)(when % 1000) * 1000000;
  } else if (when == HN_ALARM_NOW) {
    t.it_value.tv_nsec = 1; /* 0 would stop it */
  }
  if (timerfd_settime(r->timer, TFD_TIMER_ABSTIME, &t, NULL) == 0)
    r->alarm = when;
}

const char *reactor_name(void) {
  return "epoll";
}
