#include "tls_pair_fixture.h"

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *n,
                       const unsigned char *in, unsigned in_size, void *arg) {
  (void)ssl;
  (void)arg;
  (void)in_size;
  *out = in + 1;
  *n = *in;
  return SSL_TLSEXT_ERR_OK;
}

/* A stream of another kind on top. */
static struct hn_transport above(struct hn_transport *s) {
  return (struct hn_transport){.ops = &wire_ops, .next = s};
}

TEST(what_was_agreed) {
  static const struct {
    uint32_t version;
    const char *cipher;
    unsigned bits;
  } rows[] = {
      {HN_TLS_1_3, "TLS_AES_128_GCM_SHA256", 128},
      {HN_TLS_1_2, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 256},
  };
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < 2; i++) {
    struct hn_tls_options o = pair_options();
    struct hn_tls_info info;
    struct pair p;
    o.max_version = rows[i].version;
    CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
    if (i == 0) SSL_CTX_set_alpn_select_cb(p.ctx, choose_alpn, NULL);
    CHECK(!tls_get_info(p.client, &info));
    CHECK_INT(p.client->ops->step_connect(p.client), HN_AGAIN);
    CHECK(!tls_get_info(p.client, &info));
    CHECK_INT(pair_handshake(&p), 0);
    struct hn_transport top = above(p.client);
    if (CHECK(tls_get_info(&top, &info))) {
      CHECK_INT(info.protocol, rows[i].version);
      CHECK_TEXT(slice_of(info.cipher), rows[i].cipher);
      CHECK_INT(info.key_bits, rows[i].bits);
      CHECK(!info.resumed);
      if (i == 0) CHECK_TEXT(info.alpn, "http/1.1");
      if (i == 1) CHECK(info.alpn.n == 0);
    }
    /* Also when the connection is over. */
    p.wire.ended = true;
    char text[8];
    size_t n;
    int rc = p.client->ops->read(p.client, text, 8, &n);
    while (rc == HN_AGAIN) rc = p.client->ops->read(p.client, text, 8, &n);
    CHECK_INT(rc, HN_ERR_CONNECTION_ERROR);
    CHECK(tls_get_info(p.client, &info));
    pair_close(&p);
  }
  fixture_drop(&cert);
}

TEST(streams_without_tls) {
  struct wire w = {.base = {.ops = &wire_ops}};
  struct hn_transport top = above(&w.base);
  struct hn_tls_info info;
  CHECK(!tls_get_info(&top, &info));
  CHECK(!tls_get_info(NULL, &info));
}

TEST(a_handshake_that_failed) {
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = pair_good_leaf();
  struct hn_tls_info info;
  struct pair p;
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("wrong.example")), 0);
  CHECK_INT(pair_handshake(&p), HN_ERR_SECURE_FAILURE);
  CHECK(!tls_get_info(p.client, &info));
  pair_close(&p);
  fixture_drop(&cert);
}

/* A SAN that tries to look like another one, and a name in UTF-8. */
static struct fixture_cert rich_leaf(void) {
  struct fixture_cert c = pair_leaf(NULL, NULL, -FIXTURE_DAY, FIXTURE_DAY);
  GENERAL_NAMES *names = GENERAL_NAMES_new();
  static const char *const dns[] = {"localhost", "a.example, DNS:b\nx\\"};
  for (size_t i = 0; i < 2; i++) {
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, dns[i], -1);
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    sk_GENERAL_NAME_push(names, name);
  }
  static const unsigned char ip[] = {192, 0, 2, 1};
  GENERAL_NAME *name = GENERAL_NAME_new();
  ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(bytes, ip, 4);
  GENERAL_NAME_set0_value(name, GEN_IPADD, bytes);
  sk_GENERAL_NAME_push(names, name);
  CHECK(X509_add1_ext_i2d(c.cert, NID_subject_alt_name, names, 0, 0) == 1);
  GENERAL_NAMES_free(names);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(c.cert), "O", MBSTRING_UTF8,
                             (const unsigned char *)"B\xc3\xa4r,\x01", -1, -1,
                             0);
  ASN1_TIME_set(X509_getm_notBefore(c.cert), 946684800);
  ASN1_TIME_set(X509_getm_notAfter(c.cert), 7258118400);
  BIGNUM *serial = NULL;
  BN_hex2bn(&serial, "0ABCDEF0123456789");
  BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(c.cert));
  BN_free(serial);
  CHECK(X509_sign(c.cert, authority.key, EVP_sha256()) > 0);
  return c;
}

static bool try_certificate(void *ctx) {
  struct hn_tls_certificate c = {.not_before = 77};
  struct hn_tls_info info;
  CHECK(tls_get_info(ctx, &info));
  int rc = tls_get_certificate(&info, &c);
  if (rc != 0) {
    CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK_INT(c.not_before, 77);
    return false;
  }
  CHECK_TEXT(c.subject, "O=B\xc3\xa4r\\,\\01,CN=some.example");
  CHECK_TEXT(c.issuer, "CN=Test Authority");
  CHECK_TEXT(c.serial, "ABCDEF0123456789");
  CHECK_TEXT(c.names, "DNS:localhost, DNS:a.example\\2C\\20DNS:b\\0Ax\\5C, "
                      "IP:192.0.2.1");
  CHECK_INT(c.not_before, 946684800);
  CHECK_INT(c.not_after, 7258118400);
  CHECK_INT(c.fingerprint.n, 64);
  CHECK_INT(c.pem.n > 200, 1);
  CHECK_TEXT(slice_sub(c.pem, 0, 28), "-----BEGIN CERTIFICATE-----\n");
  BIO *bio = BIO_new_mem_buf(c.pem.p, (int)c.pem.n);
  X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  unsigned char hash[32];
  char hex[65] = "";
  if (CHECK(cert != NULL)) X509_digest(cert, EVP_sha256(), hash, NULL);
  for (size_t i = 0; cert && i < 32; i++)
    snprintf(hex + 2 * i, 3, "%02X", hash[i]);
  CHECK_TEXT(c.fingerprint, hex);
  X509_free(cert);
  BIO_free(bio);
  tls_certificate_fini(&c);
  return true;
}

TEST(the_certificate) {
  const struct hn_tls_options o = pair_options();
  struct fixture_cert cert = rich_leaf();
  struct pair p;
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  if (CHECK_INT(pair_handshake(&p), 0))
    test_each_failure(try_certificate, p.client);
  pair_close(&p);
  fixture_drop(&cert);
}

PAIR_MAIN(ROW(what_was_agreed), ROW(streams_without_tls),
          ROW(a_handshake_that_failed), ROW(the_certificate))
