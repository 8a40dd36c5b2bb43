/*
 * siphash_test.c: against the values of another implementation.
 */
#include "test.h"

#include "../../csrc/base/siphash.h"

/* CPython's hash of bytes under PYTHONHASHSEED=42, which is this key. */
static const struct hn_hash_key siphash_key = {0xdc504fd368cd90afu,
                                               0xb920bb9ffe99e9c1u};

TEST(every_length_hashes_as_elsewhere) {
  static const struct {
    struct hn_slice text;
    uint64_t hash;
  } rows[] = {
      {{"a", 1}, 0xfe4a47335692551eu},
      {{"abcdefg", 7}, 0x13162120b6bf06edu},
      {{"abcdefgh", 8}, 0xb441be6d79f21056u},
      {{"example.orgP\0", 13}, 0x5dba939faf35c05fu},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_label(rows[i].text.p);
    CHECK(siphash(&siphash_key, test_guarded(0, rows[i].text)) == rows[i].hash);
  }
  char all[63];
  for (size_t i = 0; i < sizeof all; i++) all[i] = (char)i;
  test_label("63 bytes");
  CHECK(siphash(&siphash_key, slice_make(all, sizeof all)) ==
        0x6e24d6f0d014c37u);
}

TEST(another_key_is_another_hash) {
  struct hn_hash_key other = siphash_key;
  other.k1 ^= 1;
  CHECK(siphash(&other, slice_of("a")) != siphash(&siphash_key, slice_of("a")));
  CHECK(siphash(&other, slice_make(NULL, 0)) !=
        siphash(&siphash_key, slice_make(NULL, 0)));
}

TEST_MAIN(ROW(every_length_hashes_as_elsewhere),
          ROW(another_key_is_another_hash))
