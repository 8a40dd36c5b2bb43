/*
 * budget.h: how long one step may work. What the host has set holds; who asks
 * for less has it for as long as the wish stands, and nobody gets more.
 */
#ifndef HN_HANDLES_BUDGET_H
#define HN_HANDLES_BUDGET_H

#include "../core/runtime.h"

/* Embedded in who may wish. */
struct hn_budget {
  struct hn_link link; /* in the runtime's list, while it wishes for one */
  int64_t us;          /* 0: nothing of its own */
};

HN_INTERNAL void budget_init(struct hn_budget *b);
/* What is asked for; 0: nothing. ACCESS_DENIED for more than the host allows.
 */
HN_INTERNAL int budget_ask(hn_runtime *rt, struct hn_budget *b, int64_t us);
/* The wish goes. */
HN_INTERNAL void budget_fini(hn_runtime *rt, struct hn_budget *b);

#endif
