#include "header.h"

#include <assert.h>
#include <string.h>

#include "../base/mem.h"

enum {
  HN_HEADER_FIRST = 8,        /* spans allocated first */
  HN_HEADER_AROUND = 4,       /* ": " and CRLF */
  HN_HEADER_CAP = 0x7fffffff, /* twice this is still an offset of a span */
};

void headers_init(struct hn_headers *h, size_t max_bytes, size_t max_fields) {
  if (max_bytes > HN_HEADER_CAP) max_bytes = HN_HEADER_CAP;
  /* Twice the limit: a field and what replaces it are both there for a while,
   * and the holes of removed ones. */
  buf_init(&h->bytes, max_bytes * 2);
  h->fields = NULL;
  h->count = h->room = 0;
  h->max_bytes = max_bytes;
  h->max_fields = max_fields;
  h->block = h->holes = 0;
  h->marks = 0;
}

void headers_count_on(struct hn_headers *h, struct hn_account *account) {
  h->bytes.account = account;
}

void headers_fini(struct hn_headers *h) {
  struct hn_account *account = h->bytes.account;
  mem_free(h->fields);
  buf_fini(&h->bytes);
  headers_init(h, h->max_bytes, h->max_fields);
  headers_count_on(h, account);
}

void headers_clear(struct hn_headers *h) {
  buf_clear(&h->bytes);
  h->count = h->block = h->holes = 0;
  h->marks = 0;
}

/* INVARIANT: nothing is ever consumed from the front of the bytes, so spans
 * count from their start. */
static char *header_base(const struct hn_headers *h) {
  return h->bytes.bytes;
}

static size_t header_line_size(const struct hn_field_span *f) {
  return (size_t)f->name_size + f->value_size + HN_HEADER_AROUND;
}

/* The field whose line is the first at or after `from`, or NULL. */
static struct hn_field_span *header_lowest(struct hn_headers *h, size_t from) {
  struct hn_field_span *lowest = NULL;
  for (size_t i = 0; i < h->count; i++) {
    struct hn_field_span *f = &h->fields[i];

    if (f->name < from) continue;
    if (!lowest || f->name < lowest->name) lowest = f;
  }
  return lowest;
}

/* Closes the holes behind the block. Lines are taken in the order of their
 * bytes, which is not the order of the fields once two were coalesced, so that
 * none is overwritten before it has moved. */
static void header_compact(struct hn_headers *h) {
  char *base = header_base(h);
  size_t to = h->block, from = h->block;
  struct hn_field_span *f;
  if (h->holes == 0) return;
  while ((f = header_lowest(h, from)) != NULL) {
    size_t size = header_line_size(f);
    uint32_t shift = f->name - (uint32_t)to;

    memmove(base + to, base + f->name, size);
    from = f->name + size;
    f->name -= shift;
    f->value -= shift;
    to += size;
  }
  buf_truncate(&h->bytes, to);
  h->holes = 0;
}

/* The line of a field that is leaving the list becomes a hole. Inside the block
 * nothing is ever reclaimed: others keep offsets into it. */
static void header_add_hole(struct hn_headers *h, struct hn_field_span f) {
  if (f.name >= h->block) h->holes += header_line_size(&f);
}

static void header_close_holes(struct hn_headers *h) {
  if (h->holes > (buf_size(&h->bytes) - h->block) / 2) header_compact(h);
}

/* Room at *out for n more bytes, `freed` of the present ones being about to
 * become a hole. May compact. */
static int header_make_room(struct hn_headers *h, size_t n, size_t freed,
                            char **out) {
  size_t live = buf_size(&h->bytes) - h->holes - freed;
  int rc;
  if (n > h->max_bytes || live > h->max_bytes - n) {
    return HN_ERR_HEADER_SIZE_OVERFLOW;
  }
  rc = buf_reserve(&h->bytes, n, out);
  if (rc != HN_ERR_INSUFFICIENT_BUFFER) return rc;
  header_compact(h);
  rc = buf_reserve(&h->bytes, n, out);
  return rc == HN_ERR_INSUFFICIENT_BUFFER ? HN_ERR_HEADER_SIZE_OVERFLOW : rc;
}

