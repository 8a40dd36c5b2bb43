#include "address_class.h"

#include <string.h>

enum { HN_ADDRESS_V4_AT = 12 }; /* of a mapped one */

/* A network, and the class of what is in it. */
struct address_network {
  uint8_t bytes[HN_ADDRESS_BYTES];
  uint8_t bits;
  uint8_t class_of; /* enum hn_address_class, or ADDRESS_V4_IN + offset */
};

/* Not a class: the IPv4 address at that byte decides. */
enum { ADDRESS_V4_IN = 0x40 };

static const struct address_network address_v4_networks[] = {
    {{0}, 8, HN_ADDRESS_UNSPECIFIED},          /* RFC 1122 3.2.1.3 */
    {{10}, 8, HN_ADDRESS_PRIVATE},             /* RFC 1918 */
    {{100, 64}, 10, HN_ADDRESS_PRIVATE},       /* RFC 6598 */
    {{127}, 8, HN_ADDRESS_LOOPBACK},           /* RFC 1122 3.2.1.3 */
    {{169, 254}, 16, HN_ADDRESS_LINK_LOCAL},   /* RFC 3927 */
    {{172, 16}, 12, HN_ADDRESS_PRIVATE},       /* RFC 1918 */
    {{192, 0, 0}, 24, HN_ADDRESS_RESERVED},    /* RFC 6890 */
    {{192, 0, 2}, 24, HN_ADDRESS_RESERVED},    /* RFC 5737 */
    {{192, 88, 99}, 24, HN_ADDRESS_RESERVED},  /* RFC 7526 */
    {{192, 168}, 16, HN_ADDRESS_PRIVATE},      /* RFC 1918 */
    {{198, 18}, 15, HN_ADDRESS_RESERVED},      /* RFC 2544 */
    {{198, 51, 100}, 24, HN_ADDRESS_RESERVED}, /* RFC 5737 */
    {{203, 0, 113}, 24, HN_ADDRESS_RESERVED},  /* RFC 5737 */
    {{224}, 4, HN_ADDRESS_MULTICAST},          /* RFC 5771 */
    {{240}, 4, HN_ADDRESS_RESERVED},           /* RFC 1112 4, broadcast */
    {{0}, 0, HN_ADDRESS_GLOBAL},
};

static const struct address_network address_v6_networks[] = {
    {{0}, 128, HN_ADDRESS_UNSPECIFIED},     /* RFC 4291 2.5.2 */
    {{[15] = 1}, 128, HN_ADDRESS_LOOPBACK}, /* RFC 4291 2.5.3 */
    /* IPv4-mapped (RFC 4291 2.5.5.2) and IPv4-translated (RFC 2765 2.1) */
    {{[10] = 0xff, [11] = 0xff}, 96, ADDRESS_V4_IN + 12},
    {{[8] = 0xff, [9] = 0xff}, 96, ADDRESS_V4_IN + 12},
    /* NAT64 for everybody (RFC 6052 2.1) and for one network (RFC 8215) */
    {{0, 0x64, 0xff, 0x9b}, 96, ADDRESS_V4_IN + 12},
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, HN_ADDRESS_PRIVATE},
    {{0x20, 0x01}, 23, HN_ADDRESS_RESERVED},             /* RFC 2928; Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, HN_ADDRESS_RESERVED}, /* RFC 3849 */
    {{0x20, 0x02}, 16, ADDRESS_V4_IN + 2},               /* RFC 3056 2: 6to4 */
    {{0x3f, 0xff}, 20, HN_ADDRESS_RESERVED},             /* RFC 9637 */
    {{0x20}, 3, HN_ADDRESS_GLOBAL},                      /* RFC 4291 2.4 */
    {{0xfc}, 7, HN_ADDRESS_PRIVATE},                     /* RFC 4193 */
    {{0xfe, 0x80}, 10, HN_ADDRESS_LINK_LOCAL},           /* RFC 4291 2.5.6 */
    {{0xfe, 0xc0}, 10, HN_ADDRESS_PRIVATE}, /* RFC 3879: site-local */
    {{0xff}, 8, HN_ADDRESS_MULTICAST},      /* RFC 4291 2.7 */
    {{0}, 0, HN_ADDRESS_RESERVED},
};

bool address_bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits) {
  unsigned whole = bits / 8, rest = bits % 8;
  if (memcmp(a, b, whole) != 0) return false;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

void address_get_bytes(const struct hn_address *a,
                       uint8_t out[HN_ADDRESS_BYTES]) {
  if (a->u.any.sa_family == AF_INET6) {
    memcpy(out, &a->u.v6.sin6_addr, HN_ADDRESS_BYTES);
    return;
  }
  memset(out, 0, HN_ADDRESS_V4_AT);
  out[10] = out[11] = 0xff;
  memcpy(out + HN_ADDRESS_V4_AT, &a->u.v4.sin_addr, 4);
}

/* Both tables end with a network that holds everything. */
static unsigned address_look_up(const struct address_network *n,
                                const uint8_t *bytes) {
  while (!address_bits_equal(bytes, n->bytes, n->bits)) n++;
  return n->class_of;
}

enum hn_address_class address_classify(const struct hn_address *a) {
  uint8_t bytes[HN_ADDRESS_BYTES];
  address_get_bytes(a, bytes);
  unsigned found = address_look_up(address_v6_networks, bytes);
  if (found & ADDRESS_V4_IN)
    found = address_look_up(address_v4_networks,
                            bytes + (found & ~(unsigned)ADDRESS_V4_IN));
  return (enum hn_address_class)found;
}

const char *address_class_text(enum hn_address_class c) {
  static const char *const texts[] = {
      [HN_ADDRESS_GLOBAL] = "a global address",
      [HN_ADDRESS_LOOPBACK] = "a loopback address",
      [HN_ADDRESS_PRIVATE] = "a private address",
      [HN_ADDRESS_LINK_LOCAL] = "a link-local address",
      [HN_ADDRESS_UNSPECIFIED] = "an unspecified address",
      [HN_ADDRESS_MULTICAST] = "a multicast address",
      [HN_ADDRESS_RESERVED] = "a reserved address",
  };
  return texts[c];
}
