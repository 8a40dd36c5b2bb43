/*
 * identity_test.c: how identities are loaded, a slice at a time, and what is
 * left of the secrets that open one.
 */
#include <fcntl.h>

#include "../../csrc/handles/session.h"
#include "serve_fixture.h"
#include "tls_fixture.h"

enum { SECRET = 24, PIECE = 1 << 16 };

/* The password in disguise: the test must not find its own. */
static const unsigned char disguised[SECRET] =
    "\x12\x34\x28\x3f\x3c\x2f\x29\x3b\x36\x05\x0f\x34\x3e\x3f\x28\x05\x0a\x3b"
    "\x29\x29\x2a\x35\x28";

static void reveal(char out[SECRET + 1]) {
  for (int i = 0; i < SECRET; i++) out[i] = (char)(disguised[i] ^ 0x5a);
  out[SECRET] = '\0';
}

static bool is_secret(const unsigned char *p) {
  int i = 0;
  while (i < SECRET && (p[i] ^ 0x5a) == disguised[i]) i++;
  return i == SECRET;
}

/* How often it stands in these bytes of this process, freed ones included. */
static int count_in(int memory, unsigned long from, unsigned long to) {
  static unsigned char piece[PIECE + 2 * SECRET];
  const unsigned char first = disguised[0] ^ 0x5a;
  int found = 0;
  for (unsigned long at = from; at < to; at += PIECE) {
    size_t n = to - at < PIECE + SECRET ? to - at : PIECE + SECRET;
    ssize_t got = pread(memory, piece, n, (off_t)at);
    const unsigned char *p = piece, *end = piece + (got < PIECE ? got : PIECE);
    while (p < end && (p = memchr(p, first, (size_t)(end - p))) != NULL)
      found += is_secret(p++);
  }
  return found;
}

static int count_secrets(void) {
  unsigned long from, to;
  char line[512], mode[8];
  int found = 0, memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof line, maps)) {
    if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3) continue;
    bool ours = strstr(line, "[heap]") || !strchr(line, '/');
    /* The sanitizer's shadow is terabytes of nothing. */
    if (mode[0] == 'r' && mode[1] == 'w' && ours && to - from < 1ul << 28)
      found += count_in(memory, from, to);
  }
  if (maps) fclose(maps);
  close(memory);
  return found;
}

static void set_secret(struct client *c, hn_handle h) {
  char secret[SECRET + 1];
  reveal(secret);
  client_set_text(c, h, "client_cert_password", secret);
  mem_wipe(secret, sizeof secret);
}

static void serve_nothing(int fd) {
  (void)fd; /* and hangs up */
}

static char locked_pem[] = "/tmp/hn_lock_XXXXXX";
static char bag[] = "/tmp/hn_bag_XXXXXX";

static void make_files(void) {
  char secret[SECRET + 1];
  struct fixture_cert me = fixture_authority("me");
  reveal(secret);
  fixture_write_key(me.key, me.cert, secret, locked_pem);
  fixture_write_bag(&me, secret, bag);
  mem_wipe(secret, sizeof secret);
  fixture_drop(&me);
}

/* Everything that a password comes by: the handle's text, one that replaces
 * it, the options of a connection that were copied, the library. */
TEST(a_password_leaves_nothing_behind) {
  make_files();
  int before = count_secrets();
  for (int i = 0; i < 4; i++) {
    struct hn_request_spec spec = {.flags = HN_REQUEST_SECURE};
    struct serve s;
    struct client c;
    struct hn_event e;
    hn_handle r;
    test_label(i % 2 ? "of a request" : "of a session");
    serve_start(&s, serve_nothing);
    client_open(&c, s.port, 0);
    CHECK_INT(hn_open_request(c.rt, c.connection, &spec, &r), 0);
    set_secret(&c, i % 2 ? r : c.session);
    CHECK(count_secrets() > before); /* or it would not be found either */
    client_set_text(&c, c.session, "client_cert_context",
                    i < 2 ? locked_pem : bag);
    client_set_text(&c, c.session, "ca_file", locked_pem);
    CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
    CHECK(!client_await(&c, r, HN_OP_SEND_REQUEST, &e));
    set_secret(&c, i % 2 ? r : c.session);
    client_set_text(&c, i % 2 ? r : c.session, "client_cert_password", "other");
    hn_runtime_free(c.rt);
    serve_stop(&s);
    CHECK_INT(count_secrets(), before);
  }
  unlink(locked_pem);
  unlink(bag);
}

