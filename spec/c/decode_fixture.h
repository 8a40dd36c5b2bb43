/*
 * decode_fixture.h: a reader of coded bodies that checks every answer, the
 * simplest encoders there are, and streams made by hand.
 */
#ifndef HN_SPEC_DECODE_FIXTURE_H
#define HN_SPEC_DECODE_FIXTURE_H

#include <stdlib.h>
#include <zlib.h>

#include "test.h"

#include "decode_codecs.h"

enum { LIMIT = 8 * 1024 * 1024, BIG = 300000, TEXT_SIZE = 3000 };

#define S(text) slice_make(text, sizeof(text) - 1)
#define L(text)                                                                \
  { text, sizeof(text) - 1 }
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* "hello" in stored blocks of every coding. */
#define GZ_HEAD "\x1f\x8b\x08\0\0\0\0\0\0\x03"
#define RAW                                                                    \
  "\x01\x05\0\xfa\xff"                                                         \
  "hello"
#define GZ_SUM "\x86\xa6\x10\x36\x05\0\0\0"
#define GZ     GZ_HEAD RAW GZ_SUM
#define GZ_EMPTY                                                               \
  GZ_HEAD "\x03\0"                                                             \
          "\0\0\0\0"                                                           \
          "\0\0\0\0"
#define ZL "\x78\x01" RAW "\x06\x2c\x02\x15"
#define BR                                                                     \
  "\x40\0\x10"                                                                 \
  "hello"                                                                      \
  "\x03"
#define ZS_MAGIC "\x28\xb5\x2f\xfd"
#define ZS                                                                     \
  ZS_MAGIC "\0\0"                                                              \
           "\x29\0\0"                                                          \
           "hello"
#define ZS_SKIP                                                                \
  "\x50\x2a\x4d\x18\x03\0\0\0"                                                 \
  "abc"

struct row {
  const char *codings;
  struct hn_slice wire;
  const char *plain; /* with a fault: what comes before it */
  enum hn_fault fault;
};

#define OK    HN_FAULT_NONE
#define BAD   HN_FAULT_BAD_CONTENT_CODING
#define SHORT HN_FAULT_TRUNCATED_CONTENT

/* -------------------------------------------------------------- the reader */

struct outcome {
  int code;
  enum hn_fault fault;
  struct hn_buf data;
};

static inline int parse(const char *codings, struct hn_coding_list *list) {
  struct hn_headers fields;
  int code;

  headers_init(&fields, LIMIT, 16);
  CHECK_INT(headers_append(&fields, S("Content-Encoding"), slice_of(codings)),
            0);
  code = decode_parse(&fields, ~0u, list);
  headers_fini(&fields);
  return code;
}

/* Steps until HN_AGAIN or an error. */
static inline int drain(struct hn_decoder *d, struct hn_slice in,
                        struct hn_slice out, struct hn_buf *data) {
  char *room = (char *)(uintptr_t)out.p;
  int code;

  do {
    size_t got = SIZE_MAX;
    struct hn_slice before = in;

    code = decoder_step(d, &in, room, out.n, &got);
    CHECK((code == 0) == (got != SIZE_MAX));
    if (code > 0) CHECK(in.p == before.p && in.n == before.n);
    if (code == HN_AGAIN) CHECK_INT(in.n, 0);
    if (code != 0) break;
    if (!CHECK(got > 0 && got <= out.n)) break;
    CHECK_INT(buf_append(data, slice_make(room, got)), 0);
  } while (code == 0);
  return code;
}

static inline int finish(struct hn_decoder *d, int code, struct hn_slice out) {
  struct hn_slice none = {"", 0};
  size_t got;

  if (code == HN_AGAIN || code == 0) {
    bool done = decoder_is_done(d);

    code = decoder_end(d);
    if (done) CHECK_INT(code, 0);
  }
  if (code == 0) return code;
  /* An error stays. */
  CHECK_INT(decoder_step(d, &none, (char *)(uintptr_t)out.p, out.n, &got),
            code);
  CHECK_INT(decoder_end(d), code);
  CHECK(!decoder_is_done(d));
  return code;
}

/* The caller frees o->data. Both sides lie against guard pages. */
static inline void decode(struct outcome *o, const struct hn_coding_list *list,
                          const struct test_pieces *pieces, size_t room) {
  static const char zeros[BIG];
  struct hn_slice out = test_guarded(1, slice_make(zeros, room));
  struct hn_decoder *d;
  size_t at = 0;

  buf_init(&o->data, LIMIT);
  o->fault = HN_FAULT_NONE;
  o->code = decoder_of(list, &d);
  if (o->code != 0) return;
  while (o->code <= 0 && at < pieces->input.n) {
    size_t end = test_piece_end(pieces, at);

    o->code = drain(d, test_guarded(0, slice_sub(pieces->input, at, end)), out,
                    &o->data);
    at = end;
  }
  o->code = finish(d, o->code, out);
  o->fault = decoder_fault(d);
  decoder_free(d);
}

