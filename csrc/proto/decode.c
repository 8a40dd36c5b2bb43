#include "decode.h"
#include "decode_codec.h"

#include <assert.h>

struct decode_name {
  const char *text;
  enum hn_coding coding;
};

/* RFC 9110 8.4.1, RFC 7932 13, RFC 8878 7.2. */
static const struct decode_name decode_names[] = {
    {"gzip", HN_CODING_GZIP},       {"x-gzip", HN_CODING_GZIP},
    {"deflate", HN_CODING_DEFLATE}, {"br", HN_CODING_BROTLI},
    {"zstd", HN_CODING_ZSTD},
};

enum {
  HN_DECODE_BUILT = HN_CODING_GZIP | HN_CODING_DEFLATE
#ifdef HN_HAVE_BROTLI
                    | HN_CODING_BROTLI
#endif
#ifdef HN_HAVE_ZSTD
                    | HN_CODING_ZSTD
#endif
};

struct decode_layer {
  const struct hn_codec *codec; /* static */
  void *state;                  /* owned */
  char *buffer;       /* owned; what the layer below wrote; NULL: the lowest */
  struct hn_slice in; /* borrowed from buffer: not eaten yet */
  int code;           /* the error it has met */
  bool fed;           /* it has been given a byte */
  bool full;          /* its last output left no room: there may be more */
};

struct hn_decoder {
  struct decode_layer layers[HN_MAX_CODINGS]; /* [0] eats the body's bytes */
  size_t count;
  struct hn_account *account; /* borrowed, or NULL */
  size_t credit; /* bytes that may pass between layers before more output */
  int code;      /* what every later call answers */
  enum hn_fault fault;
};

/* ------------------------------------------------------------------- names */

unsigned decode_built(void) {
  return HN_DECODE_BUILT;
}

#define HN_DECODE_LINE(list)                                                   \
  {                                                                            \
    "Accept-Encoding: " list "\r\n",                                           \
        sizeof "Accept-Encoding: " list "\r\n" - 1                             \
  }

struct hn_slice decode_accept_line(unsigned set) {
  static const struct hn_slice lines[] = {
      {NULL, 0},
      HN_DECODE_LINE("gzip"),
      HN_DECODE_LINE("deflate"),
      HN_DECODE_LINE("gzip, deflate"),
      HN_DECODE_LINE("br"),
      HN_DECODE_LINE("gzip, br"),
      HN_DECODE_LINE("deflate, br"),
      HN_DECODE_LINE("gzip, deflate, br"),
      HN_DECODE_LINE("zstd"),
      HN_DECODE_LINE("gzip, zstd"),
      HN_DECODE_LINE("deflate, zstd"),
      HN_DECODE_LINE("gzip, deflate, zstd"),
      HN_DECODE_LINE("br, zstd"),
      HN_DECODE_LINE("gzip, br, zstd"),
      HN_DECODE_LINE("deflate, br, zstd"),
      HN_DECODE_LINE("gzip, deflate, br, zstd"),
  };

  return lines[set & decode_built()];
}

/* 0: unknown. */
static unsigned decode_find(struct hn_slice text) {
  for (size_t i = 0; i < sizeof decode_names / sizeof *decode_names; i++) {
    if (slice_equal_nocase(text, slice_of(decode_names[i].text))) {
      return (unsigned)decode_names[i].coding;
    }
  }
  return 0;
}

static int decode_parse_value(struct hn_slice value, unsigned set,
                              struct hn_coding_list *list) {
  struct hn_slice text;

  while (slice_next_element(&value, &text)) {
    unsigned coding = decode_find(text) & set & decode_built();

    if (slice_equal_nocase(text, slice_of("identity"))) continue;
    if (coding == 0) return HN_ERR_NOT_SUPPORTED;
    if (list->count == HN_MAX_CODINGS) {
      return fault_code(HN_FAULT_BAD_CONTENT_CODING);
    }
    list->codings[list->count++] = (enum hn_coding)coding;
  }
  return 0;
}

int decode_parse(const struct hn_headers *fields, unsigned set,
                 struct hn_coding_list *out) {
  const struct hn_slice name = slice_of("Content-Encoding");
  struct hn_coding_list list = {.count = 0};
  struct hn_slice value;

  for (size_t i = 0; headers_next(fields, name, &i, &value);) {
    int rc = decode_parse_value(value, set, &list);

    if (rc != 0) return rc;
  }
  *out = list;
  return 0;
}

/* ------------------------------------------------------------------ layers */

static int decode_layer_open(struct decode_layer *layer,
                             const struct hn_codec *codec, bool lowest,
                             struct hn_account *account) {
  layer->codec = codec;
  if (!layer->codec) return HN_ERR_NOT_SUPPORTED;
  layer->state = layer->codec->open(account);
  if (!layer->state) return HN_ERR_NOT_ENOUGH_MEMORY;
  if (lowest) return 0;
  layer->buffer = account_alloc(account, HN_DECODE_BUFFER);
  return !layer->buffer ? HN_ERR_NOT_ENOUGH_MEMORY : 0;
}

