#include "tls_pair_fixture.h"

#include <errno.h>

/* The client's own certificate in every form, made by make_files. */
static char pem_both[] = "/tmp/hn_both_XXXXXX";
static char pem_cert[] = "/tmp/hn_cert_XXXXXX";
static char pem_key[] = "/tmp/hn_key_XXXXXX";
static char pem_locked[] = "/tmp/hn_lock_XXXXXX";
static char pem_alien[] = "/tmp/hn_alien_XXXXXX";
static char pem_rsa[] = "/tmp/hn_rsa_XXXXXX";
static char bag_locked[] = "/tmp/hn_bag_XXXXXX";
static char bag_open[] = "/tmp/hn_open_XXXXXX";
static struct fixture_cert me;

static char *const files[] = {pem_both,  pem_cert, pem_key,    pem_locked,
                              pem_alien, pem_rsa,  bag_locked, bag_open};

static void make_files(void) {
  struct fixture_wish w = {.name = "me",
                           .usage = "clientAuth",
                           .from = -FIXTURE_DAY,
                           .to = FIXTURE_DAY};
  struct fixture_cert other = pair_good_leaf();
  EVP_PKEY *rsa = EVP_RSA_gen(2048);
  me = fixture_sign(&w, &authority);
  fixture_write_key(me.key, me.cert, NULL, pem_both);
  fixture_write_pem(me.cert, pem_cert);
  fixture_write_key(me.key, NULL, NULL, pem_key);
  fixture_write_key(me.key, me.cert, "open sesame", pem_locked);
  fixture_write_key(other.key, NULL, NULL, pem_alien);
  fixture_write_key(rsa, NULL, NULL, pem_rsa);
  fixture_write_bag(&me, "open sesame", bag_locked);
  fixture_write_bag(&me, NULL, bag_open);
  EVP_PKEY_free(rsa);
  fixture_drop(&other);
}

static void drop_files(void) {
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    size_t n = strlen(files[i]);
    unlink(files[i]);
    memcpy(files[i] + n - 6, "XXXXXX", 6);
  }
  fixture_drop(&me);
}

struct row {
  const char *cert, *key, *password;
  const char *detail; /* NULL: it loads */
};

static const struct row rows[] = {
    {pem_both, NULL, NULL, NULL},
    {pem_both, NULL, "not needed", NULL},
    {pem_cert, pem_key, NULL, NULL},
    {pem_both, pem_key, NULL, NULL},
    {pem_locked, NULL, "open sesame", NULL},
    {pem_cert, pem_locked, "open sesame", NULL},
    {bag_locked, NULL, "open sesame", NULL},
    {bag_open, NULL, NULL, NULL},
    {bag_open, NULL, "", NULL},
    {"/nowhere/me.pem", NULL, NULL, "client_cert cannot be read"},
    {"/dev/null", NULL, NULL, "client_cert cannot be read"},
    {pem_key, NULL, NULL, "neither PEM with a certificate nor PKCS#12"},
    {pem_cert, NULL, NULL, "no usable PEM key"},
    {pem_cert, "/nowhere/key.pem", NULL, "client_key cannot be read"},
    {pem_cert, pem_alien, NULL, "not the one its certificate names"},
    {pem_cert, pem_rsa, NULL, "not the one its certificate names"},
    {pem_locked, NULL, NULL, "key needs a password"},
    {pem_locked, NULL, "open sesam", "password of the client's key is wrong"},
    {pem_locked, NULL, "", "password of the client's key is wrong"},
    {bag_locked, NULL, NULL, "(PKCS#12) needs a password"},
    {bag_locked, NULL, "wrong", "password of client_cert is wrong"},
};

static void trust_clients(SSL_CTX *ctx, int mode) {
  CHECK(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), authority.cert) == 1);
  SSL_CTX_set_verify(ctx, mode, NULL);
}

enum { DEMANDS = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT };

static void check_row(const struct row *row, const struct fixture_cert *cert) {
  struct hn_tls_options o = pair_options();
  struct hn_tls_context *c = NULL;
  const char *detail = NULL;
  struct pair p;
  o.client_cert = row->cert;
  o.client_key = row->key;
  o.client_password = row->password;
  int rc = fixture_context(&o, &c, &detail);
  CHECK_INT(rc, row->detail ? HN_ERR_SECURE_FAILURE : 0);
  if (row->detail && CHECK(detail != NULL))
    CHECK(strstr(detail, row->detail) || !printf("said: %s\n", detail));
  if (rc != 0) return;
  SSL_CTX *ctx = fixture_server(cert);
  trust_clients(ctx, DEMANDS);
  CHECK_INT(pair_join(&p, c, ctx, slice_of("localhost"), 443), 0);
  CHECK_INT(pair_handshake(&p), 0);
  pair_check_exchange(&p);
  X509 *shown = SSL_get1_peer_certificate(p.server);
  CHECK(shown && X509_cmp(shown, me.cert) == 0);
  X509_free(shown);
  pair_close(&p);
  SSL_CTX_free(ctx);
  tls_context_free(c);
}

