#include "decode_fixture.h"

static const struct row rows[] = {
    {"gzip", L(GZ), "hello", OK},
    {"x-gzip", L(GZ), "hello", OK},
    {"GZip", L(GZ), "hello", OK},
    {"gzip", L(""), "", OK},
    {"gzip", L(GZ_EMPTY), "", OK},
    /* members, RFC 1952 2.2 */
    {"gzip", L(GZ GZ), "hellohello", OK},
    {"gzip", L(GZ GZ_EMPTY GZ), "hellohello", OK},
    {"gzip", L(GZ_EMPTY GZ_EMPTY), "", OK},
    {"gzip", L(GZ GZ_HEAD RAW), "hellohello", SHORT},
    {"gzip", L(GZ "\x1f"), "hello", SHORT},
    /* padding and rubbish */
    {"gzip", L(GZ "\0"), "hello", OK},
    {"gzip", L(GZ "\0\0\0\0\0\0\0\0\0"), "hello", OK},
    {"gzip", L(GZ "\0\0" GZ), "hellohello", OK},
    {"gzip", L("\0" GZ), "", BAD},
    {"gzip", L(GZ "\n"), "hello", BAD},
    {"gzip", L(GZ "\0\0x"), "hello", BAD},
    {"gzip", L(GZ "PK\x03\x04"), "hello", BAD},
    {"gzip", L(GZ "\x1f\x8b\x07\0"), "hello", BAD},
    {"gzip", L(GZ "\x1f\x1f"), "hello", BAD},
    {"gzip", L("hello"), "", BAD},
    {"gzip", L("h"), "", BAD},
    {"gzip", L(ZL), "", BAD},
    /* head, RFC 1952 2.3 */
    {"gzip",
     L("\x1f\x8b\x08\x1c\0\0\0\0\0\x03"
       "\x02\0ab"
       "name\0"
       "note\0" RAW GZ_SUM),
     "hello", OK},
    {"gzip",
     L("\x1f\x8b\x08\x02\0\0\0\0\0\x03"
       "\xa7\x77" RAW GZ_SUM),
     "hello", OK},
    {"gzip",
     L("\x1f\x8b\x08\x02\0\0\0\0\0\x03"
       "\xa6\x77" RAW GZ_SUM),
     "", BAD},
    {"gzip", L("\x1f\x8b\x08\x20\0\0\0\0\0\x03" RAW GZ_SUM), "", BAD},
    {"gzip", L("\x1f\x8b\x09\0\0\0\0\0\0\x03" RAW GZ_SUM), "", BAD},
    /* checksum and length */
    {"gzip", L(GZ_HEAD RAW "\x87\xa6\x10\x36\x05\0\0\0"), "hello", BAD},
    {"gzip", L(GZ_HEAD RAW "\x86\xa6\x10\x36\x06\0\0\0"), "hello", BAD},
    {"gzip", L(GZ_HEAD "\x07"), "", BAD},
    /* deflate with and without RFC 1950 round it */
    {"deflate", L(ZL), "hello", OK},
    {"deflate", L(RAW), "hello", OK},
    {"deflate", L("\x03\0"), "", OK},
    {"deflate", L(""), "", OK},
    {"deflate", L("\x78\x9c\x03\0\0\0\0\x01"), "", OK},
    {"deflate", L(ZL "x"), "hello", BAD},
    {"deflate", L(ZL "\0"), "hello", OK},
    {"deflate", L(ZL "\0\0\0\0\0\0\0\0\0"), "hello", OK},
    {"deflate", L(ZL "\0\0x"), "hello", BAD},
    {"deflate", L(ZL "\0" ZL), "hello", BAD},
    {"deflate", L(ZL ZL), "hello", BAD},
    {"deflate", L(RAW "\x06\x2c\x02\x15"), "hello", OK},
    {"deflate", L(RAW "123"), "hello", OK},
    {"deflate", L(RAW "12345"), "hello", BAD},
    {"deflate", L(RAW "1234\0\0\0"), "hello", OK},
    {"deflate", L(RAW "\0\0\0\0\0\0"), "hello", OK},
    {"deflate",
     L(RAW "\0\0\0\0\0"
           "1"),
     "hello", BAD},
    {"deflate", L("\x78\x01" RAW "\x06\x2c\x02\x16"), "hello", BAD},
    {"deflate", L("\x78\x02" RAW "\x06\x2c\x02\x15"), "", BAD},
    {"deflate", L("\x78\xbb\0\0\0\x01" RAW), "", BAD}, /* a dictionary */
    {"deflate", L("\x07"), "", BAD},
    {"deflate", L("\x78"), "", SHORT},
    {"deflate", L(GZ), "", BAD},
};

TEST(rows) {
  check_rows(rows, COUNT(rows));
}

/* Bits that say nothing about the data: FTEXT, MTIME, XFL and OS in a gzip
 * head (RFC 1952 2.3.1), and what fills up the last byte before the sums. */
static bool is_idle_bit(size_t bit, size_t wire_size, int bits) {
  size_t sums = bits == BITS_GZIP ? 8 : 4;

  if (bit / 8 == wire_size - sums - 1) return true;
  return bits == BITS_GZIP && (bit == 3 * 8 || (bit >= 4 * 8 && bit < 10 * 8));
}

static void check_corrupt(const struct encoder *e, struct hn_slice plain) {
  struct hn_coding_list list;
  struct hn_buf wire;
  char copy[4096];

  buf_init(&wire, LIMIT);
  add(&wire, e, plain);
  CHECK_INT(parse(e->coding, &list), 0);
  memcpy(copy, buf_peek(&wire).p, buf_size(&wire));
  for (size_t bit = 0; bit < 8 * buf_size(&wire); bit++) {
    struct test_pieces pieces = {slice_make(copy, buf_size(&wire)), 0, 0};
    struct outcome o;

    copy[bit / 8] ^= (char)(1 << bit % 8);
    decode(&o, &list, &pieces, 64);
    if (o.code == 0) {
      CHECK(is_idle_bit(bit, buf_size(&wire), e->bits));
      CHECK(slice_equal(buf_peek(&o.data), plain));
    } else {
      CHECK_INT(o.code, HN_ERR_INVALID_SERVER_RESPONSE);
      CHECK(o.fault == BAD || o.fault == SHORT);
    }
    buf_fini(&o.data);
    copy[bit / 8] ^= (char)(1 << bit % 8);
  }
  buf_fini(&wire);
}

TEST(corrupt) {
  for (size_t i = 0; i < 2; i++) {
    test_label(encoders[i].bits == BITS_GZIP ? "gzip" : "zlib");
    check_corrupt(&encoders[i], S("hello, hello"));
    check_corrupt(&encoders[i], slice_sub(text_sample(), 0, 500));
  }
}

TEST_MAIN(ROW(rows), ROW(corrupt))
