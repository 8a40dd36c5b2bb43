/*
 * hinternet.h: the WinHTTP handle model for POSIX systems, the public C API.
 *
 * A runtime owns everything: one reactor, one resolver, one table of handles.
 * It belongs to one thread at a time. Handles are 64-bit ids that stay safe to
 * use after they are closed: a stale one answers HN_ERR_INVALID_HANDLE. So do
 * all of them in a forked child, which sends and reads nothing on its parent's
 * connections; hn_open begins anew there.
 *
 * Three doors lead into the engine and nothing in it ever calls out:
 *   start   hn_send, hn_read, ... post an operation; no call here waits
 *   step    hn_step is the only function that waits
 *   take    hn_next_event hands out what happened, by value
 *
 * Every function answers 0 or a positive code of the list below. Results go
 * through out-parameters, which are untouched on failure. Memory handed in is
 * copied before the call returns, unless the function says "pinned". Times are
 * milliseconds; sizes are bytes; text is UTF-8 and not NUL-terminated.
 *
 * No pointer may be NULL but these: hn_runtime_free's, hn_runtime_claim's user,
 * that of a slice or a buffer whose size is 0, and in a policy hosts and
 * ca_file. Builds without NDEBUG assert that. Numbers may be any: where one
 * makes no sense the answer is INVALID_PARAMETER, "false" or NULL.
 *
 * More of it: hinternet_option.h, hinternet_url.h (URLs and dates),
 * hinternet_policy.h, and hinternet_lua.h for programs that embed Lua.
 */
#ifndef HINTERNET_H
#define HINTERNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HN_API __attribute__((visibility("default")))

#define HN_VERSION "0.1.0"

/* ------------------------------------------------------------------ errors */

/* X(name, number, text): WinHTTP's and Win32's own numbers. */
#define HN_ERROR_LIST(X)                                                       \
  X(ACCESS_DENIED, 5, "access denied")                                         \
  X(INVALID_HANDLE, 6, "invalid handle")                                       \
  X(NOT_ENOUGH_MEMORY, 8, "not enough memory")                                 \
  X(WRITE_FAULT, 29, "cannot write the file")                                  \
  X(READ_FAULT, 30, "cannot read the file")                                    \
  X(NOT_SUPPORTED, 50, "not supported")                                        \
  X(INVALID_PARAMETER, 87, "invalid parameter")                                \
  X(INSUFFICIENT_BUFFER, 122, "buffer limit reached")                          \
  X(INVALID_OPERATION, 4317, "invalid operation")                              \
  X(TIMEOUT, 12002, "timeout")                                                 \
  X(INTERNAL_ERROR, 12004, "internal error")                                   \
  X(INVALID_URL, 12005, "invalid URL")                                         \
  X(UNRECOGNIZED_SCHEME, 12006, "unrecognized scheme")                         \
  X(NAME_NOT_RESOLVED, 12007, "name not resolved")                             \
  X(INVALID_OPTION, 12009, "invalid option")                                   \
  X(OPTION_NOT_SETTABLE, 12011, "option not settable")                         \
  X(SHUTDOWN, 12012, "runtime is shutting down")                               \
  X(LOGIN_FAILURE, 12015, "login failure")                                     \
  X(OPERATION_CANCELLED, 12017, "operation cancelled")                         \
  X(INCORRECT_HANDLE_TYPE, 12018, "incorrect handle type")                     \
  X(INCORRECT_HANDLE_STATE, 12019, "incorrect handle state")                   \
  X(CANNOT_CONNECT, 12029, "cannot connect")                                   \
  X(CONNECTION_ERROR, 12030, "connection broken")                              \
  X(RESEND_REQUEST, 12032, "request must be sent again")                       \
  X(SECURE_CERT_DATE_INVALID, 12037, "certificate date invalid")               \
  X(SECURE_CERT_CN_INVALID, 12038, "certificate name mismatch")                \
  X(CLIENT_AUTH_CERT_NEEDED, 12044, "client certificate needed")               \
  X(SECURE_INVALID_CA, 12045, "certificate authority unknown")                 \
  X(SECURE_CERT_REV_FAILED, 12057, "revocation check failed")                  \
  X(HEADER_NOT_FOUND, 12150, "header not found")                               \
  X(INVALID_SERVER_RESPONSE, 12152, "invalid server response")                 \
  X(INVALID_HEADER, 12153, "invalid header")                                   \
  X(HEADER_ALREADY_EXISTS, 12155, "header already exists")                     \
  X(REDIRECT_FAILED, 12156, "redirect failed")                                 \
  X(SECURE_CHANNEL_ERROR, 12157, "secure channel error")                       \
  X(SECURE_INVALID_CERT, 12169, "certificate invalid")                         \
  X(SECURE_CERT_REVOKED, 12170, "certificate revoked")                         \
  X(SECURE_FAILURE, 12175, "secure connection failed")                         \
  X(SECURE_CERT_WRONG_USAGE, 12179, "certificate has the wrong usage")         \
  X(HEADER_COUNT_EXCEEDED, 12181, "too many headers")                          \
  X(HEADER_SIZE_OVERFLOW, 12182, "header size limit exceeded")                 \
  X(CHUNKED_ENCODING_HEADER_SIZE_OVERFLOW, 12183,                              \
    "chunk header size limit exceeded")                                        \
  X(RESPONSE_DRAIN_OVERFLOW, 12184, "response drain limit exceeded")           \
  X(FEATURE_DISABLED, 12192, "feature disabled")

