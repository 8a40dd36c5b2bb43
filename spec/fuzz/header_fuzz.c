/*
 * header_fuzz.c: lists of fields under any sequence of changes.
 *
 * Input: commands, each a mode byte and a line ended by a zero byte. Checked:
 * what a list writes can be read back into the same list; a refused change
 * changes nothing; spans lie inside the bytes; limits hold.
 */
#include <stdlib.h>
#include <string.h>

#include "../../csrc/proto/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_BYTES = 512, FUZZ_FIELDS = 12 };

static void require(bool ok) {
  if (!ok) abort();
}

static struct hn_buf written(const struct hn_headers *h) {
  struct hn_buf out;

  buf_init(&out, 4 * FUZZ_BYTES);
  require(headers_write(h, &out) == 0);
  return out;
}

static void check_spans(const struct hn_headers *h) {
  size_t size = buf_size(&h->bytes);

  require(h->count <= FUZZ_FIELDS && h->count <= h->room + (h->count == 0));
  require(h->holes <= (size - h->block) / 2);
  require(size - h->holes <= FUZZ_BYTES);
  for (size_t i = 0; i < h->count; i++) {
    const struct hn_field_span *f = &h->fields[i];

    require((size_t)f->name + f->name_size <= size);
    require((size_t)f->value + f->value_size <= size);
    require(header_is_token(headers_name(h, i)));
    require(header_is_value(headers_value(h, i)));
  }
}

static void check_found(const struct hn_headers *h) {
  for (size_t i = 0; i < h->count; i++) {
    struct hn_slice name = headers_name(h, i), value;
    size_t before = 0;

    for (size_t k = 0; k < i; k++) {
      if (slice_equal_nocase(headers_name(h, k), name)) before++;
    }
    require(headers_find(h, name, before, &value));
    require(value.p == headers_value(h, i).p);
  }
}

static void check_round_trip(const struct hn_headers *h) {
  struct hn_buf first = written(h), second;
  struct hn_headers copy;

  headers_init(&copy, FUZZ_BYTES, FUZZ_FIELDS);
  if (h->count > 0) {
    require(headers_apply_lines(&copy, HN_ADD, buf_peek(&first)) == 0);
  } else {
    require(buf_size(&first) == 0);
  }
  second = written(&copy);
  require(copy.count == h->count);
  require(slice_equal(buf_peek(&first), buf_peek(&second)));
  buf_fini(&first);
  buf_fini(&second);
  headers_fini(&copy);
}

static unsigned mode_of(uint8_t byte) {
  static const unsigned modes[] = {
      0,
      HN_ADD,
      HN_ADD_IF_NEW,
      HN_ADD_COALESCE,
      HN_ADD_COALESCE_SEMICOLON,
      (unsigned)HN_ADD_REPLACE,
      (unsigned)HN_ADD_REPLACE | (unsigned)HN_ADD,
      1,
  };

  return modes[byte % (sizeof modes / sizeof *modes)];
}

/* Bytes 'r' and 's' stand for removal and for one field by headers_apply. */
static int apply(struct hn_headers *h, uint8_t command, struct hn_slice text) {
  size_t colon = slice_find(text, 0, ':');

  if (command == 'r') {
    headers_remove(h, text);
    require(text.n == 0 || !headers_find(h, text, 0, &text));
    return 0;
  }
  if (command < 'r') return headers_apply_lines(h, mode_of(command), text);
  return headers_apply(h, mode_of(command), slice_sub(text, 0, colon),
                       slice_from(text, colon + 1));
}

static void step(struct hn_headers *h, uint8_t command, struct hn_slice text) {
  struct hn_buf before = written(h), after;
  int code = apply(h, command, text);

  after = written(h);
  if (code != 0) require(slice_equal(buf_peek(&before), buf_peek(&after)));
  buf_fini(&before);
  buf_fini(&after);
  check_spans(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct hn_slice in = slice_make((const char *)data, size);
  struct hn_headers h;
  size_t at = 0;

  if (size > 4096) return 0;
  headers_init(&h, FUZZ_BYTES, FUZZ_FIELDS);
  while (at < size) {
    size_t end = slice_find(in, at + 1, '\0');

    step(&h, data[at], slice_sub(in, at + 1, end));
    at = end + 1;
  }
  check_found(&h);
  check_round_trip(&h);
  headers_clear(&h);
  require(h.count == 0 && buf_size(&h.bytes) == 0);
  headers_fini(&h);
  return 0;
}
