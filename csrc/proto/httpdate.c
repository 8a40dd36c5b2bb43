#include "httpdate.h"

#include <string.h>

enum { HN_HTTPDATE_DAY = 86400, HN_HTTPDATE_YEARS = 9999 };

/* Days from 0000-01-01 to 1970-01-01. */
#define HN_HTTPDATE_EPOCH INT64_C(719528)

/* The first and the last second of the years 0 to 9999. */
#define HN_HTTPDATE_FIRST (-HN_HTTPDATE_EPOCH * HN_HTTPDATE_DAY)
#define HN_HTTPDATE_LAST  INT64_C(253402300799)

struct httpdate_fields {
  int year, month, day; /* month and day from 1 */
  int hour, minute, second;
  bool short_year; /* only the last two digits are known */
};

static const char httpdate_days[] = "SunMonTueWedThuFriSat";
static const char httpdate_months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static bool httpdate_is_leap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days of the year before a month, from 1 to 13. */
static int httpdate_before_month(int year, int month) {
  static const int days[] = {0,   31,  59,  90,  120, 151, 181,
                             212, 243, 273, 304, 334, 365};
  return days[month - 1] + (month > 2 && httpdate_is_leap(year));
}

/* Days from 0000-01-01 to the first of January: 365 for each year, and one
 * more for each leap year among 0 .. year - 1. */
static int64_t httpdate_before_year(int year) {
  return (int64_t)365 * year + (year + 3) / 4 - (year + 99) / 100 +
         (year + 399) / 400;
}

/* Seconds since 1970. A day past the end of its month runs into the next. */
static int64_t httpdate_seconds(const struct httpdate_fields *f) {
  int64_t days = httpdate_before_year(f->year) +
                 httpdate_before_month(f->year, f->month) + f->day - 1;
  return (days - HN_HTTPDATE_EPOCH) * HN_HTTPDATE_DAY + f->hour * 3600 +
         f->minute * 60 + f->second;
}

/* The fields of a second within the years 0 to 9999. */
static struct httpdate_fields httpdate_split(int64_t seconds) {
  struct httpdate_fields f = {0};
  int64_t since = seconds - HN_HTTPDATE_FIRST;
  int64_t days = since / HN_HTTPDATE_DAY;
  int clock = (int)(since % HN_HTTPDATE_DAY);
  int rest;
  /* 400 years have 146097 days: the guess is off by one year at most. */
  f.year = (int)(days * 400 / 146097);
  while (httpdate_before_year(f.year) > days) f.year--;
  while (httpdate_before_year(f.year + 1) <= days) f.year++;
  rest = (int)(days - httpdate_before_year(f.year));
  f.month = 1;
  while (httpdate_before_month(f.year, f.month + 1) <= rest) f.month++;
  f.day = rest - httpdate_before_month(f.year, f.month) + 1;
  f.hour = clock / 3600;
  f.minute = clock / 60 % 60;
  f.second = clock % 60;
  return f;
}

/* Writes n at `to` with so many digits. */
static void httpdate_put(char *to, int digits, int n) {
  while (digits-- > 0) {
    to[digits] = (char)('0' + n % 10);
    n /= 10;
  }
}

int httpdate_format(int64_t seconds, char out[HN_DATE_SIZE]) {
  struct httpdate_fields f;
  int64_t days;
  if (seconds < HN_HTTPDATE_FIRST || seconds > HN_HTTPDATE_LAST) {
    return HN_ERR_INVALID_PARAMETER;
  }
  f = httpdate_split(seconds);
  days = (seconds - HN_HTTPDATE_FIRST) / HN_HTTPDATE_DAY;
  memcpy(out, "Www, 00 Mmm 0000 00:00:00 GMT", HN_DATE_SIZE);
  /* 0000-01-01 was a Saturday. */
  memcpy(out, httpdate_days + 3 * ((days + 6) % 7), 3);
  httpdate_put(out + 5, 2, f.day);
  memcpy(out + 8, httpdate_months + 3 * (f.month - 1), 3);
  httpdate_put(out + 12, 4, f.year);
  httpdate_put(out + 17, 2, f.hour);
  httpdate_put(out + 20, 2, f.minute);
  httpdate_put(out + 23, 2, f.second);
  return 0;
}

static bool httpdate_is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool httpdate_is_letter(char c) {
  c = slice_lower(c);
  return c >= 'a' && c <= 'z';
}

/* Punctuation, blanks and line ends: whatever stands between words and numbers
 * is skipped (winhttp.md 2.1, TimeToSystemTime). */
static bool httpdate_is_separator(char c) {
  if (httpdate_is_digit(c) || httpdate_is_letter(c)) return false;
  return (c >= ' ' && c < 0x7f) || c == '\t' || c == '\r' || c == '\n';
}

/* How many bytes at the start of s are of that kind. */
static size_t httpdate_span(struct hn_slice s, bool (*is_kind)(char)) {
  size_t n = 0;
  while (n < s.n && is_kind(s.p[n])) n++;
  return n;
}

static void httpdate_skip(struct hn_slice *s) {
  *s = slice_from(*s, httpdate_span(*s, httpdate_is_separator));
}

/* The next run of letters or of digits; empty when there is something else. */
static struct hn_slice httpdate_take(struct hn_slice *s,
                                     bool (*is_kind)(char)) {
  struct hn_slice taken;
  httpdate_skip(s);
  taken = slice_sub(*s, 0, httpdate_span(*s, is_kind));
  *s = slice_from(*s, taken.n);
  return taken;
}

/* Which of `count` names of three letters a word begins with, from 1; 0: none.
 */