enum hn_error {
  HN_OK = 0,
#define HN_X(name, number, text) HN_ERR_##name = number,
  HN_ERROR_LIST(HN_X)
#undef HN_X
};

/* A borrowed run of bytes. {NULL, 0} means "absent" where that is allowed, and
 * "empty" elsewhere. */
struct hn_slice {
  const char *p;
  size_t n;
};

/* One entry of the error list: "TIMEOUT", 12002, "timeout". */
struct hn_error_entry {
  const char *name;
  int code;
  const char *text;
};

/* The i-th error, from 0; NULL past the last. */
HN_API const struct hn_error_entry *hn_error_at(size_t i);

/* The text of a code; "unknown error" for a number not in the list. */
HN_API const char *hn_error_text(int code);

/* ----------------------------------------------------------------- runtime */

typedef struct hn_runtime hn_runtime;
typedef uint64_t hn_handle; /* 0 is never a handle */

enum hn_kind { /* WinHTTP option HANDLE_TYPE */
               HN_KIND_SESSION = 1,
               HN_KIND_CONNECTION = 2,
               HN_KIND_REQUEST = 3,
               HN_KIND_WEBSOCKET = 5,
               HN_KIND_SLEEPER = 6, /* none of WinHTTP's: hn_sleep */
};

/* A new runtime. NOT_ENOUGH_MEMORY, or INTERNAL_ERROR when the system gives
 * no reactor. The caller owns it and ends it with hn_runtime_free. */
HN_API int hn_runtime_new(hn_runtime **out);

/* Closes every handle without notifications and frees the runtime. */
HN_API void hn_runtime_free(hn_runtime *rt);

/* Notes who uses the runtime: *user is rt from here on, and NULL once rt has
 * been freed. user NULL: nobody any more. INVALID_OPERATION while it has
 * another user. The Lua binding calls this for its state. */
HN_API int hn_runtime_claim(hn_runtime *rt, hn_runtime **user);

/* Moves everything that can move, waiting at most max_wait ms (-1: as long as
 * it takes) and only when nothing was ready and no event was posted since the
 * last step: so take what is wanted before each. Returns after one wait at the
 * latest, also when a signal broke it. SHUTDOWN in a forked child. */
HN_API int hn_step(hn_runtime *rt, int64_t max_wait);

/* Ends a wait in progress, or makes hn_pollable's descriptor readable; the one
 * function safe from another thread. Nothing in a forked child. */
HN_API void hn_wake(hn_runtime *rt);

/* From now on one hn_step picks up nothing more once it has worked that many
 * microseconds (0, the default: no limit); waiting does not count. It does one
 * thing at least, and is late by one at most: a TLS handshake, or a transfer of
 * a piece. What is left comes first in the next step. The option poll_budget
 * may ask for less while its session is open, never for more: ACCESS_DENIED.
 * INVALID_PARAMETER below 0 and above INT64_MAX / 4. */
HN_API int hn_set_budget(hn_runtime *rt, int64_t microseconds);
/* What holds: the least of what was set here and in open sessions; 0: no
 * limit. */
HN_API int64_t hn_budget(const hn_runtime *rt);

