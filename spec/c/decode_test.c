#include "decode_fixture.h"

/* ----------------------------------------------------------- whole streams */

static void check_encoders(struct hn_slice plain) {
  for (size_t i = 0; i < COUNT(encoders); i++) {
    struct hn_buf wire;

    test_label(encoders[i].coding);
    buf_init(&wire, LIMIT);
    add(&wire, &encoders[i], plain);
    check_decodes(encoders[i].coding, buf_peek(&wire), plain, OK);
    buf_fini(&wire);
  }
}

TEST(encoded) {
  struct hn_slice big = noise(1000000);
  char *zeros = calloc(1, 1000000);

  check_encoders(S(""));
  check_encoders(S("a"));
  check_encoders(text_sample());
  check_encoders(slice_sub(big, 0, 40000));
  check_encoders(big);
  check_encoders(slice_make(zeros, 1000000));
  free(zeros);
  free((void *)(uintptr_t)big.p);
}

TEST(truncated) {
  struct hn_slice text = text_sample();

  for (size_t i = 0; i < COUNT(encoders); i++) {
    struct hn_buf wire;

    test_label(encoders[i].coding);
    buf_init(&wire, LIMIT);
    add(&wire, &encoders[i], slice_sub(text, 0, 300));
    check_truncated(encoders[i].coding, buf_peek(&wire), text);
    buf_fini(&wire);
  }
}

/* ------------------------------------------------------------------ layers */

static void add_layers(struct hn_buf *out, const char *codings,
                       struct hn_slice plain) {
  struct hn_slice rest = slice_of(codings), coding;
  struct hn_buf in;

  buf_init(&in, LIMIT);
  CHECK_INT(buf_append(out, plain), 0);
  while (slice_next_element(&rest, &coding)) {
    size_t i = 0;

    while (!slice_equal(coding, slice_of(encoders[i].coding))) i++;
    buf_clear(&in);
    CHECK_INT(buf_append(&in, buf_peek(out)), 0);
    buf_clear(out);
    add(out, &encoders[i], buf_peek(&in));
  }
  buf_fini(&in);
}

static const char *const stacks[] = {
    "gzip, gzip",
    "deflate, gzip",
    "gzip, br",
    "zstd, br",
    "br, gzip, zstd",
    "gzip, zstd, br, deflate",
    "gzip, gzip, gzip, gzip",
};

TEST(stacked) {
  struct hn_slice big = noise(2500000);

  for (size_t i = 0; i < COUNT(stacks); i++) {
    const struct hn_slice plains[] = {
        {"", 0}, {"hello", 5}, text_sample(), slice_sub(big, 0, 100000), big,
    };

    test_label(stacks[i]);
    for (size_t k = 0; k < COUNT(plains); k++) {
      struct hn_buf wire;

      buf_init(&wire, LIMIT);
      add_layers(&wire, stacks[i], plains[k]);
      check_decodes(stacks[i], buf_peek(&wire), plains[k], OK);
      if (k == 1) check_truncated(stacks[i], buf_peek(&wire), plains[k]);
      buf_fini(&wire);
    }
  }
  free((void *)(uintptr_t)big.p);
}

struct stack_row {
  struct hn_slice inner; /* gzip, before it is put into another gzip */
  const char *plain;
  enum hn_fault fault;
};

static const struct stack_row stack_rows[] = {
    {L(""), "", OK},
    {L(GZ GZ), "hellohello", OK},
    {L(GZ "\0"), "hello", OK},
    {L(GZ "x"), "hello", BAD},
    {L(GZ_HEAD RAW "\x87\xa6\x10\x36\x05\0\0\0"), "hello", BAD},
    {L(GZ_HEAD RAW), "hello", SHORT},
    {L("\x1f"), "", SHORT},
    {L("hello"), "", BAD},
};

TEST(bad_inside) {
  for (size_t i = 0; i < COUNT(stack_rows); i++) {
    const struct stack_row *row = &stack_rows[i];
    struct hn_buf wire;

    buf_init(&wire, LIMIT);
    add_layers(&wire, "gzip", row->inner);
    check_decodes("gzip, gzip", buf_peek(&wire), slice_of(row->plain),
                  row->fault);
    /* What the lower layer still finds does not hide what the upper lost. */
    CHECK_INT(buf_append_char(&wire, 'x'), 0);
    check_decodes("gzip, gzip", buf_peek(&wire), slice_of(row->plain), BAD);
    buf_fini(&wire);
  }
}

