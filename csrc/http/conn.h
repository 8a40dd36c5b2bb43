/*
 * conn.h: one network connection: a transport, what is read ahead of it, what
 * still has to be written to it, and its place in the reactor.
 *
 * A connection is dialled for an origin, carries exchanges one after another,
 * and lies idle in its pool between them. It does not know HTTP: its protocol
 * (protocol.h) works on its two buffers. It has a slot of its own: the reactor
 * and the deadline heap know it by that tag only. While it is dialled, and
 * while it serves one exchange alone, `owner` is the handle to step when
 * something happens. One that several share has none: its protocol reads, and
 * wakes them. What is to leave with whatever else a turn queues waits in
 * env->unflushed. Of the idle ones, only the one used last holds buffers.
 */
#ifndef HN_HTTP_CONN_H
#define HN_HTTP_CONN_H

#include <stddef.h>

#include "../base/list.h"
#include "../base/mem.h"
#include "../base/slice.h"
#include "../net/dial.h"

enum { HN_SLOT_CONN = HN_SLOT_KINDS }; /* slot type, beside those of handles */

/* What a connection counts as on its account, besides its buffers: our records,
 * and the TLS library's memory at its most, in the handshake. */
enum { HN_CONN_COST = 8 * 1024, HN_CONN_TLS_COST = 72 * 1024 };

/* Room for what its protocol remembers: no allocation for it. */
enum { HN_CONN_STATE = 32 };

struct hn_pool;
struct hn_place;
struct hn_protocol;
struct hn_protocols;

/* What can be asked of a connection, also after its end. */
struct hn_conn_facts {
  bool has_endpoints, has_tls;
  struct hn_endpoints endpoints;
  struct hn_tls_info tls;
};

struct hn_conn {
  struct hn_env *env;      /* borrowed: outlives every connection */
  struct hn_pool *pool;    /* borrowed: whose lists it is in */
  uint64_t tag;            /* its slot */
  uint64_t owner;          /* handle of its only exchange; 0: the pool's */
  struct hn_link link;     /* in one of the pool's lists */
  struct hn_place *place;  /* its origin's in the pool, held; or NULL */
  struct hn_link at_place; /* in one of the place's lists, unless one exchange
                              has it alone */
  struct hn_timer end;     /* in the pool's heap, while its server limits it */
  struct hn_link again;    /* in env->unfinished */
  struct hn_link flush;    /* in env->unflushed */
  const struct hn_origin *origin;     /* borrowed for life */
  struct hn_dial *dial;               /* owned; NULL once connected */
  struct hn_transport *transport;     /* owned; NULL until connected */
  const struct hn_protocol *protocol; /* that it speaks; NULL until connected */
  unsigned streams;                   /* exchanges that it has */
  unsigned holds;                     /* see conn_hold */
  uint8_t interest;                   /* what the reactor watches; 0: removed */
  bool is_1_0;                        /* its server answered with HTTP/1.0 */
  bool retired;                       /* no exchange after those it has */
  bool is_on_hold;                    /* see pool_put_on_hold */
  bool draining;                      /* what nobody reads is passing by */
  bool readable;                      /* a read is worth trying */
  bool blocked;                       /* the last write met AGAIN */
  bool passed_over;  /* it was reported readable and nobody read */
  struct hn_buf in;  /* read and not yet used */
  struct hn_buf out; /* to be written */
  int64_t heard_at;  /* us: when bytes came last */
  union {
    int64_t idle_since;               /* us: when it fell silent */
    const struct hn_protocols *offer; /* while it is dialled */
  };
  int64_t patience;            /* ms its peer waits for the next exchange */
  struct hn_conn_facts *facts; /* owned; of one that is closed, or NULL */
  _Alignas(uint64_t) unsigned char state[HN_CONN_STATE]; /* the protocol's */
};

/* A connection being dialled, in its own slot, in no list. The origin must
 * outlive it. */
HN_INTERNAL int conn_new(struct hn_env *env, const struct hn_origin *origin,
                         const struct hn_connect_limits *limits,
                         struct hn_conn **out);
/* Closes and frees it; it must be in no list. A goodbye is said when `polite`
 * and nothing is left to write. */
HN_INTERNAL void conn_free(struct hn_conn *c, bool polite);

/* Who may want to ask about a connection when it is closed holds it: then
 * conn_free leaves what can be asked, until the last has let go. */
HN_INTERNAL void conn_hold(struct hn_conn *c);
HN_INTERNAL void conn_let_go(struct hn_conn *c);

/* Its two ends, and what TLS agreed on; borrowed until it is let go. False
 * when they cannot be told: without TLS, after a reset. */
HN_INTERNAL bool conn_get_endpoints(const struct hn_conn *c,
                                    struct hn_endpoints *out);
HN_INTERNAL bool conn_get_tls(const struct hn_conn *c, struct hn_tls_info *out);

HN_INTERNAL bool conn_is_connected(const struct hn_conn *c);
/* Somebody answered, also when TLS has failed since or goes on. */
HN_INTERNAL bool conn_was_connected(const struct hn_conn *c);

/* Goes on dialling: 0 (with the dial's times), HN_AGAIN or an error described
 * in *info. */
HN_INTERNAL int conn_step_connect(struct hn_conn *c, struct hn_news_log *log,
                                  struct hn_times *times,
                                  struct hn_errinfo *info);

/* Appends to what is to be written. Buffer errors. */
HN_INTERNAL int conn_queue(struct hn_conn *c, struct hn_slice s);
/* What is queued leaves at the end of this turn, see pool_flush. */
HN_INTERNAL void conn_flush_later(struct hn_conn *c);
/* More is to be read, in the next round: others have their turn first. */
HN_INTERNAL void conn_go_on_later(struct hn_conn *c);

/* Writes what is queued: 0 when all is out, HN_AGAIN, or an error. */
HN_INTERNAL int conn_flush(struct hn_conn *c);

/* Writes straight from the caller's bytes; the queue must be empty. HN_AGAIN:
 * nothing was taken. */
HN_INTERNAL int conn_write(struct hn_conn *c, struct hn_slice s, size_t *put);

/* Reads straight into the caller's bytes; the read-ahead must be empty. 0 with
 * *got 0 is the peer's end. HN_AGAIN. */
HN_INTERNAL int conn_read(struct hn_conn *c, char *p, size_t n, size_t *got);

/* Reads once into the read-ahead, which may hold `cap` bytes. The same
 * answers; INSUFFICIENT_BUFFER when it is full. */
HN_INTERNAL int conn_fill(struct hn_conn *c, size_t cap, size_t *got);

/* True when a read would make progress without waiting. */
HN_INTERNAL bool conn_can_read(const struct hn_conn *c);

/* The reactor reported readiness. Nobody reads: with level triggering it would
 * report again at once, so call conn_pause. */
HN_INTERNAL void conn_mark_ready(struct hn_conn *c, unsigned what);
/* Takes reading out of the reactor until the next read meets AGAIN: at the
 * second report in a row. */
HN_INTERNAL void conn_pause(struct hn_conn *c);
/* Takes all of it out of the reactor until its exchange is stepped again. */
HN_INTERNAL void conn_unwatch(struct hn_conn *c);

/* For an idle connection: is it still open and silent? One system call. */
HN_INTERNAL bool conn_is_alive(struct hn_conn *c);

/* Gives back those buffers that are empty. */
HN_INTERNAL void conn_release_buffers(struct hn_conn *c);

#endif