/* For a foreign loop: a descriptor that is readable while hn_step or
 * hn_next_event has something to do: after news from the network or a look-up,
 * at a deadline, for an event in a queue, a started operation, a wake. It is
 * the runtime's, stays the same and is only to be watched. From the first call
 * on a step costs one or two system calls more. NOT_SUPPORTED with the reactor
 * "poll", NOT_ENOUGH_MEMORY, INTERNAL_ERROR; SHUTDOWN in a forked child. */
HN_API int hn_pollable(hn_runtime *rt, int *fd);

/* Milliseconds until hn_step is due whatever the network does: 0 when there is
 * something to do now, -1 when there is no deadline or in a forked child. */
HN_API int64_t hn_next_timeout(hn_runtime *rt);

/* ------------------------------------------------------------------ events */

/* WINHTTP_CALLBACK_STATUS_*: one bit each, WinHTTP's values.
 * X(NAME, bit, "lua name") */
#define HN_STATUS_LIST(X)                                                      \
  X(RESOLVING_NAME, 0x00000001, "resolving_name")                              \
  X(NAME_RESOLVED, 0x00000002, "name_resolved")                                \
  X(CONNECTING_TO_SERVER, 0x00000004, "connecting_to_server")                  \
  X(CONNECTED_TO_SERVER, 0x00000008, "connected_to_server")                    \
  X(SENDING_REQUEST, 0x00000010, "sending_request")                            \
  X(REQUEST_SENT, 0x00000020, "request_sent")                                  \
  X(RECEIVING_RESPONSE, 0x00000040, "receiving_response")                      \
  X(RESPONSE_RECEIVED, 0x00000080, "response_received")                        \
  X(CLOSING_CONNECTION, 0x00000100, "closing_connection")                      \
  X(CONNECTION_CLOSED, 0x00000200, "connection_closed")                        \
  X(HANDLE_CREATED, 0x00000400, "handle_created")                              \
  X(HANDLE_CLOSING, 0x00000800, "handle_closing")                              \
  X(REDIRECT, 0x00004000, "redirect")                                          \
  X(INTERMEDIATE_RESPONSE, 0x00008000, "intermediate_response")                \
  X(SECURE_FAILURE, 0x00010000, "secure_failure")                              \
  X(HEADERS_AVAILABLE, 0x00020000, "headers_available")                        \
  X(DATA_AVAILABLE, 0x00040000, "data_available")                              \
  X(READ_COMPLETE, 0x00080000, "read_complete")                                \
  X(WRITE_COMPLETE, 0x00100000, "write_complete")                              \
  X(REQUEST_ERROR, 0x00200000, "request_error")                                \
  X(SENDREQUEST_COMPLETE, 0x00400000, "sendrequest_complete")

enum hn_status {
#define HN_X(name, bit, text) HN_STATUS_##name = bit,
  HN_STATUS_LIST(HN_X)
#undef HN_X
};

/* The completions: the ways an operation ends. */
#define HN_STATUS_COMPLETIONS                                                  \
  ((uint32_t)HN_STATUS_HEADERS_AVAILABLE | HN_STATUS_DATA_AVAILABLE |          \
   HN_STATUS_READ_COMPLETE | HN_STATUS_WRITE_COMPLETE |                        \
   HN_STATUS_REQUEST_ERROR | HN_STATUS_SENDREQUEST_COMPLETE)

/* What these announce waits until they were heard: see hn_next_event. */
#define HN_STATUS_HOLDS                                                        \
  ((uint32_t)HN_STATUS_RESOLVING_NAME | HN_STATUS_NAME_RESOLVED |              \
   HN_STATUS_CONNECTING_TO_SERVER | HN_STATUS_CONNECTED_TO_SERVER |            \
   HN_STATUS_SENDING_REQUEST | HN_STATUS_REDIRECT |                            \
   HN_STATUS_INTERMEDIATE_RESPONSE)

struct hn_status_entry {
  const char *name; /* Lua's spelling */
  uint32_t bit;
};

/* The i-th status, from 0; NULL past the last. */
HN_API const struct hn_status_entry *hn_status_at(size_t i);

enum hn_op { /* WinHTTP's API ids */
             HN_OP_NONE = 0,
             HN_OP_RECEIVE_RESPONSE = 1,
             HN_OP_QUERY_DATA_AVAILABLE = 2,
             HN_OP_READ_DATA = 3,
             HN_OP_WRITE_DATA = 4,
             HN_OP_SEND_REQUEST = 5,
             HN_OP_SLEEP = 16, /* none of WinHTTP's */
};

