/*
 * protocol.h: what is asked of the protocol that a connection speaks.
 *
 * conn.c moves bytes, pool.c knows who may have which connection, exchange.c
 * the order of things; a protocol knows how they are said. Two groups of
 * functions: what the pool asks about a whole connection, and what an exchange
 * asks of its own stream on it. What a protocol has to remember lies in
 * conn->state and exchange->stream, which nobody else looks into.
 */
#ifndef HN_HTTP_PROTOCOL_H
#define HN_HTTP_PROTOCOL_H

#include "../base/slice.h"

struct hn_conn;
struct hn_exchange;

/* How much of its response an exchange has had at its end. */
enum hn_ending {
  HN_ENDING_CLEAN,  /* all of it */
  HN_ENDING_UNREAD, /* nobody wants the rest */
  HN_ENDING_ABORT,  /* failed or cancelled */
};

/* Of the connection. Those of a protocol that shares it (below) may find
 * several exchanges on it, and wake them (exchange_wake) when there is
 * something for them; they call none. After an error they have woken all. */
struct hn_conn_protocol {
  /* It is connected and begins to speak. NOT_ENOUGH_MEMORY; then it has not. */
  int (*open)(struct hn_conn *c);
  /* How many exchanges more it may have now, by its peer's word; less than 0
   * when it has too many. */
  int64_t (*room)(const struct hn_conn *c);
  /* For how many ms the peer says that it waits for the next exchange;
   * INT64_MAX: it has not said. */
  int64_t (*patience)(const struct hn_conn *c);
  /* It carries no exchange after those it has. */
  void (*retire)(struct hn_conn *c);
  /* News, and no exchange owns it. 0: it may serve; HN_AGAIN: not yet, what
   * nobody reads is passing by; else it is broken. It may have set c->retired.
   */
  int (*on_ready)(struct hn_conn *c);
  /* It stood in env->unflushed: writes what is queued. 0, HN_AGAIN, or it is
   * broken. */
  int (*on_flush)(struct hn_conn *c);
  /* Is an idle one still open, and nothing said that would be taken for an
   * answer? At most one system call. */
  bool (*is_alive)(struct hn_conn *c);
  /* A timer with its tag has expired: 0, or it is broken. NULL: it sets none.
   */
  int (*on_timer)(struct hn_conn *c);
  /* It is about to be closed: lets go of what it holds; polite: with a last
   * word, if that can be written at once. NULL: it holds nothing. */
  void (*close)(struct hn_conn *c, bool polite);
};

/* Of one stream on it. Each goes as far as it can and answers 0, HN_AGAIN or an
 * error. Errors of the transport are returned bare; a protocol's own (a fault)
 * are described in *x->info before they are returned. */
struct hn_stream_protocol {
  /* Queues the head and the copied part of the given body; x->written is what
   * that comes to. */
  int (*begin)(struct hn_exchange *x);
  /* Takes 1..n bytes of body. */
  int (*write)(struct hn_exchange *x, struct hn_slice data, size_t *put);
  /* Queues the end of the request, once. */
  int (*end)(struct hn_exchange *x);
  /* What is queued is accepted, within whatever window the peer gives: written,
   * or as good as that. */
  int (*flush)(struct hn_exchange *x);
  /* Whether read_head could find something: a write cannot go on or (broken)
   * has failed. */
  bool (*may_read)(struct hn_exchange *x, bool broken);
  /* Reads the final response's head; interim ones are news. */
  int (*read_head)(struct hn_exchange *x);
  /* Reads 1..n bytes of body; 0 with *got 0: it has ended. */
  int (*read_body)(struct hn_exchange *x, char *p, size_t n, size_t *got);
  /* Body bytes at hand, reading once if there are none; 0: it has ended. */
  int (*peek_body)(struct hn_exchange *x, uint64_t *n);
  /* The connection could serve again if only the rest of the body was read. */
  bool (*is_owed)(const struct hn_exchange *x);
  /* The peer has said, or it follows from what it said, that it has not begun
   * with this request: it may be sent again whatever its method. */
  bool (*is_unprocessed)(const struct hn_exchange *x);
  /* The stream is over, also when begin has failed. 0: the connection serves
   * on; HN_AGAIN: it does when what nobody reads has passed by (on_ready); else
   * it does not, but for the exchanges that it has. */
  int (*close)(struct hn_exchange *x, enum hn_ending ending);
};

struct hn_protocol {
  const char *name; /* in ALPN (RFC 7301) */
  bool shares;      /* several exchanges at once on one connection */
  struct hn_conn_protocol conn;
  struct hn_stream_protocol stream;
};

/* What whoever wants a connection can use: all static. */
struct hn_protocols {
  struct hn_slice alpn; /* as TLS offers them, see hn_tls_peer */
  /* The one liked best comes first; the last is spoken where nothing is agreed
   * on. */
  const struct hn_protocol *const *list;
  size_t count;
  bool may_share; /* one of them does */
};

static inline bool protocols_have(const struct hn_protocols *all,
                                  const struct hn_protocol *p) {
  for (size_t i = 0; i < all->count; i++)
    if (all->list[i] == p) return true;
  return false;
}

#endif
