#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "../../base/mem.h"
#include "../address.h"
#include "openssl.h"

static struct tls_transport *tls_of(struct hn_transport *s) {
  return (struct tls_transport *)(void *)s;
}

static const struct tls_transport *tls_of_const(const struct hn_transport *s) {
  return (const struct tls_transport *)(const void *)s;
}

/* Bytes may go to and fro. */
static bool tls_is_open(const struct tls_transport *t) {
  return t->state == HN_TLS_AGREED || t->state == HN_TLS_OPEN;
}

static int tls_fail(struct tls_transport *t, int code, const char *detail) {
  t->code = code;
  if (detail) t->base.detail = detail;
  /* Whatever it was: the next try shall not fail for an old session. */
  bool early = t->state == HN_TLS_HANDSHAKE;
  if (early && t->offered) tls_sessions_forget(t);
  tls_set_state(t, early ? HN_TLS_REFUSED : HN_TLS_BROKEN);
  ERR_clear_error();
  return code;
}

/* Nothing of TLS has come yet. */
static bool tls_is_unanswered(const struct tls_transport *t) {
  return t->state == HN_TLS_HANDSHAKE &&
         SSL_get_state(t->ssl) == TLS_ST_CW_CLNT_HELLO;
}

/* What a failure may mean. The first reason is how the library calls a first
 * record that is none. */
static const char *tls_hint(const struct tls_transport *t, int reason) {
  switch (reason) {
  case SSL_R_WRONG_VERSION_NUMBER:
    return tls_is_unanswered(t)
               ? " (the server does not speak TLS on this port)"
               : "";
  case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
  case SSL_R_UNSUPPORTED_PROTOCOL:
    return " (the server has none of the allowed TLS versions)";
  default: return "";
  }
}

/* How servers refuse a client without a certificate: RFC 8446 6.2, and what
 * those of TLS 1.2 say, which has no word for it. */
static bool tls_is_refusal(int reason) {
  return reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED ||
         reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE ||
         reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE;
}

/* With TLS 1.3 we are done before the peer has judged us: an alert ahead of its
 * first data belongs to the handshake. */
static bool tls_is_handshake(const struct tls_transport *t, int reason) {
  if (t->state == HN_TLS_HANDSHAKE) return true;
  return t->state == HN_TLS_AGREED && reason > SSL_AD_REASON_OFFSET;
}

/* The library's own error: the peer broke the protocol or sent an alert. */
static int tls_fail_protocol(struct tls_transport *t) {
  unsigned long error = ERR_peek_error();
  const char *words = error ? ERR_reason_error_string(error) : NULL;
  int reason = ERR_GET_REASON(error);
  tls_sessions_forget(t);
  if (tls_lacks_memory()) return tls_fail(t, HN_ERR_NOT_ENOUGH_MEMORY, NULL);
  t->base.system = (int)(error & 0x7fffffff);
  bool handshake = tls_is_handshake(t, reason);
  if (handshake && t->wanted && tls_is_refusal(reason))
    return tls_fail(t, HN_ERR_CLIENT_AUTH_CERT_NEEDED,
                    "the server wants to see a client certificate");
  (void)snprintf(t->detail, sizeof t->detail, "TLS: %s%s",
                 words ? words : "unknown failure", tls_hint(t, reason));
  if (!handshake) return tls_fail(t, HN_ERR_CONNECTION_ERROR, t->detail);
  t->base.secure = HN_SECURE_CHANNEL_ERROR;
  return tls_fail(t, HN_ERR_SECURE_FAILURE, t->detail);
}

/* A TLS 1.3 server that asked for a certificate, got none and is gone before it
 * has said anything: a reset may overtake its alert, or take it along. */
static bool tls_is_turned_away(const struct tls_transport *t) {
  return t->state == HN_TLS_AGREED && t->wanted &&
         SSL_version(t->ssl) == TLS1_3_VERSION &&
         (t->below_end || t->below == HN_ERR_CONNECTION_ERROR);
}