enum hn_phase { /* what was being done when something failed */
                HN_PHASE_NONE,
                HN_PHASE_RESOLVE,  /* "resolving" */
                HN_PHASE_ACQUIRE,  /* "waiting for a connection to" */
                HN_PHASE_CONNECT,  /* "connecting to" */
                HN_PHASE_SECURE,   /* "securing the connection to" */
                HN_PHASE_SEND,     /* "sending to" */
                HN_PHASE_RESPONSE, /* "waiting for the response of" */
                HN_PHASE_RECEIVE,  /* "receiving from" */
};

/* The phase in one Lua-style word ("connect"), or NULL for NONE. */
HN_API const char *hn_phase_name(int phase);

/*
 * Something that happened. `text` belongs to the runtime and lives until the
 * next hn_next_event or hn_take_result on it. What the fields hold:
 *   handle_created, handle_closing   number: that handle
 *   resolving_name .. connected      text: host name or IP address
 *   request_sent, response_received  number: bytes
 *   redirect                         text: the new URL
 *   intermediate_response            number: 1xx status
 *   secure_failure                   number: HN_SECURE_* bits
 *   data_available, write_complete   number: bytes
 *   read_complete                    text: the bytes read; ended: end of body;
 *                                    after hn_read_to, number: bytes copied
 *   request_error                    code, phase, text: the message; host
 * The end of a sleep is the completion of HN_OP_SLEEP with status 0.
 */
struct hn_event {
  hn_handle handle;
  hn_handle session;
  uint32_t status; /* one HN_STATUS_ bit; 0: a sleep is over */
  uint8_t op;      /* enum hn_op of a completion, else 0 */
  uint8_t phase;   /* enum hn_phase of an error */
  bool ended;      /* read_complete: the body ended before a byte came */
  bool quiet;      /* a completion that no callback hears: of a sync session,
                      or outside of the mask */
  int code;
  uint64_t number;
  struct hn_slice text;
  struct hn_slice host;
};

/* WINHTTP_CALLBACK_STATUS_FLAG_*: the bits of secure_failure. */
enum hn_secure_bit {
  HN_SECURE_CERT_REV_FAILED = 0x1,
  HN_SECURE_INVALID_CERT = 0x2,
  HN_SECURE_CERT_REVOKED = 0x4,
  HN_SECURE_INVALID_CA = 0x8,
  HN_SECURE_CERT_CN_INVALID = 0x10,
  HN_SECURE_CERT_DATE_INVALID = 0x20,
  HN_SECURE_CERT_WRONG_USAGE = 0x40,
};
#define HN_SECURE_CHANNEL_ERROR 0x80000000u

/* Takes the oldest event of `scope` (a session: its whole tree; another
 * handle: its own; 0: any) into *out. False when there is none. An operation
 * is over, and the next of its side may begin, when its completion is taken. A
 * request that has posted one of HN_STATUS_HOLDS goes on with the next take
 * after that event's own that its events are in the scope of, or when its mask
 * has that status no more. Until then it may be closed, cancelled or refused,
 * and what it has announced does not happen. */
HN_API bool hn_next_event(hn_runtime *rt, hn_handle scope,
                          struct hn_event *out);

/* Whether hn_next_event may have something to do. */
HN_API bool hn_has_event(const hn_runtime *rt, hn_handle scope);

/* Takes the completion of the operation running on h, when it has completed
 * and no older event of its session is queued; false otherwise. */
HN_API bool hn_take_result(hn_runtime *rt, hn_handle h, enum hn_op op,
                           struct hn_event *out);

/* Moves only the operation running on request h, as far as it can go without
 * waiting, and takes its completion if that has come: many results are there at
 * once, and cost less so. A caller who did not get his takes a step. False as
 * well when a status is to be posted for h, for that is heard first, and now
 * and then after many, for all others stand still meanwhile. */
HN_API bool hn_try_result(hn_runtime *rt, hn_handle h, enum hn_op op,
                          struct hn_event *out);

/* ----------------------------------------------------------------- handles */

enum hn_open_flag {
  HN_OPEN_ASYNC = 0x10000000, /* WINHTTP_FLAG_ASYNC */
};

