/*
 * option_list.c: the rows, in the order in which README shows them.
 */
#include "option_list.h"

#include <stddef.h>

#include "../proto/decode.h"
#include "../proto/follow.h"
#include "../proto/url.h"

enum { /* the kinds of handle, by their first letters */
       HN_AT_S = 1 << HN_KIND_SESSION,
       HN_AT_C = 1 << HN_KIND_CONNECTION,
       HN_AT_R = 1 << HN_KIND_REQUEST,
       HN_AT_SR = HN_AT_S | HN_AT_R,
       HN_AT_CR = HN_AT_C | HN_AT_R,
       HN_AT_SCR = HN_AT_S | HN_AT_C | HN_AT_R,
};

static const struct hn_word option_policies[] = {
    {"never", HN_REDIRECT_NEVER},
    {"disallow_https_to_http", HN_REDIRECT_DISALLOW_HTTPS_TO_HTTP},
    {"always", HN_REDIRECT_ALWAYS},
    {NULL, 0},
};

static const struct hn_word option_codings[] = {
    {"gzip", HN_CODING_GZIP},
    {"deflate", HN_CODING_DEFLATE},
    {"br", HN_CODING_BROTLI},
    {"zstd", HN_CODING_ZSTD},
    {NULL, 0},
};

static const struct hn_word option_protocols[] = {
    {"tls1_2", HN_TLS_1_2},
    {"tls1_3", HN_TLS_1_3},
    {NULL, 0},
};

static const struct hn_word option_ignores[] = {
    {"ignore_unknown_ca", HN_TLS_IGNORE_UNKNOWN_CA},
    {"ignore_cert_wrong_usage", HN_TLS_IGNORE_WRONG_USAGE},
    {"ignore_cert_cn_invalid", HN_TLS_IGNORE_CN_INVALID},
    {"ignore_cert_date_invalid", HN_TLS_IGNORE_DATE_INVALID},
    {"ignore_all_cert_errors", 0x3300},
    {"ignore_weak_signature", HN_TLS_IGNORE_WEAK_SIGNATURE},
    {"ignore_invalid_cert", HN_TLS_IGNORE_INVALID_CERT},
    {NULL, 0},
};

static const struct hn_word option_disables[] = {
    {"cookies", HN_DISABLE_COOKIES},
    {"redirects", HN_DISABLE_REDIRECTS},
    {"authentication", HN_DISABLE_AUTHENTICATION},
    {"keep_alive", HN_DISABLE_KEEP_ALIVE},
    {NULL, 0},
};

static const struct hn_word option_enables[] = {
    {"ssl_revocation", HN_ENABLE_SSL_REVOCATION},
    {NULL, 0},
};

static const struct hn_word option_no_delays[] = {
    {"auto", HN_TCP_NO_DELAY_AUTO},
    {"on", HN_TCP_NO_DELAY_ON},
    {"off", HN_TCP_NO_DELAY_OFF},
    {NULL, 0},
};

static int option_check_path(struct hn_node *n, struct hn_slice text) {
  struct hn_unix_path path;
  const char *detail;
  (void)n;
  if (text.n == 0) return 0;
  return address_parse_path(text, &path, &detail);
}

static int option_check_addresses(struct hn_node *n, struct hn_slice text) {
  struct hn_addresses list;
  (void)n;
  if (text.n == 0) return 0;
  return address_parse_list(text, &list) ? 0 : HN_ERR_INVALID_PARAMETER;
}

static int option_check_host(struct hn_node *n, struct hn_slice text) {
  (void)n;
  if (text.n == 0) return 0;
  return url_is_host(text) ? 0 : HN_ERR_INVALID_PARAMETER;
}

/* A plain request has nobody to show a certificate to (winhttp.md 3.1). */
static int option_check_client_cert(struct hn_node *n, struct hn_slice text) {
  (void)text;
  return node_kind(n) == HN_KIND_REQUEST && !request_from(n)->opened_secure
             ? HN_ERR_INCORRECT_HANDLE_STATE
             : 0;
}

