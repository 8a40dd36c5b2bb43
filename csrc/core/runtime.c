#include "runtime.h"

#include <assert.h>

bool runtime_is_busy(const hn_runtime *rt) {
  return rt->queued > 0 || rt->news_at < rt->news_count ||
         !list_is_empty(&rt->ready) || !list_is_empty(&rt->running) ||
         !list_is_empty(&rt->env.told) || !list_is_empty(&rt->env.woken) ||
         !list_is_empty(&rt->env.unfinished) || !list_is_empty(&rt->draining) ||
         !list_is_empty(&rt->env.unflushed) ||
         resolver_has_answer(rt->env.resolver);
}

void runtime_tell(hn_runtime *rt) {
  const struct hn_timer *t = heap_peek(&rt->env.deadlines);
  int64_t when = t ? t->when : HN_ALARM_NONE;
  if (runtime_is_busy(rt)) when = HN_ALARM_NOW;
  reactor_set_alarm(rt->env.reactor, when);
}

void hn_wake(hn_runtime *rt) {
  assert(rt);
  if (!env_is_other(&rt->env)) reactor_wake(rt->env.reactor);
}

const char *hn_reactor_name(void) {
  return reactor_name();
}

int hn_pollable(hn_runtime *rt, int *fd) {
  assert(rt && fd);
  if (env_is_other(&rt->env)) return HN_ERR_SHUTDOWN;
  int rc = reactor_open_fd(rt->env.reactor, fd);
  if (rc) return rc;
  rt->is_watched = true;
  runtime_tell(rt);
  return 0;
}

int64_t hn_next_timeout(hn_runtime *rt) {
  assert(rt);
  if (env_is_other(&rt->env)) return -1;
  if (runtime_is_busy(rt)) return 0;
  const struct hn_timer *t = heap_peek(&rt->env.deadlines);
  if (!t) return -1;
  env_time_passed(&rt->env);
  int64_t left = t->when - env_now(&rt->env);
  return left > 0 ? left : 0;
}
