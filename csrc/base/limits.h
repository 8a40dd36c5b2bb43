/*
 * limits.h: every cap of the project in one list, each with what it stops.
 * A test build (HN_TEST_TINY) shrinks the buffers so that every refill and
 * every split happens all the time.
 */
#ifndef HN_BASE_LIMITS_H
#define HN_BASE_LIMITS_H

enum {
  /* A peer that never ends its head (WinHTTP MAX_RESPONSE_HEADER_SIZE). */
  HN_MAX_HEAD = 64 * 1024,
  /* A head of ten thousand one-byte fields: spans cost more than bytes. */
  HN_MAX_FIELDS = 256,
  /* Interim responses without an end (WinHTTP MAX_HTTP_STATUS_CONTINUE). */
  HN_MAX_INTERIM = 10,
  /* A chunk-size line padded with extensions or zeros. */
  HN_MAX_CHUNK_LINE = 1024,
  /* Chunk extensions and padding over the whole body, beyond a share of the
   * payload: a body of one-byte chunks with long extensions. */
  HN_MAX_CHUNK_OVERHEAD = 128 * 1024,
  /* Trailer section after a chunked body. */
  HN_MAX_TRAILER = 16 * 1024,
  /* Text a caller may put into a request head. */
  HN_MAX_REQUEST_HEAD = 256 * 1024,
  /* Longest URL taken apart, and longest host name (RFC 1035 2.3.4). */
  HN_MAX_URL = 64 * 1024,
  HN_MAX_HOST = 255,
  /* Unread body that is worth reading to save its connection (WinHTTP
   * MAX_RESPONSE_DRAIN_SIZE). */
  HN_MAX_DRAIN = 1024 * 1024,
  /* A body at most this long is copied at the start of its operation. */
  HN_MAX_COPY = 64 * 1024,
  /* Addresses of one name that are tried (WinHTTP CONNECT_RETRIES). */
  HN_MAX_ADDRESSES = 16,
  /* Look-ups at once; more wait in line (a stuck one holds only its own). */
  HN_MAX_RESOLVER_THREADS = 64,
  /* Answers kept by the resolver. */
  HN_MAX_RESOLVER_CACHE = 256,
  /* What one connection may move before the others get their turn: a peer as
   * fast as we are would keep a step busy for ever. The second is for steps
   * that may only work so long. */
  HN_PORTION = 1024 * 1024,
  HN_SMALL_PORTION = 64 * 1024,
  /* Text of an error message. */
  HN_MAX_ERROR_TEXT = 256,
};

/* What a connection reads ahead while it parses; freed when idle. */
#ifdef HN_TEST_TINY
enum { HN_READ_AHEAD = 7, HN_COPY_BUFFER = 13 };
#else
enum { HN_READ_AHEAD = 16 * 1024, HN_COPY_BUFFER = 256 * 1024 };
#endif

#endif
