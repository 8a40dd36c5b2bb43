#include "budget.h"

#include <assert.h>

/* Added to any clock it stays below what a number holds. */
static const int64_t budget_most = INT64_MAX / 4;

/* 0 is no limit. */
static int64_t budget_least(int64_t a, int64_t b) {
  return a > 0 && (b == 0 || a < b) ? a : b;
}

void budget_renew(hn_runtime *rt) {
  int64_t least = rt->host_budget;
  for (struct hn_link *l = rt->sessions.next; l != &rt->sessions; l = l->next) {
    const struct hn_node *n = HN_CONTAINER_OF(l, struct hn_node, sibling);
    least = budget_least(session_of(n)->budget, least);
  }
  rt->budget = least;
  rt->env.is_hurried = least > 0;
}

int budget_ask(struct hn_session *s, int64_t microseconds) {
  hn_runtime *rt = s->node.rt;
  if (microseconds < 0 || microseconds > budget_most)
    return HN_ERR_INVALID_PARAMETER;
  if (budget_least(microseconds, rt->host_budget) != microseconds)
    return HN_ERR_ACCESS_DENIED;
  s->budget = microseconds;
  budget_renew(rt);
  return 0;
}

int hn_set_budget(hn_runtime *rt, int64_t microseconds) {
  assert(rt);
  if (microseconds < 0 || microseconds > budget_most)
    return HN_ERR_INVALID_PARAMETER;
  rt->host_budget = microseconds;
  budget_renew(rt);
  return 0;
}

int64_t hn_budget(const hn_runtime *rt) {
  assert(rt);
  return rt->budget;
}
