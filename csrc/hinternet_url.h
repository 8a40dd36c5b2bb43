/*
 * hinternet_url.h: URLs and dates as text: functions of their arguments alone,
 * which need no runtime.
 */
#ifndef HINTERNET_URL_H
#define HINTERNET_URL_H

#include "hinternet.h"

/* -------------------------------------------------------------------- URLs */

enum hn_url_flag { /* ICU_* */
                   HN_URL_ESCAPE = (int)0x80000000,
                   HN_URL_DECODE = 0x10000000,
                   HN_URL_REJECT_USERPWD = 0x4000,
                   HN_URL_INCLUDE_DEFAULT_PORT = 0x8000,
};

/* The parts of a URL. An absent part is {NULL, 0}; an empty one is not. */
struct hn_url_parts {
  struct hn_slice scheme;
  struct hn_slice user;
  struct hn_slice password;
  struct hn_slice host; /* IPv6 literals without brackets */
  int port;             /* -1: the scheme's default (create only) */
  struct hn_slice path;
  struct hn_slice extra; /* "?query", "#fragment" or both */
};

/* WinHttpCrackUrl. The parts point into the URL or, where flags changed them,
 * into scratch (which holds `size` bytes; the URL's length suffices for
 * DECODE and for the zone of an IPv6 address, "%25eth0", three times that for
 * ESCAPE). INVALID_URL, UNRECOGNIZED_SCHEME,
 * INVALID_PARAMETER, INSUFFICIENT_BUFFER. */
HN_API int hn_crack_url(struct hn_slice url, unsigned flags, char *scratch,
                        size_t size, struct hn_url_parts *out);

/* The flags of hn_open_request for a URL with this scheme: HN_REQUEST_SECURE or
 * 0. UNRECOGNIZED_SCHEME for one that no request can go to: "ws" and "wss", as
 * long as there are no WebSockets, and what hn_crack_url does not know. */
HN_API int hn_scheme_flags(struct hn_slice scheme, unsigned *flags);

/* WinHttpCreateUrl: writes at most *size bytes and sets *size to the length;
 * INSUFFICIENT_BUFFER sets *size to what is needed. INVALID_PARAMETER. */
HN_API int hn_create_url(const struct hn_url_parts *parts, unsigned flags,
                         char *out, size_t *size);

/* RFC 3986 5.2: reference against base, as hn_create_url hands it out. */
HN_API int hn_resolve_url(struct hn_slice base, struct hn_slice reference,
                          char *out, size_t *size);

/* ------------------------------------------------------------------- dates */

#define HN_DATE_SIZE 30 /* "Mon, 28 Jul 2008 10:05:52 GMT" and a NUL */

/* RFC 9110 5.6.7 IMF-fixdate of seconds since 1970; INVALID_PARAMETER outside
 * the years 0 to 9999. */
HN_API int hn_format_date(int64_t seconds, char out[HN_DATE_SIZE]);

/* The forms of RFC 9110 5.6.7, read leniently: any separators, with or without
 * weekday and zone (universal time or "+hhmm"). `now` picks the century of a
 * two-digit year. INVALID_PARAMETER. */
HN_API int hn_parse_date(struct hn_slice text, int64_t now, int64_t *seconds);

/* The wall clock in seconds since 1970, for hn_parse_date. */
HN_API int64_t hn_wall_time(void);

#endif
