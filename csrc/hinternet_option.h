/*
 * hinternet_option.h: options of handles (WinHttpSetOption, WinHttpQueryOption)
 * by name. Which there are, on which handles and what for, their list tells.
 */
#ifndef HINTERNET_OPTION_H
#define HINTERNET_OPTION_H

#include "hinternet.h"

enum hn_type {
  HN_TYPE_NONE,
  HN_TYPE_BOOLEAN, /* number: 0 or 1 */
  HN_TYPE_INTEGER, /* number */
  HN_TYPE_TIME,    /* number: milliseconds, -1 for none; seconds in Lua */
  HN_TYPE_TEXT,    /* text */
  HN_TYPE_HANDLE,  /* number: a handle */
  HN_TYPE_FLAGS,   /* number: bits; in Lua also a list of their names */
  HN_TYPE_SPAN,    /* number: microseconds, -1 for none; seconds in Lua */
  HN_TYPE_RECORD,  /* fields; a table in Lua */
};

struct hn_field;

/* A query's text and fields are borrowed until the next call. */
struct hn_value {
  enum hn_type type;
  int64_t number;
  struct hn_slice text;
  const struct hn_field *fields;
  size_t count;
};

/* One named value of a record. */
struct hn_field {
  const char *name;
  struct hn_value value;
};

/* A name for a number or a bit. */
struct hn_word {
  const char *name;
  int64_t number;
};

struct hn_option_entry {
  const char *name; /* "connect_timeout" */
  int number;       /* WinHTTP's; 0 for our own */
  enum hn_type type;
  unsigned query_levels; /* bit 1 << enum hn_kind for each that answers it */
  unsigned set_levels;   /* and for each that takes it */
  const char *text;      /* one line of help */
  const struct hn_word *words; /* ended by a NULL name; NULL: none */
  int64_t min, max;            /* of a number; of flags max is every bit */
};

/* The i-th option, from 0; NULL past the last. One of WinHTTP's that is not
 * supported has no level: setting it is INVALID_OPTION, querying it
 * INVALID_PARAMETER, as there. */
HN_API const struct hn_option_entry *hn_option_at(size_t i);

/* INVALID_OPTION for an unknown name, INCORRECT_HANDLE_TYPE on the wrong
 * level, OPTION_NOT_SETTABLE, INVALID_PARAMETER for a wrong type or value,
 * ACCESS_DENIED for what the policy forbids. */
HN_API int hn_set_option(hn_runtime *rt, hn_handle h, struct hn_slice name,
                         const struct hn_value *value);
HN_API int hn_query_option(hn_runtime *rt, hn_handle h, struct hn_slice name,
                           struct hn_value *out);

#endif