/* Gigabytes of nothing: empty members, packed once more. */
TEST(silent_bomb) {
  struct hn_buf inner, wire;
  size_t count = 2 * HN_MAX_DECODE_SILENCE / (sizeof GZ_EMPTY - 1);

  buf_init(&inner, LIMIT);
  buf_init(&wire, LIMIT);
  for (size_t i = 0; i < count; i++) {
    CHECK_INT(buf_append(&inner, S(GZ_EMPTY)), 0);
  }
  CHECK_INT(buf_append(&inner, S(GZ)), 0);
  add_layers(&wire, "gzip", buf_peek(&inner));
  CHECK(buf_size(&wire) < 20000);
  check_decodes("gzip, gzip", buf_peek(&wire), S(""), BAD);
  check_decodes("gzip", buf_peek(&inner), S("hello"), OK);
  buf_fini(&inner);
  buf_fini(&wire);
}

/* Codings of our own: one that changes nothing, and one that keeps silent but
 * for each 'X'. */
static void *plain_open(struct hn_account *account) {
  (void)account;
  return mem_calloc(1, 1);
}

static int plain_step(void *state, struct hn_decode_io *io) {
  size_t n = io->in.n < io->room ? io->in.n : io->room;
  (void)state;
  memcpy(io->out, io->in.p, n);
  io->out += n;
  io->room -= n;
  io->in = slice_from(io->in, n);
  return io->room == 0 ? 0 : HN_AGAIN;
}

static int silent_step(void *state, struct hn_decode_io *io) {
  (void)state;
  while (io->in.n > 0 && io->room > 0) {
    if (*io->in.p == 'X') {
      *io->out++ = 'X';
      io->room--;
    }
    io->in = slice_from(io->in, 1);
  }
  return io->room == 0 ? 0 : HN_AGAIN;
}

static bool plain_is_whole(const void *state) {
  (void)state;
  return true;
}

static const struct hn_codec plain_codec = {plain_open, mem_free, plain_step,
                                            plain_is_whole};
static const struct hn_codec silent_codec = {plain_open, mem_free, silent_step,
                                             plain_is_whole};

/* n bytes of one kind go in; what the decoder says in the end. */
static int feed_bytes(struct hn_decoder *d, char c, size_t n) {
  char text[1000], out[64];
  int code = HN_AGAIN;
  memset(text, c, sizeof text);
  while (n > 0 && (code == 0 || code == HN_AGAIN)) {
    struct hn_slice in = slice_make(text, n < sizeof text ? n : sizeof text);
    size_t got;
    n -= in.n;
    do code = decoder_step(d, &in, out, sizeof out, &got);
    while (code == 0);
  }
  return code;
}

TEST(silence_is_bounded_to_the_byte) {
  const struct hn_codec *codecs[] = {&silent_codec, &plain_codec};
  static const struct {
    size_t said, silent; /* bytes */
    int code;
  } rows[] = {
      {0, HN_MAX_DECODE_SILENCE, HN_AGAIN},
      {0, HN_MAX_DECODE_SILENCE + 1, HN_DECODE_CORRUPT},
      /* What is said before counts for no more than that. */
      {HN_MAX_DECODE_SILENCE, HN_MAX_DECODE_SILENCE, HN_AGAIN},
      {HN_MAX_DECODE_SILENCE, HN_MAX_DECODE_SILENCE + 1, HN_DECODE_CORRUPT},
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct hn_decoder *d;
    CHECK_INT(decoder_new(codecs, 2, NULL, &d), 0);
    CHECK_INT(feed_bytes(d, 'X', rows[i].said), HN_AGAIN);
    CHECK_INT(feed_bytes(d, '.', rows[i].silent), rows[i].code);
    decoder_free(d);
  }
}

