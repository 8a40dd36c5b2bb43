/*
 * session.h: the root of a tree of handles: user agent, settings, the pool, and
 * one TLS context for all its connections, made at the first https request.
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
  char *agent;    /* owned; NULL: no User-Agent */
  char *ca_file;  /* owned; NULL: the default trust store */
  int64_t context_value;
  struct hn_tls_context *tls; /* owned; NULL until needed */
};

/* The session a node lives in. */
HN_INTERNAL struct hn_session *session_of(const struct hn_node *n);

/* The session's TLS context, made now if there is none. SECURE_FAILURE with
 * *detail, or NOT_ENOUGH_MEMORY. */
HN_INTERNAL int session_get_tls(struct hn_session *s,
                                struct hn_tls_context **out,
                                const char **detail);

/* Replaces the CA file; NULL text: the default store. Connections already made
 * keep the identity they have. */
HN_INTERNAL int session_set_ca_file(struct hn_session *s,
                                    struct hn_slice path);
/* Replaces the user agent. INVALID_PARAMETER when it cannot be a value. */
HN_INTERNAL int session_set_agent(struct hn_session *s, struct hn_slice agent);

#endif
