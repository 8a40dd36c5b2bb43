/*
 * wire_fixture.h: a stream of two queues in memory, as unkind as wished, for
 * the tests of streams that stand on another one.
 */
#ifndef HN_SPEC_WIRE_FIXTURE_H
#define HN_SPEC_WIRE_FIXTURE_H

#include "test.h"

#include "../../csrc/base/buf.h"
#include "../../csrc/net/reactor.h"
#include "../../csrc/net/transport.h"

/* Its buffers are initialised by the test and freed by close. */
struct wire {
  struct hn_transport base;
  struct hn_buf to_server, to_client;
  size_t most; /* bytes a call moves at most; 0: any */
  size_t room; /* to_server holds no more than this; 0: any */
  bool again;  /* every other call answers HN_AGAIN */
  bool turn;
  bool ended; /* the server hung up */
  int broken; /* errno of every call, 0: none */
  int deaf;   /* errno of every write, 0: none */
  unsigned want;
  int *closed; /* counts */
};

static inline size_t wire_limit(const struct wire *w, size_t n) {
  return w->most > 0 && n > w->most ? w->most : n;
}

static inline bool wire_refuses(struct wire *w) {
  w->turn = !w->turn;
  return w->again && w->turn;
}

static inline int wire_connect(struct hn_transport *s) {
  (void)s;
  return 0;
}

static inline int wire_read(struct hn_transport *s, char *p, size_t n,
                            size_t *got) {
  struct wire *w = (struct wire *)s;
  struct hn_slice all = buf_peek(&w->to_client);
  if (w->broken) s->system = w->broken;
  if (w->broken) return HN_ERR_CONNECTION_ERROR;
  w->want = HN_WANT_READ;
  if (wire_refuses(w)) return HN_AGAIN;
  if (all.n == 0 && !w->ended) return HN_AGAIN;
  n = wire_limit(w, n < all.n ? n : all.n);
  if (n > 0) memcpy(p, all.p, n);
  buf_consume(&w->to_client, n);
  *got = n;
  return 0;
}

static inline int wire_write(struct hn_transport *s, const char *p, size_t n,
                             size_t *put) {
  struct wire *w = (struct wire *)s;
  s->system = w->broken ? w->broken : w->deaf;
  if (s->system) return HN_ERR_CONNECTION_ERROR;
  w->want = HN_WANT_WRITE;
  if (wire_refuses(w)) return HN_AGAIN;
  n = wire_limit(w, n);
  if (w->room > 0 && n > w->room - buf_size(&w->to_server))
    n = w->room - buf_size(&w->to_server);
  if (n == 0) return HN_AGAIN;
  CHECK_INT(buf_append(&w->to_server, slice_make(p, n)), 0);
  *put = n;
  return 0;
}

static inline void wire_nothing(struct hn_transport *s) {
  (void)s;
}

static inline unsigned wire_want(const struct hn_transport *s) {
  return ((const struct wire *)s)->want;
}

static inline bool wire_has_pending(const struct hn_transport *s) {
  (void)s;
  return false;
}

static inline int wire_fd(const struct hn_transport *s) {
  (void)s;
  return 4711;
}

static inline void wire_close(struct hn_transport *s) {
  struct wire *w = (struct wire *)s;
  ++*w->closed;
  buf_fini(&w->to_server);
  buf_fini(&w->to_client);
}

static const struct hn_transport_ops wire_ops = {
    .step_connect = wire_connect,
    .read = wire_read,
    .write = wire_write,
    .shutdown = wire_nothing,
    .want = wire_want,
    .has_pending = wire_has_pending,
    .fd = wire_fd,
    .idle = wire_nothing,
    .close = wire_close,
};

#endif
