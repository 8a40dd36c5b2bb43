/*
 * option_list.h: every option of WinHTTP (winhttp.md 3.1) and our own, as data.
 * Only option.c includes it.
 *
 * Levels: S session, C connection, R request, in the letters of HN_OPTION_x.
 */
#ifndef HN_HANDLES_OPTION_LIST_H
#define HN_HANDLES_OPTION_LIST_H

/* Numbers that live in struct hn_settings.
 * X(name, number, type, levels that query, levels that set, field, least,
 *   most, words, text) */
#define HN_OPTION_STORED_LIST(X)                                               \
  X("resolve_timeout", 2, TIME, SCR, SR, resolve_timeout, 1, INT64_MAX, NULL,  \
    "longest name resolution")                                                 \
  X("connect_timeout", 3, TIME, SCR, SR, connect_timeout, 1, INT64_MAX, NULL,  \
    "longest connect, for each address, TLS handshake, and wait for a "        \
    "free connection")                                                         \
  X("connect_retries", 4, INTEGER, SR, SR, connect_retries, 1,                 \
    HN_MAX_ADDRESSES, NULL, "addresses of a host that are tried")              \
  X("send_timeout", 5, TIME, SCR, SR, send_timeout, 1, INT64_MAX, NULL,        \
    "longest time in which nothing can be sent")                               \
  X("receive_timeout", 6, TIME, SCR, SR, receive_timeout, 1, INT64_MAX, NULL,  \
    "longest time in which nothing of the body arrives")                       \
  X("redirect_policy", 88, INTEGER, SR, SR, redirect_policy, 0, 2,             \
    option_policies, "which redirects are followed")                           \
  X("max_http_automatic_redirects", 89, INTEGER, SR, SR, max_redirects, 0,     \
    1000, NULL, "hops that are followed")                                      \
  X("max_http_status_continue", 90, INTEGER, SR, SR, max_http_status_continue, \
    0, 1000, NULL, "interim (1xx) responses that are skipped")                 \
  X("max_response_header_size", 91, INTEGER, SR, SR, max_response_header_size, \
    64, 16 * 1024 * 1024, NULL, "largest response head in bytes")              \
  X("max_response_drain_size", 92, INTEGER, SR, SR, max_response_drain_size,   \
    0, (int64_t)1 << 40, NULL, "unread body read away to keep its connection") \
  X("reject_userpwd_in_url", 100, BOOLEAN, SR, SR, reject_userpwd, 0, 1, NULL, \
    "a redirect to a URL with credentials fails")                              \
  X("enable_feature", 79, FLAGS, 0, SR, enabled, 0, 1, option_enables,         \
    "revocation is checked: a stapled OCSP answer or crl_file must say good")  \
  X("ignore_cert_revocation_offline", 155, BOOLEAN, SR, SR,                    \
    revocation_offline_ok, 0, 1, NULL, "no revocation answer is good enough")  \
  X("read_buffer_size", 12, INTEGER, R, R, read_buffer_size, 0, INT32_MAX,     \
    NULL, "no effect")                                                         \
  X("write_buffer_size", 13, INTEGER, R, R, write_buffer_size, 0, INT32_MAX,   \
    NULL, "no effect")                                                         \
  X("request_priority", 58, INTEGER, R, R, request_priority, 0, INT32_MAX,     \
    NULL, "no effect")                                                         \
  X("assured_non_blocking_callbacks", 111, BOOLEAN, S, S,                      \
    non_blocking_callbacks, 0, 1, NULL, "no effect")                           \
  X("decompression", 118, FLAGS, SR, SR, decompression, 0, 15, option_codings, \
    "content codings asked for and undone")                                    \
  X("max_response_body", 0, INTEGER, SR, SR, max_response_body, 0,             \
    (int64_t)1 << 46, NULL, "largest body that read(\"a\") takes")             \
  X("max_decoded_size", 0, INTEGER, SR, SR, max_decoded_size, 0,               \
    (int64_t)1 << 46, NULL, "largest size a compressed body may unpack to")    \
  X("total_timeout", 0, TIME, SR, SR, total_timeout, 1, INT64_MAX, NULL,       \
    "longest time from a send to the end of the response's body")

/* Values with functions of their own.
 * X(name, number, type, levels that query, levels that set, get, set, least,
 *   most, words, text) */
