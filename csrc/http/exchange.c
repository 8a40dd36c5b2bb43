#include "exchange.h"

static void exchange_happens(struct hn_exchange *x, enum hn_fact fact) {
  sides_move(&x->sides, x->setup.wish.owner, fact);
}

static void exchange_note(struct hn_exchange *x, enum hn_time what) {
  x->times.at[what] = env_now_us(x->setup.pool->env);
}

void exchange_forget(struct hn_exchange *x) {
  if (x->held) conn_let_go(x->held);
  x->held = NULL;
}

void exchange_begin(struct hn_exchange *x, const struct hn_message *message) {
  struct hn_tls_context *tls = x->setup.wish.origin.tls;
  x->sides.tx = HN_TX_NEW;
  x->sides.rx = HN_RX_HEAD;
  x->protocol = NULL;
  x->conn = NULL;
  exchange_forget(x);
  x->message = message;
  x->sent = x->written = x->received = 0;
  x->head_size = x->body_size = 0;
  x->times = (struct hn_times){{0}};
  exchange_note(x, HN_TIME_START);
  timer_init(&x->patience, x->setup.wish.owner, HN_TIMER_PATIENCE);
  waiter_init(&x->waiter, x->setup.wish.owner, x->setup.wish.protocols);
  /* The session may let go of an identity while we wait for a connection. */
  if (tls) (void)tls_context_hold(tls);
  x->reused = x->announced = false;
  x->retries = 0;
}

/* A connection is here: everything about one attempt starts from zero. */
static int exchange_start(struct hn_exchange *x) {
  x->protocol = x->conn->protocol;
  x->given = 0;
  x->sent = 0;
  x->interim = 0;
  x->receiving = false;
  x->expecting = x->message->expects;
  x->patience.when = 0;
  headers_clear(x->response.fields);
  headers_clear(x->response.trailers);
  x->response.done = x->response.is_last = false;
  return x->protocol->stream.begin(x);
}

/* What the peer thought of the handshake. */
static bool exchange_is_verdict(int code) {
  return code == HN_ERR_SECURE_FAILURE ||
         code == HN_ERR_CLIENT_AUTH_CERT_NEEDED;
}

/* Describes an error that came bare out of the transport. With TLS 1.3 the
 * peer's verdict on the handshake comes with the first read (RFC 8446 4.4.2.4).
 */
static int exchange_describe(struct hn_exchange *x, int code) {
  enum hn_phase phase =
      exchange_is_verdict(code) ? HN_PHASE_SECURE : exchange_phase(x);
  const struct hn_transport *s = x->conn ? x->conn->transport : NULL;
  if (s && s->detail)
    err_set(x->info, code, phase, x->setup.authority, s->detail);
  else if (s && s->system)
    err_set_system(x->info, code, phase, x->setup.authority, s->system);
  else
    err_set(x->info, code, phase, x->setup.authority, NULL);
  if (s) x->info->system = s->system;
  if (s) x->info->secure = s->secure;
  return code;
}

/* Lets go of the line, the timer and the identity: what an exchange holds
 * besides its connection. */
static void exchange_let_go(struct hn_exchange *x) {
  pool_forget(x->setup.pool, &x->waiter);
  timer_clear(&x->setup.pool->env->deadlines, &x->patience);
  tls_context_free(x->setup.wish.origin.tls);
  x->setup.wish.origin.tls = NULL;
}

/* Most servers that wait for a TLS handshake hang up on plain text without a
 * word. */
static bool exchange_is_snubbed(const struct hn_exchange *x, int code) {
  return code == HN_ERR_CONNECTION_ERROR && x->conn && x->conn->transport &&
         !x->conn->origin->tls && !x->reused && x->retries == 0 &&
         x->received == 0;
}

/* The connection goes with us. Not told: that one goes which was never
 * connected, and that a server closes after a whole response, as it said. */
static void exchange_hang_up(struct hn_exchange *x, bool polite) {
  bool theirs = x->protocol && x->response.done && x->response.is_last;
  struct hn_news_log *log =
      theirs || !conn_was_connected(x->conn) ? NULL : x->log;
  news_add(log, HN_STATUS_CLOSING_CONNECTION, 0);
  pool_drop(x->setup.pool, x->conn, polite);
  news_add(log, HN_STATUS_CONNECTION_CLOSED, 0);
}

/* The stream is over, and the connection in some state. */
static void exchange_leave(struct hn_exchange *x, enum hn_ending ending) {
  int rc = x->protocol->stream.close(x, ending);
  if (rc > 0 && x->conn->streams > 1) {
    pool_expire(x->conn); /* the others go on, or hear of it themselves */
    rc = 0;
  }
  if (rc == 0)
    pool_release(x->setup.pool, x->conn);
  else if (rc == HN_AGAIN)
    pool_drain(x->setup.pool, x->conn);
  else
    exchange_hang_up(x, ending != HN_ENDING_ABORT);
}

