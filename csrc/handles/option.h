/*
 * option.h: WinHttpSetOption and WinHttpQueryOption over one table of data
 * (option_list.h). An option is one row: name, number, type, the kinds of
 * handle that take it, and where its value lives; only values that are no plain
 * number or text have functions of their own (option_value.h). The public
 * functions are in hinternet.h.
 */
#ifndef HN_HANDLES_OPTION_H
#define HN_HANDLES_OPTION_H

#include "option_value.h"

#endif