TEST(every_form) {
  struct fixture_cert cert = pair_good_leaf();
  make_files();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char label[80];
    snprintf(label, sizeof label, "row %zu: %s", i, rows[i].cert);
    test_label(label);
    check_row(&rows[i], &cert);
  }
  drop_files();
  fixture_drop(&cert);
}

/* The server knows the authority at the top only. */
TEST(those_between_are_shown) {
  struct fixture_wish w = {.name = "middle",
                           .from = -FIXTURE_DAY,
                           .to = FIXTURE_DAY,
                           .authority = true};
  struct fixture_cert cert = pair_good_leaf();
  struct fixture_cert middle = fixture_sign(&w, &authority);
  w.authority = false;
  w.name = "low";
  struct fixture_cert low = fixture_sign(&w, &middle);
  STACK_OF(X509) *between = sk_X509_new_null();
  sk_X509_push(between, middle.cert);
  for (int i = 0; i < 3; i++) {
    char path[] = "/tmp/hn_chain_XXXXXX";
    struct hn_tls_options o = pair_options();
    struct hn_tls_context *c = NULL;
    const char *detail = NULL;
    struct pair p;
    FILE *f = fixture_file(path);
    if (!f) break;
    test_label(i == 0 ? "PEM" : i == 1 ? "PKCS#12" : "spoiled");
    if (i == 1) {
      PKCS12 *bag =
          PKCS12_create("", "me", low.key, low.cert, between, 0, 0, 0, 0, 0);
      CHECK(i2d_PKCS12_fp(f, bag) == 1);
      PKCS12_free(bag);
    } else {
      PEM_write_X509(f, low.cert);
      PEM_write_X509(f, middle.cert);
      PEM_write_PKCS8PrivateKey(f, low.key, NULL, NULL, 0, NULL, NULL);
      if (i == 2) fputs("-----BEGIN CERTIFICATE-----\n!\n", f);
    }
    fclose(f);
    o.client_cert = path;
    int rc = fixture_context(&o, &c, &detail);
    CHECK_INT(rc, i == 2 ? HN_ERR_SECURE_FAILURE : 0);
    if (rc == 0) {
      SSL_CTX *ctx = fixture_server(&cert);
      trust_clients(ctx, DEMANDS);
      CHECK_INT(pair_join(&p, c, ctx, slice_of("localhost"), 443), 0);
      CHECK_INT(pair_handshake(&p), 0);
      pair_check_exchange(&p);
      CHECK_INT(sk_X509_num(SSL_get_peer_cert_chain(p.server)), 1);
      pair_close(&p);
      SSL_CTX_free(ctx);
    }
    tls_context_free(c);
    unlink(path);
  }
  sk_X509_free(between);
  fixture_drop(&low);
  fixture_drop(&middle);
  fixture_drop(&cert);
}

/* Steps until the connection works or fails; with TLS 1.3 the first read is
 * what tells. */
static int settle(struct pair *p) {
  char text[8];
  size_t n = 0;
  int rc = pair_handshake(p);
  if (rc != 0) return rc;
  pair_carry(p);
  if (SSL_is_init_finished(p->server)) SSL_write(p->server, "hi", 2);
  pair_carry(p);
  rc = p->client->ops->read(p->client, text, 8, &n);
  return rc == HN_AGAIN ? p->client->ops->read(p->client, text, 8, &n) : rc;
}

static const uint32_t versions[] = {HN_TLS_1_2, HN_TLS_1_3};

TEST(with_nothing_to_show) {
  struct fixture_cert cert = pair_good_leaf();
  static const int modes[] = {SSL_VERIFY_NONE, SSL_VERIFY_PEER, DEMANDS};
  for (size_t i = 0; i < 6; i++) {
    struct hn_tls_options o = pair_options();
    struct pair p;
    char text[8];
    size_t n;
    o.max_version = versions[i % 2];
    CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
    trust_clients(p.ctx, SSL_VERIFY_NONE);
    SSL_set_verify(p.server, modes[i / 2], NULL);
    int rc = settle(&p);
    CHECK_INT(rc, i < 4 ? 0 : HN_ERR_CLIENT_AUTH_CERT_NEEDED);
    if (rc != 0) {
      CHECK_TEXT(slice_of(p.client->detail),
                 "the server wants to see a client certificate");
      CHECK_INT(p.client->secure, 0);
      CHECK_INT(p.client->ops->read(p.client, text, 8, &n),
                HN_ERR_CLIENT_AUTH_CERT_NEEDED);
    }
    pair_close(&p);
  }
  fixture_drop(&cert);
}

