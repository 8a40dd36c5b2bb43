#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "../../base/mem.h"
#include "openssl.h"

enum {
  HN_TLS_FINGERPRINT = 32,        /* SHA-256 */
  HN_TLS_CERT_TEXT = 1024 * 1024, /* more than any certificate has to say */
};

bool tls_info_get(const struct hn_transport *s, struct hn_tls_info *out) {
  const struct tls_transport *t = tls_find(s);
  const unsigned char *alpn = NULL;
  unsigned alpn_size = 0;
  if (!t) return false;
  const SSL_CIPHER *cipher = SSL_get_current_cipher(t->ssl);
  SSL_get0_alpn_selected(t->ssl, &alpn, &alpn_size);
  out->library = hn_part_tls(HN_STAMP);
  out->protocol =
      SSL_version(t->ssl) == TLS1_3_VERSION ? HN_TLS_1_3 : HN_TLS_1_2;
  out->cipher = cipher ? SSL_CIPHER_standard_name(cipher) : "";
  out->key_bits = cipher ? (unsigned)SSL_CIPHER_get_bits(cipher, NULL) : 0;
  out->alpn = slice_make((const char *)alpn, alpn_size);
  out->resumed = SSL_session_reused(t->ssl) == 1;
  out->certificate = SSL_get0_peer_certificate(t->ssl);
  return true;
}

int tls_info_hold(struct hn_tls_info *i) {
  char *alpn = mem_copy(i->alpn.p, i->alpn.n);
  if (!alpn) return HN_ERR_NOT_ENOUGH_MEMORY;
  i->alpn.p = alpn;
  if (i->certificate) X509_up_ref(i->certificate);
  return 0;
}

void tls_info_release(struct hn_tls_info *i) {
  mem_free((void *)(uintptr_t)i->alpn.p);
  X509_free(i->certificate);
}

/* Writes one field after another; the text moves as it grows, so only lengths
 * are kept until everything is there. */
struct tls_cert_writer {
  struct hn_buf *text;
  size_t begin; /* of the field being written */
  int code;     /* of the first failure, 0: none */
};

/* Ends a field and answers its length. */
static size_t tls_cert_end(struct tls_cert_writer *w) {
  size_t n = buf_size(w->text) - w->begin;
  w->begin += n;
  return n;
}

static void tls_cert_add(struct tls_cert_writer *w, const char *p, size_t n) {
  if (w->code == 0 && n > 0) w->code = buf_append(w->text, slice_make(p, n));
}

static void tls_cert_add_hex(struct tls_cert_writer *w, const unsigned char *p,
                             size_t n) {
  static const char digits[] = "0123456789ABCDEF";
  for (size_t i = 0; i < n; i++) {
    char pair[2] = {digits[p[i] >> 4], digits[p[i] & 15]};
    tls_cert_add(w, pair, 2);
  }
}

/* Takes what a library function printed. */
static void tls_cert_add_bio(struct tls_cert_writer *w, BIO *bio, bool good) {
  char *p = NULL;
  long n = bio ? BIO_get_mem_data(bio, &p) : 0;
  if (!bio) w->code = HN_ERR_NOT_ENOUGH_MEMORY;
  if (good && n > 0) tls_cert_add(w, p, (size_t)n);
  BIO_free(bio);
}

/* UTF-8, with control characters escaped. */
static void tls_cert_add_name(struct tls_cert_writer *w,
                              const X509_NAME *name) {
  BIO *bio = BIO_new(BIO_s_mem());
  int n = bio ? X509_NAME_print_ex(bio, name, 0,
                                   XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB)
              : -1;
  tls_cert_add_bio(w, bio, n >= 0);
}

static void tls_cert_add_pem(struct tls_cert_writer *w, X509 *cert) {
  BIO *bio = BIO_new(BIO_s_mem());
  tls_cert_add_bio(w, bio, bio && PEM_write_bio_X509(bio, cert) == 1);
}

/* A name may hold what would look like another name: a comma, and everything
 * that is not plain, is written as \XX (RFC 4514 2.4). */
static void tls_cert_add_plain(struct tls_cert_writer *w,
                               const ASN1_STRING *text) {
  const unsigned char *p = ASN1_STRING_get0_data(text);
  for (int i = 0; i < ASN1_STRING_length(text); i++) {
    bool plain = p[i] > 0x20 && p[i] < 0x7f && p[i] != ',' && p[i] != '\\';
    if (!plain) tls_cert_add(w, "\\", 1);
    if (plain)
      tls_cert_add(w, (const char *)p + i, 1);
    else
      tls_cert_add_hex(w, p + i, 1);
  }
}

