#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <string.h>

#include "openssl.h"

/* What the library gets when it asks for the words that open a key. */
struct tls_password {
  const char *text; /* borrowed; NULL: none was given */
  bool asked;
};

/* Always set: the library's own would ask at the terminal. */
static int tls_identity_answer(char *p, int size, int writing, void *arg) {
  struct tls_password *password = arg;
  (void)writing;
  if (!password) return -1;
  password->asked = true;
  size_t n = password->text ? strlen(password->text) : 0;
  if (!password->text || size < 0 || n > (size_t)size) return -1;
  memcpy(p, password->text, n);
  return (int)n;
}

/* Our certificate, and behind it those between it and its authority. */
static bool tls_identity_use_chain(SSL_CTX *ctx, BIO *file) {
  X509 *cert = PEM_read_bio_X509_AUX(file, NULL, tls_identity_answer, NULL);
  bool ok = cert && SSL_CTX_use_certificate(ctx, cert) == 1;
  X509_free(cert);
  while (ok && (cert = PEM_read_bio_X509(file, NULL, tls_identity_answer,
                                         NULL)) != NULL) {
    ok = SSL_CTX_add0_chain_cert(ctx, cert) == 1;
    if (!ok) X509_free(cert);
  }
  return ok && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

/* The file again when the key is in the certificate's own. */
static int tls_identity_read_key(const struct hn_tls_options *o,
                                 struct tls_password *password, EVP_PKEY **key,
                                 const char **detail) {
  const struct tls_file f = {o,
                             o->client_key ? "client_key cannot be read"
                                           : "client_cert cannot be "
                                             "read",
                             o->client_key ? o->client_key : o->client_cert};
  BIO *file;
  int rc = tls_file_load(&f, &file, detail);
  if (rc) return rc;
  *key = PEM_read_bio_PrivateKey(file, NULL, tls_identity_answer, password);
  BIO_free(file);
  return 0;
}

static int tls_identity_load_pem(SSL_CTX *ctx, BIO *file,
                                 const struct hn_tls_options *o,
                                 const char **detail) {
  struct tls_password password = {o->client_password, false};
  EVP_PKEY *key = NULL;
  if (!tls_identity_use_chain(ctx, file))
    return tls_refuse(
        "client_cert is neither PEM with a certificate nor PKCS#12", detail);
  ERR_clear_error();
  int rc = tls_identity_read_key(o, &password, &key, detail);
  if (rc) return rc;
  /* A key of another kind is taken without a look at the certificate. */
  bool ok = key && SSL_CTX_use_PrivateKey(ctx, key) == 1;
  bool alien = ok && SSL_CTX_check_private_key(ctx) != 1;
  EVP_PKEY_free(key);
  if (!ok) alien = ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509;
  if (alien)
    return tls_refuse("the client's key is not the one its certificate names",
                      detail);
  if (ok) return 0;
  if (password.asked && !password.text)
    return tls_refuse("the client's key needs a password", detail);
  if (password.asked)
    return tls_refuse("the password of the client's key is wrong", detail);
  return tls_refuse("there is no usable PEM key for the client's "
                    "certificate",
                    detail);
}

static int tls_identity_use(SSL_CTX *ctx, PKCS12 *bag, const char *password,
                            const char **detail) {
  EVP_PKEY *key = NULL;
  X509 *cert = NULL;
  STACK_OF(X509) *between = NULL;
  int rc = 0;
  if (PKCS12_parse(bag, password, &key, &cert, &between) != 1)
    rc = tls_refuse("client_cert (PKCS#12) is made with algorithms "
                    "that are no longer offered",
                    detail);
  else if (!key || !cert)
    rc = tls_refuse("client_cert (PKCS#12) holds no certificate with "
                    "its key",
                    detail);
  else if (SSL_CTX_use_cert_and_key(ctx, cert, key, between, 1) != 1)
    rc = tls_refuse("client_cert (PKCS#12) cannot be used", detail);
  EVP_PKEY_free(key);
  X509_free(cert);
  sk_X509_pop_free(between, X509_free);
  return rc;
}

static int tls_identity_load_bag(SSL_CTX *ctx, BIO *file, const char *password,
                                 const char **detail) {
  PKCS12 *bag = d2i_PKCS12_bio(file, NULL);
  int rc;
  if (!bag)
    return tls_refuse(
        "client_cert is neither PEM with a certificate nor PKCS#12", detail);
  /* There are two ways to write no password. */
  bool none = !password || !*password;
  if (PKCS12_verify_mac(bag, password, -1) == 1 ||
      (none && (PKCS12_verify_mac(bag, NULL, 0) == 1 ||
                PKCS12_verify_mac(bag, "", 0) == 1)))
    rc = tls_identity_use(ctx, bag, password, detail);
  else
    rc = tls_refuse(password ? "the password of client_cert is wrong"
                             : "client_cert (PKCS#12) needs a password",
                    detail);
  PKCS12_free(bag);
  return rc;
}

/* A PKCS#12 file is one DER sequence of more than 127 bytes. */
static bool tls_identity_is_der(BIO *file) {
  char *p = NULL;
  long n = BIO_get_mem_data(file, &p);
  return n > 1 && p[0] == 0x30 && (unsigned char)p[1] > 0x7f;
}

static int tls_identity_try(SSL_CTX *ctx, const struct hn_tls_options *o,
                            const char **detail) {
  const struct tls_file f = {o, "client_cert cannot be read", o->client_cert};
  BIO *file;
  int rc = tls_file_load(&f, &file, detail);
  if (rc) return rc;
  rc = tls_identity_is_der(file)
           ? tls_identity_load_bag(ctx, file, o->client_password, detail)
           : tls_identity_load_pem(ctx, file, o, detail);
  BIO_free(file);
  return rc;
}

/* The library does not always say that it lacked memory. What is wrong with a
 * file is wrong the second time as well. */
static int tls_identity_load(SSL_CTX *ctx, const struct hn_tls_options *o,
                             const char **detail) {
  int rc = tls_identity_try(ctx, o, detail);
  if (rc != HN_ERR_SECURE_FAILURE) return rc;
  ERR_clear_error();
  (void)SSL_CTX_clear_chain_certs(ctx);
  *detail = NULL;
  return tls_identity_try(ctx, o, detail);
}

/* Called when the server asks and there is nothing to show. */
static int tls_identity_note(SSL *ssl, X509 **cert, EVP_PKEY **key) {
  struct tls_transport *t = SSL_get_app_data(ssl);
  (void)cert;
  (void)key;
  if (t) t->wanted = true;
  return 0;
}

int tls_identity_set_up(struct hn_tls_context *c,
                        const struct hn_tls_options *o, const char **detail) {
  SSL_CTX_set_default_passwd_cb(c->ctx, tls_identity_answer);
  SSL_CTX_set_client_cert_cb(c->ctx, tls_identity_note);
  return o->client_cert ? tls_identity_load(c->ctx, o, detail) : 0;
}
