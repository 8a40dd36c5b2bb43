/*
 * h1.c: HTTP/1.1 on a connection (RFC 9112): the protocol behind exchange.c.
 */
#include <string.h>

#include "exchange.h"
#include "protocol.h"

enum {
  /* Body bytes that go into one chunk, and are copied behind the head. */
  HN_H1_PIECE = HN_MAX_COPY,
  /* Reads smaller than this go through the read-ahead. */
  HN_H1_DIRECT = HN_READ_AHEAD,
  /* The longest framing that must lie in the read-ahead at once, and more. */
  HN_H1_AHEAD = HN_MAX_TRAILER + HN_READ_AHEAD,
};

static int h1_fault(struct hn_exchange *x, enum hn_fault fault,
                    enum hn_phase phase) {
  return err_set(x->info, fault_code(fault), phase, x->setup.authority,
                 fault_text(fault));
}

static int h1_queue_chunk(struct hn_conn *c, struct hn_slice data) {
  char line[HN_CHUNK_HEAD_SIZE];
  int rc = conn_queue(c, slice_make(line, h1_chunk_head(line, data.n)));
  if (rc == 0) rc = conn_queue(c, data);
  return rc ? rc : conn_queue(c, slice_of("\r\n"));
}

static bool h1_is_chunked(const struct hn_exchange *x) {
  return x->message->length == HN_LENGTH_CHUNKED;
}

static int h1_begin(struct hn_exchange *x) {
  const struct hn_message *m = x->message;
  struct hn_conn *c = x->conn;
  int rc = h1_conn_event(&c->h1, HN_H1_SEND_HEAD);
  if (rc) return rc;
  h1_conn_note_request(&c->h1, m->minor, m->fields);
  if (!c->out.bytes)
    spares_take(&c->env->spares, &c->out, 1024, c->out.cap);
  rc = h1_head_write(&c->out, m->method, m->target, m->minor, m->fields);
  if (rc || m->expects || m->body.n == 0 || m->body.n > HN_H1_PIECE)
    return rc;
  rc = h1_is_chunked(x) ? h1_queue_chunk(c, m->body) : conn_queue(c, m->body);
  if (rc) return rc;
  x->given = m->body.n;
  x->sent = m->body.n;
  return 0;
}

static int h1_flush(struct hn_exchange *x) {
  return conn_flush(x->conn);
}

static int h1_write(struct hn_exchange *x, struct hn_slice data, size_t *put) {
  int rc = conn_flush(x->conn);
  if (rc) return rc;
  if (!h1_is_chunked(x)) return conn_write(x->conn, data, put);
  struct hn_slice piece = slice_sub(data, 0, HN_H1_PIECE);
  rc = h1_queue_chunk(x->conn, piece);
  if (rc) return rc;
  *put = piece.n;
  return 0;
}

static int h1_end(struct hn_exchange *x) {
  int rc = h1_conn_event(&x->conn->h1, HN_H1_SEND_END);
  if (rc == 0 && h1_is_chunked(x))
    rc = conn_queue(x->conn, slice_of(HN_CHUNK_LAST));
  return rc;
}

/* A peer that says much in small pieces has to wait until its news have been
 * told: the log has only so many places. */
static bool h1_must_tell(struct hn_exchange *x) {
  x->hungry = x->log && x->log->count > HN_NEWS_ROOM / 2;
  return x->hungry;
}

/* One read into the read-ahead, with its news. 0: bytes came, or *got is 0. */
static int h1_fill(struct hn_exchange *x, size_t cap, size_t *got) {
  if (h1_must_tell(x)) return HN_AGAIN;
  if (!x->receiving) {
    news_add(x->log, HN_STATUS_RECEIVING_RESPONSE, 0);
    x->receiving = true;
  }
  int rc = conn_fill(x->conn, cap, got);
  if (rc) return rc;
  if (x->received == 0)
    x->times.at[HN_TIME_RESPONSE_START] = x->conn->heard_at;
  x->received += *got;
  x->receiving = false;
  news_add(x->log, HN_STATUS_RESPONSE_RECEIVED, *got);
  return 0;
}

/* An interim response is over: the next head follows it. */
static int h1_on_interim(struct hn_exchange *x) {
  if (++x->interim > x->setup.max_interim)
    return h1_fault(x, HN_FAULT_TOO_MANY_INTERIM, HN_PHASE_RESPONSE);
  news_add(x->log, HN_STATUS_INTERMEDIATE_RESPONSE, (uint64_t)x->head.status);
  if (x->head.status == 100) x->expecting = false;
  h1_head_init(&x->head, x->setup.max_head);
  headers_clear(x->fields);
  return HN_AGAIN;
}

