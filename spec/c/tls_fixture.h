/*
 * tls_fixture.h: certificates made on the spot and a TLS server that lives in
 * memory, for the tests of tls and dial.
 */
#ifndef HN_SPEC_TLS_FIXTURE_H
#define HN_SPEC_TLS_FIXTURE_H

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../csrc/net/openssl/openssl.h"
#include "test.h"

enum { FIXTURE_DAY = 86400 };

struct fixture_cert {
  EVP_PKEY *key;
  X509 *cert;
};

struct fixture_wish {
  const char *name;  /* common name */
  const char *names; /* subjectAltName, or NULL */
  const char *usage; /* extendedKeyUsage, or NULL */
  long from, to;     /* seconds from now */
  bool authority;
  const EVP_MD *hash; /* of the signature; NULL: SHA-256 */
};

static inline void fixture_extend(X509 *cert, int nid, const char *value) {
  X509V3_CTX ctx;
  if (!value) return;
  X509V3_set_ctx_nodb(&ctx);
  X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
  X509_EXTENSION *e = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
  if (CHECK(e != NULL)) X509_add_ext(cert, e, -1);
  X509_EXTENSION_free(e);
}

/* by NULL: signed by itself. */
static inline struct fixture_cert fixture_sign(const struct fixture_wish *w,
                                               const struct fixture_cert *by) {
  static long serial = 1000;
  struct fixture_cert c = {EVP_EC_gen("P-256"), X509_new()};
  X509_set_version(c.cert, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(c.cert), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(c.cert), w->from);
  X509_gmtime_adj(X509_getm_notAfter(c.cert), w->to);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c.cert), "CN", MBSTRING_ASC,
                             (const unsigned char *)w->name, -1, -1, 0);
  X509_set_issuer_name(c.cert, X509_get_subject_name(by ? by->cert : c.cert));
  X509_set_pubkey(c.cert, c.key);
  fixture_extend(c.cert, NID_basic_constraints,
                 w->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (w->authority)
    fixture_extend(c.cert, NID_key_usage, "critical,keyCertSign,cRLSign");
  fixture_extend(c.cert, NID_subject_alt_name, w->names);
  fixture_extend(c.cert, NID_ext_key_usage, w->usage);
  CHECK(X509_sign(c.cert, by ? by->key : c.key,
                  w->hash ? w->hash : EVP_sha256()) > 0);
  return c;
}

static inline void fixture_drop(struct fixture_cert *c) {
  X509_free(c->cert);
  EVP_PKEY_free(c->key);
}

static inline struct fixture_cert fixture_authority(const char *name) {
  struct fixture_wish w = {.name = name,
                           .from = -FIXTURE_DAY,
                           .to = 30 * FIXTURE_DAY,
                           .authority = true};
  return fixture_sign(&w, NULL);
}

/* A new file; path is a template of mkstemp. */
static inline FILE *fixture_file(char *path) {
  int fd = mkstemp(path);
  FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
  CHECK(f != NULL);
  return f;
}

/* A PEM file of one certificate. */
static inline void fixture_write_pem(X509 *cert, char *path) {
  FILE *f = fixture_file(path);
  if (!f) return;
  CHECK(PEM_write_X509(f, cert) == 1);
  fclose(f);
}

/* A PEM file of a key, and of its certificate if there is one. */
static inline void fixture_write_key(EVP_PKEY *key, X509 *cert,
                                     const char *password, char *path) {
  const EVP_CIPHER *cipher = password ? EVP_aes_128_cbc() : NULL;
  FILE *f = fixture_file(path);
  if (!f) return;
  if (cert) CHECK(PEM_write_X509(f, cert) == 1);
  CHECK(PEM_write_PKCS8PrivateKey(f, key, cipher, password,
                                  password ? (int)strlen(password) : 0, NULL,
                                  NULL) == 1);
  fclose(f);
}

