/*
 * url_text.h: which bytes may stand where in a URL: escaping, unescaping and
 * host names.
 *
 * Pure functions over slices; what grows goes into the caller's struct hn_buf.
 * Others include url.h, which includes this.
 */
#ifndef HN_PROTO_URL_TEXT_H
#define HN_PROTO_URL_TEXT_H

#include "../base/buf.h"
#include "../base/slice.h"
#include "../hinternet_url.h"

/* What stands unescaped. Letters, digits and "-._!$&'()*+,;=" always do;
 * anything from 0x80 on never does. */
enum url_text_set {
  HN_URL_TEXT_TARGET,   /* also "~%/:?@": a request target */
  HN_URL_TEXT_PERCENT,  /* the same without "%" */
  HN_URL_TEXT_RAW,      /* everything but a blank; CR and LF are dropped */
  HN_URL_TEXT_PART,     /* also "/:?@": CreateUrl's path and extra */
  HN_URL_TEXT_USERINFO, /* also "~": a user name, a password, a host name */
};

HN_INTERNAL bool url_text_keeps(enum url_text_set set, char c);

/* The bytes url_text_escape writes for s. */
HN_INTERNAL size_t url_text_escaped_size(struct hn_slice s,
                                         enum url_text_set set);
/* Writes s with upper-case %XX for what the set does not keep. */
HN_INTERNAL void url_text_escape(char *to, struct hn_slice s,
                                 enum url_text_set set);
/* The same at the end of a buffer; the buffer's errors. */
HN_INTERNAL int url_text_append(struct hn_buf *out, struct hn_slice s,
                                enum url_text_set set);

/* The bytes url_text_unescape writes: s.n when nothing is escaped in s. */
HN_INTERNAL size_t url_text_unescaped_size(struct hn_slice s);
/* Writes s with each %XX as its byte; a "%" that begins no such thing is
 * copied. The result may hold any byte, NUL, CR and LF too. */
HN_INTERNAL void url_text_unescape(char *to, struct hn_slice s);

/* True for a host that can stand in a URL and a Host field, at most
 * HN_MAX_HOST bytes: a name of RFC 3986's reg-name bytes without "%", a strict
 * IPv4 address (four decimal numbers), or an IPv6 address without brackets,
 * with a "%zone" allowed. A name whose last label is a number is refused
 * ("127.1", "0x7f000001", "1.2.3.256"): system resolvers read some of them as
 * addresses. Names beyond ASCII must come in their "xn--" form. */
HN_INTERNAL bool url_is_host(struct hn_slice host);

/* The request target of OpenRequest's object name: a leading "/" is added
 * when it is missing and bytes are escaped as HN_REQUEST_ESCAPE_* say: by
 * default all but HN_URL_TEXT_TARGET, so never a blank, a control character
 * or a "#" on the wire; ESCAPE_DISABLE lets control characters through, but
 * never CR and LF. ESCAPE_DISABLE wins over ESCAPE_PERCENT. The buffer's
 * errors; the buffer is unchanged then. */
HN_INTERNAL int url_append_target(struct hn_slice object, unsigned flags,
                                  struct hn_buf *out);

#endif
