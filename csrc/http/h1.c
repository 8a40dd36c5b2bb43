/*
 * h1.c: HTTP/1.1 on a connection (RFC 9112): the protocol behind exchange.c.
 */
#include <string.h>

#include "h1.h"

enum {
  /* Body bytes that go into one chunk, and are copied behind the head. */
  HN_H1_PIECE = HN_MAX_COPY,
  /* Reads smaller than this go through the read-ahead. */
  HN_H1_DIRECT = HN_READ_AHEAD,
  /* The longest framing that must lie in the read-ahead at once, and more. */
  HN_H1_AHEAD = HN_MAX_TRAILER + HN_READ_AHEAD,
};

struct hn_h1_line *h1_line(struct hn_conn *c) {
  return (struct hn_h1_line *)(void *)c->state;
}

static struct hn_h1_conn *h1_turn(struct hn_conn *c) {
  return &h1_line(c)->turn;
}

static struct hn_h1_stream *h1_stream(struct hn_exchange *x) {
  return (struct hn_h1_stream *)(void *)x->stream;
}

static struct hn_h1_head *h1_head(struct hn_exchange *x) {
  return &h1_stream(x)->head;
}

static struct hn_h1_body *h1_body(struct hn_exchange *x) {
  return &h1_stream(x)->body;
}

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

/* Of the response, or the one that follows an interim response. */
static void h1_begin_head(struct hn_exchange *x) {
  h1_head_init(h1_head(x), x->setup.max_head);
  h1_stream(x)->is_interim = false;
}

static int h1_queue_head(struct hn_conn *c, const struct hn_message *m) {
  int rc = h1_conn_event(h1_turn(c), HN_H1_SEND_HEAD);
  if (rc) return rc;
  h1_conn_note_request(h1_turn(c), m->minor, m->fields);
  if (!c->out.bytes) spares_take(&c->env->spares, &c->out, 1024, c->out.cap);
  return h1_head_write(&c->out, m->method, m->target, m->minor, m->fields);
}

static int h1_begin(struct hn_exchange *x) {
  const struct hn_message *m = x->message;
  struct hn_conn *c = x->conn;
  h1_begin_head(x);
  int rc = h1_queue_head(c, m);
  if (rc == 0 && !m->expects && m->body.n > 0 && m->body.n <= HN_H1_PIECE) {
    rc = h1_is_chunked(x) ? h1_queue_chunk(c, m->body) : conn_queue(c, m->body);
    if (rc == 0) x->given = x->sent = m->body.n;
  }
  x->written = buf_size(&c->out);
  return rc;
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
  int rc = h1_conn_event(h1_turn(x->conn), HN_H1_SEND_END);
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
  if (x->received == 0) x->times.at[HN_TIME_RESPONSE_START] = x->conn->heard_at;
  x->received += *got;
  x->receiving = false;
  news_add(x->log, HN_STATUS_RESPONSE_RECEIVED, *got);
  return 0;
}

/* What the others may know of the body. */
static void h1_tell_body(struct hn_exchange *x) {
  x->response.rest = h1_body_known_rest(h1_body(x));
  x->response.done = h1_body(x)->done;
}

/* And of the head. */
static void h1_tell_head(struct hn_exchange *x, const struct hn_h1_head *h) {
  x->response.status = h->status;
  x->response.major = h->major;
  x->response.minor = h->minor;
  x->response.reason = h->reason;
  x->response.reason_size = h->reason_size;
}

/* An interim response is here; it can be looked at until it was heard. */
static int h1_on_interim(struct hn_exchange *x) {
  const struct hn_h1_head *head = h1_head(x);
  if (++x->interim > x->setup.max_interim)
    return h1_fault(x, HN_FAULT_TOO_MANY_INTERIM, HN_PHASE_RESPONSE);
  news_add(x->log, HN_STATUS_INTERMEDIATE_RESPONSE, (uint64_t)head->status);
  if (head->status == 100) x->expecting = false;
  h1_tell_head(x, head);
  h1_stream(x)->is_interim = true;
  return HN_AGAIN;
}

static int h1_on_final(struct hn_exchange *x) {
  struct hn_h1_conn *turn = h1_turn(x->conn);
  const struct hn_h1_head *head = h1_head(x);
  struct hn_headers *fields = x->response.fields;
  struct hn_h1_body *body = h1_body(x);
  int rc = h1_body_begin(body, head, fields, x->message->method);
  if (rc) return h1_fault(x, body->fault, HN_PHASE_RESPONSE);
  h1_conn_note_response(turn, head->minor, fields);
  if (body->framing == HN_FRAMING_CLOSE) h1_conn_note_close(turn);
  h1_tell_head(x, head);
  h1_tell_body(x);
  return 0;
}

