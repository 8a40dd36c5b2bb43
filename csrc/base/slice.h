/*
 * slice.h: looking at bytes that somebody else owns.
 *
 * A struct hn_slice is a pointer and a length; nothing here copies, allocates
 * or expects a NUL. Case is ASCII's, whatever the locale.
 */
#ifndef HN_BASE_SLICE_H
#define HN_BASE_SLICE_H

#include <string.h>

#include "err.h"

/* Inline, so that what is asked of a literal is known when it is compiled. */
static inline struct hn_slice slice_make(const char *p, size_t n) {
  return (struct hn_slice){p, n};
}

/* The slice of a C string (NULL: absent). */
static inline struct hn_slice slice_of(const char *text) {
  return slice_make(text, !text ? 0 : strlen(text));
}

/* What a caller may hand in: bytes that are nowhere are none. */
static inline bool slice_is_sound(struct hn_slice s) {
  return s.p != NULL || s.n == 0;
}

HN_INTERNAL bool slice_equal(struct hn_slice a, struct hn_slice b);
/* Equal but for ASCII case. */
HN_INTERNAL bool slice_equal_nocase(struct hn_slice a, struct hn_slice b);
HN_INTERNAL bool slice_starts_nocase(struct hn_slice s, struct hn_slice start);

/* Index of the first c at or after `from`; s.n when there is none. */
HN_INTERNAL size_t slice_find(struct hn_slice s, size_t from, char c);

/* Bytes [from, to) and from `from` on; both clamp to the slice. A part of an
 * absent slice is absent. */
HN_INTERNAL struct hn_slice slice_sub(struct hn_slice s, size_t from,
                                      size_t to);
HN_INTERNAL struct hn_slice slice_from(struct hn_slice s, size_t from);

/* Without blanks and tabs at both ends (RFC 9110 5.6.3 OWS). */
HN_INTERNAL struct hn_slice slice_trim(struct hn_slice s);

/* The next element of a comma-separated list (RFC 9110 5.6.1), trimmed, empty
 * ones skipped; *rest moves behind it. A comma inside a quoted string does not
 * part elements. False at the end. */
HN_INTERNAL bool slice_next_element(struct hn_slice *rest,
                                    struct hn_slice *element);

/* Digits only, at least one; false on anything else and on overflow. */
HN_INTERNAL bool slice_to_u64(struct hn_slice s, uint64_t *out);

HN_INTERNAL char slice_lower(char c);
/* 0..15, or -1 when c is no hexadecimal digit. */
HN_INTERNAL int slice_hex_digit(char c);

#endif
