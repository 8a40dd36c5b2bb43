/*
 * request.h: a request handle: what is asked, what was answered, and the two
 * operations that may run on it.
 *
 *   NEW -> SENDING -> SENT -> RECEIVING -> RECEIVED
 *                             RECEIVING -> REDIRECTING -> CLEARING -> RECEIVING
 *   any -> FAILED   an operation failed; a new send starts over
 *   any -> BROKEN   a wait was broken off: OPERATION_CANCELLED to everything
 *                   but a close and a new send
 */
#ifndef HN_HANDLES_REQUEST_H
#define HN_HANDLES_REQUEST_H

#include "../http/content.h"
#include "connection.h"
#include "../core/duplex.h"
#include "hop.h"

enum hn_request_state {
  HN_REQUEST_NEW,         /* not yet sent */
  HN_REQUEST_SENDING,     /* hn_send runs */
  HN_REQUEST_SENT,        /* head and given body are out */
  HN_REQUEST_RECEIVING,   /* hn_receive_response runs */
  HN_REQUEST_REDIRECTING, /* held until the caller has seen the redirect */
  HN_REQUEST_CLEARING,    /* what is left of its body is read away */
  HN_REQUEST_RECEIVED,    /* the response head is here */
  HN_REQUEST_FAILED,
  HN_REQUEST_BROKEN,
  HN_REQUEST_STATES
};

struct hn_request {
  struct hn_node node;
  enum hn_request_state state;
  int64_t context_value;
  const struct hn_target *target; /* borrowed: the connection's or the hop's */
  struct hn_hop *hop;       /* owned: where redirects led; NULL: nowhere */
  struct hn_hop *next_hop;  /* owned: where the next one leads */
  bool opened_secure;       /* HN_REQUEST_SECURE */
  bool own_framing;         /* Content-Length or Transfer-Encoding is ours */
  bool own_accept;          /* Accept-Encoding is ours */
  bool securing;            /* it waits for its TLS identity */
  bool begun;               /* the exchange of this send has been begun */
  int minor;                /* HTTP/1.minor */
  struct hn_buf text;       /* method, then target */
  size_t method_size;       /* of text */
  struct hn_headers fields; /* the request's */
  struct hn_headers answer; /* the response's, its whole head as block */
  struct hn_headers trailers;
  struct hn_buf body; /* a copy of the body given to hn_send */
  struct hn_buf raw;  /* hn_query_raw_headers' answer */
  struct hn_message message;
  struct hn_exchange exchange;
  struct hn_content content;
  struct hn_operation tx; /* send, write */
  struct hn_operation rx; /* receive response, query, read */
  struct hn_settings settings;
  struct hn_texts *texts;   /* owned; NULL until one is set */
  char *via;                /* owned: what the wish's route shows, or NULL */
  struct hn_news_log *log;  /* owned; NULL while nobody listens */
  struct hn_timer deadline; /* total_timeout, HN_TIMER_TOTAL */
  bool late;                /* it has passed */
  struct hn_errinfo info;   /* of the operation that failed last */
};

HN_INTERNAL struct hn_request *request_from(struct hn_node *n);
HN_INTERNAL int request_find(const hn_runtime *rt, hn_handle h,
                             struct hn_request **out);

HN_INTERNAL void request_set_state(struct hn_request *r,
                                   enum hn_request_state state);

/* The HN_STATUS_HOLDS bit that its exchange has announced, for as long as it
 * waits to be heard; 0: none. */
static inline uint32_t request_announces(const struct hn_request *r) {
  return r->log ? r->log->held : 0;
}

/* Method and path as opened; borrowed. */
HN_INTERNAL struct hn_slice request_method(const struct hn_request *r);
HN_INTERNAL struct hn_slice request_path(const struct hn_request *r);
HN_INTERNAL struct hn_connect *request_connect(const struct hn_request *r);

/* The fields of this hop. */
HN_INTERNAL struct hn_headers *request_fields(struct hn_request *r);

/* Takes out what the last send added, for the next one to decide anew. */
HN_INTERNAL void request_drop_own(struct hn_request *r);

/* hn_add_headers to one of the request's lists. */
HN_INTERNAL int request_add_lines(const struct hn_request *r,
                                  struct hn_headers *h, struct hn_slice lines,
                                  unsigned mode);

/* Forgets where redirects led. */
HN_INTERNAL void request_drop_hops(struct hn_request *r);

/* Appends "https://example.org/path", of this hop. */
HN_INTERNAL int request_append_url(const struct hn_request *r,
                                   struct hn_buf *out);

/* A text of the request's own, else its session's; NULL when that is empty or
 * neither is set. */
HN_INTERNAL const char *request_text(const struct hn_request *r,
                                     enum hn_text which);

/* The hop that goes on when its body is sent once more; NULL: there is none. */
HN_INTERNAL struct hn_hop *request_awaited_hop(const struct hn_request *r);
/* r->next_hop, if there is one, becomes r->hop. */
HN_INTERNAL void request_enter_hop(struct hn_request *r);

/* Describes the failure of an operation, which was at this: returns code. text
 * NULL stands for the code's own. */
HN_INTERNAL int request_blame(struct hn_request *r, int code,
                              enum hn_phase phase, const char *text);

/* "new", "sending", ... */
HN_INTERNAL const char *request_state_name(const struct hn_request *r);

/* What records are made of; and the end of them, with a runtime. */
HN_INTERNAL void request_init_records(hn_runtime *rt);
HN_INTERNAL void request_free_records(hn_runtime *rt);

#endif
