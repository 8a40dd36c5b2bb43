/*
 * settings.h: the values a child copies from its parent when it is made
 * (winhttp.md 1.2): later changes on one side do not reach the other.
 */
#ifndef HN_HANDLES_SETTINGS_H
#define HN_HANDLES_SETTINGS_H

#include "../base/account.h"
#include "../base/limits.h"
#include "../hinternet.h"

struct hn_settings {
  int64_t resolve_timeout; /* ms; -1: none */
  int64_t connect_timeout;
  int64_t send_timeout;
  int64_t receive_timeout;
  int64_t response_timeout;
  int64_t total_timeout;
  int64_t connect_retries;
  int64_t max_response_header_size;
  int64_t max_response_drain_size;
  int64_t max_http_status_continue;
  int64_t max_response_body;
  int64_t decompression;    /* enum hn_coding bits that are asked for */
  int64_t max_decoded_size; /* of one body; a bomb's limit */
  int64_t redirect_policy;  /* enum hn_redirect_policy */
  int64_t max_redirects;
  int64_t reject_userpwd;   /* a URL with credentials is refused */
  int64_t disabled;         /* enum hn_disable_feature */
  int64_t enabled;          /* enum hn_enable_feature */
  int64_t security_flags;   /* enum hn_tls_ignore */
  int64_t secure_protocols; /* enum hn_tls_version */
  int64_t revocation_offline_ok;
  /* Options without effect are kept, to be read back. */
  int64_t read_buffer_size, write_buffer_size, request_priority;
  int64_t non_blocking_callbacks;
};

/* WINHTTP_DISABLE_*, WINHTTP_ENABLE_* */
enum hn_disable_feature {
  HN_DISABLE_COOKIES = 1,
  HN_DISABLE_REDIRECTS = 2,
  HN_DISABLE_AUTHENTICATION = 4,
  HN_DISABLE_KEEP_ALIVE = 8,
};
enum hn_enable_feature { HN_ENABLE_SSL_REVOCATION = 1 };

/* Options that are text. A request's own goes before its session's. */
enum hn_text {
  HN_TEXT_CA_FILE,
  HN_TEXT_CLIENT_CERT,
  HN_TEXT_CLIENT_KEY,
  HN_TEXT_CLIENT_PASSWORD,
  HN_TEXT_PINS,
  HN_TEXT_CRL_FILE,
  HN_TEXT_KEY_LOG_FILE,
  HN_TEXT_UNIX_SOCKET,
  HN_TEXT_RESOLVE_TO,
  HN_TEXT_LOOKUP_HOST,
  HN_TEXT_LOCAL_ADDRESS,
  HN_TEXT_INTERFACE,
  HN_TEXT_ANNOTATION,
  HN_TEXTS
};

struct hn_texts {
  char *at[HN_TEXTS];         /* owned; NULL: not set */
  struct hn_account *account; /* borrowed: where they count */
};

/* design.md 6 and WinHTTP's defaults. */
#define HN_SETTINGS_DEFAULT                                                    \
  {                                                                            \
    .resolve_timeout = 30 * 1000, .connect_timeout = 60 * 1000,                \
    .send_timeout = 30 * 1000, .receive_timeout = 30 * 1000,                   \
    .response_timeout = 90 * 1000, .total_timeout = -1, .connect_retries = 5,  \
    .max_response_header_size = HN_MAX_HEAD,                                   \
    .max_response_drain_size = HN_MAX_DRAIN,                                   \
    .max_http_status_continue = HN_MAX_INTERIM,                                \
    .max_response_body = (int64_t)1024 * 1024 * 1024, .decompression = 15,     \
    .max_decoded_size = (int64_t)4096 * 1024 * 1024,                           \
    .redirect_policy = 1, /* not from https to http */                         \
        .max_redirects = 10, .secure_protocols = 0x2800, /* TLS 1.2 and 1.3 */ \
  }

/* RECEIVE_RESPONSE_TIMEOUT is never less than RECEIVE_TIMEOUT (winhttp.md 3.1,
 * row 7): the value that counts. */
HN_INTERNAL int64_t settings_response_timeout(const struct hn_settings *s);

#endif
