#include "conn.h"

#include <string.h>

enum {
  /* A request head and the body copied behind it. */
  HN_CONN_OUT_CAP = HN_MAX_REQUEST_HEAD + HN_MAX_COPY + 64,
};

static size_t conn_cost(const struct hn_origin *origin) {
  return origin->tls ? HN_CONN_TLS_COST : HN_CONN_COST;
}

int conn_new(struct hn_env *env, const struct hn_origin *origin,
             const struct hn_connect_limits *limits, struct hn_conn **out) {
  if (!account_take(&env->account, conn_cost(origin)))
    return HN_ERR_NOT_ENOUGH_MEMORY;
  struct hn_conn *c = mem_calloc(1, sizeof *c);
  if (!c) {
    account_give(&env->account, conn_cost(origin));
    return HN_ERR_NOT_ENOUGH_MEMORY;
  }
  c->env = env;
  env->connections++;
  c->origin = origin;
  list_init(&c->link);
  list_init(&c->at_place);
  timer_init(&c->end, 0, 0);
  list_init(&c->again);
  list_init(&c->flush);
  spares_take(&env->spares, &c->in, 0, HN_READ_AHEAD);
  spares_take(&env->spares, &c->out, 0, HN_CONN_OUT_CAP);
  int rc = slots_put(&env->slots, HN_SLOT_CONN, c, &c->tag);
  if (rc == 0) rc = dial_new(env, origin, limits, c->tag, &c->dial);
  if (rc) {
    conn_free(c, false);
    return rc;
  }
  *out = c;
  return 0;
}

bool conn_get_endpoints(const struct hn_conn *c, struct hn_endpoints *out) {
  if (c->transport) return tcp_get_endpoints(c->transport, out) == 0;
  if (!c->facts || !c->facts->has_endpoints) return false;
  *out = c->facts->endpoints;
  return true;
}

bool conn_get_tls(const struct hn_conn *c, struct hn_tls_info *out) {
  if (c->transport) return tls_get_info(c->transport, out);
  if (!c->facts || !c->facts->has_tls) return false;
  *out = c->facts->tls;
  return true;
}

/* Without memory there is nothing to be told later. */
static void conn_keep_facts(struct hn_conn *c) {
  struct hn_conn_facts *f = mem_calloc(1, sizeof *f);
  if (!f) return;
  f->has_endpoints = conn_get_endpoints(c, &f->endpoints);
  f->has_tls = conn_get_tls(c, &f->tls) && tls_info_keep(&f->tls) == 0;
  c->facts = f;
}

static void conn_close_transport(struct hn_conn *c, bool polite) {
  bool other = env_is_other(c->env);
  if (c->holds > 0 && !other) conn_keep_facts(c);
  if (polite && buf_size(&c->out) == 0 && !other)
    c->transport->ops->shutdown(c->transport);
  c->transport->ops->close(c->transport);
  c->transport = NULL;
}

void conn_hold(struct hn_conn *c) {
  c->holds++;
}

/* One without a slot is closed. */
void conn_let_go(struct hn_conn *c) {
  if (--c->holds > 0 || c->tag) return;
  if (c->facts && c->facts->has_tls) tls_info_fini(&c->facts->tls);
  mem_free(c->facts);
  mem_free(c);
}

void conn_free(struct hn_conn *c, bool polite) {
  list_remove(&c->again);
  list_remove(&c->flush);
  c->env->connections--;
  account_give(&c->env->account, conn_cost(c->origin));
  if (c->dial) dial_free(c->dial);
  if (c->transport) conn_close_transport(c, polite);
  conn_hold(c);
  if (c->tag) slots_remove(&c->env->slots, c->tag);
  c->tag = 0;
  spares_give(&c->env->spares, &c->in);
  spares_give(&c->env->spares, &c->out);
  conn_let_go(c);
}

bool conn_was_connected(const struct hn_conn *c) {
  return c->transport || (c->dial && dial_was_connected(c->dial));
}

int conn_step_connect(struct hn_conn *c, struct hn_news_log *log,
                      struct hn_times *times, struct hn_errinfo *info) {
  if (c->transport) return 0;
  int rc = dial_step(c->dial, log, info);
  if (rc) return rc;
  dial_get_times(c->dial, times);
  c->transport = dial_take_transport(c->dial);
  dial_free(c->dial);
  c->dial = NULL;
  c->interest = HN_WANT_READ;
  c->heard_at = env_now_us(c->env);
  /* What the peer said during the handshake may lie in the transport. */
  c->readable = c->transport->ops->has_pending(c->transport);
  return 0;
}

/* Makes the reactor watch for what the transport waits for, and for room when a
 * write waits as well: the transport speaks of its last call only. Reading is
 * wanted too, so that a close is seen, unless it is known that bytes are
 * waiting already: they would be reported again and again. */
static int conn_watch(struct hn_conn *c) {
  unsigned want = (c->readable ? 0u : (unsigned)HN_WANT_READ) |
                  (c->blocked ? (unsigned)HN_WANT_WRITE : 0u) |
                  (c->transport->ops->want(c->transport) & HN_WANT_WRITE);
  if (want == c->interest) return HN_AGAIN;
  int fd = c->transport->ops->fd(c->transport);
  int rc = c->interest ? reactor_change(c->env->reactor, fd, c->tag, want)
                       : reactor_add(c->env->reactor, fd, c->tag, want);
  if (rc) return rc;
  c->interest = (uint8_t)want;
  return HN_AGAIN;
}

