/*
 * Input: a date. Parsing, formatting and parsing again gives the same second,
 * whatever the form and the moment it is read at. The first eight bytes, taken
 * as a number, are formatted too.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../csrc/proto/httpdate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok) {
  if (!ok) abort();
}

static void round_trip(int64_t seconds, int64_t now) {
  char out[HN_DATE_SIZE], again[HN_DATE_SIZE];
  int64_t back;
  require(httpdate_format(seconds, out) == 0);
  require(strlen(out) == HN_DATE_SIZE - 1);
  require(httpdate_parse(slice_of(out), now, &back) == 0);
  require(back == seconds);
  require(httpdate_format(back, again) == 0);
  require(memcmp(out, again, sizeof out) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const int64_t moments[] = {
      INT64_MIN,           INT64_C(-62167219200), -1,       0,
      INT64_C(1767225600), INT64_C(253402300799), INT64_MAX};
  struct hn_slice text = {(const char *)data, size};
  int64_t number;
  for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
    int64_t seconds = 7;
    if (httpdate_parse(text, moments[i], &seconds) == 0) {
      round_trip(seconds, moments[i]);
    } else {
      require(seconds == 7);
    }
  }
  if (size >= sizeof number) {
    char out[HN_DATE_SIZE];
    memcpy(&number, data, sizeof number);
    if (httpdate_format(number, out) == 0) round_trip(number, 0);
    number %= INT64_C(253402300800);
    if (httpdate_format(number, out) == 0) round_trip(number, 0);
  }
  return 0;
}
