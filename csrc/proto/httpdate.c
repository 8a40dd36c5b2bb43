#include "httpdate.h"

#include <string.h>

enum { HN_HTTPDATE_DAY = 86400, HN_HTTPDATE_YEARS = 9999 };

/* Days from 0000-01-01 to 1970-01-01. */
#define HN_HTTPDATE_EPOCH INT64_C(719528)

/* The first and the last second of the years 0 to 9999. */
#define HN_HTTPDATE_FIRST (-HN_HTTPDATE_EPOCH * HN_HTTPDATE_DAY)
#define HN_HTTPDATE_LAST INT64_C(253402300799)

struct httpdate_fields {
  int year, month, day; /* month and day from 1 */
  int hour, minute, second;
  bool short_year; /* only the last two digits are known */
};

static const char *const httpdate_days[] = {
    "Sunday",   "Monday", "Tuesday",  "Wednesday",
    "Thursday", "Friday", "Saturday",
};

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
  memcpy(out, httpdate_days[(days + 6) % 7], 3);
  httpdate_put(out + 5, 2, f.day);
  memcpy(out + 8, httpdate_months + 3 * (f.month - 1), 3);
  httpdate_put(out + 12, 4, f.year);
  httpdate_put(out + 17, 2, f.hour);
  httpdate_put(out + 20, 2, f.minute);
  httpdate_put(out + 23, 2, f.second);
  return 0;
}

/* Bytes used by a name of the week at the start of s: all of it, or its first
 * three letters; 0 when there is none. */
static size_t httpdate_read_weekday(struct hn_slice s, bool whole) {
  for (size_t i = 0; i < 7; i++) {
    struct hn_slice name = slice_of(httpdate_days[i]);
    if (!whole) name.n = 3;
    if (slice_starts_nocase(s, name)) return name.n;
  }
  return 0;
}

static size_t httpdate_read_month(struct hn_slice s, int *month) {
  for (int i = 0; i < 12; i++) {
    if (slice_starts_nocase(s, slice_make(httpdate_months + 3 * i, 3))) {
      *month = i + 1;
      return 3;
    }
  }
  return 0;
}

/* Exactly so many digits; the first of them may be a blank if padded. */
static size_t httpdate_read_number(struct hn_slice s, size_t digits,
                                   bool padded, int *out) {
  int n = 0;
  if (s.n < digits) return 0;
  for (size_t i = 0; i < digits; i++) {
    bool blank = padded && i == 0 && s.p[i] == ' ';
    if (!blank && (s.p[i] < '0' || s.p[i] > '9')) return 0;
    n = n * 10 + (blank ? 0 : s.p[i] - '0');
  }
  *out = n;
  return digits;
}

/* Reads what a letter of a pattern stands for; any other byte stands for
 * itself. Returns the bytes used, 0 when it is not there. */
static size_t httpdate_read(struct hn_slice s, char what,
                            struct httpdate_fields *f) {
  switch (what) {
    case 'w': return httpdate_read_weekday(s, false);
    case 'W': return httpdate_read_weekday(s, true);
    case 'm': return httpdate_read_month(s, &f->month);
    case 'd': return httpdate_read_number(s, 2, false, &f->day);
    case 'e': return httpdate_read_number(s, 2, true, &f->day);
    case 'Y': return httpdate_read_number(s, 4, false, &f->year);
    case 'y':
      f->short_year = true;
      return httpdate_read_number(s, 2, false, &f->year);
    case 'h': return httpdate_read_number(s, 2, false, &f->hour);
    case 'n': return httpdate_read_number(s, 2, false, &f->minute);
    case 's': return httpdate_read_number(s, 2, false, &f->second);
    case 'z': return slice_starts_nocase(s, slice_of("GMT")) ? 3 : 0;
    default: return s.n > 0 && s.p[0] == what;
  }
}

static bool httpdate_match(struct hn_slice s, const char *pattern,
                           struct httpdate_fields *f) {
  *f = (struct httpdate_fields){0};
  for (; *pattern; pattern++) {
    size_t used = httpdate_read(s, *pattern, f);
    if (used == 0) return false;
    s = slice_from(s, used);
  }
  return s.n == 0;
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
  static const char *const patterns[] = {
      "w, d m Y h:n:s z", /* IMF-fixdate */
      "W, d-m-y h:n:s z", /* RFC 850 */
      "w m e h:n:s Y",    /* asctime */
  };
  struct hn_slice s = slice_trim(text);
  struct httpdate_fields f;
  int64_t result;
  size_t i = 0;
  while (!httpdate_match(s, patterns[i], &f)) {
    if (++i == sizeof patterns / sizeof *patterns) {
      return HN_ERR_INVALID_PARAMETER;
    }
  }
  if (f.short_year) httpdate_complete_year(&f, now);
  if (!httpdate_is_valid(&f)) return HN_ERR_INVALID_PARAMETER;
  result = httpdate_seconds(&f);
  if (result > HN_HTTPDATE_LAST) return HN_ERR_INVALID_PARAMETER;
  *seconds = result;
  return 0;
}
