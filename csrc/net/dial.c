#include "dial.h"

#include <assert.h>
#include <string.h>

#include "../base/mem.h"
#include "../base/trace.h"

enum dial_kind {
  HN_LAYER_RESOLVE, /* addresses: looked up, or as given */
  HN_LAYER_TCP,     /* a connection to one of them */
  HN_LAYER_UNIX,    /* a Unix-domain socket, in place of both */
  HN_LAYER_TLS,     /* a handshake on what is below */
  HN_LAYERS
};

/* Where a dial is: before its first layer, at one of them (0 and up), past the
 * last, or at an end. */
enum { HN_DIAL_START = -1, HN_DIAL_FAILED = -2 };

struct dial_layer {
  enum dial_kind kind;
  struct hn_tls_context *tls; /* counted; of a TLS layer */
  struct hn_tls_peer peer;    /* texts borrowed: whom it is to speak to */
};

struct hn_dial {
  struct hn_env *env;             /* borrowed for life */
  const struct hn_origin *origin; /* borrowed for life */
  struct hn_connect_limits limits;
  struct hn_tcp_tuning tuning; /* what limits.tuning shows */
  uint64_t tag;
  struct dial_layer layers[HN_DIAL_LAYERS];
  int count;
  int at;             /* the layer that is being made, see above */
  bool begun;         /* it was announced, and that has been heard */
  bool is_unwatched;  /* see dial_unwatch */
  uint64_t job;       /* of the look-up, while it runs */
  bool answered;      /* its answer is in the next three */
  int code;           /* also: why the path is refused */
  const char *detail; /* static, or refusal */
  int system;         /* the look-up's */
  struct hn_addresses addresses;
  struct hn_unix_path path;
  struct hn_transport *transport; /* owned */
  unsigned watched; /* what the reactor watches the transport for */
  struct hn_timer timer;
  struct hn_times times;
  char refusal[HN_GUARD_TEXT];  /* what detail shows, from the guard */
  char lookup[HN_MAX_HOST + 1]; /* the name that is looked up */
  char label[HN_MAX_HOST + 10]; /* "host:port" or the path, for messages */
};

/* A kind of layer: announced, begun when that was heard, then stepped until it
 * answers 0. */
struct dial_row {
  const char *name;
  enum hn_phase phase;
  enum hn_time began, ended; /* what its two ends are called; START: nothing */
  int (*announce)(struct hn_dial *d, struct hn_news_log *log); /* or NULL */
  int (*begin)(struct hn_dial *d);
  int (*step)(struct hn_dial *d, struct hn_news_log *log);
};

/* That of the layer which is being made; NULL: none is. */
static const struct dial_row *dial_row_of(const struct hn_dial *d);

static const char *dial_name(const struct hn_dial *d) {
  const struct dial_row *row = dial_row_of(d);
  if (row) return row->name;
  if (d->at == HN_DIAL_START) return "START";
  return d->at == HN_DIAL_FAILED ? "FAILED" : "DONE";
}

static void dial_note(struct hn_dial *d, enum hn_time what) {
  if (what != HN_TIME_START) d->times.at[what] = env_now_us(d->env);
}

/* The only way from layer to layer: one up, or to the end. */
static void dial_go_to(struct hn_dial *d, int at) {
  const struct dial_row *row = dial_row_of(d);
  const char *from = dial_name(d);
  assert(d->at != HN_DIAL_FAILED && d->at < d->count);
  assert(at == d->at + 1 || at == HN_DIAL_FAILED);
  if (row && at != HN_DIAL_FAILED) dial_note(d, row->ended);
  d->at = at;
  d->begun = false;
  trace_state("dial", d->tag, from, dial_name(d));
}

static void dial_add(struct hn_dial *d, enum dial_kind kind) {
  assert(d->at == HN_DIAL_START && d->count < HN_DIAL_LAYERS);
  d->layers[d->count++] = (struct dial_layer){.kind = kind};
}

void dial_add_tls(struct hn_dial *d, struct hn_tls_context *tls,
                  const struct hn_tls_peer *peer) {
  dial_add(d, HN_LAYER_TLS);
  struct dial_layer *l = &d->layers[d->count - 1];
  l->tls = tls_context_hold(tls);
  l->peer = *peer;
}

