/*
 * decode.h: undoing the content codings of a body (RFC 9110 8.4): gzip,
 * deflate, brotli and zstd, alone or one over the other.
 *
 * A byte transform: the caller shows compressed bytes and gives room for plain
 * ones; nothing is read, waited for or kept beyond what a coding needs (gzip
 * 40 KiB, brotli up to 16 MiB, zstd up to 8 MiB of window). A single coding
 * decodes straight into the caller's room. How large a body may become is the
 * caller's to limit: one call never gives more than its room.
 *
 * gzip and deflate are always built. Brotli and zstd are there when their
 * libraries were found (HN_HAVE_BROTLI, HN_HAVE_ZSTD).
 *
 * What follows a complete body is judged as it comes:
 *   gzip     more members (RFC 1952 2.2) and zero bytes; all else is corrupt
 *   deflate  nothing; after a raw stream (RFC 1951), up to four bytes: senders
 *            that leave out only the header of RFC 1950 still append its sum
 *   br       nothing
 *   zstd     more frames, skippable ones too (RFC 8878 3.1)
 */
#ifndef HN_PROTO_DECODE_H
#define HN_PROTO_DECODE_H

#include "h1_head.h"

/* One bit each, for sets of them; the first two are WinHTTP's flags
 * WINHTTP_DECOMPRESSION_FLAG_GZIP and _DEFLATE. */
enum hn_coding {
  HN_CODING_GZIP = 1,    /* "gzip", "x-gzip": RFC 1952 */
  HN_CODING_DEFLATE = 2, /* "deflate": RFC 1950, or RFC 1951 without it */
  HN_CODING_BROTLI = 4,  /* "br": RFC 7932 */
  HN_CODING_ZSTD = 8,    /* "zstd": RFC 8878 */
};

enum {
  /* Every layer costs a decoder and multiplies what a small body can become:
   * a field that lists a thousand. */
  HN_MAX_CODINGS = 4,
  /* Between two layers. */
  HN_DECODE_BUFFER = 32 * 1024,
  /* A layer that unpacks to gigabytes of nothing (empty gzip members) for the
   * layer above never meets the caller's size limit. Bytes may pass between
   * layers up to this many without any output, */
  HN_MAX_DECODE_SILENCE = 1024 * 1024,
  /* and over time up to this many for each byte of output. */
  HN_MAX_DECODE_OVERHEAD = 8,
};

/* The codings of a body in the order they were applied. */
struct hn_coding_list {
  enum hn_coding codings[HN_MAX_CODINGS];
  size_t count; /* 0: nothing to undo */
};

/* The set of codings that this build undoes. */
HN_INTERNAL unsigned decode_built(void);

/* The line that asks for those of a set that are built, most common first:
 * "Accept-Encoding: gzip, deflate, br, zstd" CRLF; absent when there is none.
 * Static. */
HN_INTERNAL struct hn_slice decode_accept_line(unsigned set);

/* Reads the Content-Encoding fields. "identity" counts for nothing.
 * NOT_SUPPORTED: one of the codings is unknown, not built or not in `set`;
 * the body can only be delivered as it is. INVALID_SERVER_RESPONSE (fault
 * BAD_CONTENT_CODING): more than HN_MAX_CODINGS. */
HN_INTERNAL int decode_parse(const struct hn_headers *fields, unsigned set,
                             struct hn_coding_list *out);

struct hn_codec;
struct hn_decoder;

/* A decoder, which the caller owns, for the codecs (static, see
 * decode_codec.h) of codings in the order they were applied; its memory is on
 * the account, which may be NULL. INVALID_PARAMETER for none or too many,
 * NOT_SUPPORTED where one is NULL, NOT_ENOUGH_MEMORY. */
HN_INTERNAL int decoder_new(const struct hn_codec *const *codecs, size_t count,
                            struct hn_account *account,
                            struct hn_decoder **out);
/* d may be NULL. */
HN_INTERNAL void decoder_free(struct hn_decoder *d);

/* Eats from *in, which moves past what was used, and writes at most room
 * (not 0) bytes to out.
 *   0         *got > 0 bytes were written. Call again, with no more input if
 *             there is none yet: there may be more to come.
 *   HN_AGAIN  all of *in was used, nothing was written: more input needed, or
 *             decoder_end if there is none.
 *   else      INVALID_SERVER_RESPONSE with fault BAD_CONTENT_CODING, or
 *             NOT_ENOUGH_MEMORY; *in and *got are untouched, and every later
 *             call answers the same. What gzip and deflate hold before the
 *             bad place was given out first; the libraries of the others may
 *             keep some of it. */
HN_INTERNAL int decoder_step(struct hn_decoder *d, struct hn_slice *in,
                             char *out, size_t room, size_t *got);

/* No more input; the last decoder_step answered HN_AGAIN. 0 when the body was
 * whole, and also when it was empty (0 bytes, as sent by servers that label
 * every response); else INVALID_SERVER_RESPONSE with fault
 * TRUNCATED_CONTENT, or the earlier error. */
HN_INTERNAL int decoder_end(struct hn_decoder *d);

/* True when the input so far is a whole body; more may still follow. False
 * for an empty one and after an error. */
HN_INTERNAL bool decoder_is_done(const struct hn_decoder *d);

/* Why a call failed; HN_FAULT_NONE also for NOT_ENOUGH_MEMORY. */
HN_INTERNAL enum hn_fault decoder_fault(const struct hn_decoder *d);

#endif
