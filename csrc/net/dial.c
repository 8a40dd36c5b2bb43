#include "dial.h"

#include <assert.h>
#include <string.h>

#include "../base/mem.h"
#include "../base/trace.h"

enum dial_state {
  HN_DIAL_START,   /* nothing asked yet */
  HN_DIAL_RESOLVE, /* the look-up runs */
  HN_DIAL_CONNECT, /* the stream is a tcp stream, connecting */
  HN_DIAL_SECURE,  /* the stream is a tls stream, shaking hands */
  HN_DIAL_DONE,    /* the stream waits to be taken, or was */
  HN_DIAL_FAILED,
};

static const char *const dial_names[] = {"START",  "RESOLVE", "CONNECT",
                                         "SECURE", "DONE",    "FAILED"};

struct hn_dial {
  struct hn_env *env;       /* borrowed for life */
  struct hn_dial_options o; /* what it points at is below, or borrowed */
  enum dial_state state;
  uint64_t job;      /* of the look-up, while it runs */
  bool answered;     /* its answer is in the next three */
  int code;          /* also: why the path is refused */
  const char *detail; /* static, or refusal */
  struct hn_addresses addresses;
  struct hn_unix_path path; /* size 0: none, or refused */
  struct hn_tcp_tuning tuning;
  struct hn_stream *stream; /* owned */
  unsigned watched;         /* what the reactor watches the stream for */
  struct hn_timer timer;
  int64_t entered[HN_DIAL_FAILED + 1]; /* when each state was, in us */
  char refusal[HN_GUARD_TEXT]; /* what detail shows, from the guard */
  char name[HN_MAX_HOST + 1];
  char lookup[HN_MAX_HOST + 1];
  char label[HN_MAX_HOST + 10]; /* "host:port" or the path, for messages */
};

static void dial_set_state(struct hn_dial *d, enum dial_state state) {
  static const unsigned legal[] = {
    [HN_DIAL_START] =
      1u << HN_DIAL_RESOLVE | 1u << HN_DIAL_CONNECT | 1u << HN_DIAL_FAILED,
    [HN_DIAL_RESOLVE] = 1u << HN_DIAL_CONNECT | 1u << HN_DIAL_FAILED,
    [HN_DIAL_CONNECT] =
      1u << HN_DIAL_SECURE | 1u << HN_DIAL_DONE | 1u << HN_DIAL_FAILED,
    [HN_DIAL_SECURE] = 1u << HN_DIAL_DONE | 1u << HN_DIAL_FAILED,
    [HN_DIAL_DONE] = 0,
    [HN_DIAL_FAILED] = 0,
  };
  assert(legal[d->state] & (1u << state));
  (void)legal;
  trace_state("dial", d->o.tag, dial_names[d->state],
              dial_names[state]);
  d->state = state;
  d->entered[state] = env_now_us(d->env);
}

static struct hn_slice dial_copy_name(char name[HN_MAX_HOST + 1],
                                      struct hn_slice s) {
  if (s.n > 0) memcpy(name, s.p, s.n);
  return slice_make(name, s.n);
}

/* A path too long for the label is also too long for the system. */
static void dial_set_path(struct hn_dial *d, struct hn_slice path) {
  if (path.n == 0) return;
  size_t n = path.n < sizeof d->label ? path.n : sizeof d->label - 1;
  memset(d->label, 0, sizeof d->label);
  memcpy(d->label, path.p, n);
  d->o.unix_path = slice_make(d->label, n);
  d->code = address_parse_path(path, &d->path, &d->detail);
}

/* Copies what the caller's options only point at. */
static void dial_copy_options(struct hn_dial *d,
                              const struct hn_dial_options *o) {
  bool fixed = o->resolve_to && o->resolve_to->count > 0;
  d->o = *o;
  d->o.host = dial_copy_name(d->name, o->host);
  d->o.lookup_host =
    dial_copy_name(d->lookup, o->lookup_host.n > 0 ? o->lookup_host : o->host);
  err_format_host(d->label, sizeof d->label, d->o.host, o->port);
  dial_set_path(d, o->unix_path);
  if (o->tls) (void)tls_context_hold(o->tls);
  if (fixed) d->addresses = *o->resolve_to;
  address_set_port(&d->addresses, o->port);
  d->o.resolve_to = fixed ? &d->addresses : NULL;
  if (o->tuning) d->tuning = *o->tuning;
  d->o.tuning = o->tuning ? &d->tuning : NULL;
}

