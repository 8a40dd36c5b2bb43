/*
 * address_class.h: what kind of place an IP address is, for a host that keeps
 * scripts away from some of them.
 *
 * The tables are those of RFC 6890 and its registries. An IPv6 address that
 * stands for an IPv4 one (mapped, translated by NAT64, 6to4) is of that one's
 * class. What no table knows is reserved, never global.
 */
#ifndef HN_NET_ADDRESS_CLASS_H
#define HN_NET_ADDRESS_CLASS_H

#include "address.h"

enum hn_address_class {
  HN_ADDRESS_GLOBAL,
  HN_ADDRESS_LOOPBACK,
  HN_ADDRESS_PRIVATE, /* also unique local, and behind a carrier's NAT */
  HN_ADDRESS_LINK_LOCAL,
  HN_ADDRESS_UNSPECIFIED, /* connects to this machine on some systems */
  HN_ADDRESS_MULTICAST,
  HN_ADDRESS_RESERVED, /* documentation, benchmarks, broadcast, no use */
};

HN_INTERNAL enum hn_address_class address_classify(const struct hn_address *a);

/* "a loopback address". */
HN_INTERNAL const char *address_class_text(enum hn_address_class c);

enum { HN_ADDRESS_BYTES = 16 };

/* The address as IPv6 bytes, an IPv4 one as its mapped form: two spellings of
 * one place are equal. */
HN_INTERNAL void address_get_bytes(const struct hn_address *a,
                                   uint8_t out[HN_ADDRESS_BYTES]);

/* True when the first `bits` bits are the same. */
HN_INTERNAL bool address_bits_equal(const uint8_t *a, const uint8_t *b,
                                    unsigned bits);

#endif