/* Why the last call failed; the transport is of no use any more. */
static int tls_break(struct tls_transport *t) {
  if (t->base.secure != 0) return tls_fail(t, HN_ERR_SECURE_FAILURE, NULL);
  if (t->silence > HN_TLS_MAX_SILENCE) {
    tls_sessions_forget(t);
    return tls_fail(t, HN_ERR_CONNECTION_ERROR,
                    "TLS: too many messages without data");
  }
  if (t->below != 0) t->base.system = t->base.next->system;
  if (tls_is_turned_away(t))
    return tls_fail(t, HN_ERR_CLIENT_AUTH_CERT_NEEDED,
                    "the server hung up after it had asked for a client "
                    "certificate");
  if (t->below == HN_ERR_CONNECTION_ERROR && t->base.system == ECONNRESET &&
      tls_is_unanswered(t))
    return tls_fail(t, t->below,
                    "connection reset during the TLS handshake (does the "
                    "server speak TLS on this port?)");
  if (t->below != 0) return tls_fail(t, t->below, t->base.next->detail);
  if (t->below_end && tls_is_unanswered(t))
    return tls_fail(t, HN_ERR_CONNECTION_ERROR,
                    "closed during the TLS handshake (does the server speak "
                    "TLS on this port?)");
  if (t->below_end && t->state == HN_TLS_HANDSHAKE)
    return tls_fail(t, HN_ERR_CONNECTION_ERROR,
                    t->wanted ? "closed during the TLS handshake, after the "
                                "server had asked for a client certificate"
                              : "closed during the TLS handshake");
  /* RFC 8446 6.1: without close_notify anybody on the way may have cut the
   * data short. */
  if (t->below_end)
    return tls_fail(t, HN_ERR_CONNECTION_ERROR, "closed without close_notify");
  return tls_fail_protocol(t);
}

/* Before each call: its errors are read from a queue that is the thread's, and
 * other users of the library may have left theirs in it. Looking is cheaper
 * than emptying it. */
static void tls_begin(struct tls_transport *t) {
  if (ERR_peek_error() != 0) ERR_clear_error();
  t->below = 0;
  t->silence = 0;
}

/* What a call that did not succeed means: HN_AGAIN or a code. */
static int tls_result(struct tls_transport *t) {
  int why = SSL_get_error(t->ssl, 0);
  if (why == SSL_ERROR_WANT_WRITE) return HN_AGAIN;
  if (why == SSL_ERROR_WANT_READ && !t->below_end) return HN_AGAIN;
  return tls_break(t);
}

/* Before TLS 1.3 a server that asked for a certificate has judged what it got
 * when the handshake ends. */
static bool tls_is_judged(const struct tls_transport *t) {
  return t->wanted && SSL_version(t->ssl) != TLS1_3_VERSION;
}

static int tls_step_connect(struct hn_transport *s) {
  struct tls_transport *t = tls_of(s);
  if (tls_is_open(t)) return 0;
  if (tls_has_failed(t)) return t->code;
  int rc = s->next->ops->step_connect(s->next);
  if (rc > 0) {
    s->system = s->next->system;
    return tls_fail(t, rc, s->next->detail);
  }
  if (rc != 0) return rc;
  tls_begin(t);
  if (SSL_do_handshake(t->ssl) != 1) return tls_result(t);
  tls_set_state(t, tls_is_judged(t) ? HN_TLS_OPEN : HN_TLS_AGREED);
  return 0;
}

/* While it only waits for its peer, a connection holds no buffers: the library
 * frees them after each record. Once data flows that would be two allocations
 * for each exchange. */
static void tls_keep_buffers(struct tls_transport *t) {
  SSL_clear_mode(t->ssl, SSL_MODE_RELEASE_BUFFERS);
  t->warm = true;
}