static int h1_on_final(struct hn_exchange *x) {
  struct hn_conn *c = x->conn;
  int rc = h1_body_begin(&x->body, &x->head, x->fields, x->message->method);
  if (rc) return h1_fault(x, x->body.fault, HN_PHASE_RESPONSE);
  pool_note_1_0(c, x->head.minor == 0);
  h1_conn_note_response(&c->h1, x->head.minor, x->fields);
  if (x->body.framing == HN_FRAMING_CLOSE) h1_conn_note_close(&c->h1);
  return 0;
}

static int h1_on_head(struct hn_exchange *x) {
  int status = x->head.status;
  enum hn_h1_event event = status == 101  ? HN_H1_RECEIVE_SWITCH
                           : status < 200 ? HN_H1_RECEIVE_INTERIM
                                          : HN_H1_RECEIVE_HEAD;
  if (h1_conn_event(&x->conn->h1, event))
    return h1_fault(x,
                    status == 101 ? HN_FAULT_UNEXPECTED_UPGRADE
                                  : HN_FAULT_UNASKED_RESPONSE,
                    HN_PHASE_RESPONSE);
  return event == HN_H1_RECEIVE_INTERIM ? h1_on_interim(x) : h1_on_final(x);
}

/* The peer closed before a head was complete. */
static int h1_on_early_end(struct hn_exchange *x) {
  if (buf_size(&x->conn->in) > 0)
    return h1_fault(x, HN_FAULT_TRUNCATED_HEAD, HN_PHASE_RESPONSE);
  return err_set(x->info, HN_ERR_CONNECTION_ERROR, HN_PHASE_RESPONSE,
                 x->setup.authority, "connection closed without a response");
}

static int h1_read_head(struct hn_exchange *x) {
  struct hn_conn *c = x->conn;
  while (!h1_must_tell(x)) {
    size_t used = 0, got = 0;
    struct hn_slice in = buf_peek(&c->in);
    int rc = in.n ? h1_head_parse(&x->head, in, x->fields, &used) : HN_AGAIN;
    if (rc == 0) {
      buf_consume(&c->in, used);
      x->head_size += used;
      rc = h1_on_head(x);
      if (rc == HN_AGAIN) continue;
      return rc;
    }
    if (rc != HN_AGAIN)
      return x->head.fault ? h1_fault(x, x->head.fault, HN_PHASE_RESPONSE)
                           : err_set(x->info, rc, HN_PHASE_RESPONSE,
                                     x->setup.authority, NULL);
    rc = h1_fill(x, x->setup.max_head + HN_READ_AHEAD, &got);
    if (rc) return rc;
    if (got == 0) return h1_on_early_end(x);
  }
  return HN_AGAIN;
}

/* Steps over framing that is already here, so that the end of the body is
 * known with its last byte and not one call later. */
static int h1_advance(struct hn_exchange *x) {
  struct hn_conn *c = x->conn;
  if (x->body.done || h1_body_direct(&x->body) > 0) return 0;
  size_t used = 0;
  int rc = h1_body_feed(&x->body, buf_peek(&c->in), x->trailers, &used);
  if (rc == 0 || rc == HN_AGAIN) buf_consume(&c->in, used);
  if (rc == 0 || rc == HN_AGAIN) return rc;
  return x->body.fault ? h1_fault(x, x->body.fault, HN_PHASE_RECEIVE) : rc;
}

static int h1_on_body_eof(struct hn_exchange *x) {
  (void)h1_conn_event(&x->conn->h1, HN_H1_PEER_CLOSED);
  if (h1_body_eof(&x->body) == 0) return 0;
  return h1_fault(x, HN_FAULT_TRUNCATED_BODY, HN_PHASE_RECEIVE);
}

/* Waits until a data byte is the next thing, or the body has ended. `direct`:
 * stop as well when bytes may be read around the read-ahead. */
static int h1_await_data(struct hn_exchange *x, bool direct) {
  for (;;) {
    int rc = h1_advance(x);
    if (rc && rc != HN_AGAIN) return rc;
    if (x->body.done) return 0;
    if (rc == 0 && (direct || buf_size(&x->conn->in) > 0)) return 0;
    size_t got = 0;
    rc = h1_fill(x, HN_H1_AHEAD, &got);
    if (rc) return rc;
    if (got == 0) {
      rc = h1_on_body_eof(x);
      if (rc) return rc;
    }
  }
}

