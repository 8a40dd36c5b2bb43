/*
 * h1_body_fuzz.c: where bodies end, and the chunked coding.
 *
 * Input: one byte that chooses the head, then the body's bytes. Checked: the
 * outcome is the same at once, byte by byte and in pieces of seven; no call
 * uses more than it was given; what was decoded, encoded in other chunks,
 * decodes to the same.
 */
#include <stdlib.h>
#include <string.h>

#include "../../csrc/proto/h1_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_MAX = 16384, FUZZ_FIELDS = 20 };

struct fuzz_outcome {
  struct hn_h1_body body;
  struct hn_headers trailers;
  struct hn_buf data;
  int code;
  size_t used;
};

static void require(bool ok) {
  if (!ok) abort();
}

/* A head of which the first byte chooses a prefix of fields, so that framings
 * of all kinds come up. */
static int begin(struct hn_h1_body *b, uint8_t choice) {
  static const char *const heads[] = {
      "Transfer-Encoding: chunked\r\n",
      "Content-Length: 5\r\n",
      "",
      "Content-Length: 5, 5\r\nContent-Length: 5\r\n",
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: gzip, chunked\r\n",
      "Content-Length: 9223372036854775807\r\n",
      "Content-Length: 0\r\n",
  };
  struct hn_h1_head head;
  struct hn_headers fields;
  int code;

  headers_init(&fields, FUZZ_MAX, FUZZ_FIELDS);
  h1_head_init(&head, FUZZ_MAX);
  head.status = choice & 8 ? 204 : 200;
  head.minor = choice & 16 ? 0 : 1;
  if (heads[choice & 7][0] != '\0') {
    require(headers_apply_lines(&fields, 0, slice_of(heads[choice & 7])) == 0);
  }
  code =
      h1_body_begin(b, &head, &fields, slice_of(choice & 32 ? "HEAD" : "GET"));
  headers_fini(&fields);
  return code;
}

/* Goes on in [o->used, end) until there is no more to do. */
static void advance(struct fuzz_outcome *o, struct hn_slice in, size_t end) {
  struct hn_h1_body *b = &o->body;

  while (o->code == 0 && !b->done) {
    struct hn_slice rest = slice_sub(in, o->used, end);
    uint64_t direct = h1_body_direct(b);
    size_t n = direct < rest.n ? (size_t)direct : rest.n, used = 0;

    if (direct > 0 && n == 0) return;
    if (direct > 0) {
      require(buf_append(&o->data, slice_sub(rest, 0, n)) == 0);
      h1_body_skip(b, n);
      o->used += n;
      continue;
    }
    o->code = h1_body_feed(b, rest, &o->trailers, &used);
    require(used <= rest.n);
    require(o->code != 0 || b->done || h1_body_direct(b) > 0);
    o->used += used;
  }
}

static void run(struct fuzz_outcome *o, uint8_t choice, struct hn_slice in,
                size_t step) {
  size_t at = 0;

  headers_init(&o->trailers, FUZZ_MAX, FUZZ_FIELDS);
  buf_init(&o->data, FUZZ_MAX);
  o->used = 0;
  o->code = begin(&o->body, choice);
  while (o->code == 0 && !o->body.done && at < in.n) {
    at = step == 0 || in.n - at < step ? in.n : at + step;
    advance(o, in, at);
    if (o->code == HN_AGAIN) o->code = 0;
  }
}

static void finish(struct fuzz_outcome *o) {
  headers_fini(&o->trailers);
  buf_fini(&o->data);
}

static struct hn_buf written(const struct hn_headers *h) {
  struct hn_buf out;

  buf_init(&out, 2 * FUZZ_MAX);
  require(headers_write(h, &out) == 0);
  return out;
}

static void check_same(const struct fuzz_outcome *a,
                       const struct fuzz_outcome *b) {
  struct hn_buf x = written(&a->trailers), y = written(&b->trailers);

  require(a->code == b->code);
  require(a->body.fault == b->body.fault && a->body.done == b->body.done);
  require(slice_equal(buf_peek(&a->data), buf_peek(&b->data)));
  require(a->body.fault != HN_FAULT_NONE || a->used == b->used);
  require(slice_equal(buf_peek(&x), buf_peek(&y)));
  buf_fini(&x);
  buf_fini(&y);
}

static void append_chunk(struct hn_buf *out, struct hn_slice data) {
  char line[HN_CHUNK_HEAD_SIZE];
  size_t n = h1_chunk_head(line, data.n);

  require(buf_append(out, slice_make(line, n)) == 0);
  require(buf_append(out, data) == 0);
  require(buf_append_text(out, "\r\n") == 0);
}

static void check_encoded(const struct fuzz_outcome *o) {
  struct hn_slice data = buf_peek(&o->data);
  struct fuzz_outcome again;
  struct hn_buf wire;

  buf_init(&wire, 16 * FUZZ_MAX);
  for (size_t at = 0, n = 1; at < data.n; at += n, n = n % 33 + 1) {
    append_chunk(&wire, slice_sub(data, at, at + n));
  }
  require(buf_append_text(&wire, HN_CHUNK_LAST) == 0);
  run(&again, 0, buf_peek(&wire), 0);
  require(again.code == 0 && again.body.done);
  require(again.used == buf_size(&wire));
  require(slice_equal(data, buf_peek(&again.data)));
  finish(&again);
  buf_fini(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_outcome whole, other;
  struct hn_slice in;

  if (size == 0 || size > FUZZ_MAX) return 0;
  in = slice_make((const char *)data + 1, size - 1);
  run(&whole, data[0], in, 0);
  for (size_t step = 1; step <= 7; step += 6) {
    run(&other, data[0], in, step);
    check_same(&whole, &other);
    finish(&other);
  }
  check_encoded(&whole);
  if (whole.body.fault == HN_FAULT_NONE) {
    int code = h1_body_eof(&whole.body);

    require((code == 0) == whole.body.done);
  }
  finish(&whole);
  return 0;
}
