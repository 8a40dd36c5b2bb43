/*
 * transport.h: a two-way stream of bytes, whatever it is made of.
 *
 * tcp, tls and tunnel all stand behind this table, each on top of the one
 * below (`next`), so that a connection is a stack and TLS in TLS only a taller
 * one. Nothing here blocks: a call that cannot proceed answers HN_AGAIN, and
 * `want` says which readiness of the descriptor lets it go on. Connecting goes
 * bottom-up, closing top-down. A transport owns the one below it.
 */
#ifndef HN_NET_TRANSPORT_H
#define HN_NET_TRANSPORT_H

#include "../base/err.h"

struct hn_transport;
struct hn_tls_library;

struct hn_transport_ops {
  const struct hn_tls_library *tls; /* of a TLS transport (tls.h), else NULL */

  /* Goes on connecting. 0 when ready for bytes, HN_AGAIN, or an error. */
  int (*step_connect)(struct hn_transport *s);

  /* Reads 1..n bytes. 0 with *got 0 is the clean end. HN_AGAIN; TIMEOUT never;
   * CONNECTION_ERROR (also an end that the protocol calls truncated). */
  int (*read)(struct hn_transport *s, char *p, size_t n, size_t *got);

  /* Writes 1..n bytes of p. HN_AGAIN: nothing was taken; the same bytes must
   * be offered again. CONNECTION_ERROR. */
  int (*write)(struct hn_transport *s, const char *p, size_t n, size_t *put);

  /* Says goodbye (TLS close_notify) if that needs no waiting. */
  void (*shutdown)(struct hn_transport *s);

  /* HN_WANT_ bits that the last HN_AGAIN waits for. */
  unsigned (*want)(const struct hn_transport *s);

  /* Bytes are readable that no readiness will announce. */
  bool (*has_pending)(const struct hn_transport *s);

  /* The descriptor at the bottom; -1 before there is one. */
  int (*fd)(const struct hn_transport *s);

  /* Nothing will be exchanged for a while: give back what can be. */
  void (*idle)(struct hn_transport *s);

  /* Closes and frees this one and everything below. */
  void (*close)(struct hn_transport *s);
};

/* Embedded first in every kind of transport. */
struct hn_transport {
  const struct hn_transport_ops *ops;
  struct hn_transport *next; /* owned: the transport below, or NULL */
  /* Of the last error: */
  int system;      /* errno or TLS code, 0 if none */
  uint32_t secure; /* HN_SECURE_* bits of SECURE_FAILURE */
  const char
      *detail; /* text of the cause (static or the transport's), or NULL */
};

#endif
