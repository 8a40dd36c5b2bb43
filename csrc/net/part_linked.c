#include "../proto/decode_codec.h"
#include "part.h"
#include "tls.h"

int parts_init(struct hn_parts *p) {
  (void)p;
  return 0;
}

void parts_fini(struct hn_parts *p) {
  (void)p;
}

int part_find(struct hn_parts *p, enum hn_part which, const void **out,
              const char **detail) {
  static hn_part_entry *const entries[] = {
      [HN_PART_TLS] = hn_part_tls,         [HN_PART_GZIP] = hn_part_gzip,
      [HN_PART_DEFLATE] = hn_part_deflate, [HN_PART_BROTLI] = hn_part_brotli,
      [HN_PART_ZSTD] = hn_part_zstd,
  };
  (void)p;
  (void)detail;
  *out = entries[which](HN_STAMP);
  return 0;
}
