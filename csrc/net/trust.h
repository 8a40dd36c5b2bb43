/*
 * trust.h: where the system keeps the certificates it trusts. Looks at names
 * of files and folders only; reading them is the TLS library's work.
 */
#ifndef HN_NET_TRUST_H
#define HN_NET_TRUST_H

#include "../base/slice.h"

/* One place: a PEM bundle or a folder of hash links; both NULL: none found. */
struct hn_trust {
  const char *file;
  const char *folder;   /* the library's list syntax is allowed */
  const char *variable; /* the environment's name for it, NULL: a default */
};

/* The place to load, in this order: SSL_CERT_FILE, SSL_CERT_DIR, the first of
 * the usual folders that holds hash links (nothing is parsed before it is
 * needed), the first usual bundle. The two arguments are the library's own
 * defaults and are looked at first. Texts are the environment's, the caller's
 * or static. */
HN_INTERNAL struct hn_trust trust_find(const char *folder, const char *file);

/* True when a file's name looks like "5ed36f99.0". */
HN_INTERNAL bool trust_is_hash_link(const char *name);

#endif
