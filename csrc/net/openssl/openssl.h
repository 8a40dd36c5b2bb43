/*
 * openssl.h: what the files of this folder know of each other; nobody else
 * includes it. The library's types go by their tags here, so that its headers
 * stay in those files. All of these functions but hold and free (tls.h) are the
 * part's own.
 */
#ifndef HN_NET_OPENSSL_OPENSSL_H
#define HN_NET_OPENSSL_OPENSSL_H

#include "../../base/list.h"
#include "../../base/trace.h"
#include "../tls.h"

struct bio_method_st;
struct bio_st;
struct ssl_ctx_st;
struct ssl_st;

enum {
  HN_TLS_DETAIL = 200,
  HN_TLS_READ_BUFFER = 64 * 1024, /* several records in one read */
  /* What one call may read without coming to data: a peer that never stops
   * sending tickets or new keys would keep the caller for ever. */
  HN_TLS_MAX_SILENCE = 4 * HN_TLS_READ_BUFFER,
};

struct hn_tls_context {
  const struct hn_tls_library *library; /* static */
  unsigned references;
  struct ssl_ctx_st *ctx;       /* owned */
  struct bio_method_st *method; /* owned; see bio.c */
  struct bio_st *bundle;   /* owned: what is yet to be parsed; NULL: nothing */
  char *pins;              /* owned; NULL: any key */
  bool chosen;             /* somebody said where the authorities are, */
  bool has_authority;      /* and one was there */
  uint32_t tolerated;      /* HN_SECURE_* bits that are no fault */
  bool weak_ok;            /* weak signatures are no fault */
  bool revocation;         /* the verdict waits for the OCSP answer */
  bool has_crl;            /* lists are looked at */
  int key_log;             /* owned descriptor, -1: none */
  struct hn_link sessions; /* of struct tls_kept, newest first */
  size_t session_count;
};

enum tls_state {
  HN_TLS_HANDSHAKE, /* not ready for bytes */
  HN_TLS_AGREED,    /* our side is done; the peer has not judged it yet */
  HN_TLS_OPEN,      /* the peer has shown that it accepts the handshake */
  /* code says why; nothing may go out any more. */
  HN_TLS_REFUSED, /* in the handshake */
  HN_TLS_BROKEN,  /* after it: what was agreed on can still be asked */
};

struct tls_transport {
  struct hn_transport base;
  struct hn_tls_context *context; /* shared, counted */
  struct ssl_st *ssl;             /* owned, with its BIO */
  enum tls_state state;
  int code;       /* of the failure */
  size_t silence; /* bytes that this call has read */
  int below;      /* the code the transport below gave this call, or 0 */
  int deaf;       /* the code that ended writing below in the handshake, or 0 */
  /* Reading: */
  bool below_end; /* the transport below ended */
  bool starved;   /* the last read found no whole record */
  bool warm;      /* its buffers are kept until it is idle */
  /* What happened in the handshake: */
  bool wanted;  /* the peer asked for a certificate and got none */
  bool unsure;  /* no list could tell whether the certificate is revoked */
  bool offered; /* a session to resume was offered */
  unsigned port;
  char host[HN_MAX_HOST + 1]; /* NUL-terminated */
  char detail[HN_TLS_DETAIL];
};

static inline void tls_set_state(struct tls_transport *t,
                                 enum tls_state state) {
  static const char *const names[] = {"HANDSHAKE", "AGREED", "OPEN", "REFUSED",
                                      "BROKEN"};
  static const unsigned next[] = {
      [HN_TLS_HANDSHAKE] =
          1u << HN_TLS_AGREED | 1u << HN_TLS_OPEN | 1u << HN_TLS_REFUSED,
      [HN_TLS_AGREED] = 1u << HN_TLS_OPEN | 1u << HN_TLS_BROKEN,
      [HN_TLS_OPEN] = 1u << HN_TLS_BROKEN,
      [HN_TLS_REFUSED] = 0,
      [HN_TLS_BROKEN] = 0,
  };
  static const struct hn_machine machine = {"tls", names, next};
  t->state = state_step(&machine, 0, t->state, state);
}

static inline bool tls_has_failed(const struct tls_transport *t) {
  return t->state >= HN_TLS_REFUSED;
}

