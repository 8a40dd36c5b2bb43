/*
 * dial_fixture.h: dialling to the end, as a runtime's loop would.
 */
#ifndef HN_SPEC_DIAL_FIXTURE_H
#define HN_SPEC_DIAL_FIXTURE_H

#include "net_fixture.h"

enum { TAG = 77 };

struct result {
  int code;
  struct hn_transport *transport; /* owned by whoever asked */
  struct hn_errinfo info;
  struct hn_news_log log;
};

/* What is dialled, and how. */
struct wish {
  struct hn_origin origin;
  struct hn_connect_limits limits;
  const char *inner; /* host of a second TLS layer on top; NULL: none */
};

static inline struct wish options(const char *host, unsigned port,
                                  struct hn_tls_context *tls) {
  return (struct wish){
      .origin = {.host = slice_of(host), .port = port, .tls = tls},
      .limits = {.resolve_timeout = 10000,
                 .connect_timeout = 10000,
                 .max_attempts = 5}};
}

static inline int begin(struct hn_env *env, const struct wish *w,
                        struct hn_dial **out) {
  int rc = dial_new(env, &w->origin, &w->limits, TAG, out);
  const struct hn_tls_peer inner = {.host = slice_of(w->inner),
                                    .port = w->origin.port};
  if (rc == 0 && w->inner) dial_add_tls(*out, w->origin.tls, &inner);
  return rc;
}

static inline void give_answers(struct hn_env *env, struct hn_dial *d) {
  struct hn_resolved answer;
  while (resolver_take(env->resolver, env_now(env), &answer))
    dial_give_resolved(d, &answer);
}

/* Dials to the end, as a runtime's loop would. */
static inline void dial_all(struct hn_env *env, const struct wish *o,
                            struct result *r) {
  struct hn_dial *d = NULL;
  memset(r, 0, sizeof *r);
  r->log.mask = UINT32_MAX;
  r->code = begin(env, o, &d);
  if (r->code != 0) return;
  r->code = dial_step(d, &r->log, &r->info);
  for (int i = 0; i < 1000 && r->code == HN_AGAIN; i++) {
    fixture_wait(env, TAG, 100);
    give_answers(env, d);
    r->code = dial_step(d, &r->log, &r->info);
  }
  if (r->code == 0) {
    CHECK_INT(dial_step(d, NULL, &r->info), 0);
    r->transport = dial_take_transport(d);
  } else {
    CHECK_INT(dial_step(d, NULL, &r->info), r->code);
    CHECK_INT(r->info.code, r->code);
  }
  CHECK(heap_peek(&env->deadlines) == NULL);
  dial_free(d);
}

static inline void check_news(const struct result *r, size_t i, uint32_t status,
                              const char *text) {
  CHECK(i < r->log.count);
  CHECK_INT(r->log.items[i].status, status);
  CHECK_TEXT(slice_of(r->log.items[i].text), text);
}

static inline void check_all_news(const struct result *r, const char *host) {
  CHECK_INT(r->log.count, 4);
  check_news(r, 0, HN_STATUS_RESOLVING_NAME, host);
  check_news(r, 1, HN_STATUS_NAME_RESOLVED, "127.0.0.1");
  check_news(r, 2, HN_STATUS_CONNECTING_TO_SERVER, "127.0.0.1");
  check_news(r, 3, HN_STATUS_CONNECTED_TO_SERVER, "127.0.0.1");
}

#endif