static int tls_read(struct hn_transport *s, char *p, size_t n, size_t *got) {
  struct tls_transport *t = tls_of(s);
  if (tls_has_failed(t)) return t->code;
  size_t done = 0;
  tls_begin(t);
  if (SSL_read_ex(t->ssl, p, n, &done) == 1) {
    if (!t->warm) tls_keep_buffers(t);
    t->starved = false;
    if (t->state == HN_TLS_AGREED) tls_set_state(t, HN_TLS_OPEN);
    *got = done;
    return 0;
  }
  t->starved = true;
  if (SSL_get_error(t->ssl, 0) == SSL_ERROR_ZERO_RETURN) {
    *got = 0;
    return 0;
  }
  return tls_result(t);
}

static int tls_write(struct hn_transport *s, const char *p, size_t n,
                     size_t *put) {
  struct tls_transport *t = tls_of(s);
  if (tls_has_failed(t)) return t->code;
  tls_begin(t);
  if (SSL_write_ex(t->ssl, p, n, put) == 1) return 0;
  if (t->below == 0) return tls_result(t);
  /* What the peer said before it stopped listening can still be read. */
  s->system = s->next->system;
  s->detail = s->next->detail;
  ERR_clear_error();
  return t->below;
}

/* One try: a goodbye that would have to wait is not worth waiting for. */
static void tls_shutdown(struct hn_transport *s) {
  struct tls_transport *t = tls_of(s);
  if (!tls_is_open(t)) return;
  tls_begin(t);
  (void)SSL_shutdown(t->ssl);
  ERR_clear_error();
  s->next->ops->shutdown(s->next);
}

/* The library waits for what is below, whose last HN_AGAIN it was. */
static unsigned tls_want(const struct hn_transport *s) {
  return s->next->ops->want(s->next);
}

/* Bytes read ahead count until a read has found no whole record among them:
 * the rest of that record is announced by the descriptor. */
static bool tls_has_pending(const struct hn_transport *s) {
  const struct tls_transport *t = tls_of_const(s);
  if (!tls_is_open(t)) return false;
  if (SSL_pending(t->ssl) > 0) return true;
  if (!t->starved && SSL_has_pending(t->ssl)) return true;
  return s->next->ops->has_pending(s->next);
}

static int tls_fd(const struct hn_transport *s) {
  return s->next->ops->fd(s->next);
}

static void tls_idle(struct hn_transport *s) {
  struct tls_transport *t = tls_of(s);
  if (tls_is_open(t)) {
    SSL_set_mode(t->ssl, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_free_buffers(t->ssl);
  }
  t->warm = false;
  s->next->ops->idle(s->next);
}

static void tls_close(struct hn_transport *s) {
  struct tls_transport *t = tls_of(s);
  /* Or the library would give up the session of a connection that ends without
   * our goodbye (RFC 5246 7.2.1). One of a peer that broke the protocol is
   * forgotten by then. */
  if (t->ssl) SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN);
  SSL_free(t->ssl);
  ERR_clear_error();
  s->next->ops->close(s->next);
  tls_context_free(t->context);
  mem_free(t);
}

static const struct hn_tls_library tls_library;

static const struct hn_transport_ops tls_ops = {
    .tls = &tls_library,
    .step_connect = tls_step_connect,
    .read = tls_read,
    .write = tls_write,
    .shutdown = tls_shutdown,
    .want = tls_want,
    .has_pending = tls_has_pending,
    .fd = tls_fd,
    .idle = tls_idle,
    .close = tls_close,
};

const struct tls_transport *tls_find(const struct hn_transport *s) {
  while (s && s->ops != &tls_ops) s = s->next;
  const struct tls_transport *t = s ? tls_of_const(s) : NULL;
  bool agreed = t && t->state != HN_TLS_HANDSHAKE && t->state != HN_TLS_REFUSED;
  return agreed ? t : NULL;
}

/* What the certificate must name. RFC 9110 4.3.4: an IP address is compared
 * with IP entries only, a common name with nothing. */
