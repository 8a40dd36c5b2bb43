#include "tls_pair_fixture.h"

enum {
  CA = HN_SECURE_INVALID_CA,
  NAME = HN_SECURE_CERT_CN_INVALID,
  DATE = HN_SECURE_CERT_DATE_INVALID,
  USAGE = HN_SECURE_CERT_WRONG_USAGE,
};

struct refusal_row {
  const char *host, *names, *usage;
  long from, to;
  uint32_t secure;
  const char *detail; /* its beginning */
};

static const struct refusal_row refusals[] = {
    {"localhost", "DNS:wrong.example", NULL, -1, 1, HN_SECURE_CERT_CN_INVALID,
     "certificate is for \"wrong.example\", not \"localhost\""},
    {"localhost", "DNS:a.example,DNS:b.example,IP:127.0.0.1", NULL, -1, 1,
     HN_SECURE_CERT_CN_INVALID,
     "certificate is for \"a.example\" and others, not \"localhost\""},
    {"127.0.0.2", "IP:127.0.0.1", NULL, -1, 1, HN_SECURE_CERT_CN_INVALID,
     "certificate is for \"127.0.0.1\", not \"127.0.0.2\""},
    {"::2", "IP:::1", NULL, -1, 1, HN_SECURE_CERT_CN_INVALID,
     "certificate is for \"::1\", not \"::2\""},
    {"127.0.0.1", "DNS:127.0.0.1", NULL, -1, 1, HN_SECURE_CERT_CN_INVALID,
     "certificate is for"},
    {"some.example", NULL, NULL, -1, 1, HN_SECURE_CERT_CN_INVALID,
     "certificate names no host (subjectAltName), not \"some.example\""},
    {"www.example.org", "DNS:w*.example.org", NULL, -1, 1,
     HN_SECURE_CERT_CN_INVALID, "certificate is for"},
    {"a.b.example.org", "DNS:*.example.org", NULL, -1, 1,
     HN_SECURE_CERT_CN_INVALID, "certificate is for"},
    {"localhost", "DNS:localhost", NULL, -20, -10, HN_SECURE_CERT_DATE_INVALID,
     "certificate has expired (20"},
    {"localhost", "DNS:localhost", NULL, 10, 20, HN_SECURE_CERT_DATE_INVALID,
     "certificate is not valid yet"},
    {"localhost", "DNS:localhost", "clientAuth", -1, 1,
     HN_SECURE_CERT_WRONG_USAGE, "certificate refused: "},
};

TEST(bad_certificates) {
  const struct hn_tls_options o = pair_options();
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
    const struct refusal_row *row = &refusals[i];
    struct fixture_cert cert = pair_leaf(
        row->names, row->usage, row->from * FIXTURE_DAY, row->to * FIXTURE_DAY);
    struct pair p;
    test_label(row->detail);
    CHECK_INT(pair_open(&p, &o, &cert, slice_of(row->host)), 0);
    pair_check_refused(&p, row->secure, row->detail);
    CHECK(p.client->system != 0);
    pair_close(&p);
    fixture_drop(&cert);
  }
}

static const struct {
  const char *host, *names;
  bool matches;
} wildcards[] = {
    {"www.example.org", "DNS:*.example.org", true},
    {"a_b.example.org", "DNS:*.example.org", true},
    {"_x-1_.EXAMPLE.org", "DNS:x.test,DNS:*.Example.ORG", true},
    {"a_b.example.org.", "DNS:*.example.org", true},
    {"www.a_b.example.org", "DNS:*.a_b.example.org", true},
    {"a_b.example.org", "DNS:a_b.example.org", true},
    {"a_b.example.org", "DNS:*.example.com", false},
    {"a_b.example.org", "DNS:a-b.example.org", false},
    {"c.a_b.example.org", "DNS:*.example.org", false},
    {"a_b.example", "DNS:*.example", false},
    {"a_b.example.org", "DNS:a*.example.org", false},
    {"a_b.example.org", "DNS:*b.example.org", false},
    {"a_b.example.org", "DNS:*_b.example.org", false},
    {"a_b.example.org", "DNS:a_b.*.org", false},
    {"a_b.example.org", "DNS:*.*.org", false},
    {"a_b.example.org", "DNS:**.example.org", false},
    {"a_b.example.org", "DNS:*xexample.org", false},
    {"example_.org", "DNS:*.example_.org", false},
    {"a_b", "DNS:*", false},
    {"a_b.example.org", "email:*.example.org", false},
    {"a!_b.example.org", "DNS:*.example.org", false},
    {"a_b..example.org", "DNS:*..example.org", false},
};

