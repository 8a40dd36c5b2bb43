/*
 * mux_fixture.h: a toy protocol that carries many exchanges on one connection.
 *
 * A frame is a letter, the stream's number, a size (a byte each) and so many
 * bytes. We say H (head: a line with method,
 * target and authority, a line for each field), D (data), E (end), R
 * (cancelled), G (we leave). The peer says H (a status in three digits), D, E,
 * R (failed; "u": not begun), M (so many streams at once, in one byte), G (no
 * stream after this number; those are not begun).
 */
#ifndef HN_SPEC_MUX_FIXTURE_H
#define HN_SPEC_MUX_FIXTURE_H

#include "exchange_fixture.h"

enum { MUX_AT_FIRST = 100, MUX_QUEUE = 4096, MUX_DATA = 64 };

/* Of a connection. */
struct mux {
  struct hn_link streams; /* mux_stream.link */
  int64_t most;           /* streams at once */
  int code;               /* the connection is broken; 0: it is not */
  uint8_t last;           /* number given last */
};

/* Of a stream. */
struct mux_stream {
  struct hn_link link;
  struct hn_exchange *x;
  int status; /* 0: no head yet */
  int code;   /* it has failed; 0: it has not */
  uint8_t number;
  bool ended, unprocessed;
  size_t at, have; /* of data */
  char data[MUX_DATA];
};

_Static_assert(sizeof(struct mux_stream) <= HN_STREAM_STATE, "no room");

static inline struct mux *mux_of(const struct hn_conn *c) {
  struct mux *m;
  memcpy(&m, c->state, sizeof m);
  return m;
}

static inline struct mux_stream *mux_stream(const struct hn_exchange *x) {
  return (struct mux_stream *)(uintptr_t)x->stream;
}

static inline int mux_queue(struct hn_conn *c, char kind, uint8_t number,
                            struct hn_slice s) {
  const char head[3] = {kind, (char)number, (char)s.n};
  int rc = conn_queue(c, slice_make(head, sizeof head));
  if (rc == 0 && s.n > 0) rc = conn_queue(c, s);
  conn_flush_later(c);
  return rc;
}

/* ------------------------------------------------------------- connections */

static inline int mux_open(struct hn_conn *c) {
  struct mux *m = mem_calloc(1, sizeof *m);
  if (!m) return HN_ERR_NOT_ENOUGH_MEMORY;
  list_init(&m->streams);
  m->most = MUX_AT_FIRST;
  memcpy(c->state, &m, sizeof m);
  return 0;
}

static inline int64_t mux_room(const struct hn_conn *c) {
  return mux_of(c)->most - (int64_t)c->streams;
}

static inline int64_t mux_patience(const struct hn_conn *c) {
  (void)c;
  return INT64_MAX;
}

static inline void mux_retire(struct hn_conn *c) {
  (void)mux_queue(c, 'G', mux_of(c)->last, slice_of(""));
}

static inline int mux_break(struct hn_conn *c, int code) {
  struct mux *m = mux_of(c);
  m->code = code;
  for (struct hn_link *l = m->streams.next; l != &m->streams; l = l->next)
    exchange_wake(HN_CONTAINER_OF(l, struct mux_stream, link)->x);
  return code;
}

static inline void mux_end_stream(struct mux_stream *s, struct hn_slice why) {
  s->code = HN_ERR_CONNECTION_ERROR;
  s->unprocessed = why.n > 0 && why.p[0] == 'u';
}

static inline void mux_give_stream(struct mux_stream *s, char kind,
                                   struct hn_slice text) {
  s->x->received += 3 + text.n;
  if (kind == 'R') s->x->received = 0;
  if (kind == 'H') s->status = atoi(text.p);
  if (kind == 'E') s->ended = true;
  if (kind == 'R') mux_end_stream(s, text);
  if (kind == 'D') {
    CHECK(s->have + text.n <= sizeof s->data);
    memcpy(s->data + s->have, text.p, text.n);
    s->have += text.n;
  }
  exchange_wake(s->x);
}

