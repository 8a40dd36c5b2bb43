/*
 * tcp.h: a transport over TCP: one connection out of a list of addresses; or
 * over a Unix-domain stream socket, which differs in how it connects only.
 *
 * Connecting is happy eyeballs (RFC 8305): the attempts start 250 ms apart, or
 * at once when the one before failed; the first to connect wins and the others
 * are closed. Each attempt's descriptor is watched under the owner's tag while
 * it connects; the winner stays watched for reading. Sockets are non-blocking,
 * close-on-exec, written with MSG_NOSIGNAL, and TCP_NODELAY from the first
 * write on that could be held back. tcp_tune.h says what of it can be changed.
 *
 * Each attempt is announced and begins when that has been heard (news.h). No
 * time runs meanwhile, but those begun before go on in the kernel.
 */
#ifndef HN_NET_TCP_H
#define HN_NET_TCP_H

#include "env.h"
#include "news.h"
#include "transport.h"
#include "tcp_tune.h"

/* The IP address as text, without brackets, and the port; for a Unix socket the
 * path ("@name" if abstract, "" if it has none) and 0. */
struct hn_endpoint {
  char text[HN_PATH_TEXT];
  unsigned port;
};

struct hn_endpoints {
  struct hn_endpoint local, remote;
};

/* Where to connect to: borrowed for the call. */
struct hn_tcp_target {
  const struct hn_addresses *addresses; /* not empty, unless there is a path */
  const struct hn_unix_path *path;      /* in place of the addresses, and never
                                           tuned; NULL: none */
};

/* What limits getting a connection, and what is offered there: one struct from
 * the options of a request down to its sockets. */
struct hn_connect_limits {
  int64_t resolve_timeout; /* ms, -1: none */
  int64_t connect_timeout; /* ms for each address, and for TLS; -1: none */
  int max_attempts;        /* addresses tried (WinHTTP CONNECT_RETRIES) */
  const struct hn_tcp_tuning *tuning; /* borrowed for the call; NULL: as
                                         HN_TCP_TUNING_DEFAULT */
  struct hn_slice alpn; /* borrowed while it is being dialled: the protocols
                           that TLS offers, see hn_tls_peer */
};

/* A transport not yet connected; step_connect drives it. env: borrowed for its
 * lifetime. Readiness is reported under the tag, deadlines too, as
 * HN_TIMER_CONN. step_connect's errors: CANNOT_CONNECT with `system`, and
 * `detail` when it was the tuning that failed; TIMEOUT, NOT_ENOUGH_MEMORY. */
HN_INTERNAL int tcp_new(struct hn_env *env, const struct hn_tcp_target *to,
                        const struct hn_connect_limits *limits, uint64_t tag,
                        struct hn_transport **out);

/* Where connecting / connected facts go while it connects; NULL: nowhere. */
HN_INTERNAL void tcp_set_news(struct hn_transport *s, struct hn_news_log *log);

/* While it connects: nothing of it is watched, until it is watched again. */
HN_INTERNAL void tcp_unwatch(struct hn_transport *s);
/* NOT_ENOUGH_MEMORY, INTERNAL_ERROR. */
HN_INTERNAL int tcp_rewatch(struct hn_transport *s);

/* Both ends of the connection that a transport stands on, however many
 * transports are between. INCORRECT_HANDLE_STATE while it is not connected;
 * CONNECTION_ERROR when the system does not know any more. */
HN_INTERNAL int tcp_get_endpoints(const struct hn_transport *s,
                                  struct hn_endpoints *out);

#endif
