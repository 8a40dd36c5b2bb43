/*
 * decode_codec.h: what one content coding looks like to decode.c. The rest of
 * the project uses decode.h.
 *
 * A codec's state belongs to the decoder that made it. All memory that a
 * library wants comes from base/mem, on the decoder's account. Each library is
 * a part (net/part.h).
 */
#ifndef HN_PROTO_DECODE_CODEC_H
#define HN_PROTO_DECODE_CODEC_H

#include "../base/account.h"
#include "../base/mem.h"
#include "../base/slice.h"

/* Input and room still left; both move as they are used. */
struct hn_decode_io {
  struct hn_slice in; /* borrowed */
  char *out;          /* borrowed */
  size_t room;
};

enum { HN_DECODE_CORRUPT = HN_ERR_INVALID_SERVER_RESPONSE };

struct hn_codec {
  /* NULL when memory runs out. */
  void *(*open)(struct hn_account *account);
  void (*close)(void *state);
  /* Goes on as far as input and room allow. 0: no room left, there may be
   * more output. HN_AGAIN: all input used, and all that follows from it
   * written. Else HN_DECODE_CORRUPT or NOT_ENOUGH_MEMORY; what was written
   * before counts. room > 0. Not called again after an error. */
  int (*step)(void *state, struct hn_decode_io *io);
  /* The input so far could be all: a whole stream. */
  bool (*is_whole)(const void *state);
};

/* Each a struct hn_codec; NULL: not built, or for a core of another build
 * (HN_STAMP). */
HN_PART const void *hn_part_gzip(uint32_t stamp);
HN_PART const void *hn_part_deflate(uint32_t stamp);
HN_PART const void *hn_part_brotli(uint32_t stamp);
HN_PART const void *hn_part_zstd(uint32_t stamp);

#endif
