/*
 * stream.h: a two-way byte stream, whatever it is made of.
 *
 * tcp, tls and tunnel all stand behind this table, each on top of the one
 * below (`next`), so that a connection is a stack and TLS in TLS only a taller
 * one. Nothing here blocks: a call that cannot proceed answers HN_AGAIN, and
 * `want` says which readiness of the descriptor lets it go on. Connecting goes
 * bottom-up, closing top-down. A stream owns the one below it.
 */
#ifndef HN_NET_STREAM_H
#define HN_NET_STREAM_H

#include "../base/err.h"

struct hn_stream;
struct hn_tls_library;

struct hn_stream_ops {
  const struct hn_tls_library *tls; /* of a TLS stream (tls.h), else NULL */

  /* Goes on connecting. 0 when ready for bytes, HN_AGAIN, or an error. */
  int (*step_connect)(struct hn_stream *s);

  /* Reads 1..n bytes. 0 with *got 0 is the clean end. HN_AGAIN; TIMEOUT never;
   * CONNECTION_ERROR (also an end that the protocol calls truncated). */
  int (*read)(struct hn_stream *s, char *p, size_t n, size_t *got);

  /* Writes 1..n bytes of p. HN_AGAIN: nothing was taken; the same bytes must
   * be offered again. CONNECTION_ERROR. */
  int (*write)(struct hn_stream *s, const char *p, size_t n, size_t *put);

  /* Says goodbye (TLS close_notify) if that needs no waiting. */
  void (*shutdown)(struct hn_stream *s);

  /* HN_WANT_ bits that the last HN_AGAIN waits for. */
  unsigned (*want)(const struct hn_stream *s);

  /* Bytes are readable that no readiness will announce. */
  bool (*has_pending)(const struct hn_stream *s);

  /* The descriptor at the bottom; -1 before there is one. */
  int (*fd)(const struct hn_stream *s);

  /* Nothing will be exchanged for a while: give back what can be. */
  void (*idle)(struct hn_stream *s);

  /* Closes and frees this stream and everything below. */
  void (*close)(struct hn_stream *s);
};

/* Embedded first in every kind of stream. */
struct hn_stream {
  const struct hn_stream_ops *ops;
  struct hn_stream *next; /* owned: the stream below, or NULL */
  /* Of the last error: */
  int system;         /* errno or TLS code, 0 if none */
  uint32_t secure;    /* HN_SECURE_* bits of SECURE_FAILURE */
  const char *detail; /* text of the cause (static or the stream's), or NULL */
};

#endif
