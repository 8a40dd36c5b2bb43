/*
 * session.h: the root of a tree of handles: user agent, settings, the pool, and
 * the TLS identities its requests have used.
 */
#ifndef HN_CORE_SESSION_H
#define HN_CORE_SESSION_H

#include "../http/pool.h"
#include "handle.h"
#include "settings.h"

struct hn_session {
  struct hn_node node;
  struct hn_pool pool;
  struct hn_settings settings;
  struct hn_slice agent_line; /* owned: "User-Agent: x" CRLF; absent: none */
  int64_t context_value;
  int64_t budget; /* us a step may work while it is open; 0: no wish */
  struct hn_texts texts;
  struct hn_tcp_tuning tuning;
  struct hn_link identities; /* hn_identity.link; owned */
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