#define HN_OPTION_COMPUTED_LIST(X)                                             \
  X("receive_response_timeout", 7, TIME, SCR, SR, option_get_response_timeout, \
    option_set_response_timeout, 1, INT64_MAX, NULL,                           \
    "longest wait for the whole response head; at least receive_timeout")      \
  X("extended_error", 24, INTEGER, R, 0, option_get_error, NULL, 0, 0, NULL,   \
    "the system's error number behind the last failure; 0: none")              \
  X("security_flags", 31, FLAGS, SR, SR, option_get_security_flags,            \
    option_set_security_flags, 0, 0x33300, option_ignores,                     \
    "certificate faults that are ignored; a query adds 0x1 (secure) and "      \
    "0x20000000 (strong)")                                                     \
  X("security_certificate_struct", 32, RECORD, R, 0, option_get_certificate,   \
    NULL, 0, 0, NULL, "the server's certificate")                              \
  X("security_key_bitness", 36, INTEGER, R, 0, option_get_key_bits, NULL, 0,   \
    0, NULL, "bits of the cipher's key; 0 without TLS")                        \
  X("disable_feature", 63, FLAGS, 0, R, NULL, option_set_disable, 0,           \
    UINT32_MAX, option_disables,                                               \
    "what this request goes without; bits add up, and unknown ones are "       \
    "accepted")                                                                \
  X("server_cert_context", 78, TEXT, R, 0, option_get_certificate_pem, NULL,   \
    0, 0, NULL, "the server's certificate as PEM")                             \
  X("secure_protocols", 84, FLAGS, SR, SR, option_get_secure_protocols,        \
    option_set_secure_protocols, 0, 0x2800, option_protocols,                  \
    "TLS versions that may be used")                                           \
  X("connection_info", 93, RECORD, R, 0, option_get_connection_info, NULL, 0,  \
    0, NULL, "addresses and ports of the connection's two ends")               \
  X("ipv6_fast_fallback", 140, BOOLEAN, S, S, option_get_fallback,             \
    option_set_fallback, 0, 1, NULL,                                           \
    "addresses are tried 250 ms apart, not one after the other")               \
  X("expire_connection", 143, NONE, 0, R, NULL, option_set_expire, 0, 0, NULL, \
    "the connection is closed after this response")                            \
  X("security_info", 151, RECORD, R, 0, option_get_security_info, NULL, 0, 0,  \
    NULL, "TLS version and cipher")                                            \
  X("tcp_keepalive", 152, BOOLEAN, S, S, option_get_keepalive,                 \
    option_set_keepalive, 0, 1, NULL, "probes on silent connections")          \
  X("tcp_keepalive_idle", 0, INTEGER, S, S, option_get_keepalive_idle,         \
    option_set_keepalive_idle, 0, 32767, NULL,                                 \
    "seconds of silence before the first probe; 0: the system's")              \
  X("tcp_keepalive_interval", 0, INTEGER, S, S, option_get_keepalive_interval, \
    option_set_keepalive_interval, 0, 32767, NULL,                             \
    "seconds between two probes; 0: the system's")                             \
  X("tcp_no_delay", 0, INTEGER, S, S, option_get_no_delay,                     \
    option_set_no_delay, 0, 2, option_no_delays, "when small writes wait")     \
  X("handle_type", 9, INTEGER, SCR, 0, option_get_type, NULL, 0, 0, NULL,      \
    "1 session, 2 connection, 3 request")                                      \
  X("parent_handle", 21, HANDLE, CR, 0, option_get_parent, NULL, 0, 0, NULL,   \
    "the handle it was made from")                                             \
  X("url", 34, TEXT, R, 0, option_get_url, NULL, 0, 0, NULL,                   \
    "the full URL of the request, after redirects")                            \
  X("url_fragment", 0, TEXT, R, 0, option_get_fragment, NULL, 0, 0, NULL,      \
    "the fragment that redirects brought, with its `#`, or empty")             \
  X("user_agent", 41, TEXT, S, S, option_get_agent, option_set_agent, 0, 0,    \
    NULL, "the User-Agent field; empty: none")                                 \
  X("context_value", 45, INTEGER, SCR, SCR, option_get_context,                \
    option_set_context, INT64_MIN, INT64_MAX, NULL,                            \
    "a number of the caller's, copied to children")                            \
  X("max_conns_per_server", 73, INTEGER, S, S, option_get_max_conns,           \
    option_set_max_conns, 0, INT32_MAX, NULL,                                  \
    "connections to one server; further requests wait; 0 is 2")                \
  X("max_conns_per_1_0_server", 74, INTEGER, S, S, option_get_max_conns_1_0,   \
    option_set_max_conns_1_0, 0, INT32_MAX, NULL,                              \
    "the same for a server that speaks HTTP/1.0; 0 is 2")                      \
  X("keep_alive_timeout", 0, TIME, S, S, option_get_keep_alive,                \
    option_set_keep_alive, 1, INT64_MAX, NULL,                                 \
    "time a connection is kept unused, if its server does not say less")       \
  X("poll_budget", 0, SPAN, S, S, option_get_poll_budget,                      \
    option_set_poll_budget, 1, INT64_MAX, NULL,                                \
    "longest work of one poll while the session is open; what is left is "     \
    "done by the next; the least of all sessions' and the host's holds")       \
  X("http_protocol_used", 134, INTEGER, R, 0, option_get_protocol, NULL, 0, 0, \
    NULL, "0: HTTP/1.x")                                                       \
  X("request_times", 142, RECORD, R, 0, option_get_times, NULL, 0, 0, NULL,    \
    "when the parts of the exchange happened, from its start")                 \
  X("request_stats", 146, RECORD, R, 0, option_get_stats, NULL, 0, 0, NULL,    \
    "bytes sent and received, and whether the connection was used before")     \
  X("connections_opened", 0, INTEGER, S, 0, option_get_opened, NULL, 0, 0,     \
    NULL, "connections dialled by the session")                                \
  X("connections_reused", 0, INTEGER, S, 0, option_get_reused, NULL, 0, 0,     \
    NULL, "requests sent on a connection that had served before")