/* As other clients see it: a wildcard is one whole label, underscores or no. */
TEST(wildcards_and_underscores) {
  const struct hn_tls_options o = pair_options();
  for (size_t i = 0; i < sizeof wildcards / sizeof *wildcards; i++) {
    struct fixture_cert cert =
        pair_leaf(wildcards[i].names, NULL, -FIXTURE_DAY, FIXTURE_DAY);
    struct pair p;
    char label[80];
    snprintf(label, sizeof label, "%s, %s", wildcards[i].host,
             wildcards[i].names);
    test_label(label);
    CHECK_INT(pair_open(&p, &o, &cert, slice_of(wildcards[i].host)), 0);
    if (!wildcards[i].matches)
      pair_check_refused(&p, NAME, "certificate ");
    else if (CHECK_INT(pair_handshake(&p), 0))
      pair_check_exchange(&p);
    pair_close(&p);
    fixture_drop(&cert);
  }
}

TEST(unknown_authorities) {
  const struct hn_tls_options o = pair_options();
  struct fixture_cert stranger = fixture_authority("A Str\"nger");
  struct fixture_wish w = {.name = "x",
                           .names = "DNS:localhost",
                           .from = -FIXTURE_DAY,
                           .to = FIXTURE_DAY};
  struct fixture_cert strange = fixture_sign(&w, &stranger);
  struct fixture_cert own = fixture_sign(&w, NULL);
  struct pair p;
  CHECK_INT(pair_open(&p, &o, &strange, slice_of("localhost")), 0);
  pair_check_refused(&p, CA,
                     "certificate authority unknown: A Str?nger (name its "
                     "issuer with the ca_file option)");
  pair_close(&p);
  CHECK_INT(pair_open(&p, &o, &own, slice_of("localhost")), 0);
  pair_check_refused(&p, CA,
                     "certificate authority unknown: self-signed certificate "
                     "(name its issuer with the ca_file option)");
  pair_close(&p);
  fixture_drop(&strange);
  fixture_drop(&own);
  fixture_drop(&stranger);
}

/* A certificate with any mixture of the four faults that can be forgiven. */
static struct fixture_cert faulty(uint32_t faults) {
  struct fixture_wish w = {
      .name = "x",
      .names = faults & NAME ? "DNS:wrong.example" : "DNS:localhost",
      .usage = faults & USAGE ? "clientAuth" : "serverAuth",
      .from = -20 * FIXTURE_DAY,
      .to = faults & DATE ? -10 * FIXTURE_DAY : FIXTURE_DAY,
  };
  return fixture_sign(&w, faults & CA ? NULL : &authority);
}

static const struct {
  uint32_t flag, bit;
} forgiven[] = {
    {HN_TLS_IGNORE_UNKNOWN_CA, CA},
    {HN_TLS_IGNORE_WRONG_USAGE, USAGE},
    {HN_TLS_IGNORE_CN_INVALID, NAME},
    {HN_TLS_IGNORE_DATE_INVALID, DATE},
};

static uint32_t pick(size_t mask, bool flags) {
  uint32_t sum = 0;
  for (size_t i = 0; i < 4; i++)
    if (mask >> i & 1) sum |= flags ? forgiven[i].flag : forgiven[i].bit;
  return sum;
}

/* Every mixture of faults with every mixture of flags: what is not forgiven is
 * reported, all of it and nothing else. */