/* Gives the connection back: the one place where an exchange parts from it. It
 * has no protocol while it is being dialled. */
static void exchange_part(struct hn_exchange *x, enum hn_ending ending) {
  if (x->protocol)
    exchange_leave(x, ending);
  else if (x->conn->streams > 1)
    pool_release(x->setup.pool, x->conn); /* nothing was begun on it */
  else if (!pool_hand_over(x->setup.pool, x->conn))
    exchange_hang_up(x, ending != HN_ENDING_ABORT);
  x->conn = NULL;
  x->protocol = NULL;
  x->announced = false;
}

static void exchange_drop(struct hn_exchange *x) {
  exchange_part(x, HN_ENDING_ABORT);
}

/* Ends the exchange by an error; one that is described already stays as it is.
 */
static int exchange_fail(struct hn_exchange *x, int code) {
  if (x->info->code == 0) exchange_describe(x, code);
  if (exchange_is_snubbed(x, code))
    err_add_hint(x->info, "does the server speak only TLS on this port?");
  exchange_abort(x);
  return code;
}

/* Its server has not begun with it: then any request goes out once more whose
 * body is all here (RFC 9113 8.7). */
static bool exchange_is_unprocessed(const struct hn_exchange *x) {
  return x->protocol && x->protocol->stream.is_unprocessed(x) &&
         x->message->length == x->message->body.n;
}

/* An old connection that breaks before a byte of the response was most likely
 * closed while it lay idle (RFC 9112 9.3.1): a repeatable request whose body
 * is all here goes out once more, on a new connection. */
static bool exchange_is_stale(const struct hn_exchange *x, int code) {
  return code == HN_ERR_CONNECTION_ERROR && x->reused && x->retries == 0 &&
         x->received == 0 && x->message->repeatable;
}

static bool exchange_may_retry(const struct hn_exchange *x, int code) {
  return exchange_is_unprocessed(x) ? x->retries < HN_X_RETRIES
                                    : exchange_is_stale(x, code);
}

static void exchange_retry(struct hn_exchange *x) {
  /* Those that shared what broke meet again on one other, which is tested. */
  if (!exchange_is_unprocessed(x)) {
    x->setup.wish.fresh = !x->protocol->shares;
    x->setup.wish.probe = true;
  }
  exchange_drop(x);
  x->retries++;
  x->info->code = 0;
  exchange_happens(x, HN_FACT_WANTS);
}

/* No descriptor was left for the dial: what lies idle holds some. True when one
 * was given up, for a new dial. */
static bool exchange_may_redial(struct hn_exchange *x) {
  if (x->info->code == 0 || !err_is_no_files(x->info->system) ||
      !pool_evict_any(x->setup.pool->env))
    return false;
  exchange_drop(x);
  x->info->code = 0;
  return true;
}

/* RFC 9112 6.1: no chunked coding to a server that is known to speak HTTP/1.0.
 * The connection is not touched. */
static int exchange_refuse_chunks(struct hn_exchange *x) {
  pool_release(x->setup.pool, x->conn);
  x->conn = NULL;
  return err_set(x->info, HN_ERR_INVALID_PARAMETER, HN_PHASE_SEND,
                 x->setup.authority,
                 "the server speaks HTTP/1.0, which knows no chunks: the "
                 "body's length must be given");
}

/* Says that the connection is used now. 0: that was heard; HN_AGAIN. Meanwhile
 * the peer may have closed it, as one that lies idle, and nothing is lost yet:
 * then it is given up, for another. */
static int exchange_announce(struct hn_exchange *x) {
  const struct hn_pool_wish *w = &x->setup.wish;
  if (!x->announced) {
    exchange_note(x, HN_TIME_ACQUIRED);
    news_add(x->log, HN_STATUS_SENDING_REQUEST, 0);
    x->announced = true;
    return news_is_held(x->log) ? HN_AGAIN : 0;
  }
  if (x->reused && !pool_is_usable(x->setup.pool, x->conn, w->probe)) {
    pool_expire(x->conn);
    exchange_drop(x);
  }
  return 0;
}

