/*
 * header.h: an ordered list of header fields in one byte buffer plus spans.
 *
 * Fields keep their order, spelling and repetitions; names compare without
 * case. The list copies what is put in and never points outside. It has two
 * limits, given at init: bytes as written on the wire ("Name: value" CRLF) and
 * number of fields. Removing leaves a hole in the bytes, and holes that exceed
 * half of them are closed; a parsed block keeps its place and its bytes.
 * Names and values passed in must not be slices of the list itself.
 *
 * Errors: NOT_ENOUGH_MEMORY, HEADER_SIZE_OVERFLOW, HEADER_COUNT_EXCEEDED, and
 * INVALID_PARAMETER for text that cannot be a field. A failed call changes
 * nothing.
 */
#ifndef HN_PROTO_HEADER_H
#define HN_PROTO_HEADER_H

#include "../base/buf.h"
#include "../base/slice.h"
#include "header_text.h"

struct hn_field_span {
  uint32_t name, name_size; /* offset into the list's bytes, length */
  uint32_t value, value_size;
};

struct hn_headers {
  struct hn_buf bytes; /* the block, then "Name: value" CRLF for each field */
  struct hn_field_span *fields; /* owned */
  size_t count, room;
  size_t max_bytes, max_fields;
  size_t block;   /* bytes at the front taken by headers_set_block */
  uint64_t marks; /* a bit for each name seen, see header_mark */
  size_t holes;   /* bytes behind them that no field uses any more */
};

HN_INTERNAL void headers_init(struct hn_headers *h, size_t max_bytes,
                              size_t max_fields);
/* Counts an empty list's bytes on an account from here on. */
HN_INTERNAL void headers_count_on(struct hn_headers *h,
                                  struct hn_account *account);
HN_INTERNAL void headers_fini(struct hn_headers *h);
/* Empty, keeping the memory. */
HN_INTERNAL void headers_clear(struct hn_headers *h);

/* Appends a field, name and value checked, value trimmed of blanks. */
HN_INTERNAL int headers_append(struct hn_headers *h, struct hn_slice name,
                               struct hn_slice value);

/* Appends a line that was made and checked beforehand: a name of name_size
 * bytes, ": ", a trimmed value, CRLF. */
HN_INTERNAL int headers_append_line(struct hn_headers *h, struct hn_slice line,
                                    size_t name_size);

/* For a parser that has checked the text: names a field of `block`, the bytes
 * of a whole head or trailer section, by offset. The list must have been empty,
 * and is of no use until headers_set_block has made the block its content. */
HN_INTERNAL int headers_add_span(struct hn_headers *h, const char *block,
                                 struct hn_field_span span);
HN_INTERNAL int headers_set_block(struct hn_headers *h, struct hn_slice block);

/* WinHttpAddRequestHeaders for one field, by HN_ADD* mode (0 is ADD). REPLACE
 * touches the first of several and moves it to the end; REPLACE alone with an
 * empty value removes it. COALESCE joins to the first in its place.
 * HEADER_ALREADY_EXISTS, HEADER_NOT_FOUND; INVALID_PARAMETER for unknown mode
 * bits too. */
HN_INTERNAL int headers_apply(struct hn_headers *h, unsigned mode,
                              struct hn_slice name, struct hn_slice value);

/* One more mode, for lines only: they go over what is in the list, and those of
 * one name, which is then repeated, not over one another. */
enum { HN_HEADERS_EACH = 1 };
#define HN_HEADERS_SET (HN_ADD_OR_REPLACE | (unsigned)HN_HEADERS_EACH)

/* The same for lines "Name: value" ended by CRLF (the last may lack it; empty
 * lines are skipped). All or nothing. A bare CR or LF or a NUL is
 * INVALID_PARAMETER, and so is text without one field. */
HN_INTERNAL int headers_apply_lines(struct hn_headers *h, unsigned mode,
                                    struct hn_slice lines);

/* One of 64 bits for a name, whatever its case. The factors keep apart the
 * names that are asked for and those that are common. */
static inline uint64_t header_mark(const char *name, size_t n) {
  unsigned first = (unsigned char)name[0] | 0x20u;
  unsigned last = (unsigned char)name[n - 1] | 0x20u;
  return UINT64_C(1) << ((first * 7 + last * 12 + n) & 63);
}

/* False when there is no such field: most questions are about those, and inline
 * one look answers them, since a literal's mark is a constant. */
static inline bool headers_may_have(const struct hn_headers *h,
                                    struct hn_slice name) {
  return name.n > 0 && (h->marks & header_mark(name.p, name.n)) != 0;
}

/* The index-th value of name from 0; false when there is none. Borrowed until
 * the next change, like every slice below. */
HN_INTERNAL bool headers_look_up(const struct hn_headers *h,
                                 struct hn_slice name, size_t index,
                                 struct hn_slice *value);
static inline bool headers_find(const struct hn_headers *h,
                                struct hn_slice name, size_t index,
                                struct hn_slice *value) {
  return headers_may_have(h, name) && headers_look_up(h, name, index, value);
}

/* The first value of name at or after the field *at, which moves behind it. */
HN_INTERNAL bool headers_look_up_next(const struct hn_headers *h,
                                      struct hn_slice name, size_t *at,
                                      struct hn_slice *value);
static inline bool headers_next(const struct hn_headers *h,
                                struct hn_slice name, size_t *at,
                                struct hn_slice *value) {
  return headers_may_have(h, name) && headers_look_up_next(h, name, at, value);
}

static inline bool headers_has(const struct hn_headers *h, const char *name) {
  struct hn_slice value;
  return headers_find(h, slice_of(name), 0, &value);
}

/* True when a comma-separated field (all its occurrences) lists the token. */
HN_INTERNAL bool headers_look_up_element(const struct hn_headers *h,
                                         struct hn_slice name,
                                         struct hn_slice token);
static inline bool headers_has_element(const struct hn_headers *h,
                                       const char *name, const char *token) {
  return headers_may_have(h, slice_of(name)) &&
         headers_look_up_element(h, slice_of(name), slice_of(token));
}

HN_INTERNAL struct hn_slice headers_name(const struct hn_headers *h, size_t i);
HN_INTERNAL struct hn_slice headers_value(const struct hn_headers *h, size_t i);
/* Removes every occurrence of a name. */
HN_INTERNAL void headers_remove(struct hn_headers *h, struct hn_slice name);

/* Appends "Name: value" CRLF for each field; the buffer's errors, and then
 * nothing is appended. */
HN_INTERNAL int headers_write(const struct hn_headers *h, struct hn_buf *out);

#endif