/* Kept out of the way of the common case, a list that has grown before. */
__attribute__((noinline)) static int header_grow_fields(struct hn_headers *h) {
  size_t room = h->room == 0 ? HN_HEADER_FIRST : h->room * 2;
  struct hn_field_span *fields;
  if (room > h->max_fields) room = h->max_fields;
  if (h->count >= room) return HN_ERR_HEADER_COUNT_EXCEEDED;
  fields = mem_resize(h->fields, room, sizeof *fields);
  if (!fields) return HN_ERR_NOT_ENOUGH_MEMORY;
  h->fields = fields;
  h->room = room;
  return 0;
}

/* INVARIANT: room <= max_fields, so that one comparison serves both. */
static int header_make_span(struct hn_headers *h) {
  return h->count < h->room ? 0 : header_grow_fields(h);
}

/* Writes a line into the bytes, as no field's yet. */
static int header_store(struct hn_headers *h, struct hn_slice name,
                        struct hn_slice value, size_t freed,
                        struct hn_field_span *out) {
  char *p;
  size_t at;
  int rc;
  if (name.n > h->max_bytes || value.n > h->max_bytes - name.n) {
    return HN_ERR_HEADER_SIZE_OVERFLOW;
  }
  rc = header_make_room(h, name.n + value.n + HN_HEADER_AROUND, freed, &p);
  if (rc != 0) return rc;
  at = (size_t)(p - header_base(h));
  memcpy(p, name.p, name.n);
  memcpy(p + name.n, ": ", 2);
  if (value.n > 0) memcpy(p + name.n + 2, value.p, value.n);
  memcpy(p + name.n + 2 + value.n, "\r\n", 2);
  buf_commit(&h->bytes, name.n + value.n + HN_HEADER_AROUND);
  out->name = (uint32_t)at;
  out->name_size = (uint32_t)name.n;
  out->value = (uint32_t)(at + name.n + 2);
  out->value_size = (uint32_t)value.n;
  return 0;
}

static int header_append_checked(struct hn_headers *h, struct hn_slice name,
                                 struct hn_slice value) {
  struct hn_field_span f;
  int rc = header_make_span(h);
  if (rc == 0) rc = header_store(h, name, value, 0, &f);
  if (rc != 0) return rc;
  h->fields[h->count++] = f;
  h->marks |= header_mark(name.p, name.n);
  return 0;
}

int headers_append(struct hn_headers *h, struct hn_slice name,
                   struct hn_slice value) {
  if (!header_is_token(name) || !header_is_value(value)) {
    return HN_ERR_INVALID_PARAMETER;
  }
  return header_append_checked(h, name, slice_trim(value));
}

int headers_append_line(struct hn_headers *h, struct hn_slice line,
                        size_t name_size) {
  char *p;
  int rc = header_make_span(h);
  if (rc == 0) rc = header_make_room(h, line.n, 0, &p);
  if (rc != 0) return rc;
  memcpy(p, line.p, line.n);
  buf_commit(&h->bytes, line.n);
  uint32_t at = (uint32_t)(p - header_base(h));
  h->fields[h->count++] = (struct hn_field_span){
      at, (uint32_t)name_size, at + (uint32_t)name_size + 2,
      (uint32_t)(line.n - name_size - HN_HEADER_AROUND)};
  h->marks |= header_mark(p, name_size);
  return 0;
}

int headers_add_span(struct hn_headers *h, const char *block,
                     struct hn_field_span span) {
  int rc = header_make_span(h);
  assert(span.name_size > 0 && buf_size(&h->bytes) == 0);
  if (rc != 0) return rc;
  h->fields[h->count++] = span;
  h->marks |= header_mark(block + span.name, span.name_size);
  return 0;
}

int headers_set_block(struct hn_headers *h, struct hn_slice block) {
  int rc;
  assert(buf_size(&h->bytes) == 0);
  if (block.n > h->max_bytes) return HN_ERR_HEADER_SIZE_OVERFLOW;
  rc = buf_append(&h->bytes, block);
  if (rc == 0) h->block = block.n;
  return rc;
}

/* Most names of one length differ in their first letter, and most that are the
 * same are spelt the same. */
static bool header_is_named(const char *p, struct hn_slice name) {
  if (((p[0] ^ name.p[0]) & ~0x20) != 0) return false;
  return memcmp(p, name.p, name.n) == 0 ||
         slice_starts_nocase(slice_make(p, name.n), name);
}

