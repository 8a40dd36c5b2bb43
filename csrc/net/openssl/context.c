#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "../../base/mem.h"
#include "../file.h"
#include "openssl.h"

enum {
  HN_TLS_KEY_LINE = 512 /* a label and two numbers of at most 64 bytes */
};

static int tls_refuse_options(const char *why, const char **detail) {
  *detail = why;
  return HN_ERR_INVALID_PARAMETER;
}

/* The library's number of a version; 0 for 0; -1 when we do not have it. */
static int tls_version_number(uint32_t version) {
  switch (version) {
  case 0: return 0;
  case HN_TLS_1_2: return TLS1_2_VERSION;
  case HN_TLS_1_3: return TLS1_3_VERSION;
  default: return -1;
  }
}

/* Stricter bounds from the system's configuration stay. */
static int tls_set_versions(SSL_CTX *ctx, const struct hn_tls_options *o,
                            const char **detail) {
  int min = tls_version_number(o->min_version);
  int max = tls_version_number(o->max_version);
  long floor = SSL_CTX_get_min_proto_version(ctx);
  long ceiling = SSL_CTX_get_max_proto_version(ctx);
  if (min < 0 || max < 0)
    return tls_refuse_options("TLS versions are 1.2 and 1.3", detail);
  if (min == 0) min = TLS1_2_VERSION;
  if (floor > min) min = (int)floor;
  if (ceiling != 0 && (max == 0 || ceiling < max)) max = (int)ceiling;
  if (max != 0 && max < min)
    return tls_refuse_options("no TLS version is left between the least and "
                              "the greatest",
                              detail);
  if (SSL_CTX_set_min_proto_version(ctx, min) != 1 ||
      SSL_CTX_set_max_proto_version(ctx, max) != 1)
    return HN_ERR_NOT_ENOUGH_MEMORY;
  return 0;
}

/* AUTO_RETRY stays on (the library's default): with read-ahead, a read that
 * stopped after a ticket would leave whole records waiting unannounced. */
static bool tls_configure(SSL_CTX *ctx) {
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_default_read_buffer_len(ctx, HN_TLS_READ_BUFFER);
  return SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:"
                                       "TLS_AES_256_GCM_SHA384:"
                                       "TLS_CHACHA20_POLY1305_SHA256") == 1;
}

/* One write for a line: others may append to the same file. What cannot be
 * written is lost; the connection does not suffer for it. */
static void tls_log_key(const SSL *ssl, const char *line) {
  const struct tls_transport *t = SSL_get_app_data(ssl);
  char text[HN_TLS_KEY_LINE];
  size_t n = strlen(line);
  int system;
  if (!t || n >= sizeof text) return;
  memcpy(text, line, n);
  text[n] = '\n';
  (void)file_write(t->context->key_log, text, n + 1, &system);
  OPENSSL_cleanse(text, n);
}

static int tls_set_key_log(struct hn_tls_context *c,
                           const struct hn_tls_options *o,
                           const char **detail) {
  const char *path = o->key_log_file;
  const struct tls_file f = {o, "key_log_file cannot be opened", path};
  int system;
  if (!path) return 0;
  int rc = file_open(path, HN_FILE_APPEND, &c->key_log, &system);
  if (rc) {
    (void)tls_file_refuse(&f, system, detail);
    return rc;
  }
  SSL_CTX_set_keylog_callback(c->ctx, tls_log_key);
  return 0;
}

static int tls_set_pins(struct hn_tls_context *c, const char *pins,
                        const char **detail) {
  if (!pins) return 0;
  if (!tls_verify_is_pin_list(pins))
    return tls_refuse_options("a pin is \"sha256//\" and 44 characters of "
                              "base64",
                              detail);
  c->pins = mem_copy(pins, strlen(pins));
  return c->pins ? 0 : HN_ERR_NOT_ENOUGH_MEMORY;
}

static int tls_context_fill(struct hn_tls_context *c,
                            const struct hn_tls_options *o,
                            const char **detail) {
  tls_verify_set_up(c, o->ignore);
  if (!tls_configure(c->ctx)) return HN_ERR_NOT_ENOUGH_MEMORY;
  int rc = tls_set_versions(c->ctx, o, detail);
  if (rc == 0) rc = tls_set_pins(c, o->pins, detail);
  if (rc == 0) rc = tls_store_open(c, o, detail);
  if (rc == 0) rc = tls_identity_set_up(c, o, detail);
  if (rc == 0) rc = tls_revocation_set_up(c, o, detail);
  if (rc == 0) rc = tls_set_key_log(c, o, detail);
  if (rc == 0) tls_sessions_set_up(c);
  return rc;
}

int tls_context_new(const struct hn_tls_options *o, struct hn_tls_context **out,
                    const char **detail) {
  struct hn_tls_context *c = mem_calloc(1, sizeof *c);
  int rc = HN_ERR_NOT_ENOUGH_MEMORY;
  if (!c) return rc;
  ERR_clear_error();
  c->library = hn_part_tls(HN_STAMP);
  c->references = 1;
  c->key_log = -1;
  list_init(&c->sessions);
  c->method = tls_bio_method();
  c->ctx = SSL_CTX_new(TLS_client_method());
  if (c->method && c->ctx) rc = tls_context_fill(c, o, detail);
  ERR_clear_error();
  if (rc != 0) {
    tls_context_end(c);
    return rc;
  }
  *out = c;
  return 0;
}

void tls_context_end(struct hn_tls_context *c) {
  tls_sessions_fini(c);
  BIO_free(c->bundle);
  SSL_CTX_free(c->ctx);
  BIO_meth_free(c->method);
  if (c->key_log >= 0) file_close(c->key_log);
  mem_free(c->pins);
  mem_free(c);
}