/* A path too long for the label is also too long for the system. */
static int dial_plan_path(struct hn_dial *d, struct hn_slice path) {
  size_t n = path.n < sizeof d->label ? path.n : sizeof d->label - 1;
  memset(d->label, 0, sizeof d->label);
  memcpy(d->label, path.p, n);
  d->code = address_parse_path(path, &d->path, &d->detail);
  dial_add(d, HN_LAYER_UNIX);
  return 0;
}

static int dial_plan_addresses(struct hn_dial *d, struct hn_slice list) {
  if (!address_parse_list(list, &d->addresses)) return HN_ERR_INVALID_PARAMETER;
  address_set_port(&d->addresses, d->origin->port);
  d->answered = d->addresses.count > 0;
  return 0;
}

/* The layers below TLS. */
static int dial_plan_route(struct hn_dial *d) {
  const struct hn_route *route = &d->origin->route;
  struct hn_slice host = d->origin->host;
  if (route->kind == HN_ROUTE_NAME) host = route->via;
  if (host.n > HN_MAX_HOST || d->origin->host.n > HN_MAX_HOST)
    return HN_ERR_NAME_NOT_RESOLVED;
  if (host.n > 0) memcpy(d->lookup, host.p, host.n);
  err_format_host(d->label, sizeof d->label, d->origin->host, d->origin->port);
  if (route->kind == HN_ROUTE_UNIX) return dial_plan_path(d, route->via);
  int rc = route->kind == HN_ROUTE_ADDRESSES
               ? dial_plan_addresses(d, route->via)
               : 0;
  dial_add(d, HN_LAYER_RESOLVE);
  dial_add(d, HN_LAYER_TCP);
  return rc;
}

int dial_new(struct hn_env *env, const struct hn_origin *origin,
             const struct hn_connect_limits *limits, uint64_t tag,
             struct hn_dial **out) {
  struct hn_dial *d = mem_calloc(1, sizeof *d);
  if (!d) return HN_ERR_NOT_ENOUGH_MEMORY;
  d->env = env;
  d->origin = origin;
  d->limits = *limits;
  if (limits->tuning) {
    d->tuning = *limits->tuning;
    d->limits.tuning = &d->tuning;
  }
  d->tag = tag;
  d->at = HN_DIAL_START;
  timer_init(&d->timer, tag, HN_TIMER_CONN);
  int rc = dial_plan_route(d);
  if (rc) {
    dial_free(d);
    return rc;
  }
  const struct hn_tls_peer peer = {
      .host = origin->host, .port = origin->port, .alpn = limits->alpn};
  if (origin->tls) dial_add_tls(d, origin->tls, &peer);
  *out = d;
  return 0;
}

void dial_free(struct hn_dial *d) {
  if (!d) return;
  /* In a forked child a thread that is gone may hold the resolver's lock. */
  if (d->job != 0 && !env_is_other(d->env))
    resolver_abandon(d->env->resolver, d->job);
  timer_clear(&d->env->deadlines, &d->timer);
  if (d->transport) d->transport->ops->close(d->transport);
  for (int i = 0; i < d->count; i++) tls_context_free(d->layers[i].tls);
  mem_free(d);
}

static int dial_set_deadline(struct hn_dial *d, int64_t timeout) {
  timer_clear(&d->env->deadlines, &d->timer);
  if (timeout < 0) return 0;
  return timer_set(&d->env->deadlines, &d->timer, env_now(d->env) + timeout);
}

/* The timer's own time stays readable after it has expired. */
static bool dial_is_late(const struct hn_dial *d, int64_t timeout) {
  return timeout >= 0 && env_now(d->env) >= d->timer.when;
}

/* ----------------------------------------------------------------- resolve */

static int dial_announce_resolve(struct hn_dial *d, struct hn_news_log *log) {
  news_add_name(log, HN_STATUS_RESOLVING_NAME, slice_of(d->lookup));
  return 0;
}

static int dial_begin_resolve(struct hn_dial *d) {
  if (d->answered) return 0;
  const struct hn_lookup what = {.host = slice_of(d->lookup),
                                 .port = d->origin->port,
                                 .tag = d->tag,
                                 .now = env_now(d->env)};
  int rc = resolver_start(d->env->resolver, &what, &d->job, &d->addresses);
  if (rc == HN_AGAIN) return dial_set_deadline(d, d->limits.resolve_timeout);
  d->answered = true;
  d->code = rc;
  return 0;
}

static int dial_step_resolve(struct hn_dial *d, struct hn_news_log *log) {
  (void)log;
  if (!d->answered)
    return dial_is_late(d, d->limits.resolve_timeout) ? HN_ERR_TIMEOUT
                                                      : HN_AGAIN;
  if (d->code != 0) return d->code;
  timer_clear(&d->env->deadlines, &d->timer);
  return 0;
}

