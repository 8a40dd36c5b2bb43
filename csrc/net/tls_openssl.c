#include <arpa/inet.h>
#include <assert.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../base/mem.h"
#include "../base/trace.h"
#include "address.h"
#include "tls.h"
#include "trust.h"

enum {
  HN_TLS_READ_BUFFER = 64 * 1024, /* several records in one read */
  HN_TLS_DETAIL = 200,
  HN_TLS_NAME = 80, /* of a name quoted from a certificate */
  HN_TLS_ALPN = 32
};

struct hn_tls_context {
  SSL_CTX *ctx;       /* owned */
  BIO_METHOD *method; /* owned; makes a struct hn_stream look like a BIO */
  unsigned references;
};

enum tls_state {
  HN_TLS_HANDSHAKE, /* not ready for bytes */
  HN_TLS_OPEN,
  HN_TLS_FAILED, /* code says why; nothing may go out any more */
};

static const char *const tls_names[] = {"HANDSHAKE", "OPEN", "FAILED"};

struct tls_stream {
  struct hn_stream base;
  struct hn_tls_context *context; /* shared, counted */
  SSL *ssl;                       /* owned, with its BIO */
  enum tls_state state;
  int code;       /* of the failure */
  int below;      /* the code the stream below gave this call, or 0 */
  bool below_end; /* the stream below ended */
  bool starved;   /* the last read found no whole record */
  char host[HN_MAX_HOST + 1];
  char detail[HN_TLS_DETAIL];
};

static struct tls_stream *tls_of(struct hn_stream *s) {
  return (struct tls_stream *)(void *)s;
}

static const struct tls_stream *tls_of_const(const struct hn_stream *s) {
  return (const struct tls_stream *)(const void *)s;
}

static void tls_set_state(struct tls_stream *t, enum tls_state state) {
  static const unsigned legal[] = {
    [HN_TLS_HANDSHAKE] = 1u << HN_TLS_OPEN | 1u << HN_TLS_FAILED,
    [HN_TLS_OPEN] = 1u << HN_TLS_FAILED,
    [HN_TLS_FAILED] = 0,
  };
  assert(legal[t->state] & (1u << state));
  (void)legal;
  trace_state("tls", 0, tls_names[t->state],
              tls_names[state]);
  t->state = state;
}

static int tls_bio_read(BIO *bio, char *p, size_t n, size_t *got) {
  struct tls_stream *t = BIO_get_data(bio);
  struct hn_stream *next = t->base.next;
  size_t done = 0;
  BIO_clear_retry_flags(bio);
  int rc = next->ops->read(next, p, n, &done);
  if (rc == HN_AGAIN) {
    BIO_set_retry_read(bio);
    return 0;
  }
  if (rc != 0) {
    t->below = rc;
    return 0;
  }
  if (done == 0) t->below_end = true;
  *got = done;
  return done > 0;
}

static int tls_bio_write(BIO *bio, const char *p, size_t n, size_t *put) {
  struct tls_stream *t = BIO_get_data(bio);
  struct hn_stream *next = t->base.next;
  BIO_clear_retry_flags(bio);
  int rc = next->ops->write(next, p, n, put);
  if (rc == 0) return 1;
  if (rc == HN_AGAIN)
    BIO_set_retry_write(bio);
  else
    t->below = rc;
  return 0;
}

static long tls_bio_control(BIO *bio, int command, long n, void *p) {
  struct tls_stream *t = BIO_get_data(bio);
  (void)n;
  (void)p;
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return t && t->below_end;
  return 0;
}

/* The type carries no index of its own: the library has only about a hundred
 * of those for the whole process. */
static BIO_METHOD *tls_bio_method(void) {
  BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "hinternet stream");
  if (!m) return NULL;
  if (BIO_meth_set_read_ex(m, tls_bio_read) != 1 ||
      BIO_meth_set_write_ex(m, tls_bio_write) != 1 ||
      BIO_meth_set_ctrl(m, tls_bio_control) != 1) {
    BIO_meth_free(m);
    return NULL;
  }
  return m;
}

static int tls_load_file(SSL_CTX *ctx, const char *file) {
  if (access(file, R_OK) != 0) return HN_ERR_READ_FAULT;
  return SSL_CTX_load_verify_file(ctx, file) == 1 ? 0 : HN_ERR_SECURE_FAILURE;
}

