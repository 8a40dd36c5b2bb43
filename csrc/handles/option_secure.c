/*
 * option_secure.c: options about TLS and the connection.
 */
#include "option_value.h"

enum { /* SECURITY_FLAG_*: what a query adds */
       HN_SECURITY_SECURE = 0x1,
       HN_SECURITY_STRENGTH_STRONG = 0x20000000,
};

/* What TLS agreed on; INCORRECT_HANDLE_STATE before, and over plain http. */
static int option_find_tls(struct hn_node *n, struct hn_tls_info *out) {
  const struct hn_conn *c = request_from(n)->exchange.held;
  return c && conn_get_tls(c, out) ? 0 : HN_ERR_INCORRECT_HANDLE_STATE;
}

static int option_find_certificate(struct hn_node *n,
                                   struct hn_tls_certificate *out) {
  struct hn_tls_info info;
  int rc = option_find_tls(n, &info);
  return rc ? rc : tls_get_certificate(&info, out);
}

int option_get_security_flags(struct hn_node *n, struct hn_value *out) {
  struct hn_tls_info info;
  out->number = option_settings(n)->security_flags;
  if (node_kind(n) == HN_KIND_REQUEST && option_find_tls(n, &info) == 0)
    out->number |= HN_SECURITY_SECURE | HN_SECURITY_STRENGTH_STRONG;
  return 0;
}

int option_set_security_flags(struct hn_node *n, const struct hn_value *value) {
  if (value->number && !guard_allows(n->rt->env.guard, HN_ALLOW_UNVERIFIED))
    return HN_ERR_ACCESS_DENIED;
  option_settings(n)->security_flags = value->number;
  return 0;
}

int option_set_secure_protocols(struct hn_node *n,
                                const struct hn_value *value) {
  struct hn_tls_options o = {0};
  int rc = tls_options_set_protocols(&o, (uint32_t)value->number);
  if (rc == 0) option_settings(n)->secure_protocols = value->number;
  return rc;
}

int option_get_key_bits(struct hn_node *n, struct hn_value *out) {
  struct hn_tls_info info;
  out->number = option_find_tls(n, &info) == 0 ? (int64_t)info.key_bits : 0;
  return 0;
}

int option_get_security_info(struct hn_node *n, struct hn_value *out) {
  struct hn_tls_info info;
  int rc = option_find_tls(n, &info);
  if (rc) return rc;
  option_add_text(
      n, out, "protocol",
      slice_of(info.protocol == HN_TLS_1_3 ? "TLSv1.3" : "TLSv1.2"));
  option_add_text(n, out, "cipher", slice_of(info.cipher));
  option_add(n, out, HN_TYPE_INTEGER, "key_bits", (int64_t)info.key_bits);
  option_add_text(n, out, "alpn", info.alpn);
  option_add(n, out, HN_TYPE_BOOLEAN, "resumed", info.resumed);
  return 0;
}

/* Puts the texts of a record, which belong to somebody else, into the request's
 * own buffer. */
static int option_keep_texts(struct hn_request *r, struct hn_value *record) {
  struct hn_field *f = r->node.rt->record;
  buf_clear(&r->raw);
  for (size_t i = 0; i < record->count; i++) {
    int rc = buf_append(&r->raw, f[i].value.text);
    if (rc) return rc;
  }
  struct hn_slice all = buf_peek(&r->raw);
  for (size_t i = 0; i < record->count; i++) {
    size_t size = f[i].value.text.n;
    f[i].value.text = slice_sub(all, 0, size);
    all = slice_from(all, size);
  }
  return 0;
}

int option_get_certificate(struct hn_node *n, struct hn_value *out) {
  struct hn_tls_certificate c;
  struct hn_request *r = request_from(n);
  int rc = option_find_certificate(n, &c);
  if (rc) return rc;
  option_add_text(n, out, "subject", c.subject);
  option_add_text(n, out, "issuer", c.issuer);
  option_add_text(n, out, "serial", c.serial);
  option_add_text(n, out, "names", c.names);
  option_add_text(n, out, "fingerprint", c.fingerprint);
  option_add(n, out, HN_TYPE_INTEGER, "start", c.not_before);
  option_add(n, out, HN_TYPE_INTEGER, "expiry", c.not_after);
  rc = option_keep_texts(r, out);
  tls_certificate_fini(&c);
  return rc;
}

int option_get_certificate_pem(struct hn_node *n, struct hn_value *out) {
  struct hn_tls_certificate c;
  struct hn_request *r = request_from(n);
  int rc = option_find_certificate(n, &c);
  if (rc) return rc;
  buf_clear(&r->raw);
  rc = buf_append(&r->raw, c.pem);
  if (rc == 0) out->text = buf_peek(&r->raw);
  tls_certificate_fini(&c);
  return rc;
}

int option_get_connection_info(struct hn_node *n, struct hn_value *out) {
  struct hn_endpoints e;
  struct hn_request *r = request_from(n);
  if (!r->exchange.held || !conn_get_endpoints(r->exchange.held, &e))
    return HN_ERR_INCORRECT_HANDLE_STATE;
  option_add_text(n, out, "local_address", slice_of(e.local.text));
  option_add_text(n, out, "remote_address", slice_of(e.remote.text));
  int rc = option_keep_texts(r, out);
  option_add(n, out, HN_TYPE_INTEGER, "local_port", (int64_t)e.local.port);
  option_add(n, out, HN_TYPE_INTEGER, "remote_port", (int64_t)e.remote.port);
  return rc;
}