HN_INTERNAL int dial_new(struct hn_env *env, const struct hn_dial_options *o,
                         struct hn_dial **out) {
  if (o->host.n > HN_MAX_HOST || o->lookup_host.n > HN_MAX_HOST)
    return HN_ERR_NAME_NOT_RESOLVED;
  struct hn_dial *d = mem_calloc(1, sizeof *d);
  if (!d) return HN_ERR_NOT_ENOUGH_MEMORY;
  d->env = env;
  dial_copy_options(d, o);
  d->state = HN_DIAL_START;
  timer_init(&d->timer, o->tag, o->timer_kind);
  *out = d;
  return 0;
}

HN_INTERNAL void dial_free(struct hn_dial *d) {
  if (!d) return;
  /* In a forked child a thread that is gone may hold the resolver's lock. */
  if (d->job != 0 && !env_is_other(d->env))
    resolver_abandon(d->env->resolver, d->job);
  timer_clear(&d->env->deadlines, &d->timer);
  if (d->stream) d->stream->ops->close(d->stream);
  tls_context_free(d->o.tls);
  mem_free(d);
}

static int dial_set_deadline(struct hn_dial *d, int64_t timeout) {
  timer_clear(&d->env->deadlines, &d->timer);
  if (timeout < 0) return 0;
  return timer_set(&d->env->deadlines, &d->timer,
                   env_now(d->env) + timeout);
}

/* The timer's own time stays readable after it has expired. */
static bool dial_is_late(const struct hn_dial *d, int64_t timeout) {
  return timeout >= 0 && env_now(d->env) >= d->timer.when;
}

HN_INTERNAL enum hn_phase dial_phase(const struct hn_dial *d) {
  if (d->state == HN_DIAL_CONNECT) return HN_PHASE_CONNECT;
  if (d->state == HN_DIAL_SECURE) return HN_PHASE_SECURE;
  return HN_PHASE_RESOLVE;
}

/* Every way to a socket leads through here: what the guard does not let pass
 * is not tried. */
static int dial_check(struct hn_dial *d) {
  const struct hn_guard *g = d->env->guard;
  if (d->code != 0 || !g) return d->code;
  int rc = 0;
  if (d->path.size == 0)
    rc = guard_filter(g, &d->addresses, d->o.tls != NULL, d->refusal);
  else if (!guard_allows(g, HN_ALLOW_UNIX_SOCKETS))
    rc = HN_ERR_ACCESS_DENIED;
  if (rc != 0)
    d->detail = d->path.size == 0 ? d->refusal
                                  : "access denied: Unix sockets are not "
                                    "allowed (host policy)";
  return rc;
}

static int dial_open(struct hn_dial *d) {
  const struct hn_tcp_options o = {
    .addresses = &d->addresses,
    .path = d->path.size > 0 ? &d->path : NULL,
    .tuning = d->o.tuning,
    .max_attempts = d->o.max_attempts,
    .timeout = d->o.connect_timeout,
    .tag = d->o.tag,
    .timer_kind = d->o.timer_kind,
  };
  dial_set_state(d, HN_DIAL_CONNECT);
  int rc = dial_check(d);
  return rc == 0 ? tcp_new(d->env, &o, &d->stream) : rc;
}

static int dial_start(struct hn_dial *d, struct hn_news_log *log) {
  if (d->o.unix_path.n > 0) return dial_open(d);
  news_add_name(log, HN_STATUS_RESOLVING_NAME, d->o.lookup_host);
  dial_set_state(d, HN_DIAL_RESOLVE);
  if (d->o.resolve_to) {
    d->answered = true;
    return 0;
  }
  const struct hn_lookup what = {.host = d->o.lookup_host, .port = d->o.port,
                                 .tag = d->o.tag, .now = env_now(d->env)};
  int rc = resolver_start(d->env->resolver, &what, &d->job, &d->addresses);
  if (rc == HN_AGAIN) return dial_set_deadline(d, d->o.resolve_timeout);
  d->answered = true;
  d->code = rc;
  return 0;
}

static int dial_resolve(struct hn_dial *d, struct hn_news_log *log) {
  if (!d->answered)
    return dial_is_late(d, d->o.resolve_timeout) ? HN_ERR_TIMEOUT : HN_AGAIN;
  if (d->code != 0) return d->code;
  news_add_address(log, HN_STATUS_NAME_RESOLVED, &d->addresses.list[0]);
  timer_clear(&d->env->deadlines, &d->timer);
  return dial_open(d);
}

static int dial_connect(struct hn_dial *d, struct hn_news_log *log) {
  tcp_set_news(d->stream, log);
  int rc = d->stream->ops->step_connect(d->stream);
  tcp_set_news(d->stream, NULL); /* the log may be gone by the next step */
  if (rc != 0) return rc;
  d->watched = HN_WANT_READ;
  if (!d->o.tls) {
    dial_set_state(d, HN_DIAL_DONE);
    return 0;
  }
  struct hn_stream *below = d->stream;
  d->stream = NULL; /* tls_new owns it from here on */
  dial_set_state(d, HN_DIAL_SECURE);
  rc = tls_new(d->o.tls, below, d->o.host, d->o.port, &d->stream);
  return rc == 0 ? dial_set_deadline(d, d->o.connect_timeout) : rc;
}

