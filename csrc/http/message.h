/*
 * message.h: what is asked, whatever version says it.
 *
 * The fields are those of the caller, completed as HTTP/1.1 writes them, in the
 * order it does: that is what a request shows, before and after it is sent.
 * HTTP/1 sends them as they are. A version that says some of it in another way
 * takes the facts: method, target, authority, length, whether the connection is
 * to be closed; and of the fields those that belong to no version.
 */
#ifndef HN_HTTP_MESSAGE_H
#define HN_HTTP_MESSAGE_H

#include "../proto/header.h"

/* Borrowed by an exchange until exchange_close. */
struct hn_message {
  struct hn_slice method, target;
  int minor; /* HTTP/1.minor */
  const struct hn_headers *fields;
  struct hn_slice body; /* what is given at once */
  uint64_t length;      /* of the whole body; HN_LENGTH_CHUNKED: not known */
  bool expects;         /* waits for 100 (Continue) before the body */
  bool repeatable;      /* may be sent again by itself: idempotent (RFC 9110
                           9.2.2), and its body is all here */
};

/* Decides how long the body is, from the fields, what is given at once and the
 * `total` of hn_send; *said: the fields say it already. INVALID_PARAMETER when
 * they do not agree. */
HN_INTERNAL int message_agree_length(struct hn_message *m, uint64_t total,
                                     bool *said);

/* Completes fields as HTTP/1.minor needs them. Errors of headers_append. */
HN_INTERNAL int message_say_length(struct hn_headers *fields, uint64_t length);
HN_INTERNAL int message_say_connection(struct hn_headers *fields, int minor,
                                       bool close);

/* Whom it is for: what its Host says, or nothing. */
HN_INTERNAL struct hn_slice message_authority(const struct hn_message *m);
/* Whether its connection is to carry no other. */
HN_INTERNAL bool message_closes(const struct hn_message *m);
/* The first field at or after *at that belongs to no version and to no
 * connection (RFC 9110 7.6.1, RFC 9113 8.2.2); *at moves behind it. False:
 * there is none. */
HN_INTERNAL bool message_next(const struct hn_message *m, size_t *at,
                              struct hn_slice *name, struct hn_slice *value);

#endif
