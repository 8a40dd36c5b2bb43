#include "life.h"

#include <assert.h>

#include "../base/mem.h"
#include "handle.h"

static void life_disconnect(struct hn_env *env) {
  if (env->resolver) resolver_free(env->resolver);
  if (env->reactor) reactor_free(env->reactor);
  process_free(env->process);
  env->resolver = NULL;
  env->reactor = NULL;
  env->process = NULL;
}

/* Process mark, reactor and resolver: all or nothing. */
static int life_connect(struct hn_env *env) {
  int rc = process_new(&env->process);
  process_random(&env->hash_key, sizeof env->hash_key);
  if (rc == 0) rc = reactor_new(&env->reactor);
  if (rc == 0) rc = resolver_new(&env->resolver, env->reactor);
  if (rc) life_disconnect(env);
  return rc;
}

int life_begin(hn_runtime **out) {
  hn_runtime *rt = mem_calloc(1, sizeof *rt);
  if (!rt) return HN_ERR_NOT_ENOUGH_MEMORY;
  list_init(&rt->sessions);
  list_init(&rt->ready);
  list_init(&rt->running);
  list_init(&rt->queues);
  list_init(&rt->events);
  list_init(&rt->spare_events);
  list_init(&rt->draining);
  list_init(&rt->budgets);
  list_init(&rt->env.pools);
  list_init(&rt->env.told);
  list_init(&rt->env.hearing);
  list_init(&rt->env.woken);
  list_init(&rt->env.unfinished);
  list_init(&rt->env.unflushed);
  heap_init(&rt->env.deadlines);
  slots_init(&rt->env.slots);
  spares_init(&rt->env.spares, &rt->env.account);
  buf_init(&rt->parked, SIZE_MAX / 2);
  int rc = parts_init(&rt->env.parts);
  if (rc == 0) rc = life_connect(&rt->env);
  if (rc) {
    life_end(rt);
    return rc;
  }
  *out = rt;
  return 0;
}

void life_end(hn_runtime *rt) {
  life_disconnect(&rt->env);
  parts_fini(&rt->env.parts);
  buf_fini(&rt->parked);
  spares_fini(&rt->env.spares);
  guard_free(rt->env.guard);
  heap_fini(&rt->env.deadlines);
  slots_fini(&rt->env.slots);
  mem_free(rt);
}

int hn_runtime_claim(hn_runtime *rt, hn_runtime **user) {
  assert(rt);
  if (user && rt->user && rt->user != user) return HN_ERR_INVALID_OPERATION;
  rt->user = user;
  if (user) *user = rt;
  return 0;
}

void life_drop_all(hn_runtime *rt) {
  struct hn_link *l;
  rt->is_watched = false; /* in a forked child the descriptor is the parent's */
  while ((l = list_first(&rt->sessions)) != NULL)
    node_close(HN_CONTAINER_OF(l, struct hn_node, sibling), true);
  event_drop_all(rt);
}

int life_renew(hn_runtime *rt) {
  struct hn_env fresh = {0};
  if (!env_is_other(&rt->env)) return 0;
  int rc = life_connect(&fresh);
  if (rc) return rc;
  life_drop_all(rt);
  rt->spare_event_count = 0;
  rt->news_count = rt->news_at = 0;
  life_disconnect(&rt->env);
  rt->env.process = fresh.process;
  rt->env.reactor = fresh.reactor;
  rt->env.resolver = fresh.resolver;
  return 0;
}