/* Watches for what is wanted, and always for reading, as tcp left it. */
static int dial_watch(struct hn_dial *d, unsigned interest) {
  interest |= HN_WANT_READ;
  if (interest == d->watched) return 0;
  int fd = d->stream->ops->fd(d->stream);
  int rc = reactor_change(d->env->reactor, fd, d->o.tag, interest);
  if (rc == 0) d->watched = interest;
  return rc;
}

static int dial_secure(struct hn_dial *d) {
  int rc = d->stream->ops->step_connect(d->stream);
  if (rc == HN_AGAIN) {
    if (dial_is_late(d, d->o.connect_timeout)) return HN_ERR_TIMEOUT;
    rc = dial_watch(d, d->stream->ops->want(d->stream));
    return rc == 0 ? HN_AGAIN : rc;
  }
  if (rc == 0) rc = dial_watch(d, HN_WANT_READ);
  if (rc != 0) return rc;
  timer_clear(&d->env->deadlines, &d->timer);
  dial_set_state(d, HN_DIAL_DONE);
  return 0;
}

static int dial_describe(struct hn_dial *d, int code,
                         struct hn_errinfo *info) {
  enum hn_phase phase = dial_phase(d);
  const struct hn_stream *s = d->stream;
  if (phase == HN_PHASE_RESOLVE)
    return err_set(info, code, phase, d->lookup, d->detail);
  if (!s || (!s->detail && s->system == 0) || code == HN_ERR_TIMEOUT)
    return err_set(info, code, phase, d->label, d->detail);
  if (!s->detail)
    return err_set_system(info, code, phase, d->label, s->system);
  (void)err_set(info, code, phase, d->label, s->detail);
  info->system = s->system;
  info->secure = s->secure;
  return code;
}

/* Ends everything at once: an address or a handshake that failed holds no
 * descriptor until its owner gets round to dial_free. */
static int dial_fail(struct hn_dial *d, int code, struct hn_errinfo *info) {
  (void)dial_describe(d, code, info);
  if (d->job != 0) resolver_abandon(d->env->resolver, d->job);
  d->job = 0;
  d->code = code;
  timer_clear(&d->env->deadlines, &d->timer);
  if (d->stream) d->stream->ops->close(d->stream);
  d->stream = NULL;
  dial_set_state(d, HN_DIAL_FAILED);
  return code;
}

static int dial_advance(struct hn_dial *d, struct hn_news_log *log) {
  switch (d->state) {
  case HN_DIAL_START:
    return dial_start(d, log);
  case HN_DIAL_RESOLVE:
    return dial_resolve(d, log);
  case HN_DIAL_CONNECT:
    return dial_connect(d, log);
  case HN_DIAL_SECURE:
    return dial_secure(d);
  case HN_DIAL_DONE:
  case HN_DIAL_FAILED:
    break;
  }
  return HN_ERR_INTERNAL_ERROR;
}

HN_INTERNAL int dial_step(struct hn_dial *d, struct hn_news_log *log,
                          struct hn_errinfo *info) {
  int rc = 0;
  if (d->state == HN_DIAL_FAILED) return d->code;
  while (rc == 0 && d->state != HN_DIAL_DONE) rc = dial_advance(d, log);
  return rc > 0 ? dial_fail(d, rc, info) : rc;
}

HN_INTERNAL void dial_give_resolved(struct hn_dial *d,
                                    const struct hn_resolved *answer) {
  if (d->job == 0 || answer->job != d->job) return;
  d->job = 0;
  d->answered = true;
  d->code = answer->code;
  d->detail = answer->detail;
  d->addresses = answer->addresses;
}

HN_INTERNAL void dial_get_times(const struct hn_dial *d,
                                struct hn_times *out) {
  bool secure = d->entered[HN_DIAL_SECURE] != 0;
  out->at[HN_TIME_RESOLVE_START] = d->entered[HN_DIAL_RESOLVE];
  out->at[HN_TIME_RESOLVE_END] = d->entered[HN_DIAL_CONNECT];
  out->at[HN_TIME_CONNECT_END] =
    d->entered[secure ? HN_DIAL_SECURE : HN_DIAL_DONE];
  out->at[HN_TIME_SECURE_END] = secure ? d->entered[HN_DIAL_DONE] : 0;
}

HN_INTERNAL struct hn_stream *dial_take_stream(struct hn_dial *d) {
  struct hn_stream *s = d->stream;
  d->stream = NULL;
  return s;
}