/* Texts in struct hn_texts. X(name, number, levels that query, levels that set,
 *   place, check, text) */
#define HN_OPTION_TEXT_LIST(X)                                                 \
  X("client_cert_context", 47, SR, SR, CLIENT_CERT, option_check_client_cert,  \
    "PEM or PKCS#12 file of our certificate")                                  \
  X("client_key_file", 0, SR, SR, CLIENT_KEY, NULL,                            \
    "PEM file of its key; empty: in the same file")                            \
  X("client_cert_password", 0, 0, SR, CLIENT_PASSWORD, NULL,                   \
    "what opens the key or the PKCS#12 file")                                  \
  X("resolution_hostname", 165, R, R, LOOKUP_HOST, option_check_host,          \
    "the name that is looked up in place of the host's")                       \
  X("request_annotation", 192, R, R, ANNOTATION, NULL,                         \
    "a text of the caller's")                                                  \
  X("ca_file", 0, SR, SR, CA_FILE, NULL,                                       \
    "PEM file of trusted certificates; empty: the system's")                   \
  X("pinned_public_keys", 0, SR, SR, PINS, NULL,                               \
    "keys the server may have: \"sha256//\" and base64, parted by \";\"")      \
  X("crl_file", 0, SR, SR, CRL_FILE, NULL, "PEM file of revocation lists")     \
  X("key_log_file", 0, S, S, KEY_LOG_FILE, NULL,                               \
    "file the TLS secrets are appended to, for debugging")                     \
  X("unix_socket", 0, SR, SR, UNIX_SOCKET, option_check_path,                  \
    "path of the socket that is used in place of TCP; \"@\": abstract")        \
  X("resolve_to", 0, SR, SR, RESOLVE_TO, option_check_addresses,               \
    "addresses that are used in place of a look-up")                           \
  X("local_address", 0, S, S, LOCAL_ADDRESS, option_check_local,               \
    "address that connections come from")                                      \
  X("interface", 0, S, S, INTERFACE, option_check_interface,                   \
    "network interface that connections go through")

/* WinHTTP's that are not supported (yet): refused as WinHTTP refuses an option
 * it does not have. X(number, name) */