/* One frame of the peer's. */
static inline void mux_take(struct hn_conn *c, char kind, uint8_t number,
                            struct hn_slice text) {
  struct mux *m = mux_of(c);
  if (kind == 'M') m->most = (unsigned char)text.p[0];
  if (kind == 'G') c->retired = true;
  for (struct hn_link *l = m->streams.next; l != &m->streams; l = l->next) {
    struct mux_stream *s = HN_CONTAINER_OF(l, struct mux_stream, link);
    if (kind == 'G' && s->number > number)
      mux_give_stream(s, 'R', slice_of("u"));
    else if (kind != 'G' && kind != 'M' && s->number == number)
      mux_give_stream(s, kind, text);
  }
}

static inline void mux_parse(struct hn_conn *c) {
  for (;;) {
    struct hn_slice in = buf_peek(&c->in);
    size_t size = in.n < 3 ? 0 : (unsigned char)in.p[2];
    if (in.n < 3 + size) return;
    if (in.n < 3) return;
    mux_take(c, in.p[0], (uint8_t)in.p[1], slice_sub(in, 3, 3 + size));
    buf_consume(&c->in, 3 + size);
  }
}

static inline int mux_on_ready(struct hn_conn *c) {
  for (;;) {
    size_t got = 0;
    int rc = conn_fill(c, HN_READ_AHEAD, &got);
    if (rc == HN_AGAIN) return 0;
    if (rc) return mux_break(c, rc);
    if (got == 0) return mux_break(c, HN_ERR_CONNECTION_ERROR);
    mux_parse(c);
  }
}

static inline int mux_on_flush(struct hn_conn *c) {
  int rc = conn_flush(c);
  return rc > 0 ? mux_break(c, rc) : rc;
}

static inline bool mux_is_alive(struct hn_conn *c) {
  c->readable = true;
  return mux_on_ready(c) == 0 && !c->retired;
}

/* Its timers say that the peer takes too long. */
static inline int mux_on_timer(struct hn_conn *c) {
  return mux_break(c, HN_ERR_TIMEOUT);
}

static inline void mux_shut(struct hn_conn *c, bool polite) {
  if (polite && mux_queue(c, 'G', mux_of(c)->last, slice_of("")) == 0)
    (void)conn_flush(c);
  mem_free(mux_of(c));
}

/* ----------------------------------------------------------------- streams */

static inline int mux_fault(struct hn_exchange *x) {
  return mux_of(x->conn)->code ? mux_of(x->conn)->code : mux_stream(x)->code;
}

static inline void mux_add(char *text, size_t size, struct hn_slice s,
                           const char *after) {
  size_t n = strlen(text);
  snprintf(text + n, size - n, "%.*s%s", (int)s.n, s.p, after);
}

/* The message as this protocol says it. */
static inline int mux_queue_head(struct hn_conn *c, uint8_t number,
                                 const struct hn_message *m) {
  struct hn_slice name, value;
  char text[255] = "";
  mux_add(text, sizeof text, m->method, " ");
  mux_add(text, sizeof text, m->target, " ");
  mux_add(text, sizeof text, message_authority(m), "\n");
  for (size_t at = 0; message_next(m, &at, &name, &value);) {
    mux_add(text, sizeof text, name, "=");
    mux_add(text, sizeof text, value, "\n");
  }
  if (message_closes(m)) c->retired = true;
  return mux_queue(c, 'H', number, slice_of(text));
}

static inline int mux_begin(struct hn_exchange *x) {
  struct mux_stream *s = mux_stream(x);
  struct mux *m = mux_of(x->conn);
  memset(s, 0, sizeof *s);
  s->x = x;
  list_init(&s->link);
  list_append(&m->streams, &s->link);
  s->number = ++m->last;
  int rc = mux_queue_head(x->conn, s->number, x->message);
  if (rc == 0 && x->message->body.n > 0)
    rc = mux_queue(x->conn, 'D', s->number, x->message->body);
  x->given = x->sent = x->message->body.n;
  return rc;
}

static inline int mux_write(struct hn_exchange *x, struct hn_slice data,
                            size_t *put) {
  struct hn_slice piece = slice_sub(data, 0, 255);
  if (mux_fault(x)) return mux_fault(x);
  if (buf_size(&x->conn->out) > MUX_QUEUE) return HN_AGAIN;
  *put = piece.n;
  return mux_queue(x->conn, 'D', mux_stream(x)->number, piece);
}

static inline int mux_end(struct hn_exchange *x) {
  return mux_queue(x->conn, 'E', mux_stream(x)->number, slice_of(""));
}

