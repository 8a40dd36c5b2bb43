#include "decode_codec.h"

#include <limits.h>

#include <limits.h>

#define ZLIB_CONST
#include <zlib.h>

#include "../base/trace.h"

enum {
  HN_DECODE_ZLIB_WRAP = 15,      /* windowBits: RFC 1950 */
  HN_DECODE_ZLIB_RAW = -15,      /* RFC 1951 */
  HN_DECODE_ZLIB_GZIP = 16 + 15, /* RFC 1952 */
  HN_DECODE_ZLIB_SUM = 4,        /* bytes of an Adler-32 */
  HN_DECODE_ZLIB_MAGIC = 0x1f,   /* first byte of a gzip member */
};

enum hn_decode_zlib_state {
  HN_DECODE_ZLIB_START,  /* no byte seen */
  HN_DECODE_ZLIB_INSIDE, /* a stream has begun */
  HN_DECODE_ZLIB_AFTER,  /* and ended */
};

struct decode_zlib {
  z_stream stream;
  enum hn_decode_zlib_state state;
  bool is_gzip;
  size_t trailing; /* bytes of a sum that may still follow a bare stream */
};

static void decode_zlib_set_state(struct decode_zlib *z,
                                  enum hn_decode_zlib_state state) {
  static const char *const names[] = {"START", "INSIDE", "AFTER"};
  static const unsigned next[] = {
      [HN_DECODE_ZLIB_START] = 1u << HN_DECODE_ZLIB_INSIDE,
      [HN_DECODE_ZLIB_INSIDE] = 1u << HN_DECODE_ZLIB_AFTER,
      [HN_DECODE_ZLIB_AFTER] = 1u << HN_DECODE_ZLIB_INSIDE,
  };
  static const struct hn_machine machine = {"zlib", names, next};
  z->state = state_step(&machine, 0, z->state, state);
}

static voidpf decode_zlib_alloc(voidpf opaque, uInt items, uInt size) {
  return account_alloc(opaque, (size_t)items * size);
}

static void decode_zlib_release(voidpf opaque, voidpf address) {
  account_free(opaque, address);
}

static void *decode_zlib_open(bool is_gzip, struct hn_account *account) {
  struct decode_zlib *z = mem_calloc(1, sizeof *z);
  int bits = is_gzip ? HN_DECODE_ZLIB_GZIP : HN_DECODE_ZLIB_WRAP;

  if (!z) return NULL;
  z->is_gzip = is_gzip;
  z->stream.zalloc = decode_zlib_alloc;
  z->stream.zfree = decode_zlib_release;
  z->stream.opaque = account;
  if (inflateInit2(&z->stream, bits) != Z_OK) {
    mem_free(z);
    return NULL;
  }
  return z;
}

static void *decode_zlib_open_gzip(struct hn_account *account) {
  return decode_zlib_open(true, account);
}

static void *decode_zlib_open_deflate(struct hn_account *account) {
  return decode_zlib_open(false, account);
}

static void decode_zlib_close(void *state) {
  struct decode_zlib *z = state;

  inflateEnd(&z->stream);
  mem_free(z);
}

/* RFC 9110 8.4.1.2: "deflate" is RFC 1950, but some senders use RFC 1951 bare.
 * A first byte that fits RFC 1950 2.2 (method 8, window up to 32 KiB) would
 * have to begin a stored block with padding bits set in RFC 1951 3.2.4, which
 * no compressor writes; so nothing has to be tried twice. */
static int decode_zlib_begin_deflate(struct decode_zlib *z, char first) {
  bool wrapped = ((unsigned char)first & 0x8f) == Z_DEFLATED;

  if (!wrapped && inflateReset2(&z->stream, HN_DECODE_ZLIB_RAW) != Z_OK) {
    return HN_ERR_NOT_ENOUGH_MEMORY;
  }
  z->trailing = wrapped ? 0 : HN_DECODE_ZLIB_SUM;
  decode_zlib_set_state(z, HN_DECODE_ZLIB_INSIDE);
  return 0;
}