/* Silence used up, then one byte said: it buys what it buys, itself paid. */
TEST(a_byte_buys_so_much_silence) {
  const struct hn_codec *codecs[] = {&silent_codec, &plain_codec};
  for (int more = 0; more < 2; more++) {
    struct hn_decoder *d;
    size_t n = HN_MAX_DECODE_OVERHEAD;
    CHECK_INT(decoder_new(codecs, 2, NULL, &d), 0);
    CHECK_INT(feed_bytes(d, '.', HN_MAX_DECODE_SILENCE - 1), HN_AGAIN);
    CHECK_INT(feed_bytes(d, 'X', 1), HN_AGAIN);
    CHECK_INT(feed_bytes(d, '.', n + (size_t)more),
              more ? HN_DECODE_CORRUPT : HN_AGAIN);
    decoder_free(d);
  }
}

/* ------------------------------------------------------------------ memory */

TEST(memory) {
  static const char *const lists[] = {"gzip", "deflate", "br", "zstd",
                                      "gzip, zstd, br, deflate"};

  for (size_t i = 0; i < COUNT(lists); i++) {
    struct hn_buf wire;

    buf_init(&wire, LIMIT);
    add_layers(&wire, lists[i], text_sample());
    check_failing(lists[i], buf_peek(&wire));
    buf_fini(&wire);
  }
}

/* ------------------------------------------------------------------- names */

#define G HN_CODING_GZIP
#define D HN_CODING_DEFLATE
#define B HN_CODING_BROTLI
#define Z HN_CODING_ZSTD

struct parse_row {
  const char *lines;
  unsigned set;
  int code;
  size_t count;
  enum hn_coding codings[HN_MAX_CODINGS];
};

#define CE "Content-Encoding: "

static const struct parse_row parse_rows[] = {
    {"A: gzip\r\n", ~0u, 0, 0, {0}},
    {CE "gzip\r\n", ~0u, 0, 1, {G}},
    {CE "x-GZIP\r\n", ~0u, 0, 1, {G}},
    {CE "deflate\r\n", ~0u, 0, 1, {D}},
    {CE "\r\n", ~0u, 0, 0, {0}},
    {CE "identity\r\n", ~0u, 0, 0, {0}},
    {CE "identity, Identity, identity, identity, identity, gzip\r\n",
     ~0u,
     0,
     1,
     {G}},
    {CE "gzip, deflate\r\n", ~0u, 0, 2, {G, D}},
    {CE "deflate\r\n" CE ", gzip ,\t,\r\n", ~0u, 0, 2, {D, G}},
    {CE "gzip,gzip,gzip,gzip\r\n", ~0u, 0, 4, {G, G, G, G}},
    {CE "gzip,gzip,gzip,gzip,gzip\r\n",
     ~0u,
     HN_ERR_INVALID_SERVER_RESPONSE,
     0,
     {0}},
    {CE "gzip,gzip,gzip\r\n" CE "gzip, identity, gzip\r\n",
     ~0u,
     HN_ERR_INVALID_SERVER_RESPONSE,
     0,
     {0}},
    {CE "compress\r\n", ~0u, HN_ERR_NOT_SUPPORTED, 0, {0}},
    {CE "gzip, sdch\r\n", ~0u, HN_ERR_NOT_SUPPORTED, 0, {0}},
    {CE "gzip;q=1\r\n", ~0u, HN_ERR_NOT_SUPPORTED, 0, {0}},
    {CE "gzi\r\n", ~0u, HN_ERR_NOT_SUPPORTED, 0, {0}},
    {CE "\"gzip\"\r\n", ~0u, HN_ERR_NOT_SUPPORTED, 0, {0}},
    /* what the caller does not want is not undone */
    {CE "gzip\r\n", D, HN_ERR_NOT_SUPPORTED, 0, {0}},
    {CE "gzip\r\n", 0, HN_ERR_NOT_SUPPORTED, 0, {0}},
    {CE "deflate\r\n", D, 0, 1, {D}},
};

