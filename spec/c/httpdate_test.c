#include "../../csrc/proto/httpdate.h"

#include "test.h"

#define NOW         INT64_C(1767225600) /* 2026-01-01 */
#define FIRST       INT64_C(-62167219200)
#define LAST        INT64_C(253402300799)
#define BYTES(text) slice_make((text), sizeof(text) - 1)

static const struct {
  int64_t seconds;
  const char *text;
} format_rows[] = {
    {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
    {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
    {1, "Thu, 01 Jan 1970 00:00:01 GMT"},
    {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
    {1217239552, "Mon, 28 Jul 2008 10:05:52 GMT"},
    {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
    {951868799, "Tue, 29 Feb 2000 23:59:59 GMT"},
    {951868800, "Wed, 01 Mar 2000 00:00:00 GMT"},
    {978220800, "Sun, 31 Dec 2000 00:00:00 GMT"},
    {1709164800, "Thu, 29 Feb 2024 00:00:00 GMT"},
    {2147483647, "Tue, 19 Jan 2038 03:14:07 GMT"},
    {INT64_C(2147483648), "Tue, 19 Jan 2038 03:14:08 GMT"},
    {INT64_C(4107542400), "Mon, 01 Mar 2100 00:00:00 GMT"},
    {INT64_C(4107542399), "Sun, 28 Feb 2100 23:59:59 GMT"},
    {INT64_C(-2203891200), "Thu, 01 Mar 1900 00:00:00 GMT"},
    {INT64_C(-2203891201), "Wed, 28 Feb 1900 23:59:59 GMT"},
    {INT64_C(-12219292800), "Fri, 15 Oct 1582 00:00:00 GMT"},
    {INT64_C(-12219292801), "Thu, 14 Oct 1582 23:59:59 GMT"},
    {INT64_C(-11644473600), "Mon, 01 Jan 1601 00:00:00 GMT"},
    {INT64_C(-62135596800), "Mon, 01 Jan 0001 00:00:00 GMT"},
    {FIRST, "Sat, 01 Jan 0000 00:00:00 GMT"},
    {FIRST + 59 * 86400, "Tue, 29 Feb 0000 00:00:00 GMT"},
    {LAST, "Fri, 31 Dec 9999 23:59:59 GMT"},
};

TEST(format) {
  for (size_t i = 0; i < sizeof format_rows / sizeof *format_rows; i++) {
    char out[HN_DATE_SIZE];
    int64_t back = 7;
    test_label(format_rows[i].text);
    CHECK_INT(httpdate_format(format_rows[i].seconds, out), 0);
    CHECK_TEXT(slice_of(out), format_rows[i].text);
    CHECK_INT(httpdate_parse(test_guarded(0, slice_of(out)), NOW, &back), 0);
    CHECK_INT(back, format_rows[i].seconds);
  }
}

TEST(format_range) {
  static const int64_t rows[] = {FIRST - 1, LAST + 1, INT64_MIN, INT64_MAX};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char out[HN_DATE_SIZE] = "kept";
    CHECK_INT(httpdate_format(rows[i], out), HN_ERR_INVALID_PARAMETER);
    CHECK_TEXT(slice_of(out), "kept");
  }
}

/* Every day from year 0 to 9999, in order: dates must rise by one day and the
 * weekday by one. */
TEST(format_every_day) {
  static const char week[] = "SatSunMonTueWedThuFri";
  int64_t day = 0;
  char last[HN_DATE_SIZE] = "";
  for (int64_t t = FIRST; t <= LAST; t += 86400, day++) {
    char out[HN_DATE_SIZE];
    int64_t back = 0;
    if (!CHECK_INT(httpdate_format(t + day % 86400, out), 0)) return;
    if (!CHECK(memcmp(out, week + 3 * (day % 7), 3) == 0)) return;
    if (!CHECK(memcmp(out + 5, last + 5, 11) != 0)) return;
    memcpy(last, out, sizeof last);
    httpdate_parse(slice_of(out), NOW, &back);
    if (!CHECK_INT(back, t + day % 86400)) return;
  }
  CHECK_INT(day, 3652425);
}

TEST(format_odd_steps) {
  for (int64_t t = FIRST; t <= LAST; t += INT64_C(7654321)) {
    char out[HN_DATE_SIZE];
    int64_t back = 0;
    httpdate_format(t, out);
    httpdate_parse(slice_of(out), NOW, &back);
    if (!CHECK_INT(back, t)) return;
  }
}

static const struct {
  const char *text;
  int64_t seconds;
} parse_rows[] = {
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
    {"Sun Nov  6 08:49:37 1994", 784111777},
    {"Sun Nov 06 08:49:37 1994", 784111777},
    {"Sun Nov 16 08:49:37 1994", 784975777},
    {"  Sun, 06 Nov 1994 08:49:37 GMT\t", 784111777},
    {"sun, 06 nOV 1994 08:49:37 gmt", 784111777},
    {"SUNDAY, 06-NOV-94 08:49:37 GMT", 784111777},
    /* the weekday is not held against the date */
    {"Mon, 06 Nov 1994 08:49:37 GMT", 784111777},
    /* a leap second */
    {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Wednesday, 01-Jan-70 00:00:00 GMT", INT64_C(3155760000)}, /* 2070 */
    {"Thu Jan  1 00:00:00 1970", 0},
    {"Wed Dec 31 23:59:59 1969", -1},
    {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
    {"Tuesday, 29-Feb-00 00:00:00 GMT", 951782400},
    /* separators of any kind and number, or none */
    {"Mon, 28 Jul 2008 10:05:52 GMT\n", 1217239552},
    {" mon 28 jul 2008 10 05 52\r\n", 1217239552},
    {"Mon,28 Jul  2008, 10:05:52GMT", 1217239552},
    {"\"Mon, 28/Jul/2008:10-05-52 GMT\"", 1217239552},
    {"28Jul2008 10:05:52", 1217239552},
    {", 28 Jul 2008 10:05:52 GMT", 1217239552},
    {"Monday Jul 28, 10:05:52; 2008", 1217239552},
    /* no weekday, no zone, numbers as they come */
    {"28 Jul 2008 10:05:52 GMT", 1217239552},
    {"28-jul-2008 10:05:52", 1217239552},
    {"28-Jul-08 10:5:52", 1217239552},
    {"Jul 28 10:05:52 2008 GMT", 1217239552},
    {"Sun, 6 Nov 1994 8:49:37 GMT", 784111777},
    {"Sunday 6 November 94 08:49:37", 784111777},
    {"Sun, Nov 6 8:49:37 94", 784111777},
    /* zones */
    {"Sun, 06 Nov 1994 08:49:37 UTC", 784111777},
    {"Sun, 06 Nov 1994 08:49:37 ut", 784111777},
    {"Sun, 06 Nov 1994 08:49:37Z", 784111777},
    {"Sun, 06 Nov 1994 08:49:37 +0000", 784111777},
    {"Sun, 06 Nov 1994 10:19:37 +0130", 784111777},
    {"Sun, 06 Nov 1994 00:49:37-0800\n", 784111777},
    {"Sun, 06 Nov 1994 08:49:37 -", 784111777},
};

TEST(parse) {
  for (size_t i = 0; i < sizeof parse_rows / sizeof *parse_rows; i++) {
    int64_t seconds = 7;
    struct hn_slice s = test_guarded(0, slice_of(parse_rows[i].text));
    test_label(parse_rows[i].text);
    CHECK_INT(httpdate_parse(s, NOW, &seconds), 0);
    CHECK_INT(seconds, parse_rows[i].seconds);
  }
}

static const char *const bad_dates[] = {
    "",
    " ",
    "0",
    "-1",
    "now",
    "784111777",
    "GMT",
    "Sun",
    "Sun,",
    "Sun, ",
    "Sun, 06 Nov 1994",
    "Sun, 06 Nov 1994 08:49 GMT",
    "Sun Nov 6 08:49:37",
    "Son, 06 Nov 1994 08:49:37 GMT",
    "Su, 06 Nov 1994 08:49:37 GMT",
    "Sun Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 No 1994 08:49:37 GMT",
    "Sun, 06 Nev 1994 08:49:37 GMT",
    "Sun, 06 11 1994 08:49:37 GMT",
    "Sun, 06 Nov 19994 08:49:37 GMT",
    "Sun, 06 Nov 994 08:49:37 GMT",
    "Sun, 06 Nov 9 08:49:37 GMT",
    "Sun, 006 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 008:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:371 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT",
    "Sun, 31 Nov 1994 08:49:37 GMT",
    "Sun, 32 Dec 1994 08:49:37 GMT",
    "Sun, 99 Nov 1994 08:49:37 GMT",
    "Sun, 30 Feb 2000 08:49:37 GMT",
    "Sun, 29 Feb 1999 08:49:37 GMT",
    "Sun, 29 Feb 1900 08:49:37 GMT",
    "Sun, 29 Feb 2100 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 Nov 1994 99:99:99 GMT",
    "Fri, 31 Dec 9999 23:59:60 GMT",
    "Fri, 31 Dec 9999 23:59:59 -0001",
    "Sat, 01 Jan 0000 00:00:00 +0001",
    "Sun, 06 Nov 1994 08:49:3x GMT",
    "Sun, 0x Nov 1994 08:49:37 GMT",
    "Sunday, 29-Feb-99 08:49:37 GMT",
    "Sunday, 31-Apr-94 08:49:37 GMT",
    "Sun Nov   08:49:37 1994",
    "Sun Nov  0 08:49:37 1994",
    "Sun Feb 30 08:49:37 1994",
    "1994-11-06T08:49:37Z",
    "Sun, 06 Nov 1994 08:49:37 GMT, x",
    "Sun, 06 Nov 1994 08:49:37 GMTx",
    "Sun, 06 Nov 1994 08:49:37 GMT+1",
    "Sun, 06 Nov 1994 08:49:37 EST",
    "Sun, 06 Nov 1994 08:49:37 +01",
    "Sun, 06 Nov 1994 08:49:37 +01000",
    "Sun, 06 Nov 1994 08:49:37 0100",
    "Sun, 06 Nov 1994 08:49:37 +0000 GMT",
    "Sun, 06 Nov 1994 08:49:37 \x7f",
    "Sun,\xa0"
    "06 Nov 1994 08:49:37 GMT",
    "Sun,\v06 Nov 1994 08:49:37 GMT",
};

TEST(parse_refuses) {
  for (size_t i = 0; i < sizeof bad_dates / sizeof *bad_dates; i++) {
    int64_t seconds = 7;
    struct hn_slice s = test_guarded(0, slice_of(bad_dates[i]));
    test_label(bad_dates[i]);
    CHECK_INT(httpdate_parse(s, NOW, &seconds), HN_ERR_INVALID_PARAMETER);
    CHECK_INT(seconds, 7);
  }
}

/* Every prefix of a date that is not a date yet, and a date with any byte
 * replaced by NUL. */
TEST(parse_damaged) {
  static const struct {
    const char *text;
    size_t least; /* from here on only the zone or a digit is missing */
  } dates[] = {
      {"Sun, 06 Nov 1994 08:49:37 GMT", 24},
      {"Sunday, 06-Nov-94 08:49:37 GMT", 25},
      {"Sun Nov  6 08:49:37 1994", 22},
  };
  for (size_t i = 0; i < 3; i++) {
    struct hn_slice whole = slice_of(dates[i].text);
    for (size_t n = 0; n < whole.n; n++) {
      char copy[40];
      int64_t seconds = 7;
      struct hn_slice s = test_guarded(0, slice_sub(whole, 0, n));
      int code = httpdate_parse(s, NOW, &seconds);
      if (n < dates[i].least) CHECK_INT(code, HN_ERR_INVALID_PARAMETER);
      if (code != 0) CHECK_INT(seconds, 7);
      seconds = 7;
      memcpy(copy, whole.p, whole.n);
      copy[n] = '\0';
      s = test_guarded(0, slice_make(copy, whole.n));
      CHECK_INT(httpdate_parse(s, NOW, &seconds), HN_ERR_INVALID_PARAMETER);
    }
  }
}

TEST(parse_absent) {
  struct hn_slice absent = {NULL, 0};
  int64_t seconds = 7;
  CHECK_INT(httpdate_parse(absent, NOW, &seconds), HN_ERR_INVALID_PARAMETER);
}

/* Two-digit years, seen from different moments. */
static const struct {
  const char *now, *text, *expected;
} century_rows[] = {
    {"Thu, 01 Jan 2026 00:00:00 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
     "Sun, 06 Nov 1994 08:49:37 GMT"},
    {"Thu, 01 Jan 2026 00:00:00 GMT", "Sunday, 06-Nov-26 08:49:37 GMT",
     "Fri, 06 Nov 2026 08:49:37 GMT"},
    {"Thu, 01 Jan 2026 00:00:00 GMT", "Sunday, 01-Jan-76 00:00:00 GMT",
     "Wed, 01 Jan 2076 00:00:00 GMT"},
    {"Thu, 01 Jan 2026 00:00:00 GMT", "Sunday, 01-Jan-76 00:00:01 GMT",
     "Thu, 01 Jan 1976 00:00:01 GMT"},
    {"Thu, 01 Jan 2026 00:00:00 GMT", "Sunday, 01-Jan-77 00:00:00 GMT",
     "Sat, 01 Jan 1977 00:00:00 GMT"},
    {"Fri, 31 Dec 1999 23:59:59 GMT", "Sunday, 01-Jan-00 00:00:00 GMT",
     "Sat, 01 Jan 2000 00:00:00 GMT"},
    {"Fri, 31 Dec 1999 23:59:59 GMT", "Sunday, 31-Dec-49 23:59:59 GMT",
     "Fri, 31 Dec 2049 23:59:59 GMT"},
    {"Fri, 31 Dec 1999 23:59:59 GMT", "Sunday, 01-Jan-50 00:00:00 GMT",
     "Sun, 01 Jan 1950 00:00:00 GMT"},
    {"Thu, 01 Jan 1970 00:00:00 GMT", "Sunday, 01-Jan-20 00:00:00 GMT",
     "Wed, 01 Jan 2020 00:00:00 GMT"},
    {"Thu, 29 Feb 2024 00:00:00 GMT", "Sunday, 01-Mar-74 00:00:00 GMT",
     "Thu, 01 Mar 2074 00:00:00 GMT"},
    {"Thu, 29 Feb 2024 00:00:00 GMT", "Sunday, 02-Mar-74 00:00:00 GMT",
     "Sat, 02 Mar 1974 00:00:00 GMT"},
    {"Fri, 31 Dec 9999 23:59:59 GMT", "Sunday, 01-Jan-99 00:00:00 GMT",
     "Fri, 01 Jan 9999 00:00:00 GMT"},
    {"Sat, 01 Jan 0000 00:00:00 GMT", "Sunday, 01-Jan-10 00:00:00 GMT",
     "Fri, 01 Jan 0010 00:00:00 GMT"},
};

TEST(parse_century) {
  for (size_t i = 0; i < sizeof century_rows / sizeof *century_rows; i++) {
    int64_t now = 0, seconds = 7;
    char out[HN_DATE_SIZE];
    struct hn_slice s = slice_of(century_rows[i].text);
    test_label(century_rows[i].expected);
    CHECK_INT(httpdate_parse(slice_of(century_rows[i].now), 0, &now), 0);
    CHECK_INT(httpdate_parse(s, now, &seconds), 0);
    CHECK_INT(httpdate_format(seconds, out), 0);
    CHECK_TEXT(slice_of(out), century_rows[i].expected);
  }
}

/* Moments outside the calendar, and a year that is in no allowed century. */
TEST(parse_century_extremes) {
  struct hn_slice s = slice_of("Sunday, 01-Jan-00 00:00:00 GMT");
  int64_t seconds = 7;
  CHECK_INT(httpdate_parse(s, INT64_MIN, &seconds), 0);
  CHECK_INT(seconds, FIRST);
  seconds = 7;
  CHECK_INT(httpdate_parse(s, INT64_MAX, &seconds), HN_ERR_INVALID_PARAMETER);
  CHECK_INT(seconds, 7);
  s = slice_of("Sunday, 01-Jan-99 00:00:00 GMT");
  CHECK_INT(httpdate_parse(s, INT64_MIN, &seconds), 0);
}

TEST_MAIN(ROW(format), ROW(format_range), ROW(format_every_day),
          ROW(format_odd_steps), ROW(parse), ROW(parse_refuses),
          ROW(parse_damaged), ROW(parse_absent), ROW(parse_century),
          ROW(parse_century_extremes))
