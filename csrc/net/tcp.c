#include "tcp.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "../base/mem.h"
#include "../base/trace.h"

/* A first write up to this size fits one segment of any usual path. */
enum { HN_TCP_SMALL = 1200 };

enum tcp_state {
  HN_TCP_CONNECTING, /* the plan is at work */
  HN_TCP_OPEN,       /* one attempt won; the plan is gone */
  HN_TCP_FAILED,     /* no attempt won */
};

static const char *const tcp_names[] = {"CONNECTING", "OPEN", "FAILED"};

struct tcp_attempt {
  int fd;           /* -1: not started, or over */
  int64_t deadline; /* monotonic ms, -1: none */
};

/* What is needed only while connecting. */
struct tcp_plan {
  struct hn_addresses addresses;
  struct tcp_attempt attempts[HN_MAX_ADDRESSES]; /* beside addresses */
  size_t next;        /* the next address to try */
  size_t running;     /* attempts under way */
  int64_t next_start; /* when the next one may start */
  int64_t timeout;
  int system; /* errno of the last attempt refused, 0: all timed out */
  struct hn_timer timer;
  struct hn_news_log *news; /* borrowed, or NULL */
};

struct tcp_stream {
  struct hn_stream base;
  struct hn_env *env;    /* borrowed for life */
  struct tcp_plan *plan; /* owned; NULL unless connecting */
  enum tcp_state state;
  uint64_t tag;
  int fd;   /* -1 unless open */
  int code; /* why connecting failed */
  unsigned want;
  bool wrote;    /* something was written */
  bool no_delay; /* TCP_NODELAY is set */
  struct hn_address peer;
};

static struct tcp_stream *tcp_of(struct hn_stream *s) {
  return (struct tcp_stream *)(void *)s;
}

static const struct tcp_stream *tcp_of_const(const struct hn_stream *s) {
  return (const struct tcp_stream *)(const void *)s;
}

static void tcp_set_state(struct tcp_stream *t, enum tcp_state state) {
  static const unsigned legal[] = {
    [HN_TCP_CONNECTING] = 1u << HN_TCP_OPEN | 1u << HN_TCP_FAILED,
    [HN_TCP_OPEN] = 0,
    [HN_TCP_FAILED] = 0,
  };
  assert(legal[t->state] & (1u << state));
  (void)legal;
  trace_state("tcp", t->tag, tcp_names[t->state],
              tcp_names[state]);
  t->state = state;
}

/* Ends attempt i; system is its errno, 0 when it took too long. The next one
 * may start at once (RFC 8305 5). */
static void tcp_end_attempt(struct tcp_stream *t, size_t i, int system) {
  struct tcp_plan *plan = t->plan;
  struct tcp_attempt *a = &plan->attempts[i];
  reactor_forget(t->env->reactor, a->fd);
  (void)close(a->fd);
  a->fd = -1;
  plan->running--;
  if (system != 0) plan->system = system;
  plan->next_start = env_now(t->env);
}

static void tcp_drop_plan(struct tcp_stream *t) {
  if (!t->plan) return;
  for (size_t i = 0; i < t->plan->next; i++)
    if (t->plan->attempts[i].fd >= 0) tcp_end_attempt(t, i, 0);
  timer_clear(&t->env->deadlines, &t->plan->timer);
  mem_free(t->plan);
  t->plan = NULL;
}

static int tcp_fail(struct tcp_stream *t, int code) {
  if (code == HN_ERR_CANNOT_CONNECT) t->base.system = t->plan->system;
  t->code = code;
  tcp_drop_plan(t);
  tcp_set_state(t, HN_TCP_FAILED);
  return code;
}

/* Attempt i is connected: it is the stream from now on. */
static int tcp_win(struct tcp_stream *t, size_t i, bool watched) {
  struct tcp_plan *plan = t->plan;
  int fd = plan->attempts[i].fd;
  int rc = watched ? reactor_change(t->env->reactor, fd, t->tag,
                                    HN_WANT_READ)
                   : reactor_add(t->env->reactor, fd, t->tag,
                                 HN_WANT_READ);
  if (rc != 0) return rc;
  plan->attempts[i].fd = -1;
  t->fd = fd;
  t->peer = plan->addresses.list[i];
  t->want = HN_WANT_READ;
  news_add_address(plan->news, HN_STATUS_CONNECTED_TO_SERVER, &t->peer);
  tcp_drop_plan(t);
  tcp_set_state(t, HN_TCP_OPEN);
  return 0;
}

/* 0: connected; HN_AGAIN; else an errno. Asking again with connect is the one
 * call that begins, that tells "not yet" from "done", and that fetches the
 * cause of a failure. */
