/*
 * budget.h: how long one step may work. What the host has set holds; a session
 * may ask for less, for as long as it is open, and never gets more.
 */
#ifndef HN_CORE_BUDGET_H
#define HN_CORE_BUDGET_H

#include "session.h"

/* Makes the least of the host's and the open sessions' hold. */
HN_INTERNAL void budget_renew(hn_runtime *rt);

/* What a session asks for, in us; 0: nothing of its own. ACCESS_DENIED for more
 * than the host allows. */
HN_INTERNAL int budget_ask(struct hn_session *s, int64_t microseconds);

#endif