/* Straight from the transport to the caller. */
static int h1_read_direct(struct hn_exchange *x, char *p, size_t n,
                          size_t *got) {
  if (h1_must_tell(x)) return HN_AGAIN;
  if (!x->receiving) {
    news_add(x->log, HN_STATUS_RECEIVING_RESPONSE, 0);
    x->receiving = true;
  }
  size_t taken = 0;
  int rc = conn_read(x->conn, p, n, &taken);
  if (rc) return rc;
  x->receiving = false;
  x->received += taken;
  news_add(x->log, HN_STATUS_RESPONSE_RECEIVED, taken);
  if (taken == 0) {
    rc = h1_on_body_eof(x);
    if (rc) return rc;
  }
  *got = taken;
  return 0;
}

static size_t h1_take_ahead(struct hn_exchange *x, char *p, size_t n) {
  struct hn_slice in = buf_peek(&x->conn->in);
  if (n > in.n) n = in.n;
  memcpy(p, in.p, n);
  buf_consume(&x->conn->in, n);
  return n;
}

static int h1_read_body(struct hn_exchange *x, char *p, size_t n,
                        size_t *got) {
  bool large = n >= HN_H1_DIRECT;
  int rc = h1_await_data(x, large);
  if (rc) return rc;
  uint64_t direct = h1_body_direct(&x->body);
  if (direct == 0) {
    *got = 0;
    return 0;
  }
  if (n > direct) n = (size_t)direct;
  size_t taken = 0;
  if (buf_size(&x->conn->in) > 0)
    taken = h1_take_ahead(x, p, n);
  else
    rc = h1_read_direct(x, p, n, &taken);
  if (rc) return rc;
  h1_body_skip(&x->body, taken);
  x->body_size += taken;
  rc = h1_advance(x);
  if (rc && rc != HN_AGAIN) return rc;
  *got = taken;
  return 0;
}

static int h1_peek_body(struct hn_exchange *x, uint64_t *n) {
  int rc = h1_await_data(x, false);
  if (rc) return rc;
  uint64_t direct = h1_body_direct(&x->body);
  uint64_t here = buf_size(&x->conn->in);
  *n = here < direct ? here : direct;
  return 0;
}

/* Not told: that a server closes after a whole response, as it said. */
static void h1_drop(struct hn_exchange *x) {
  const struct hn_h1_conn *h1 = &x->conn->h1;
  bool theirs = x->body.done && !h1->keep_alive && !h1->gives_up;
  struct hn_news_log *log = theirs ? NULL : x->log;
  news_add(log, HN_STATUS_CLOSING_CONNECTION, 0);
  pool_drop(x->setup.pool, x->conn, true);
  news_add(log, HN_STATUS_CONNECTION_CLOSED, 0);
}

/* Steps over what is here already of a body that nobody reads: a short chunked
 * one mostly came with its head, and its end is known then. */
static void h1_skip_ahead(struct hn_exchange *x) {
  struct hn_buf *in = &x->conn->in;
  while (!x->body.done) {
    size_t used = 0;
    if (h1_body_feed(&x->body, buf_peek(in), x->trailers, &used)) return;
    buf_consume(in, used);
    uint64_t n = h1_body_direct(&x->body);
    if (n > buf_size(in)) n = buf_size(in);
    if (n == 0 && !x->body.done) return;
    buf_consume(in, (size_t)n);
    h1_body_skip(&x->body, n);
  }
}

static void h1_release(struct hn_exchange *x) {
  struct hn_conn *c = x->conn;
  if (x->body.framing == HN_FRAMING_CHUNKED) h1_skip_ahead(x);
  uint64_t rest = h1_body_known_rest(&x->body);
  bool clean = h1_conn_event(&c->h1, HN_H1_RECEIVE_END) == 0 &&
               h1_conn_is_reusable(&c->h1) && buf_size(&c->out) == 0 &&
               rest <= x->setup.max_drain;
  /* Bytes behind the body belong to no request of ours: a reader that used
   * them for the next one would believe whoever sent them. */
  if (rest < buf_size(&c->in)) clean = false;
  if (!clean) {
    h1_drop(x);
    return;
  }
  h1_conn_next(&c->h1);
  if (rest == 0)
    pool_release(x->setup.pool, c);
  else
    pool_drain(x->setup.pool, c, rest);
}

static const struct hn_protocol h1_protocol = {
  .begin = h1_begin,
  .write = h1_write,
  .end = h1_end,
  .flush = h1_flush,
  .read_head = h1_read_head,
  .read_body = h1_read_body,
  .peek_body = h1_peek_body,
  .release = h1_release,
};

const struct hn_protocol *protocol_h1(void) {
  return &h1_protocol;
}
