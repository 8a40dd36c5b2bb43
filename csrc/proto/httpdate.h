/*
 * httpdate.h: HTTP dates (RFC 9110 5.6.7), pure: no clock, no locale, no
 * library calendar. The Gregorian calendar is used for all years from 0 on
 * (year 0 is a leap year), and seconds are POSIX seconds since 1970.
 */
#ifndef HN_PROTO_HTTPDATE_H
#define HN_PROTO_HTTPDATE_H

#include "../base/slice.h"
#include "../hinternet_url.h"

/* IMF-fixdate with a NUL. INVALID_PARAMETER outside years 0 to 9999. */
HN_INTERNAL int httpdate_format(int64_t seconds, char out[HN_DATE_SIZE]);

/* IMF-fixdate, RFC 850 or asctime form, read as WinHttpTimeToSystemTime does:
 * names in any case and perhaps in full, any punctuation, blanks or line ends
 * between, around or instead of them; the weekday and the zone may be missing,
 * and the weekday is not checked against the date. The zone is universal time
 * by one of its names or a "+hhmm". A leap second counts as the second after
 * it. A two-digit year is the latest that is not more than 50 years after
 * `now`. INVALID_PARAMETER for anything else (WinHTTP takes what is missing
 * from the clock), and for a date that httpdate_format would refuse. */
HN_INTERNAL int httpdate_parse(struct hn_slice text, int64_t now,
                               int64_t *seconds);

#endif