/* 0: there is a connection (SEND), or another has to be dialled (CONNECT). */
static int exchange_step_connect(struct hn_exchange *x) {
  if (!x->conn) {
    if (!list_is_empty(&x->waiter.link)) return HN_AGAIN; /* in line */
    int rc = pool_acquire(x->setup.pool, &x->setup.wish, &x->waiter, &x->conn,
                          &x->reused);
    if (rc) return rc;
  }
  int rc = conn_step_connect(x->conn, x->log, &x->times, x->info);
  if (rc > 0 && exchange_may_redial(x)) return 0;
  if (rc) return rc;
  if (!x->conn->protocol)
    rc = pool_note_connected(x->setup.pool, x->conn, &x->setup.wish);
  if (rc) return rc;
  if (x->conn->is_1_0 && x->message->length == HN_LENGTH_CHUNKED)
    return exchange_refuse_chunks(x);
  rc = exchange_announce(x);
  if (rc || !x->conn) return rc;
  exchange_happens(x, HN_FACT_BEGINS);
  exchange_forget(x);
  x->held = x->conn;
  conn_hold(x->held);
  return exchange_start(x);
}

static int exchange_read_head(struct hn_exchange *x) {
  int rc = x->protocol->stream.read_head(x);
  if (rc) return rc;
  bool is_1_0 = x->response.major == 1 && x->response.minor == 0;
  if (is_1_0 != x->conn->is_1_0) pool_note_1_0(x->conn, is_1_0);
  return 0;
}

/* A write cannot go on, or failed: maybe because the server has answered
 * already and reads no further (RFC 9112 9.6), or has refused the handshake
 * that was over for us (RFC 8446 4.4.2.4). Then that counts. */
static int exchange_look_for_answer(struct hn_exchange *x, int rc) {
  bool broken = rc == HN_ERR_CONNECTION_ERROR;
  if (!broken && rc != HN_AGAIN) return rc;
  if (!x->protocol->stream.may_read(x, broken) && !broken) return rc;
  int read = exchange_read_head(x);
  if (read == 0) {
    exchange_happens(x, HN_FACT_ANSWERED);
    return 0;
  }
  if (rc == HN_AGAIN || exchange_is_verdict(read)) return read;
  /* There is more to read. */
  if (read == HN_AGAIN && (x->hungry || news_is_held(x->log))) return read;
  x->info->code = 0; /* the write's own error is the cause */
  return rc;
}

/* The head is out, the body is held back: until 100 (Continue) or a final
 * response comes, or patience ends (RFC 9110 10.1.1). */
static int exchange_step_expect(struct hn_exchange *x) {
  struct hn_env *env = x->setup.pool->env;
  int rc = x->protocol->stream.flush(x);
  if (rc) rc = exchange_look_for_answer(x, rc);
  if (rc || exchange_is_answered(x)) return rc;
  rc = exchange_read_head(x);
  if (rc == 0) exchange_happens(x, HN_FACT_ANSWERED);
  if (rc == HN_AGAIN && news_is_held(x->log)) return rc;
  if (rc == HN_AGAIN && x->expecting) {
    if (!timer_is_set(&x->patience)) {
      if (x->patience.when) { /* it has run out */
        x->expecting = false;
        return 0;
      }
      rc = timer_set(&env->deadlines, &x->patience,
                     env_now(env) + HN_X_PATIENCE);
      return rc ? rc : HN_AGAIN;
    }
    return HN_AGAIN;
  }
  timer_clear(&env->deadlines, &x->patience);
  x->expecting = false;
  return rc == HN_AGAIN ? 0 : rc;
}

/* Hands over what is left of the given body, then waits until all is out. A
 * reader as fast as we are must not keep the others waiting. */
static int exchange_step_given(struct hn_exchange *x) {
  uint64_t start = x->sent;
  size_t portion = env_portion(x->setup.pool->env);
  int rc = x->expecting ? exchange_step_expect(x) : 0;
  if (rc) return rc;
  while (rc == 0 && x->sides.tx == HN_TX_HEAD &&
         x->given < x->message->body.n) {
    size_t put = 0;
    x->hungry = x->sent - start >= portion;
    if (x->hungry) return HN_AGAIN;
    struct hn_slice rest = slice_from(x->message->body, x->given);
    rc = x->protocol->stream.write(x, slice_sub(rest, 0, portion), &put);
    if (rc) break;
    x->given += put;
    x->sent += put;
    x->written += put;
  }
  if (rc == 0 && x->sides.tx == HN_TX_HEAD) rc = x->protocol->stream.flush(x);
  if (rc) rc = exchange_look_for_answer(x, rc);
  if (rc) return rc;
  news_add(x->log, HN_STATUS_REQUEST_SENT, x->written);
  if (x->sent == x->message->length) exchange_note(x, HN_TIME_SEND_END);
  exchange_happens(x, HN_FACT_GIVEN);
  return 0;
}