struct expected {
  struct hn_coding_list list;
  struct hn_slice plain;
  enum hn_fault fault;
  size_t room;
};

static inline bool is_inexact(const struct hn_coding_list *list) {
  bool inexact = false;

  for (size_t i = 0; i < list->count; i++) {
    if (list->codings[i] > HN_CODING_DEFLATE) inexact = true;
  }
  return inexact;
}

static inline void check_pieces(void *ctx, const struct test_pieces *pieces) {
  const struct expected *e = ctx;
  struct hn_slice plain = e->plain;
  struct outcome o;

  decode(&o, &e->list, pieces, e->room);
  CHECK_INT(o.fault, e->fault);
  CHECK_INT(o.code, e->fault == OK ? 0 : HN_ERR_INVALID_SERVER_RESPONSE);
  /* Other libraries may keep what the failing call decoded. */
  if (e->fault == BAD && is_inexact(&e->list)) {
    plain = slice_sub(e->plain, 0, buf_size(&o.data));
  }
  CHECK(slice_equal(buf_peek(&o.data), plain));
  buf_fini(&o.data);
}

static inline bool is_built(const char *codings, struct hn_coding_list *list) {
  struct hn_decoder *d = NULL;

  if (parse(codings, list) == 0) {
    int code = decoder_of(list, &d);

    CHECK_INT(code, 0);
    decoder_free(d);
    return code == 0;
  }
  CHECK((decode_built() & (HN_CODING_BROTLI | HN_CODING_ZSTD)) !=
        (HN_CODING_BROTLI | HN_CODING_ZSTD));
  return false;
}

/* Every split when the wire is short, and every room. */
static inline void check_decodes(const char *codings, struct hn_slice wire,
                                 struct hn_slice plain, enum hn_fault fault) {
  static const size_t rooms[] = {1, 7, BIG};
  struct expected e = {.plain = plain, .fault = fault};

  if (!is_built(codings, &e.list)) return;
  for (size_t i = 0; i < COUNT(rooms); i++) {
    struct test_pieces pieces = {wire, 0, 0};

    e.room = rooms[i];
    if (wire.n <= 256) {
      test_each_split(wire, check_pieces, &e);
      continue;
    }
    if (e.room < BIG && plain.n > 65536) continue;
    check_pieces(&e, &pieces);
    pieces.step = 4093;
    check_pieces(&e, &pieces);
    if (wire.n > 65536) continue;
    pieces.step = 1;
    check_pieces(&e, &pieces);
  }
}

/* Every split of every row. */
static inline void check_rows(const struct row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const struct row *row = &rows[i];
    char label[64];

    snprintf(label, sizeof label, "row %zu, %s", i, row->codings);
    test_label(label);
    check_decodes(row->codings, row->wire, slice_of(row->plain), row->fault);
  }
}

/* ------------------------------------------------------------ the encoders */

static inline struct hn_slice text_sample(void) {
  static char text[TEXT_SIZE + 64];
  size_t n = 0;

  for (size_t i = 0; n < TEXT_SIZE; i++) {
    n += (size_t)snprintf(text + n, 64, "line %zu of the text\n", i * i % 97);
  }
  return slice_make(text, TEXT_SIZE);
}

/* Bytes that no coding makes shorter. The caller frees. */
static inline struct hn_slice noise(size_t n) {
  char *bytes = malloc(n);
  uint32_t x = 2463534242u;

  for (size_t i = 0; i < n; i++) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    bytes[i] = (char)(x >> 8);
  }
  return slice_make(bytes, n);
}

enum { BITS_GZIP = 31, BITS_ZLIB = 15, BITS_RAW = -15 };

