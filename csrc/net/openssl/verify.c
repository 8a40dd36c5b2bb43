#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "openssl.h"

enum {
  HN_TLS_NAME = 80,     /* of a name quoted from a certificate */
  HN_TLS_HASH = 32,     /* SHA-256 */
  HN_TLS_HASH_TEXT = 44 /* its base64 */
};

static const char tls_pin_start[] = "sha256//";

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

static void tls_describe_name(struct tls_transport *t, X509 *cert) {
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

static void tls_describe_date(struct tls_transport *t, const char *what,
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

static void tls_describe_authority(struct tls_transport *t, X509 *cert,
                                   int error) {
  char issuer[HN_TLS_NAME] = "self-signed certificate";
  if (error != X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
    tls_common_name(cert ? X509_get_issuer_name(cert) : NULL, issuer);
  (void)snprintf(t->detail, sizeof t->detail,
                 "certificate authority unknown: %s "
                 "(name its issuer with the ca_file option)",
                 issuer);
}

static uint32_t tls_secure_bit(int error) {
  switch (error) {
  case X509_V_ERR_CERT_NOT_YET_VALID:
  case X509_V_ERR_CERT_HAS_EXPIRED:
  case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
  case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
    return HN_SECURE_CERT_DATE_INVALID;
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH: return HN_SECURE_CERT_CN_INVALID;
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_CERT_UNTRUSTED:
  case X509_V_ERR_CERT_REJECTED:
  case X509_V_ERR_INVALID_CA: return HN_SECURE_INVALID_CA;
  case X509_V_ERR_CERT_REVOKED: return HN_SECURE_CERT_REVOKED;
  case X509_V_ERR_UNABLE_TO_GET_CRL:
  case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
  case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
  case X509_V_ERR_CRL_SIGNATURE_FAILURE:
  case X509_V_ERR_CRL_NOT_YET_VALID:
  case X509_V_ERR_CRL_HAS_EXPIRED:
  case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
  case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
  case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
  case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
  case X509_V_ERR_DIFFERENT_CRL_SCOPE:
  case X509_V_ERR_CRL_PATH_VALIDATION_ERROR: return HN_SECURE_CERT_REV_FAILED;
  case X509_V_ERR_INVALID_PURPOSE: return HN_SECURE_CERT_WRONG_USAGE;
  default: return HN_SECURE_INVALID_CERT;
  }
}

static void tls_describe(struct tls_transport *t, X509 *cert, int error) {
  uint32_t bit = tls_secure_bit(error);
  if (error == X509_V_ERR_CERT_HAS_EXPIRED)
    tls_describe_date(t, "has expired", cert ? X509_get0_notAfter(cert) : NULL);
  else if (error == X509_V_ERR_CERT_NOT_YET_VALID)
    tls_describe_date(t, "is not valid yet, or the clock is wrong",
                      cert ? X509_get0_notBefore(cert) : NULL);
  else if (bit == HN_SECURE_CERT_CN_INVALID)
    tls_describe_name(t, cert);
  else if (bit == HN_SECURE_INVALID_CA)
    tls_describe_authority(t, cert, error);
  else if (bit == HN_SECURE_CERT_REV_FAILED)
    (void)snprintf(t->detail, sizeof t->detail,
                   "cannot tell whether the certificate is revoked: %s",
                   X509_verify_cert_error_string(error));
  else
    (void)snprintf(t->detail, sizeof t->detail, "certificate refused: %s",
                   X509_verify_cert_error_string(error));
}

void tls_verify_blame(struct tls_transport *t, uint32_t bit, int system,
                      const char *text) {
  if (t->base.secure == 0) {
    if (text) (void)snprintf(t->detail, sizeof t->detail, "%s", text);
    t->base.system = system;
    t->base.detail = t->detail;
  }
  t->base.secure |= bit;
}

static void tls_verify_note(struct tls_transport *t, X509 *cert, int error) {
  const struct hn_tls_context *c = t->context;
  uint32_t bit = tls_secure_bit(error);
  bool weak = error == X509_V_ERR_CA_MD_TOO_WEAK;
  if (weak ? c->weak_ok : (bit & c->tolerated) != 0) return;
  if (bit == HN_SECURE_CERT_REV_FAILED && c->revocation) {
    t->unsure = true; /* the OCSP answer, which comes later, may know */
    return;
  }
  if (t->base.secure == 0) tls_describe(t, cert, error);
  tls_verify_blame(t, bit, error, NULL);
}

/* Labels of letters, digits, "-" and "_", none of them empty. */
static bool tls_is_name(struct hn_slice s) {
  char before = '.';
  for (size_t i = 0; i < s.n; i++) {
    char c = slice_lower(s.p[i]);
    bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                 c == '_';
    if (!plain && (c != '.' || before == '.')) return false;
    before = c;
  }
  return before != '.';
}

/* RFC 6125 6.4.3: "*" is the whole first label, and one of at least three: not
 * every host of a top-level domain. */
static bool tls_is_wildcard_of(struct hn_slice pattern, struct hn_slice host) {
  struct hn_slice rest = slice_from(host, slice_find(host, 0, '.'));
  if (pattern.n < 2 || pattern.p[0] != '*' || !tls_is_name(host)) return false;
  return slice_find(rest, 1, '.') < rest.n &&
         slice_equal_nocase(slice_from(pattern, 1), rest);
}

/* The library holds that no wildcard stands for a label with an underscore,
 * other clients hold that it does: names of services and tenants have them. */
static bool tls_verify_has_wildcard(const struct tls_transport *t, X509 *cert) {
  GENERAL_NAMES *names =
      cert ? X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL) : NULL;
  bool found = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
    int type;
    const ASN1_STRING *text =
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
    if (type != GEN_DNS) continue;
    struct hn_slice pattern = {(const char *)ASN1_STRING_get0_data(text),
                               (size_t)ASN1_STRING_length(text)};
    found = tls_is_wildcard_of(pattern, slice_of(t->host));
  }
  GENERAL_NAMES_free(names);
  return found;
}

static struct tls_transport *tls_verify_stream(X509_STORE_CTX *x) {
  int index = SSL_get_ex_data_X509_STORE_CTX_idx();
  SSL *ssl = X509_STORE_CTX_get_ex_data(x, index);
  return ssl ? SSL_get_app_data(ssl) : NULL;
}

/* Always goes on, so that every fault is found; tls_verify_chain judges. */
static int tls_verify_collect(int ok, X509_STORE_CTX *x) {
  struct tls_transport *t = tls_verify_stream(x);
  int error = X509_STORE_CTX_get_error(x);
  if (ok) return 1;
  if (!t || error == X509_V_ERR_OUT_OF_MEM) return 0;
  X509 *cert = X509_STORE_CTX_get_current_cert(x);
  if (error == X509_V_ERR_HOSTNAME_MISMATCH && tls_verify_has_wildcard(t, cert))
    return 1;
  tls_verify_note(t, cert, error);
  return 1;
}

bool tls_verify_is_pin_list(const char *pins) {
  enum { START = sizeof tls_pin_start - 1 };
  struct hn_slice rest = slice_of(pins);
  for (;;) {
    size_t end = slice_find(rest, 0, ';');
    if (end != START + HN_TLS_HASH_TEXT) return false;
    if (memcmp(rest.p, tls_pin_start, START) != 0) return false;
    for (size_t i = START; i < end - 1; i++)
      if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                  "0123456789+/",
                  rest.p[i]))
        return false;
    if (rest.p[end - 1] != '=') return false;
    if (end == rest.n) return true;
    rest = slice_from(rest, end + 1);
  }
}