#define HN_OPTION_REFUSED_LIST(X)                                              \
  X(1, "callback")                                                             \
  X(38, "proxy")                                                               \
  X(39, "proxy_result_entry")                                                  \
  X(59, "http_version")                                                        \
  X(68, "codepage")                                                            \
  X(77, "autologon_policy")                                                    \
  X(81, "passport_cobranding_text")                                            \
  X(82, "passport_cobranding_url")                                             \
  X(83, "configure_passport_auth")                                             \
  X(86, "passport_sign_out")                                                   \
  X(87, "passport_return_url")                                                 \
  X(94, "client_cert_issuer_list")                                             \
  X(96, "spn")                                                                 \
  X(97, "global_proxy_creds")                                                  \
  X(98, "global_server_creds")                                                 \
  X(99, "unload_notify_event")                                                 \
  X(101, "use_global_server_credentials")                                      \
  X(103, "receive_proxy_connect_response")                                     \
  X(104, "is_proxy_connect_response")                                          \
  X(105, "network_interface_affinity")                                         \
  X(106, "server_spn_used")                                                    \
  X(107, "proxy_spn_used")                                                     \
  X(108, "server_cbt")                                                         \
  X(110, "unsafe_header_parsing")                                              \
  X(114, "upgrade_to_web_socket")                                              \
  X(115, "web_socket_close_timeout")                                           \
  X(116, "web_socket_keepalive_interval")                                      \
  X(122, "web_socket_receive_buffer_size")                                     \
  X(123, "web_socket_send_buffer_size")                                        \
  X(128, "tcp_priority_hint")                                                  \
  X(131, "connection_filter")                                                  \
  X(133, "enable_http_protocol")                                               \
  X(136, "kdc_proxy_settings")                                                 \
  X(137, "proxy_disable_service_calls")                                        \
  X(138, "encode_extra")                                                       \
  X(139, "disable_stream_queue")                                               \
  X(141, "connection_stats_v0")                                                \
  X(144, "disable_secure_protocol_fallback")                                   \
  X(145, "http_protocol_required")                                             \
  X(147, "server_cert_chain_context")                                          \
  X(148, "server_cert_chain_build_flags")                                      \
  X(150, "connection_stats_v1")                                                \
  X(153, "tcp_fast_open")                                                      \
  X(154, "tls_false_start")                                                    \
  X(158, "tls_protocol_insecure_fallback")                                     \
  X(159, "stream_error_code")                                                  \
  X(160, "require_stream_end")                                                 \
  X(161, "enable_http2_plus_client_cert")                                      \
  X(162, "failed_connection_retries")                                          \
  X(164, "http2_keepalive")                                                    \
  X(166, "set_token_binding")                                                  \
  X(167, "token_binding_public_key")                                           \
  X(168, "referer_token_binding_hostname")                                     \
  X(169, "http2_plus_transfer_encoding")                                       \
  X(170, "resolver_cache_config")                                              \
  X(171, "disable_cert_chain_building")                                        \
  X(172, "background_connections")                                             \
  X(173, "first_available_connection")                                         \
  X(177, "tcp_priority_status")                                                \
  X(178, "connection_guid")                                                    \
  X(179, "match_connection_guid")                                              \
  X(183, "http2_receive_window")                                               \
  X(184, "feature_supported")                                                  \
  X(185, "quic_stats")                                                         \
  X(188, "http3_keepalive")                                                    \
  X(189, "http3_handshake_timeout")                                            \
  X(190, "http3_initial_rtt")                                                  \
  X(191, "http3_stream_error_code")                                            \
  X(193, "disable_proxy_auth_schemes")                                         \
  X(194, "revert_impersonation_server_cert")                                   \
  X(195, "disable_global_pooling")                                             \
  X(196, "use_session_sch_cred")                                               \
  X(199, "server_cert_chain_build_cache_only")                                 \
  X(200, "quic_stats_v2")                                                      \
  X(202, "quic_stream_stats")                                                  \
  X(203, "use_lookaside")                                                      \
  X(204, "error_log_guid")                                                     \
  X(205, "enable_fast_forwarding")                                             \
  X(206, "fast_forwarding_response_data")                                      \
  X(207, "upgrade_to_protocol")                                                \
  X(208, "connection_stats_v2")                                                \
  X(209, "fast_forwarding_response_status")                                    \
  X(210, "dscp_tag")                                                           \
  X(211, "http11_downgrade_ttl")                                               \
  X(212, "session_error_log_guid")                                             \
  X(4096, "username")                                                          \
  X(4097, "password")                                                          \
  X(4098, "proxy_username")                                                    \
  X(4099, "proxy_password")

#endif
