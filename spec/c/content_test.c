/*
 * content_test.c: a body as its reader wants it, with and without a coding.
 */
#include <zlib.h>

#include "exchange_fixture.h"

#include "../../csrc/http/content.h"

enum { CONTENT_SIZE = 5000 };

/* One whole answer with CONTENT_SIZE equal letters as a gzip body, and `more`
 * bytes taken off its end; its size. */
static size_t content_make(char *out, size_t room, size_t off) {
  static char plain[CONTENT_SIZE];
  unsigned char packed[512];
  z_stream z = {.next_in = (unsigned char *)plain,
                .avail_in = sizeof plain,
                .next_out = packed,
                .avail_out = sizeof packed};
  memset(plain, 'x', sizeof plain);
  CHECK_INT(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
  size_t size = sizeof packed - z.avail_out - off;
  deflateEnd(&z);
  int head = snprintf(out, room,
                      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
                      "Content-Length: %zu\r\n\r\n",
                      size);
  memcpy(out + head, packed, size);
  return (size_t)head + size;
}

static void content_open(struct side *s, struct desk *d, size_t off) {
  char answer[1024];
  size_t n = content_make(answer, sizeof answer, off);
  desk_open(d, protocols_h1());
  CHECK_INT(parts_init(&d->env.parts), 0);
  side_open(s, d, 0, "GET", "");
  CHECK_INT(side_send(s, d), 0);
  desk_accept(d);
  CHECK_INT(send(d->peer, answer, n, MSG_NOSIGNAL), n);
  CHECK_INT(side_head(s, d), 0);
}

static int content_all(struct hn_content *c, struct side *s, struct desk *d) {
  char piece[100];
  int all = 0;
  for (;;) {
    size_t got = 0;
    int rc = content_read(c, &s->x, piece, sizeof piece, &got);
    if (rc == HN_AGAIN && !s->x.hungry) desk_pump(d);
    s->x.hungry = false;
    if (rc == HN_AGAIN) continue;
    if (rc || got == 0) return rc ? -rc : all;
    all += (int)got;
  }
}

TEST(what_the_answer_says_is_undone_when_it_was_asked_for) {
  static const struct {
    unsigned set;
    uint64_t most;
    size_t off;
    int all; /* bytes; negative: the error; 0: as it came */
  } rows[] = {
      {HN_CODING_GZIP, 100000, 0, CONTENT_SIZE},
      {HN_CODING_GZIP, CONTENT_SIZE, 0, CONTENT_SIZE},
      {HN_CODING_GZIP, CONTENT_SIZE - 1, 0, -HN_ERR_INSUFFICIENT_BUFFER},
      {HN_CODING_GZIP, 100000, 3, -HN_ERR_INVALID_SERVER_RESPONSE},
      {0, 100000, 0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct desk d;
    struct side s;
    struct hn_content c = {0};
    content_open(&s, &d, rows[i].off);
    uint64_t size = s.x.response.rest;
    CHECK_INT(content_begin(&c, &s.x, rows[i].set, rows[i].most), 0);
    CHECK(content_known_rest(&c, &s.x) == (rows[i].set ? UINT64_MAX : size));
    int all = rows[i].all ? rows[i].all : (int)size;
    CHECK_INT(content_all(&c, &s, &d), all);
    CHECK(content_is_done(&c, &s.x) == (all > 0));
    if (all > 0) CHECK_INT(desk_count(&d.pool.idle), 1);
    content_end(&c, &s.x);
    side_close(&s);
    parts_fini(&d.env.parts);
    desk_close(&d);
  }
}

/* The connection serves others as soon as the last compressed byte is here. */
TEST(its_connection_is_given_back_before_its_last_byte_is_decoded) {
  struct desk d;
  struct side s;
  struct hn_content c = {0};
  uint64_t n = 0;
  content_open(&s, &d, 0);
  CHECK_INT(content_begin(&c, &s.x, HN_CODING_GZIP, 100000), 0);
  CHECK_INT(content_available(&c, &s.x, &n), 0);
  CHECK_INT(n, CONTENT_SIZE);
  CHECK_INT(desk_count(&d.pool.idle), 1);
  CHECK(!content_is_done(&c, &s.x));
  CHECK_INT(content_all(&c, &s, &d), CONTENT_SIZE);
  CHECK(content_is_done(&c, &s.x));
  content_end(&c, &s.x);
  side_close(&s);
  parts_fini(&d.env.parts);
  desk_close(&d);
}

TEST_MAIN(ROW(what_the_answer_says_is_undone_when_it_was_asked_for),
          ROW(its_connection_is_given_back_before_its_last_byte_is_decoded))