/* RFC 7469 2.4: the hash of the SubjectPublicKeyInfo. */
static bool tls_verify_hash_key(X509 *cert, char out[HN_TLS_HASH_TEXT + 1]) {
  unsigned char *der = NULL, hash[HN_TLS_HASH];
  int n = cert ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der) : -1;
  if (n <= 0) return false;
  int ok = EVP_Digest(der, (size_t)n, hash, NULL, EVP_sha256(), NULL);
  OPENSSL_free(der);
  if (ok != 1) return false;
  return EVP_EncodeBlock((unsigned char *)out, hash, HN_TLS_HASH) ==
         HN_TLS_HASH_TEXT;
}

/* The server's own key only: whatever else it sends along is not proved to be
 * of its chain when an unknown authority is forgiven. */
static void tls_verify_pins(struct tls_transport *t, X509 *cert) {
  char key[HN_TLS_HASH_TEXT + 1] = "?", text[HN_TLS_DETAIL];
  if (tls_verify_hash_key(cert, key) && strstr(t->context->pins, key)) return;
  (void)snprintf(text, sizeof text,
                 "the server's public key is not one of the pinned: %s%s",
                 tls_pin_start, key);
  tls_verify_blame(t, HN_SECURE_INVALID_CERT,
                   X509_V_ERR_APPLICATION_VERIFICATION, text);
}

