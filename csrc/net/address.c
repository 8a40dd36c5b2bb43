#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
  HN_ADDRESS_PATH_START = offsetof(struct sockaddr_un, sun_path),
  /* Some systems take a path without its NUL, others do not. */
  HN_ADDRESS_PATH_MAX = sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
#ifdef __linux__
  HN_ADDRESS_ABSTRACT = 1,
#else
  HN_ADDRESS_ABSTRACT = 0,
#endif
};

/* RFC 4007 11: a zone is an interface's name or number. */
static bool address_parse_zone(struct hn_slice zone, uint32_t *out) {
  uint64_t number;
  if (slice_to_u64(zone, &number)) {
    if (number == 0 || number > UINT32_MAX) return false;
    *out = (uint32_t)number;
    return true;
  }
  char name[IF_NAMESIZE];
  if (zone.n == 0 || zone.n >= sizeof name) return false;
  memcpy(name, zone.p, zone.n);
  name[zone.n] = '\0';
  if (strlen(name) != zone.n) return false;
  unsigned index = if_nametoindex(name);
  *out = index;
  return index != 0;
}

static bool address_parse_v6(struct hn_slice host, unsigned port,
                             struct hn_address *out) {
  struct hn_address a = {.size = sizeof a.u.v6};
  char text[INET6_ADDRSTRLEN];
  size_t end = slice_find(host, 0, '%');
  if (end >= sizeof text) return false;
  memcpy(text, host.p, end);
  text[end] = '\0';
  a.u.v6.sin6_family = AF_INET6;
  a.u.v6.sin6_port = htons((uint16_t)port);
  if (strlen(text) != end) return false;
  if (inet_pton(AF_INET6, text, &a.u.v6.sin6_addr) != 1) return false;
  if (end < host.n &&
      !address_parse_zone(slice_from(host, end + 1), &a.u.v6.sin6_scope_id))
    return false;
  *out = a;
  return true;
}

static bool address_parse_v4(struct hn_slice host, unsigned port,
                             struct hn_address *out) {
  struct hn_address a = {.size = sizeof a.u.v4};
  char text[INET_ADDRSTRLEN];
  if (host.n >= sizeof text) return false;
  memcpy(text, host.p, host.n);
  text[host.n] = '\0';
  a.u.v4.sin_family = AF_INET;
  a.u.v4.sin_port = htons((uint16_t)port);
  if (strlen(text) != host.n) return false;
  if (inet_pton(AF_INET, text, &a.u.v4.sin_addr) != 1) return false;
  *out = a;
  return true;
}

bool address_parse(struct hn_slice host, unsigned port,
                   struct hn_address *out) {
  if (host.n == 0) return false;
  if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
    return address_parse_v6(slice_sub(host, 1, host.n - 1), port, out);
  return address_parse_v4(host, port, out) || address_parse_v6(host, port, out);
}

bool address_parse_list(struct hn_slice text, struct hn_addresses *out) {
  struct hn_addresses list = {.count = 0};
  struct hn_slice element;
  while (slice_next_element(&text, &element)) {
    if (list.count == HN_MAX_ADDRESSES) return false;
    if (!address_parse(element, 0, &list.list[list.count++])) return false;
  }
  if (list.count == 0) return false;
  *out = list;
  return true;
}

int address_parse_path(struct hn_slice path, struct hn_unix_path *out,
                       const char **detail) {
  bool abstract = HN_ADDRESS_ABSTRACT && path.n > 0 && path.p[0] == '@';
  struct hn_unix_path a = {.size = 0};
  const char *wrong = NULL;
  if (path.n == (abstract ? 1 : 0))
    wrong = "path of a Unix socket is empty";
  else if (path.n > HN_ADDRESS_PATH_MAX)
    wrong = "path of a Unix socket is too long";
  else if (slice_find(path, 0, '\0') < path.n)
    wrong = "path of a Unix socket holds a NUL";
  if (wrong) {
    *detail = wrong;
    return HN_ERR_INVALID_PARAMETER;
  }
  a.name.sun_family = AF_UNIX;
  memcpy(a.name.sun_path, path.p, path.n);
  if (abstract) a.name.sun_path[0] = '\0';
  /* An abstract name is as long as the size says: a NUL would be part of it. */
  a.size = (socklen_t)(HN_ADDRESS_PATH_START + path.n + (abstract ? 0 : 1));
  *out = a;
  return 0;
}