/* Connections made from elsewhere must not serve the next request. */
static int option_check_local(struct hn_node *n, struct hn_slice text) {
  struct hn_session *s = session_of(n);
  struct hn_address local = {0};
  if (text.n > 0 && !address_parse(text, 0, &local))
    return HN_ERR_INVALID_PARAMETER;
  s->tuning.local = local;
  pool_retire(&s->pool);
  return 0;
}

static int option_check_interface(struct hn_node *n, struct hn_slice text) {
  struct hn_session *s = session_of(n);
  int rc = tcp_tune_set_interface(&s->tuning, text);
  if (rc == 0) pool_retire(&s->pool);
  return rc;
}

static const struct option_row option_rows[] = {
    {.entry = {"resolve_timeout", 2, HN_TYPE_TIME, HN_AT_SCR, HN_AT_SR,
               "longest name resolution", NULL, 1, INT64_MAX},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, resolve_timeout)},
    {.entry =
         {"connect_timeout", 3, HN_TYPE_TIME, HN_AT_SCR, HN_AT_SR,
          "longest connect, for each address, TLS handshake, and wait for a "
          "free connection",
          NULL, 1, INT64_MAX},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, connect_timeout)},
    {.entry = {"connect_retries", 4, HN_TYPE_INTEGER, HN_AT_SR, HN_AT_SR,
               "addresses of a host that are tried", NULL, 1, HN_MAX_ADDRESSES},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, connect_retries)},
    {.entry = {"send_timeout", 5, HN_TYPE_TIME, HN_AT_SCR, HN_AT_SR,
               "longest time in which nothing can be sent", NULL, 1, INT64_MAX},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, send_timeout)},
    {.entry = {"receive_timeout", 6, HN_TYPE_TIME, HN_AT_SCR, HN_AT_SR,
               "longest time in which nothing of the body arrives", NULL, 1,
               INT64_MAX},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, receive_timeout)},
    {.entry = {"redirect_policy", 88, HN_TYPE_INTEGER, HN_AT_SR, HN_AT_SR,
               "which redirects are followed", option_policies, 0, 2},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, redirect_policy)},
    {.entry = {"max_http_automatic_redirects", 89, HN_TYPE_INTEGER, HN_AT_SR,
               HN_AT_SR, "hops that are followed", NULL, 0, 1000},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, max_redirects)},
    {.entry = {"max_http_status_continue", 90, HN_TYPE_INTEGER, HN_AT_SR,
               HN_AT_SR, "interim (1xx) responses that are skipped", NULL, 0,
               1000},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, max_http_status_continue)},
    {.entry = {"max_response_header_size", 91, HN_TYPE_INTEGER, HN_AT_SR,
               HN_AT_SR, "largest response head in bytes", NULL, 64,
               16 * 1024 * 1024},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, max_response_header_size)},
    {.entry = {"max_response_drain_size", 92, HN_TYPE_INTEGER, HN_AT_SR,
               HN_AT_SR, "unread body read away to keep its connection", NULL,
               0, (int64_t)1 << 40},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, max_response_drain_size)},
    {.entry = {"reject_userpwd_in_url", 100, HN_TYPE_BOOLEAN, HN_AT_SR,
               HN_AT_SR, "a redirect to a URL with credentials fails", NULL, 0,
               1},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, reject_userpwd)},
    {.entry = {"enable_feature", 79, HN_TYPE_FLAGS, 0, HN_AT_SR,
               "revocation is checked: a stapled OCSP answer or crl_file must "
               "say good",
               option_enables, 0, 1},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, enabled)},
    {.entry = {"ignore_cert_revocation_offline", 155, HN_TYPE_BOOLEAN, HN_AT_SR,
               HN_AT_SR, "no revocation answer is good enough", NULL, 0, 1},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, revocation_offline_ok)},
    {.entry = {"read_buffer_size", 12, HN_TYPE_INTEGER, HN_AT_R, HN_AT_R,
               "no effect", NULL, 0, INT32_MAX},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, read_buffer_size)},
    {.entry = {"write_buffer_size", 13, HN_TYPE_INTEGER, HN_AT_R, HN_AT_R,
               "no effect", NULL, 0, INT32_MAX},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, write_buffer_size)},
    {.entry = {"request_priority", 58, HN_TYPE_INTEGER, HN_AT_R, HN_AT_R,
               "no effect", NULL, 0, INT32_MAX},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, request_priority)},
    {.entry = {"assured_non_blocking_callbacks", 111, HN_TYPE_BOOLEAN, HN_AT_S,
               HN_AT_S, "no effect", NULL, 0, 1},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, non_blocking_callbacks)},
    {.entry = {"decompression", 118, HN_TYPE_FLAGS, HN_AT_SR, HN_AT_SR,
               "content codings asked for and undone", option_codings, 0, 15},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, decompression)},
    {.entry = {"max_response_body", 0, HN_TYPE_INTEGER, HN_AT_SR, HN_AT_SR,
               "largest body that read(\"a\") takes", NULL, 0,
               (int64_t)1 << 46},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, max_response_body)},
    {.entry = {"max_decoded_size", 0, HN_TYPE_INTEGER, HN_AT_SR, HN_AT_SR,
               "largest size a compressed body may unpack to", NULL, 0,
               (int64_t)1 << 46},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, max_decoded_size)},
    {.entry = {"total_timeout", 0, HN_TYPE_TIME, HN_AT_SR, HN_AT_SR,
               "longest time from a send to the end of the response's body",
               NULL, 1, INT64_MAX},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, total_timeout)},
    {.entry =
         {"receive_response_timeout", 7, HN_TYPE_TIME, HN_AT_SCR, HN_AT_SR,
          "longest wait for the whole response head; at least receive_timeout",
          NULL, 1, INT64_MAX},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, response_timeout),
     .get = option_get_response_timeout},
    {.entry = {"extended_error", 24, HN_TYPE_INTEGER, HN_AT_R, 0,
               "the system's error number behind the last failure; 0: none",
               NULL, 0, 0},
     .get = option_get_error},
    {.entry =
         {"security_flags", 31, HN_TYPE_FLAGS, HN_AT_SR, HN_AT_SR,
          "certificate faults that are ignored; a query adds 0x1 (secure) and "
          "0x20000000 (strong)",
          option_ignores, 0, 0x33300},
     .get = option_get_security_flags,
     .set = option_set_security_flags},
    {.entry = {"security_certificate_struct", 32, HN_TYPE_RECORD, HN_AT_R, 0,
               "the server's certificate", NULL, 0, 0},
     .get = option_get_certificate},
    {.entry = {"security_key_bitness", 36, HN_TYPE_INTEGER, HN_AT_R, 0,
               "bits of the cipher's key; 0 without TLS", NULL, 0, 0},
     .get = option_get_key_bits},
    {.entry =
         {"disable_feature", 63, HN_TYPE_FLAGS, 0, HN_AT_R,
          "what this request goes without; bits add up, and unknown ones are "
          "accepted",
          option_disables, 0, UINT32_MAX},
     .set = option_set_disable},
    {.entry = {"server_cert_context", 78, HN_TYPE_TEXT, HN_AT_R, 0,
               "the server's certificate as PEM", NULL, 0, 0},
     .get = option_get_certificate_pem},
    {.entry = {"secure_protocols", 84, HN_TYPE_FLAGS, HN_AT_SR, HN_AT_SR,
               "TLS versions that may be used", option_protocols, 0, 0x2800},
     .base = HN_BASE_SETTINGS,
     .offset = offsetof(struct hn_settings, secure_protocols),
     .set = option_set_secure_protocols},
    {.entry = {"connection_info", 93, HN_TYPE_RECORD, HN_AT_R, 0,
               "addresses and ports of the connection's two ends", NULL, 0, 0},
     .get = option_get_connection_info},
    {.entry = {"ipv6_fast_fallback", 140, HN_TYPE_BOOLEAN, HN_AT_S, HN_AT_S,
               "addresses are tried 250 ms apart, not one after the other",
               NULL, 0, 1},
     .get = option_get_fallback,
     .set = option_set_fallback},
    {.entry = {"expire_connection", 143, HN_TYPE_NONE, 0, HN_AT_R,
               "the connection is closed after this response", NULL, 0, 0},
     .set = option_set_expire},
    {.entry = {"security_info", 151, HN_TYPE_RECORD, HN_AT_R, 0,
               "TLS version and cipher", NULL, 0, 0},
     .get = option_get_security_info},
    {.entry = {"tcp_keepalive", 152, HN_TYPE_BOOLEAN, HN_AT_S, HN_AT_S,
               "probes on silent connections", NULL, 0, 1},
     .base = HN_BASE_SESSION,
     .offset = offsetof(struct hn_session, tuning.probes)},
    {.entry = {"tcp_keepalive_idle", 0, HN_TYPE_INTEGER, HN_AT_S, HN_AT_S,
               "seconds of silence before the first probe; 0: the system's",
               NULL, 0, 32767},
     .base = HN_BASE_SESSION,
     .offset = offsetof(struct hn_session, tuning.probe_idle)},
    {.entry = {"tcp_keepalive_interval", 0, HN_TYPE_INTEGER, HN_AT_S, HN_AT_S,
               "seconds between two probes; 0: the system's", NULL, 0, 32767},
     .base = HN_BASE_SESSION,
     .offset = offsetof(struct hn_session, tuning.probe_interval)},
    {.entry = {"tcp_no_delay", 0, HN_TYPE_INTEGER, HN_AT_S, HN_AT_S,
               "when small writes wait", option_no_delays, 0, 2},
     .base = HN_BASE_SESSION,
     .offset = offsetof(struct hn_session, tuning.no_delay)},
    {.entry = {"handle_type", 9, HN_TYPE_INTEGER, HN_AT_SCR, 0,
               "1 session, 2 connection, 3 request", NULL, 0, 0},
     .get = option_get_type},
    {.entry = {"parent_handle", 21, HN_TYPE_HANDLE, HN_AT_CR, 0,
               "the handle it was made from", NULL, 0, 0},
     .get = option_get_parent},
    {.entry = {"url", 34, HN_TYPE_TEXT, HN_AT_R, 0,
               "the full URL of the request, after redirects", NULL, 0, 0},
     .get = option_get_url},
    {.entry = {"url_fragment", 0, HN_TYPE_TEXT, HN_AT_R, 0,
               "the fragment that redirects brought, with its `#`, or empty",
               NULL, 0, 0},
     .get = option_get_fragment},
    {.entry = {"user_agent", 41, HN_TYPE_TEXT, HN_AT_S, HN_AT_S,
               "the User-Agent field; empty: none", NULL, 0, 0},
     .get = option_get_agent,
     .set = option_set_agent},
    {.entry = {"context_value", 45, HN_TYPE_INTEGER, HN_AT_SCR, HN_AT_SCR,
               "a number of the caller's, copied to children", NULL, INT64_MIN,
               INT64_MAX},
     .get = option_get_context,
     .set = option_set_context},
    {.entry = {"max_conns_per_server", 73, HN_TYPE_INTEGER, HN_AT_S, HN_AT_S,
               "connections to one server; further requests wait; 0 is 2", NULL,
               0, INT32_MAX},
     .get = option_get_max_conns,
     .set = option_set_max_conns},
    {.entry = {"max_conns_per_1_0_server", 74, HN_TYPE_INTEGER, HN_AT_S,
               HN_AT_S, "the same for a server that speaks HTTP/1.0; 0 is 2",
               NULL, 0, INT32_MAX},
     .get = option_get_max_conns_1_0,
     .set = option_set_max_conns_1_0},
    {.entry =
         {"keep_alive_timeout", 0, HN_TYPE_TIME, HN_AT_S, HN_AT_S,
          "time a connection is kept unused, if its server does not say less",
          NULL, 1, INT64_MAX},
     .get = option_get_idle_time,
     .set = option_set_idle_time},
    {.entry =
         {"poll_budget", 0, HN_TYPE_SPAN, HN_AT_S, HN_AT_S,
          "longest work of one poll while the session is open; what is left is "
          "done by the next; the least of all sessions' and the host's holds",
          NULL, 1, INT64_MAX},
     .get = option_get_poll_budget,
     .set = option_set_poll_budget},
    {.entry = {"http_protocol_used", 134, HN_TYPE_INTEGER, HN_AT_R, 0,
               "0: HTTP/1.x", NULL, 0, 0},
     .get = option_get_protocol},
    {.entry = {"request_times", 142, HN_TYPE_RECORD, HN_AT_R, 0,
               "when the parts of the exchange happened, from its start", NULL,
               0, 0},
     .get = option_get_times},
    {.entry =
         {"request_stats", 146, HN_TYPE_RECORD, HN_AT_R, 0,
          "bytes sent and received, and whether the connection was used before",
          NULL, 0, 0},
     .get = option_get_stats},
    {.entry = {"connections_opened", 0, HN_TYPE_INTEGER, HN_AT_S, 0,
               "connections dialled by the session", NULL, 0, 0},
     .base = HN_BASE_SESSION,
     .offset = offsetof(struct hn_session, pool.opened)},
    {.entry = {"connections_reused", 0, HN_TYPE_INTEGER, HN_AT_S, 0,
               "requests sent on a connection that had served before", NULL, 0,
               0},
     .base = HN_BASE_SESSION,
     .offset = offsetof(struct hn_session, pool.reused)},
    {.entry = {"client_cert_context", 47, HN_TYPE_TEXT, HN_AT_SR, HN_AT_SR,
               "PEM or PKCS#12 file of our certificate", NULL, 0, 0},
     .base = HN_BASE_TEXTS,
     .text = HN_TEXT_CLIENT_CERT,
     .check = option_check_client_cert},
    {.entry = {"client_key_file", 0, HN_TYPE_TEXT, HN_AT_SR, HN_AT_SR,
               "PEM file of its key; empty: in the same file", NULL, 0, 0},
     .base = HN_BASE_TEXTS,
     .text = HN_TEXT_CLIENT_KEY},
    {.entry = {"client_cert_password", 0, HN_TYPE_TEXT, 0, HN_AT_SR,
               "what opens the key or the PKCS#12 file", NULL, 0, 0},
     .base = HN_BASE_TEXTS,
     .text = HN_TEXT_CLIENT_PASSWORD},
    {.entry = {"resolution_hostname", 165, HN_TYPE_TEXT, HN_AT_R, HN_AT_R,
               "the name that is looked up in place of the host's", NULL, 0, 0},
     .base = HN_BASE_TEXTS,
     .text = HN_TEXT_LOOKUP_HOST,
     .check = option_check_host},
    {.entry = {"request_annotation", 192, HN_TYPE_TEXT, HN_AT_R, HN_AT_R,
               "a text of the caller's", NULL, 0, 0},
     .base = HN_BASE_TEXTS,
     .text = HN_TEXT_ANNOTATION},
    {.entry = {"ca_file", 0, HN_TYPE_TEXT, HN_AT_SR, HN_AT_SR,
               "PEM file of trusted certificates; empty: the system's", NULL, 0,
               0},
     .base = HN_BASE_TEXTS,
     .text = HN_TEXT_CA_FILE},
    {.entry =
         {"pinned_public_keys", 0, HN_TYPE_TEXT, HN_AT_SR, HN_AT_SR,
          "keys the server may have: \"sha256//\" and base64, parted by \";\"",
          NULL, 0, 0},
     .base = HN_BASE_TEXTS,
     .text = HN_TEXT_PINS},
    {.entry = {"crl_file", 0, HN_TYPE_TEXT, HN_AT_SR, HN_AT_SR,
               "PEM file of revocation lists", NULL, 0, 0},
     .base = HN_BASE_TEXTS,
     .text = HN_TEXT_CRL_FILE},
    {.entry = {"key_log_file", 0, HN_TYPE_TEXT, HN_AT_S, HN_AT_S,
               "file the TLS secrets are appended to, for debugging", NULL, 0,
               0},
     .base = HN_BASE_TEXTS,
     .text = HN_TEXT_KEY_LOG_FILE},
    {.entry =
         {"unix_socket", 0, HN_TYPE_TEXT, HN_AT_SR, HN_AT_SR,
          "path of the socket that is used in place of TCP; \"@\": abstract",
          NULL, 0, 0},
     .base = HN_BASE_TEXTS,
     .text = HN_TEXT_UNIX_SOCKET,
     .check = option_check_path},
    {.entry = {"resolve_to", 0, HN_TYPE_TEXT, HN_AT_SR, HN_AT_SR,
               "addresses that are used in place of a look-up", NULL, 0, 0},
     .base = HN_BASE_TEXTS,
     .text = HN_TEXT_RESOLVE_TO,
     .check = option_check_addresses},
    {.entry = {"local_address", 0, HN_TYPE_TEXT, HN_AT_S, HN_AT_S,
               "address that connections come from", NULL, 0, 0},
     .base = HN_BASE_TEXTS,
     .text = HN_TEXT_LOCAL_ADDRESS,
     .check = option_check_local},
    {.entry = {"interface", 0, HN_TYPE_TEXT, HN_AT_S, HN_AT_S,
               "network interface that connections go through", NULL, 0, 0},
     .base = HN_BASE_TEXTS,
     .text = HN_TEXT_INTERFACE,
     .check = option_check_interface},
    /* WinHTTP's that are not supported (yet): refused as WinHTTP refuses an
     * option it does not have. */
    {.entry = {.name = "callback", .number = 1}},
    {.entry = {.name = "proxy", .number = 38}},
    {.entry = {.name = "proxy_result_entry", .number = 39}},
    {.entry = {.name = "http_version", .number = 59}},
    {.entry = {.name = "codepage", .number = 68}},
    {.entry = {.name = "autologon_policy", .number = 77}},
    {.entry = {.name = "passport_cobranding_text", .number = 81}},
    {.entry = {.name = "passport_cobranding_url", .number = 82}},
    {.entry = {.name = "configure_passport_auth", .number = 83}},
    {.entry = {.name = "passport_sign_out", .number = 86}},
    {.entry = {.name = "passport_return_url", .number = 87}},
    {.entry = {.name = "client_cert_issuer_list", .number = 94}},
    {.entry = {.name = "spn", .number = 96}},
    {.entry = {.name = "global_proxy_creds", .number = 97}},
    {.entry = {.name = "global_server_creds", .number = 98}},
    {.entry = {.name = "unload_notify_event", .number = 99}},
    {.entry = {.name = "use_global_server_credentials", .number = 101}},
    {.entry = {.name = "receive_proxy_connect_response", .number = 103}},
    {.entry = {.name = "is_proxy_connect_response", .number = 104}},
    {.entry = {.name = "network_interface_affinity", .number = 105}},
    {.entry = {.name = "server_spn_used", .number = 106}},
    {.entry = {.name = "proxy_spn_used", .number = 107}},
    {.entry = {.name = "server_cbt", .number = 108}},
    {.entry = {.name = "unsafe_header_parsing", .number = 110}},
    {.entry = {.name = "upgrade_to_web_socket", .number = 114}},
    {.entry = {.name = "web_socket_close_timeout", .number = 115}},
    {.entry = {.name = "web_socket_keepalive_interval", .number = 116}},
    {.entry = {.name = "web_socket_receive_buffer_size", .number = 122}},
    {.entry = {.name = "web_socket_send_buffer_size", .number = 123}},
    {.entry = {.name = "tcp_priority_hint", .number = 128}},
    {.entry = {.name = "connection_filter", .number = 131}},
    {.entry = {.name = "enable_http_protocol", .number = 133}},
    {.entry = {.name = "kdc_proxy_settings", .number = 136}},
    {.entry = {.name = "proxy_disable_service_calls", .number = 137}},
    {.entry = {.name = "encode_extra", .number = 138}},
    {.entry = {.name = "disable_stream_queue", .number = 139}},
    {.entry = {.name = "connection_stats_v0", .number = 141}},
    {.entry = {.name = "disable_secure_protocol_fallback", .number = 144}},
    {.entry = {.name = "http_protocol_required", .number = 145}},
    {.entry = {.name = "server_cert_chain_context", .number = 147}},
    {.entry = {.name = "server_cert_chain_build_flags", .number = 148}},
    {.entry = {.name = "connection_stats_v1", .number = 150}},
    {.entry = {.name = "tcp_fast_open", .number = 153}},
    {.entry = {.name = "tls_false_start", .number = 154}},
    {.entry = {.name = "tls_protocol_insecure_fallback", .number = 158}},
    {.entry = {.name = "stream_error_code", .number = 159}},
    {.entry = {.name = "require_stream_end", .number = 160}},
    {.entry = {.name = "enable_http2_plus_client_cert", .number = 161}},
    {.entry = {.name = "failed_connection_retries", .number = 162}},
    {.entry = {.name = "http2_keepalive", .number = 164}},
    {.entry = {.name = "set_token_binding", .number = 166}},
    {.entry = {.name = "token_binding_public_key", .number = 167}},
    {.entry = {.name = "referer_token_binding_hostname", .number = 168}},
    {.entry = {.name = "http2_plus_transfer_encoding", .number = 169}},
    {.entry = {.name = "resolver_cache_config", .number = 170}},
    {.entry = {.name = "disable_cert_chain_building", .number = 171}},
    {.entry = {.name = "background_connections", .number = 172}},
    {.entry = {.name = "first_available_connection", .number = 173}},
    {.entry = {.name = "tcp_priority_status", .number = 177}},
    {.entry = {.name = "connection_guid", .number = 178}},
    {.entry = {.name = "match_connection_guid", .number = 179}},
    {.entry = {.name = "http2_receive_window", .number = 183}},
    {.entry = {.name = "feature_supported", .number = 184}},
    {.entry = {.name = "quic_stats", .number = 185}},
    {.entry = {.name = "http3_keepalive", .number = 188}},
    {.entry = {.name = "http3_handshake_timeout", .number = 189}},
    {.entry = {.name = "http3_initial_rtt", .number = 190}},
    {.entry = {.name = "http3_stream_error_code", .number = 191}},
    {.entry = {.name = "disable_proxy_auth_schemes", .number = 193}},
    {.entry = {.name = "revert_impersonation_server_cert", .number = 194}},
    {.entry = {.name = "disable_global_pooling", .number = 195}},
    {.entry = {.name = "use_session_sch_cred", .number = 196}},
    {.entry = {.name = "server_cert_chain_build_cache_only", .number = 199}},
    {.entry = {.name = "quic_stats_v2", .number = 200}},
    {.entry = {.name = "quic_stream_stats", .number = 202}},
    {.entry = {.name = "use_lookaside", .number = 203}},
    {.entry = {.name = "error_log_guid", .number = 204}},
    {.entry = {.name = "enable_fast_forwarding", .number = 205}},
    {.entry = {.name = "fast_forwarding_response_data", .number = 206}},
    {.entry = {.name = "upgrade_to_protocol", .number = 207}},
    {.entry = {.name = "connection_stats_v2", .number = 208}},
    {.entry = {.name = "fast_forwarding_response_status", .number = 209}},
    {.entry = {.name = "dscp_tag", .number = 210}},
    {.entry = {.name = "http11_downgrade_ttl", .number = 211}},
    {.entry = {.name = "session_error_log_guid", .number = 212}},
    {.entry = {.name = "username", .number = 4096}},
    {.entry = {.name = "password", .number = 4097}},
    {.entry = {.name = "proxy_username", .number = 4098}},
    {.entry = {.name = "proxy_password", .number = 4099}},
};

enum { HN_OPTION_COUNT = sizeof option_rows / sizeof *option_rows };

const struct option_row *option_row_at(size_t i) {
  return i < HN_OPTION_COUNT ? &option_rows[i] : NULL;
}

const struct option_row *option_find(struct hn_slice name) {
  for (size_t i = 0; i < HN_OPTION_COUNT; i++)
    if (slice_equal(name, slice_of(option_rows[i].entry.name)))
      return &option_rows[i];
  return NULL;
}
