/*
 * identity.h: who a session is towards servers: one TLS context for each set of
 * TLS options its requests have used, made at first use and kept.
 */
#ifndef HN_HANDLES_IDENTITY_H
#define HN_HANDLES_IDENTITY_H

#include "../net/env.h"
#include "../net/tls.h"

enum {
  HN_IDENTITIES = 8, /* contexts kept; the one used longest ago goes */
  /* What one counts as: a usual bundle of authorities, parsed, is 0.8 MiB. */
  HN_IDENTITY_COST = 1024 * 1024,
  HN_IDENTITY_SLICE = 500, /* us of a step spent on parsing authorities */
};

struct hn_identities {
  struct hn_env *env; /* borrowed */
  struct hn_link all; /* hn_identity.link, the one used last first; owned */
};

HN_INTERNAL void identities_init(struct hn_identities *s, struct hn_env *env);
HN_INTERNAL void identities_fini(struct hn_identities *s);

/* The context for these options, which are borrowed during the call; it is the
 * session's. HN_AGAIN: its authorities are not all parsed; to be asked again in
 * the next step. Errors of hn_tls_library's context_new and context_load, and
 * SECURE_CHANNEL_ERROR where TLS cannot be loaded, with *detail. */
HN_INTERNAL int identity_get(struct hn_identities *s,
                             const struct hn_tls_options *options,
                             struct hn_tls_context **out, const char **detail);

#endif