/* Nothing found is no error: every chain then ends at an unknown authority. */
static int tls_load_store(SSL_CTX *ctx, const char *ca_file,
                          const char **detail) {
  struct hn_trust from = {ca_file, NULL, NULL};
  if (!ca_file)
    from = trust_find(X509_get_default_cert_dir(),
                      X509_get_default_cert_file());
  if (from.folder) (void)SSL_CTX_load_verify_dir(ctx, from.folder);
  int rc = from.file ? tls_load_file(ctx, from.file) : 0;
  if (rc == 0 || (!ca_file && !from.variable)) return 0;
  *detail = rc == HN_ERR_READ_FAULT
              ? "ca_file (or SSL_CERT_FILE) cannot be read"
              : "ca_file (or SSL_CERT_FILE) holds no PEM certificate";
  return HN_ERR_SECURE_FAILURE;
}

/* A stricter floor from the system's configuration stays. */
static bool tls_set_floor(SSL_CTX *ctx) {
  if (SSL_CTX_get_min_proto_version(ctx) > TLS1_2_VERSION) return true;
  return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1;
}

static bool tls_set_alpn(SSL_CTX *ctx, const char *name) {
  if (!name) return true;
  unsigned char wire[HN_TLS_ALPN + 1];
  size_t n = strlen(name);
  if (n == 0 || n > HN_TLS_ALPN) return false;
  wire[0] = (unsigned char)n; /* RFC 7301 3.1: a length byte and the name */
  memcpy(wire + 1, name, n);
  return SSL_CTX_set_alpn_protos(ctx, wire, (unsigned)n + 1) == 0;
}

/* AUTO_RETRY stays on (the library's default): with read-ahead, a read that
 * stopped after a ticket would leave whole records waiting unannounced. */
static bool tls_configure(SSL_CTX *ctx) {
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                          SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                          SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_default_read_buffer_len(ctx, HN_TLS_READ_BUFFER);
  (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  return tls_set_floor(ctx) &&
         SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:"
                                       "TLS_AES_256_GCM_SHA384:"
                                       "TLS_CHACHA20_POLY1305_SHA256") == 1;
}

HN_INTERNAL int tls_context_new(const struct hn_tls_options *o,
                                struct hn_tls_context **out,
                                const char **detail) {
  struct hn_tls_context *c = mem_calloc(1, sizeof *c);
  int rc = HN_ERR_NOT_ENOUGH_MEMORY;
  if (!c) return rc;
  ERR_clear_error();
  c->references = 1;
  c->method = tls_bio_method();
  c->ctx = SSL_CTX_new(TLS_client_method());
  if (c->method && c->ctx && tls_configure(c->ctx) &&
      tls_set_alpn(c->ctx, o->alpn))
    rc = tls_load_store(c->ctx, o->ca_file, detail);
  ERR_clear_error();
  if (rc != 0) {
    tls_context_free(c);
    return rc;
  }
  *out = c;
  return 0;
}

HN_INTERNAL void tls_context_free(struct hn_tls_context *c) {
  if (!c || --c->references > 0) return;
  SSL_CTX_free(c->ctx);
  BIO_meth_free(c->method);
  mem_free(c);
}

/* Names in a certificate are the peer's words: nothing but plain ASCII gets
 * into a message. Always ends out with a NUL. */
static void tls_quote(char out[HN_TLS_NAME], const unsigned char *p, int n) {
  int i = 0;
  for (; i < n && i < HN_TLS_NAME - 1; i++) {
    bool plain = p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"';
    out[i] = plain ? (char)p[i] : '?';
  }
  out[i] = '\0';
}

static void tls_quote_ip(char out[HN_TLS_NAME], const ASN1_STRING *ip) {
  int family = ASN1_STRING_length(ip) == 16 ? AF_INET6 : AF_INET;
  (void)snprintf(out, HN_TLS_NAME, "?");
  if (family == AF_INET6 || ASN1_STRING_length(ip) == 4)
    (void)inet_ntop(family, ASN1_STRING_get0_data(ip), out, HN_TLS_NAME);
}

/* Puts the first usable subject alternative name into out and answers how many
 * there are. */
static int tls_first_name(X509 *cert, char out[HN_TLS_NAME]) {
  GENERAL_NAMES *names =
    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
  int count = 0;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
    int type;
    const ASN1_STRING *text =
      GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
    if (type != GEN_DNS && type != GEN_IPADD) continue;
    if (count++ > 0) continue;
    if (type == GEN_DNS)
      tls_quote(out, ASN1_STRING_get0_data(text), ASN1_STRING_length(text));
    else
      tls_quote_ip(out, text);
  }
  GENERAL_NAMES_free(names);
  return count;
}