/* The first field of that name at or after `from`, or the count. The name is
 * not empty. */
static size_t header_index(const struct hn_headers *h, struct hn_slice name,
                           size_t from) {
  const char *base = header_base(h);
  for (size_t i = from; i < h->count; i++) {
    const struct hn_field_span *f = &h->fields[i];

    if (f->name_size == name.n && header_is_named(base + f->name, name)) {
      return i;
    }
  }
  return h->count;
}

static void header_take_out(struct hn_headers *h, size_t i) {
  header_add_hole(h, h->fields[i]);
  h->count--;
  memmove(&h->fields[i], &h->fields[i + 1], (h->count - i) * sizeof *h->fields);
}

static int header_replace(struct hn_headers *h, size_t i, struct hn_slice name,
                          struct hn_slice value) {
  const struct hn_field_span *old = &h->fields[i];
  size_t freed = old->name < h->block ? 0 : header_line_size(old);
  struct hn_field_span f;
  int rc = header_store(h, name, value, freed, &f);
  if (rc != 0) return rc;
  header_take_out(h, i);
  h->fields[h->count++] = f;
  header_close_holes(h);
  return 0;
}

/* The joined value goes to the end of the bytes, the field stays in its place
 * among the fields and keeps its spelling. */
static int header_coalesce(struct hn_headers *h, size_t i, const char *comma,
                           struct hn_slice value) {
  struct hn_field_span *f = &h->fields[i];
  size_t freed = f->name < h->block ? 0 : header_line_size(f);
  size_t glue = f->value_size > 0 && value.n > 0 ? 2 : 0;
  size_t old = f->value_size, size, joined;
  char *p, *base;
  int rc;
  if (value.n > h->max_bytes) return HN_ERR_HEADER_SIZE_OVERFLOW;
  joined = old + glue + value.n;
  size = f->name_size + joined + HN_HEADER_AROUND;
  rc = header_make_room(h, size, freed, &p);
  if (rc != 0) return rc;
  base = header_base(h);
  memcpy(p, base + f->name, f->name_size);
  memcpy(p + f->name_size, ": ", 2);
  memcpy(p + f->name_size + 2, base + f->value, old);
  memcpy(p + f->name_size + 2 + old, comma, glue);
  if (value.n > 0) memcpy(p + f->name_size + 2 + old + glue, value.p, value.n);
  memcpy(p + size - 2, "\r\n", 2);
  buf_commit(&h->bytes, size);
  header_add_hole(h, *f);
  f->name = (uint32_t)(p - base);
  f->value = f->name + f->name_size + 2;
  f->value_size = (uint32_t)joined;
  header_close_holes(h);
  return 0;
}

static bool header_has_mode(unsigned mode, int bit) {
  return (mode & (unsigned)bit) != 0;
}

static int header_apply_checked(struct hn_headers *h, unsigned mode,
                                struct hn_slice name, struct hn_slice value) {
  bool add = header_has_mode(mode, HN_ADD);
  size_t i;
  if ((mode & ~(unsigned)HN_ADD) == 0) {
    return header_append_checked(h, name, value);
  }
  i = headers_may_have(h, name) ? header_index(h, name, 0) : h->count;
  if (i == h->count) {
    if (header_has_mode(mode, HN_ADD_REPLACE) && !add) {
      return HN_ERR_HEADER_NOT_FOUND;
    }
    return header_append_checked(h, name, value);
  }
  if (header_has_mode(mode, HN_ADD_IF_NEW)) {
    return HN_ERR_HEADER_ALREADY_EXISTS;
  }
  if (header_has_mode(mode, HN_ADD_REPLACE)) {
    if (add || value.n > 0) return header_replace(h, i, name, value);
    header_take_out(h, i);
    header_close_holes(h);
    return 0;
  }
  return header_coalesce(
      h, i, header_has_mode(mode, HN_ADD_COALESCE) ? ", " : "; ", value);
}

static bool header_is_mode(unsigned mode) {
  const unsigned known = HN_ADD_OR_REPLACE | (unsigned)HN_ADD_IF_NEW |
                         (unsigned)HN_ADD_COALESCE |
                         (unsigned)HN_ADD_COALESCE_SEMICOLON;
  return (mode & ~known) == 0 || mode == HN_HEADERS_SET;
}

