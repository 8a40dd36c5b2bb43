/*
 * guard.h: a host policy (hn_set_policy), read once, and what it says about
 * one host, one address, one thing. Decisions only: whoever is about to do
 * something asks, and it is one pointer test where there is no guard.
 *
 * A name and the addresses it has are judged apart: the name against the list
 * before anything is looked up, each address when it is about to be connected
 * to. So what a name server answers, or says later, gets nobody further.
 */
#ifndef HN_NET_GUARD_H
#define HN_NET_GUARD_H

#include "../hinternet_policy.h"
#include "address.h"

struct guard_rule;

/* Everything is read-only once it is made. */
struct hn_guard {
  unsigned allow;           /* enum hn_allow bits */
  bool has_list;            /* only the hosts of the rules */
  struct guard_rule *rules; /* owned */
  size_t count;
  char *ca_file;                                   /* owned; NULL: none */
  size_t max_handles, max_connections, max_memory; /* SIZE_MAX: no limit */
  uint64_t max_response_body, max_request_body;    /* UINT64_MAX: no limit */
};

/* Room for the text of a refusal. */
enum { HN_GUARD_TEXT = 48 + HN_ADDRESS_TEXT + 64 };

/* A copy of the policy, read. INVALID_PARAMETER for a size, bits or a host that
 * make no sense, NOT_ENOUGH_MEMORY. */
HN_INTERNAL int guard_new(const struct hn_policy *policy,
                          struct hn_guard **out);
/* g may be NULL. */
HN_INTERNAL void guard_free(struct hn_guard *g);

HN_INTERNAL bool guard_allows(const struct hn_guard *g, enum hn_allow what);

/* May this scheme be used, and is the host (a name or a literal) in the list?
 * 0, or ACCESS_DENIED with *why (static). */
HN_INTERNAL int guard_check_host(const struct hn_guard *g, struct hn_slice host,
                                 unsigned port, bool secure, const char **why);

/* The same for an address that is given in a host's place: it counts as one
 * written as a host. */
HN_INTERNAL int guard_check_given(const struct hn_guard *g,
                                  const struct hn_address *a, unsigned port,
                                  bool secure, const char **why);

/* May this address be connected to? By its class, or because it is in the list
 * itself. 0, or ACCESS_DENIED with the reason in why. */
HN_INTERNAL int guard_check_address(const struct hn_guard *g,
                                    const struct hn_address *a, bool secure,
                                    char why[HN_GUARD_TEXT]);

/* Leaves those that may be connected to. ACCESS_DENIED when none is left, with
 * the reason for the last in why. */
HN_INTERNAL int guard_filter(const struct hn_guard *g, struct hn_addresses *all,
                             bool secure, char why[HN_GUARD_TEXT]);

#endif
