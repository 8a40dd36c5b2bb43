#include "tls_pair_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void check_context(const struct hn_tls_options *o, int code,
                          const char *detail) {
  struct hn_tls_context *c = NULL;
  const char *said = NULL;
  CHECK_INT(fixture_context(o, &c, &said), code);
  CHECK((c != NULL) == (code == 0));
  if (detail) CHECK(said && strstr(said, detail) != NULL);
  tls_context_free(c);
}

TEST(trust_stores) {
  struct hn_tls_options o = {.ca_file = "/nowhere/ca.pem"};
  check_context(&o, HN_ERR_SECURE_FAILURE, "cannot be read");
  o.ca_file = "/dev/null";
  check_context(&o, HN_ERR_SECURE_FAILURE, "cannot be read");
  setenv("SSL_CERT_FILE", "/dev/null", 1);
  o.ca_file = NULL;
  check_context(&o, HN_ERR_SECURE_FAILURE, "cannot be read");
  setenv("SSL_CERT_FILE", authority_pem, 1);
  check_context(&o, 0, NULL);
  unsetenv("SSL_CERT_FILE");
  setenv("SSL_CERT_DIR", "/nowhere", 1);
  check_context(&o, 0, NULL);
  unsetenv("SSL_CERT_DIR");
  check_context(&o, 0, NULL);
  tls_context_free(NULL);
}

/* A bundle of many, in slices of the least size; and one that is spoiled. */
TEST(a_bundle_in_slices) {
  enum { MANY = 20 };
  char path[] = "/tmp/hn_bundle_XXXXXX";
  struct hn_tls_options o = {.ca_file = path};
  for (int spoiled = 0; spoiled < 2; spoiled++) {
    struct hn_tls_context *c = NULL;
    const char *detail = NULL;
    int rc, slices = 0;
    FILE *f = spoiled ? fopen(path, "w") : fixture_file(path);
    if (!CHECK(f != NULL)) return;
    fputs("Some words first.\n", f);
    for (int i = 0; i < MANY; i++) PEM_write_X509(f, authority.cert);
    if (spoiled) fputs("-----BEGIN CERTIFICATE-----\n!\n", f);
    fclose(f);
    if (!CHECK_INT(tls_context_new(&o, &c, &detail), 0)) break;
    do {
      ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH); /* somebody else's */
      rc = c->library->context_load(c, 0, &detail);
      CHECK(ERR_peek_error() == 0);
    } while (rc == HN_AGAIN && ++slices < 2 * MANY);
    CHECK_INT(slices, MANY);
    CHECK_INT(rc, spoiled ? HN_ERR_SECURE_FAILURE : 0);
    CHECK((detail != NULL) == spoiled);
    if (!spoiled) CHECK_INT(c->library->context_load(c, 0, &detail), 0);
    tls_context_free(c);
  }
  unlink(path);
}

/* What is still to be parsed goes with its context. */
TEST(a_bundle_that_nobody_wants) {
  const struct hn_tls_options o = pair_options();
  struct hn_tls_context *c = NULL;
  const char *detail = NULL;
  CHECK_INT(tls_context_new(&o, &c, &detail), 0);
  CHECK(c->bundle != NULL);
  tls_context_free(c);
}

TEST(references) {
  const struct hn_tls_options o = pair_options();
  struct hn_tls_context *c = pair_context(&o);
  CHECK(tls_context_hold(c) == c);
  tls_context_free(c);
  tls_context_free(c);
}

/* What each side allows, and what comes of it. */
TEST(versions) {
  static const struct {
    uint32_t min, max;
    int server_min, server_max;
    uint32_t agreed; /* 0: none */
  } rows[] = {
      {0, 0, 0, 0, HN_TLS_1_3},
      {0, 0, 0, TLS1_2_VERSION, HN_TLS_1_2},
      {0, 0, TLS1_VERSION, TLS1_1_VERSION, 0},
      {HN_TLS_1_2, HN_TLS_1_2, 0, 0, HN_TLS_1_2},
      {HN_TLS_1_2, HN_TLS_1_2, TLS1_3_VERSION, 0, 0},
      {HN_TLS_1_2, HN_TLS_1_3, 0, 0, HN_TLS_1_3},
      {HN_TLS_1_3, 0, 0, 0, HN_TLS_1_3},
      {HN_TLS_1_3, 0, 0, TLS1_2_VERSION, 0},
      {0, HN_TLS_1_2, 0, 0, HN_TLS_1_2},
  };
  struct fixture_cert cert = pair_good_leaf();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_tls_options o = pair_options();
    struct hn_tls_info info;
    struct pair p;
    char label[16];
    snprintf(label, sizeof label, "row %zu", i);
    test_label(label);
    o.min_version = rows[i].min;
    o.max_version = rows[i].max;
    CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
    SSL_set_security_level(p.server, 0);
    SSL_set_min_proto_version(p.server, rows[i].server_min);
    SSL_set_max_proto_version(p.server, rows[i].server_max);
    int rc = pair_handshake(&p);
    if (rows[i].agreed == 0) {
      CHECK_INT(rc, HN_ERR_SECURE_FAILURE);
      CHECK_INT(p.client->secure, HN_SECURE_CHANNEL_ERROR);
      CHECK(strstr(p.client->detail, "none of the allowed TLS versions"));
    } else if (CHECK_INT(rc, 0) && CHECK(tls_get_info(p.client, &info))) {
      CHECK_INT(info.protocol, rows[i].agreed);
    }
    pair_close(&p);
  }
  fixture_drop(&cert);
}

