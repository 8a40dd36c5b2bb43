#ifdef HN_HAVE_ZSTD
#include <zstd.h>
#endif

#include "decode_fixture.h"

static const struct row rows[] = {
    {"zstd", L(ZS), "hello", OK},
    {"zstd", L(""), "", OK},
    {"zstd", L(ZS ZS), "hellohello", OK},
    {"zstd", L(ZS ZS_SKIP ZS), "hellohello", OK},
    {"zstd", L(ZS_SKIP), "", OK},
    {"zstd",
     L(ZS_MAGIC "\0\0"
                "\x2b\0\0"
                "a"),
     "aaaaa", OK},
    {"zstd", L(ZS "\0"), "hello", BAD},
    {"zstd", L(ZS "\x28"), "hello", SHORT},
    {"zstd",
     L(ZS "\x28\xb5\x2f\xfc"
          "\0\0"),
     "hello", BAD},
    {"zstd",
     L(ZS_MAGIC "\0\0"
                "\x2f\0\0"),
     "", BAD}, /* reserved block */
    {"zstd",
     L(ZS_MAGIC "\x08\0"
                "\x29\0\0"
                "hello"),
     "", BAD},
    /* RFC 9659: 8 MiB is the largest window */
    {"zstd",
     L(ZS_MAGIC "\0\x68"
                "\x29\0\0"
                "hello"),
     "hello", OK},
    {"zstd",
     L(ZS_MAGIC "\0\x69"
                "\x29\0\0"
                "hello"),
     "", BAD},
    {"zstd",
     L(ZS_MAGIC "\0\x70"
                "\x29\0\0"
                "hello"),
     "", BAD},
    {"zstd",
     L(ZS_MAGIC "\x80\x70\x05\0\0\0"
                "\x29\0\0"
                "hello"),
     "", BAD},
    /* a checksum */
    {"zstd",
     L(ZS_MAGIC "\x04\0"
                "\x29\0\0"
                "hello"
                "\x65\x34\xbc\xae"),
     "hello", BAD},
    /* a format older than RFC 8878 */
    {"zstd",
     L("\x27\xb5\x2f\xfd\0\0"
       "\x29\0\0"
       "hello"),
     "", BAD},
    {"zstd", L("\x28\x25\xb5\x2f\xfd\x04\x68\x7a\x03\0\xa2\x25"), "", BAD},
    {"zstd", L(ZS_MAGIC "\x08\x25\xb5\x2f\xfd\0\0\0\0\0\0\0"), "", BAD},
};

TEST(rows) {
  check_rows(rows, COUNT(rows));
}

#ifdef HN_HAVE_ZSTD
TEST(compressed) {
  struct hn_slice text = text_sample();
  char wire[TEXT_SIZE];

  for (int level = 1; level <= 19; level += 9) {
    for (int sum = 0; sum <= 1; sum++) {
      ZSTD_CCtx *c = ZSTD_createCCtx();
      size_t n;

      ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level);
      ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, sum);
      n = ZSTD_compress2(c, wire, sizeof wire, text.p, text.n);
      check_decodes("zstd", slice_make(wire, n), text, OK);
      if (sum == 1) {
        wire[n - 1] ^= 1;
        check_decodes("zstd", slice_make(wire, n), text, BAD);
      }
      ZSTD_freeCCtx(c);
    }
  }
}
#else
TEST(compressed) {
  CHECK((decode_built() & HN_CODING_ZSTD) == 0);
}
#endif

TEST_MAIN(ROW(rows), ROW(compressed))