/* WinHttpOpen. agent may be absent: then no User-Agent is sent.
 * INVALID_PARAMETER when the agent cannot stand in a header. */
HN_API int hn_open(hn_runtime *rt, struct hn_slice agent, unsigned flags,
                   hn_handle *out);

/* WinHttpConnect: remembers host and port (0: the scheme's default); no
 * network use. A host may be a name or an IP literal, IPv6 with or without
 * brackets, and with a zone: "fe80::1%eth0", in brackets also "%25eth0". The
 * zone is kept from the Host field. INVALID_PARAMETER for a host that cannot
 * stand in a URL. */
HN_API int hn_connect(hn_runtime *rt, hn_handle session, struct hn_slice host,
                      unsigned port, hn_handle *out);

enum hn_request_flag { /* WINHTTP_FLAG_* of OpenRequest */
                       HN_REQUEST_ESCAPE_PERCENT = 0x4,
                       HN_REQUEST_ESCAPE_DISABLE = 0x40,
                       HN_REQUEST_ESCAPE_DISABLE_QUERY = 0x80,
                       HN_REQUEST_REFRESH = 0x100,
                       HN_REQUEST_SECURE = 0x00800000,
};

struct hn_request_spec {
  struct hn_slice method;   /* absent: GET */
  struct hn_slice path;     /* absent: "/"; query included; "*" for OPTIONS */
  struct hn_slice version;  /* absent: "HTTP/1.1" */
  struct hn_slice referrer; /* absent: no Referer */
  struct hn_slice accept;   /* absent: no Accept; already joined by ", " */
  unsigned flags;           /* HN_REQUEST_* */
};

/* WinHttpOpenRequest: no network use. INVALID_PARAMETER for a method that is
 * no token, a version that is not HTTP/1.0 or HTTP/1.1, bad header text, or a
 * path left unescaped that holds a control character. */
HN_API int hn_open_request(hn_runtime *rt, hn_handle connection,
                           const struct hn_request_spec *spec, hn_handle *out);

/* WinHttpCloseHandle, for any kind. The id and every id below it are dead when
 * this returns; each running operation completes once with
 * OPERATION_CANCELLED, then handle_closing is posted bottom-up. */
HN_API int hn_close(hn_runtime *rt, hn_handle h);

/* hn_close for a collector: nothing is posted, and what is still queued for
 * the handle and those below it is dropped. */
HN_API void hn_discard(hn_runtime *rt, hn_handle h);

/* True while the id names an open handle. */
HN_API bool hn_is_valid(const hn_runtime *rt, hn_handle h);

/* The kind an id was made for (enum hn_kind), open or closed; 0 if none. */
HN_API int hn_kind_of(hn_handle h);

/* The slot index of an id: small, and reused after a close. */
HN_API uint32_t hn_index_of(hn_handle h);

/* Handles open and operations running in the whole runtime. */
HN_API void hn_live(const hn_runtime *rt, size_t *handles, size_t *operations);

/* Parent of an open handle; 0 for a session. */
HN_API int hn_parent(const hn_runtime *rt, hn_handle h, hn_handle *out);

/* The session an open handle lives in (itself for a session). */
HN_API int hn_session_of(const hn_runtime *rt, hn_handle h, hn_handle *out);

/* Whether the session an open handle lives in is asynchronous. */
HN_API int hn_is_async(const hn_runtime *rt, hn_handle h, bool *out);

/* What an open handle points at ("https://example.org:443", "GET /x") and its
 * state in one word, written into text, cut at its end. */
HN_API int hn_describe(const hn_runtime *rt, hn_handle h, char *text,
                       size_t size);

/* WinHttpSetStatusCallback's mask: the statuses to post for h and for children
 * made later. The callback itself belongs to whoever takes the events. */
HN_API int hn_set_mask(hn_runtime *rt, hn_handle h, uint32_t mask);
HN_API int hn_get_mask(const hn_runtime *rt, hn_handle h, uint32_t *mask);

/* ---------------------------------------------------------------- sleeping */

/* Lets time pass: a new handle without a parent, whose operation HN_OP_SLEEP
 * runs from here on and completes ms milliseconds later, not earlier; 0: once
 * the network was looked at; -1: never. Like any operation it may be awaited,
 * cancelled or closed; the handle stays until it is closed. INVALID_PARAMETER
 * below -1 and above INT64_MAX / 4. */
