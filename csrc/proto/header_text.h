/*
 * header_text.h: the bytes that names and values of header fields are made of.
 */
#ifndef HN_PROTO_HEADER_TEXT_H
#define HN_PROTO_HEADER_TEXT_H

#include "../base/slice.h"

/* RFC 9110 5.6.2 token; 5.5 field value: no CR, LF, NUL or other control but
 * tab. */
HN_INTERNAL bool header_is_token(struct hn_slice s);
HN_INTERNAL bool header_is_value(struct hn_slice s);
/* How many bytes at the start of s can stand in a token, in a value. */
HN_INTERNAL size_t header_token_length(struct hn_slice s);
HN_INTERNAL size_t header_value_length(struct hn_slice s);

#endif