enum { COPIES = 400, MANY = 20 };

static char bundle[] = "/tmp/hn_many_XXXXXX";

/* More certificates than one slice can be enough for. */
static void make_bundle(void) {
  struct fixture_cert one = fixture_authority("one");
  FILE *f = fixture_file(bundle);
  for (int i = 0; f && i < COPIES; i++) PEM_write_X509(f, one.cert);
  if (f) fclose(f);
  fixture_drop(&one);
}

static struct hn_identities *identities_in(struct client *c) {
  struct hn_node *n = NULL;
  CHECK_INT(node_find(c->rt, c->session, HN_KIND_SESSION, &n), 0);
  return &session_of(n)->identities;
}

/* However many ask for it. */
TEST(one_slice_is_loaded_a_step) {
  const struct hn_tls_options o = {.ca_file = bundle};
  struct hn_tls_context *tls = NULL;
  const char *detail = NULL;
  struct client c;
  int rc = HN_AGAIN, steps = 0;
  make_bundle();
  client_open(&c, 1, 0);
  struct hn_identities *s = identities_in(&c);
  c.rt->env.now_us = 1000;
  for (int i = 0; i < 2 * COPIES; i++)
    if (!CHECK_INT(identity_get(s, &o, &tls, &detail), HN_AGAIN)) break;
  while (rc == HN_AGAIN && ++steps < 2 * COPIES) {
    c.rt->env.now_us++;
    rc = identity_get(s, &o, &tls, &detail);
  }
  CHECK_INT(rc, 0);
  CHECK(tls != NULL);
  /* The same one from then on, in whatever step. */
  struct hn_tls_context *again = NULL;
  CHECK_INT(identity_get(s, &o, &again, &detail), 0);
  CHECK(again == tls);
  hn_runtime_free(c.rt);
  unlink(bundle);
}

/* Each would push another one out before its next turn. */
TEST(more_than_are_kept_are_all_loaded) {
  bool loaded[MANY] = {false};
  int left = MANY, crowded = 0;
  struct client c;
  strcpy(bundle + strlen(bundle) - 6, "XXXXXX");
  make_bundle();
  client_open(&c, 1, 0);
  struct hn_identities *s = identities_in(&c);
  for (int step = 0; step < 2 * COPIES && left > 0 && crowded < 10; step++) {
    c.rt->env.now_us = 1000 + step;
    crowded += left > HN_IDENTITIES;
    for (int i = 0; i < MANY; i++) {
      const struct hn_tls_options o = {.ca_file = bundle,
                                       .ignore = (uint32_t)i};
      struct hn_tls_context *tls;
      const char *detail;
      if (loaded[i]) continue;
      int rc = identity_get(s, &o, &tls, &detail);
      CHECK(rc == 0 || rc == HN_AGAIN);
      loaded[i] = rc == 0;
      left -= loaded[i];
    }
    /* As long as there is room, nobody is hurried. */
    if (step == 0) CHECK(left >= HN_IDENTITIES);
  }
  CHECK_INT(left, 0);
  hn_runtime_free(c.rt);
  unlink(bundle);
}

/* What each is taken to cost is paid as long as it is kept, and the one used
 * longest ago goes. */
TEST(so_many_are_kept_and_paid_for) {
  struct client c;
  struct hn_tls_context *tls;
  const char *detail;
  strcpy(bundle + strlen(bundle) - 6, "XXXXXX");
  make_bundle();
  client_open(&c, 1, 0);
  struct hn_identities *s = identities_in(&c);
  const struct hn_account *account = &c.rt->env.account;
  size_t before = account->used;
  for (int i = 0; i < HN_IDENTITIES + 2; i++) {
    const struct hn_tls_options o = {.ca_file = bundle, .ignore = (uint32_t)i};
    size_t kept = i < HN_IDENTITIES ? (size_t)i + 1 : HN_IDENTITIES;
    (void)identity_get(s, &o, &tls, &detail);
    CHECK_INT((account->used - before) / HN_IDENTITY_COST, kept);
  }
  identities_fini(s);
  CHECK((account->used - before) / HN_IDENTITY_COST == 0);
  hn_runtime_free(c.rt);
  unlink(bundle);
}

TEST_MAIN(ROW(one_slice_is_loaded_a_step),
          ROW(more_than_are_kept_are_all_loaded),
          ROW(so_many_are_kept_and_paid_for),
          ROW(a_password_leaves_nothing_behind))
