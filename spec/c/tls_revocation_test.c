#include "tls_pair_fixture.h"

enum {
  FAILED = HN_SECURE_CERT_REV_FAILED,
  REVOKED = HN_SECURE_CERT_REVOKED,
};

/* What the list says of the server's certificate. */
enum list {
  NO_LIST,
  LIST_GOOD,
  LIST_REVOKED,
  LIST_OLD,
  LIST_OLD_REVOKED,
  LIST_FUTURE,
  LIST_OF_OTHERS
};

/* What the server staples. */
enum staple {
  NO_STAPLE,
  GOOD,
  GONE,
  UNKNOWN,
  OLD,
  FUTURE,
  ENDLESS,
  ENDLESS_OLD,
  SHA256_ID,
  BY_DELEGATE,
  BY_STRANGER,
  OF_OTHERS,
  GARBAGE,
  EMPTY,
  TRY_LATER
};

struct scene {
  struct fixture_cert server, other, delegate, stranger;
};

static void scene_make(struct scene *s) {
  struct fixture_wish w = {.name = "OCSP",
                           .usage = "OCSPSigning",
                           .from = -FIXTURE_DAY,
                           .to = FIXTURE_DAY};
  s->server = pair_good_leaf();
  s->other = pair_good_leaf();
  s->delegate = fixture_sign(&w, &authority);
  s->stranger = fixture_authority("Stranger");
}

static void scene_drop(struct scene *s) {
  fixture_drop(&s->server);
  fixture_drop(&s->other);
  fixture_drop(&s->delegate);
  fixture_drop(&s->stranger);
}

static void write_list(const struct scene *s, enum list kind, char *path) {
  bool old = kind == LIST_OLD || kind == LIST_OLD_REVOKED;
  bool gone = kind == LIST_REVOKED || kind == LIST_OLD_REVOKED;
  long from = kind == LIST_FUTURE ? FIXTURE_DAY : -2 * FIXTURE_DAY;
  fixture_write_crl(kind == LIST_OF_OTHERS ? &s->stranger : &authority,
                    gone ? s->server.cert : s->other.cert, from,
                    old ? -FIXTURE_DAY : 2 * FIXTURE_DAY, path);
}

static int make_staple(const struct scene *s, enum staple kind,
                       unsigned char **out) {
  struct fixture_answer a = {.about = &s->server,
                             .issuer = &authority,
                             .signer = &authority,
                             .from = -3600,
                             .to = 3600};
  switch (kind) {
  case GONE: a.status = V_OCSP_CERTSTATUS_REVOKED; break;
  case UNKNOWN: a.status = V_OCSP_CERTSTATUS_UNKNOWN; break;
  case OLD:
    a.from = -7200;
    a.to = -3600;
    break;
  case FUTURE:
    a.from = 3600;
    a.to = 7200;
    break;
  case ENDLESS: a.to = 0; break;
  case ENDLESS_OLD:
    a.to = 0;
    a.from = -8 * FIXTURE_DAY;
    break;
  case SHA256_ID: a.hash = EVP_sha256(); break;
  case BY_DELEGATE: a.signer = &s->delegate; break;
  case BY_STRANGER: a.signer = &s->stranger; break;
  case OF_OTHERS: a.about = &s->other; break;
  default: break;
  }
  if (kind == GARBAGE) {
    *out = OPENSSL_malloc(5);
    memcpy(*out, "\x30\x82zzz", 5);
    return 5;
  }
  if (kind == TRY_LATER) { /* responseStatus tryLater, and nothing else */
    *out = OPENSSL_malloc(5);
    memcpy(*out, "\x30\x03\x0a\x01\x03", 5);
    return 5;
  }
  if (kind == EMPTY) {
    *out = OPENSSL_malloc(1);
    return 0;
  }
  return fixture_ocsp(&a, out);
}

static const struct scene *stapled_scene;
static enum staple stapled;
static int staple_asked;

/* The server's side of the extension. */
static int staple(SSL *ssl, void *arg) {
  unsigned char *der = NULL;
  (void)arg;
  staple_asked++;
  if (stapled == NO_STAPLE) return SSL_TLSEXT_ERR_NOACK;
  int n = make_staple(stapled_scene, stapled, &der);
  SSL_set_tlsext_status_ocsp_resp(ssl, der, n);
  return SSL_TLSEXT_ERR_OK;
}