/* Some servers say nothing and hang up. */
TEST(a_server_that_hangs_up) {
  struct fixture_cert cert = pair_good_leaf();
  struct hn_tls_options o = pair_options();
  struct pair p;
  o.max_version = HN_TLS_1_2;
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  SSL_set_verify(p.server, SSL_VERIFY_PEER, NULL);
  CHECK_INT(p.client->ops->step_connect(p.client), HN_AGAIN);
  pair_carry(&p);
  CHECK_INT(p.client->ops->step_connect(p.client), HN_AGAIN);
  p.wire.ended = true;
  CHECK_INT(p.client->ops->step_connect(p.client), HN_ERR_CONNECTION_ERROR);
  CHECK(strstr(p.client->detail, "asked for a client certificate") != NULL);
  pair_close(&p);
  fixture_drop(&cert);
}

/* With TLS 1.3 a reset may take the server's alert along. */
TEST(a_server_that_is_gone_after_our_finished) {
  static const struct {
    const char *label;
    bool asks, greets, reset;
    uint32_t version;
    int code;
  } cases[] = {
      {"ended", true, false, false, HN_TLS_1_3, HN_ERR_CLIENT_AUTH_CERT_NEEDED},
      {"reset", true, false, true, HN_TLS_1_3, HN_ERR_CLIENT_AUTH_CERT_NEEDED},
      {"never asked", false, false, false, HN_TLS_1_3, HN_ERR_CONNECTION_ERROR},
      {"gave a ticket", true, true, false, HN_TLS_1_3, HN_ERR_CONNECTION_ERROR},
      {"TLS 1.2", true, true, true, HN_TLS_1_2, HN_ERR_CONNECTION_ERROR},
  };
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct hn_tls_options o = pair_options();
    struct pair p;
    char text[8];
    size_t n = 99;
    test_label(cases[i].label);
    o.max_version = cases[i].version;
    CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
    if (cases[i].asks) SSL_set_verify(p.server, SSL_VERIFY_PEER, NULL);
    CHECK_INT(p.client->ops->step_connect(p.client), HN_AGAIN);
    pair_carry(&p);
    int rc = p.client->ops->step_connect(p.client);
    if (cases[i].greets) pair_carry(&p);
    if (rc == HN_AGAIN) rc = p.client->ops->step_connect(p.client);
    CHECK_INT(rc, 0);
    if (cases[i].greets)
      CHECK_INT(p.client->ops->read(p.client, text, 8, &n), HN_AGAIN);
    p.wire.ended = !cases[i].reset;
    p.wire.broken = cases[i].reset ? ECONNRESET : 0;
    CHECK_INT(p.client->ops->read(p.client, text, 8, &n), cases[i].code);
    CHECK_INT(p.client->system, p.wire.broken);
    bool said = p.client->detail && strstr(p.client->detail, "hung up after");
    CHECK_INT(said, cases[i].code == HN_ERR_CLIENT_AUTH_CERT_NEEDED);
    CHECK_INT(n, 99);
    pair_close(&p);
  }
  fixture_drop(&cert);
}

/* A certificate that the server does not accept is another matter than none. */
TEST(a_certificate_that_is_refused) {
  struct fixture_cert cert = pair_good_leaf();
  make_files();
  for (size_t i = 0; i < 2; i++) {
    struct hn_tls_options o = pair_options();
    struct pair p;
    o.max_version = versions[i];
    o.client_cert = pem_both;
    CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
    SSL_set_verify(p.server, DEMANDS, NULL); /* and trusts nobody */
    CHECK_INT(settle(&p), HN_ERR_SECURE_FAILURE);
    CHECK_INT(p.client->secure, HN_SECURE_CHANNEL_ERROR);
    CHECK(strstr(p.client->detail, "unknown ca") != NULL);
    pair_close(&p);
  }
  drop_files();
  fixture_drop(&cert);
}

PAIR_MAIN(ROW(every_form), ROW(those_between_are_shown),
          ROW(with_nothing_to_show), ROW(a_server_that_hangs_up),
          ROW(a_server_that_is_gone_after_our_finished),
          ROW(a_certificate_that_is_refused))
