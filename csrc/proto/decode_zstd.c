#include "decode_codec.h"

#ifdef HN_HAVE_ZSTD

/* For the functions that take an allocator. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

/* log2 of the largest window (RFC 9659: 8 MiB). */
enum { HN_MAX_ZSTD_WINDOW = 23 };

struct decode_zstd {
  ZSTD_DStream *stream; /* owned */
  size_t shown;         /* bytes of the frame that has begun and not ended */
  bool whole;           /* the last frame has ended */
};

static void *decode_zstd_alloc(void *opaque, size_t size) {
  return account_alloc(opaque, size);
}

static void decode_zstd_release(void *opaque, void *address) {
  account_free(opaque, address);
}

static void decode_zstd_close(void *state) {
  struct decode_zstd *z = state;

  ZSTD_freeDStream(z->stream);
  mem_free(z);
}

static void *decode_zstd_open(struct hn_account *account) {
  const ZSTD_customMem memory = {decode_zstd_alloc, decode_zstd_release,
                                 account};
  struct decode_zstd *z = mem_calloc(1, sizeof *z);

  if (!z) return NULL;
  z->stream = ZSTD_createDStream_advanced(memory);
  if (!z->stream || ZSTD_isError(ZSTD_DCtx_setParameter(
                        z->stream, ZSTD_d_windowLogMax, HN_MAX_ZSTD_WINDOW))) {
    decode_zstd_close(z);
    return NULL;
  }
  return z;
}

static int decode_zstd_error(size_t result) {
  bool memory = ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation;

  return memory ? HN_ERR_NOT_ENOUGH_MEMORY : HN_DECODE_CORRUPT;
}

/* A frame's head is shown byte by byte. Seen at once, the library may take it
 * for one of its formats from before RFC 8878, whose decoders nobody looks
 * after; and a frame that it sees whole it decodes in another way, without
 * looking at the window's size. */
static int decode_zstd_advance(struct decode_zstd *z, struct hn_decode_io *io) {
  size_t most = z->shown < ZSTD_FRAMEHEADERSIZE_MAX ? 1 : io->in.n;
  ZSTD_inBuffer in = {io->in.p, io->in.n < most ? io->in.n : most, 0};
  ZSTD_outBuffer out = {io->out, io->room, 0};
  size_t result;

  result = ZSTD_decompressStream(z->stream, &out, &in);
  if (ZSTD_isError(result)) return decode_zstd_error(result);
  io->in = slice_from(io->in, in.pos);
  io->out += out.pos;
  io->room -= out.pos;
  z->whole = result == 0;
  z->shown = z->whole ? 0 : z->shown + in.pos;
  return 0;
}

/* Between frames the library must not be called without input: it would take
 * that for the start of one. */
static int decode_zstd_step(void *state, struct hn_decode_io *io) {
  struct decode_zstd *z = state;
  int rc;

  if (z->shown == 0 && io->in.n == 0) return HN_AGAIN;
  do {
    rc = decode_zstd_advance(z, io);
  } while (rc == 0 && io->in.n > 0 && io->room > 0);
  return rc == 0 && io->room > 0 ? HN_AGAIN : rc;
}

static bool decode_zstd_is_whole(const void *state) {
  const struct decode_zstd *z = state;

  return z->whole;
}

HN_PART const void *hn_part_zstd(uint32_t stamp) {
  static const struct hn_codec codec = {
      decode_zstd_open,
      decode_zstd_close,
      decode_zstd_step,
      decode_zstd_is_whole,
  };

  return stamp == HN_STAMP ? &codec : NULL;
}

#else

HN_PART const void *hn_part_zstd(uint32_t stamp) {
  (void)stamp;
  return NULL;
}

#endif
