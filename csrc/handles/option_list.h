/*
 * option_list.h: every option of WinHTTP (winhttp.md 3.1) and our own, as a
 * table. An option is one row: name, number, type, the kinds of handle that
 * take it, and where its value lies, or what computes it.
 */
#ifndef HN_HANDLES_OPTION_LIST_H
#define HN_HANDLES_OPTION_LIST_H

#include "../hinternet_option.h"
#include "option_value.h"

/* What a row's value lies in: an int64_t at `offset`. */
enum option_base {
  HN_BASE_NONE,     /* it is computed, or is not supported */
  HN_BASE_SETTINGS, /* struct hn_settings, the request's or its session's */
  HN_BASE_SESSION,  /* struct hn_session */
  HN_BASE_TEXTS,    /* struct hn_texts, at `text` */
};

struct option_row {
  struct hn_option_entry entry;
  enum option_base base;
  size_t offset;
  enum hn_text text;
  /* In place of reading it, of writing it, and before a text is kept; each may
   * be NULL. A setter gets a value of the right type and range. */
  int (*get)(struct hn_node *n, struct hn_value *out);
  int (*set)(struct hn_node *n, const struct hn_value *value);
  int (*check)(struct hn_node *n, struct hn_slice text);
};

/* The i-th, from 0; NULL past the last. */
HN_INTERNAL const struct option_row *option_row_at(size_t i);
/* NULL: there is none of that name. */
HN_INTERNAL const struct option_row *option_find(struct hn_slice name);

#endif