int exchange_step_send(struct hn_exchange *x) {
  if (x->sides.tx == HN_TX_NEW) exchange_happens(x, HN_FACT_WANTS);
  for (;;) {
    int rc = 0;
    if (x->sides.tx == HN_TX_CONNECT)
      rc = exchange_step_connect(x);
    else if (x->sides.tx == HN_TX_HEAD)
      rc = exchange_step_given(x);
    else
      return 0;
    if (rc == HN_AGAIN) return HN_AGAIN;
    if (rc && x->sides.tx != HN_TX_CONNECT && exchange_may_retry(x, rc))
      exchange_retry(x);
    else if (rc)
      return exchange_fail(x, rc);
  }
}

bool exchange_is_answered(const struct hn_exchange *x) {
  return x->sides.tx == HN_TX_GIVEN_UP && x->sides.rx != HN_RX_DEAD;
}

bool exchange_is_patient(const struct hn_exchange *x) {
  return x->sides.tx == HN_TX_HEAD && timer_is_set(&x->patience);
}

uint64_t exchange_unsent(const struct hn_exchange *x) {
  if (exchange_is_answered(x)) return 0;
  if (x->message->length == HN_LENGTH_CHUNKED) return UINT64_MAX;
  return x->message->length - x->sent;
}

int exchange_write(struct hn_exchange *x, struct hn_slice data, size_t *put) {
  size_t taken = 0;
  int rc =
      exchange_is_answered(x) ? 0 : x->protocol->stream.write(x, data, &taken);
  if (rc) rc = exchange_look_for_answer(x, rc);
  if (rc == HN_AGAIN) return HN_AGAIN;
  if (rc) return exchange_fail(x, rc);
  if (exchange_is_answered(x)) taken = data.n;
  x->sent += taken;
  *put = taken;
  return 0;
}

int exchange_flush(struct hn_exchange *x) {
  int rc = exchange_is_answered(x) ? 0 : x->protocol->stream.flush(x);
  if (rc) rc = exchange_look_for_answer(x, rc);
  return rc == 0 || rc == HN_AGAIN ? rc : exchange_fail(x, rc);
}

int exchange_look(struct hn_exchange *x) {
  int rc = exchange_is_answered(x) ? 0 : exchange_look_for_answer(x, HN_AGAIN);
  return rc == 0 || rc == HN_AGAIN ? rc : exchange_fail(x, rc);
}

/* The body has ended: the connection is not ours any more. What lay in the
 * read-ahead ended when it came, not when it was asked for. */
static void exchange_finish(struct hn_exchange *x) {
  x->times.at[HN_TIME_END] = x->conn->heard_at;
  exchange_part(x, HN_ENDING_CLEAN);
  exchange_happens(x, HN_FACT_DONE);
}

static int exchange_step_end(struct hn_exchange *x) {
  int rc = exchange_is_answered(x) ? 0 : x->protocol->stream.end(x);
  if (x->times.at[HN_TIME_SEND_END] == 0) exchange_note(x, HN_TIME_SEND_END);
  if (rc == 0) exchange_happens(x, HN_FACT_ENDS);
  return rc;
}

/* The head is here: handed out, and more when it is all there is. */
static int exchange_hand_out(struct hn_exchange *x) {
  exchange_happens(x, HN_FACT_HEAD);
  x->times.at[HN_TIME_RESPONSE_HEAD_END] = x->conn->heard_at;
  if (x->response.done) exchange_finish(x);
  return 0;
}

static int exchange_step_await(struct hn_exchange *x) {
  int rc = x->protocol->stream.flush(x);
  if (rc)
    rc = exchange_look_for_answer(x, rc);
  else
    rc = exchange_read_head(x);
  return rc ? rc : exchange_hand_out(x);
}

static int exchange_step_response(struct hn_exchange *x) {
  switch (x->sides.tx) {
  case HN_TX_BODY: return exchange_step_end(x);
  case HN_TX_ENDED: return exchange_step_await(x);
  case HN_TX_GIVEN_UP:
    if (x->times.at[HN_TIME_SEND_END] == 0) exchange_note(x, HN_TIME_SEND_END);
    return exchange_hand_out(x);
  default: return exchange_step_send(x); /* the next hop, or once more */
  }
}

int exchange_step_head(struct hn_exchange *x) {
  while (x->sides.rx == HN_RX_HEAD) {
    int rc = exchange_step_response(x);
    if (rc == HN_AGAIN || x->sides.rx == HN_RX_DEAD) return rc;
    if (rc && exchange_may_retry(x, rc))
      exchange_retry(x);
    else if (rc)
      return exchange_fail(x, rc);
  }
  return 0;
}

