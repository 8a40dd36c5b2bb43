#include "buf.h"

#include <assert.h>
#include <string.h>

#include "mem.h"
#include "slice.h"

enum { HN_BUF_FIRST = 64 }; /* the least that is allocated */

void buf_init_on(struct hn_buf *b, size_t cap, struct hn_account *account) {
  b->bytes = NULL;
  b->head = b->tail = b->room = 0;
  b->cap = cap;
  b->account = account;
}

void buf_init(struct hn_buf *b, size_t cap) {
  buf_init_on(b, cap, NULL);
}

void buf_fini(struct hn_buf *b) {
  mem_free(b->bytes);
  account_give(b->account, b->room);
  buf_init_on(b, b->cap, b->account);
}

static void buf_move_to_front(struct hn_buf *b) {
  size_t size = buf_size(b);

  if (b->head == 0) return;
  memmove(b->bytes, b->bytes + b->head, size);
  b->head = 0;
  b->tail = size;
}

/* Half a cap beyond the cap: only then is half the room consumed whenever the
 * bytes no longer fit, and moving them to the front costs at most two bytes
 * for each one consumed. Without it a full queue that is drained in small
 * steps would move all its bytes at every step. */
static size_t buf_room_limit(const struct hn_buf *b) {
  return b->cap > SIZE_MAX - b->cap / 2 ? SIZE_MAX : b->cap + b->cap / 2;
}

static int buf_grow(struct hn_buf *b, size_t needed) {
  size_t limit = buf_room_limit(b);
  size_t room = b->room > limit / 2 ? limit : b->room * 2;
  char *bytes;

  if (room < HN_BUF_FIRST) room = HN_BUF_FIRST;
  if (room < needed) room = needed;
  if (room > limit) room = limit;
  if (!account_take(b->account, room - b->room)) {
    room = needed;
    if (!account_take(b->account, room - b->room))
      return HN_ERR_NOT_ENOUGH_MEMORY;
  }
  bytes = mem_resize(b->bytes, room, 1);
  if (!bytes) {
    account_give(b->account, room - b->room);
    return HN_ERR_NOT_ENOUGH_MEMORY;
  }
  b->bytes = bytes;
  b->room = room;
  buf_move_to_front(b);
  return 0;
}

/* buf_reserve when there is no room behind the bytes. */
__attribute__((noinline)) static int buf_make_room(struct hn_buf *b, size_t n,
                                                   char **out) {
  size_t size = buf_size(b);

  if (b->bytes && b->head >= size / 2 && size + n <= b->room) {
    buf_move_to_front(b);
  } else {
    int rc = buf_grow(b, size + n);

    if (rc != 0) return rc;
  }
  *out = b->bytes + b->tail;
  return 0;
}

/* buf_reserve, inline for those below. */
static inline int buf_find_room(struct hn_buf *b, size_t n, char **out) {
  size_t size = buf_size(b);

  /* The first half: an owner may lower the cap below what is there. */
  if (size > b->cap || n > b->cap - size) return HN_ERR_INSUFFICIENT_BUFFER;
  if (!b->bytes || n > b->room - b->tail) {
    return buf_make_room(b, n, out);
  }
  *out = b->bytes + b->tail;
  return 0;
}

int buf_reserve(struct hn_buf *b, size_t n, char **out) {
  return buf_find_room(b, n, out);
}

void buf_commit(struct hn_buf *b, size_t n) {
  assert(n <= b->room - b->tail);
  b->tail += n;
}

int buf_append(struct hn_buf *b, struct hn_slice s) {
  char *out;
  int rc;

  if (s.n == 0) return 0;
  rc = buf_find_room(b, s.n, &out);
  if (rc != 0) return rc;
  memcpy(out, s.p, s.n);
  buf_commit(b, s.n);
  return 0;
}

int buf_append_text(struct hn_buf *b, const char *text) {
  return buf_append(b, slice_of(text));
}

int buf_append_char(struct hn_buf *b, char c) {
  return buf_append(b, slice_make(&c, 1));
}

int buf_append_u64(struct hn_buf *b, uint64_t n) {
  char digits[20]; /* of UINT64_MAX */
  size_t at = sizeof digits;

  do {
    digits[--at] = (char)('0' + n % 10);
    n /= 10;
  } while (n > 0);
  return buf_append(b, slice_make(digits + at, sizeof digits - at));
}

struct hn_slice buf_peek(const struct hn_buf *b) {
  if (!b->bytes) return slice_make("", 0);
  return slice_make(b->bytes + b->head, buf_size(b));
}

size_t buf_size(const struct hn_buf *b) {
  return b->tail - b->head;
}

void buf_consume(struct hn_buf *b, size_t n) {
  if (n >= buf_size(b)) {
    buf_clear(b);
  } else {
    b->head += n;
  }
}

void buf_clear(struct hn_buf *b) {
  b->head = b->tail = 0;
}

void buf_truncate(struct hn_buf *b, size_t n) {
  if (n == 0) {
    buf_clear(b);
  } else if (n < buf_size(b)) {
    b->tail = b->head + n;
  }
}