HN_API int hn_sleep(hn_runtime *rt, int64_t ms, hn_handle *out);

/* -------------------------------------------------------- request: sending */

enum hn_add_mode { /* WINHTTP_ADDREQ_FLAG_* */
                   HN_ADD = 0x20000000,
                   HN_ADD_IF_NEW = 0x10000000,
                   HN_ADD_COALESCE = 0x40000000, /* with comma */
                   HN_ADD_COALESCE_SEMICOLON = 0x01000000,
                   HN_ADD_REPLACE =
                       (int)0x80000000, /* alone: the header must be there */
};
#define HN_ADD_OR_REPLACE ((unsigned)HN_ADD_REPLACE | (unsigned)HN_ADD)

/* WinHttpAddRequestHeaders: one or more lines "Name: value", each but the last
 * ended by CRLF. All or nothing. INVALID_PARAMETER for bad text (a bare CR or
 * LF, a NUL, no colon, a name that is no token), HEADER_ALREADY_EXISTS,
 * HEADER_NOT_FOUND, INCORRECT_HANDLE_STATE while a send runs; between send and
 * response INVALID_PARAMETER for what the server has read already: Host,
 * Content-Length, Transfer-Encoding. */
HN_API int hn_add_headers(hn_runtime *rt, hn_handle request,
                          struct hn_slice lines, unsigned mode);

/* The same for one header given as name and value. */
HN_API int hn_add_header(hn_runtime *rt, hn_handle request,
                         struct hn_slice name, struct hn_slice value,
                         unsigned mode);

#define HN_LENGTH_AUTO    UINT64_MAX /* the length of the body given here */
#define HN_LENGTH_CHUNKED (UINT64_MAX - 1) /* unknown: hn_write, chunked */

/* WinHttpSendRequest. headers may be absent; they go in as ADD_OR_REPLACE, but
 * for a name that they hold more than once, which is repeated.
 * body of up to 64 KiB is copied, a larger one is pinned: it must stay where
 * it is until the next hn_send on this handle or its close. total is the whole
 * body's length; what the body given here does not cover comes by hn_write.
 * After RESEND_REQUEST it goes where the redirect leads, else to where the
 * request was opened. Completes with sendrequest_complete.
 * INCORRECT_HANDLE_STATE while an operation runs, INVALID_PARAMETER when
 * lengths contradict each other or exceed INT64_MAX. With any other error than
 * the first the exchange before is over as well. */
HN_API int hn_send(hn_runtime *rt, hn_handle request, struct hn_slice headers,
                   struct hn_slice body, uint64_t total);

/* WinHttpWriteData: more of the body; data over 64 KiB is pinned until the
 * completion. write_complete; number: bytes. INVALID_PARAMETER beyond the
 * announced length. */
HN_API int hn_write(hn_runtime *rt, hn_handle request, struct hn_slice data);

/* Copies up to limit bytes (UINT64_MAX: to its end) from a file descriptor to
 * the body. fd is duplicated for the time of the operation: it may be closed. A
 * pipe, socket or terminal is waited for under send_timeout. write_complete. */
HN_API int hn_write_from(hn_runtime *rt, hn_handle request, int fd,
                         uint64_t limit);

/* ------------------------------------------------------ request: receiving */

/* WinHttpReceiveResponse: ends the body and waits for the head.
 * headers_available. */
HN_API int hn_receive_response(hn_runtime *rt, hn_handle request);

/* WinHttpQueryDataAvailable. data_available; number: bytes a read gets without
 * waiting, 0 at the end. */
HN_API int hn_query_data_available(hn_runtime *rt, hn_handle request);

enum hn_read_mode {
  HN_READ_SOME, /* as soon as 1..n bytes are there */
  HN_READ_FILL, /* n bytes, fewer only at the end */
  HN_READ_ALL,  /* the rest; n is ignored, max_response_body holds */
};

/* WinHttpReadData. read_complete; text: the bytes, or ended. */
HN_API int hn_read(hn_runtime *rt, hn_handle request, size_t n,
                   enum hn_read_mode mode);

/* Copies up to limit bytes of body to a file descriptor, which is duplicated as
 * that of hn_write_from, and waited for under receive_timeout. A pipe without a
 * reader is WRITE_FAULT, without SIGPIPE. read_complete; number: bytes
 * copied. */