/* Names the faults that came after the first one. */
static void tls_verify_add_others(struct tls_transport *t, uint32_t first) {
  static const struct {
    uint32_t bit;
    const char *text;
  } others[] = {
      {HN_SECURE_CERT_REVOKED, "revoked"},
      {HN_SECURE_CERT_CN_INVALID, "for another host"},
      {HN_SECURE_CERT_DATE_INVALID, "out of date"},
      {HN_SECURE_CERT_WRONG_USAGE, "not for servers"},
      {HN_SECURE_INVALID_CA, "of an unknown authority"},
      {HN_SECURE_INVALID_CERT, "invalid"},
      {HN_SECURE_CERT_REV_FAILED, "perhaps revoked"},
  };
  const char *before = "; also ";
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    size_t n = strlen(t->detail);
    if (!(t->base.secure & others[i].bit & ~first)) continue;
    (void)snprintf(t->detail + n, sizeof t->detail - n, "%s%s", before,
                   others[i].text);
    before = ", ";
  }
}

/* What was found for want of memory is no verdict. */
static int tls_verify_give_up(struct tls_transport *t) {
  t->base.secure = 0;
  t->base.system = 0;
  t->base.detail = NULL;
  ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return 0;
}

/* In place of the library's own verdict, which ends at the first fault and
 * knows no pins. 0 refuses the certificate. */
static int tls_verify_chain(X509_STORE_CTX *x, void *arg) {
  struct tls_transport *t = tls_verify_stream(x);
  (void)arg;
  if (!t) return 0;
  int done = X509_verify_cert(x);
  int error = X509_STORE_CTX_get_error(x);
  if (done <= 0 && error == X509_V_ERR_OUT_OF_MEM) return 0;
  if (done <= 0 && t->base.secure == 0 &&
      !(t->context->tolerated & HN_SECURE_INVALID_CERT))
    tls_verify_blame(t, HN_SECURE_INVALID_CERT, error,
                     "the certificate cannot be verified");
  uint32_t first = tls_secure_bit(t->base.system);
  if (t->context->pins) tls_verify_pins(t, X509_STORE_CTX_get0_cert(x));
  if (t->base.secure == 0) {
    /* A fault that was forgiven is no verdict to remember. */
    X509_STORE_CTX_set_error(x, X509_V_OK);
    return 1;
  }
  if (tls_lacks_memory()) return tls_verify_give_up(t);
  tls_verify_add_others(t, first);
  X509_STORE_CTX_set_error(x, t->base.system);
  return 0;
}

void tls_verify_set_up(struct hn_tls_context *c, uint32_t ignore) {
  static const struct {
    uint32_t flag, bit;
  } pairs[] = {
      {HN_TLS_IGNORE_UNKNOWN_CA, HN_SECURE_INVALID_CA},
      {HN_TLS_IGNORE_WRONG_USAGE, HN_SECURE_CERT_WRONG_USAGE},
      {HN_TLS_IGNORE_CN_INVALID, HN_SECURE_CERT_CN_INVALID},
      {HN_TLS_IGNORE_DATE_INVALID, HN_SECURE_CERT_DATE_INVALID},
      {HN_TLS_IGNORE_INVALID_CERT, HN_SECURE_INVALID_CERT},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (ignore & pairs[i].flag) c->tolerated |= pairs[i].bit;
  c->weak_ok = (ignore & HN_TLS_IGNORE_WEAK_SIGNATURE) != 0;
  SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, tls_verify_collect);
  SSL_CTX_set_cert_verify_callback(c->ctx, tls_verify_chain, NULL);
}
