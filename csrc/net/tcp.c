#include "tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "../base/mem.h"
#include "../base/trace.h"

enum {
  /* A first write up to this size fits one segment of any usual path. */
  HN_TCP_SMALL = 1200,
  /* ms until a Unix socket with a full backlog is asked again. */
  HN_TCP_RETRY = 10,
};

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
  struct hn_addresses addresses; /* one without a size when there is a path */
  struct hn_unix_path path;      /* size 0: none */
  struct hn_tcp_tuning tuning;
  struct tcp_attempt attempts[HN_MAX_ADDRESSES]; /* beside addresses */
  size_t next;                                   /* the next address to try */
  bool announced;     /* and that it is going to be tried */
  size_t running;     /* attempts under way */
  int64_t next_start; /* when the next one may start */
  int64_t held_since; /* ms; 0: it is not held */
  int64_t timeout;
  int system;         /* errno of the last attempt refused, 0: all timed out */
  const char *detail; /* static: what that was about, or NULL */
  struct hn_timer timer;
  struct hn_news_log *news; /* borrowed, or NULL */
};

struct tcp_transport {
  struct hn_transport base;
  struct hn_env *env;    /* borrowed for life */
  struct tcp_plan *plan; /* owned; NULL unless connecting */
  enum tcp_state state;
  uint64_t tag;
  int fd;   /* -1 unless open */
  int code; /* why connecting failed */
  unsigned want;
  bool wrote;    /* something was written */
  bool no_delay; /* TCP_NODELAY is set, or is not to be */
  struct hn_address peer;
};

static struct tcp_transport *tcp_of(struct hn_transport *s) {
  return (struct tcp_transport *)(void *)s;
}

static const struct tcp_transport *tcp_of_const(const struct hn_transport *s) {
  return (const struct tcp_transport *)(const void *)s;
}

static void tcp_set_state(struct tcp_transport *t, enum tcp_state state) {
  static const unsigned next[] = {
      [HN_TCP_CONNECTING] = 1u << HN_TCP_OPEN | 1u << HN_TCP_FAILED,
      [HN_TCP_OPEN] = 0,
      [HN_TCP_FAILED] = 0,
  };
  static const struct hn_machine machine = {"tcp", tcp_names, next};
  t->state = state_step(&machine, t->tag, t->state, state);
}

static void tcp_note_failure(struct tcp_plan *plan, int system,
                             const char *detail) {
  plan->system = system;
  plan->detail = detail;
}

/* Ends attempt i; system is its errno, 0 when it took too long. The next one
 * may start at once (RFC 8305 5). */
static void tcp_end_attempt(struct tcp_transport *t, size_t i, int system) {
  struct tcp_plan *plan = t->plan;
  struct tcp_attempt *a = &plan->attempts[i];
  reactor_forget(t->env->reactor, a->fd);
  (void)close(a->fd);
  a->fd = -1;
  plan->running--;
  if (system != 0) tcp_note_failure(plan, system, NULL);
  plan->next_start = env_now(t->env);
}

static void tcp_drop_plan(struct tcp_transport *t) {
  if (!t->plan) return;
  for (size_t i = 0; i < t->plan->next; i++)
    if (t->plan->attempts[i].fd >= 0) tcp_end_attempt(t, i, 0);
  timer_clear(&t->env->deadlines, &t->plan->timer);
  mem_free(t->plan);
  t->plan = NULL;
}

static int tcp_fail(struct tcp_transport *t, int code) {
  if (code == HN_ERR_CANNOT_CONNECT) {
    t->base.system = t->plan->system;
    t->base.detail = t->plan->detail;
  }
  t->code = code;
  tcp_drop_plan(t);
  tcp_set_state(t, HN_TCP_FAILED);
  return code;
}

static void tcp_add_news(const struct tcp_plan *plan, uint32_t status,
                         size_t i) {
  char text[HN_PATH_TEXT];
  if (plan->path.size == 0) {
    news_add_address(plan->news, status, &plan->addresses.list[i]);
    return;
  }
  address_format_path(&plan->path, text);
  news_add_name(plan->news, status, slice_of(text));
}

static void tcp_set_no_delay(struct tcp_transport *t) {
  int on = 1;
  (void)setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  t->no_delay = true;
}

