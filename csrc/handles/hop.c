#include "hop.h"

void hop_free(struct hn_hop *h) {
  if (!h) return;
  target_fini(&h->target);
  buf_fini(&h->text);
  headers_fini(&h->fields);
  mem_free(h);
}

struct hn_hop *hop_new(int64_t count, struct hn_account *account) {
  struct hn_hop *h = mem_calloc(1, sizeof *h);
  if (!h) return NULL;
  h->count = count;
  buf_init_on(&h->text, 8 * HN_MAX_URL, account);
  headers_init(&h->fields, HN_MAX_REQUEST_HEAD, HN_MAX_FIELDS);
  headers_count_on(&h->fields, account);
  return h;
}

struct hn_slice hop_method(const struct hn_hop *h) {
  return slice_sub(buf_peek(&h->text), 0, h->method_size);
}

struct hn_slice hop_path(const struct hn_hop *h) {
  size_t from = h->method_size;
  return slice_sub(buf_peek(&h->text), from, from + h->path_size);
}

struct hn_slice hop_fragment(const struct hn_hop *h) {
  return slice_from(buf_peek(&h->text), h->method_size + h->path_size);
}

int hop_append_url(const struct hn_hop *h, struct hn_buf *out) {
  return target_append_url(&h->target, hop_path(h), out);
}
