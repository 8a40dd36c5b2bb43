#include <openssl/bio.h>

#include "openssl.h"

static int tls_bio_read(BIO *bio, char *p, size_t n, size_t *got) {
  struct tls_transport *t = BIO_get_data(bio);
  struct hn_transport *next = t->base.next;
  size_t done = 0;
  BIO_clear_retry_flags(bio);
  if (t->silence > HN_TLS_MAX_SILENCE) return 0;
  int rc = next->ops->read(next, p, n, &done);
  if (rc == HN_AGAIN && t->deaf != 0) rc = t->deaf;
  if (rc > 0) {
    t->below = rc;
    return 0;
  }
  if (rc == 0 && done == 0) t->below_end = true;
  /* The library is not told of an end: it would think of an attack and give up
   * the session, where RFC 5246 7.2.1 does not ask for that. Whoever called it
   * sees below_end. */
  if (done == 0) BIO_set_retry_read(bio);
  t->silence += done;
  *got = done;
  return done > 0;
}

static int tls_bio_write(BIO *bio, const char *p, size_t n, size_t *put) {
  struct tls_transport *t = BIO_get_data(bio);
  struct hn_transport *next = t->base.next;
  BIO_clear_retry_flags(bio);
  int rc = t->deaf != 0 ? t->deaf : next->ops->write(next, p, n, put);
  if (rc == 0) return 1;
  if (rc == HN_AGAIN) {
    BIO_set_retry_write(bio);
    return 0;
  }
  t->below = rc;
  /* A peer that hears no more may have said why, and a handshake that waits to
   * write would not read it. */
  if (t->state != HN_TLS_HANDSHAKE) return 0;
  t->below = 0;
  t->deaf = rc;
  *put = n;
  return 1;
}

static long tls_bio_control(BIO *bio, int command, long n, void *p) {
  (void)bio;
  (void)n;
  (void)p;
  return command == BIO_CTRL_FLUSH;
}

/* The type carries no index of its own: the library has only about a hundred
 * of those for the whole process. */
BIO_METHOD *tls_bio_method(void) {
  BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "hinternet transport");
  if (!m) return NULL;
  if (BIO_meth_set_read_ex(m, tls_bio_read) != 1 ||
      BIO_meth_set_write_ex(m, tls_bio_write) != 1 ||
      BIO_meth_set_ctrl(m, tls_bio_control) != 1) {
    BIO_meth_free(m);
    return NULL;
  }
  return m;
}