static void decode_layer_close(struct decode_layer *layer,
                               struct hn_account *account) {
  if (layer->state) layer->codec->close(layer->state);
  account_free(account, layer->buffer);
}

/* 0: something was written; HN_AGAIN: the layer needs input; else its error,
 * once all that came before has been given out. */
static int decode_layer_step(struct decode_layer *layer,
                             struct hn_decode_io *io) {
  size_t room = io->room;
  int rc;

  if (layer->code != 0) return layer->code;
  if (io->in.n == 0 && !layer->full) return HN_AGAIN;
  layer->fed = true;
  rc = layer->codec->step(layer->state, io);
  assert(rc != 0 || io->room == 0);
  assert(rc != HN_AGAIN || io->in.n == 0);
  layer->full = io->room == 0;
  if (rc > 0) layer->code = rc;
  return io->room < room ? 0 : rc;
}

int decoder_new(const struct hn_codec *const *codecs, size_t count,
                struct hn_account *account, struct hn_decoder **out) {
  struct hn_decoder *d;
  int rc = 0;

  if (count == 0 || count > HN_MAX_CODINGS) return HN_ERR_INVALID_PARAMETER;
  d = mem_calloc(1, sizeof *d);
  if (!d) return HN_ERR_NOT_ENOUGH_MEMORY;
  d->credit = HN_MAX_DECODE_SILENCE;
  d->account = account;
  /* RFC 9110 8.4: listed in the order applied, so the last comes off first. */
  while (rc == 0 && d->count < count) {
    const struct hn_codec *codec = codecs[count - 1 - d->count];

    rc = decode_layer_open(&d->layers[d->count], codec, d->count == 0, account);
    d->count++;
  }
  if (rc != 0) {
    decoder_free(d);
    return rc;
  }
  *out = d;
  return 0;
}

void decoder_free(struct hn_decoder *d) {
  if (!d) return;
  for (size_t i = 0; i < d->count; i++)
    decode_layer_close(&d->layers[i], d->account);
  mem_free(d);
}

/* -------------------------------------------------------------------- work */

static int decode_spend(struct hn_decoder *d, size_t n) {
  if (n > d->credit) return HN_DECODE_CORRUPT;
  d->credit -= n;
  return 0;
}

static void decode_earn(struct hn_decoder *d, size_t n) {
  size_t missing = HN_MAX_DECODE_SILENCE - d->credit;

  d->credit += n < missing / HN_MAX_DECODE_OVERHEAD ? n * HN_MAX_DECODE_OVERHEAD
                                                    : missing;
}

/* Lets layer i write; io->in is the body's own bytes whatever the layer. One
 * level of recursion for each layer below, at most three. */
static int decode_pull(struct hn_decoder *d, size_t i,
                       struct hn_decode_io *io) {
  struct decode_layer *layer = &d->layers[i];
  int rc;

  if (i == 0) return decode_layer_step(layer, io);
  for (;;) {
    struct hn_decode_io upper = {layer->in, io->out, io->room};
    struct hn_decode_io lower = {io->in, layer->buffer, HN_DECODE_BUFFER};

    rc = decode_layer_step(layer, &upper);
    layer->in = upper.in;
    io->out = upper.out;
    io->room = upper.room;
    if (rc != HN_AGAIN) return rc;
    rc = decode_pull(d, i - 1, &lower);
    io->in = lower.in;
    if (rc != 0) return rc;
    layer->in = slice_make(layer->buffer, HN_DECODE_BUFFER - lower.room);
    rc = decode_spend(d, layer->in.n);
    if (rc != 0) return rc;
  }
}

static int decode_fail(struct hn_decoder *d, int code, enum hn_fault fault) {
  d->code = code;
  if (code == fault_code(fault)) d->fault = fault;
  return code;
}

int decoder_step(struct hn_decoder *d, struct hn_slice *in, char *out,
                 size_t room, size_t *got) {
  struct hn_decode_io io = {*in, out, room};
  int rc;

  assert(room > 0);
  if (d->code != 0) return d->code;
  rc = decode_pull(d, d->count - 1, &io);
  if (rc > 0) return decode_fail(d, rc, HN_FAULT_BAD_CONTENT_CODING);
  *in = io.in;
  if (rc != 0) return rc;
  *got = room - io.room;
  decode_earn(d, *got);
  return 0;
}

bool decoder_is_done(const struct hn_decoder *d) {
  bool whole = d->code == 0;

  for (size_t i = 0; whole && i < d->count; i++) {
    const struct decode_layer *layer = &d->layers[i];

    /* A layer above one that unpacked to nothing has an empty body. */
    whole = (layer->fed || i > 0) &&
            (!layer->fed || layer->codec->is_whole(layer->state)) &&
            layer->in.n == 0 && layer->code == 0;
  }
  return whole;
}

int decoder_end(struct hn_decoder *d) {
  bool empty = !d->layers[0].fed;

  if (d->code != 0) return d->code;
  if (empty || decoder_is_done(d)) return 0;
  return decode_fail(d, fault_code(HN_FAULT_TRUNCATED_CONTENT),
                     HN_FAULT_TRUNCATED_CONTENT);
}

enum hn_fault decoder_fault(const struct hn_decoder *d) {
  return d->fault;
}