/* After a write that got through: no more need for write readiness. */
static int conn_unwatch_write(struct hn_conn *c) {
  if (!(c->interest & HN_WANT_WRITE)) return 0;
  int fd = c->transport->ops->fd(c->transport);
  int rc = reactor_change(c->env->reactor, fd, c->tag, HN_WANT_READ);
  if (rc == 0) c->interest = HN_WANT_READ;
  return rc;
}

int conn_queue(struct hn_conn *c, struct hn_slice s) {
  return buf_append(&c->out, s);
}

void conn_flush_later(struct hn_conn *c) {
  if (list_is_empty(&c->flush)) list_append(&c->env->unflushed, &c->flush);
}

void conn_go_on_later(struct hn_conn *c) {
  list_remove(&c->again);
  list_append(&c->env->unfinished, &c->again);
}

int conn_write(struct hn_conn *c, struct hn_slice s, size_t *put) {
  int rc = c->transport->ops->write(c->transport, s.p, s.n, put);
  c->blocked = rc == HN_AGAIN;
  if (rc == HN_AGAIN) return conn_watch(c);
  return rc ? rc : conn_unwatch_write(c);
}

int conn_flush(struct hn_conn *c) {
  while (buf_size(&c->out) > 0) {
    size_t put;
    int rc = conn_write(c, buf_peek(&c->out), &put);
    if (rc) return rc;
    buf_consume(&c->out, put);
  }
  return 0;
}

bool conn_can_read(const struct hn_conn *c) {
  return c->readable || c->transport->ops->has_pending(c->transport);
}

int conn_read(struct hn_conn *c, char *p, size_t n, size_t *got) {
  c->passed_over = false;
  if (!conn_can_read(c)) return conn_watch(c);
  size_t taken = 0;
  int rc = c->transport->ops->read(c->transport, p, n, &taken);
  if (rc == HN_AGAIN) {
    c->readable = false;
    return conn_watch(c);
  }
  if (rc) return rc;
  c->heard_at = env_now_us(c->env);
  /* A short read has emptied the socket: asking again before the reactor says
   * so would cost a system call that answers AGAIN. The end stays readable. */
  if (taken > 0 && taken < n) c->readable = false;
  *got = taken;
  return 0;
}

int conn_fill(struct hn_conn *c, size_t cap, size_t *got) {
  c->in.cap = cap;
  if (buf_size(&c->in) >= cap) return HN_ERR_INSUFFICIENT_BUFFER;
  size_t room = cap - buf_size(&c->in);
  if (room > HN_READ_AHEAD) room = HN_READ_AHEAD;
  if (!conn_can_read(c)) return conn_watch(c);
  if (!c->in.bytes) spares_take(&c->env->spares, &c->in, HN_READ_AHEAD, cap);
  char *p;
  int rc = buf_reserve(&c->in, room, &p);
  if (rc) return rc;
  size_t taken;
  rc = conn_read(c, p, room, &taken);
  if (rc) return rc;
  buf_commit(&c->in, taken);
  *got = taken;
  return 0;
}

void conn_mark_ready(struct hn_conn *c, unsigned what) {
  if (what & (HN_WANT_READ | HN_READY_FAIL)) c->readable = true;
  /* Room that no write waits for: a read has asked for it, TLS having to answer
   * first. */
  if ((what & HN_WANT_WRITE) && !c->blocked) c->readable = true;
}

void conn_pause(struct hn_conn *c) {
  if (!c->transport || !(c->interest & HN_WANT_READ)) return;
  /* Mostly the caller reads on at once: taking the descriptor out, and in again
   * when all is read, would cost two system calls for each read. */
  if (!c->passed_over) {
    c->passed_over = true;
    return;
  }
  int fd = c->transport->ops->fd(c->transport);
  if (c->blocked) {
    /* A write still waits: only the reading is taken out. */
    if (reactor_change(c->env->reactor, fd, c->tag, HN_WANT_WRITE) == 0)
      c->interest = HN_WANT_WRITE;
    return;
  }
  conn_unwatch(c);
}

/* ERR and HUP cannot be masked: an empty interest would spin on them. */
void conn_unwatch(struct hn_conn *c) {
  if (c->dial) {
    dial_unwatch(c->dial);
    return;
  }
  if (!c->interest) return;
  reactor_remove(c->env->reactor, c->transport->ops->fd(c->transport));
  c->interest = 0;
}

bool conn_is_alive(struct hn_conn *c) {
  char byte;
  size_t got;
  c->readable = true;
  /* TLS session tickets may be waiting: they are eaten here and answer AGAIN.
   * A byte nobody asked for is as bad as an end. */
  return conn_read(c, &byte, 1, &got) == HN_AGAIN;
}

void conn_release_buffers(struct hn_conn *c) {
  if (buf_size(&c->in) == 0) spares_give(&c->env->spares, &c->in);
  if (buf_size(&c->out) == 0) spares_give(&c->env->spares, &c->out);
  c->transport->ops->idle(c->transport);
}
