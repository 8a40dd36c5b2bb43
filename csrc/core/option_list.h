/*
 * option_list.h: every option of WinHTTP (winhttp.md 3.1) and our own, as data.
 * Only option.c includes it.
 *
 * Levels: S session, C connection, R request, in the letters of HN_OPTION_x.
 */
#ifndef HN_CORE_OPTION_LIST_H
#define HN_CORE_OPTION_LIST_H

/* Numbers that live in struct hn_settings.
 * X(name, number, type, levels that query, levels that set, field, least,
 *   most, words, text) */
#define HN_OPTION_STORED_LIST(X)                                              \
  X("resolve_timeout", 2, TIME, SCR, SR, resolve_timeout, 1, OPTION_DAY,      \
    NULL, "longest name resolution")                                          \
  X("connect_timeout", 3, TIME, SCR, SR, connect_timeout, 1, OPTION_DAY,      \
    NULL, "longest connect, for each address, TLS handshake, and wait for a " \
    "free connection")                                                        \
  X("connect_retries", 4, INTEGER, SR, SR, connect_retries, 1,                \
    HN_MAX_ADDRESSES, NULL, "addresses of a host that are tried")             \
  X("send_timeout", 5, TIME, SCR, SR, send_timeout, 1, OPTION_DAY, NULL,      \
    "longest time in which nothing can be sent")                              \
  X("receive_timeout", 6, TIME, SCR, SR, receive_timeout, 1, OPTION_DAY,      \
    NULL, "longest time in which nothing of the body arrives")                \
  X("redirect_policy", 88, INTEGER, SR, SR, redirect_policy, 0, 2,            \
    option_policies, "which redirects are followed")                          \
  X("max_http_automatic_redirects", 89, INTEGER, SR, SR, max_redirects, 0,    \
    1000, NULL, "hops that are followed")                                     \
  X("max_http_status_continue", 90, INTEGER, SR, SR,                          \
    max_http_status_continue, 0, 1000, NULL,                                  \
    "interim (1xx) responses that are skipped")                               \
  X("max_response_header_size", 91, INTEGER, SR, SR,                          \
    max_response_header_size, 64, 16 * 1024 * 1024, NULL,                     \
    "largest response head in bytes")                                         \
  X("max_response_drain_size", 92, INTEGER, SR, SR, max_response_drain_size,  \
    0, (int64_t)1 << 40, NULL,                                                \
    "unread body read away to keep its connection")                           \
  X("reject_userpwd_in_url", 100, BOOLEAN, SR, SR, reject_userpwd, 0, 1,      \
    NULL, "a redirect to a URL with credentials fails")                       \
  X("decompression", 118, FLAGS, SR, SR, decompression, 0, 15,                \
    option_codings, "content codings asked for and undone")                   \
  X("max_response_body", 0, INTEGER, SR, SR, max_response_body, 0,            \
    (int64_t)1 << 46, NULL, "largest body that read(\"a\") takes")            \
  X("max_decoded_size", 0, INTEGER, SR, SR, max_decoded_size, 0,              \
    (int64_t)1 << 46, NULL,                                                   \
    "largest size a compressed body may unpack to")                           \
  X("total_timeout", 0, TIME, SR, SR, total_timeout, 1, OPTION_DAY, NULL,     \
    "longest time from a send to the end of the response's body")

/* Values with functions of their own.
 * X(name, number, type, levels that query, levels that set, get, set, least,
 *   most, words, text) */
#define HN_OPTION_COMPUTED_LIST(X)                                            \
  X("receive_response_timeout", 7, TIME, SCR, SR,                             \
    option_get_response_timeout, option_set_response_timeout, 1, OPTION_DAY,  \
    NULL, "longest wait for the whole response head")                         \
  X("handle_type", 9, INTEGER, SCR, 0, option_get_type, NULL, 0, 0, NULL,     \
    "1 session, 2 connection, 3 request")                                     \
  X("parent_handle", 21, HANDLE, CR, 0, option_get_parent, NULL, 0, 0, NULL,  \
    "the handle it was made from")                                            \
  X("url", 34, TEXT, R, 0, option_get_url, NULL, 0, 0, NULL,                  \
    "the full URL of the request, after redirects")                           \
  X("user_agent", 41, TEXT, S, S, option_get_agent, option_set_agent, 0, 0,   \
    NULL, "the User-Agent field; empty: none")                                \
  X("context_value", 45, INTEGER, SCR, SCR, option_get_context,               \
    option_set_context, INT64_MIN, INT64_MAX, NULL,                           \
    "a number of the caller's, copied to children")                           \
  X("max_conns_per_server", 73, INTEGER, S, S, option_get_max_conns,          \
    option_set_max_conns, 0, INT32_MAX, NULL,                                 \
    "connections to one server; further requests wait; 0 is 2")               \
  X("max_conns_per_1_0_server", 74, INTEGER, S, S, option_get_max_conns_1_0,  \
    option_set_max_conns_1_0, 0, INT32_MAX, NULL,                             \
    "the same for a server that speaks HTTP/1.0; 0 is 2")                     \
  X("http_protocol_used", 134, INTEGER, R, 0, option_get_protocol, NULL, 0,   \
    0, NULL, "0: HTTP/1.x")                                                   \
  X("request_times", 142, RECORD, R, 0, option_get_times, NULL, 0, 0, NULL,   \
    "when the parts of the exchange happened, from its start")                \
  X("request_stats", 146, RECORD, R, 0, option_get_stats, NULL, 0, 0, NULL,   \
    "bytes sent and received, and whether the connection was used before")    \
  X("ca_file", 0, TEXT, S, S, option_get_ca_file, option_set_ca_file, 0, 0,   \
    NULL, "PEM file of trusted certificates; empty: the system's")            \
  X("connections_opened", 0, INTEGER, S, 0, option_get_opened, NULL, 0, 0,    \
    NULL, "connections dialled by the session")                               \
  X("connections_reused", 0, INTEGER, S, 0, option_get_reused, NULL, 0, 0,    \
    NULL, "requests sent on a connection that had served before")