int headers_apply(struct hn_headers *h, unsigned mode, struct hn_slice name,
                  struct hn_slice value) {
  if (!header_is_mode(mode) || !header_is_token(name) ||
      !header_is_value(value)) {
    return HN_ERR_INVALID_PARAMETER;
  }
  return header_apply_checked(h, mode, name, slice_trim(value));
}

/* Cuts the next line that is not empty off *rest and takes it apart. HN_AGAIN
 * when there is none. A CR or LF that is no part of a CRLF would let a value
 * bring a line of its own into the request, so both are refused. */
static int header_next_line(struct hn_slice *rest, struct hn_slice *name,
                            struct hn_slice *value) {
  struct hn_slice line = {NULL, 0};
  size_t colon;
  while (rest->n > 0 && line.n == 0) {
    size_t end = slice_find(*rest, 0, '\n');
    bool ended = end < rest->n;

    line = slice_sub(*rest, 0, end);
    *rest = slice_from(*rest, end + 1);
    if (!ended) break;
    if (line.n == 0 || line.p[line.n - 1] != '\r') {
      return HN_ERR_INVALID_PARAMETER;
    }
    line.n--;
  }
  if (line.n == 0) return HN_AGAIN;
  colon = slice_find(line, 0, ':');
  *name = slice_sub(line, 0, colon);
  *value = slice_from(line, colon + 1);
  if (colon == line.n || !header_is_token(*name) || !header_is_value(*value)) {
    return HN_ERR_INVALID_PARAMETER;
  }
  *value = slice_trim(*value);
  return 0;
}

static int header_check_lines(struct hn_slice lines, size_t *count) {
  struct hn_slice name, value;
  size_t n = 0;
  int rc;
  while ((rc = header_next_line(&lines, &name, &value)) == 0) n++;
  if (rc != HN_AGAIN || n == 0) return HN_ERR_INVALID_PARAMETER;
  *count = n;
  return 0;
}

/* With `only_append` the first line that would change a field that is already
 * there ends it with HN_AGAIN. What these lines have put in stands at the end
 * of the list, one field for each. */
static int header_apply_each(struct hn_headers *h, unsigned mode,
                             struct hn_slice lines, bool only_append) {
  const unsigned changing = (unsigned)HN_ADD_REPLACE |
                            (unsigned)HN_ADD_COALESCE |
                            (unsigned)HN_ADD_COALESCE_SEMICOLON;
  struct hn_slice name, value;
  size_t put = 0;
  int rc = 0;
  while (rc == 0 && header_next_line(&lines, &name, &value) == 0) {
    unsigned how = mode & ~(unsigned)HN_HEADERS_EACH;
    size_t at = (mode & changing) != 0 && headers_may_have(h, name)
                    ? header_index(h, name, 0)
                    : h->count;
    if ((mode & HN_HEADERS_EACH) != 0 &&
        header_index(h, name, h->count - put) < h->count) {
      how = HN_ADD;
    } else if (only_append && at < h->count) {
      return HN_AGAIN;
    }
    rc = header_apply_checked(h, how, name, value);
    put++;
  }
  return rc;
}

static int header_copy(struct hn_headers *to, const struct hn_headers *from) {
  int rc;
  headers_init(to, from->max_bytes, from->max_fields);
  headers_count_on(to, from->bytes.account);
  rc = buf_append(&to->bytes, buf_peek(&from->bytes));
  if (rc == 0 && from->count > 0) {
    to->fields = mem_resize(NULL, from->room, sizeof *to->fields);
    if (!to->fields) rc = HN_ERR_NOT_ENOUGH_MEMORY;
  }
  if (rc != 0) {
    headers_fini(to);
    return rc;
  }
  to->room = !to->fields ? 0 : from->room;
  to->count = from->count;
  if (to->count > 0) {
    memcpy(to->fields, from->fields, to->count * sizeof *to->fields);
  }
  to->block = from->block;
  to->holes = from->holes;
  to->marks = from->marks;
  return 0;
}

static int header_apply_on_copy(struct hn_headers *h, unsigned mode,
                                struct hn_slice lines) {
  struct hn_headers copy;
  int rc = header_copy(&copy, h);
  if (rc != 0) return rc;
  rc = header_apply_each(&copy, mode, lines, false);
  if (rc != 0) {
    headers_fini(&copy);
    return rc;
  }
  headers_fini(h);
  *h = copy;
  return 0;
}

