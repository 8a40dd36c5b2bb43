#include "decode_fixture.h"

static const struct row rows[] = {
    {"br", L(BR), "hello", OK},
    {"BR", L(BR), "hello", OK},
    {"br", L(""), "", OK},
    {"br", L("\x06"), "", OK},
    {"br",
     L("\x8b\x05\x80\x68\x65\x6c\x6c\x6f\x2c\x20\x68\x65\x6c\x6c\x6f\x03"),
     "hello, hello", OK},
    {"br", L("\x62\x01\0\x80\x14\x08\x4b\x0d\x32\x49\x25\x9e\xd3\x03"),
     "hello, hello", OK},
    {"br", L(BR "\0"), "hello", BAD},
    {"br", L(BR BR), "hello", BAD},
    {"br", L("\x06\x06"), "", BAD},
    {"br", L("\x11\x03"), "", BAD}, /* a large window: no brotli of RFC 7932 */
};

TEST(rows) {
  check_rows(rows, COUNT(rows));
}

/* "line 0 of the text" ... at quality 11. */
static const char brotli_text[] =
    "\x1b\xb7\x0b\x00\x8c\x54\xb5\x3f\x2f\x9a\xa9\x2e\xc4\x39\x78\x42\x81\xff"
    "\xc7\x3f\x11\x00\x6e\x32\x39\x68\xd5\x01\xcf\xa8\x19\xbd\xa4\xf2\x93\x09"
    "\xda\xdc\xa6\x18\xf9\x74\x57\x20\x0c\x96\xd7\xf4\xf3\xfd\xdf\x69\xba\x56"
    "\xde\xed\x40\x28\x76\x40\x88\x33\x18\x68\x88\x50\x2c\x4a\x87\xa0\x87\x77"
    "\x77\xb1\x58\x87\x5c\x60\x16\x19\xff\x02\x61\x62\x81\x84\x01\xa2\xa6\xf8"
    "\x47\x81\x18\xf7\xd0\x96\x75\xb7\x86\x00\x68\x00\x68\x90\x40\x05\x0f\xe8"
    "\x08\x30\xa2\x3e\xbd\xf5\xcb\xaf\x60\x39\x86\x1a\xe3\x08\x9e\xc0\x6b\xa5"
    "\xee\x38\xab\x53\x08\x23\x40\x87\x3b\x58\x68\x71\x0f\xf1\x6a\xc6\x8f\xe9"
    "\x17\xe2\x9f\x2e\x55\x82\x3f\xc0\xdd\x26\x90\x98\x91\x03\x71\x2b\x1d\x07"
    "\x3d\x9c\x06\xb3\x7a\x88\x00\x4d\xcc\x03\xf6\xbb\x35\x99\xaf\x2c\xf6\xdf"
    "\xde\x88\x01";

TEST(compressed) {
  char *as = malloc(40000);

  check_decodes("br", S(brotli_text), text_sample(), OK);
  check_truncated("br", S(brotli_text), text_sample());
  memset(as, 'a', 40000);
  check_decodes("br", S("\xe2\x87\x13\x80\x44\x58\x3c\x16\x48\xfe\x24\x00"),
                slice_make(as, 40000), OK);
  free(as);
}

TEST(memory) {
  check_failing("br", S(brotli_text));
}

TEST(all_is_given_back_to_the_account) {
  const struct hn_codec *codec = hn_part_brotli(HN_STAMP);
  struct hn_account account = {0, 0};
  void *state = codec->open(&account);

  if (!CHECK(state != NULL)) return;
  CHECK(account.used > 0);
  codec->close(state);
  CHECK_INT(account.used, 0);
}

TEST_MAIN(ROW(rows), ROW(compressed), ROW(memory),
          ROW(all_is_given_back_to_the_account))