unsigned address_port(const struct hn_address *a) {
  if (a->size == 0) return 0;
  return ntohs(a->u.any.sa_family == AF_INET6 ? a->u.v6.sin6_port
                                              : a->u.v4.sin_port);
}

void address_set_port(struct hn_addresses *a, unsigned port) {
  for (size_t i = 0; i < a->count; i++) {
    if (a->list[i].u.any.sa_family == AF_INET6)
      a->list[i].u.v6.sin6_port = htons((uint16_t)port);
    else
      a->list[i].u.v4.sin_port = htons((uint16_t)port);
  }
}

static void address_format_zone(uint32_t scope, char *out, size_t size) {
  char name[IF_NAMESIZE];
  if (if_indextoname(scope, name))
    (void)snprintf(out, size, "%%%s", name);
  else
    (void)snprintf(out, size, "%%%u", (unsigned)scope);
}

void address_format(const struct hn_address *a, char out[HN_ADDRESS_TEXT]) {
  out[0] = '\0';
  if (a->size == 0) return;
  const void *ip = &a->u.v4.sin_addr;
  if (a->u.any.sa_family == AF_INET6) ip = &a->u.v6.sin6_addr;
  if (!inet_ntop(a->u.any.sa_family, ip, out, HN_ADDRESS_TEXT)) {
    out[0] = '\0';
    return;
  }
  if (a->u.any.sa_family != AF_INET6 || a->u.v6.sin6_scope_id == 0) return;
  size_t used = strlen(out);
  address_format_zone(a->u.v6.sin6_scope_id, out + used,
                      HN_ADDRESS_TEXT - used);
}

void address_format_path(const struct hn_unix_path *path,
                         char out[HN_PATH_TEXT]) {
  const char *name = path->name.sun_path;
  size_t n = 0;
  out[0] = '\0';
  if (path->size > HN_ADDRESS_PATH_START)
    n = path->size - (size_t)HN_ADDRESS_PATH_START;
  if (n == 0) return;
  if (n > sizeof path->name.sun_path) n = sizeof path->name.sun_path;
  memcpy(out, name, n);
  out[n] = '\0';
  if (n > 1 && out[0] == '\0') out[0] = '@';
}

/* Index of the next address at or after `from` whose family is, or is not, the
 * given one; count when there is none. */
static size_t address_next(const struct hn_addresses *a, size_t from,
                           sa_family_t family, bool same) {
  while (from < a->count && (a->list[from].u.any.sa_family == family) != same)
    from++;
  return from;
}

void address_interleave(struct hn_addresses *a) {
  if (a->count < 3) return;
  struct hn_addresses in = *a;
  sa_family_t first = in.list[0].u.any.sa_family;
  size_t at[2] = {address_next(&in, 0, first, true),
                  address_next(&in, 0, first, false)};
  size_t turn = 0;
  for (size_t i = 0; i < in.count; i++) {
    if (at[turn] == in.count) turn = 1 - turn;
    a->list[i] = in.list[at[turn]];
    at[turn] = address_next(&in, at[turn] + 1, first, turn == 0);
    turn = 1 - turn;
  }
}

bool address_is_same_host(struct hn_slice a, struct hn_slice b) {
  if (slice_equal(a, b)) return true;
  return slice_equal_nocase(a, b) && slice_find(a, 0, '%') == a.n;
}
