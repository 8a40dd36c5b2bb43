/*
 * session.h: the root of a tree of handles: user agent, settings, the pool, and
 * the TLS identities its requests have used.
 */
#ifndef HN_HANDLES_SESSION_H
#define HN_HANDLES_SESSION_H

#include "budget.h"
#include "../core/handle.h"
#include "../http/pool.h"
#include "identity.h"
#include "settings.h"

struct hn_session {
  struct hn_node node;
  struct hn_pool pool;
  struct hn_settings settings;
  struct hn_slice agent_line; /* owned: "User-Agent: x" CRLF; absent: none */
  int64_t context_value;
  struct hn_budget budget; /* what a step may work while it is open */
  struct hn_texts texts;
  struct hn_tcp_tuning tuning;
  struct hn_identities identities;
};

/* The session a node lives in. */
HN_INTERNAL struct hn_session *session_of(const struct hn_node *n);

/* Replaces a text; an empty one says that there is none, whatever the session
 * has. INVALID_PARAMETER for one with a NUL in it, NOT_ENOUGH_MEMORY. */
HN_INTERNAL int texts_set(struct hn_texts *t, enum hn_text which,
                          struct hn_slice text);
HN_INTERNAL void texts_fini(struct hn_texts *t);

/* The user agent; "" when there is none. */
HN_INTERNAL struct hn_slice session_agent(const struct hn_session *s);

/* Replaces the user agent. INVALID_PARAMETER when it cannot be a value. */
HN_INTERNAL int session_set_agent(struct hn_session *s, struct hn_slice agent);

#endif