static int tcp_connect(int fd, const struct hn_address *a) {
  if (connect(fd, &a->u.any, a->size) == 0 || errno == EISCONN) return 0;
  if (errno == EINPROGRESS || errno == EALREADY || errno == EINTR)
    return HN_AGAIN;
  return errno;
}

/* Begins attempt i. 0: connected already; else an errno or HN_AGAIN. On
 * loopback the handshake is over when connect returns, although it says
 * EINPROGRESS: asking once more saves two epoll_ctl and a wait. */
static int tcp_begin_attempt(struct tcp_stream *t, size_t i) {
  struct tcp_plan *plan = t->plan;
  const struct hn_address *address = &plan->addresses.list[i];
  struct tcp_attempt *a = &plan->attempts[i];
  int fd = socket(address->u.any.sa_family,
                  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  a->fd = fd;
  a->deadline = plan->timeout < 0 ? -1 : env_now(t->env) + plan->timeout;
  plan->running++;
  int rc = tcp_connect(fd, address);
  return rc == HN_AGAIN ? tcp_connect(fd, address) : rc;
}

/* 0: it won; HN_AGAIN: go on with the others; else a code that ends all. */
static int tcp_start_attempt(struct tcp_stream *t) {
  struct tcp_plan *plan = t->plan;
  size_t i = plan->next++;
  news_add_address(plan->news, HN_STATUS_CONNECTING_TO_SERVER,
                   &plan->addresses.list[i]);
  plan->next_start = env_now(t->env) + HN_TCP_STAGGER;
  int rc = tcp_begin_attempt(t, i);
  if (rc == 0) return tcp_win(t, i, false);
  if (rc == HN_AGAIN) {
    rc = reactor_add(t->env->reactor, plan->attempts[i].fd, t->tag,
                     HN_WANT_WRITE);
    return rc == 0 ? HN_AGAIN : rc;
  }
  if (plan->attempts[i].fd >= 0) tcp_end_attempt(t, i, rc);
  plan->system = rc;
  plan->next_start = env_now(t->env);
  return HN_AGAIN;
}

/* Looks after the attempts under way. 0: one won; HN_AGAIN; or a code. */
static int tcp_check_attempts(struct tcp_stream *t) {
  struct tcp_plan *plan = t->plan;
  for (size_t i = 0; i < plan->next; i++) {
    struct tcp_attempt *a = &plan->attempts[i];
    if (a->fd < 0) continue;
    int rc = tcp_connect(a->fd, &plan->addresses.list[i]);
    if (rc == 0) return tcp_win(t, i, true);
    if (rc != HN_AGAIN)
      tcp_end_attempt(t, i, rc);
    else if (a->deadline >= 0 && env_now(t->env) >= a->deadline)
      tcp_end_attempt(t, i, 0);
  }
  return HN_AGAIN;
}

static bool tcp_may_start(const struct tcp_stream *t) {
  const struct tcp_plan *plan = t->plan;
  if (plan->next == plan->addresses.count) return false;
  return plan->running == 0 || env_now(t->env) >= plan->next_start;
}

/* The timer stands at whatever comes first: a deadline or the next start. */
static int tcp_set_timer(struct tcp_stream *t) {
  struct tcp_plan *plan = t->plan;
  int64_t when = INT64_MAX;
  if (plan->next < plan->addresses.count) when = plan->next_start;
  for (size_t i = 0; i < plan->next; i++) {
    const struct tcp_attempt *a = &plan->attempts[i];
    if (a->fd >= 0 && a->deadline >= 0 && a->deadline < when)
      when = a->deadline;
  }
  if (when < INT64_MAX)
    return timer_set(&t->env->deadlines, &plan->timer, when);
  timer_clear(&t->env->deadlines, &plan->timer);
  return 0;
}

static int tcp_go_on_connecting(struct tcp_stream *t) {
  struct tcp_plan *plan = t->plan;
  int rc = tcp_check_attempts(t);
  while (rc == HN_AGAIN && tcp_may_start(t)) rc = tcp_start_attempt(t);
  if (rc == HN_AGAIN && plan->running == 0)
    rc = plan->system != 0 ? HN_ERR_CANNOT_CONNECT : HN_ERR_TIMEOUT;
  if (rc != HN_AGAIN) return rc;
  rc = tcp_set_timer(t);
  return rc == 0 ? HN_AGAIN : rc;
}

static int tcp_step_connect(struct hn_stream *s) {
  struct tcp_stream *t = tcp_of(s);
  if (t->state == HN_TCP_OPEN) return 0;
  if (t->state == HN_TCP_FAILED) return t->code;
  int rc = tcp_go_on_connecting(t);
  return rc > 0 ? tcp_fail(t, rc) : rc;
}

static int tcp_broken(struct tcp_stream *t, int system) {
  t->base.system = system;
  return HN_ERR_CONNECTION_ERROR;
}

static int tcp_read(struct hn_stream *s, char *p, size_t n, size_t *got) {
  struct tcp_stream *t = tcp_of(s);
  if (t->fd < 0) return tcp_broken(t, ENOTCONN);
  ssize_t done;
  do {
    done = recv(t->fd, p, n, 0);
  } while (done < 0 && errno == EINTR);
  if (done >= 0) {
    *got = (size_t)done;
    return 0;
  }
  if (errno != EAGAIN && errno != EWOULDBLOCK) return tcp_broken(t, errno);
  t->want = HN_WANT_READ;
  return HN_AGAIN;
}

/* Nagle's algorithm holds a small segment back only while an earlier one is
 * not acknowledged. One small request on a fresh connection never meets it, so
 * the call is made when a second write or a large one shows up. */
static void tcp_set_no_delay(struct tcp_stream *t) {
  int on = 1;
  (void)setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  t->no_delay = true;
}

static int tcp_write(struct hn_stream *s, const char *p, size_t n,
                     size_t *put) {
  struct tcp_stream *t = tcp_of(s);
  if (t->fd < 0) return tcp_broken(t, ENOTCONN);
  if (!t->no_delay && (t->wrote || n > HN_TCP_SMALL)) tcp_set_no_delay(t);
  ssize_t done;
  do {
    /* A peer that hung up must not raise SIGPIPE in the host. */
    done = send(t->fd, p, n, MSG_NOSIGNAL);
  } while (done < 0 && errno == EINTR);
  if (done < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
    return tcp_broken(t, errno);
  if (done < (ssize_t)n) t->want = HN_WANT_WRITE;
  if (done <= 0) return n == 0 ? 0 : HN_AGAIN;
  t->wrote = true;
  *put = (size_t)done;
  return 0;
}

static void tcp_shutdown(struct hn_stream *s) {
  (void)s; /* closing says it */
}

static unsigned tcp_want(const struct hn_stream *s) {
  return tcp_of_const(s)->want;
}

static bool tcp_has_pending(const struct hn_stream *s) {
  (void)s;
  return false;
}

static int tcp_fd(const struct hn_stream *s) {
  return tcp_of_const(s)->fd;
}

static void tcp_idle(struct hn_stream *s) {
  (void)s; /* an open tcp stream holds no buffer */
}

static void tcp_close(struct hn_stream *s) {
  struct tcp_stream *t = tcp_of(s);
  tcp_drop_plan(t);
  if (t->fd >= 0) {
    reactor_forget(t->env->reactor, t->fd);
    (void)close(t->fd);
  }
  mem_free(t);
}

static const struct hn_stream_ops tcp_ops = {
  .name = "tcp",
  .step_connect = tcp_step_connect,
  .read = tcp_read,
  .write = tcp_write,
  .shutdown = tcp_shutdown,
  .want = tcp_want,
  .has_pending = tcp_has_pending,
  .fd = tcp_fd,
  .idle = tcp_idle,
  .close = tcp_close,
};

static struct tcp_plan *tcp_plan_new(const struct hn_tcp_options *o) {
  struct tcp_plan *plan = mem_calloc(1, sizeof *plan);
  if (!plan) return NULL;
  plan->addresses = *o->addresses;
  if (o->max_attempts < (int)plan->addresses.count)
    plan->addresses.count = o->max_attempts < 1 ? 1 : (size_t)o->max_attempts;
  for (size_t i = 0; i < HN_MAX_ADDRESSES; i++) plan->attempts[i].fd = -1;
  plan->timeout = o->timeout;
  timer_init(&plan->timer, o->tag, o->timer_kind);
  return plan;
}

HN_INTERNAL int tcp_new(struct hn_env *env, const struct hn_tcp_options *o,
                        struct hn_stream **out) {
  if (o->addresses->count == 0 || o->addresses->count > HN_MAX_ADDRESSES)
    return HN_ERR_INVALID_PARAMETER;
  struct tcp_stream *t = mem_calloc(1, sizeof *t);
  if (!t) return HN_ERR_NOT_ENOUGH_MEMORY;
  t->plan = tcp_plan_new(o);
  if (!t->plan) {
    mem_free(t);
    return HN_ERR_NOT_ENOUGH_MEMORY;
  }
  t->base.ops = &tcp_ops;
  t->env = env;
  t->tag = o->tag;
  t->state = HN_TCP_CONNECTING;
  t->fd = -1;
  t->want = HN_WANT_WRITE;
  *out = &t->base;
  return 0;
}

HN_INTERNAL void tcp_set_news(struct hn_stream *s, struct hn_news_log *log) {
  struct tcp_stream *t = tcp_of(s);
  if (t->plan) t->plan->news = log;
}

HN_INTERNAL const struct hn_address *tcp_peer(const struct hn_stream *s) {
  return &tcp_of_const(s)->peer;
}