struct row {
  enum list list;
  enum staple staple;
  bool revocation, offline;
  uint32_t secure;
};

static const struct row rows[] = {
    /* Nobody asks. */
    {NO_LIST, NO_STAPLE, false, false, 0},
    {NO_LIST, GONE, false, false, 0},
    /* Lists alone. */
    {LIST_GOOD, NO_STAPLE, false, false, 0},
    {LIST_REVOKED, NO_STAPLE, false, false, REVOKED},
    {LIST_REVOKED, NO_STAPLE, false, true, REVOKED},
    {LIST_OLD, NO_STAPLE, false, false, FAILED},
    {LIST_OLD, NO_STAPLE, false, true, 0},
    {LIST_OLD_REVOKED, NO_STAPLE, false, false, FAILED | REVOKED},
    {LIST_OLD_REVOKED, NO_STAPLE, false, true, REVOKED},
    {LIST_FUTURE, NO_STAPLE, false, false, FAILED},
    {LIST_OF_OTHERS, NO_STAPLE, false, false, FAILED},
    {LIST_OF_OTHERS, NO_STAPLE, false, true, 0},
    /* Stapled answers alone. */
    {NO_LIST, NO_STAPLE, true, false, FAILED},
    {NO_LIST, NO_STAPLE, true, true, 0},
    {NO_LIST, GOOD, true, false, 0},
    {NO_LIST, GONE, true, false, REVOKED},
    {NO_LIST, GONE, true, true, REVOKED},
    {NO_LIST, UNKNOWN, true, false, FAILED},
    {NO_LIST, OLD, true, false, FAILED},
    {NO_LIST, OLD, true, true, 0},
    {NO_LIST, FUTURE, true, false, FAILED},
    {NO_LIST, ENDLESS, true, false, 0},
    {NO_LIST, ENDLESS_OLD, true, false, FAILED},
    {NO_LIST, SHA256_ID, true, false, 0},
    {NO_LIST, BY_DELEGATE, true, false, 0},
    {NO_LIST, BY_STRANGER, true, false, FAILED},
    {NO_LIST, OF_OTHERS, true, false, FAILED},
    {NO_LIST, GARBAGE, true, false, FAILED},
    {NO_LIST, GARBAGE, true, true, 0},
    {NO_LIST, TRY_LATER, true, false, FAILED},
    /* Both: one that knows is enough, and bad news from either counts. */
    {LIST_GOOD, NO_STAPLE, true, false, 0},
    {LIST_GOOD, GARBAGE, true, false, 0},
    {LIST_GOOD, GONE, true, false, REVOKED},
    {LIST_REVOKED, GOOD, true, false, REVOKED},
    {LIST_OLD, GOOD, true, false, 0},
    {LIST_OLD, NO_STAPLE, true, false, FAILED},
    {LIST_OF_OTHERS, GOOD, true, false, 0},
    {LIST_OF_OTHERS, NO_STAPLE, true, false, FAILED},
};

static void check_row(const struct row *row, const struct scene *s,
                      uint32_t version) {
  char path[] = "/tmp/hn_crl_XXXXXX";
  struct hn_tls_options o = pair_options();
  struct pair p;
  if (row->list != NO_LIST) write_list(s, row->list, path);
  o.crl_file = row->list != NO_LIST ? path : NULL;
  o.max_version = version;
  o.revocation = row->revocation;
  o.revocation_offline_ok = row->offline;
  stapled_scene = s;
  stapled = row->staple;
  staple_asked = 0;
  CHECK_INT(pair_open(&p, &o, &s->server, slice_of("localhost")), 0);
  SSL_CTX_set_tlsext_status_cb(p.ctx, staple);
  int rc = pair_handshake(&p);
  CHECK_INT(rc, row->secure ? HN_ERR_SECURE_FAILURE : 0);
  CHECK_INT(p.client->secure, row->secure);
  CHECK_INT(staple_asked, row->revocation);
  if (rc == 0) pair_check_exchange(&p);
  if (row->secure & FAILED)
    CHECK(p.client->detail && strstr(p.client->detail, "cannot tell whether"));
  if (row->secure == REVOKED)
    CHECK(p.client->detail && strstr(p.client->detail, "revoked"));
  pair_close(&p);
  if (row->list != NO_LIST) unlink(path);
}