static int httpdate_find(struct hn_slice word, const char *names, int count) {
  for (int i = 0; i < count; i++) {
    if (slice_starts_nocase(word, slice_make(names + 3 * i, 3))) return i + 1;
  }
  return 0;
}

/* At most four digits. */
static int httpdate_number(struct hn_slice digits) {
  int n = 0;
  for (size_t i = 0; i < digits.n; i++) n = n * 10 + digits.p[i] - '0';
  return n;
}

static bool httpdate_read_small(struct hn_slice *s, int *out) {
  struct hn_slice digits = httpdate_take(s, httpdate_is_digit);
  if (digits.n != 1 && digits.n != 2) return false;
  *out = httpdate_number(digits);
  return true;
}

static bool httpdate_read_year(struct hn_slice *s, struct httpdate_fields *f) {
  struct hn_slice digits = httpdate_take(s, httpdate_is_digit);
  if (digits.n != 2 && digits.n != 4) return false;
  f->short_year = digits.n == 2;
  f->year = httpdate_number(digits);
  return true;
}

static bool httpdate_read_month(struct hn_slice *s, struct httpdate_fields *f) {
  struct hn_slice word = httpdate_take(s, httpdate_is_letter);
  f->month = httpdate_find(word, httpdate_months, 12);
  return f->month > 0;
}

static bool httpdate_read_clock(struct hn_slice *s, struct httpdate_fields *f) {
  return httpdate_read_small(s, &f->hour) &&
         httpdate_read_small(s, &f->minute) &&
         httpdate_read_small(s, &f->second);
}

/* "06 Nov 1994 08:49:37", or, as asctime has it, "Nov  6 08:49:37 1994". */
static bool httpdate_read(struct hn_slice *s, struct httpdate_fields *f) {
  httpdate_skip(s);
  if (s->n > 0 && httpdate_is_digit(s->p[0])) {
    return httpdate_read_small(s, &f->day) && httpdate_read_month(s, f) &&
           httpdate_read_year(s, f) && httpdate_read_clock(s, f);
  }
  return httpdate_read_month(s, f) && httpdate_read_small(s, &f->day) &&
         httpdate_read_clock(s, f) && httpdate_read_year(s, f);
}

/* A weekday is not needed and not held against the date. */
static void httpdate_skip_weekday(struct hn_slice *s) {
  struct hn_slice rest = *s;
  struct hn_slice word = httpdate_take(&rest, httpdate_is_letter);
  if (httpdate_find(word, httpdate_days, 7) > 0) *s = rest;
}

/* RFC 5322 3.3: "+hhmm", seconds ahead of universal time. */
static bool httpdate_read_offset(struct hn_slice *s, int *seconds) {
  struct hn_slice rest = slice_trim(*s), digits;
  char sign = rest.n > 0 ? rest.p[0] : '\0';
  int n;
  if (sign != '+' && sign != '-') return false;
  digits = httpdate_take(&rest, httpdate_is_digit);
  if (digits.n != 4) return false;
  n = httpdate_number(digits);
  n = n / 100 * 3600 + n % 100 * 60;
  *seconds = sign == '+' ? n : -n;
  *s = rest;
  return true;
}

/* Universal time goes without saying. Another zone by its name is refused:
 * names are not unique, and a guess would be a wrong moment. */
static bool httpdate_read_zone(struct hn_slice *s, int *ahead) {
  static const char *const names[] = {"GMT", "UTC", "UT", "Z"};
  struct hn_slice word;
  *ahead = 0;
  if (httpdate_read_offset(s, ahead)) return true;
  word = httpdate_take(s, httpdate_is_letter);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (slice_equal_nocase(word, slice_of(names[i]))) return true;
  }
  return word.n == 0;
}

/* RFC 9110 5.6.7: a two-digit year that seems to lie more than 50 years ahead
 * is the latest past year with these digits. */
static void httpdate_complete_year(struct httpdate_fields *f, int64_t now) {
  struct httpdate_fields limit;
  int64_t latest;
  if (now < HN_HTTPDATE_FIRST) now = HN_HTTPDATE_FIRST;
  if (now > HN_HTTPDATE_LAST) now = HN_HTTPDATE_LAST;
  limit = httpdate_split(now);
  f->year += limit.year - limit.year % 100 + 100;
  limit.year += 50;
  latest = httpdate_seconds(&limit);
  while (f->year >= 100 && httpdate_seconds(f) > latest) f->year -= 100;
}

/* RFC 9110 5.6.7 grammar: the ranges its digits leave open. */
static bool httpdate_is_valid(const struct httpdate_fields *f) {
  int days;
  if (f->year > HN_HTTPDATE_YEARS) return false;
  days = httpdate_before_month(f->year, f->month + 1) -
         httpdate_before_month(f->year, f->month);
  return f->day >= 1 && f->day <= days && f->hour <= 23 && f->minute <= 59 &&
         f->second <= 60;
}

int httpdate_parse(struct hn_slice text, int64_t now, int64_t *seconds) {
  struct httpdate_fields f = {0};
  int64_t result;
  int ahead;
  httpdate_skip_weekday(&text);
  if (!httpdate_read(&text, &f) || !httpdate_read_zone(&text, &ahead)) {
    return HN_ERR_INVALID_PARAMETER;
  }
  httpdate_skip(&text);
  if (text.n > 0) return HN_ERR_INVALID_PARAMETER;
  if (f.short_year) httpdate_complete_year(&f, now);
  if (!httpdate_is_valid(&f)) return HN_ERR_INVALID_PARAMETER;
  result = httpdate_seconds(&f) - ahead;
  if (result < HN_HTTPDATE_FIRST || result > HN_HTTPDATE_LAST) {
    return HN_ERR_INVALID_PARAMETER;
  }
  *seconds = result;
  return 0;
}
