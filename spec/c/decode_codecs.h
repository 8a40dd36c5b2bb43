/*
 * decode_codecs.h: a decoder for a list of codings, in a program that has all
 * the codecs linked in.
 */
#ifndef HN_SPEC_DECODE_CODECS_H
#define HN_SPEC_DECODE_CODECS_H

#include "../../csrc/proto/decode.h"
#include "../../csrc/proto/decode_codec.h"

static inline int decoder_of(const struct hn_coding_list *list,
                             struct hn_decoder **out) {
  const struct hn_codec *codecs[HN_MAX_CODINGS] = {NULL};

  for (size_t i = 0; i < list->count && i < HN_MAX_CODINGS; i++) {
    switch (list->codings[i]) {
    case HN_CODING_GZIP: codecs[i] = hn_part_gzip(HN_STAMP); break;
    case HN_CODING_DEFLATE: codecs[i] = hn_part_deflate(HN_STAMP); break;
    case HN_CODING_BROTLI: codecs[i] = hn_part_brotli(HN_STAMP); break;
    case HN_CODING_ZSTD: codecs[i] = hn_part_zstd(HN_STAMP); break;
    }
  }
  return decoder_new(codecs, list->count, NULL, out);
}

#endif
