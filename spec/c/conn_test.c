/*
 * conn_test.c: what a connection asks of the reactor, over a stream that
 * answers what it is told to.
 */
#include "net_fixture.h"

#include "../../csrc/http/conn.h"

/* A stream on one end of a socket pair. What it wants is what its last call
 * wanted, as with the real ones. */
struct fake {
  struct hn_transport base;
  int fd, peer;
  int read, write;                /* what a call answers */
  unsigned read_want, write_want; /* what it waits for when that is AGAIN */
  unsigned want;
  int reads; /* calls so far */
};

static struct fake *fake_of(struct hn_transport *s) {
  return (struct fake *)(void *)s;
}

static int fake_read(struct hn_transport *s, char *p, size_t n, size_t *got) {
  struct fake *f = fake_of(s);
  f->reads++;
  f->want = f->read_want;
  if (f->read != 0) return f->read;
  memset(p, 'r', n);
  *got = n;
  return 0;
}

static int fake_write(struct hn_transport *s, const char *p, size_t n,
                      size_t *put) {
  struct fake *f = fake_of(s);
  (void)p;
  f->want = f->write_want;
  if (f->write == 0) *put = n;
  return f->write;
}

static void fake_nothing(struct hn_transport *s) {
  (void)s;
}

static unsigned fake_want(const struct hn_transport *s) {
  return ((const struct fake *)(const void *)s)->want;
}

static bool fake_has_pending(const struct hn_transport *s) {
  (void)s;
  return false;
}

static int fake_fd(const struct hn_transport *s) {
  return ((const struct fake *)(const void *)s)->fd;
}

static void fake_close(struct hn_transport *s) {
  close(fake_of(s)->fd);
  close(fake_of(s)->peer);
}

static const struct hn_transport_ops fake_ops = {
    .read = fake_read,
    .write = fake_write,
    .shutdown = fake_nothing,
    .want = fake_want,
    .has_pending = fake_has_pending,
    .fd = fake_fd,
    .idle = fake_nothing,
    .close = fake_close,
};

struct bench {
  struct hn_env env;
  struct fake fake;
  struct hn_conn *conn;
};

/* A connection that is through with dialling. */
static void bench_open(struct bench *b) {
  static const struct hn_origin origin = {.host = {"127.0.0.1", 9}, .port = 9};
  const struct hn_connect_limits limits = {
      .resolve_timeout = -1, .connect_timeout = -1, .max_attempts = 1};
  int ends[2];
  memset(b, 0, sizeof *b);
  CHECK(fixture_open(&b->env));
  CHECK_INT(conn_new(&b->env, &origin, &limits, &b->conn), 0);
  dial_free(b->conn->dial);
  b->conn->dial = NULL;
  CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  b->fake = (struct fake){.base = {.ops = &fake_ops},
                          .fd = ends[0],
                          .peer = ends[1],
                          .read_want = HN_WANT_READ,
                          .write_want = HN_WANT_WRITE};
  b->conn->transport = &b->fake.base;
  b->conn->interest = HN_WANT_READ;
  CHECK_INT(reactor_add(b->env.reactor, ends[0], b->conn->tag, HN_WANT_READ),
            0);
}

static void bench_close(struct bench *b) {
  conn_free(b->conn, false);
  fixture_close(&b->env);
}

/* The reactor would report room at once: is it asked to? */
static bool bench_watches_room(struct bench *b) {
  return fixture_wait(&b->env, b->conn->tag, 0);
}

TEST(a_blocked_write_stays_watched_when_a_read_finds_nothing) {
  struct bench b;
  char byte;
  size_t n;
  bench_open(&b);
  b.fake.write = b.fake.read = HN_AGAIN;
  CHECK(!bench_watches_room(&b));
  CHECK_INT(conn_write(b.conn, slice_of("x"), &n), HN_AGAIN);
  CHECK(bench_watches_room(&b));
  /* Something came in that is no data, as a session ticket is. */
  conn_mark_ready(b.conn, HN_WANT_READ);
  CHECK_INT(conn_read(b.conn, &byte, 1, &n), HN_AGAIN);
  CHECK(bench_watches_room(&b));
  b.fake.write = 0;
  CHECK_INT(conn_write(b.conn, slice_of("x"), &n), 0);
  CHECK(!bench_watches_room(&b));
  bench_close(&b);
}

TEST(a_read_that_waits_for_room_is_tried_when_there_is_some) {
  struct bench b;
  char byte;
  size_t n;
  bench_open(&b);
  b.fake.read = HN_AGAIN;
  b.fake.read_want = HN_WANT_WRITE; /* TLS has to answer first */
  conn_mark_ready(b.conn, HN_WANT_READ);
  CHECK_INT(conn_read(b.conn, &byte, 1, &n), HN_AGAIN);
  CHECK(bench_watches_room(&b));
  b.fake.read = 0;
  b.fake.read_want = HN_WANT_READ;
  conn_mark_ready(b.conn, HN_WANT_WRITE);
  CHECK_INT(conn_read(b.conn, &byte, 1, &n), 0);
  CHECK_INT(b.fake.reads, 2);
  bench_close(&b);
}

TEST(a_pause_leaves_only_what_a_write_waits_for) {
  struct bench b;
  size_t n;
  bench_open(&b);
  CHECK(write(b.fake.peer, "x", 1) == 1);
  CHECK(fixture_wait(&b.env, b.conn->tag, 0));
  conn_mark_ready(b.conn, HN_WANT_READ);
  conn_pause(b.conn); /* the first time the caller may still read */
  CHECK(fixture_wait(&b.env, b.conn->tag, 0));
  conn_pause(b.conn);
  CHECK(!fixture_wait(&b.env, b.conn->tag, 0));
  b.fake.write = HN_AGAIN;
  CHECK_INT(conn_write(b.conn, slice_of("x"), &n), HN_AGAIN);
  conn_pause(b.conn);
  CHECK(bench_watches_room(&b));
  CHECK_INT(b.conn->interest, HN_WANT_WRITE);
  bench_close(&b);
}

TEST_MAIN(ROW(a_blocked_write_stays_watched_when_a_read_finds_nothing),
          ROW(a_read_that_waits_for_room_is_tried_when_there_is_some),
          ROW(a_pause_leaves_only_what_a_write_waits_for))