/* Checked here because the library looks at two bytes: a single one behind a
 * member would count as the next, cut short. */
static int decode_zlib_begin_gzip(struct decode_zlib *z, char first) {
  if (first != HN_DECODE_ZLIB_MAGIC) return HN_DECODE_CORRUPT;
  if (inflateReset(&z->stream) != Z_OK) return HN_ERR_NOT_ENOUGH_MEMORY;
  decode_zlib_set_state(z, HN_DECODE_ZLIB_INSIDE);
  return 0;
}

static int decode_zlib_start(struct decode_zlib *z, struct hn_decode_io *io) {
  if (io->in.n == 0) return HN_AGAIN;
  return z->is_gzip ? decode_zlib_begin_gzip(z, io->in.p[0])
                    : decode_zlib_begin_deflate(z, io->in.p[0]);
}

static uInt decode_zlib_clamp(size_t n) {
  return n < UINT_MAX ? (uInt)n : UINT_MAX;
}

static int decode_zlib_inside(struct decode_zlib *z, struct hn_decode_io *io) {
  uInt in = decode_zlib_clamp(io->in.n), room = decode_zlib_clamp(io->room);
  z_stream *s = &z->stream;
  int result;

  s->next_in = (const Bytef *)io->in.p;
  s->avail_in = in;
  s->next_out = (Bytef *)io->out;
  s->avail_out = room;
  result = inflate(s, Z_NO_FLUSH);
  io->in = slice_from(io->in, in - s->avail_in);
  io->out += room - s->avail_out;
  io->room -= room - s->avail_out;
  switch (result) {
  case Z_STREAM_END: decode_zlib_set_state(z, HN_DECODE_ZLIB_AFTER); return 0;
  case Z_OK:
  case Z_BUF_ERROR: /* no input and nothing left over */
    return io->in.n == 0 && io->room > 0 ? HN_AGAIN : 0;
  case Z_MEM_ERROR: return HN_ERR_NOT_ENOUGH_MEMORY;
  default: return HN_DECODE_CORRUPT;
  }
}

/* Zero bytes behind a stream are what is left of tapes and blocks; other
 * rubbish may be a gzip member with a damaged head, and dropping that would
 * lose data in silence. */
static int decode_zlib_after(struct decode_zlib *z, struct hn_decode_io *io) {
  size_t n = z->trailing < io->in.n ? z->trailing : io->in.n;

  z->trailing -= n;
  while (n < io->in.n && io->in.p[n] == '\0') n++;
  io->in = slice_from(io->in, n);
  if (io->in.n == 0) return HN_AGAIN;
  return z->is_gzip ? decode_zlib_begin_gzip(z, io->in.p[0])
                    : HN_DECODE_CORRUPT;
}

static int decode_zlib_step(void *state, struct hn_decode_io *io) {
  struct decode_zlib *z = state;
  int rc = 0;

  while (rc == 0 && io->room > 0) {
    switch (z->state) {
    case HN_DECODE_ZLIB_START: rc = decode_zlib_start(z, io); break;
    case HN_DECODE_ZLIB_INSIDE: rc = decode_zlib_inside(z, io); break;
    case HN_DECODE_ZLIB_AFTER: rc = decode_zlib_after(z, io); break;
    }
  }
  return rc;
}

static bool decode_zlib_is_whole(const void *state) {
  const struct decode_zlib *z = state;

  return z->state == HN_DECODE_ZLIB_AFTER;
}

HN_PART const void *hn_part_gzip(uint32_t stamp) {
  static const struct hn_codec codec = {
      decode_zlib_open_gzip,
      decode_zlib_close,
      decode_zlib_step,
      decode_zlib_is_whole,
  };

  return stamp == HN_STAMP ? &codec : NULL;
}

HN_PART const void *hn_part_deflate(uint32_t stamp) {
  static const struct hn_codec codec = {
      decode_zlib_open_deflate,
      decode_zlib_close,
      decode_zlib_step,
      decode_zlib_is_whole,
  };

  return stamp == HN_STAMP ? &codec : NULL;
}
