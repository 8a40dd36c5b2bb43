/*
 * tcp.h: a stream over TCP: one connection out of a list of addresses.
 *
 * Connecting is happy eyeballs (RFC 8305): the attempts start 250 ms apart, or
 * at once when the one before failed; the first to connect wins and the others
 * are closed. Each attempt's descriptor is watched under the owner's tag while
 * it connects; the winner stays watched for reading. Sockets are non-blocking,
 * close-on-exec, written with MSG_NOSIGNAL, and TCP_NODELAY from the first
 * write on that could be held back.
 */
#ifndef HN_NET_TCP_H
#define HN_NET_TCP_H

#include "env.h"
#include "news.h"
#include "stream.h"

enum { HN_TCP_STAGGER = 250 }; /* ms, RFC 8305 5 */

struct hn_tcp_options {
  const struct hn_addresses *addresses; /* borrowed for the call; not empty */
  int max_attempts;    /* WinHTTP CONNECT_RETRIES */
  int64_t timeout;     /* ms for each attempt, -1: none */
  uint64_t tag;        /* what readiness and deadlines are reported under */
  uint32_t timer_kind; /* the kind of its timer */
};

/* A stream not yet connected; step_connect drives it. env: borrowed for its
 * lifetime. step_connect's errors: CANNOT_CONNECT, TIMEOUT,
 * NOT_ENOUGH_MEMORY. */
HN_INTERNAL int tcp_new(struct hn_env *env, const struct hn_tcp_options *o,
                        struct hn_stream **out);

/* Where connecting / connected facts go while it connects; NULL: nowhere. */
HN_INTERNAL void tcp_set_news(struct hn_stream *s, struct hn_news_log *log);

/* The address connected to; only after step_connect answered 0. */
HN_INTERNAL const struct hn_address *tcp_peer(const struct hn_stream *s);

#endif
