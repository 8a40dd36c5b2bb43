/*
 * decode_fuzz.c: content codings.
 *
 * Input: one byte that chooses the codings, one for the room given at a time,
 * then the body's bytes. Checked: the outcome at once in a large room and byte
 * by byte in a small one is the same; no call uses or gives more than it was
 * shown; an error stays.
 */
#include <stdlib.h>
#include <string.h>

#include "../../csrc/base/mem.h"
#include "../c/decode_codecs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_INPUT = 16384, FUZZ_OUTPUT = 65536, FUZZ_ROOM = 32768 };

struct fuzz_outcome {
  struct hn_buf data;
  int code;
  enum hn_fault fault;
  bool cut; /* it would have gone on */
};

static void require(bool ok) {
  if (!ok) abort();
}

static const struct hn_coding_list lists[] = {
    {{HN_CODING_GZIP}, 1},
    {{HN_CODING_DEFLATE}, 1},
    {{HN_CODING_BROTLI}, 1},
    {{HN_CODING_ZSTD}, 1},
    {{HN_CODING_GZIP, HN_CODING_GZIP}, 2},
    {{HN_CODING_DEFLATE, HN_CODING_DEFLATE}, 2},
    {{HN_CODING_ZSTD, HN_CODING_BROTLI}, 2},
    {{HN_CODING_GZIP, HN_CODING_BROTLI, HN_CODING_DEFLATE, HN_CODING_ZSTD}, 4},
};

/* The others may keep what they decoded in the call that met an error. */
static bool is_exact(const struct hn_coding_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    if (list->codings[i] > HN_CODING_DEFLATE) return false;
  }
  return true;
}

/* A block of its own size each time, so that a byte too far is seen. */
static void advance(struct fuzz_outcome *o, struct hn_decoder *d,
                    struct hn_slice in, size_t room) {
  char *bytes = mem_copy(in.p, in.n);
  char *out = mem_alloc(room);
  struct hn_slice rest = slice_make(bytes, in.n);

  require(bytes != NULL && out != NULL);
  do {
    const char *before = rest.p;
    size_t got = 0, left = rest.n;

    o->code = decoder_step(d, &rest, out, room, &got);
    require(rest.n <= left && rest.p + rest.n == before + left);
    require(got <= room && (o->code == 0) == (got > 0));
    require(o->code != HN_AGAIN || rest.n == 0);
    require(buf_append(&o->data, slice_make(out, got)) == 0);
    o->cut = buf_size(&o->data) > FUZZ_OUTPUT;
  } while (o->code == 0 && !o->cut);
  mem_free(bytes);
  mem_free(out);
}

static void finish(struct fuzz_outcome *o, struct hn_decoder *d) {
  struct hn_slice none = {"", 0};
  bool done = decoder_is_done(d);
  size_t got = 0;
  char c;

  o->code = decoder_end(d);
  o->fault = decoder_fault(d);
  require(!done || o->code == 0);
  require((o->code == 0) == (o->fault == HN_FAULT_NONE));
  if (o->code == 0) return;
  require(decoder_step(d, &none, &c, 1, &got) == o->code && got == 0);
  require(decoder_end(d) == o->code && decoder_fault(d) == o->fault);
  require(!decoder_is_done(d));
}

static void run(struct fuzz_outcome *o, const struct hn_coding_list *list,
                struct hn_slice in, size_t step, size_t room) {
  struct hn_decoder *d;

  memset(o, 0, sizeof *o);
  buf_init(&o->data, FUZZ_OUTPUT + FUZZ_ROOM);
  require(decoder_of(list, &d) == 0);
  while (o->code <= 0 && !o->cut && in.n > 0) {
    size_t n = in.n < step ? in.n : step;

    advance(o, d, slice_sub(in, 0, n), room);
    in = slice_from(in, n);
  }
  if (!o->cut) finish(o, d);
  decoder_free(d);
}

static void check_same(const struct fuzz_outcome *a,
                       const struct fuzz_outcome *b, bool exact) {
  struct hn_slice x = buf_peek(&a->data), y = buf_peek(&b->data);
  size_t n = x.n < y.n ? x.n : y.n;

  require(slice_equal(slice_sub(x, 0, n), slice_sub(y, 0, n)));
  if (a->cut || b->cut) return;
  require(a->code == b->code && a->fault == b->fault);
  require(x.n == y.n || (!exact && a->code != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const struct hn_coding_list *list;
  struct fuzz_outcome whole, other;
  struct hn_slice in;
  unsigned used = 0;

  if (size < 2 || size > FUZZ_INPUT) return 0;
  list = &lists[data[0] % (sizeof lists / sizeof *lists)];
  for (size_t i = 0; i < list->count; i++) used |= (unsigned)list->codings[i];
  if ((used & ~decode_built()) != 0) return 0;
  in = slice_make((const char *)data + 2, size - 2);
  run(&whole, list, in, in.n, FUZZ_ROOM);
  run(&other, list, in, 1, (size_t)data[1] + 1);
  check_same(&whole, &other, is_exact(list));
  buf_fini(&whole.data);
  buf_fini(&other.data);
  return 0;
}
