/*
 * option_value.h: the getters and setters of options that are more than a
 * number or a text in its place. The node's kind and the value's type and range
 * have been checked.
 */
#ifndef HN_HANDLES_OPTION_VALUE_H
#define HN_HANDLES_OPTION_VALUE_H

#include "request.h"

/* A connection shows its session's current values (winhttp.md 1.2). */
HN_INTERNAL struct hn_settings *option_settings(struct hn_node *n);

/* Appends a field to a record, which lies in the runtime. */
HN_INTERNAL void option_add(struct hn_node *n, struct hn_value *record,
                            enum hn_type type, const char *name,
                            int64_t number);
HN_INTERNAL void option_add_text(struct hn_node *n, struct hn_value *record,
                                 const char *name, struct hn_slice text);

HN_INTERNAL int option_get_agent(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_certificate(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_certificate_pem(struct hn_node *n,
                                           struct hn_value *out);
HN_INTERNAL int option_get_connection_info(struct hn_node *n,
                                           struct hn_value *out);
HN_INTERNAL int option_get_context(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_error(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_fallback(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_idle_time(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_key_bits(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_max_conns(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_max_conns_1_0(struct hn_node *n,
                                         struct hn_value *out);
HN_INTERNAL int option_get_parent(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_poll_budget(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_protocol(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_response_timeout(struct hn_node *n,
                                            struct hn_value *out);
HN_INTERNAL int option_get_security_flags(struct hn_node *n,
                                          struct hn_value *out);
HN_INTERNAL int option_get_security_info(struct hn_node *n,
                                         struct hn_value *out);
HN_INTERNAL int option_get_stats(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_times(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_type(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_url(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_get_fragment(struct hn_node *n, struct hn_value *out);
HN_INTERNAL int option_set_agent(struct hn_node *n,
                                 const struct hn_value *value);
HN_INTERNAL int option_set_context(struct hn_node *n,
                                   const struct hn_value *value);
HN_INTERNAL int option_set_disable(struct hn_node *n,
                                   const struct hn_value *value);
HN_INTERNAL int option_set_expire(struct hn_node *n,
                                  const struct hn_value *value);
HN_INTERNAL int option_set_fallback(struct hn_node *n,
                                    const struct hn_value *value);
HN_INTERNAL int option_set_idle_time(struct hn_node *n,
                                     const struct hn_value *value);
HN_INTERNAL int option_set_max_conns(struct hn_node *n,
                                     const struct hn_value *value);
HN_INTERNAL int option_set_max_conns_1_0(struct hn_node *n,
                                         const struct hn_value *value);
HN_INTERNAL int option_set_poll_budget(struct hn_node *n,
                                       const struct hn_value *value);
HN_INTERNAL int option_set_secure_protocols(struct hn_node *n,
                                            const struct hn_value *value);
HN_INTERNAL int option_set_security_flags(struct hn_node *n,
                                          const struct hn_value *value);

#endif
