/*
 * dial.h: from an origin to a connected transport.
 *
 * A dial is a list of layers, each made on top of the one before: a look-up (or
 * the addresses that are given in its place), a TCP connection or a Unix-domain
 * socket, TLS. Where the transport leads can be changed without changing what
 * the host means to TLS: that is the origin's route. A layer is announced when
 * the one below is through, and begun when that has been heard (news.h).
 *
 * The dial is stepped by its owner whenever something tagged with the owner's
 * tag is ready, a deadline of HN_TIMER_CONN expires, or a look-up result for it
 * arrives.
 */
#ifndef HN_NET_DIAL_H
#define HN_NET_DIAL_H

#include "origin.h"
#include "tcp.h"
#include "times.h"
#include "tls.h"

enum { HN_DIAL_LAYERS = 6 };

struct hn_dial;

/* The layers that the origin asks for. It is borrowed for the dial's life, what
 * the limits point at is copied. NAME_NOT_RESOLVED for a name that is too long,
 * INVALID_PARAMETER for addresses that are none, NOT_ENOUGH_MEMORY. A path that
 * cannot be one fails the first dial_step. */
HN_INTERNAL int dial_new(struct hn_env *env, const struct hn_origin *origin,
                         const struct hn_connect_limits *limits, uint64_t tag,
                         struct hn_dial **out);
/* Closes whatever is half open and abandons the look-up. */
HN_INTERNAL void dial_free(struct hn_dial *d);

/* One layer more on top, before the first step: TLS with that peer, whose texts
 * are borrowed for the dial's life. There are at most HN_DIAL_LAYERS. */
HN_INTERNAL void dial_add_tls(struct hn_dial *d, struct hn_tls_context *tls,
                              const struct hn_tls_peer *peer);

/* Goes as far as it can. 0: connected. HN_AGAIN. Else an error, described in
 * *info: NAME_NOT_RESOLVED, CANNOT_CONNECT, TIMEOUT, SECURE_FAILURE,
 * CLIENT_AUTH_CERT_NEEDED, CONNECTION_ERROR, INVALID_PARAMETER (the path),
 * ACCESS_DENIED (the guard), NOT_ENOUGH_MEMORY; errors of a Unix socket name
 * its path in the host's place. log may be NULL. */
HN_INTERNAL int dial_step(struct hn_dial *d, struct hn_news_log *log,
                          struct hn_errinfo *info);

/* It is held and its descriptors have news: none is watched until the next
 * step. */
HN_INTERNAL void dial_unwatch(struct hn_dial *d);

/* What is being done, for messages. */
HN_INTERNAL enum hn_phase dial_phase(const struct hn_dial *d);

/* Hands in the answer to this dial's look-up. */
HN_INTERNAL void dial_give_resolved(struct hn_dial *d,
                                    const struct hn_resolved *answer);

/* When look-up, connect and handshake happened; the rest of *out stays. */
HN_INTERNAL void dial_get_times(const struct hn_dial *d, struct hn_times *out);

/* The layers up to TCP or the Unix socket were made. */
HN_INTERNAL bool dial_was_connected(const struct hn_dial *d);

/* It has come to its end by an error. */
HN_INTERNAL bool dial_has_failed(const struct hn_dial *d);

/* Once, after dial_step answered 0: the transport, now the caller's. */
HN_INTERNAL struct hn_transport *dial_take_transport(struct hn_dial *d);

#endif