static bool tls_expect_host(struct tls_transport *t,
                            const struct hn_address *ip) {
  X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);
  X509_VERIFY_PARAM_set_hostflags(param,
                                  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) != 1)
    return false;
  if (ip->size == 0) {
    if (X509_VERIFY_PARAM_set1_host(param, t->host, 0) != 1) return false;
    return SSL_set_tlsext_host_name(t->ssl, t->host) == 1;
  }
  if (ip->u.any.sa_family == AF_INET)
    return X509_VERIFY_PARAM_set1_ip(
               param, (const unsigned char *)&ip->u.v4.sin_addr, 4) == 1;
  return X509_VERIFY_PARAM_set1_ip(param, ip->u.v6.sin6_addr.s6_addr, 16) == 1;
}

/* The library answers 0 when it has taken the names. */
static bool tls_offer(SSL *ssl, struct hn_slice alpn) {
  return alpn.n == 0 || SSL_set_alpn_protos(ssl, (const unsigned char *)alpn.p,
                                            (unsigned)alpn.n) == 0;
}

static int tls_set_up(struct tls_transport *t, const struct hn_address *ip,
                      struct hn_slice alpn) {
  t->ssl = SSL_new(t->context->ctx);
  if (!t->ssl) return HN_ERR_NOT_ENOUGH_MEMORY;
  BIO *bio = BIO_new(t->context->method);
  if (!bio) return HN_ERR_NOT_ENOUGH_MEMORY;
  BIO_set_data(bio, t);
  BIO_set_init(bio, 1);
  SSL_set_bio(t->ssl, bio, bio);
  SSL_set_app_data(t->ssl, t);
  SSL_set_connect_state(t->ssl);
  if (!tls_expect_host(t, ip) || !tls_offer(t->ssl, alpn))
    return HN_ERR_NOT_ENOUGH_MEMORY;
  tls_session_offer(t);
  return 0;
}

/* The final dot of an absolute name is in neither certificates nor SNI
 * (RFC 6066 3). An embedded NUL would make the name end early, and a leading
 * dot makes the library accept any certificate below the domain. */
static bool tls_copy_host(struct tls_transport *t, struct hn_slice host) {
  if (host.n > 1 && host.p[host.n - 1] == '.') host.n--;
  if (host.n == 0 || host.n > HN_MAX_HOST || host.p[0] == '.') return false;
  if (slice_find(host, 0, '\0') < host.n) return false;
  memcpy(t->host, host.p, host.n);
  t->host[host.n] = '\0';
  return true;
}

static int tls_stream_new(struct hn_tls_context *c, struct hn_transport *below,
                          const struct hn_tls_peer *peer,
                          struct hn_transport **out) {
  struct hn_address ip = {.size = 0};
  struct tls_transport *t = mem_calloc(1, sizeof *t);
  if (!t) {
    below->ops->close(below);
    return HN_ERR_NOT_ENOUGH_MEMORY;
  }
  t->base.ops = &tls_ops;
  t->base.next = below;
  t->context = tls_context_hold(c);
  t->state = HN_TLS_HANDSHAKE;
  t->port = peer->port;
  (void)address_parse(peer->host, 0, &ip);
  ERR_clear_error();
  int rc = HN_ERR_INVALID_PARAMETER;
  if (tls_copy_host(t, peer->host)) rc = tls_set_up(t, &ip, peer->alpn);
  if (rc != 0) {
    tls_close(&t->base);
    return rc;
  }
  *out = &t->base;
  return 0;
}

static const struct hn_tls_library tls_library = {
    .context_new = tls_context_new,
    .context_load = tls_store_load,
    .context_end = tls_context_end,
    .transport_new = tls_stream_new,
    .get_info = tls_info_get,
    .info_hold = tls_info_hold,
    .info_release = tls_info_release,
    .get_certificate = tls_info_get_certificate,
};

HN_PART const void *hn_part_tls(uint32_t stamp) {
  return stamp == HN_STAMP ? &tls_library : NULL;
}
