#include "budget.h"

#include <assert.h>

/* Added to any clock it stays below what a number holds. */
static const int64_t budget_most = INT64_MAX / 4;

/* 0 is no limit. */
static int64_t budget_least(int64_t a, int64_t b) {
  return a > 0 && (b == 0 || a < b) ? a : b;
}

/* Makes the least of the host's and of the wishes hold. */
static void budget_renew(hn_runtime *rt) {
  int64_t least = rt->host_budget;
  for (struct hn_link *l = rt->budgets.next; l != &rt->budgets; l = l->next)
    least = budget_least(HN_CONTAINER_OF(l, struct hn_budget, link)->us, least);
  rt->budget = least;
  rt->env.is_hurried = least > 0;
}

void budget_init(struct hn_budget *b) {
  list_init(&b->link);
  b->us = 0;
}

int budget_ask(hn_runtime *rt, struct hn_budget *b, int64_t us) {
  if (us < 0 || us > budget_most) return HN_ERR_INVALID_PARAMETER;
  if (budget_least(us, rt->host_budget) != us) return HN_ERR_ACCESS_DENIED;
  list_remove(&b->link);
  b->us = us;
  if (us > 0) list_append(&rt->budgets, &b->link);
  budget_renew(rt);
  return 0;
}

void budget_fini(hn_runtime *rt, struct hn_budget *b) {
  if (b->us == 0) return;
  list_remove(&b->link);
  budget_renew(rt);
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