TEST(parse) {
  for (size_t i = 0; i < COUNT(parse_rows); i++) {
    const struct parse_row *row = &parse_rows[i];
    struct hn_coding_list list = {.count = 99};
    struct hn_headers fields;

    test_label(row->lines);
    headers_init(&fields, LIMIT, 16);
    CHECK_INT(headers_apply_lines(&fields, HN_ADD, slice_of(row->lines)), 0);
    CHECK_INT(decode_parse(&fields, row->set, &list), row->code);
    CHECK_INT(list.count, row->code == 0 ? row->count : 99);
    for (size_t k = 0; row->code == 0 && k < row->count; k++) {
      CHECK_INT(list.codings[k], row->codings[k]);
    }
    headers_fini(&fields);
  }
}

TEST(optional) {
  static const struct row optional[] = {
      {"br", L(""), "", OK},
      {"zstd", L(""), "", OK},
  };

  for (size_t i = 0; i < COUNT(optional); i++) {
    enum hn_coding coding = i == 0 ? B : Z;
    bool built = (decode_built() & (unsigned)coding) != 0;
    struct hn_coding_list list = {{coding}, 1};
    struct hn_decoder *d = NULL;

    CHECK_INT(parse(optional[i].codings, &list),
              built ? 0 : HN_ERR_NOT_SUPPORTED);
    CHECK_INT(decoder_of(&list, &d), built ? 0 : HN_ERR_NOT_SUPPORTED);
    decoder_free(d);
  }
}

/* The value names the codings of the set, in one order. */
TEST(accept) {
  static const char *const names[] = {"gzip", "deflate", "br", "zstd"};

  CHECK_INT(decode_built() & (G | D), G | D);
  CHECK_TEXT(decode_accept_line(G | D), "Accept-Encoding: gzip, deflate\r\n");
  CHECK(decode_accept_line(0).p == NULL);
  for (unsigned set = 0; set < 64; set++) {
    struct hn_slice line = decode_accept_line(set), coding;
    struct hn_slice rest = slice_sub(line, strlen("Accept-Encoding: "),
                                     line.n > 2 ? line.n - 2 : 0);

    for (unsigned i = 0; i < COUNT(names); i++) {
      if ((set & decode_built() & 1u << i) == 0) continue;
      CHECK(slice_next_element(&rest, &coding));
      CHECK_TEXT(coding, names[i]);
    }
    CHECK(!slice_next_element(&rest, &coding));
  }
}

TEST(bad_lists) {
  struct hn_coding_list list = {.count = 0};
  struct hn_decoder *d = NULL;

  CHECK_INT(decoder_of(&list, &d), HN_ERR_INVALID_PARAMETER);
  list.count = HN_MAX_CODINGS + 1;
  CHECK_INT(decoder_of(&list, &d), HN_ERR_INVALID_PARAMETER);
  list.count = 1;
  list.codings[0] = (enum hn_coding)16;
  CHECK_INT(decoder_of(&list, &d), HN_ERR_NOT_SUPPORTED);
  CHECK(d == NULL);
  decoder_free(NULL);
}

TEST(done) {
  struct hn_coding_list list = {{G}, 1};
  struct hn_slice in = S(GZ);
  struct hn_decoder *d;
  char out[8];
  size_t got = 0;

  CHECK_INT(decoder_of(&list, &d), 0);
  CHECK(!decoder_is_done(d));
  CHECK_INT(decoder_step(d, &in, out, sizeof out, &got), 0);
  CHECK_INT(got, 5);
  CHECK_INT(decoder_step(d, &in, out, sizeof out, &got), HN_AGAIN);
  CHECK(decoder_is_done(d));
  in = S("\x1f\x8b");
  CHECK_INT(decoder_step(d, &in, out, sizeof out, &got), HN_AGAIN);
  CHECK(!decoder_is_done(d));
  CHECK_INT(decoder_end(d), HN_ERR_INVALID_SERVER_RESPONSE);
  CHECK_INT(decoder_fault(d), SHORT);
  decoder_free(d);
}

TEST_MAIN(ROW(encoded), ROW(truncated), ROW(stacked), ROW(bad_inside),
          ROW(silent_bomb), ROW(silence_is_bounded_to_the_byte),
          ROW(a_byte_buys_so_much_silence), ROW(memory), ROW(parse),
          ROW(optional), ROW(accept), ROW(bad_lists), ROW(done))
