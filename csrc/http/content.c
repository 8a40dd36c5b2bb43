#include "content.h"

#include <string.h>

enum {
  /* Compressed bytes read at once: inflate gains by long runs. */
  HN_CONTENT_IN = 256 * 1024,
  HN_CONTENT_READY = 8 * 1024,
};

static struct hn_account *content_account(struct hn_exchange *x) {
  return &x->setup.pool->env->account;
}

static struct hn_spares *content_spares(struct hn_exchange *x) {
  return &x->setup.pool->env->spares;
}

/* No more than is known to come, and one to see the end by. */
static size_t content_room(const struct hn_exchange *x) {
  uint64_t rest = x->response.rest;
  if (rest > HN_CONTENT_IN) return HN_CONTENT_IN;
  return rest > 0 ? (size_t)rest : 1;
}

static int content_fail_in(struct hn_exchange *x, enum hn_phase phase, int code,
                           const char *detail) {
  err_set(x->info, code, phase, x->setup.authority, detail);
  exchange_abort(x);
  return code;
}

static int content_fail(struct hn_exchange *x, int code, const char *detail) {
  return content_fail_in(x, HN_PHASE_RECEIVE, code, detail);
}

static enum hn_part content_part(enum hn_coding coding) {
  switch (coding) {
  case HN_CODING_GZIP: return HN_PART_GZIP;
  case HN_CODING_DEFLATE: return HN_PART_DEFLATE;
  case HN_CODING_BROTLI: return HN_PART_BROTLI;
  case HN_CODING_ZSTD: return HN_PART_ZSTD;
  }
  return HN_PART_COUNT;
}

static int content_make_decoder(struct hn_content *c, struct hn_exchange *x,
                                const struct hn_coding_list *list) {
  struct hn_parts *parts = &x->setup.pool->env->parts;
  const struct hn_codec *codecs[HN_MAX_CODINGS];
  const char *detail = NULL;
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < list->count; i++) {
    const void *table = NULL;
    rc = part_find(parts, content_part(list->codings[i]), &table, &detail);
    codecs[i] = table;
  }
  if (rc == 0)
    rc = decoder_new(codecs, list->count, content_account(x), &c->decoder);
  return rc ? content_fail_in(x, HN_PHASE_RESPONSE, rc, detail) : 0;
}

int content_begin(struct hn_content *c, struct hn_exchange *x, unsigned set,
                  uint64_t max_size) {
  struct hn_coding_list list;
  content_end(c, x);
  c->max_size = max_size;
  if (set == 0 || x->sides.rx == HN_RX_DONE) return 0;
  int rc = decode_parse(x->response.fields, set, &list);
  if (rc == HN_ERR_NOT_SUPPORTED || (rc == 0 && list.count == 0)) return 0;
  if (rc)
    return content_fail_in(x, HN_PHASE_RESPONSE, rc,
                           fault_text(HN_FAULT_BAD_CONTENT_CODING));
  rc = content_make_decoder(c, x, &list);
  if (rc) return rc;
  spares_take(content_spares(x), &c->in, content_room(x), HN_CONTENT_IN);
  buf_init_on(&c->ready, HN_CONTENT_READY, content_account(x));
  return 0;
}

void content_end(struct hn_content *c, struct hn_exchange *x) {
  if (!c->decoder) return;
  decoder_free(c->decoder);
  spares_give(content_spares(x), &c->in);
  buf_fini(&c->ready);
  *c = (struct hn_content){0};
}

/* More compressed bytes; c->ended at their end. */
static int content_fill(struct hn_content *c, struct hn_exchange *x) {
  char *p;
  size_t got = 0, n = content_room(x);
  int rc = buf_reserve(&c->in, n, &p);
  if (rc == 0) rc = exchange_read(x, p, n, &got);
  if (rc) return rc;
  buf_commit(&c->in, got);
  c->ended = got == 0;
  return 0;
}

static int content_fault(struct hn_content *c, struct hn_exchange *x,
                         int code) {
  enum hn_fault fault = decoder_fault(c->decoder);
  return content_fail(x, code, fault ? fault_text(fault) : NULL);
}

static int content_finish(struct hn_content *c, struct hn_exchange *x) {
  int rc = decoder_end(c->decoder);
  if (rc) return content_fault(c, x, rc);
  c->done = true;
  return 0;
}

/* Decodes 1..n bytes; *got 0 at the end. */
static int content_decode(struct hn_content *c, struct hn_exchange *x, char *p,
                          size_t n, size_t *got) {
  uint64_t start = x->body_size;
  while (!c->done) {
    struct hn_slice in = buf_peek(&c->in);
    size_t before = in.n, taken = 0;
    int rc = decoder_step(c->decoder, &in, p, n, &taken);
    if (rc && rc != HN_AGAIN) return content_fault(c, x, rc);
    buf_consume(&c->in, before - in.n);
    if (rc == 0) {
      c->size += taken;
      if (c->size > c->max_size)
        return content_fail(x, HN_ERR_INSUFFICIENT_BUFFER,
                            "decoded body larger than max_decoded_size");
      *got = taken;
      return 0;
    }
    /* A body of empty blocks would keep us busy for as long as its sender
     * likes: as much as a quarter of a portion without a decoded byte. */
    x->hungry = x->body_size - start >= env_portion(x->setup.pool->env) / 4;
    if (x->hungry) return HN_AGAIN;
    rc = c->ended ? content_finish(c, x) : content_fill(c, x);
    if (rc) return rc;
  }
  *got = 0;
  return 0;
}

int content_read(struct hn_content *c, struct hn_exchange *x, char *p, size_t n,
                 size_t *got) {
  if (!c->decoder) return exchange_read(x, p, n, got);
  size_t ahead = buf_size(&c->ready);
  if (ahead == 0) return content_decode(c, x, p, n, got);
  if (n > ahead) n = ahead;
  memcpy(p, buf_peek(&c->ready).p, n);
  buf_consume(&c->ready, n);
  *got = n;
  return 0;
}

int content_available(struct hn_content *c, struct hn_exchange *x,
                      uint64_t *n) {
  if (!c->decoder) return exchange_available(x, n);
  if (buf_size(&c->ready) == 0) {
    char *p;
    size_t got = 0;
    int rc = buf_reserve(&c->ready, HN_CONTENT_READY, &p);
    if (rc) return content_fail(x, rc, NULL);
    rc = content_decode(c, x, p, HN_CONTENT_READY, &got);
    if (rc) return rc;
    buf_commit(&c->ready, got);
  }
  *n = buf_size(&c->ready);
  return 0;
}

bool content_is_done(const struct hn_content *c, const struct hn_exchange *x) {
  return c->decoder ? c->done && buf_size(&c->ready) == 0
                    : x->sides.rx == HN_RX_DONE;
}

uint64_t content_known_rest(const struct hn_content *c,
                            const struct hn_exchange *x) {
  return c->decoder ? UINT64_MAX : x->response.rest;
}
