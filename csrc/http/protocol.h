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

/* Of the connection. */
struct hn_conn_protocol {
  /* It is connected and begins to speak. */
  void (*open)(struct hn_conn *c);
  /* For how many ms the peer says that it waits for the next exchange;
   * INT64_MAX: it has not said. */
  int64_t (*patience)(const struct hn_conn *c);
  /* It carries no exchange after those it has. */
  void (*retire)(struct hn_conn *c);
  /* News, and no exchange owns it. 0: it may serve; HN_AGAIN: not yet, what
   * nobody reads is passing by; else it is broken. */
  int (*on_ready)(struct hn_conn *c);
  /* Is an idle one still open, and nothing said that would be taken for an
   * answer? At most one system call. */
  bool (*is_alive)(struct hn_conn *c);
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
  /* Writes what is queued. */
  int (*flush)(struct hn_exchange *x);
  /* Reads the final response's head; interim ones are news. */
  int (*read_head)(struct hn_exchange *x);
  /* Reads 1..n bytes of body; 0 with *got 0: it has ended. */
  int (*read_body)(struct hn_exchange *x, char *p, size_t n, size_t *got);
  /* Body bytes at hand, reading once if there are none; 0: it has ended. */
  int (*peek_body)(struct hn_exchange *x, uint64_t *n);
  /* The connection could serve again if only the rest of the body was read. */
  bool (*is_owed)(const struct hn_exchange *x);
  /* The stream is over. 0: the connection serves on; HN_AGAIN: it does when
   * what nobody reads has passed by (on_ready); else it does not. */
  int (*close)(struct hn_exchange *x, enum hn_ending ending);
};

struct hn_protocol {
  struct hn_slice alpn; /* its name behind a byte with its length (RFC 7301) */
  struct hn_conn_protocol conn;
  struct hn_stream_protocol stream;
};

#endif
