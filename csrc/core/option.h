/*
 * option.h: WinHttpSetOption and WinHttpQueryOption over one table of data
 * (option.c). An option is one row: name, number, type, the kinds of handle
 * that take it, and where its value lives; only values that are no plain number
 * have functions of their own. The public functions are in hinternet.h.
 */
#ifndef HN_CORE_OPTION_H
#define HN_CORE_OPTION_H

#include "request.h"

/* RECEIVE_RESPONSE_TIMEOUT is never less than RECEIVE_TIMEOUT (winhttp.md 3.1,
 * row 7): the value that counts. */
HN_INTERNAL int64_t option_response_timeout(const struct hn_settings *s);

#endif
