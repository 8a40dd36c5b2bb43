/*
 * url.h: URLs as text: cracking and creating them by WinHTTP's rules. With the
 * two headers below it is all that others include for URLs.
 *
 * Nothing here allocates except through the caller's struct hn_buf. Cracking
 * points into its input; what flags change goes into the scratch space.
 * The struct of parts is the public one of hinternet_url.h.
 *
 * Stricter than WinHTTP where a guess could be exploited (two readers of one
 * URL that see two hosts): a URL has exactly one reading here or none.
 */
#ifndef HN_PROTO_URL_H
#define HN_PROTO_URL_H

#include "url_ref.h"
#include "url_text.h"

/* All there is to know of a scheme. Whether a request goes out in the clear is
 * read off here and nowhere else. */
struct hn_url_scheme {
  const char *name; /* lower case */
  int port;
  bool is_secure; /* TLS */
  bool is_http;   /* a request can go there; else it is for WebSockets */
};

/* In any case; NULL: another scheme. */
HN_INTERNAL const struct hn_url_scheme *url_find_scheme(struct hn_slice name);
/* That of requests with or without TLS. */
HN_INTERNAL const struct hn_url_scheme *url_request_scheme(bool secure);

/* The port of "http", "https", "ws" or "wss" (any case: 80, 443, 80, 443);
 * 0 for another scheme. */
HN_INTERNAL int url_default_port(struct hn_slice scheme);

/*
 * WinHttpCrackUrl, see hn_crack_url. The schemes of url_default_port only.
 *   user, password  absent, or present and perhaps empty
 *   host            satisfies url_is_host; an IPv6 address without brackets
 *   port            the URL's, or the scheme's default
 *   path            to the first "?" or "#"; perhaps empty, never absent
 *   extra           from there on ("?q", "#f", "?q#f"); perhaps empty, never
 *                   absent
 * HN_URL_DECODE unescapes user, password, host, path and extra;
 * HN_URL_ESCAPE escapes path and extra as url_create does, both together the
 * path alone. A zone in an IPv6 address must be written "%25zone" (RFC 6874);
 * it comes out as "%zone" in the scratch space whatever the flags.
 *
 * UNRECOGNIZED_SCHEME: no colon, or another scheme before it.
 * INVALID_URL: a NUL anywhere; more than HN_MAX_URL bytes; no "//"; no host;
 * user info with HN_URL_REJECT_USERPWD, or with a second "@"; in the
 * authority a byte that RFC 3986 does not allow there (control characters,
 * blanks, backslashes and bytes from 0x80 on among them); a host that is not
 * one, escaped hosts without HN_URL_DECODE included; a port above 65535.
 * INSUFFICIENT_BUFFER: the scratch space is too small. INVALID_PARAMETER: the
 * URL is absent.
 *
 * Where WinHTTP differs: it keeps a "?" right behind the host in the host (up
 * to Windows 7), accepts blanks in a host, and knows neither ws nor wss.
 */
HN_INTERNAL int url_crack(struct hn_slice url, unsigned flags, char *scratch,
                          size_t size, struct hn_url_parts *out);

/*
 * WinHttpCreateUrl, appended to a buffer, which is unchanged on failure.
 * Absent parts are left out; an absent scheme is "http", any other text that
 * can be a scheme is taken. The port is left out when it is the scheme's
 * default (unless HN_URL_INCLUDE_DEFAULT_PORT) or -1 for an unknown scheme. A
 * path gets a leading "/" when there is a host, and so does an extra with no
 * path before it that begins with neither "/", "?" nor "#" (it would run on
 * from the host).
 *
 * Without HN_URL_ESCAPE the parts are URL text already, and what cannot stand
 * in user or password is refused. With it they are plain text: path and extra
 * are escaped by CreateUrl's table (UTF-8 bytes too; a "#" at the start of
 * extra stays), user and password by RFC 3986's, which goes beyond WinHTTP.
 *
 * INVALID_PARAMETER: a password without a user, a host that is not one (absent
 * and empty are allowed), a port outside -1..65535, a bad scheme, a NUL in an
 * unescaped path or extra. The buffer's errors.
 */
HN_INTERNAL int url_create(const struct hn_url_parts *parts, unsigned flags,
                           struct hn_buf *out);

#endif
