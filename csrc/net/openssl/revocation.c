#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

#include "openssl.h"

enum {
  HN_TLS_OCSP_SKEW = 300,             /* seconds our clock may be off */
  HN_TLS_OCSP_AGE = 7 * 24 * 60 * 60, /* of an answer without an end */
};

enum tls_staple {
  HN_TLS_STAPLE_GOOD,
  HN_TLS_STAPLE_REVOKED,
  HN_TLS_STAPLE_NONE,    /* nothing was sent */
  HN_TLS_STAPLE_USELESS, /* unreadable, of somebody else, out of date */
};

/* The one answer among those in `basic` that is about cert. The hash in an
 * answer's id is its signer's choice: the two in use are tried. */
static enum tls_staple tls_staple_find(OCSP_BASICRESP *basic, X509 *cert,
                                       X509 *issuer) {
  const EVP_MD *const hashes[] = {EVP_sha1(), EVP_sha256()};
  for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
    ASN1_GENERALIZEDTIME *from = NULL, *to = NULL;
    int status = V_OCSP_CERTSTATUS_UNKNOWN;
    OCSP_CERTID *id = OCSP_cert_to_id(hashes[i], cert, issuer);
    int found = id && OCSP_resp_find_status(basic, id, &status, NULL, NULL,
                                            &from, &to) == 1;
    OCSP_CERTID_free(id);
    if (!found) continue;
    /* Without an end a good answer could be replayed for ever. */
    if (OCSP_check_validity(from, to, HN_TLS_OCSP_SKEW,
                            to ? -1 : HN_TLS_OCSP_AGE) != 1)
      return HN_TLS_STAPLE_USELESS;
    if (status == V_OCSP_CERTSTATUS_GOOD) return HN_TLS_STAPLE_GOOD;
    return status == V_OCSP_CERTSTATUS_REVOKED ? HN_TLS_STAPLE_REVOKED
                                               : HN_TLS_STAPLE_USELESS;
  }
  return HN_TLS_STAPLE_USELESS;
}

/* RFC 6960 3.2: the signature first, then what it says. */
static enum tls_staple tls_staple_judge(SSL *ssl, OCSP_RESPONSE *answer) {
  STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
  X509_STORE *store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
  enum tls_staple verdict = HN_TLS_STAPLE_USELESS;
  if (sk_X509_num(chain) < 2 ||
      OCSP_response_status(answer) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return verdict;
  OCSP_BASICRESP *basic = OCSP_response_get1_basic(answer);
  if (basic && OCSP_basic_verify(basic, chain, store, 0) == 1)
    verdict = tls_staple_find(basic, sk_X509_value(chain, 0),
                              sk_X509_value(chain, 1));
  OCSP_BASICRESP_free(basic);
  return verdict;
}

static enum tls_staple tls_staple_read(SSL *ssl) {
  const unsigned char *p = NULL;
  long n = SSL_get_tlsext_status_ocsp_resp(ssl, &p);
  if (!p || n <= 0) return HN_TLS_STAPLE_NONE;
  OCSP_RESPONSE *answer = d2i_OCSP_RESPONSE(NULL, &p, n);
  if (!answer) return HN_TLS_STAPLE_USELESS;
  enum tls_staple verdict = tls_staple_judge(ssl, answer);
  OCSP_RESPONSE_free(answer);
  return verdict;
}

/* A certificate that is trusted itself has nobody who could revoke it. */
static bool tls_is_own_anchor(SSL *ssl) {
  const STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
  return SSL_get_verify_result(ssl) == X509_V_OK && sk_X509_num(chain) == 1;
}

/* Once the server has said all it has to say about its certificate, and before
 * we answer it. 0 ends the handshake. */
static int tls_revocation_judge(SSL *ssl, void *arg) {
  struct tls_transport *t = SSL_get_app_data(ssl);
  (void)arg;
  if (!t) return 0;
  const struct hn_tls_context *c = t->context;
  /* Left in the queue, an error here would look like the handshake's own. */
  (void)ERR_set_mark();
  enum tls_staple staple = tls_staple_read(ssl);
  (void)ERR_pop_to_mark();
  if (staple == HN_TLS_STAPLE_REVOKED) {
    tls_verify_blame(t, HN_SECURE_CERT_REVOKED, X509_V_ERR_CERT_REVOKED,
                     "certificate refused: its authority has revoked it");
    return 0;
  }
  if (staple == HN_TLS_STAPLE_GOOD || (c->has_crl && !t->unsure)) return 1;
  if (c->tolerated & HN_SECURE_CERT_REV_FAILED) return 1;
  if (tls_is_own_anchor(ssl)) return 1;
  tls_verify_blame(t, HN_SECURE_CERT_REV_FAILED, X509_V_ERR_UNABLE_TO_GET_CRL,
                   staple == HN_TLS_STAPLE_NONE
                       ? "cannot tell whether the certificate is revoked: "
                         "the server sent no OCSP answer"
                       : "cannot tell whether the certificate is revoked: "
                         "the OCSP answer is of no use");
  return 0;
}

/* Every list of a file, of which there is at least one. */
static int tls_revocation_add(X509_STORE *store, BIO *file,
                              const char **detail) {
  char password[] = ""; /* or the terminal would be asked for one */
  X509_CRL *list;
  bool any = false;
  while ((list = PEM_read_bio_X509_CRL(file, NULL, NULL, password)) != NULL) {
    int added = X509_STORE_add_crl(store, list);
    X509_CRL_free(list);
    if (added != 1) return HN_ERR_NOT_ENOUGH_MEMORY;
    any = true;
  }
  if (any && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
    return 0;
  return tls_refuse("crl_file holds no PEM revocation list", detail);
}

static int tls_revocation_load(struct hn_tls_context *c,
                               const struct hn_tls_options *o,
                               const char **detail) {
  const struct tls_file f = {o, "crl_file cannot be read", o->crl_file};
  BIO *file;
  int rc = HN_ERR_SECURE_FAILURE;
  /* Twice: the library does not always say that it lacked memory. What is wrong
   * with a file is wrong again. */
  for (int i = 0; i < 2 && rc == HN_ERR_SECURE_FAILURE; i++) {
    rc = tls_file_load(&f, &file, detail);
    if (rc) return rc;
    rc = tls_revocation_add(SSL_CTX_get_cert_store(c->ctx), file, detail);
    BIO_free(file);
    ERR_clear_error();
  }
  if (rc) return rc;
  *detail = NULL;
  c->has_crl = true;
  if (X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(c->ctx),
                                  X509_V_FLAG_CRL_CHECK) != 1)
    return HN_ERR_NOT_ENOUGH_MEMORY;
  return 0;
}

int tls_revocation_set_up(struct hn_tls_context *c,
                          const struct hn_tls_options *o, const char **detail) {
  c->revocation = o->revocation;
  if (o->revocation_offline_ok) c->tolerated |= HN_SECURE_CERT_REV_FAILED;
  if (c->revocation) {
    (void)SSL_CTX_set_tlsext_status_type(c->ctx, TLSEXT_STATUSTYPE_ocsp);
    (void)SSL_CTX_set_tlsext_status_cb(c->ctx, tls_revocation_judge);
  }
  return o->crl_file ? tls_revocation_load(c, o, detail) : 0;
}
