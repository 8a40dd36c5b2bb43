#include "decode_codec.h"

#ifdef HN_HAVE_BROTLI

#include <brotli/decode.h>

struct decode_brotli {
  BrotliDecoderState *stream; /* owned */
  bool whole;
};

static void *decode_brotli_alloc(void *opaque, size_t size) {
  return account_alloc(opaque, size);
}

static void decode_brotli_release(void *opaque, void *address) {
  account_free(opaque, address);
}

static void *decode_brotli_open(struct hn_account *account) {
  struct decode_brotli *b = mem_calloc(1, sizeof *b);

  if (!b) return NULL;
  b->stream = BrotliDecoderCreateInstance(decode_brotli_alloc,
                                          decode_brotli_release, account);
  if (!b->stream) {
    mem_free(b);
    return NULL;
  }
  return b;
}

static void decode_brotli_close(void *state) {
  struct decode_brotli *b = state;

  BrotliDecoderDestroyInstance(b->stream);
  mem_free(b);
}

static int decode_brotli_error(const struct decode_brotli *b) {
  BrotliDecoderErrorCode error = BrotliDecoderGetErrorCode(b->stream);
  bool memory = error <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
                error >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;

  return memory ? HN_ERR_NOT_ENOUGH_MEMORY : HN_DECODE_CORRUPT;
}

/* RFC 7932 knows one stream and nothing behind it. */
static int decode_brotli_after(const struct hn_decode_io *io) {
  return io->in.n > 0 ? HN_DECODE_CORRUPT : HN_AGAIN;
}

static int decode_brotli_step(void *state, struct hn_decode_io *io) {
  struct decode_brotli *b = state;
  const uint8_t *in = (const uint8_t *)io->in.p;
  uint8_t *out = (uint8_t *)io->out;
  size_t left = io->in.n;
  BrotliDecoderResult result;

  if (b->whole) return decode_brotli_after(io);
  result = BrotliDecoderDecompressStream(b->stream, &left, &in, &io->room, &out,
                                         NULL);
  io->in = slice_from(io->in, io->in.n - left);
  io->out = (char *)out;
  switch (result) {
  case BROTLI_DECODER_RESULT_SUCCESS:
    b->whole = true;
    return decode_brotli_after(io);
  case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: return 0;
  case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: return HN_AGAIN;
  default: return decode_brotli_error(b);
  }
}

static bool decode_brotli_is_whole(const void *state) {
  const struct decode_brotli *b = state;

  return b->whole;
}

HN_PART const void *hn_part_brotli(uint32_t stamp) {
  static const struct hn_codec codec = {
      decode_brotli_open,
      decode_brotli_close,
      decode_brotli_step,
      decode_brotli_is_whole,
  };

  return stamp == HN_STAMP ? &codec : NULL;
}

#else

HN_PART const void *hn_part_brotli(uint32_t stamp) {
  (void)stamp;
  return NULL;
}

#endif