TEST(every_fault_with_every_flag) {
  struct hn_tls_options o = pair_options();
  for (size_t faults = 0; faults < 16; faults++) {
    struct fixture_cert cert = faulty(pick(faults, false));
    for (size_t flags = 0; flags < 16; flags++) {
      char label[40];
      struct pair p;
      uint32_t left = pick(faults, false) & ~pick(flags, false);
      snprintf(label, sizeof label, "faults %zu, flags %zu", faults, flags);
      test_label(label);
      o.ignore = pick(flags, true);
      CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
      int rc = pair_handshake(&p);
      CHECK_INT(rc, left ? HN_ERR_SECURE_FAILURE : 0);
      CHECK_INT(p.client->secure, left);
      CHECK((p.client->detail != NULL) == (left != 0));
      if (rc == 0) pair_check_exchange(&p);
      pair_close(&p);
    }
    fixture_drop(&cert);
  }
}

TEST(several_faults_in_words) {
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = faulty(CA | NAME | DATE | USAGE);
  struct pair p;
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  CHECK_INT(pair_handshake(&p), HN_ERR_SECURE_FAILURE);
  CHECK_TEXT(slice_of(p.client->detail),
             "certificate authority unknown: self-signed certificate (name its "
             "issuer with the ca_file option); also for another host, out of "
             "date, not for servers");
  pair_close(&p);
  fixture_drop(&cert);
}

/* Flags forgive what they name, not a forgery. */
TEST(a_forged_signature) {
  struct hn_tls_options o = pair_options();
  struct fixture_cert forger = fixture_authority("Test Authority");
  struct fixture_wish w = {.name = "x",
                           .names = "DNS:localhost",
                           .from = -FIXTURE_DAY,
                           .to = FIXTURE_DAY};
  struct fixture_cert cert = fixture_sign(&w, &forger);
  struct pair p;
  o.ignore = HN_TLS_IGNORE_WRONG_USAGE | HN_TLS_IGNORE_CN_INVALID |
             HN_TLS_IGNORE_DATE_INVALID | HN_TLS_IGNORE_WEAK_SIGNATURE;
  for (int i = 0; i < 2; i++) {
    CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
    pair_check_refused(&p, HN_SECURE_INVALID_CERT, "certificate refused: ");
    pair_close(&p);
    o.ignore |= HN_TLS_IGNORE_UNKNOWN_CA;
  }
  o.ignore = HN_TLS_IGNORE_INVALID_CERT;
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  CHECK_INT(pair_handshake(&p), 0);
  pair_close(&p);
  fixture_drop(&cert);
  fixture_drop(&forger);
}

TEST(a_weak_signature) {
  struct hn_tls_options o = pair_options();
  struct fixture_wish w = {.name = "x",
                           .names = "DNS:localhost",
                           .from = -FIXTURE_DAY,
                           .to = FIXTURE_DAY,
                           .hash = EVP_sha1()};
  struct fixture_cert cert = fixture_sign(&w, &authority);
  SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
  struct pair p;
  SSL_CTX_set_security_level(ctx, 0);
  CHECK(SSL_CTX_use_certificate(ctx, cert.cert) == 1);
  CHECK(SSL_CTX_use_PrivateKey(ctx, cert.key) == 1);
  for (int i = 0; i < 3; i++) {
    static const uint32_t ignore[] = {0, HN_TLS_IGNORE_INVALID_CERT,
                                      HN_TLS_IGNORE_WEAK_SIGNATURE};
    o.ignore = ignore[i];
    struct hn_tls_context *c = pair_context(&o);
    CHECK_INT(pair_join(&p, c, ctx, slice_of("localhost"), 443), 0);
    if (i < 2)
      pair_check_refused(&p, HN_SECURE_INVALID_CERT, "certificate refused: ");
    else
      CHECK_INT(pair_handshake(&p), 0);
    pair_close(&p);
    tls_context_free(c);
  }
  SSL_CTX_free(ctx);
  fixture_drop(&cert);
}

/* "sha256//..." of a certificate's key. */
static void pin_of(const struct fixture_cert *c, char out[64]) {
  unsigned char *der = NULL, hash[32];
  int n = i2d_PUBKEY(c->key, &der);
  EVP_Digest(der, (size_t)n, hash, NULL, EVP_sha256(), NULL);
  OPENSSL_free(der);
  memcpy(out, "sha256//", 8);
  EVP_EncodeBlock((unsigned char *)out + 8, hash, 32);
}