static inline bool mux_may_read(struct hn_exchange *x, bool broken) {
  (void)broken;
  return mux_stream(x)->status != 0;
}

static inline int mux_read_head(struct hn_exchange *x) {
  struct mux_stream *s = mux_stream(x);
  if (s->status == 0) return mux_fault(x) ? mux_fault(x) : HN_AGAIN;
  x->response.status = s->status;
  x->response.major = 2;
  x->response.minor = 0;
  x->response.rest = UINT64_MAX;
  x->response.done = s->ended && s->at == s->have;
  return 0;
}

static inline int mux_peek_body(struct hn_exchange *x, uint64_t *n) {
  const struct mux_stream *s = mux_stream(x);
  *n = s->have - s->at;
  x->response.done = s->ended && *n == 0;
  if (*n > 0 || s->ended) return 0;
  return mux_fault(x) ? mux_fault(x) : HN_AGAIN;
}

static inline int mux_read_body(struct hn_exchange *x, char *p, size_t n,
                                size_t *got) {
  struct mux_stream *s = mux_stream(x);
  uint64_t here = 0;
  int rc = mux_peek_body(x, &here);
  if (rc) return rc;
  if (n > here) n = (size_t)here;
  memcpy(p, s->data + s->at, n);
  s->at += n;
  x->body_size += n;
  x->response.done = s->ended && s->at == s->have;
  *got = n;
  return 0;
}

static inline bool mux_is_owed(const struct hn_exchange *x) {
  (void)x;
  return false;
}

static inline bool mux_is_unprocessed(const struct hn_exchange *x) {
  return mux_stream(x)->unprocessed;
}

static inline int mux_close(struct hn_exchange *x, enum hn_ending ending) {
  struct mux_stream *s = mux_stream(x);
  const struct mux *m = mux_of(x->conn);
  list_remove(&s->link);
  if (ending != HN_ENDING_CLEAN && !s->ended && !mux_fault(x))
    (void)mux_queue(x->conn, 'R', s->number, slice_of(""));
  return m->code;
}

static const struct hn_protocol mux_protocol = {
    .name = "mux",
    .shares = true,
    .conn = {.open = mux_open,
             .room = mux_room,
             .patience = mux_patience,
             .retire = mux_retire,
             .on_ready = mux_on_ready,
             .on_flush = mux_on_flush,
             .is_alive = mux_is_alive,
             .on_timer = mux_on_timer,
             .close = mux_shut},
    .stream = {.begin = mux_begin,
               .write = mux_write,
               .end = mux_end,
               .flush = mux_fault,
               .may_read = mux_may_read,
               .read_head = mux_read_head,
               .read_body = mux_read_body,
               .peek_body = mux_peek_body,
               .is_owed = mux_is_owed,
               .is_unprocessed = mux_is_unprocessed,
               .close = mux_close},
};

static const struct hn_protocol *const mux_alone[] = {&mux_protocol};
static const struct hn_protocols mux_only = {
    .alpn = {"\x03mux", 4}, .list = mux_alone, .count = 1, .may_share = true};

/* ------------------------------------------------------------ the other end */

static inline void mux_say(struct desk *d, char kind, uint8_t number,
                           const char *text) {
  char frame[64] = {kind, (char)number, (char)strlen(text)};
  memcpy(frame + 3, text, strlen(text));
  size_t n = 3 + strlen(text);
  CHECK_INT(send(d->peer, frame, n, MSG_NOSIGNAL), (ssize_t)n);
}

static inline void mux_answer(struct desk *d, uint8_t number) {
  mux_say(d, 'H', number, "200");
  mux_say(d, 'D', number, "ok");
  mux_say(d, 'E', number, "");
}

/* The frames that have come, as "H1 E1 "; to be called when all is flushed. */
static inline const char *mux_hear(struct desk *d) {
  static char line[512];
  unsigned char bytes[4096];
  size_t used = 0;
  ssize_t n = recv(d->peer, bytes, sizeof bytes, MSG_DONTWAIT);
  line[0] = '\0';
  for (ssize_t i = 0; i + 3 <= n; i += 3 + bytes[i + 2])
    used += (size_t)snprintf(line + used, sizeof line - used, "%c%d ", bytes[i],
                             bytes[i + 1]);
  return line;
}

#endif
