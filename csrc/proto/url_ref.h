/*
 * url_ref.h: URI references as RFC 3986 sees them: taking one apart into its
 * five components and resolving it against a base.
 *
 * Knows no scheme and judges no component: what comes out still has to pass
 * url_crack before it is used. Others include url.h, which includes this.
 */
#ifndef HN_PROTO_URL_REF_H
#define HN_PROTO_URL_REF_H

#include "../base/buf.h"
#include "../base/slice.h"

/* The five components of RFC 3986 appendix B, without their delimiters. One
 * that is not there is {NULL, 0}; the path is always there. */
struct hn_url_reference {
  struct hn_slice scheme, authority, path, query, fragment;
};

/* Splits any text into the five components; never fails. A scheme is a letter
 * and then letters, digits, "+", "-", "."; a colon behind anything else belongs
 * to the path. */
HN_INTERNAL struct hn_url_reference url_split(struct hn_slice text);

/* RFC 3986 5.2, the strict way: resolves reference against an absolute base
 * into out, dot segments removed. Appends; the buffer is unchanged on failure.
 * Its cap must hold the result with the dot segments still in it.
 * A path that begins with "//" where there is no authority gets "/." in front,
 * so that the result splits into what was put together. INVALID_URL when base
 * has no scheme; the buffer's errors. */
HN_INTERNAL int url_resolve(struct hn_slice base, struct hn_slice reference,
                            struct hn_buf *out);

/* True for the text of a scheme (RFC 3986 3.1). */
HN_INTERNAL bool url_is_scheme(struct hn_slice s);

#endif