static void tls_cert_add_ip(struct tls_cert_writer *w, const ASN1_STRING *ip) {
  char text[INET6_ADDRSTRLEN] = "";
  int n = ASN1_STRING_length(ip);
  if (n == 4 || n == 16)
    (void)inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(ip),
                    text, sizeof text);
  tls_cert_add(w, text, strlen(text));
}

static void tls_cert_add_alternative(struct tls_cert_writer *w,
                                     const GENERAL_NAME *name) {
  static const char *const labels[] = {[GEN_EMAIL] = "email:",
                                       [GEN_DNS] = "DNS:",
                                       [GEN_URI] = "URI:",
                                       [GEN_IPADD] = "IP:"};
  int type;
  const ASN1_STRING *text = GENERAL_NAME_get0_value(name, &type);
  const char *label = type >= 0 && type <= GEN_IPADD ? labels[type] : NULL;
  if (!label) return;
  if (buf_size(w->text) > w->begin) tls_cert_add(w, ", ", 2);
  tls_cert_add(w, label, strlen(label));
  if (type == GEN_IPADD)
    tls_cert_add_ip(w, text);
  else
    tls_cert_add_plain(w, text);
}

static void tls_cert_add_names(struct tls_cert_writer *w, X509 *cert) {
  GENERAL_NAMES *names =
      X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
  for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
    tls_cert_add_alternative(w, sk_GENERAL_NAME_value(names, i));
  GENERAL_NAMES_free(names);
}

/* The largest a serial number may be is 20 bytes (RFC 5280 4.1.2.2), but those
 * who break that rule are read as well. */
static void tls_cert_add_serial(struct tls_cert_writer *w, X509 *cert) {
  const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
  bool negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER;
  if (negative) tls_cert_add(w, "-", 1);
  tls_cert_add_hex(w, ASN1_STRING_get0_data(serial),
                   (size_t)ASN1_STRING_length(serial));
}

static void tls_cert_add_fingerprint(struct tls_cert_writer *w, X509 *cert) {
  unsigned char hash[HN_TLS_FINGERPRINT];
  if (X509_digest(cert, EVP_sha256(), hash, NULL) == 1)
    tls_cert_add_hex(w, hash, sizeof hash);
}

/* Seconds since 1970; 0 for a time that makes no sense. */
static int64_t tls_cert_time(const ASN1_TIME *when) {
  ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
  int days = 0, seconds = 0;
  if (epoch && when) (void)ASN1_TIME_diff(&days, &seconds, epoch, when);
  ASN1_TIME_free(epoch);
  return (int64_t)days * 86400 + seconds;
}

static struct hn_slice tls_cert_take(struct hn_slice *rest, size_t n) {
  struct hn_slice field = slice_sub(*rest, 0, n);
  *rest = slice_from(*rest, n);
  return field;
}

static int tls_cert_write(struct hn_tls_certificate *c, X509 *cert) {
  struct tls_cert_writer w = {&c->text, 0, 0};
  tls_cert_add_name(&w, X509_get_subject_name(cert));
  size_t subject = tls_cert_end(&w);
  tls_cert_add_name(&w, X509_get_issuer_name(cert));
  size_t issuer = tls_cert_end(&w);
  tls_cert_add_serial(&w, cert);
  size_t serial = tls_cert_end(&w);
  tls_cert_add_names(&w, cert);
  size_t names = tls_cert_end(&w);
  tls_cert_add_fingerprint(&w, cert);
  size_t fingerprint = tls_cert_end(&w);
  tls_cert_add_pem(&w, cert);
  size_t pem = tls_cert_end(&w);
  struct hn_slice rest = buf_peek(&c->text);
  c->subject = tls_cert_take(&rest, subject);
  c->issuer = tls_cert_take(&rest, issuer);
  c->serial = tls_cert_take(&rest, serial);
  c->names = tls_cert_take(&rest, names);
  c->fingerprint = tls_cert_take(&rest, fingerprint);
  c->pem = tls_cert_take(&rest, pem);
  c->not_before = tls_cert_time(X509_get0_notBefore(cert));
  c->not_after = tls_cert_time(X509_get0_notAfter(cert));
  return w.code;
}

int tls_info_get_certificate(const struct hn_tls_info *info,
                             struct hn_tls_certificate *out) {
  struct hn_tls_certificate c;
  if (!info->certificate) return HN_ERR_INCORRECT_HANDLE_STATE;
  ERR_clear_error();
  buf_init(&c.text, HN_TLS_CERT_TEXT);
  int rc = tls_cert_write(&c, info->certificate);
  ERR_clear_error();
  if (rc != 0) {
    buf_fini(&c.text);
    return rc;
  }
  *out = c;
  return 0;
}