/* WinHTTP's that are not supported (yet): refused as WinHTTP refuses an option
 * it does not have. X(number, name) */
#define HN_OPTION_REFUSED_LIST(X) \
  X(1, "callback") \
  X(24, "extended_error") \
  X(31, "security_flags") \
  X(32, "security_certificate_struct") \
  X(36, "security_key_bitness") \
  X(38, "proxy") \
  X(39, "proxy_result_entry") \
  X(47, "client_cert_context") \
  X(59, "http_version") \
  X(63, "disable_feature") \
  X(68, "codepage") \
  X(77, "autologon_policy") \
  X(78, "server_cert_context") \
  X(79, "enable_feature") \
  X(81, "passport_cobranding_text") \
  X(82, "passport_cobranding_url") \
  X(83, "configure_passport_auth") \
  X(84, "secure_protocols") \
  X(86, "passport_sign_out") \
  X(87, "passport_return_url") \
  X(93, "connection_info") \
  X(94, "client_cert_issuer_list") \
  X(96, "spn") \
  X(97, "global_proxy_creds") \
  X(98, "global_server_creds") \
  X(99, "unload_notify_event") \
  X(101, "use_global_server_credentials") \
  X(103, "receive_proxy_connect_response") \
  X(104, "is_proxy_connect_response") \
  X(105, "network_interface_affinity") \
  X(106, "server_spn_used") \
  X(107, "proxy_spn_used") \
  X(108, "server_cbt") \
  X(110, "unsafe_header_parsing") \
  X(114, "upgrade_to_web_socket") \
  X(115, "web_socket_close_timeout") \
  X(116, "web_socket_keepalive_interval") \
  X(122, "web_socket_receive_buffer_size") \
  X(123, "web_socket_send_buffer_size") \
  X(128, "tcp_priority_hint") \
  X(131, "connection_filter") \
  X(133, "enable_http_protocol") \
  X(136, "kdc_proxy_settings") \
  X(137, "proxy_disable_service_calls") \
  X(138, "encode_extra") \
  X(139, "disable_stream_queue") \
  X(140, "ipv6_fast_fallback") \
  X(141, "connection_stats_v0") \
  X(143, "expire_connection") \
  X(144, "disable_secure_protocol_fallback") \
  X(145, "http_protocol_required") \
  X(147, "server_cert_chain_context") \
  X(148, "server_cert_chain_build_flags") \
  X(150, "connection_stats_v1") \
  X(151, "security_info") \
  X(152, "tcp_keepalive") \
  X(153, "tcp_fast_open") \
  X(154, "tls_false_start") \
  X(155, "ignore_cert_revocation_offline") \
  X(158, "tls_protocol_insecure_fallback") \
  X(159, "stream_error_code") \
  X(160, "require_stream_end") \
  X(161, "enable_http2_plus_client_cert") \
  X(162, "failed_connection_retries") \
  X(164, "http2_keepalive") \
  X(165, "resolution_hostname") \
  X(166, "set_token_binding") \
  X(167, "token_binding_public_key") \
  X(168, "referer_token_binding_hostname") \
  X(169, "http2_plus_transfer_encoding") \
  X(170, "resolver_cache_config") \
  X(171, "disable_cert_chain_building") \
  X(172, "background_connections") \
  X(173, "first_available_connection") \
  X(177, "tcp_priority_status") \
  X(178, "connection_guid") \
  X(179, "match_connection_guid") \
  X(183, "http2_receive_window") \
  X(184, "feature_supported") \
  X(185, "quic_stats") \
  X(188, "http3_keepalive") \
  X(189, "http3_handshake_timeout") \
  X(190, "http3_initial_rtt") \
  X(191, "http3_stream_error_code") \
  X(192, "request_annotation") \
  X(193, "disable_proxy_auth_schemes") \
  X(194, "revert_impersonation_server_cert") \
  X(195, "disable_global_pooling") \
  X(196, "use_session_sch_cred") \
  X(199, "server_cert_chain_build_cache_only") \
  X(200, "quic_stats_v2") \
  X(202, "quic_stream_stats") \
  X(203, "use_lookaside") \
  X(204, "error_log_guid") \
  X(205, "enable_fast_forwarding") \
  X(206, "fast_forwarding_response_data") \
  X(207, "upgrade_to_protocol") \
  X(208, "connection_stats_v2") \
  X(209, "fast_forwarding_response_status") \
  X(210, "dscp_tag") \
  X(211, "http11_downgrade_ttl") \
  X(212, "session_error_log_guid") \
  X(4096, "username") \
  X(4097, "password") \
  X(4098, "proxy_username") \
  X(4099, "proxy_password")

#endif
