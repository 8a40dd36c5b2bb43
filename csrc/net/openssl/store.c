#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "../clock.h"
#include "openssl.h"
#include "../trust.h"

/* That a default is not there, or not for us, is no fault: every chain then
 * ends at an unknown authority. */
static bool tls_store_may_miss(const struct hn_tls_context *c, int system) {
  return !c->chosen && (system == ENOENT || system == EACCES ||
                        system == ENOTDIR || system == HN_NOT_REGULAR);
}

/* The bytes at once: an open file would share its place in it with a forked
 * child. */
int tls_store_open(struct hn_tls_context *c, const struct hn_tls_options *o,
                   const char **detail) {
  struct hn_trust from = {o->ca_file, NULL, NULL};
  if (!o->ca_file)
    from =
        trust_find(X509_get_default_cert_dir(), X509_get_default_cert_file());
  c->chosen = o->ca_file || from.variable;
  if (from.folder) (void)SSL_CTX_load_verify_dir(c->ctx, from.folder);
  if (!from.file) return 0;
  const struct tls_file f = {o, "ca_file (or SSL_CERT_FILE) cannot be read",
                             from.file};
  int system;
  if (tls_file_read(from.file, &c->bundle, &system) == 0) return 0;
  if (tls_store_may_miss(c, system)) return 0;
  return tls_file_refuse(&f, system, detail);
}

static X509 *tls_store_parse(BIO *from) {
  char password[] = ""; /* or the terminal would be asked for one */
  return PEM_read_bio_X509_AUX(from, NULL, NULL, password);
}

/* What could not be parsed can be: the library does not always say that it
 * lacked memory. */
static bool tls_store_is_sound(const char *p, long n) {
  BIO *again = BIO_new_mem_buf(p, (int)n);
  X509 *cert = again ? tls_store_parse(again) : NULL;
  BIO_free(again);
  X509_free(cert);
  return cert != NULL;
}

/* The next certificate of the bundle: HN_AGAIN, or 0 after the last. */
static int tls_store_step(struct hn_tls_context *c, const char **detail) {
  char *p = NULL;
  long n = BIO_get_mem_data(c->bundle, &p);
  X509 *cert = tls_store_parse(c->bundle);
  if (cert) {
    int added = X509_STORE_add_cert(SSL_CTX_get_cert_store(c->ctx), cert);
    X509_free(cert);
    c->has_authority = true;
    return added == 1 ? HN_AGAIN : HN_ERR_NOT_ENOUGH_MEMORY;
  }
  bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  /* Nothing found where nobody said to look is no error: every chain then ends
   * at an unknown authority. */
  if (ended && c->has_authority) return 0;
  if (!ended && tls_store_is_sound(p, n)) return HN_ERR_NOT_ENOUGH_MEMORY;
  int rc =
      tls_refuse("ca_file (or SSL_CERT_FILE) holds no PEM certificate", detail);
  return c->chosen || rc == HN_ERR_NOT_ENOUGH_MEMORY ? rc : 0;
}

int tls_store_load(struct hn_tls_context *c, int64_t slice,
                   const char **detail) {
  if (!c->bundle) return 0;
  int64_t until = clock_now_us() + slice;
  int rc;
  ERR_clear_error();
  do {
    rc = tls_store_step(c, detail);
  } while (rc == HN_AGAIN && clock_now_us() < until);
  ERR_clear_error();
  if (rc == HN_AGAIN) return rc;
  BIO_free(c->bundle);
  c->bundle = NULL;
  return rc;
}
