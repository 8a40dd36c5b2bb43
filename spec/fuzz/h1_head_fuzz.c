/*
 * h1_head_fuzz.c: response heads and trailers.
 *
 * Input: one byte (bit 0: a trailer section; the others choose a size limit),
 * then what the peer sent. Checked: the outcome is the same at once and byte by
 * byte; nothing is used beyond the input and the limit; spans lie in the block
 * in order and hold what the grammar says; a parsed list survives being written
 * and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "../../csrc/proto/h1_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_MAX = 8192, FUZZ_FIELDS = 20 };

struct fuzz_outcome {
  struct hn_h1_head head;
  struct hn_headers fields;
  int code;
  size_t used;
};

static void require(bool ok) {
  if (!ok) abort();
}

static int parse(struct fuzz_outcome *o, struct hn_slice in, bool is_trailer) {
  return is_trailer ? h1_trailer_parse(&o->head, in, &o->fields, &o->used)
                    : h1_head_parse(&o->head, in, &o->fields, &o->used);
}

static void run(struct fuzz_outcome *o, struct hn_slice in, size_t limit,
                bool is_trailer, size_t step) {
  size_t at = 0;

  headers_init(&o->fields, FUZZ_MAX, FUZZ_FIELDS);
  h1_head_init(&o->head, limit);
  o->used = 0;
  do {
    at = step == 0 || in.n - at < step ? in.n : at + step;
    o->code = parse(o, slice_sub(in, 0, at), is_trailer);
  } while (o->code == HN_AGAIN && at < in.n);
}

static void check_spans(const struct fuzz_outcome *o, bool is_trailer) {
  const struct hn_headers *f = &o->fields;
  size_t end = is_trailer ? 0 : 12;

  require(f->block == buf_size(&f->bytes) && f->block <= o->used);
  require((size_t)o->head.reason + o->head.reason_size <= f->block);
  for (size_t i = 0; i < f->count; i++) {
    const struct hn_field_span *s = &f->fields[i];

    require(s->name >= end && s->name_size > 0);
    require(s->value > s->name + s->name_size);
    end = (size_t)s->value + s->value_size;
    require(end < f->block);
    require(header_is_token(headers_name(f, i)));
    require(header_is_value(headers_value(f, i)));
    require(slice_equal(slice_trim(headers_value(f, i)), headers_value(f, i)));
  }
}

static void check_same(const struct fuzz_outcome *a,
                       const struct fuzz_outcome *b) {
  require(a->code == b->code && a->used == b->used);
  require(a->head.fault == b->head.fault);
  require(a->fields.count == b->fields.count);
  require(slice_equal(buf_peek(&a->fields.bytes), buf_peek(&b->fields.bytes)));
  if (a->code != 0) return;
  require(a->head.status == b->head.status && a->head.minor == b->head.minor);
  require(a->fields.count == 0 ||
          memcmp(a->fields.fields, b->fields.fields,
                 a->fields.count * sizeof *a->fields.fields) == 0);
}

static void check_round_trip(const struct hn_headers *f) {
  struct hn_headers copy;
  struct hn_buf out;

  buf_init(&out, 2 * FUZZ_MAX);
  headers_init(&copy, 2 * FUZZ_MAX, FUZZ_FIELDS);
  require(headers_write(f, &out) == 0);
  if (f->count > 0) {
    require(headers_apply_lines(&copy, HN_ADD, buf_peek(&out)) == 0);
  }
  require(copy.count == f->count);
  for (size_t i = 0; i < f->count; i++) {
    require(slice_equal(headers_name(f, i), headers_name(&copy, i)));
    require(slice_equal(headers_value(f, i), headers_value(&copy, i)));
  }
  buf_fini(&out);
  headers_fini(&copy);
}

static void check(const struct fuzz_outcome *o, struct hn_slice in,
                  size_t limit, bool is_trailer) {
  if (o->code == HN_AGAIN) {
    require(in.n < limit && o->head.fault == HN_FAULT_NONE);
  } else if (o->code != 0) {
    require(o->head.fault != HN_FAULT_NONE && o->fields.count == 0);
    require(fault_code(o->head.fault) == o->code);
  } else {
    require(o->used <= in.n && o->used <= limit && o->used > 0);
    require(is_trailer || (o->head.status >= 100 && o->head.status <= 999));
    check_spans(o, is_trailer);
    check_round_trip(&o->fields);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_outcome whole, bytes;
  struct hn_slice in;
  bool is_trailer;
  size_t limit;

  if (size == 0 || size > FUZZ_MAX / 2) return 0;
  is_trailer = data[0] & 1;
  /* Below six bytes the limit is shorter than what decides. */
  limit = data[0] < 0x80 ? FUZZ_MAX / 2 : 6 + (data[0] & 0x7fu);
  in = slice_make((const char *)data + 1, size - 1);
  run(&whole, in, limit, is_trailer, 0);
  run(&bytes, in, limit, is_trailer, 1);
  check(&whole, in, limit, is_trailer);
  check_same(&whole, &bytes);
  headers_fini(&whole.fields);
  headers_fini(&bytes.fields);
  return 0;
}
