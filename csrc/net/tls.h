/*
 * tls.h: TLS as a transport over any transport, and the context that many of
 * them share. The library's headers appear only in net/openssl/, which is the
 * part HN_PART_TLS (part.h): another library would be another such folder.
 *
 * Secure by default: the chain is verified against the trust store, the name
 * (or IP address) against the certificate, TLS 1.2 is the floor. One context
 * is one TLS identity: what is trusted, who we are, what is forgiven. It is
 * made at first use, and what takes up to 20 ms, parsing the authorities, is
 * done in slices, so that whoever drives it can do other things between. It
 * keeps the sessions that can be resumed: none ever leaves its context, so a
 * resumed connection was verified under the very options it runs with. The
 * store is SSL_CERT_FILE / ca_file if given, else SSL_CERT_DIR or the default
 * hashed folder when it holds hash links, else the default bundle. Bytes go
 * through the transport below with our own BIO, never to a descriptor directly.
 */
#ifndef HN_NET_TLS_H
#define HN_NET_TLS_H

#include "../base/buf.h"
#include "../base/slice.h"
#include "transport.h"

/* WINHTTP_FLAG_SECURE_PROTOCOL_*: the versions there are here. */
enum hn_tls_version { HN_TLS_1_2 = 0x800, HN_TLS_1_3 = 0x2000 };

/* SECURITY_FLAG_IGNORE_*: faults that are forgiven, and not reported. */
enum hn_tls_ignore {
  HN_TLS_IGNORE_UNKNOWN_CA = 0x100,
  HN_TLS_IGNORE_WRONG_USAGE = 0x200,
  HN_TLS_IGNORE_CN_INVALID = 0x1000,
  HN_TLS_IGNORE_DATE_INVALID = 0x2000,
  HN_TLS_IGNORE_WEAK_SIGNATURE = 0x10000,
  /* Ours: whatever has no flag of its own (key sizes, extensions, constraints,
   * signatures). All six forgive every certificate. */
  HN_TLS_IGNORE_INVALID_CERT = 0x20000,
};

/* All zero is the default. Texts are borrowed, NUL-terminated paths unless it
 * says otherwise; files are read once, by context_new. */
struct hn_tls_options {
  const char *ca_file; /* PEM bundle in place of the default store, or NULL */

  /* enum hn_tls_version; 0: TLS 1.2, and the newest there is. A stricter floor
   * in the library's own configuration stays. */
  uint32_t min_version, max_version;

  uint32_t ignore; /* enum hn_tls_ignore bits */

  /* Who we are, when the server asks: a PEM file of our certificate and those
   * between it and its authority, or a PKCS#12 file. NULL: nobody. */
  const char *client_cert;
  /* PEM file of its key; NULL: the key is in client_cert. */
  const char *client_key;
  /* The text that opens the key or the PKCS#12 file, or NULL. Nobody is ever
   * asked for one. */
  const char *client_password;

  /* Hashes of the public keys (SubjectPublicKeyInfo) that the server itself
   * may have, beside everything else that is checked and whatever `ignore`
   * forgives: "sha256//" and base64, several parted by ";". NULL: any key. */
  const char *pins;

  /* PEM file of revocation lists: the server's certificate is looked up in its
   * issuer's. Without a list of that issuer's, or with an outdated one, the
   * answer is CERT_REV_FAILED. NULL: none. */
  const char *crl_file;

  /* Asks the server for an OCSP answer (stapled) and demands to know: without a
   * good one, and without a list in crl_file that covers the certificate, the
   * answer is CERT_REV_FAILED. Nothing is ever fetched from elsewhere. */
  bool revocation;

  /* CERT_REV_FAILED is forgiven, of crl_file too; CERT_REVOKED never is. */
  bool revocation_offline_ok;

  /* The secrets of every connection are appended to this file, in the format
   * of NSS, for tools that read captured traffic. Made readable by its owner
   * only. NULL: never. */
  const char *key_log_file;

  /* HN_MAX_ERROR_TEXT bytes, or NULL: where context_new may put a *detail that
   * it has to make up. */
  char *fault;
};

/* The versions of a WINHTTP_OPTION_SECURE_PROTOCOLS mask into min_version and
 * max_version. INVALID_PARAMETER for none and for those before TLS 1.2. */
HN_INTERNAL int tls_options_set_protocols(struct hn_tls_options *o,
                                          uint32_t bits);

/* True when one context will do for both: the same texts and values. */
HN_INTERNAL bool tls_options_equal(const struct hn_tls_options *a,
                                   const struct hn_tls_options *b);

/* A deep copy into *to, which is overwritten; tls_options_fini ends it.
 * NOT_ENOUGH_MEMORY; then *to is as it was. */
HN_INTERNAL int tls_options_copy(struct hn_tls_options *to,
                                 const struct hn_tls_options *from);

/* Frees the texts of a copy (the password is wiped) and leaves the default. */
HN_INTERNAL void tls_options_fini(struct hn_tls_options *o);

struct hn_tls_context;

/* Contexts are counted: a transport keeps its own reference, and so must
 * whoever keeps one for later. hold answers c. */
