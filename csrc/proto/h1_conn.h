/*
 * h1_conn.h: what may legally happen next on one client connection.
 *
 * Two machines, ours (requests) and the peer's (responses), each a const table
 * of state x event -> state, coupled by a few rules in one place (h1_conn.c):
 * keep-alive, upgrade, close. No bytes and no I/O: the caller reports facts,
 * the machine says whether they were legal. After h11's idea.
 *
 *   ours:   IDLE -head-> BODY -end-> DONE             (error or abort) -> ERROR
 *   peer's: IDLE -interim-> IDLE -head-> BODY -end-> DONE
 *   both DONE and keep-alive: both IDLE by h1_conn_next; not: both MUST_CLOSE
 *   101 to a request that asked for it: both SWITCHED, ours after its end
 *   a peer's close while both are IDLE: both MUST_CLOSE
 */
#ifndef HN_PROTO_H1_CONN_H
#define HN_PROTO_H1_CONN_H

#include "h1_head.h"

enum hn_h1_state {
  HN_H1_IDLE,       /* nothing of this message yet */
  HN_H1_BODY,       /* head done, body going on */
  HN_H1_DONE,       /* message complete */
  HN_H1_MUST_CLOSE, /* complete, and the connection carries no other */
  HN_H1_SWITCHED,   /* another protocol speaks now */
  HN_H1_ERROR,      /* no byte may be sent or believed any more */
  HN_H1_STATES
};

enum hn_h1_event {
  HN_H1_SEND_HEAD,
  HN_H1_SEND_END,
  HN_H1_RECEIVE_INTERIM, /* 1xx but 101 */
  HN_H1_RECEIVE_HEAD,
  HN_H1_RECEIVE_SWITCH, /* 101 */
  HN_H1_RECEIVE_END,
  HN_H1_PEER_CLOSED,
  HN_H1_ABORT,
  HN_H1_EVENTS
};

struct hn_h1_conn {
  enum hn_h1_state ours, theirs;
  bool keep_alive;   /* so far nobody said close */
  bool gives_up;     /* we did */
  bool asked_switch; /* our head had Upgrade */
  int64_t patience;  /* ms the peer says that it waits for the next request;
                        INT64_MAX: it has not said */
};

HN_INTERNAL void h1_conn_init(struct hn_h1_conn *c);

/* Reports an event. 0, or INCORRECT_HANDLE_STATE for one that we caused
 * (sending out of turn) and INVALID_SERVER_RESPONSE for one the peer caused;
 * both machines are then in ERROR.
 *
 * A final head before our body was sent is legal (RFC 9112 9.3). The rest of
 * our body need not be sent; but the server waits for it, so the connection
 * becomes reusable only if it is sent after all and SEND_END reported.
 *
 * PEER_CLOSED takes keep-alive away. Before a response that is awaited it is
 * an error; inside a body it is legal here, for h1_body_eof knows whether it
 * ends it: then RECEIVE_END follows. In SWITCHED it is the other protocol's. */
HN_INTERNAL int h1_conn_event(struct hn_h1_conn *c, enum hn_h1_event event);

/* RFC 9112 9.3: notes what our request's and their final response's head say
 * about persistence; minor is the message's HTTP/1.x version. Close wins over
 * keep-alive, and once lost keep-alive does not come back. The request's also
 * says whether a 101 may follow (RFC 9110 7.8), the response's how long the
 * peer keeps the connection ("Keep-Alive: timeout=5", RFC 2068 19.7.1.1).
 * Before or after the head's event, but before the end's. */
HN_INTERNAL void h1_conn_note_request(struct hn_h1_conn *c, int minor,
                                      const struct hn_headers *fields);
HN_INTERNAL void h1_conn_note_response(struct hn_h1_conn *c, int minor,
                                       const struct hn_headers *fields);
/* The response's framing is until-close, or the peer half-closed. */
HN_INTERNAL void h1_conn_note_close(struct hn_h1_conn *c);
/* We do not want it for another exchange. */
HN_INTERNAL void h1_conn_give_up(struct hn_h1_conn *c);

/* Our message is complete, and when theirs is the connection may carry
 * another. */
HN_INTERNAL bool h1_conn_may_go_on(const struct hn_h1_conn *c);

/* Both messages are complete and the connection may carry another. */
HN_INTERNAL bool h1_conn_is_reusable(const struct hn_h1_conn *c);
/* Back to IDLE for the next exchange; only when reusable. */
HN_INTERNAL void h1_conn_next(struct hn_h1_conn *c);

#endif
