#include "guard.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>

#include "../base/mem.h"
#include "address_class.h"
#include "file.h"

/* One entry of the list of hosts. */
struct guard_rule {
  unsigned schemes;     /* HN_ALLOW_HTTP, HN_ALLOW_HTTPS */
  unsigned first, last; /* ports */
  bool below;           /* hosts below `name`, not itself; with none: all */
  char *text;           /* owned */
  struct hn_slice name; /* in text; without a dot at its end */
  uint8_t network[HN_ADDRESS_BYTES];
  unsigned bits; /* of the network; HN_GUARD_NAME: there is none */
};

enum {
  HN_GUARD_NAME = 255,
  HN_GUARD_SCHEMES = HN_ALLOW_HTTP | HN_ALLOW_HTTPS,
  HN_GUARD_ALL = 0x3ff,
  HN_GUARD_LABEL = 63, /* bytes of one label of a name (RFC 1035 2.3.4) */
};

/* "https://" in front narrows a rule to that scheme. */
static unsigned guard_read_scheme(struct hn_slice *s) {
  struct hn_slice http = slice_of("http://"), https = slice_of("https://");
  bool plain = slice_starts_nocase(*s, http);
  bool secure = slice_starts_nocase(*s, https);
  if (!plain && !secure) return HN_GUARD_SCHEMES;
  *s = slice_from(*s, plain ? http.n : https.n);
  return plain ? HN_ALLOW_HTTP : HN_ALLOW_HTTPS;
}

/* Without zeros in front, which some readers take for octal. */
static bool guard_read_number(struct hn_slice s, uint64_t *out) {
  return (s.n < 2 || s.p[0] != '0') && slice_to_u64(s, out);
}

/* "443" or "8000-8100". */
static bool guard_read_ports(struct hn_slice s, struct guard_rule *r) {
  uint64_t first, last;
  size_t dash = slice_find(s, 0, '-');
  if (!guard_read_number(slice_sub(s, 0, dash), &first)) return false;
  last = first;
  if (dash < s.n && !guard_read_number(slice_from(s, dash + 1), &last))
    return false;
  if (first == 0 || last > 65535 || first > last) return false;
  r->first = (unsigned)first;
  r->last = (unsigned)last;
  return true;
}

/* Parts host and ports: a colon parts them, but not one of several that stand
 * in no brackets: that is an IPv6 address. *s becomes the host, without the
 * brackets, in which nothing else may stand. */
static bool guard_part(struct hn_slice *s, struct guard_rule *r) {
  size_t end = slice_find(*s, 0, ':');
  bool bracketed = s->n > 0 && s->p[0] == '[';
  if (bracketed) end = slice_find(*s, 0, ']') + 1;
  if (bracketed && end > s->n) return false;
  struct hn_slice rest = slice_from(*s, end);
  bool parted = rest.n > 0 && rest.p[0] == ':';
  if (bracketed && rest.n > 0 && !parted) return false;
  if (!bracketed && parted && slice_find(rest, 1, ':') < rest.n) return true;
  if (parted && !guard_read_ports(slice_from(rest, 1), r)) return false;
  *s = bracketed ? slice_sub(*s, 1, end - 1) : slice_sub(*s, 0, end);
  return !bracketed || slice_find(*s, 0, ':') < s->n;
}

/* "10.0.0.0/8", "::1"; *is tells whether it is one at all. */
static bool guard_read_network(struct hn_slice s, struct guard_rule *r,
                               bool *is) {
  struct hn_address a;
  uint64_t bits;
  size_t slash = slice_find(s, 0, '/');
  *is = address_parse(slice_sub(s, 0, slash), 0, &a);
  if (!*is) return slash == s.n;
  bool v6 = a.u.any.sa_family == AF_INET6;
  if (v6 && a.u.v6.sin6_scope_id != 0) return false;
  bits = v6 ? 128 : 32;
  if (slash < s.n && (!guard_read_number(slice_from(s, slash + 1), &bits) ||
                      bits > (v6 ? 128 : 32)))
    return false;
  address_get_bytes(&a, r->network);
  r->bits = (unsigned)bits + (v6 ? 0 : 96);
  return true;
}

static struct hn_slice guard_strip_dot(struct hn_slice name) {
  bool dotted = name.n > 1 && name.p[name.n - 1] == '.';
  return slice_sub(name, 0, name.n - dotted);
}

