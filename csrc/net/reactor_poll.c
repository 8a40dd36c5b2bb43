#include "reactor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "../base/mem.h"

struct hn_reactor {
  struct pollfd *fds; /* owned; entry 0 is the pipe's reading end */
  uint64_t *tags;     /* owned; beside fds */
  size_t count, room;
  size_t *place; /* owned; by descriptor: its entry, 0: not watched */
  size_t places;
  size_t cursor; /* where the next report begins, for fairness */
  int wake[2];   /* pipe */
};

/* Grows both arrays; the old ones stay valid on failure. */
static int reactor_grow(struct hn_reactor *r) {
  if (r->count < r->room) return 0;
  size_t room = r->room ? 2 * r->room : 16;
  struct pollfd *fds = mem_resize(r->fds, room, sizeof *fds);
  if (!fds) return HN_ERR_NOT_ENOUGH_MEMORY;
  r->fds = fds;
  uint64_t *tags = mem_resize(r->tags, room, sizeof *tags);
  if (!tags) return HN_ERR_NOT_ENOUGH_MEMORY;
  r->tags = tags;
  r->room = room;
  return 0;
}

static int reactor_grow_places(struct hn_reactor *r, size_t fd) {
  if (fd < r->places) return 0;
  size_t places = fd + 64;
  size_t *place = mem_resize(r->place, places, sizeof *place);
  if (!place) return HN_ERR_NOT_ENOUGH_MEMORY;
  for (size_t i = r->places; i < places; i++) place[i] = 0;
  r->place = place;
  r->places = places;
  return 0;
}

static short reactor_events(unsigned interest) {
  int events = 0;
  if (interest & HN_WANT_READ) events |= POLLIN;
  if (interest & HN_WANT_WRITE) events |= POLLOUT;
  return (short)events;
}

static void reactor_put(struct hn_reactor *r, int fd, uint64_t tag,
                        unsigned interest) {
  size_t at = r->count++;
  r->fds[at] = (struct pollfd){.fd = fd, .events = reactor_events(interest)};
  r->tags[at] = tag;
}

static int reactor_open_pipe(struct hn_reactor *r) {
  if (pipe(r->wake) != 0) return HN_ERR_INTERNAL_ERROR;
  for (int i = 0; i < 2; i++) {
    if (fcntl(r->wake[i], F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(r->wake[i], F_SETFD, FD_CLOEXEC) != 0)
      return HN_ERR_INTERNAL_ERROR;
  }
  return 0;
}

int reactor_new(struct hn_reactor **out) {
  struct hn_reactor *r = mem_calloc(1, sizeof *r);
  if (!r) return HN_ERR_NOT_ENOUGH_MEMORY;
  r->wake[0] = r->wake[1] = -1;
  int rc = reactor_open_pipe(r);
  if (rc == 0) rc = reactor_grow(r);
  if (rc != 0) {
    reactor_free(r);
    return rc;
  }
  reactor_put(r, r->wake[0], 0, HN_WANT_READ);
  *out = r;
  return 0;
}

void reactor_free(struct hn_reactor *r) {
  if (!r) return;
  if (r->wake[0] >= 0) (void)close(r->wake[0]);
  if (r->wake[1] >= 0) (void)close(r->wake[1]);
  mem_free(r->fds);
  mem_free(r->tags);
  mem_free(r->place);
  mem_free(r);
}

/* The entry of a descriptor, 0 when it is not watched. */
static size_t reactor_place(const struct hn_reactor *r, int fd) {
  if (fd < 0 || (size_t)fd >= r->places) return 0;
  return r->place[fd];
}

int reactor_add(struct hn_reactor *r, int fd, uint64_t tag, unsigned interest) {
  if (fd < 0 || reactor_place(r, fd) != 0) return HN_ERR_INTERNAL_ERROR;
  int rc = reactor_grow_places(r, (size_t)fd);
  if (rc == 0) rc = reactor_grow(r);
  if (rc != 0) return rc;
  r->place[fd] = r->count;
  reactor_put(r, fd, tag, interest);
  return 0;
}

int reactor_change(struct hn_reactor *r, int fd, uint64_t tag,
                   unsigned interest) {
  size_t at = reactor_place(r, fd);
  if (at == 0) return HN_ERR_INTERNAL_ERROR;
  r->fds[at].events = reactor_events(interest);
  r->tags[at] = tag;
  return 0;
}

/* The last entry moves into the gap. */
void reactor_remove(struct hn_reactor *r, int fd) {
  size_t at = reactor_place(r, fd);
  if (at == 0) return;
  size_t last = --r->count;
  r->fds[at] = r->fds[last];
  r->tags[at] = r->tags[last];
  r->place[r->fds[at].fd] = at;
  r->place[fd] = 0;
}

void reactor_forget(struct hn_reactor *r, int fd) {
  reactor_remove(r, fd);
}

static void reactor_drain_wake(struct hn_reactor *r) {
  char waste[64];
  ssize_t got;
  do {
    got = read(r->wake[0], waste, sizeof waste);
  } while (got == (ssize_t)sizeof waste);
}

/* ERR and HUP come unasked: whoever reads or writes then learns the cause. */
static unsigned reactor_translate(short events) {
  unsigned what = 0;
  if (events & POLLIN) what |= HN_WANT_READ;
  if (events & POLLOUT) what |= HN_WANT_WRITE;
  if (events & (POLLERR | POLLHUP | POLLNVAL))
    what |= HN_READY_FAIL | HN_WANT_READ | HN_WANT_WRITE;
  return what;
}

/* Reports round-robin, so that descriptors at the front that are always ready
 * cannot starve the ones behind them when out is short. */
static size_t reactor_collect(struct hn_reactor *r, struct hn_ready *out,
                              size_t room) {
  size_t used = 0;
  size_t watched = r->count - 1;
  for (size_t i = 0; i < watched && used < room; i++) {
    size_t at = 1 + (r->cursor + i) % watched;
    if (r->fds[at].revents == 0) continue;
    out[used].tag = r->tags[at];
    out[used++].what = reactor_translate(r->fds[at].revents);
    if (used == room) r->cursor = at % watched;
  }
  return used;
}

int reactor_wait(struct hn_reactor *r, int64_t max_wait, struct hn_ready *out,
                 size_t room, size_t *count) {
  if (room == 0) return HN_ERR_INVALID_PARAMETER;
  int wait = -1;
  if (max_wait >= 0) wait = max_wait > INT_MAX ? INT_MAX : (int)max_wait;
  int n = poll(r->fds, (nfds_t)r->count, wait);
  if (n < 0 && errno == ENOMEM) return HN_ERR_NOT_ENOUGH_MEMORY;
  if (n < 0 && errno != EINTR) return HN_ERR_INTERNAL_ERROR;
  size_t used = 0;
  if (n > 0) {
    if (r->fds[0].revents) reactor_drain_wake(r);
    used = reactor_collect(r, out, room);
  }
  *count = used;
  return 0;
}

void reactor_wake(struct hn_reactor *r) {
  char one = 1;
  /* A full pipe means that a wake is pending anyway. */
  ssize_t put = write(r->wake[1], &one, 1);
  (void)put;
}

int reactor_open_fd(struct hn_reactor *r, int *fd) {
  (void)r; /* there is no descriptor that stands for all of them */
  (void)fd;
  return HN_ERR_NOT_SUPPORTED;
}

void reactor_set_alarm(struct hn_reactor *r, int64_t when) {
  (void)r;
  (void)when;
}

const char *reactor_name(void) {
  return "poll";
}