static inline void add_zlib(struct hn_buf *out, struct hn_slice plain,
                            int bits) {
  z_stream z = {0};
  size_t bound = plain.n + plain.n / 1000 + 1024;
  char *room;

  CHECK_INT(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  CHECK_INT(buf_reserve(out, bound, &room), 0);
  z.next_in = (Bytef *)(uintptr_t)plain.p;
  z.avail_in = (uInt)plain.n;
  z.next_out = (Bytef *)room;
  z.avail_out = (uInt)bound;
  CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
  buf_commit(out, z.total_out);
  deflateEnd(&z);
}

/* RFC 7932 9.2: uncompressed meta-blocks of at most 64 KiB. */
static inline void add_brotli(struct hn_buf *out, struct hn_slice plain) {
  bool first = true;

  if (plain.n == 0) CHECK_INT(buf_append_char(out, 0x06), 0);
  for (size_t n; plain.n > 0; plain = slice_from(plain, n)) {
    n = plain.n < 65536 ? plain.n : 65536;
    /* ISLAST 0, MNIBBLES 4, MLEN - 1, ISUNCOMPRESSED; WBITS 0 before all. */
    uint32_t head = ((uint32_t)(n - 1) << 3 | 1u << 19) << first;

    for (int i = 0; i < 3; i++, head >>= 8) {
      CHECK_INT(buf_append_char(out, (char)head), 0);
    }
    CHECK_INT(buf_append(out, slice_sub(plain, 0, n)), 0);
    first = false;
  }
  if (!first) CHECK_INT(buf_append_char(out, 0x03), 0);
}

/* RFC 8878 3.1.1: raw blocks of at most 64 KiB, a window of 64 KiB. */
static inline void add_zstd(struct hn_buf *out, struct hn_slice plain) {
  size_t n;

  CHECK_INT(buf_append(out, S(ZS_MAGIC "\0\x30")), 0);
  do {
    n = plain.n < 65536 ? plain.n : 65536;
    uint32_t head = (uint32_t)n << 3 | (plain.n == n);

    for (int i = 0; i < 3; i++, head >>= 8) {
      CHECK_INT(buf_append_char(out, (char)head), 0);
    }
    CHECK_INT(buf_append(out, slice_sub(plain, 0, n)), 0);
    plain = slice_from(plain, n);
  } while (plain.n > 0);
}

struct encoder {
  const char *coding;
  int bits; /* for zlib */
  void (*add)(struct hn_buf *out, struct hn_slice plain);
};

static const struct encoder encoders[] = {
    {"gzip", BITS_GZIP, NULL},   {"deflate", BITS_ZLIB, NULL},
    {"deflate", BITS_RAW, NULL}, {"br", 0, add_brotli},
    {"zstd", 0, add_zstd},
};

static inline void add(struct hn_buf *out, const struct encoder *e,
                       struct hn_slice plain) {
  if (e->add == NULL) {
    add_zlib(out, plain, e->bits);
  } else {
    e->add(out, plain);
  }
}

/* -------------------------------------------------------------- truncation */

/* A prefix of a stream never passes for the whole. */
static inline void check_truncated(const char *codings, struct hn_slice wire,
                                   struct hn_slice plain) {
  struct hn_coding_list list;

  if (!is_built(codings, &list)) return;
  for (size_t n = 1; n < wire.n; n++) {
    for (size_t step = 0; step < 2; step++) {
      struct test_pieces pieces = {slice_sub(wire, 0, n), step, 0};
      struct outcome o;

      decode(&o, &list, &pieces, 64);
      CHECK_INT(o.code, HN_ERR_INVALID_SERVER_RESPONSE);
      CHECK_INT(o.fault, SHORT);
      CHECK(slice_equal(buf_peek(&o.data),
                        slice_sub(plain, 0, buf_size(&o.data))));
      buf_fini(&o.data);
    }
  }
}

/* ------------------------------------------------------------------ memory */

struct failing {
  struct hn_coding_list list;
  struct test_pieces pieces;
  struct hn_slice plain;
};

static inline bool decode_failing(void *ctx) {
  const struct failing *f = ctx;
  static char data[TEXT_SIZE];
  struct hn_slice in = f->pieces.input;
  struct hn_decoder *d;
  size_t n = 0, got = 0;
  int code = decoder_of(&f->list, &d);

  if (!CHECK(code == 0 || code == HN_ERR_NOT_ENOUGH_MEMORY)) return true;
  if (code != 0) return false;
  while (n < sizeof data &&
         (code = decoder_step(d, &in, data + n, sizeof data - n, &got)) == 0) {
    n += got;
  }
  if (n == sizeof data) code = decoder_step(d, &in, &(char){0}, 1, &got);
  CHECK(code == HN_AGAIN || code == HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(decoder_end(d), code == HN_AGAIN ? 0 : code);
  CHECK_INT(decoder_fault(d), HN_FAULT_NONE);
  CHECK(slice_equal(slice_make(data, n), slice_sub(f->plain, 0, n)));
  CHECK(code != HN_AGAIN || n == f->plain.n);
  decoder_free(d);
  return code == HN_AGAIN;
}

static inline void check_failing(const char *codings, struct hn_slice wire) {
  struct failing f = {.pieces = {wire, 0, 0}, .plain = text_sample()};

  test_label(codings);
  if (is_built(codings, &f.list)) test_each_failure(decode_failing, &f);
}

#endif