/* ------------------------------------------------------------ tcp and unix */

/* Whether the addresses came from a name server. */
static bool dial_has_name(const struct hn_dial *d) {
  struct hn_address literal;
  return d->origin->route.kind != HN_ROUTE_ADDRESSES &&
         !address_parse(slice_of(d->lookup), 0, &literal);
}

/* Every way to a socket leads through here: what the guard does not let pass
 * is not tried, nor told: what a name of the inside resolves to is nobody's to
 * know who may not go there. */
static int dial_announce_tcp(struct hn_dial *d, struct hn_news_log *log) {
  int rc = guard_filter(d->env->guard, &d->addresses, d->origin->tls != NULL,
                        d->refusal);
  if (rc) {
    d->detail = dial_has_name(d)
                    ? "access denied: the host is refused (host policy)"
                    : d->refusal;
    return rc;
  }
  news_add_address(log, HN_STATUS_NAME_RESOLVED, &d->addresses.list[0]);
  return 0;
}

static int dial_begin_tcp(struct hn_dial *d) {
  const struct hn_tcp_target to = {.addresses = &d->addresses};
  return tcp_new(d->env, &to, &d->limits, d->tag, &d->transport);
}

static int dial_begin_unix(struct hn_dial *d) {
  const struct hn_tcp_target to = {.path = &d->path};
  const struct hn_guard *g = d->env->guard;
  if (d->code != 0) return d->code;
  if (g && !guard_allows(g, HN_ALLOW_UNIX_SOCKETS)) {
    d->detail = "access denied: Unix sockets are not allowed (host policy)";
    return HN_ERR_ACCESS_DENIED;
  }
  return tcp_new(d->env, &to, &d->limits, d->tag, &d->transport);
}

static int dial_step_tcp(struct hn_dial *d, struct hn_news_log *log) {
  tcp_set_news(d->transport, log);
  int rc = d->transport->ops->step_connect(d->transport);
  tcp_set_news(d->transport, NULL); /* the log may be gone by the next step */
  if (rc == 0) d->watched = HN_WANT_READ;
  return rc;
}

/* --------------------------------------------------------------------- tls */

static int dial_begin_tls(struct hn_dial *d) {
  const struct dial_layer *l = &d->layers[d->at];
  struct hn_transport *below = d->transport;
  d->transport = NULL; /* tls_new owns it from here on */
  int rc = tls_new(l->tls, below, &l->peer, &d->transport);
  return rc == 0 ? dial_set_deadline(d, d->limits.connect_timeout) : rc;
}

/* Watches for what is wanted, and always for reading, as tcp left it. */
static int dial_watch(struct hn_dial *d, unsigned interest) {
  interest |= HN_WANT_READ;
  if (interest == d->watched) return 0;
  int fd = d->transport->ops->fd(d->transport);
  int rc = d->watched ? reactor_change(d->env->reactor, fd, d->tag, interest)
                      : reactor_add(d->env->reactor, fd, d->tag, interest);
  if (rc == 0) d->watched = interest;
  return rc;
}

void dial_unwatch(struct hn_dial *d) {
  if (!d->transport || d->is_unwatched) return;
  d->is_unwatched = true;
  if (!d->watched) {
    tcp_unwatch(d->transport);
    return;
  }
  reactor_remove(d->env->reactor, d->transport->ops->fd(d->transport));
  d->watched = 0;
}

/* What was heard ends that. */
static int dial_rewatch(struct hn_dial *d) {
  if (!d->is_unwatched) return 0;
  d->is_unwatched = false;
  return d->begun ? tcp_rewatch(d->transport) : dial_watch(d, HN_WANT_READ);
}

static int dial_step_tls(struct hn_dial *d, struct hn_news_log *log) {
  (void)log;
  int rc = d->transport->ops->step_connect(d->transport);
  if (rc == HN_AGAIN) {
    if (dial_is_late(d, d->limits.connect_timeout)) return HN_ERR_TIMEOUT;
    rc = dial_watch(d, d->transport->ops->want(d->transport));
    return rc == 0 ? HN_AGAIN : rc;
  }
  if (rc == 0) rc = dial_watch(d, HN_WANT_READ);
  if (rc == 0) timer_clear(&d->env->deadlines, &d->timer);
  return rc;
}