int exchange_read(struct hn_exchange *x, char *p, size_t n, size_t *got) {
  size_t taken = 0;
  if (x->sides.rx == HN_RX_BODY) {
    int rc = x->protocol->stream.read_body(x, p, n, &taken);
    if (rc == HN_AGAIN) return HN_AGAIN;
    if (rc) return exchange_fail(x, rc);
    if (x->response.done) exchange_finish(x);
  }
  *got = taken;
  return 0;
}

int exchange_available(struct hn_exchange *x, uint64_t *n) {
  uint64_t here = 0;
  if (x->sides.rx == HN_RX_BODY) {
    int rc = x->protocol->stream.peek_body(x, &here);
    if (rc == HN_AGAIN) return HN_AGAIN;
    if (rc) return exchange_fail(x, rc);
    if (x->response.done) exchange_finish(x);
  }
  *n = here;
  return 0;
}

/* Worth a wait: the connection could serve again, and the rest can be short. */
static bool exchange_has_short_rest(const struct hn_exchange *x) {
  uint64_t rest = x->response.rest;
  if (rest == UINT64_MAX) rest = 0; /* in chunks */
  return x->protocol->stream.is_owed(x) && rest <= HN_X_REST_SIZE &&
         rest <= x->setup.max_drain;
}

/* Nobody has asked for it, and nobody is told of it. */
static int exchange_read_rest(struct hn_exchange *x) {
  char waste[4096];
  size_t got = 0;
  struct hn_news_log *log = x->log;
  x->log = NULL;
  int rc = x->protocol->stream.read_body(x, waste, sizeof waste, &got);
  x->log = log;
  return rc;
}

static int exchange_begin_rest(struct hn_exchange *x) {
  struct hn_env *env = x->setup.pool->env;
  exchange_happens(x, HN_FACT_SKIPS);
  x->unwanted = x->body_size;
  return timer_set(&env->deadlines, &x->patience,
                   env_now(env) + HN_X_REST_PATIENCE);
}

int exchange_step_rest(struct hn_exchange *x) {
  int rc = 0;
  if (x->sides.rx == HN_RX_BODY && exchange_has_short_rest(x))
    rc = exchange_begin_rest(x);
  while (rc == 0 && x->sides.rx == HN_RX_REST && !x->response.done &&
         x->body_size - x->unwanted <= HN_X_REST_SIZE)
    rc = exchange_read_rest(x);
  if (rc == HN_AGAIN && timer_is_set(&x->patience)) return HN_AGAIN;
  timer_clear(&x->setup.pool->env->deadlines, &x->patience);
  if (rc > 0) {
    x->info->code = 0; /* only this connection is broken */
    exchange_abort(x);
  } else if (x->sides.rx == HN_RX_REST && x->response.done) {
    exchange_finish(x);
  }
  return 0;
}

void exchange_wake(struct hn_exchange *x) {
  env_wake(x->setup.pool->env, &x->waiter.wake);
}

void exchange_expire(struct hn_exchange *x) {
  if (x->conn) pool_expire(x->conn);
}

void exchange_hold(struct hn_exchange *x) {
  timer_clear(&x->setup.pool->env->deadlines, &x->patience);
  x->patience.when = 0;
  if (x->conn) pool_put_on_hold(x->setup.pool, x->conn);
}

void exchange_go_on(struct hn_exchange *x) {
  if (x->conn) pool_take_off_hold(x->conn);
}

enum hn_phase exchange_phase(const struct hn_exchange *x) {
  if (x->sides.rx != HN_RX_HEAD) return HN_PHASE_RECEIVE;
  switch (x->sides.tx) {
  case HN_TX_NEW:
  case HN_TX_CONNECT:
    if (!x->conn) return HN_PHASE_ACQUIRE;
    return x->conn->dial ? dial_phase(x->conn->dial) : HN_PHASE_CONNECT;
  case HN_TX_ENDED: return HN_PHASE_RESPONSE;
  default: return HN_PHASE_SEND;
  }
}

void exchange_close(struct hn_exchange *x) {
  exchange_let_go(x);
  if (!x->conn) return;
  bool reads = x->sides.rx == HN_RX_BODY || x->sides.rx == HN_RX_REST;
  if (!reads || env_is_other(x->setup.pool->env)) {
    exchange_abort(x);
    return;
  }
  exchange_part(x, HN_ENDING_UNREAD);
  exchange_happens(x, HN_FACT_DIES);
}

void exchange_abort(struct hn_exchange *x) {
  exchange_let_go(x);
  if (x->conn) exchange_drop(x);
  exchange_happens(x, HN_FACT_DIES);
}
