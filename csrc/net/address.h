/*
 * address.h: socket addresses as values: literals in, text out.
 *
 * An IP address and the path of a Unix-domain socket are two types: a path is
 * four times as long, and there is never a list of them.
 */
#ifndef HN_NET_ADDRESS_H
#define HN_NET_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../base/slice.h"

struct hn_address {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } u;
  socklen_t size; /* 0: none */
};

struct hn_addresses {
  size_t count;
  struct hn_address list[HN_MAX_ADDRESSES];
};

/* The name of a Unix-domain socket. */
struct hn_unix_path {
  struct sockaddr_un name;
  socklen_t size; /* 0: none */
};

enum {
  HN_ADDRESS_TEXT = 64,
  HN_PATH_TEXT = sizeof(((struct sockaddr_un *)0)->sun_path) + 1,
};

/* "127.0.0.1", "::1", "[::1]", "fe80::1%eth0"; false when it is no literal. */
HN_INTERNAL bool address_parse(struct hn_slice host, unsigned port,
                               struct hn_address *out);

/* Literals parted by commas, "10.0.0.1, ::1", in that order and without a
 * port; false when one is no literal, or there are none or more than
 * HN_MAX_ADDRESSES. */
HN_INTERNAL bool address_parse_list(struct hn_slice text,
                                    struct hn_addresses *out);

/* A path in the file system, or with a leading '@' on Linux a name in the
 * abstract namespace. INVALID_PARAMETER, with *detail (static) saying why, for
 * one that is empty, too long for the system or holds a NUL. */
HN_INTERNAL int address_parse_path(struct hn_slice path,
                                   struct hn_unix_path *out,
                                   const char **detail);

HN_INTERNAL unsigned address_port(const struct hn_address *a);
/* Puts port into every address. */
HN_INTERNAL void address_set_port(struct hn_addresses *a, unsigned port);

/* The IP address as text, without the port, NUL-terminated. */
HN_INTERNAL void address_format(const struct hn_address *a,
                                char out[HN_ADDRESS_TEXT]);

/* The path as text, '@' first when it is an abstract name; "" for a socket
 * without a name. NUL-terminated. */
HN_INTERNAL void address_format_path(const struct hn_unix_path *path,
                                     char out[HN_PATH_TEXT]);

/* Puts the families in turns (RFC 8305 4), the first one's first. */
HN_INTERNAL void address_interleave(struct hn_addresses *a);

/* Two spellings of one host, in any case; but a zone of an IPv6 literal names
 * an interface, which may have a namesake in another case (RFC 4007 11). */
HN_INTERNAL bool address_is_same_host(struct hn_slice a, struct hn_slice b);

#endif