static void tls_describe_name(struct tls_stream *t, X509 *cert) {
  char name[HN_TLS_NAME] = "";
  int count = cert ? tls_first_name(cert, name) : 0;
  /* At most 79 + 79 + 32 bytes: the host may be longer than there is room. */
  char host[HN_TLS_NAME];
  tls_quote(host, (const unsigned char *)t->host, (int)strlen(t->host));
  if (count == 0)
    (void)snprintf(t->detail, sizeof t->detail,
                   "certificate names no host (subjectAltName), not \"%s\"",
                   host);
  else
    (void)snprintf(t->detail, sizeof t->detail,
                   "certificate is for \"%s\"%s, not \"%s\"", name,
                   count > 1 ? " and others" : "", host);
}

static void tls_describe_date(struct tls_stream *t, const char *what,
                              const ASN1_TIME *when) {
  struct tm tm;
  if (!when || ASN1_TIME_to_tm(when, &tm) != 1) {
    (void)snprintf(t->detail, sizeof t->detail, "certificate %s", what);
    return;
  }
  (void)snprintf(t->detail, sizeof t->detail, "certificate %s (%d-%02d-%02d)",
                 what, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

static void tls_common_name(const X509_NAME *from, char out[HN_TLS_NAME]) {
  int at = from ? X509_NAME_get_index_by_NID(from, NID_commonName, -1) : -1;
  (void)snprintf(out, HN_TLS_NAME, "an unnamed authority");
  if (at < 0) return;
  const ASN1_STRING *text =
    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(from, at));
  tls_quote(out, ASN1_STRING_get0_data(text), ASN1_STRING_length(text));
}

static void tls_describe_authority(struct tls_stream *t, X509 *cert,
                                   int error) {
  char issuer[HN_TLS_NAME] = "self-signed certificate";
  if (error != X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
    tls_common_name(cert ? X509_get_issuer_name(cert) : NULL, issuer);
  (void)snprintf(t->detail, sizeof t->detail,
                 "certificate authority unknown: %s "
                 "(name its issuer with the ca_file option)", issuer);
}

static uint32_t tls_secure_bits(int error) {
  switch (error) {
  case X509_V_ERR_CERT_NOT_YET_VALID:
  case X509_V_ERR_CERT_HAS_EXPIRED:
  case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
  case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
    return HN_SECURE_CERT_DATE_INVALID;
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    return HN_SECURE_CERT_CN_INVALID;
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_CERT_UNTRUSTED:
  case X509_V_ERR_CERT_REJECTED:
  case X509_V_ERR_INVALID_CA:
    return HN_SECURE_INVALID_CA;
  case X509_V_ERR_CERT_REVOKED:
    return HN_SECURE_CERT_REVOKED;
  case X509_V_ERR_UNABLE_TO_GET_CRL:
    return HN_SECURE_CERT_REV_FAILED;
  case X509_V_ERR_INVALID_PURPOSE:
    return HN_SECURE_CERT_WRONG_USAGE;
  default:
    return HN_SECURE_INVALID_CERT;
  }
}

static void tls_describe(struct tls_stream *t, X509 *cert, int error) {
  t->base.secure = tls_secure_bits(error);
  t->base.system = error;
  t->base.detail = t->detail;
  if (error == X509_V_ERR_CERT_HAS_EXPIRED)
    tls_describe_date(t, "has expired",
                      cert ? X509_get0_notAfter(cert) : NULL);
  else if (error == X509_V_ERR_CERT_NOT_YET_VALID)
    tls_describe_date(t, "is not valid yet, or the clock is wrong",
                      cert ? X509_get0_notBefore(cert) : NULL);
  else if (t->base.secure == HN_SECURE_CERT_CN_INVALID)
    tls_describe_name(t, cert);
  else if (t->base.secure == HN_SECURE_INVALID_CA)
    tls_describe_authority(t, cert, error);
  else
    (void)snprintf(t->detail, sizeof t->detail, "certificate refused: %s",
                   X509_verify_cert_error_string(error));
}

/* Never changes the verdict; it only notes the first reason, because the
 * library forgets the certificate when the handshake fails. */
static int tls_note_verdict(int ok, X509_STORE_CTX *x) {
  int index = SSL_get_ex_data_X509_STORE_CTX_idx();
  SSL *ssl = X509_STORE_CTX_get_ex_data(x, index);
  struct tls_stream *t = ssl ? SSL_get_app_data(ssl) : NULL;
  if (!ok && t && t->base.secure == 0)
    tls_describe(t, X509_STORE_CTX_get_current_cert(x),
                 X509_STORE_CTX_get_error(x));
  return ok;
}

static int tls_fail(struct tls_stream *t, int code, const char *detail) {
  t->code = code;
  if (detail) t->base.detail = detail;
  tls_set_state(t, HN_TLS_FAILED);
  ERR_clear_error();
  return code;
}

/* Said by a server that expects something else on this port. */
static const char *tls_hint(int reason) {
  switch (reason) {
  case SSL_R_WRONG_VERSION_NUMBER:
  case SSL_R_HTTP_REQUEST:
  case SSL_R_PACKET_LENGTH_TOO_LONG:
    return " (does the server speak TLS on this port?)";
  case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
  case SSL_R_UNSUPPORTED_PROTOCOL:
    return " (TLS 1.2 is the least)";
  default:
    return "";
  }
}

/* The library's own error: the peer broke the protocol or sent an alert. */
static int tls_fail_protocol(struct tls_stream *t) {
  unsigned long error = ERR_peek_error();
  const char *reason = error ? ERR_reason_error_string(error) : NULL;
  if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
    return tls_fail(t, HN_ERR_NOT_ENOUGH_MEMORY, NULL);
  (void)snprintf(t->detail, sizeof t->detail, "TLS: %s%s",
                 reason ? reason : "unknown failure",
                 tls_hint(ERR_GET_REASON(error)));
  t->base.system = (int)(error & 0x7fffffff);
  if (t->state != HN_TLS_HANDSHAKE)
    return tls_fail(t, HN_ERR_CONNECTION_ERROR, t->detail);
  t->base.secure = HN_SECURE_CHANNEL_ERROR;
  return tls_fail(t, HN_ERR_SECURE_FAILURE, t->detail);
}

/* Why the last call failed; the stream is of no use any more. */
static int tls_break(struct tls_stream *t) {
  if (t->base.secure != 0) return tls_fail(t, HN_ERR_SECURE_FAILURE, NULL);
  if (t->below != 0) {
    t->base.system = t->base.next->system;
    return tls_fail(t, t->below, t->base.next->detail);
  }
  if (t->below_end && t->state == HN_TLS_HANDSHAKE)
    return tls_fail(t, HN_ERR_CONNECTION_ERROR,
                    "closed during the TLS handshake");
  /* RFC 8446 6.1: without close_notify anybody on the way may have cut the
   * data short. */
  if (t->below_end)
    return tls_fail(t, HN_ERR_CONNECTION_ERROR,
                    "closed without close_notify");
  return tls_fail_protocol(t);
}

/* Before each call: its errors are read from a queue that is the thread's, and
 * other users of the library may have left theirs in it. */
static void tls_begin(struct tls_stream *t) {
  ERR_clear_error();
  t->below = 0;
}

/* What a call that did not succeed means: HN_AGAIN or a code. */
static int tls_result(struct tls_stream *t) {
  int why = SSL_get_error(t->ssl, 0);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
    return HN_AGAIN;
  return tls_break(t);
}

static int tls_step_connect(struct hn_stream *s) {
  struct tls_stream *t = tls_of(s);
  if (t->state == HN_TLS_OPEN) return 0;
  if (t->state == HN_TLS_FAILED) return t->code;
  int rc = s->next->ops->step_connect(s->next);
  if (rc > 0) {
    s->system = s->next->system;
    return tls_fail(t, rc, s->next->detail);
  }
  if (rc != 0) return rc;
  tls_begin(t);
  if (SSL_do_handshake(t->ssl) != 1) return tls_result(t);
  tls_set_state(t, HN_TLS_OPEN);
  return 0;
}

static int tls_read(struct hn_stream *s, char *p, size_t n, size_t *got) {
  struct tls_stream *t = tls_of(s);
  if (t->state == HN_TLS_FAILED) return t->code;
  size_t done = 0;
  tls_begin(t);
  if (SSL_read_ex(t->ssl, p, n, &done) == 1) {
    t->starved = false;
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

static int tls_write(struct hn_stream *s, const char *p, size_t n,
                     size_t *put) {
  struct tls_stream *t = tls_of(s);
  if (t->state == HN_TLS_FAILED) return t->code;
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
static void tls_shutdown(struct hn_stream *s) {
  struct tls_stream *t = tls_of(s);
  if (t->state != HN_TLS_OPEN) return;
  tls_begin(t);
  (void)SSL_shutdown(t->ssl);
  ERR_clear_error();
  s->next->ops->shutdown(s->next);
}

/* The library waits only for the stream below, whose last HN_AGAIN it was. */
static unsigned tls_want(const struct hn_stream *s) {
  return s->next->ops->want(s->next);
}

/* Bytes read ahead count until a read has found no whole record among them:
 * the rest of that record is announced by the descriptor. */
static bool tls_has_pending(const struct hn_stream *s) {
  const struct tls_stream *t = tls_of_const(s);
  if (t->state != HN_TLS_OPEN) return false;
  if (SSL_pending(t->ssl) > 0) return true;
  if (!t->starved && SSL_has_pending(t->ssl)) return true;
  return s->next->ops->has_pending(s->next);
}

static int tls_fd(const struct hn_stream *s) {
  return s->next->ops->fd(s->next);
}

static void tls_idle(struct hn_stream *s) {
  struct tls_stream *t = tls_of(s);
  if (t->state == HN_TLS_OPEN) (void)SSL_free_buffers(t->ssl);
  s->next->ops->idle(s->next);
}

static void tls_close(struct hn_stream *s) {
  struct tls_stream *t = tls_of(s);
  SSL_free(t->ssl);
  ERR_clear_error();
  s->next->ops->close(s->next);
  tls_context_free(t->context);
  mem_free(t);
}

static const struct hn_stream_ops tls_ops = {
  .name = "tls",
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

/* What the certificate must name. RFC 9110 4.3.4: an IP address is compared
 * with IP entries only, a common name with nothing. */
static bool tls_expect_host(struct tls_stream *t, const struct hn_address *ip) {
  X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
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

static int tls_set_up(struct tls_stream *t, const struct hn_address *ip) {
  t->ssl = SSL_new(t->context->ctx);
  if (!t->ssl) return HN_ERR_NOT_ENOUGH_MEMORY;
  BIO *bio = BIO_new(t->context->method);
  if (!bio) return HN_ERR_NOT_ENOUGH_MEMORY;
  BIO_set_data(bio, t);
  BIO_set_init(bio, 1);
  SSL_set_bio(t->ssl, bio, bio);
  SSL_set_app_data(t->ssl, t);
  SSL_set_verify(t->ssl, SSL_VERIFY_PEER, tls_note_verdict);
  SSL_set_connect_state(t->ssl);
  return tls_expect_host(t, ip) ? 0 : HN_ERR_NOT_ENOUGH_MEMORY;
}

/* The final dot of an absolute name is in neither certificates nor SNI
 * (RFC 6066 3). An embedded NUL would make the name end early, and a leading
 * dot makes the library accept any certificate below the domain. */
static bool tls_copy_host(struct tls_stream *t, struct hn_slice host) {
  if (host.n > 1 && host.p[host.n - 1] == '.') host.n--;
  if (host.n == 0 || host.n > HN_MAX_HOST || host.p[0] == '.') return false;
  if (slice_find(host, 0, '\0') < host.n) return false;
  memcpy(t->host, host.p, host.n);
  t->host[host.n] = '\0';
  return true;
}

HN_INTERNAL int tls_new(struct hn_tls_context *c, struct hn_stream *below,
                        struct hn_slice host, struct hn_stream **out) {
  struct hn_address ip = {.size = 0};
  struct tls_stream *t = mem_calloc(1, sizeof *t);
  if (!t) {
    below->ops->close(below);
    return HN_ERR_NOT_ENOUGH_MEMORY;
  }
  t->base.ops = &tls_ops;
  t->base.next = below;
  t->context = c;
  t->state = HN_TLS_HANDSHAKE;
  c->references++;
  (void)address_parse(host, 0, &ip);
  ERR_clear_error();
  int rc = HN_ERR_INVALID_PARAMETER;
  if (tls_copy_host(t, host)) rc = tls_set_up(t, &ip);
  if (rc != 0) {
    tls_close(&t->base);
    return rc;
  }
  *out = &t->base;
  return 0;
}