TEST(every_case) {
  struct scene s;
  scene_make(&s);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char label[16];
    snprintf(label, sizeof label, "row %zu", i);
    test_label(label);
    check_row(&rows[i], &s, HN_TLS_1_2);
    check_row(&rows[i], &s, HN_TLS_1_3);
  }
  scene_drop(&s);
}

/* Other faults are reported beside this one. */
TEST(with_other_faults) {
  struct scene s;
  char path[] = "/tmp/hn_crl_XXXXXX";
  struct hn_tls_options o = pair_options();
  struct pair p;
  scene_make(&s);
  write_list(&s, LIST_REVOKED, path);
  o.crl_file = path;
  CHECK_INT(pair_open(&p, &o, &s.server, slice_of("wrong.example")), 0);
  pair_check_refused(&p, REVOKED | HN_SECURE_CERT_CN_INVALID, "certificate");
  pair_close(&p);
  unlink(path);
  scene_drop(&s);
}

/* A trusted certificate without an issuer has nobody to revoke it; one that is
 * merely forgiven has nobody to vouch for it. */
TEST(self_signed) {
  for (int i = 0; i < 2; i++) {
    struct fixture_wish w = {.name = "x",
                             .names = "DNS:localhost",
                             .from = -FIXTURE_DAY,
                             .to = FIXTURE_DAY};
    struct fixture_cert own = fixture_sign(&w, NULL);
    char path[] = "/tmp/hn_own_XXXXXX";
    struct hn_tls_options o = pair_options();
    struct pair p;
    fixture_write_pem(own.cert, path);
    if (i == 0)
      o.ca_file = path;
    else
      o.ignore = HN_TLS_IGNORE_UNKNOWN_CA;
    o.revocation = true;
    CHECK_INT(pair_open(&p, &o, &own, slice_of("localhost")), 0);
    int rc = pair_handshake(&p);
    CHECK_INT(rc, 0);
    pair_close(&p);
    unlink(path);
    fixture_drop(&own);
  }
}

/* Each handshake asks anew. */
TEST(nothing_is_resumed) {
  struct scene s;
  struct hn_tls_options o = pair_options();
  scene_make(&s);
  o.revocation = true;
  stapled_scene = &s;
  for (int i = 0; i < 2; i++) {
    o.max_version = i == 0 ? HN_TLS_1_2 : HN_TLS_1_3;
    struct hn_tls_context *c = pair_context(&o);
    SSL_CTX *ctx = fixture_server(&s.server);
    SSL_CTX_set_tlsext_status_cb(ctx, staple);
    for (int k = 0; k < 3; k++) {
      struct pair p;
      stapled = k < 2 ? GOOD : GONE;
      CHECK_INT(pair_join(&p, c, ctx, slice_of("localhost"), 443), 0);
      CHECK_INT(pair_handshake(&p), k < 2 ? 0 : HN_ERR_SECURE_FAILURE);
      if (k < 2) pair_check_exchange(&p);
      CHECK(!SSL_session_reused(p.server));
      pair_close(&p);
    }
    SSL_CTX_free(ctx);
    tls_context_free(c);
  }
  scene_drop(&s);
}

TEST(lists_that_cannot_be_loaded) {
  static const struct {
    const char *file, *detail;
  } bad[] = {{"/nowhere/crl.pem", "crl_file cannot be read"},
             {"/dev/null", "crl_file cannot be read"},
             {authority_pem, "crl_file holds no PEM revocation list"}};
  for (size_t i = 0; i < 3; i++) {
    struct hn_tls_options o = pair_options();
    struct hn_tls_context *c = NULL;
    const char *detail = NULL;
    o.crl_file = bad[i].file;
    CHECK_INT(fixture_context(&o, &c, &detail), HN_ERR_SECURE_FAILURE);
    CHECK_TEXT(slice_of(detail), bad[i].detail);
  }
}

PAIR_MAIN(ROW(every_case), ROW(with_other_faults), ROW(self_signed),
          ROW(nothing_is_resumed), ROW(lists_that_cannot_be_loaded))