/* Attempt i is connected: it is the transport from now on. */
static int tcp_win(struct tcp_transport *t, size_t i, bool watched) {
  struct tcp_plan *plan = t->plan;
  int fd = plan->attempts[i].fd;
  int rc = watched ? reactor_change(t->env->reactor, fd, t->tag, HN_WANT_READ)
                   : reactor_add(t->env->reactor, fd, t->tag, HN_WANT_READ);
  if (rc != 0) return rc;
  plan->attempts[i].fd = -1;
  t->fd = fd;
  t->peer = plan->addresses.list[i];
  t->want = HN_WANT_READ;
  tcp_add_news(plan, HN_STATUS_CONNECTED_TO_SERVER, i);
  bool now = plan->tuning.no_delay == HN_TCP_NO_DELAY_ON && !t->no_delay;
  tcp_drop_plan(t);
  tcp_set_state(t, HN_TCP_OPEN);
  if (now) tcp_set_no_delay(t);
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

/* The same. A Unix socket connects at once, or not at all while the backlog is
 * full (EAGAIN); no readiness tells when there is room. */
static int tcp_connect_path(int fd, const struct hn_unix_path *path) {
  const struct sockaddr *name = (const void *)&path->name;
  if (connect(fd, name, path->size) == 0 || errno == EISCONN) return 0;
  return errno == EAGAIN || errno == EINTR ? HN_AGAIN : errno;
}

/* Begins attempt i. 0: connected already; HN_AGAIN; else an errno, maybe with
 * *detail. On loopback the handshake is over when connect returns, although it
 * says EINPROGRESS: asking once more saves two epoll_ctl and a wait. */
static int tcp_begin_attempt(struct tcp_transport *t, size_t i,
                             const char **detail) {
  struct tcp_plan *plan = t->plan;
  const struct hn_address *address = &plan->addresses.list[i];
  struct tcp_attempt *a = &plan->attempts[i];
  int fd = socket(address->u.any.sa_family,
                  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  a->fd = fd;
  a->deadline = plan->timeout < 0 ? -1 : env_now(t->env) + plan->timeout;
  plan->running++;
  if (plan->path.size > 0) return tcp_connect_path(fd, &plan->path);
  int rc = tcp_tune_socket(fd, &plan->tuning, detail);
  if (rc != 0) return rc;
  rc = tcp_connect(fd, address);
  return rc == HN_AGAIN ? tcp_connect(fd, address) : rc;
}

/* 0: it won; HN_AGAIN: go on with the others, or it is held; else a code that
 * ends all. */
static int tcp_start_attempt(struct tcp_transport *t) {
  struct tcp_plan *plan = t->plan;
  const char *detail = NULL;
  if (!plan->announced)
    tcp_add_news(plan, HN_STATUS_CONNECTING_TO_SERVER, plan->next);
  plan->announced = news_is_held(plan->news);
  if (plan->announced) return HN_AGAIN;
  size_t i = plan->next++;
  plan->next_start = env_now(t->env) + plan->tuning.stagger;
  int rc = tcp_begin_attempt(t, i, &detail);
  if (rc == 0) return tcp_win(t, i, false);
  if (rc == HN_AGAIN && plan->path.size > 0) return HN_AGAIN;
  if (rc == HN_AGAIN) {
    rc = reactor_add(t->env->reactor, plan->attempts[i].fd, t->tag,
                     HN_WANT_WRITE);
    return rc == 0 ? HN_AGAIN : rc;
  }
  if (plan->attempts[i].fd >= 0) tcp_end_attempt(t, i, rc);
  tcp_note_failure(plan, rc, detail);
  plan->next_start = env_now(t->env);
  return HN_AGAIN;
}

static int tcp_check_attempt(const struct tcp_plan *plan, size_t i) {
  int fd = plan->attempts[i].fd;
  return plan->path.size > 0 ? tcp_connect_path(fd, &plan->path)
                             : tcp_connect(fd, &plan->addresses.list[i]);
}

/* Looks after the attempts under way. 0: one won; HN_AGAIN; or a code. */
static int tcp_check_attempts(struct tcp_transport *t) {
  struct tcp_plan *plan = t->plan;
  for (size_t i = 0; i < plan->next; i++) {
    struct tcp_attempt *a = &plan->attempts[i];
    if (a->fd < 0) continue;
    int rc = tcp_check_attempt(plan, i);
    if (rc == 0) return tcp_win(t, i, plan->path.size == 0);
    if (rc != HN_AGAIN)
      tcp_end_attempt(t, i, rc);
    else if (a->deadline >= 0 && env_now(t->env) >= a->deadline)
      tcp_end_attempt(t, i, 0);
  }
  return HN_AGAIN;
}

static bool tcp_may_start(const struct tcp_transport *t) {
  const struct tcp_plan *plan = t->plan;
  if (plan->next == plan->addresses.count || news_is_held(plan->news))
    return false;
  if (plan->running == 0 || plan->announced) return true;
  return plan->tuning.stagger > 0 && env_now(t->env) >= plan->next_start;
}

/* The timer stands at whatever comes first: a deadline or the next start. */
static int tcp_set_timer(struct tcp_transport *t) {
  struct tcp_plan *plan = t->plan;
  int64_t when = INT64_MAX;
  if (plan->next < plan->addresses.count && plan->tuning.stagger > 0)
    when = plan->next_start;
  if (plan->path.size > 0) when = env_now(t->env) + HN_TCP_RETRY;
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

static int tcp_hold(struct tcp_transport *t) {
  timer_clear(&t->env->deadlines, &t->plan->timer);
  t->plan->held_since = env_now(t->env);
  return HN_AGAIN;
}

/* The time in which it was held counts for none of its attempts. */
static void tcp_unhold(struct tcp_transport *t) {
  struct tcp_plan *plan = t->plan;
  if (plan->held_since == 0) return;
  int64_t held = env_now(t->env) - plan->held_since;
  for (size_t i = 0; i < plan->next; i++)
    if (plan->attempts[i].deadline >= 0) plan->attempts[i].deadline += held;
  plan->held_since = 0;
}

static int tcp_go_on_connecting(struct tcp_transport *t) {
  struct tcp_plan *plan = t->plan;
  tcp_unhold(t);
  int rc = tcp_check_attempts(t);
  while (rc == HN_AGAIN && tcp_may_start(t)) rc = tcp_start_attempt(t);
  if (rc == HN_AGAIN && news_is_held(plan->news)) return tcp_hold(t);
  if (rc == HN_AGAIN && plan->running == 0)
    rc = plan->system != 0 ? HN_ERR_CANNOT_CONNECT : HN_ERR_TIMEOUT;
  if (rc != HN_AGAIN) return rc;
  rc = tcp_set_timer(t);
  return rc == 0 ? HN_AGAIN : rc;
}

static int tcp_step_connect(struct hn_transport *s) {
  struct tcp_transport *t = tcp_of(s);
  if (t->state == HN_TCP_OPEN) return 0;
  if (t->state == HN_TCP_FAILED) return t->code;
  int rc = tcp_go_on_connecting(t);
  return rc > 0 ? tcp_fail(t, rc) : rc;
}

static int tcp_broken(struct tcp_transport *t, int system) {
  t->base.system = system;
  return HN_ERR_CONNECTION_ERROR;
}

static int tcp_read(struct hn_transport *s, char *p, size_t n, size_t *got) {
  struct tcp_transport *t = tcp_of(s);
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

static int tcp_write(struct hn_transport *s, const char *p, size_t n,
                     size_t *put) {
  struct tcp_transport *t = tcp_of(s);
  if (t->fd < 0) return tcp_broken(t, ENOTCONN);
  /* Nagle's algorithm holds a small segment back only while an earlier one is
   * not acknowledged. One small request on a fresh connection never meets it,
   * so the call is made when a second write or a large one shows up. */
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

static void tcp_shutdown(struct hn_transport *s) {
  (void)s; /* closing says it */
}

static unsigned tcp_want(const struct hn_transport *s) {
  return tcp_of_const(s)->want;
}

static bool tcp_has_pending(const struct hn_transport *s) {
  (void)s;
  return false;
}

static int tcp_fd(const struct hn_transport *s) {
  return tcp_of_const(s)->fd;
}

static void tcp_idle(struct hn_transport *s) {
  (void)s; /* an open tcp transport holds no buffer */
}

static void tcp_close(struct hn_transport *s) {
  struct tcp_transport *t = tcp_of(s);
  tcp_drop_plan(t);
  if (t->fd >= 0) {
    reactor_forget(t->env->reactor, t->fd);
    (void)close(t->fd);
  }
  mem_free(t);
}

static const struct hn_transport_ops tcp_ops = {
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

/* Leaves the addresses that can be reached from the local one. */
static void tcp_keep_family(struct tcp_plan *plan, sa_family_t family) {
  struct hn_addresses *all = &plan->addresses;
  size_t kept = 0;
  for (size_t i = 0; i < all->count; i++)
    if (all->list[i].u.any.sa_family == family)
      all->list[kept++] = all->list[i];
  all->count = kept;
  if (kept == 0)
    tcp_note_failure(plan, EAFNOSUPPORT,
                     "cannot connect (no address is of the "
                     "local address's family)");
}

/* What to connect to: a path is one attempt of no address. */
static void tcp_set_target(struct tcp_plan *plan,
                           const struct hn_tcp_target *to) {
  if (to->path) {
    plan->path = *to->path;
    plan->addresses.count = 1;
    plan->addresses.list[0].u.any.sa_family = AF_UNIX;
    return;
  }
  plan->addresses = *to->addresses;
  if (plan->tuning.local.size > 0)
    tcp_keep_family(plan, plan->tuning.local.u.any.sa_family);
}

static struct tcp_plan *tcp_plan_new(const struct hn_tcp_target *to,
                                     const struct hn_connect_limits *limits,
                                     uint64_t tag) {
  static const struct hn_tcp_tuning usual = HN_TCP_TUNING_DEFAULT;
  struct tcp_plan *plan = mem_calloc(1, sizeof *plan);
  if (!plan) return NULL;
  plan->tuning = limits->tuning ? *limits->tuning : usual;
  tcp_set_target(plan, to);
  size_t most = limits->max_attempts < 1 ? 1 : (size_t)limits->max_attempts;
  if (most < plan->addresses.count) plan->addresses.count = most;
  for (size_t i = 0; i < HN_MAX_ADDRESSES; i++) plan->attempts[i].fd = -1;
  plan->timeout = limits->connect_timeout;
  timer_init(&plan->timer, tag, HN_TIMER_CONN);
  return plan;
}

int tcp_new(struct hn_env *env, const struct hn_tcp_target *to,
            const struct hn_connect_limits *limits, uint64_t tag,
            struct hn_transport **out) {
  if (!to->path &&
      (to->addresses->count == 0 || to->addresses->count > HN_MAX_ADDRESSES))
    return HN_ERR_INVALID_PARAMETER;
  struct tcp_transport *t = mem_calloc(1, sizeof *t);
  if (!t) return HN_ERR_NOT_ENOUGH_MEMORY;
  t->plan = tcp_plan_new(to, limits, tag);
  if (!t->plan) {
    mem_free(t);
    return HN_ERR_NOT_ENOUGH_MEMORY;
  }
  t->base.ops = &tcp_ops;
  t->env = env;
  t->tag = tag;
  t->state = HN_TCP_CONNECTING;
  t->fd = -1;
  t->want = HN_WANT_WRITE;
  t->no_delay = to->path || t->plan->tuning.no_delay == HN_TCP_NO_DELAY_OFF;
  *out = &t->base;
  return 0;
}

void tcp_set_news(struct hn_transport *s, struct hn_news_log *log) {
  struct tcp_transport *t = tcp_of(s);
  if (t->plan) t->plan->news = log;
}

void tcp_unwatch(struct hn_transport *s) {
  const struct tcp_transport *t = tcp_of(s);
  const struct tcp_plan *plan = t->plan;
  for (size_t i = 0; plan && plan->path.size == 0 && i < plan->next; i++)
    if (plan->attempts[i].fd >= 0)
      reactor_remove(t->env->reactor, plan->attempts[i].fd);
}

int tcp_rewatch(struct hn_transport *s) {
  const struct tcp_transport *t = tcp_of(s);
  const struct tcp_plan *plan = t->plan;
  int rc = 0;
  for (size_t i = 0; rc == 0 && plan->path.size == 0 && i < plan->next; i++)
    if (plan->attempts[i].fd >= 0)
      rc = reactor_add(t->env->reactor, plan->attempts[i].fd, t->tag,
                       HN_WANT_WRITE);
  return rc;
}

/* What getsockname and getpeername answer. */
struct tcp_name {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un path;
  } u;
  socklen_t size;
};

static void tcp_describe_address(const struct hn_address *a,
                                 struct hn_endpoint *out) {
  address_format(a, out->text);
  out->port = address_port(a);
}

static void tcp_describe_name(const struct tcp_name *n,
                              struct hn_endpoint *out) {
  struct hn_address a = {.size = n->size};
  struct hn_unix_path path = {.name = n->u.path, .size = n->size};
  if (n->u.any.sa_family == AF_UNIX) {
    address_format_path(&path, out->text);
    out->port = 0;
    return;
  }
  if (n->u.any.sa_family == AF_INET6)
    a.u.v6 = n->u.v6;
  else
    a.u.v4 = n->u.v4;
  tcp_describe_address(&a, out);
}

int tcp_get_endpoints(const struct hn_transport *s, struct hn_endpoints *out) {
  while (s->next) s = s->next;
  const struct tcp_transport *t = tcp_of_const(s);
  struct tcp_name local = {.size = sizeof local.u};
  struct tcp_name remote = {.size = sizeof remote.u};
  if (s->ops != &tcp_ops || t->fd < 0) return HN_ERR_INCORRECT_HANDLE_STATE;
  if (getsockname(t->fd, &local.u.any, &local.size) != 0)
    return HN_ERR_CONNECTION_ERROR;
  /* After a reset the system has forgotten the peer, but we have not. */
  if (t->peer.size == 0 && getpeername(t->fd, &remote.u.any, &remote.size) != 0)
    return HN_ERR_CONNECTION_ERROR;
  tcp_describe_name(&local, &out->local);
  if (t->peer.size > 0)
    tcp_describe_address(&t->peer, &out->remote);
  else
    tcp_describe_name(&remote, &out->remote);
  return 0;
}
