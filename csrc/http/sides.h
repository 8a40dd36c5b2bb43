/*
 * sides.h: how far the two sides of an exchange are, a machine for each, and
 * the rules by which what happens to one moves the other:
 *
 *   tx: NEW -> CONNECT -> HEAD -> BODY -> ENDED
 *                ^---------------------'  (a stale connection: once more)
 *       any -> GIVEN_UP  (answered before its end, or the exchange is dead)
 *   rx: HEAD -> BODY [-> REST] -> DONE
 *       any -> DEAD      (failed or cancelled; the connection is gone)
 */
#ifndef HN_HTTP_SIDES_H
#define HN_HTTP_SIDES_H

#include "../base/trace.h"

/* The request. */
enum hn_tx {
  HN_TX_NEW,      /* nothing happened yet */
  HN_TX_CONNECT,  /* waiting for a connection */
  HN_TX_HEAD,     /* writing the head and the body given with it */
  HN_TX_BODY,     /* all given is out; more body may come */
  HN_TX_ENDED,    /* it is complete */
  HN_TX_GIVEN_UP, /* the rest of it is not wanted any more */
  HN_TX_STATES
};

/* The response. */
enum hn_rx {
  HN_RX_HEAD, /* the final head is awaited, or not handed out yet */
  HN_RX_BODY, /* it is; the body is being read */
  HN_RX_REST, /* what is left of the body is read away */
  HN_RX_DONE, /* the body has ended; the connection is given back */
  HN_RX_DEAD, /* failed or cancelled */
  HN_RX_STATES
};

struct hn_sides {
  enum hn_tx tx;
  enum hn_rx rx;
};

/* What can happen to an exchange. */
enum hn_fact {
  HN_FACT_WANTS,    /* it wants a connection, or another one */
  HN_FACT_BEGINS,   /* and has it */
  HN_FACT_GIVEN,    /* the head and the given body are out */
  HN_FACT_ENDS,     /* so is the whole request */
  HN_FACT_ANSWERED, /* or the final head came before */
  HN_FACT_HEAD,     /* that is handed out */
  HN_FACT_SKIPS,    /* nobody wants the rest of the body */
  HN_FACT_DONE,     /* it has ended */
  HN_FACT_DIES,
};

/* `id` is for traces. */
static inline void sides_set_tx(struct hn_sides *s, uint64_t id,
                                enum hn_tx tx) {
  enum {
    CONNECT = 1 << HN_TX_CONNECT,
    HEAD = 1 << HN_TX_HEAD,
    BODY = 1 << HN_TX_BODY,
    ENDED = 1 << HN_TX_ENDED,
    GIVEN_UP = 1 << HN_TX_GIVEN_UP,
  };
  static const char *const names[HN_TX_STATES] = {
      "NEW", "CONNECT", "HEAD", "BODY", "ENDED", "GIVEN_UP",
  };
  static const unsigned next[HN_TX_STATES] = {
      [HN_TX_NEW] = CONNECT | GIVEN_UP,
      [HN_TX_CONNECT] = HEAD | GIVEN_UP,
      [HN_TX_HEAD] = BODY | CONNECT | GIVEN_UP,
      [HN_TX_BODY] = ENDED | CONNECT | GIVEN_UP,
      [HN_TX_ENDED] = CONNECT | GIVEN_UP,
      [HN_TX_GIVEN_UP] = GIVEN_UP,
  };
  static const struct hn_machine machine = {"sending", names, next};
  s->tx = state_step(&machine, id, s->tx, tx);
}

static inline void sides_set_rx(struct hn_sides *s, uint64_t id,
                                enum hn_rx rx) {
  enum {
    BODY = 1 << HN_RX_BODY,
    REST = 1 << HN_RX_REST,
    DONE = 1 << HN_RX_DONE,
    DEAD = 1 << HN_RX_DEAD,
  };
  static const char *const names[HN_RX_STATES] = {
      "HEAD", "BODY", "REST", "DONE", "DEAD",
  };
  static const unsigned next[HN_RX_STATES] = {
      [HN_RX_HEAD] = BODY | DEAD, [HN_RX_BODY] = REST | DONE | DEAD,
      [HN_RX_REST] = DONE | DEAD, [HN_RX_DONE] = DEAD,
      [HN_RX_DEAD] = DEAD,
  };
  static const struct hn_machine machine = {"receiving", names, next};
  s->rx = state_step(&machine, id, s->rx, rx);
}

/* The rules, all of them. */
static inline void sides_move(struct hn_sides *s, uint64_t id,
                              enum hn_fact fact) {
  switch (fact) {
  case HN_FACT_WANTS: sides_set_tx(s, id, HN_TX_CONNECT); break;
  case HN_FACT_BEGINS: sides_set_tx(s, id, HN_TX_HEAD); break;
  case HN_FACT_GIVEN:
    /* An answer that came meanwhile counts (RFC 9112 9.6). */
    if (s->tx != HN_TX_GIVEN_UP) sides_set_tx(s, id, HN_TX_BODY);
    break;
  case HN_FACT_ENDS:
    if (s->tx != HN_TX_GIVEN_UP) sides_set_tx(s, id, HN_TX_ENDED);
    break;
  case HN_FACT_ANSWERED: sides_set_tx(s, id, HN_TX_GIVEN_UP); break;
  case HN_FACT_HEAD: sides_set_rx(s, id, HN_RX_BODY); break;
  case HN_FACT_SKIPS: sides_set_rx(s, id, HN_RX_REST); break;
  case HN_FACT_DONE: sides_set_rx(s, id, HN_RX_DONE); break;
  case HN_FACT_DIES:
    sides_set_tx(s, id, HN_TX_GIVEN_UP);
    sides_set_rx(s, id, HN_RX_DEAD);
    break;
  }
}

#endif
