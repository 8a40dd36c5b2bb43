#include <openssl/ssl.h>

#include "../../base/mem.h"
#include "../address.h"
#include "../clock.h"
#include "openssl.h"

enum {
  /* Of one context: a crawler meets more hosts than it will see again. */
  HN_TLS_SESSIONS = 256,
  /* Of one host and port: tickets for connections opened at the same time. */
  HN_TLS_SESSIONS_PER_HOST = 4
};

/* A session that can be resumed. */
struct tls_kept {
  struct hn_link link;  /* in its context's list */
  SSL_SESSION *session; /* owned reference */
  int64_t since;        /* wall clock: when the server sent it */
  unsigned port;
  struct hn_slice host; /* owned */
};

static struct tls_kept *tls_kept_of(struct hn_link *l) {
  return HN_CONTAINER_OF(l, struct tls_kept, link);
}

static void tls_kept_drop(struct hn_tls_context *c, struct tls_kept *k) {
  list_remove(&k->link);
  c->session_count--;
  SSL_SESSION_free(k->session);
  mem_free((void *)(uintptr_t)k->host.p);
  mem_free(k);
}

static bool tls_kept_is_for(const struct tls_kept *k,
                            const struct tls_transport *t) {
  return k->port == t->port && address_is_same_host(k->host, slice_of(t->host));
}

static bool tls_session_is_ticket_13(const SSL_SESSION *s) {
  return SSL_SESSION_get_protocol_version(s) >= TLS1_3_VERSION;
}

/* The first session of t's host and port at or behind `at`, or NULL. */
static struct tls_kept *tls_kept_find(const struct tls_transport *t,
                                      struct hn_link *at) {
  for (; at != &t->context->sessions; at = at->next)
    if (tls_kept_is_for(tls_kept_of(at), t)) return tls_kept_of(at);
  return NULL;
}

/* Drops all but the `most` newest of t's host and port. */
static void tls_sessions_trim(const struct tls_transport *t, size_t most) {
  struct hn_tls_context *c = t->context;
  struct tls_kept *k = tls_kept_find(t, c->sessions.next);
  while (k) {
    struct hn_link *next = k->link.next;
    if (most == 0)
      tls_kept_drop(c, k);
    else
      most--;
    k = tls_kept_find(t, next);
  }
}

void tls_sessions_forget(const struct tls_transport *t) {
  tls_sessions_trim(t, 0);
}

static bool tls_session_keep(const struct tls_transport *t, SSL_SESSION *s) {
  struct hn_tls_context *c = t->context;
  if (SSL_get_verify_result(t->ssl) != X509_V_OK) return false;
  struct tls_kept *k = mem_calloc(1, sizeof *k);
  struct hn_slice host = slice_of(t->host);
  char *copy = k ? mem_copy(host.p, host.n) : NULL;
  if (!copy) {
    mem_free(k);
    return false;
  }
  /* One of TLS 1.2 is good for any number of connections. */
  tls_sessions_trim(
      t, tls_session_is_ticket_13(s) ? HN_TLS_SESSIONS_PER_HOST - 1 : 0);
  k->session = s;
  k->since = clock_wall();
  k->port = t->port;
  k->host = slice_make(copy, host.n);
  list_prepend(&c->sessions, &k->link);
  if (++c->session_count > HN_TLS_SESSIONS)
    tls_kept_drop(c, tls_kept_of(c->sessions.prev));
  return true;
}

/* The library gives a reference away; 1 takes it. */
static int tls_session_note(SSL *ssl, SSL_SESSION *s) {
  struct tls_transport *t = SSL_get_app_data(ssl);
  if (!t) return 0;
  /* RFC 8446 4.6.1: a server that asked for a certificate gives out tickets
   * once it has our Finished, and has judged what came before it. */
  if (t->wanted && t->state == HN_TLS_AGREED) tls_set_state(t, HN_TLS_OPEN);
  return tls_session_keep(t, s);
}

/* RFC 8446 4.6.1: not beyond the ticket's lifetime. Nor beyond the
 * certificate's: resuming looks at no certificate again. */
static bool tls_session_is_fresh(const struct tls_transport *t,
                                 const struct tls_kept *k) {
  const SSL_SESSION *s = k->session;
  int64_t age = clock_wall() - k->since;
  unsigned long hint = SSL_SESSION_get_ticket_lifetime_hint(s);
  if (age < 0 || age > SSL_SESSION_get_timeout(s)) return false;
  if ((hint > 0 || tls_session_is_ticket_13(s)) && (uint64_t)age >= hint)
    return false;
  if (t->context->tolerated & HN_SECURE_CERT_DATE_INVALID) return true;
  const X509 *cert = SSL_SESSION_get0_peer(k->session);
  return cert && X509_cmp_current_time(X509_get0_notAfter(cert)) > 0;
}

/* RFC 8446 C.4: a ticket used twice lets an observer link the connections, so
 * one of TLS 1.3 is gone once it has been offered. */
void tls_session_offer(struct tls_transport *t) {
  struct hn_tls_context *c = t->context;
  struct tls_kept *k = tls_kept_find(t, c->sessions.next);
  while (k && !t->offered) {
    struct hn_link *next = k->link.next;
    t->offered =
        tls_session_is_fresh(t, k) && SSL_set_session(t->ssl, k->session) == 1;
    if (!t->offered || tls_session_is_ticket_13(k->session))
      tls_kept_drop(c, k);
    k = tls_kept_find(t, next);
  }
}

/* Where revocation matters nothing is kept: it is asked about at every
 * handshake, and a resumed one answers no such question. */
void tls_sessions_set_up(struct hn_tls_context *c) {
  if (c->revocation || c->has_crl) {
    (void)SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
    return;
  }
  (void)SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT |
                                                   SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(c->ctx, tls_session_note);
}

void tls_sessions_fini(struct hn_tls_context *c) {
  while (!list_is_empty(&c->sessions))
    tls_kept_drop(c, tls_kept_of(list_first(&c->sessions)));
}