HN_INTERNAL struct hn_tls_context *tls_context_hold(struct hn_tls_context *c);
/* Gives a reference back; c may be NULL. */
HN_INTERNAL void tls_context_free(struct hn_tls_context *c);

/* Whom a connection is to reach: of a dial, not of an identity. */
struct hn_tls_peer {
  struct hn_slice host; /* what the certificate must name; goes out as SNI
                           unless it is an IP address */
  unsigned port;        /* host and port are what a session is resumed for */
  /* The protocols offered to it, each name behind a byte with its length
   * (RFC 7301 3.1); absent: none is. */
  struct hn_slice alpn;
};

/* A transport over `below`, which it owns from here on (on failure too: below
 * is closed). Nothing of *peer is needed afterwards.
 * step_connect's errors: SECURE_FAILURE with all `secure` bits that were found
 * and `detail` naming what is wrong ("certificate has expired"),
 * CLIENT_AUTH_CERT_NEEDED when the server insists on a certificate and we have
 * none (with TLS 1.3 the first read says so), CONNECTION_ERROR when the peer
 * hangs up, NOT_ENOUGH_MEMORY, INVALID_PARAMETER for a host that no certificate
 * can name. */
HN_INTERNAL int tls_new(struct hn_tls_context *c, struct hn_transport *below,
                        const struct hn_tls_peer *peer,
                        struct hn_transport **out);

/* What was agreed with the peer. */
struct hn_tls_info {
  const struct hn_tls_library *library; /* static: whose certificate it is */
  uint32_t protocol;                    /* HN_TLS_1_2 or HN_TLS_1_3 */
  const char *cipher;   /* static, the standard's: "TLS_AES_128_GCM_SHA256" */
  unsigned key_bits;    /* of that cipher */
  struct hn_slice alpn; /* borrowed from the transport; absent: none */
  bool resumed;         /* without a full handshake */
  void *certificate;    /* the peer's, as the library has it; borrowed from the
                           transport, or NULL */
};

/* Of the topmost TLS transport in the stack that begins at s. False when there
 * is none, or its handshake is not over. Copies nothing. */
HN_INTERNAL bool tls_get_info(const struct hn_transport *s,
                              struct hn_tls_info *out);
/* Makes *i outlive its transport; tls_info_fini ends that. NOT_ENOUGH_MEMORY.
 */
HN_INTERNAL int tls_info_keep(struct hn_tls_info *i);
HN_INTERNAL void tls_info_fini(struct hn_tls_info *i);

/* The server's own certificate. Names are the peer's words: they are valid
 * UTF-8, without the control characters of ASCII. */
struct hn_tls_certificate {
  struct hn_slice subject;     /* RFC 4514: "CN=example.org,O=Some" */
  struct hn_slice issuer;      /* likewise */
  struct hn_slice serial;      /* hexadecimal, upper case */
  struct hn_slice names;       /* "DNS:example.org, IP:192.0.2.1" */
  struct hn_slice fingerprint; /* SHA-256 of the certificate, 64 hex digits */
  struct hn_slice pem;
  int64_t not_before, not_after; /* seconds since 1970 */
  struct hn_buf text;            /* owned: where the slices point */
};

/* Puts info's certificate into words; a field for which there are none is
 * empty. NOT_ENOUGH_MEMORY, INCORRECT_HANDLE_STATE without a certificate. */
HN_INTERNAL int tls_get_certificate(const struct hn_tls_info *info,
                                    struct hn_tls_certificate *out);
HN_INTERNAL void tls_certificate_fini(struct hn_tls_certificate *c);

/* What the part does for the core: its table. */
struct hn_tls_library {
  /* With *detail (static text):
   * SECURE_FAILURE when a file cannot be read or does not hold what it should,
   * WRITE_FAULT when key_log_file cannot be opened, INVALID_PARAMETER for
   * versions and pins that make no sense. Also NOT_ENOUGH_MEMORY. Nothing of *o
   * is needed afterwards. The context is of use when it is loaded. */
  int (*context_new)(const struct hn_tls_options *o,
                     struct hn_tls_context **out, const char **detail);
  /* Parses authorities for `slice` microseconds or a little longer, one at
   * least. 0: loaded. HN_AGAIN: more are left. SECURE_FAILURE with *detail,
   * NOT_ENOUGH_MEMORY: the context is to be freed. */
  int (*context_load)(struct hn_tls_context *c, int64_t slice,
                      const char **detail);
  /* After the last reference. */
  void (*context_end)(struct hn_tls_context *c);
  /* As the functions of nearly the same names above; get_info of a transport
   * that is a TLS transport. */
  int (*transport_new)(struct hn_tls_context *c, struct hn_transport *below,
                       const struct hn_tls_peer *peer,
                       struct hn_transport **out);
  bool (*get_info)(const struct hn_transport *s, struct hn_tls_info *out);
  int (*info_hold)(struct hn_tls_info *i);
  void (*info_release)(struct hn_tls_info *i);
  int (*get_certificate)(const struct hn_tls_info *info,
                         struct hn_tls_certificate *out);
};

/* NULL for a core of another build (HN_STAMP). */
HN_PART const void *hn_part_tls(uint32_t stamp);

#endif