HN_API int hn_read_to(hn_runtime *rt, hn_handle request, int fd,
                      uint64_t limit);

/* Cancels the operation running on h (op 0: every one), as a close would, and
 * drops its completion. That side then answers OPERATION_CANCELLED to
 * everything but a close and a new hn_send; the connection is not reused. */
HN_API int hn_cancel(hn_runtime *rt, hn_handle h, enum hn_op op);

/* Whoever has taken one of HN_STATUS_HOLDS is still at it: from here on no take
 * lets h go on, until it is said that he is not. Only who may be interrupted by
 * others that take events has to say so. */
HN_API void hn_hear(hn_runtime *rt, hn_handle h, bool on);

/* Whoever heard what was announced last (HN_STATUS_HOLDS), and would be held to
 * have agreed with the next take, does not: what runs on h ends as by
 * hn_cancel, but its completions are posted. Nothing when h is not being heard.
 */
HN_API int hn_refuse(hn_runtime *rt, hn_handle h);

/* Says that somebody waits in a loop for the operation running on h. A sync
 * operation nobody waits for when the next one is started was broken off: it
 * is cancelled, and the new call answers OPERATION_CANCELLED. */
HN_API int hn_await(hn_runtime *rt, hn_handle h, enum hn_op op);

enum hn_header_source { HN_FROM_RESPONSE, HN_FROM_REQUEST, HN_FROM_TRAILERS };

/* The index-th (from 0) value of a header; borrowed until the next call on
 * this request. HEADER_NOT_FOUND; INCORRECT_HANDLE_STATE when there is no
 * response (or, for trailers, when the body has not ended). */
HN_API int hn_query_header(hn_runtime *rt, hn_handle request,
                           enum hn_header_source from, struct hn_slice name,
                           size_t index, struct hn_slice *value);

/* The start line and all fields as one text, each line ended by CRLF, an empty
 * line last; borrowed like hn_query_header's. Trailers have no start line. */
HN_API int hn_query_raw_headers(hn_runtime *rt, hn_handle request,
                                enum hn_header_source from,
                                struct hn_slice *text);

struct hn_response_line {
  int status;             /* 200 */
  int major, minor;       /* 1, 1 */
  struct hn_slice reason; /* "OK"; may be empty */
  int64_t hops;           /* redirects followed to get here */
};

/* INCORRECT_HANDLE_STATE when there is no response; there is one also after
 * RESEND_REQUEST: the redirect that needs the body again. */
HN_API int hn_query_response_line(hn_runtime *rt, hn_handle request,
                                  struct hn_response_line *out);

/* How far the bodies have come. `unsent` is what of the announced body is still
 * to be written: HN_LENGTH_CHUNKED when that is not known, 0 while nothing is
 * being sent, and once an early answer has made the rest useless.
 * `announced` is the whole body's length and `given` what of it was taken so
 * far; both are 0 while nothing is being sent. */
struct hn_progress {
  uint64_t unsent, announced, given;
  uint64_t sent;     /* bytes moved by the operation of the send side, */
  uint64_t received; /* and of the receive side, that runs or ran last */
};

HN_API int hn_query_progress(hn_runtime *rt, hn_handle request,
                             struct hn_progress *out);

#define HN_MAX_TIMES 16

/* What the option "request_times" tells, without names: microseconds from the
 * start of the exchange, at least 1; 0 for what has not happened. Only as many
 * as have a name are set. INCORRECT_HANDLE_STATE before the first send. */
HN_API int hn_query_times(hn_runtime *rt, hn_handle request,
                          int64_t out[HN_MAX_TIMES]);

/* The name of the i-th time, from 0; NULL past the last. */
HN_API const char *hn_time_name(size_t i);

/* The method a request was opened with. */
HN_API int hn_query_method(hn_runtime *rt, hn_handle request,
                           struct hn_slice *out);

/* -------------------------------------------------------------- the library */

/* A clock that only goes forward, in microseconds since some moment. */
HN_API int64_t hn_monotonic_time(void);

/* The reactor this build uses: "epoll" or "poll". */
HN_API const char *hn_reactor_name(void);

/* The i-th thing that not every build has, from 0, and whether this one does;
 * NULL past the last. */
HN_API const char *hn_feature_at(size_t i, bool *built);

#endif
