#include "openssl/openssl.h"

struct hn_tls_context *tls_context_hold(struct hn_tls_context *c) {
  c->references++;
  return c;
}

void tls_context_free(struct hn_tls_context *c) {
  if (c && --c->references == 0) c->library->context_end(c);
}

int tls_new(struct hn_tls_context *c, struct hn_transport *below,
            const struct hn_tls_peer *peer, struct hn_transport **out) {
  return c->library->transport_new(c, below, peer, out);
}

bool tls_get_info(const struct hn_transport *s, struct hn_tls_info *out) {
  while (s && !s->ops->tls) s = s->next;
  return s && s->ops->tls->get_info(s, out);
}

int tls_info_keep(struct hn_tls_info *i) {
  return i->library->info_hold(i);
}

void tls_info_fini(struct hn_tls_info *i) {
  i->library->info_release(i);
}

int tls_get_certificate(const struct hn_tls_info *info,
                        struct hn_tls_certificate *out) {
  return info->library->get_certificate(info, out);
}

void tls_certificate_fini(struct hn_tls_certificate *c) {
  buf_fini(&c->text);
}