static int h1_on_head(struct hn_exchange *x) {
  int status = h1_head(x)->status;
  enum hn_h1_event event = status == 101  ? HN_H1_RECEIVE_SWITCH
                           : status < 200 ? HN_H1_RECEIVE_INTERIM
                                          : HN_H1_RECEIVE_HEAD;
  if (h1_conn_event(h1_turn(x->conn), event))
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
  struct hn_h1_head *head = h1_head(x);
  while (!h1_must_tell(x)) {
    size_t used = 0, got = 0;
    if (h1_stream(x)->is_interim) {
      headers_clear(x->response.fields);
      h1_begin_head(x);
    }
    struct hn_slice in = buf_peek(&c->in);
    int rc = HN_AGAIN;
    if (in.n) rc = h1_head_parse(head, in, x->response.fields, &used);
    if (rc == 0) {
      buf_consume(&c->in, used);
      x->head_size += used;
      rc = h1_on_head(x);
      if (rc == HN_AGAIN && !news_is_held(x->log)) continue;
      return rc;
    }
    if (rc != HN_AGAIN)
      return head->fault ? h1_fault(x, head->fault, HN_PHASE_RESPONSE)
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
  struct hn_h1_body *b = h1_body(x);
  struct hn_buf *in = &x->conn->in;
  if (b->done || h1_body_direct(b) > 0) return 0;
  size_t used = 0;
  int rc = h1_body_feed(b, buf_peek(in), x->response.trailers, &used);
  if (rc == 0 || rc == HN_AGAIN) buf_consume(in, used);
  if (rc == 0 || rc == HN_AGAIN) return rc;
  return b->fault ? h1_fault(x, b->fault, HN_PHASE_RECEIVE) : rc;
}

static int h1_on_body_eof(struct hn_exchange *x) {
  (void)h1_conn_event(h1_turn(x->conn), HN_H1_PEER_CLOSED);
  if (h1_body_eof(h1_body(x)) == 0) return 0;
  return h1_fault(x, HN_FAULT_TRUNCATED_BODY, HN_PHASE_RECEIVE);
}

/* Waits until a data byte is the next thing, or the body has ended. `direct`:
 * stop as well when bytes may be read around the read-ahead. */
static int h1_await_data(struct hn_exchange *x, bool direct) {
  for (;;) {
    int rc = h1_advance(x);
    if (rc && rc != HN_AGAIN) return rc;
    if (h1_body(x)->done) return 0;
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

static int h1_read_body(struct hn_exchange *x, char *p, size_t n, size_t *got) {
  bool large = n >= HN_H1_DIRECT;
  int rc = h1_await_data(x, large);
  if (rc) return rc;
  uint64_t direct = h1_body_direct(h1_body(x));
  if (direct == 0) {
    h1_tell_body(x);
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
  h1_body_skip(h1_body(x), taken);
  x->body_size += taken;
  rc = h1_advance(x);
  if (rc && rc != HN_AGAIN) return rc;
  h1_tell_body(x);
  *got = taken;
  return 0;
}

static int h1_peek_body(struct hn_exchange *x, uint64_t *n) {
  int rc = h1_await_data(x, false);
  if (rc) return rc;
  uint64_t direct = h1_body_direct(h1_body(x));
  uint64_t here = buf_size(&x->conn->in);
  h1_tell_body(x);
  *n = here < direct ? here : direct;
  return 0;
}

/* Steps over what is here already of a body that nobody reads: a short chunked
 * one mostly came with its head, and its end is known then. */
static void h1_skip_ahead(struct hn_exchange *x) {
  struct hn_h1_body *b = h1_body(x);
  struct hn_buf *in = &x->conn->in;
  while (!b->done) {
    size_t used = 0;
    if (h1_body_feed(b, buf_peek(in), x->response.trailers, &used)) return;
    buf_consume(in, used);
    uint64_t n = h1_body_direct(b);
    if (n > buf_size(in)) n = buf_size(in);
    if (n == 0 && !b->done) return;
    buf_consume(in, (size_t)n);
    h1_body_skip(b, n);
  }
}

static bool h1_is_owed(const struct hn_exchange *x) {
  return h1_conn_may_go_on(h1_turn(x->conn));
}

static int h1_close(struct hn_exchange *x, enum hn_ending ending) {
  struct hn_conn *c = x->conn;
  struct hn_h1_conn *turn = h1_turn(c);
  if (ending == HN_ENDING_ABORT) return HN_ERR_OPERATION_CANCELLED;
  if (ending == HN_ENDING_UNREAD) {
    if (h1_body(x)->framing == HN_FRAMING_CHUNKED) h1_skip_ahead(x);
    h1_tell_body(x);
  }
  uint64_t rest = x->response.rest;
  bool clean = h1_conn_event(turn, HN_H1_RECEIVE_END) == 0 &&
               h1_conn_is_reusable(turn) && buf_size(&c->out) == 0 &&
               rest <= x->setup.max_drain;
  x->response.is_last = !turn->keep_alive && !turn->gives_up;
  /* Bytes behind the body belong to no request of ours: a reader that used
   * them for the next one would believe whoever sent them. */
  if (!clean || rest < buf_size(&c->in)) return HN_ERR_CONNECTION_ERROR;
  h1_conn_next(turn);
  h1_line(c)->rest = rest;
  return rest == 0 ? 0 : HN_AGAIN;
}

/* RFC 9112 gives what is read no mark of what it answers: nothing is lost by
 * looking, but what was asked for cannot be told from what was not begun. */
static bool h1_is_unprocessed(const struct hn_exchange *x) {
  (void)x;
  return false;
}

static bool h1_may_read(struct hn_exchange *x, bool broken) {
  if (broken) x->conn->readable = true; /* what was said before is there */
  return conn_can_read(x->conn);
}

static int h1_open(struct hn_conn *c) {
  h1_conn_init(h1_turn(c));
  h1_line(c)->rest = 0;
  return 0;
}

static int64_t h1_room(const struct hn_conn *c) {
  return 1 - (int64_t)c->streams;
}

static int64_t h1_patience(const struct hn_conn *c) {
  return ((const struct hn_h1_line *)(const void *)c->state)->turn.patience;
}

static void h1_retire(struct hn_conn *c) {
  h1_conn_give_up(h1_turn(c));
}

/* Throws away what is here of a body that nobody reads, up to a portion. */
static int h1_drain(struct hn_conn *c, uint64_t *rest) {
  size_t portion = env_portion(c->env);
  uint64_t start = *rest;
  for (;;) {
    size_t have = buf_size(&c->in);
    if (have > *rest) have = (size_t)*rest;
    buf_consume(&c->in, have);
    *rest -= have;
    /* Bytes after the body: nothing to trust. */
    if (*rest == 0) return buf_size(&c->in) ? HN_ERR_CONNECTION_ERROR : 0;
    if (start - *rest >= portion && conn_can_read(c)) {
      conn_go_on_later(c);
      return HN_AGAIN;
    }
    size_t got = 0;
    int rc = conn_fill(c, HN_READ_AHEAD, &got);
    if (rc) return rc;
    if (got == 0) return HN_ERR_CONNECTION_ERROR;
  }
}

static int h1_on_ready(struct hn_conn *c) {
  struct hn_h1_line *line = h1_line(c);
  if (line->rest > 0) return h1_drain(c, &line->rest);
  return conn_is_alive(c) ? 0 : HN_ERR_CONNECTION_ERROR;
}

static const struct hn_protocol h1_protocol = {
    .name = "http/1.1",
    .conn =
        {
            .open = h1_open,
            .room = h1_room,
            .patience = h1_patience,
            .retire = h1_retire,
            .on_ready = h1_on_ready,
            .on_flush = conn_flush,
            .is_alive = conn_is_alive,
        },
    .stream =
        {
            .begin = h1_begin,
            .write = h1_write,
            .end = h1_end,
            .flush = h1_flush,
            .may_read = h1_may_read,
            .read_head = h1_read_head,
            .read_body = h1_read_body,
            .peek_body = h1_peek_body,
            .is_owed = h1_is_owed,
            .is_unprocessed = h1_is_unprocessed,
            .close = h1_close,
        },
};

const struct hn_protocol *protocol_h1(void) {
  return &h1_protocol;
}

const struct hn_protocols *protocols_h1(void) {
  static const struct hn_protocol *const list[] = {&h1_protocol};
  static const struct hn_protocols only = {
      .alpn = {"\x08http/1.1", 9}, .list = list, .count = 1};
  return &only;
}
