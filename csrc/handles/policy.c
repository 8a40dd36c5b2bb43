#include "policy.h"

#include <assert.h>

/* One that came later would find connections that it forbids. */
int hn_set_policy(hn_runtime *rt, const struct hn_policy *policy) {
  assert(rt && policy);
  if (rt->env.guard || rt->handles > 0) return HN_ERR_INCORRECT_HANDLE_STATE;
  int rc = guard_new(policy, &rt->env.guard);
  if (rc == 0) rt->env.account.limit = rt->env.guard->max_memory;
  return rc;
}

size_t hn_memory_used(const hn_runtime *rt) {
  assert(rt);
  return rt->env.account.used;
}

static const struct hn_guard *policy_guard(const struct hn_node *n) {
  return n->rt->env.guard;
}

static int policy_deny(struct hn_request *r, const char *why) {
  return request_blame(r, HN_ERR_ACCESS_DENIED, HN_PHASE_CONNECT, why);
}

/* "host", "host:port" or "[::1]:port" taken apart; a port that is none counts
 * to the host, which then is in no list. */
static struct hn_slice policy_part(struct hn_slice field, unsigned *port) {
  uint64_t number;
  bool bracketed = field.n > 0 && field.p[0] == '[';
  size_t end = slice_find(field, 0, bracketed ? ']' : ':') + bracketed;
  if (end + 1 < field.n && field.p[end] == ':' &&
      slice_to_u64(slice_from(field, end + 1), &number) && number <= 65535) {
    *port = (unsigned)number;
    return slice_sub(field, 0, end);
  }
  return field;
}

/* A server of many names answers for the one in the Host field (RFC 9110 7.2):
 * another than the URL's must be in the list as well. */
static int policy_check_field(struct hn_request *r) {
  const struct hn_target *t = r->target;
  const char *why;
  struct hn_slice field;
  unsigned port = t->port;
  if (!headers_find(r->message.fields, slice_of("Host"), 0, &field) ||
      slice_equal_nocase(field, t->host_field))
    return 0;
  field = policy_part(field, &port);
  if (guard_check_host(policy_guard(&r->node), field, port, t->secure, &why))
    return policy_deny(r, "access denied: the Host field's host is not in the "
                          "list (host policy)");
  return 0;
}

int policy_check_hop(struct hn_request *r) {
  const struct hn_guard *g = policy_guard(&r->node);
  const struct hn_target *t = r->target;
  const char *why;
  if (!g) return 0;
  if (guard_check_host(g, t->host, t->port, t->secure, &why))
    return policy_deny(r, why);
  return policy_check_field(r);
}

static int policy_check_given(struct hn_request *r, struct hn_slice list) {
  const struct hn_target *t = r->target;
  struct hn_addresses all;
  const char *why;
  if (!address_parse_list(list, &all)) return HN_ERR_INVALID_PARAMETER;
  for (size_t i = 0; i < all.count; i++)
    if (guard_check_given(policy_guard(&r->node), &all.list[i], t->port,
                          t->secure, &why))
      return policy_deny(r, why);
  return 0;
}

/* Paths are judged when they are set, and connected to. */
int policy_check_route(struct hn_request *r, const struct hn_origin *o) {
  const struct hn_guard *g = policy_guard(&r->node);
  const char *why;
  if (!g) return 0;
  if (o->route.kind == HN_ROUTE_ADDRESSES)
    return policy_check_given(r, o->route.via);
  if (o->route.kind == HN_ROUTE_NAME &&
      guard_check_host(g, o->route.via, o->port, r->target->secure, &why))
    return policy_deny(r, why);
  return 0;
}

/* What a text has the engine do; a certificate authority of the caller's makes
 * every server good. */
static unsigned policy_needs(enum hn_text which) {
  switch (which) {
  case HN_TEXT_CA_FILE: return HN_ALLOW_FILES | HN_ALLOW_UNVERIFIED;
  case HN_TEXT_CLIENT_CERT:
  case HN_TEXT_CLIENT_KEY:
  case HN_TEXT_CRL_FILE:
  case HN_TEXT_KEY_LOG_FILE: return HN_ALLOW_FILES;
  case HN_TEXT_UNIX_SOCKET: return HN_ALLOW_UNIX_SOCKETS;
  case HN_TEXT_INTERFACE: return HN_ALLOW_INTERFACE;
  case HN_TEXT_LOCAL_ADDRESS: return HN_ALLOW_LOCAL_ADDRESS;
  default: return 0;
  }
}

bool policy_is_file(enum hn_text which) {
  return (policy_needs(which) & HN_ALLOW_FILES) != 0;
}

int policy_check_text(const struct hn_node *n, enum hn_text which,
                      struct hn_slice text) {
  const struct hn_guard *g = policy_guard(n);
  if (!g || text.n == 0) return 0;
  unsigned needs = policy_needs(which);
  return (g->allow & needs) == needs ? 0 : HN_ERR_ACCESS_DENIED;
}

int policy_check_file(const hn_runtime *rt) {
  return guard_allows(rt->env.guard, HN_ALLOW_FILES) ? 0 : HN_ERR_ACCESS_DENIED;
}