/* Lines that only add are undone by cutting the list back; those that change a
 * field work on a copy of the list. */
int headers_apply_lines(struct hn_headers *h, unsigned mode,
                        struct hn_slice lines) {
  size_t before = h->count, count;
  int rc = header_check_lines(lines, &count);
  if (rc != 0 || !header_is_mode(mode)) return HN_ERR_INVALID_PARAMETER;
  if (count == 1) return header_apply_each(h, mode, lines, false);
  rc = header_apply_each(h, mode, lines, true);
  if (rc == 0) return 0;
  while (h->count > before) header_add_hole(h, h->fields[--h->count]);
  header_close_holes(h);
  return rc == HN_AGAIN ? header_apply_on_copy(h, mode, lines) : rc;
}

struct hn_slice headers_name(const struct hn_headers *h, size_t i) {
  assert(i < h->count);
  return slice_make(header_base(h) + h->fields[i].name, h->fields[i].name_size);
}

struct hn_slice headers_value(const struct hn_headers *h, size_t i) {
  assert(i < h->count);
  return slice_make(header_base(h) + h->fields[i].value,
                    h->fields[i].value_size);
}

bool headers_look_up_next(const struct hn_headers *h, struct hn_slice name,
                          size_t *at, struct hn_slice *value) {
  size_t i = header_index(h, name, *at);
  if (i == h->count) return false;
  *value = headers_value(h, i);
  *at = i + 1;
  return true;
}

bool headers_look_up(const struct hn_headers *h, struct hn_slice name,
                     size_t index, struct hn_slice *value) {
  struct hn_slice found;
  size_t at = 0;
  do {
    if (!headers_look_up_next(h, name, &at, &found)) return false;
  } while (index-- > 0);
  *value = found;
  return true;
}

/* Most lists are one element. */
static bool header_lists(struct hn_slice value, struct hn_slice token) {
  struct hn_slice element;
  if (slice_find(value, 0, ',') == value.n) {
    return slice_equal_nocase(value, token);
  }
  while (slice_next_element(&value, &element)) {
    if (slice_equal_nocase(element, token)) return true;
  }
  return false;
}

bool headers_look_up_element(const struct hn_headers *h, struct hn_slice name,
                             struct hn_slice token) {
  size_t i = header_index(h, name, 0);
  while (i < h->count && !header_lists(headers_value(h, i), token)) {
    i = header_index(h, name, i + 1);
  }
  return i < h->count;
}

void headers_remove(struct hn_headers *h, struct hn_slice name) {
  size_t i = name.n > 0 ? header_index(h, name, 0) : h->count;
  while (i < h->count) {
    header_take_out(h, i);
    i = header_index(h, name, i);
  }
  header_close_holes(h);
}

/* Fields of a parsed block may be spelt in other ways on the wire. */
static int header_write_parsed(const struct hn_headers *h, size_t i,
                               struct hn_buf *out) {
  int rc = buf_append(out, headers_name(h, i));
  if (rc == 0) rc = buf_append_text(out, ": ");
  if (rc == 0) rc = buf_append(out, headers_value(h, i));
  return rc == 0 ? buf_append_text(out, "\r\n") : rc;
}

/* The end of the fields from i on whose lines follow one another in the bytes;
 * *size is those lines' length. */
static size_t header_run(const struct hn_headers *h, size_t i, size_t *size) {
  size_t start = h->fields[i].name, end = start;
  while (i < h->count && h->fields[i].name == end) {
    end += header_line_size(&h->fields[i]);
    i++;
  }
  *size = end - start;
  return i;
}

int headers_write(const struct hn_headers *h, struct hn_buf *out) {
  size_t before = buf_size(out), i = 0;
  int rc = 0;
  while (rc == 0 && i < h->count) {
    const char *line = header_base(h) + h->fields[i].name;
    size_t size, next = i + 1;

    if (h->fields[i].name < h->block) {
      rc = header_write_parsed(h, i, out);
    } else {
      next = header_run(h, i, &size);
      rc = buf_append(out, slice_make(line, size));
    }
    i = next;
  }
  if (rc != 0) buf_truncate(out, before);
  return rc;
}