/* bio.c: the type that makes the transport below look like a BIO whose data
 * is a struct tls_transport. NULL when out of memory. */
HN_INTERNAL struct bio_method_st *tls_bio_method(void);

/* verify.c: the verdict on a chain. Faults are collected in base.secure,
 * the first one's words in detail. */
HN_INTERNAL void tls_verify_set_up(struct hn_tls_context *c, uint32_t ignore);
/* Adds a fault found elsewhere; system is the library's X509_V_ERR_ number. */
HN_INTERNAL void tls_verify_blame(struct tls_transport *t, uint32_t bit,
                                  int system, const char *text);
/* True for a list of pins as hn_tls_options describes it. */
HN_INTERNAL bool tls_verify_is_pin_list(const char *pins);

/* file.c: true when the library lacked memory. Empties its queue of
 * errors. */
HN_INTERNAL bool tls_lacks_memory(void);
/* What the library could not use: NOT_ENOUGH_MEMORY when that was why, else
 * SECURE_FAILURE with `why` as *detail. */
HN_INTERNAL int tls_refuse(const char *why, const char **detail);

/* A file that an option names. */
struct tls_file {
  const struct hn_tls_options *options; /* borrowed: where a fault is told */
  const char *what; /* static: "client_cert cannot be read" */
  const char *path; /* borrowed */
};
/* Its bytes, which are wiped when *out is freed. SECURE_FAILURE with *detail,
 * which names path and cause; NOT_ENOUGH_MEMORY. */
HN_INTERNAL int tls_file_load(const struct tls_file *f, struct bio_st **out,
                              const char **detail);
/* The same without words. READ_FAULT, NOT_ENOUGH_MEMORY; errno (or
 * HN_NOT_REGULAR) in *system. */
HN_INTERNAL int tls_file_read(const char *path, struct bio_st **out,
                              int *system);
/* Words for such an error, and the code. */
HN_INTERNAL int tls_file_refuse(const struct tls_file *f, int system,
                                const char **detail);

/* store.c: the authorities. Where they are, and the bytes of a bundle.
 * SECURE_FAILURE, *detail. */
HN_INTERNAL int tls_store_open(struct hn_tls_context *c,
                               const struct hn_tls_options *o,
                               const char **detail);
/* See context_load of struct hn_tls_library. */
HN_INTERNAL int tls_store_load(struct hn_tls_context *c, int64_t slice,
                               const char **detail);

/* revocation.c: lists and stapled answers. SECURE_FAILURE, *detail. */
HN_INTERNAL int tls_revocation_set_up(struct hn_tls_context *c,
                                      const struct hn_tls_options *o,
                                      const char **detail);

/* identity.c: our own certificate and key, if there are any, and what
 * happens when a server asks. SECURE_FAILURE, *detail. */
HN_INTERNAL int tls_identity_set_up(struct hn_tls_context *c,
                                    const struct hn_tls_options *o,
                                    const char **detail);

/* session.c: the sessions a context keeps. */
HN_INTERNAL void tls_sessions_set_up(struct hn_tls_context *c);
HN_INTERNAL void tls_sessions_fini(struct hn_tls_context *c);
/* Offers the newest session of t's host and port, before the handshake. */
HN_INTERNAL void tls_session_offer(struct tls_transport *t);
/* Forgets those of t's host and port. */
HN_INTERNAL void tls_sessions_forget(const struct tls_transport *t);

/* context.c and info.c: see struct hn_tls_library. */
HN_INTERNAL int tls_context_new(const struct hn_tls_options *o,
                                struct hn_tls_context **out,
                                const char **detail);
HN_INTERNAL void tls_context_end(struct hn_tls_context *c);
HN_INTERNAL bool tls_info_get(const struct hn_transport *s,
                              struct hn_tls_info *out);
HN_INTERNAL int tls_info_hold(struct hn_tls_info *i);
HN_INTERNAL void tls_info_release(struct hn_tls_info *i);
HN_INTERNAL int tls_info_get_certificate(const struct hn_tls_info *info,
                                         struct hn_tls_certificate *out);

/* transport.c: the topmost TLS transport at or below s whose handshake is
 * over, or NULL. */
HN_INTERNAL const struct tls_transport *tls_find(const struct hn_transport *s);

#endif
