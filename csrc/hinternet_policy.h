/*
 * hinternet_policy.h: what a C host lets the users of a runtime do. Set before
 * scripts get the runtime, it holds for every handle made on it, every redirect
 * and every override; nothing takes it back.
 */
#ifndef HINTERNET_POLICY_H
#define HINTERNET_POLICY_H

#include "hinternet.h"

/* What a policy lets the users of a runtime do; what is not named is refused.
 * An IPv6 address that stands for an IPv4 one (mapped, NAT64, 6to4) counts as
 * that. Multicast, unspecified and reserved addresses have no bit. */
enum hn_allow {
  HN_ALLOW_HTTP = 0x1,          /* http:// */
  HN_ALLOW_HTTPS = 0x2,         /* https:// */
  HN_ALLOW_LOOPBACK = 0x4,      /* 127.0.0.0/8, ::1 */
  HN_ALLOW_PRIVATE = 0x8,       /* 10/8, 172.16/12, 192.168/16, 100.64/10,
                                   fc00::/7 and their like */
  HN_ALLOW_LINK_LOCAL = 0x10,   /* 169.254/16 (clouds keep keys there),
                                   fe80::/10 */
  HN_ALLOW_UNIX_SOCKETS = 0x20, /* the option unix_socket */
  HN_ALLOW_FILES = 0x40,        /* hn_write_from, hn_read_to, hn_new_file_open,
                                   and options that name a file */
  HN_ALLOW_UNVERIFIED = 0x80,   /* the option security_flags, and with FILES
                                   also ca_file */
  HN_ALLOW_INTERFACE = 0x100,   /* the option interface */
  HN_ALLOW_LOCAL_ADDRESS = 0x200, /* the option local_address */
};

/*
 * A zeroed policy allows nothing:
 *
 *   const char *const hosts[] = {"*.example.org", "https://cdn.example.net",
 *                                NULL};
 *   struct hn_policy p = {.size = sizeof p, .allow = HN_ALLOW_HTTPS,
 *                         .hosts = hosts, .max_connections = 8};
 *
 * What is refused answers ACCESS_DENIED, and a message ends in "(host policy)":
 * a host, port or scheme by its operation's request_error before anything is
 * looked up, an address before it is connected to (each one that is tried, so
 * that what a name server says does not matter), an option or a descriptor by
 * the call itself. Nothing tells an address that is refused but to those who
 * wrote it themselves: what a name leads to stays hidden.
 *
 * `hosts` are names ("example.org"; "*.example.org" is what lies below it; "*"
 * is any), addresses ("10.1.2.3", "::1") and networks ("10.0.0.0/8"), each with
 * "http://" or "https://" in front if only that scheme is meant, and a port
 * (":443") or ports (":8000-8100") behind it, after brackets for IPv6; else all
 * ports. Names compare without case and a dot at the end; they are what is
 * written in a URL. An address or network in the list may also be connected to
 * whatever its kind. A host that no URL can name, or a number that could be
 * read in two ways ("1.2.3", "10.0.0.0/08"), cannot be read. With a list, other
 * names and addresses to look up in the host's place (resolution_hostname,
 * resolve_to) and a Host field of the caller's must be in it too.
 *
 * A limit of 0 is none of the policy's.
 */
struct hn_policy {
  size_t size;              /* sizeof(struct hn_policy) */
  unsigned allow;           /* HN_ALLOW_* bits */
  const char *const *hosts; /* the only hosts, NULL last; NULL: every host */
  const char *ca_file;      /* PEM file of the authorities trusted, whatever the
                               option says; NULL: as without a policy */
  size_t max_handles;       /* open; beyond it opening is NOT_ENOUGH_MEMORY */
  size_t max_connections;   /* in all sessions; further requests wait, at most
                               their connect_timeout */
  size_t max_memory; /* bytes, as hn_memory_used counts; what needs more is
                        NOT_ENOUGH_MEMORY */
  uint64_t max_response_body; /* bytes of each, as received and as decoded;
                                 a read beyond is INSUFFICIENT_BUFFER */
  uint64_t max_request_body;  /* bytes of each; a send or write beyond it is
                                 INSUFFICIENT_BUFFER */
};

/* Puts the runtime under a policy, which is copied. Once, and while no handle
 * is open: INCORRECT_HANDLE_STATE. INVALID_PARAMETER for a size this library
 * does not know, unknown bits, a host that cannot be read or an empty ca_file;
 * NOT_ENOUGH_MEMORY. */
HN_API int hn_set_policy(hn_runtime *rt, const struct hn_policy *policy);

/* Bytes that the runtime holds for its users, with or without a policy. Exact:
 * all buffers of bodies, heads and events, option texts, the records of handles
 * and events, and what decoders of compressed bodies allocate. Counted as round
 * figures: a connection, 8 KiB, or 72 KiB with TLS; each set of TLS options in
 * use in a session, 1 MiB. Not counted: bodies over 64 KiB, which the caller
 * keeps (pinned), the resolver's threads and answers (at most 256), host names,
 * the system's socket buffers, what the allocator adds, and Lua's values. */
HN_API size_t hn_memory_used(const hn_runtime *rt);

#endif
