/*
 * exchange_fixture.h: a pool, exchanges on it, and the other end of their
 * connections in the same thread: what it said lies in the socket before
 * anybody waits for it.
 */
#ifndef HN_SPEC_EXCHANGE_FIXTURE_H
#define HN_SPEC_EXCHANGE_FIXTURE_H

#include "net_fixture.h"

#include "../../csrc/http/h1.h"

enum { DESK_OWNER = 100 };

/* One exchange and all that it borrows. */
struct side {
  struct hn_exchange x;
  struct hn_message message;
  struct hn_headers fields, answer, trailers;
  struct hn_errinfo info;
};

struct desk {
  struct hn_env env;
  struct hn_pool pool;
  struct hn_origin origin;
  const struct hn_protocols *protocols;
  int listener, peer; /* peer: the connection accepted last; -1: none */
};

static inline void desk_open(struct desk *d, const struct hn_protocols *p) {
  struct hn_address a;
  memset(d, 0, sizeof *d);
  CHECK(fixture_open(&d->env));
  pool_init(&d->pool, &d->env, 1);
  d->listener = fixture_listen("127.0.0.1", &a);
  CHECK_INT(listen(d->listener, 16), 0);
  d->origin.host = slice_of("127.0.0.1");
  d->origin.port = address_port(&a);
  d->protocols = p;
  d->peer = -1;
}

static inline void desk_hang_up(struct desk *d) {
  if (d->peer >= 0) close(d->peer);
  d->peer = -1;
}

static inline void desk_close(struct desk *d) {
  desk_hang_up(d);
  pool_fini(&d->pool);
  close(d->listener);
  fixture_close(&d->env);
}

/* The i-th exchange, about to send a request with this body. */
static inline void side_open(struct side *s, struct desk *d, size_t i,
                             const char *method, const char *body) {
  struct hn_exchange *x = &s->x;
  memset(s, 0, sizeof *s);
  headers_init(&s->fields, 4096, 16);
  headers_init(&s->answer, 4096, 16);
  headers_init(&s->trailers, 4096, 16);
  s->message = (struct hn_message){.method = slice_of(method),
                                   .target = slice_of("/"),
                                   .minor = 1,
                                   .fields = &s->fields,
                                   .body = slice_of(body),
                                   .length = strlen(body),
                                   .repeatable = true};
  x->setup = (struct hn_exchange_setup){.pool = &d->pool,
                                        .authority = "peer:80",
                                        .max_head = 4096,
                                        .max_interim = 10,
                                        .max_drain = 100000};
  x->setup.wish.origin = d->origin;
  x->setup.wish.limits = (struct hn_connect_limits){
      .resolve_timeout = -1, .connect_timeout = 5000, .max_attempts = 1};
  x->setup.wish.protocols = d->protocols;
  x->setup.wish.owner = DESK_OWNER + i;
  x->info = &s->info;
  x->response.fields = &s->answer;
  x->response.trailers = &s->trailers;
  exchange_begin(x, &s->message);
}

static inline void side_close(struct side *s) {
  exchange_close(&s->x);
  exchange_forget(&s->x);
  headers_fini(&s->fields);
  headers_fini(&s->answer);
  headers_fini(&s->trailers);
}

/* What the loop does with the reactor's news of connections, and before it
 * waits for them. */
static inline void desk_pump(struct desk *d) {
  struct hn_ready ready[16];
  struct hn_resolved answer;
  size_t count = 0, answers = 0;
  pool_flush(&d->env);
  d->env.now_us = clock_now_us();
  CHECK_INT(reactor_wait(d->env.reactor, 5000, ready, 16, &count), 0);
  d->env.now_us = clock_now_us();
  while (resolver_take(d->env.resolver, env_now(&d->env), &answer)) {
    struct hn_conn *c = slots_get(&d->env.slots, answer.tag, HN_SLOT_CONN);
    if (c && c->dial) dial_give_resolved(c->dial, &answer);
    answers++;
  }
  CHECK(count + answers > 0);
  for (size_t i = 0; i < count; i++) {
    struct hn_conn *c = slots_get(&d->env.slots, ready[i].tag, HN_SLOT_CONN);
    if (c) conn_mark_ready(c, ready[i].what);
    if (c && c->owner == 0) pool_on_ready(c);
  }
}

/* To its end, or to what has to be heard first. */
static inline int side_send(struct side *s, struct desk *d) {
  int rc;
  while ((rc = exchange_step_send(&s->x)) == HN_AGAIN) {
    if (news_is_held(s->x.log)) break;
    desk_pump(d);
  }
  return rc;
}

static inline int side_head(struct side *s, struct desk *d) {
  int rc;
  while ((rc = exchange_step_head(&s->x)) == HN_AGAIN) {
    if (news_is_held(s->x.log)) break;
    desk_pump(d);
  }
  return rc;
}

/* Reads the whole body; how much it was, or the error as a negative number. */
static inline int side_read(struct side *s, struct desk *d) {
  char piece[64];
  int all = 0;
  for (;;) {
    size_t got = 0;
    int rc = exchange_read(&s->x, piece, sizeof piece, &got);
    if (rc == HN_AGAIN) {
      desk_pump(d);
      continue;
    }
    if (rc || got == 0) return rc ? -rc : all;
    all += (int)got;
  }
}

/* The peer's side of it. */
static inline void desk_accept(struct desk *d) {
  desk_hang_up(d);
  d->peer = accept(d->listener, NULL, NULL);
  CHECK(d->peer >= 0);
}

static inline void desk_say(struct desk *d, const char *text) {
  ssize_t n = (ssize_t)strlen(text);
  CHECK_INT(send(d->peer, text, (size_t)n, MSG_NOSIGNAL), n);
}

/* Sends the request and has it answered in these words. */
static inline int side_ask(struct side *s, struct desk *d, const char *answer) {
  int rc = side_send(s, d);
  if (!s->x.reused) desk_accept(d);
  desk_say(d, answer);
  return rc ? rc : side_head(s, d);
}

static inline int desk_count(const struct hn_link *list) {
  int n = 0;
  for (const struct hn_link *l = list->next; l != list; l = l->next) n++;
  return n;
}

#endif
