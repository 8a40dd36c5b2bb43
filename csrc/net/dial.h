/*
 * dial.h: from (host, port, TLS or not) to a connected stream.
 *
 * Where the stream leads can be changed without changing what host means to
 * TLS: another name or fixed addresses for the look-up, or a Unix-domain
 * socket in place of look-up and TCP.
 *
 * A small machine: RESOLVE -> CONNECT -> SECURE -> DONE, stepped by its owner
 * whenever something tagged with the owner's tag is ready, a deadline of the
 * owner's timer kind expires, or a look-up result for it arrives.
 */
#ifndef HN_NET_DIAL_H
#define HN_NET_DIAL_H

#include "tcp.h"
#include "times.h"
#include "tls.h"

struct hn_dial_options {
  struct hn_slice host;          /* copied */
  unsigned port;
  struct hn_tls_context *tls;    /* counted; NULL: plain */
  int64_t resolve_timeout;       /* ms, -1: none */
  int64_t connect_timeout;       /* ms for each address, and for TLS */
  int max_attempts;
  uint64_t tag;                  /* the owner's */
  uint32_t timer_kind;           /* the owner's timer kind */
  /* All that follows may be left out; the certificate names `host` always. */
  struct hn_slice lookup_host;   /* copied; looked up in place of host */
  const struct hn_addresses *resolve_to; /* copied; in place of any look-up,
                                    with their ports set to `port`, in this
                                    order; NULL or none: look up */
  struct hn_slice unix_path;     /* copied; see address_parse_path. One that it
                                    refuses fails the first dial_step */
  const struct hn_tcp_tuning *tuning; /* copied; NULL: the defaults */
};

struct hn_dial;

/* NAME_NOT_RESOLVED for a name that is too long, NOT_ENOUGH_MEMORY. */
HN_INTERNAL int dial_new(struct hn_env *env, const struct hn_dial_options *o,
                         struct hn_dial **out);
/* Closes whatever is half open and abandons the look-up. */
HN_INTERNAL void dial_free(struct hn_dial *d);

/* Goes as far as it can. 0: connected. HN_AGAIN. Else an error, described in
 * *info: NAME_NOT_RESOLVED, CANNOT_CONNECT, TIMEOUT, SECURE_FAILURE,
 * CLIENT_AUTH_CERT_NEEDED, CONNECTION_ERROR, INVALID_PARAMETER (the path),
 * ACCESS_DENIED (the guard), NOT_ENOUGH_MEMORY; errors of a Unix socket name
 * its path in the host's place. log may be NULL. */
HN_INTERNAL int dial_step(struct hn_dial *d, struct hn_news_log *log,
                          struct hn_errinfo *info);

/* What is being done, for messages. */
HN_INTERNAL enum hn_phase dial_phase(const struct hn_dial *d);

/* Hands in the answer to this dial's look-up. */
HN_INTERNAL void dial_give_resolved(struct hn_dial *d,
                                    const struct hn_resolved *answer);

/* When look-up, connect and handshake happened; the rest of *out stays. */
HN_INTERNAL void dial_get_times(const struct hn_dial *d, struct hn_times *out);

/* Once, after dial_step answered 0: the stream, now the caller's. */
HN_INTERNAL struct hn_stream *dial_take_stream(struct hn_dial *d);

#endif