static inline void fixture_write_bag(const struct fixture_cert *c,
                                     const char *password, char *path) {
  PKCS12 *bag =
      PKCS12_create(password, "me", c->key, c->cert, NULL, 0, 0, 0, 0, 0);
  FILE *f = fixture_file(path);
  if (f && CHECK(bag != NULL)) CHECK(i2d_PKCS12_fp(f, bag) == 1);
  if (f) fclose(f);
  PKCS12_free(bag);
}

/* Adds to (or makes) a PEM file the authority's list of revoked certificates:
 * one, or none when it is NULL. Times are seconds from now. */
static inline void fixture_write_crl(const struct fixture_cert *by, X509 *gone,
                                     long from, long to, char *path) {
  X509_CRL *crl = X509_CRL_new();
  ASN1_TIME *when = X509_gmtime_adj(NULL, from);
  X509_CRL_set_version(crl, 1);
  X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->cert));
  X509_CRL_set1_lastUpdate(crl, when);
  if (gone) {
    X509_REVOKED *row = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(row, X509_get_serialNumber(gone));
    X509_REVOKED_set_revocationDate(row, when);
    CHECK(X509_CRL_add0_revoked(crl, row) == 1);
  }
  CHECK(X509_gmtime_adj(when, to) != NULL);
  X509_CRL_set1_nextUpdate(crl, when);
  CHECK(X509_CRL_sign(crl, by->key, EVP_sha256()) > 0);
  FILE *f = fixture_file(path);
  if (f) CHECK(PEM_write_X509_CRL(f, crl) == 1);
  if (f) fclose(f);
  ASN1_TIME_free(when);
  X509_CRL_free(crl);
}

struct fixture_answer {
  const struct fixture_cert *about, *issuer, *signer;
  int status;         /* V_OCSP_CERTSTATUS_* */
  long from, to;      /* seconds from now; to 0: without an end */
  const EVP_MD *hash; /* of the id; NULL: SHA-1 */
};

/* The DER of an OCSP answer; the caller frees it with OPENSSL_free. */
static inline int fixture_ocsp(const struct fixture_answer *a,
                               unsigned char **out) {
  OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
  OCSP_CERTID *id = OCSP_cert_to_id(a->hash ? a->hash : EVP_sha1(),
                                    a->about->cert, a->issuer->cert);
  ASN1_TIME *from = X509_gmtime_adj(NULL, a->from);
  ASN1_TIME *to = a->to ? X509_gmtime_adj(NULL, a->to) : NULL;
  bool gone = a->status == V_OCSP_CERTSTATUS_REVOKED;
  CHECK(OCSP_basic_add1_status(basic, id, a->status, 0, gone ? from : NULL,
                               from, to) != NULL);
  CHECK(OCSP_basic_sign(basic, a->signer->cert, a->signer->key, EVP_sha256(),
                        NULL, 0) == 1);
  OCSP_RESPONSE *answer =
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  *out = NULL;
  int n = i2d_OCSP_RESPONSE(answer, out);
  OCSP_RESPONSE_free(answer);
  OCSP_BASICRESP_free(basic);
  OCSP_CERTID_free(id);
  ASN1_TIME_free(from);
  ASN1_TIME_free(to);
  return n;
}

static inline SSL_CTX *fixture_server(const struct fixture_cert *c) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
  CHECK(SSL_CTX_use_certificate(ctx, c->cert) == 1);
  CHECK(SSL_CTX_use_PrivateKey(ctx, c->key) == 1);
  return ctx;
}

/* A context, loaded. */
static inline int fixture_context(const struct hn_tls_options *o,
                                  struct hn_tls_context **out,
                                  const char **detail) {
  struct hn_tls_context *c = NULL;
  int rc = tls_context_new(o, &c, detail);
  if (rc == 0) rc = c->library->context_load(c, INT64_MAX / 2, detail);
  if (rc == 0)
    *out = c;
  else
    tls_context_free(c);
  return rc;
}

#endif
