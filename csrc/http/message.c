#include "message.h"

/* What the fields say about the body's length. A second length, a length beside
 * a coding, or a coding we do not speak is how request smuggling begins
 * (RFC 9112 11.2): refused. */
static int message_read_framing(const struct hn_message *m, bool *chunked,
                                bool *has_length, uint64_t *length) {
  const struct hn_headers *h = m->fields;
  struct hn_slice v, second;
  struct hn_slice te = slice_of("Transfer-Encoding");
  struct hn_slice cl = slice_of("Content-Length");
  *chunked = headers_find(h, te, 0, &v);
  if (*chunked && (!slice_equal_nocase(v, slice_of("chunked")) ||
                   headers_find(h, te, 1, &second) || m->minor == 0))
    return HN_ERR_INVALID_PARAMETER;
  *has_length = headers_find(h, cl, 0, &v);
  if (!*has_length) return 0;
  if (*chunked || headers_find(h, cl, 1, &second) || !slice_to_u64(v, length) ||
      *length > INT64_MAX)
    return HN_ERR_INVALID_PARAMETER;
  return 0;
}

int message_agree_length(struct hn_message *m, uint64_t total, bool *said) {
  bool chunked, has_length;
  uint64_t given = 0;
  int rc = message_read_framing(m, &chunked, &has_length, &given);
  if (rc) return rc;
  if (total == HN_LENGTH_AUTO)
    total = chunked ? HN_LENGTH_CHUNKED : has_length ? given : m->body.n;
  if (total == HN_LENGTH_CHUNKED) {
    /* RFC 9112 6.1: no chunked coding towards HTTP/1.0. */
    if (has_length || m->minor == 0) return HN_ERR_INVALID_PARAMETER;
  } else if (chunked || total < m->body.n || total > INT64_MAX ||
             (has_length && given != total)) {
    return HN_ERR_INVALID_PARAMETER;
  }
  m->length = total;
  *said = chunked || has_length;
  return 0;
}

int message_say_length(struct hn_headers *fields, uint64_t length) {
  char digits[24];
  if (length == HN_LENGTH_CHUNKED)
    return headers_append(fields, slice_of("Transfer-Encoding"),
                          slice_of("chunked"));
  char *p = digits + sizeof digits;
  do *--p = (char)('0' + length % 10);
  while ((length /= 10) > 0);
  return headers_append(fields, slice_of("Content-Length"),
                        slice_make(p, (size_t)(digits + sizeof digits - p)));
}

int message_say_connection(struct hn_headers *fields, int minor, bool close) {
  if (close)
    return headers_apply(fields, HN_ADD_OR_REPLACE, slice_of("Connection"),
                         slice_of("close"));
  /* HTTP/1.0 persists only when asked to (RFC 9112 9.3). */
  if (minor > 0 || headers_has(fields, "Connection")) return 0;
  return headers_append(fields, slice_of("Connection"), slice_of("Keep-Alive"));
}

struct hn_slice message_authority(const struct hn_message *m) {
  struct hn_slice host = {NULL, 0};
  (void)headers_find(m->fields, slice_of("Host"), 0, &host);
  return host;
}

bool message_closes(const struct hn_message *m) {
  return headers_has_element(m->fields, "Connection", "close");
}

/* Of HTTP/1 or of its connection, by its name or because Connection names it.
 * TE may stay when it says nothing but "trailers". */
static bool message_is_versions_own(const struct hn_message *m,
                                    struct hn_slice name,
                                    struct hn_slice value) {
  static const char *const names[] = {
      "Host",           "Connection",       "Keep-Alive",
      "Upgrade",        "Proxy-Connection", "Transfer-Encoding",
      "HTTP2-Settings",
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (slice_equal_nocase(name, slice_of(names[i]))) return true;
  if (slice_equal_nocase(name, slice_of("TE")))
    return !slice_equal_nocase(value, slice_of("trailers"));
  return headers_look_up_element(m->fields, slice_of("Connection"), name);
}

bool message_next(const struct hn_message *m, size_t *at, struct hn_slice *name,
                  struct hn_slice *value) {
  for (; *at < m->fields->count; (*at)++) {
    *name = headers_name(m->fields, *at);
    *value = headers_value(m->fields, *at);
    if (message_is_versions_own(m, *name, *value)) continue;
    (*at)++;
    return true;
  }
  return false;
}
