#include "runtime.h"

#include <assert.h>

#include "handle.h"

int runtime_connect(struct hn_env *env) {
  int rc = process_new(&env->process);
  process_random(&env->hash_key, sizeof env->hash_key);
  if (rc == 0) rc = reactor_new(&env->reactor);
  if (rc == 0) rc = resolver_new(&env->resolver, env->reactor);
  if (rc) runtime_disconnect(env);
  return rc;
}

void runtime_disconnect(struct hn_env *env) {
  if (env->resolver) resolver_free(env->resolver);
  if (env->reactor) reactor_free(env->reactor);
  process_free(env->process);
  env->resolver = NULL;
  env->reactor = NULL;
  env->process = NULL;
}

int hn_runtime_claim(hn_runtime *rt, hn_runtime **user) {
  assert(rt);
  if (user && rt->user && rt->user != user) return HN_ERR_INVALID_OPERATION;
  rt->user = user;
  if (user) *user = rt;
  return 0;
}

void runtime_drop_all(hn_runtime *rt) {
  struct hn_link *l;
  rt->is_watched = false; /* in a forked child the descriptor is the parent's */
  while ((l = list_first(&rt->sessions)) != NULL)
    node_close(HN_CONTAINER_OF(l, struct hn_node, sibling), true);
  event_drop_all(rt);
}

bool runtime_is_busy(const hn_runtime *rt) {
  return rt->queued > 0 || rt->news_at < rt->news_count ||
         !list_is_empty(&rt->ready) || !list_is_empty(&rt->running) ||
         !list_is_empty(&rt->held) || !list_is_empty(&rt->env.woken) ||
         !list_is_empty(&rt->env.unfinished) || !list_is_empty(&rt->draining) ||
         resolver_has_answer(rt->env.resolver);
}

void runtime_tell(hn_runtime *rt) {
  const struct hn_timer *t = heap_peek(&rt->env.deadlines);
  int64_t when = t ? t->when : HN_ALARM_NONE;
  if (runtime_is_busy(rt)) when = HN_ALARM_NOW;
  reactor_set_alarm(rt->env.reactor, when);
}

int runtime_renew(hn_runtime *rt) {
  struct hn_env fresh = {0};
  if (!env_is_other(&rt->env)) return 0;
  int rc = runtime_connect(&fresh);
  if (rc) return rc;
  runtime_drop_all(rt);
  rt->spare_event_count = 0;
  rt->news_count = rt->news_at = 0;
  runtime_disconnect(&rt->env);
  rt->env.process = fresh.process;
  rt->env.reactor = fresh.reactor;
  rt->env.resolver = fresh.resolver;
  return 0;
}
