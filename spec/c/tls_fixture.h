/*
 * tls_fixture.h: certificates made on the spot and a TLS server that lives in
 * memory, for the tests of tls and dial.
 */
#ifndef HN_SPEC_TLS_FIXTURE_H
#define HN_SPEC_TLS_FIXTURE_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

enum { FIXTURE_DAY = 86400 };

struct fixture_cert {
  EVP_PKEY *key;
  X509 *cert;
};

struct fixture_wish {
  const char *name; /* common name */
  const char *names; /* subjectAltName, or NULL */
  const char *usage; /* extendedKeyUsage, or NULL */
  long from, to;     /* seconds from now */
  bool authority;
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
  CHECK(X509_sign(c.cert, by ? by->key : c.key, EVP_sha256()) > 0);
  return c;
}

static inline void fixture_drop(struct fixture_cert *c) {
  X509_free(c->cert);
  EVP_PKEY_free(c->key);
}

static inline struct fixture_cert fixture_authority(const char *name) {
  struct fixture_wish w = {.name = name, .from = -FIXTURE_DAY,
                           .to = 30 * FIXTURE_DAY, .authority = true};
  return fixture_sign(&w, NULL);
}

/* A PEM file of one certificate; path is a template of mkstemp. */
static inline void fixture_write_pem(X509 *cert, char *path) {
  int fd = mkstemp(path);
  FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
  if (!CHECK(f != NULL)) return;
  CHECK(PEM_write_X509(f, cert) == 1);
  fclose(f);
}

static inline SSL_CTX *fixture_server(const struct fixture_cert *c) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
  CHECK(SSL_CTX_use_certificate(ctx, c->cert) == 1);
  CHECK(SSL_CTX_use_PrivateKey(ctx, c->key) == 1);
  return ctx;
}

#endif