static bool guard_is_label(struct hn_slice s) {
  for (size_t i = 0; i < s.n; i++) {
    char low = slice_lower(s.p[i]);
    bool ok = (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9') ||
              low == '-' || low == '_';
    if (!ok) return false;
  }
  return s.n > 0 && s.n <= HN_GUARD_LABEL;
}

/* "127.1" and "0x7f.1" are addresses to some, and no hosts of a URL. */
static bool guard_is_number(struct hn_slice label) {
  bool hex = slice_starts_nocase(label, slice_of("0x"));
  for (size_t i = hex ? 2 : 0; i < label.n; i++) {
    int digit = slice_hex_digit(label.p[i]);
    if (digit < 0 || (digit > 9 && !hex)) return false;
  }
  return true;
}

/* Labels with single dots between them, the last one no number. */
static bool guard_is_name(struct hn_slice s) {
  struct hn_slice label;
  if (s.n > HN_MAX_HOST) return false;
  do {
    size_t dot = slice_find(s, 0, '.');
    label = slice_sub(s, 0, dot);
    if (!guard_is_label(label) || dot + 1 == s.n) return false;
    s = slice_from(s, dot + 1);
  } while (s.n > 0);
  return !guard_is_number(label);
}

/* "example.org", "*.example.org", "*". */
static bool guard_read_name(struct hn_slice s, struct guard_rule *r) {
  r->below = s.n > 0 && s.p[0] == '*';
  if (r->below && s.n == 1) return true;
  if (r->below && s.p[1] != '.') return false;
  if (r->below) s = slice_from(s, 2);
  r->name = guard_strip_dot(s);
  return guard_is_name(r->name);
}

static int guard_read_rule(const char *text, struct guard_rule *r) {
  bool is_network;
  *r = (struct guard_rule){.last = 65535, .bits = HN_GUARD_NAME};
  r->text = mem_copy(text, strlen(text));
  if (!r->text) return HN_ERR_NOT_ENOUGH_MEMORY;
  struct hn_slice s = slice_of(r->text);
  r->schemes = guard_read_scheme(&s);
  if (!guard_part(&s, r) || !guard_read_network(s, r, &is_network) ||
      (!is_network && !guard_read_name(s, r)))
    return HN_ERR_INVALID_PARAMETER;
  return 0;
}

static int guard_read_list(struct hn_guard *g, const char *const *hosts) {
  size_t n = 0;
  g->has_list = hosts != NULL;
  while (hosts && hosts[n]) n++;
  g->rules = mem_calloc(n + 1, sizeof *g->rules);
  if (!g->rules) return HN_ERR_NOT_ENOUGH_MEMORY;
  for (; g->count < n; g->count++) {
    int rc = guard_read_rule(hosts[g->count], &g->rules[g->count]);
    if (rc == 0) continue;
    mem_free(g->rules[g->count].text);
    return rc;
  }
  return 0;
}

static size_t guard_limit(size_t n) {
  return n == 0 ? SIZE_MAX : n;
}

static uint64_t guard_limit64(uint64_t n) {
  return n == 0 ? UINT64_MAX : n;
}

static int guard_copy_path(const char *path, char **out) {
  struct hn_buf text;
  if (*path == '\0') return HN_ERR_INVALID_PARAMETER;
  buf_init(&text, 2 * PATH_MAX);
  int rc = file_append_absolute(slice_of(path), &text);
  struct hn_slice all = buf_peek(&text);
  if (rc == 0) *out = mem_copy(all.p, all.n);
  if (rc == 0 && !*out) rc = HN_ERR_NOT_ENOUGH_MEMORY;
  buf_fini(&text);
  return rc == HN_ERR_NOT_ENOUGH_MEMORY || rc == 0 ? rc
                                                   : HN_ERR_INVALID_PARAMETER;
}

static int guard_read(struct hn_guard *g, const struct hn_policy *p) {
  g->allow = p->allow;
  g->max_handles = guard_limit(p->max_handles);
  g->max_connections = guard_limit(p->max_connections);
  g->max_memory = guard_limit(p->max_memory);
  g->max_response_body = guard_limit64(p->max_response_body);
  g->max_request_body = guard_limit64(p->max_request_body);
  int rc = p->ca_file ? guard_copy_path(p->ca_file, &g->ca_file) : 0;
  return rc ? rc : guard_read_list(g, p->hosts);
}

/* A struct that ends where one of ours could have ended: a field cut in two
 * would be read as another number. */
static bool guard_is_size(size_t size) {
  static const size_t sizes[] = {
      offsetof(struct hn_policy, hosts),
      offsetof(struct hn_policy, ca_file),
      offsetof(struct hn_policy, max_handles),
      offsetof(struct hn_policy, max_connections),
      offsetof(struct hn_policy, max_memory),
      offsetof(struct hn_policy, max_response_body),
      offsetof(struct hn_policy, max_request_body),
      sizeof(struct hn_policy),
  };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (sizes[i] == size) return true;
  return false;
}

/* A field that a caller of an older header does not know is zero, which allows
 * the least; one that we do not know might forbid something. */
int guard_new(const struct hn_policy *policy, struct hn_guard **out) {
  struct hn_policy p = {0};
  if (!guard_is_size(policy->size)) return HN_ERR_INVALID_PARAMETER;
  memcpy(&p, policy, policy->size);
  if (p.allow & ~(unsigned)HN_GUARD_ALL) return HN_ERR_INVALID_PARAMETER;
  struct hn_guard *g = mem_calloc(1, sizeof *g);
  if (!g) return HN_ERR_NOT_ENOUGH_MEMORY;
  int rc = guard_read(g, &p);
  if (rc) {
    guard_free(g);
    return rc;
  }
  *out = g;
  return 0;
}

void guard_free(struct hn_guard *g) {
  if (!g) return;
  for (size_t i = 0; i < g->count; i++) mem_free(g->rules[i].text);
  mem_free(g->rules);
  mem_free(g->ca_file);
  mem_free(g);
}

bool guard_allows(const struct hn_guard *g, enum hn_allow what) {
  return !g || (g->allow & (unsigned)what);
}

static bool guard_is_below(struct hn_slice host, struct hn_slice name) {
  if (name.n == 0) return true;
  return host.n > name.n + 1 && host.p[host.n - name.n - 1] == '.' &&
         slice_equal_nocase(slice_from(host, host.n - name.n), name);
}

static bool guard_covers(const struct guard_rule *r, unsigned port,
                         bool secure) {
  unsigned scheme = secure ? HN_ALLOW_HTTPS : HN_ALLOW_HTTP;
  return (r->schemes & scheme) && port >= r->first && port <= r->last;
}

static bool guard_has_name(const struct guard_rule *r, struct hn_slice host) {
  if (r->bits != HN_GUARD_NAME) return false;
  return r->below ? guard_is_below(host, r->name)
                  : slice_equal_nocase(host, r->name);
}

/* "*" is every host, those written as addresses too. */
static bool guard_is_all(const struct guard_rule *r) {
  return r->bits == HN_GUARD_NAME && r->below && r->name.n == 0;
}

/* Is an address in the networks of the list? */
static bool guard_has_network(const struct hn_guard *g,
                              const struct hn_address *a, unsigned port,
                              bool secure, bool or_all) {
  uint8_t bytes[HN_ADDRESS_BYTES];
  address_get_bytes(a, bytes);
  for (size_t i = 0; i < g->count; i++) {
    const struct guard_rule *r = &g->rules[i];
    if (!guard_covers(r, port, secure)) continue;
    if (or_all && guard_is_all(r)) return true;
    if (r->bits != HN_GUARD_NAME &&
        address_bits_equal(bytes, r->network, r->bits))
      return true;
  }
  return false;
}

static bool guard_lists(const struct hn_guard *g, struct hn_slice host,
                        unsigned port, bool secure) {
  struct hn_address a;
  if (address_parse(host, 0, &a))
    return guard_has_network(g, &a, port, secure, true);
  host = guard_strip_dot(host);
  for (size_t i = 0; i < g->count; i++)
    if (guard_covers(&g->rules[i], port, secure) &&
        guard_has_name(&g->rules[i], host))
      return true;
  return false;
}

static int guard_deny(const char **why, const char *text) {
  *why = text;
  return HN_ERR_ACCESS_DENIED;
}

int guard_check_host(const struct hn_guard *g, struct hn_slice host,
                     unsigned port, bool secure, const char **why) {
  if (!guard_allows(g, secure ? HN_ALLOW_HTTPS : HN_ALLOW_HTTP))
    return guard_deny(why, secure ? "access denied: https is not allowed "
                                    "(host policy)"
                                  : "access denied: http is not allowed "
                                    "(host policy)");
  if (!g || !g->has_list || guard_lists(g, host, port, secure)) return 0;
  return guard_deny(why, "access denied: host or port is not in the list "
                         "(host policy)");
}

int guard_check_given(const struct hn_guard *g, const struct hn_address *a,
                      unsigned port, bool secure, const char **why) {
  if (!g || !g->has_list || guard_has_network(g, a, port, secure, true))
    return 0;
  return guard_deny(why, "access denied: a given address is not in the list "
                         "(host policy)");
}

static bool guard_allows_class(const struct hn_guard *g,
                               enum hn_address_class c) {
  switch (c) {
  case HN_ADDRESS_GLOBAL: return true;
  case HN_ADDRESS_LOOPBACK: return guard_allows(g, HN_ALLOW_LOOPBACK);
  case HN_ADDRESS_PRIVATE: return guard_allows(g, HN_ALLOW_PRIVATE);
  case HN_ADDRESS_LINK_LOCAL: return guard_allows(g, HN_ALLOW_LINK_LOCAL);
  case HN_ADDRESS_UNSPECIFIED:
  case HN_ADDRESS_MULTICAST:
  case HN_ADDRESS_RESERVED: break;
  }
  return false;
}

int guard_check_address(const struct hn_guard *g, const struct hn_address *a,
                        bool secure, char why[HN_GUARD_TEXT]) {
  if (!g) return 0;
  enum hn_address_class c = address_classify(a);
  if (guard_allows_class(g, c) ||
      guard_has_network(g, a, address_port(a), secure, false))
    return 0;
  char text[HN_ADDRESS_TEXT];
  address_format(a, text);
  (void)snprintf(why, HN_GUARD_TEXT, "access denied: %s is %s (host policy)",
                 text, address_class_text(c));
  return HN_ERR_ACCESS_DENIED;
}

int guard_filter(const struct hn_guard *g, struct hn_addresses *all,
                 bool secure, char why[HN_GUARD_TEXT]) {
  size_t kept = 0;
  if (!g) return 0;
  for (size_t i = 0; i < all->count; i++)
    if (guard_check_address(g, &all->list[i], secure, why) == 0)
      all->list[kept++] = all->list[i];
  all->count = kept;
  return kept > 0 ? 0 : HN_ERR_ACCESS_DENIED;
}
