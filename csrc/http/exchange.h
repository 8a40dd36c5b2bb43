/*
 * exchange.h: one request and its response, whatever protocol carries them.
 *
 * An exchange gets itself a connection from the pool, sends, waits and reads,
 * each as a call that goes as far as it can and answers HN_AGAIN when it must
 * wait. It is embedded in its request, whose handle it drives connections by,
 * and knows nothing of operations or events: facts go to the news log, errors
 * into *info. How far it is: sides.h.
 */
#ifndef HN_HTTP_EXCHANGE_H
#define HN_HTTP_EXCHANGE_H

#include "message.h"
#include "pool.h"
#include "sides.h"

enum {
  /* How often it begins anew because its server has not begun. */
  HN_X_RETRIES = 3,
  /* How long 100 (Continue) is waited for, in ms (RFC 9110 10.1.1 leaves it to
   * the client). */
  HN_X_PATIENCE = 1000,
  /* A rest that nobody wants: so much of it is read away, and waited for so
   * long (ms). A handshake costs about as much. */
  HN_X_REST_SIZE = 64 * 1024,
  HN_X_REST_PATIENCE = 250,
};

/* Room for what a protocol remembers of one stream: no allocation for it. */
enum { HN_STREAM_STATE = 192 };

/* What came back, whatever it was said in. */
struct hn_response {
  int status;                   /* 100..999 */
  int major, minor;             /* the version it came in */
  uint32_t reason, reason_size; /* span in the fields' bytes */
  struct hn_headers *fields;    /* borrowed: where they go */
  struct hn_headers *trailers;  /* borrowed */
  uint64_t rest; /* body bytes to come; UINT64_MAX: it is not known */
  bool done;     /* its body has ended */
  bool is_last;  /* and its server has said that it hangs up then */
};

/* Where an exchange's connection comes from, and its limits. */
struct hn_exchange_setup {
  struct hn_pool *pool; /* borrowed */
  struct hn_pool_wish wish;
  const char *authority; /* borrowed: "example.org:443", for errors */
  size_t max_head;       /* MAX_RESPONSE_HEADER_SIZE */
  unsigned max_interim;  /* MAX_HTTP_STATUS_CONTINUE */
  uint64_t max_drain;    /* MAX_RESPONSE_DRAIN_SIZE */
};

struct hn_exchange {
  struct hn_sides sides;
  struct hn_exchange_setup setup;
  const struct hn_protocol *protocol; /* of the connection */
  struct hn_conn *conn;               /* borrowed from the pool; or NULL */
  struct hn_conn *held;               /* it, or the one there was: conn_hold */
  const struct hn_message *message;   /* borrowed */
  struct hn_news_log *log;            /* borrowed; may be NULL */
  struct hn_errinfo *info;            /* borrowed: the request's */
  struct hn_response response;
  struct hn_waiter waiter; /* in line while there is no connection for it; its
                              link to be woken by */
  struct hn_times times;
  size_t given;       /* bytes of message->body handed to the connection */
  uint64_t sent;      /* bytes of the whole body handed to it */
  uint64_t written;   /* bytes of head and given body, for the news */
  uint64_t head_size; /* bytes of the response's head */
  uint64_t body_size; /* bytes of its body, as it came */
  uint64_t received;  /* bytes of the response read from the connection */
  unsigned interim;   /* 1xx responses so far */
  unsigned retries;   /* how often it began once more */
  uint64_t unwanted;  /* body_size when its rest began to be read away */
  struct hn_timer patience; /* with a server that does not say 100, or not the
                               rest of a body */
  bool expecting;           /* for 100 (Continue): the body is held back */
  bool reused;              /* the connection served another exchange before */
  bool announced;           /* "sending_request" was said of the connection */
  bool receiving; /* "receiving_response" was said, nothing came yet */
  bool hungry;    /* the last AGAIN waits for nothing: call again, in the
                     next step. The caller clears it */
  /* The protocol's; need not be zeroed. */
  _Alignas(max_align_t) unsigned char stream[HN_STREAM_STATE];
};

/* Storage comes zeroed, but for the setup. Frees nothing by itself: see
 * exchange_close. */
HN_INTERNAL void exchange_begin(struct hn_exchange *x,
                                const struct hn_message *message);

/* Gets a connection, writes the head and the body given with it. 0: all of it
 * is out. */
HN_INTERNAL int exchange_step_send(struct hn_exchange *x);

/* Then: takes 1..n bytes more of the body. */
HN_INTERNAL int exchange_write(struct hn_exchange *x, struct hn_slice data,
                               size_t *put);
/* Writes what exchange_write left queued. */
HN_INTERNAL int exchange_flush(struct hn_exchange *x);
/* While there is nothing to write yet: 0 when the final response is here, and
 * nobody wants the rest. */
HN_INTERNAL int exchange_look(struct hn_exchange *x);

/* The final response came while the body was being sent: the rest of it is not
 * wanted any more, and writing it is accepted and forgotten. */
HN_INTERNAL bool exchange_is_answered(const struct hn_exchange *x);

/* The body is held back for 100 (Continue), which has a time of its own. */
HN_INTERNAL bool exchange_is_patient(const struct hn_exchange *x);

/* Body bytes that may still be written; UINT64_MAX when chunked. */
HN_INTERNAL uint64_t exchange_unsent(const struct hn_exchange *x);

/* Ends the request and waits for the final response's head. 0: it is here
 * (and DONE when there is no body). */
HN_INTERNAL int exchange_step_head(struct hn_exchange *x);

/* Reads 1..n body bytes. 0 with *got 0: the body has ended (DONE). */
HN_INTERNAL int exchange_read(struct hn_exchange *x, char *p, size_t n,
                              size_t *got);
/* Waits for at least one body byte; *n is what can be read without waiting, 0
 * at the end. */
HN_INTERNAL int exchange_available(struct hn_exchange *x, uint64_t *n);

/* Reads away what is left of a body, if it can be short, so that the connection
 * serves again at once. 0: go on, the connection being clean or not; HN_AGAIN:
 * there may be more, for HN_X_REST_PATIENCE ms. */
HN_INTERNAL int exchange_step_rest(struct hn_exchange *x);

/* What is being done, for a timeout's text. */
HN_INTERNAL enum hn_phase exchange_phase(const struct hn_exchange *x);

/* The last AGAIN waits until its news were heard (news.h): it is not stepped
 * until exchange_go_on, and none of its times runs. */
HN_INTERNAL void exchange_hold(struct hn_exchange *x);
HN_INTERNAL void exchange_go_on(struct hn_exchange *x);

/* Nobody will ask about its connection any more: for the end of its storage. */
HN_INTERNAL void exchange_forget(struct hn_exchange *x);

/* For its protocol: there is something for it, to be looked at in the next
 * round. */
HN_INTERNAL void exchange_wake(struct hn_exchange *x);

/* The connection carries no exchange after those it has. */
HN_INTERNAL void exchange_expire(struct hn_exchange *x);

/* Gives the connection back: clean, to be drained, or closed. The exchange may
 * be begun again. */
HN_INTERNAL void exchange_close(struct hn_exchange *x);
/* Closes the connection without ceremony: DEAD. */
HN_INTERNAL void exchange_abort(struct hn_exchange *x);

#endif
