/*
 * err.h: internal result codes and the one place where an error is put into
 * words.
 *
 * Every fallible function answers 0, HN_AGAIN (waiting; never crosses core) or
 * a positive code of hinternet.h. What happened in detail is written once,
 * where it is first seen, into a struct hn_errinfo, and never rewritten on the
 * way up. No function here allocates.
 */
#ifndef HN_BASE_ERR_H
#define HN_BASE_ERR_H

#include "../hinternet.h"
#include "limits.h"

/* Hidden from other libraries; static when all files are compiled as one. */
#ifndef HN_INTERNAL
#define HN_INTERNAL __attribute__((visibility("hidden")))
#endif

/* What a part (net/part.h) exports when it is an object of its own. */
#ifndef HN_PART
#define HN_PART HN_INTERNAL
#endif

/* A sum of the headers: core and parts of one build have the same. */
#ifndef HN_STAMP
#define HN_STAMP 0
#endif

enum { HN_AGAIN = -1 };

/* In place of an errno: what was named is there, but no regular file. */
enum { HN_NOT_REGULAR = -1 };

struct hn_errinfo {
  int code;
  enum hn_phase phase;
  int system;                   /* errno or the TLS library's code, 0 if none */
  uint32_t secure;              /* HN_SECURE_* bits behind SECURE_FAILURE */
  char host[HN_MAX_HOST + 10];  /* "example.org:443", NUL-terminated */
  char text[HN_MAX_ERROR_TEXT]; /* the message, NUL-terminated */
};

/* "host:port" into out, with brackets round an IPv6 address; cut at size. */
HN_INTERNAL void err_format_host(char *out, size_t size, struct hn_slice host,
                                 unsigned port);

/* Fills info with "<detail> while <phase> <host>"; detail NULL stands for the
 * code's own text, host may be "" or NULL, and without a phase there is only
 * the detail. Text is cut at whole UTF-8 characters and its control characters
 * become '?'. system and secure become 0: set them afterwards. Returns code, so
 * that a failing function can end with it. */
HN_INTERNAL int err_set(struct hn_errinfo *info, int code, enum hn_phase phase,
                        const char *host, const char *detail);

/* What an errno (or HN_NOT_REGULAR) means, in English whatever the locale; NULL
 * for one that has no words here. */
HN_INTERNAL const char *err_system_text(int system);

/* The same as err_set with "<code's text> (<what the errno means>)" as
 * detail; system goes into info, and 0 leaves out the brackets. */
HN_INTERNAL int err_set_system(struct hn_errinfo *info, int code,
                               enum hn_phase phase, const char *host,
                               int system);

/* True for an errno that says that there are no descriptors left. */
HN_INTERNAL bool err_is_no_files(int system);

/* Adds a guess, in brackets, to what the text says; not when there is no room
 * for all of it. */
HN_INTERNAL void err_add_hint(struct hn_errinfo *info, const char *hint);

#endif