/* -------------------------------------------------------------- all layers */

static const struct dial_row *dial_row_of(const struct hn_dial *d) {
  static const struct dial_row rows[HN_LAYERS] = {
      [HN_LAYER_RESOLVE] = {"RESOLVE", HN_PHASE_RESOLVE, HN_TIME_RESOLVE_START,
                            HN_TIME_RESOLVE_END, dial_announce_resolve,
                            dial_begin_resolve, dial_step_resolve},
      [HN_LAYER_TCP] = {"TCP", HN_PHASE_CONNECT, HN_TIME_START,
                        HN_TIME_CONNECT_END, dial_announce_tcp, dial_begin_tcp,
                        dial_step_tcp},
      [HN_LAYER_UNIX] = {"UNIX", HN_PHASE_CONNECT, HN_TIME_RESOLVE_END,
                         HN_TIME_CONNECT_END, NULL, dial_begin_unix,
                         dial_step_tcp},
      [HN_LAYER_TLS] = {"TLS", HN_PHASE_SECURE, HN_TIME_START,
                        HN_TIME_SECURE_END, NULL, dial_begin_tls,
                        dial_step_tls},
  };
  bool is_one = d->at >= 0 && d->at < d->count;
  return is_one ? &rows[d->layers[d->at].kind] : NULL;
}

enum hn_phase dial_phase(const struct hn_dial *d) {
  const struct dial_row *row = dial_row_of(d);
  return row ? row->phase : HN_PHASE_RESOLVE;
}

static int dial_describe(struct hn_dial *d, int code, struct hn_errinfo *info) {
  enum hn_phase phase = dial_phase(d);
  const struct hn_transport *s = d->transport;
  if (phase == HN_PHASE_RESOLVE && d->system != 0)
    return err_set_system(info, code, phase, d->lookup, d->system);
  if (phase == HN_PHASE_RESOLVE)
    return err_set(info, code, phase, d->lookup, d->detail);
  if (!s || (!s->detail && s->system == 0) || code == HN_ERR_TIMEOUT)
    return err_set(info, code, phase, d->label, d->detail);
  if (!s->detail) return err_set_system(info, code, phase, d->label, s->system);
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
  if (d->transport) d->transport->ops->close(d->transport);
  d->transport = NULL;
  dial_go_to(d, HN_DIAL_FAILED);
  return code;
}

/* Makes the layer, or the rest of it. */
static int dial_make(struct hn_dial *d, struct hn_news_log *log) {
  const struct dial_row *row = dial_row_of(d);
  if (!row) return 0;
  if (!d->begun) {
    dial_note(d, row->began);
    int rc = row->begin(d);
    if (rc) return rc;
    d->begun = true;
  }
  return row->step(d, log);
}

/* The same, and announces the next one. */
static int dial_advance(struct hn_dial *d, struct hn_news_log *log) {
  int rc = dial_make(d, log);
  if (rc) return rc;
  dial_go_to(d, d->at + 1);
  const struct dial_row *row = dial_row_of(d);
  if (row && row->announce) rc = row->announce(d, log);
  return rc == 0 && news_is_held(log) ? HN_AGAIN : rc;
}

int dial_step(struct hn_dial *d, struct hn_news_log *log,
              struct hn_errinfo *info) {
  if (d->at == HN_DIAL_FAILED) return d->code;
  int rc = dial_rewatch(d);
  while (rc == 0 && d->at != d->count) rc = dial_advance(d, log);
  return rc > 0 ? dial_fail(d, rc, info) : rc;
}

void dial_give_resolved(struct hn_dial *d, const struct hn_resolved *answer) {
  if (d->job == 0 || answer->job != d->job) return;
  d->job = 0;
  d->answered = true;
  d->code = answer->code;
  d->detail = answer->detail;
  d->system = answer->system;
  d->addresses = answer->addresses;
}

void dial_get_times(const struct hn_dial *d, struct hn_times *out) {
  for (int i = HN_TIME_RESOLVE_START; i <= HN_TIME_SECURE_END; i++)
    out->at[i] = d->times.at[i];
}

bool dial_was_connected(const struct hn_dial *d) {
  return d->times.at[HN_TIME_CONNECT_END] != 0;
}

bool dial_has_failed(const struct hn_dial *d) {
  return d->at == HN_DIAL_FAILED;
}

struct hn_transport *dial_take_transport(struct hn_dial *d) {
  struct hn_transport *s = d->transport;
  d->transport = NULL;
  return s;
}