TEST(pinned_keys) {
  enum { SERVER = 1, AUTHORITY = 2, OTHER = 4 };
  static const struct {
    int which;
    uint32_t ignore, faults, secure;
  } rows[] = {
      {SERVER, 0, 0, 0},
      {SERVER | OTHER, 0, 0, 0},
      {OTHER | SERVER | AUTHORITY, 0, 0, 0},
      {OTHER, 0, 0, HN_SECURE_INVALID_CERT},
      /* The server's own key is meant, not its authority's. */
      {AUTHORITY, 0, 0, HN_SECURE_INVALID_CERT},
      {OTHER, 0x3300, CA | NAME, HN_SECURE_INVALID_CERT},
      {OTHER, 0x33300, CA | NAME, HN_SECURE_INVALID_CERT},
      {SERVER, 0x3300, CA | NAME, 0},
      /* A pin is asked for beside the rest, not in its place. */
      {SERVER, 0, CA, CA},
      {OTHER, 0, NAME, HN_SECURE_INVALID_CERT | NAME},
  };
  struct fixture_cert other = pair_good_leaf();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_tls_options o = pair_options();
    struct fixture_cert cert = faulty(rows[i].faults);
    const struct fixture_cert *const list[] = {&other, &authority, &cert};
    static const int bits[] = {OTHER, AUTHORITY, SERVER};
    char pins[256] = "", label[16];
    struct pair p;
    snprintf(label, sizeof label, "row %zu", i);
    test_label(label);
    for (int k = 0; k < 3; k++) {
      char pin[64];
      if (!(rows[i].which & bits[k])) continue;
      pin_of(list[k], pin);
      if (pins[0]) strcat(pins, ";");
      strcat(pins, pin);
    }
    o.pins = pins;
    o.ignore = rows[i].ignore;
    CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
    CHECK_INT(pair_handshake(&p), rows[i].secure ? HN_ERR_SECURE_FAILURE : 0);
    CHECK_INT(p.client->secure, rows[i].secure);
    if (rows[i].secure == HN_SECURE_INVALID_CERT) {
      char pin[64];
      pin_of(&cert, pin);
      CHECK(strstr(p.client->detail, "not one of the pinned: ") != NULL);
      CHECK(strstr(p.client->detail, pin) != NULL);
    }
    pair_close(&p);
    fixture_drop(&cert);
  }
  fixture_drop(&other);
}

TEST(lists_of_pins) {
#define A43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
  static const struct {
    const char *pins;
    bool good;
  } rows[] = {
      {"sha256//" A43 "=", true},
      {"sha256//" A43 "=;sha256//" A43 "=", true},
      {"", false},
      {";", false},
      {"sha256//" A43 "=;", false},
      {"sha256//" A43, false},
      {"sha256//" A43 "A", false},
      {"sha256//" A43 "==", false},
      {"sha1//" A43 "=", false},
      {"SHA256//" A43 "=", false},
      {A43 "=", false},
      {"sha256//" A43 "=, sha256//" A43 "=", false},
      {"sha256//-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},
      {"/etc/key.pem", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_tls_options o = pair_options();
    struct hn_tls_context *c = NULL;
    const char *detail = NULL;
    test_label(rows[i].pins);
    o.pins = rows[i].pins;
    CHECK_INT(fixture_context(&o, &c, &detail),
              rows[i].good ? 0 : HN_ERR_INVALID_PARAMETER);
    CHECK((detail != NULL) == !rows[i].good);
    tls_context_free(c);
  }
}

PAIR_MAIN(ROW(bad_certificates), ROW(wildcards_and_underscores),
          ROW(unknown_authorities), ROW(every_fault_with_every_flag),
          ROW(several_faults_in_words), ROW(a_forged_signature),
          ROW(a_weak_signature), ROW(pinned_keys), ROW(lists_of_pins))
