#include "spare.h"

#if defined(__SANITIZE_ADDRESS__)
enum { HN_SPARES_KEPT = 0 };
#else
enum { HN_SPARES_KEPT = HN_SPARE_BUFFERS };
#endif

void spares_init(struct hn_spares *s, struct hn_account *account) {
  s->count = 0;
  s->most = HN_SPARES_KEPT;
  s->account = account;
}

void spares_fini(struct hn_spares *s) {
  while (s->count > 0) buf_fini(&s->items[--s->count]);
}

/* The smallest spare that is big enough, so that one large buffer is not spent
 * on a line of text; s->count when there is none. */
static size_t spare_best(const struct hn_spares *s, size_t room) {
  size_t best = s->count;
  for (size_t i = 0; i < s->count; i++) {
    if (s->items[i].room < room) continue;
    if (best == s->count || s->items[i].room < s->items[best].room) best = i;
  }
  return best;
}

void spares_take(struct hn_spares *s, struct hn_buf *b, size_t room,
                 size_t cap) {
  size_t i = spare_best(s, room);
  if (i == s->count) {
    buf_init_on(b, cap, s->account);
    return;
  }
  *b = s->items[i];
  b->cap = cap;
  s->items[i] = s->items[--s->count];
}

void spare_keep(struct hn_spares *s, struct hn_buf *b) {
  buf_clear(b);
  if (b->room > HN_SPARE_ROOM || s->count >= s->most ||
      b->account != s->account || account_is_tight(s->account)) {
    buf_fini(b);
    return;
  }
  s->items[s->count++] = *b;
  buf_init_on(b, b->cap, b->account);
}