TEST(versions_that_make_no_sense) {
  static const struct {
    uint32_t min, max;
  } rows[] = {
      {0x200, 0}, {0, 0x80}, {1, 0}, {HN_TLS_1_3, HN_TLS_1_2}, {0x2800, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_tls_options o = pair_options();
    o.min_version = rows[i].min;
    o.max_version = rows[i].max;
    check_context(&o, HN_ERR_INVALID_PARAMETER, "TLS version");
  }
}

/* The bytes of a small file, NUL-terminated. */
static size_t slurp(const char *path, char *out, size_t size) {
  FILE *f = fopen(path, "r");
  size_t n = f ? fread(out, 1, size - 1, f) : 0;
  if (f) fclose(f);
  out[n] = '\0';
  return n;
}

static char server_lines[8192];

static void note_server_line(const SSL *ssl, const char *line) {
  (void)ssl;
  strcat(strcat(server_lines, line), "\n");
}

static size_t count_lines(const char *text) {
  size_t n = 0;
  for (; *text; text++) n += *text == '\n';
  return n;
}

/* LABEL 64*hex 64..128*hex */
static bool is_key_line(const char *line, const char *end) {
  const char *p = line;
  while (p < end &&
         ((*p >= 'A' && *p <= 'Z') || *p == '_' || (*p >= '0' && *p <= '9')))
    p++;
  if (p == line || *p++ != ' ') return false;
  size_t first = strspn(p, "0123456789abcdef");
  if (first != 64 || p[first] != ' ') return false;
  p += first + 1;
  size_t second = strspn(p, "0123456789abcdef");
  return (second == 64 || second == 96) && p + second == end;
}

/* Both ends tell the same secrets. */
TEST(key_log) {
  char path[] = "/tmp/hn_keys_XXXXXX", text[8192];
  struct fixture_cert cert = pair_good_leaf();
  struct stat st;
  FILE *f = fixture_file(path);
  if (!f) return;
  fclose(f);
  unlink(path);
  size_t before = 0;
  for (int i = 0; i < 2; i++) {
    struct hn_tls_options o = pair_options();
    struct pair p;
    o.key_log_file = path;
    o.max_version = i == 0 ? HN_TLS_1_3 : HN_TLS_1_2;
    server_lines[0] = '\0';
    CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
    SSL_CTX_set_keylog_callback(p.ctx, note_server_line);
    CHECK_INT(pair_handshake(&p), 0);
    pair_check_exchange(&p);
    slurp(path, text, sizeof text);
    CHECK_INT(count_lines(text + before), i == 0 ? 5 : 1);
    for (char *line = text + before, *end; (end = strchr(line, '\n'));
         line = end + 1) {
      CHECK(is_key_line(line, end));
      *end = '\0';
      CHECK(strstr(server_lines, line) != NULL);
      *end = '\n';
    }
    CHECK_INT(count_lines(server_lines), i == 0 ? 5 : 1);
    before = strlen(text);
    pair_close(&p);
  }
  CHECK(strstr(text, "SERVER_TRAFFIC_SECRET_0 ") != NULL);
  CHECK(strstr(text, "\nCLIENT_RANDOM ") != NULL);
  CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
  unlink(path);
  fixture_drop(&cert);
}

TEST(key_log_that_cannot_be_opened) {
  struct hn_tls_options o = pair_options();
  const char *const paths[] = {"/nowhere/keys", "/dev/null", "/tmp"};
  for (size_t i = 0; i < 3; i++) {
    o.key_log_file = paths[i];
    check_context(&o, HN_ERR_WRITE_FAULT, "key_log_file");
  }
}

/* A full disk is not the connection's affair. */
TEST(key_log_that_cannot_be_written) {
  struct hn_tls_options o = pair_options();
  struct fixture_cert cert = pair_good_leaf();
  struct pair p;
  char path[] = "/tmp/hn_keys_XXXXXX";
  struct rlimit none = {.rlim_max = RLIM_INFINITY}, all;
  close(mkstemp(path));
  o.key_log_file = path;
  CHECK_INT(getrlimit(RLIMIT_FSIZE, &all), 0);
  (void)signal(SIGXFSZ, SIG_IGN);
  CHECK_INT(setrlimit(RLIMIT_FSIZE, &none), 0);
  CHECK_INT(pair_open(&p, &o, &cert, slice_of("localhost")), 0);
  CHECK_INT(pair_handshake(&p), 0);
  CHECK_INT(setrlimit(RLIMIT_FSIZE, &all), 0);
  pair_check_exchange(&p);
  pair_close(&p);
  unlink(path);
  fixture_drop(&cert);
}

PAIR_MAIN(ROW(trust_stores), ROW(a_bundle_in_slices),
          ROW(a_bundle_that_nobody_wants), ROW(references), ROW(versions),
          ROW(versions_that_make_no_sense), ROW(key_log),
          ROW(key_log_that_cannot_be_opened),
          ROW(key_log_that_cannot_be_written))
