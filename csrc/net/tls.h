/*
 * tls.h: TLS as a stream over any stream, and the context that many of them
 * share. The library's headers appear only in tls_openssl.c.
 *
 * Secure by default: the chain is verified against the trust store, the name
 * (or IP address) against the certificate, TLS 1.2 is the floor. One context
 * belongs to one TLS identity and is made at first use: loading a trust store
 * costs up to 15 ms. The store is SSL_CERT_FILE / ca_file if given, else
 * SSL_CERT_DIR or the default hashed folder when it holds hash links, else the
 * default bundle. Bytes go through the stream below with our own BIO, never to
 * a descriptor directly.
 */
#ifndef HN_NET_TLS_H
#define HN_NET_TLS_H

#include "stream.h"
#include "../base/slice.h"

struct hn_tls_options {
  const char *ca_file; /* PEM bundle in place of the default store, or NULL */
  const char *alpn;    /* "http/1.1", or NULL */
};

struct hn_tls_context;

/* SECURE_FAILURE with *detail (static text, or text valid until the next call)
 * when ca_file cannot be read or holds no certificate; NOT_ENOUGH_MEMORY. */
HN_INTERNAL int tls_context_new(const struct hn_tls_options *o,
                                struct hn_tls_context **out,
                                const char **detail);
/* Contexts are counted: a stream keeps its own reference. */
HN_INTERNAL void tls_context_free(struct hn_tls_context *c);

/* A stream over `below`, which it owns from here on (on failure too: below is
 * closed). host is what the certificate must name; it goes out as SNI unless
 * it is an IP address. step_connect's errors: SECURE_FAILURE with `secure` bits
 * and `detail` naming what is wrong ("certificate has expired"),
 * CONNECTION_ERROR when the peer hangs up, NOT_ENOUGH_MEMORY. */
HN_INTERNAL int tls_new(struct hn_tls_context *c, struct hn_stream *below,
                        struct hn_slice host, struct hn_stream **out);

#endif
