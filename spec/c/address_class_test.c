#include "test.h"

#include "../../csrc/net/address_class.h"

struct class_row {
  const char *text;
  enum hn_address_class class_of;
};

/* The ends of each network, and what lies next to them. */
static const struct class_row rows[] = {
    {"0.0.0.0", HN_ADDRESS_UNSPECIFIED},
    {"0.255.255.255", HN_ADDRESS_UNSPECIFIED},
    {"1.0.0.0", HN_ADDRESS_GLOBAL},
    {"8.8.8.8", HN_ADDRESS_GLOBAL},
    {"9.255.255.255", HN_ADDRESS_GLOBAL},
    {"10.0.0.0", HN_ADDRESS_PRIVATE},
    {"10.255.255.255", HN_ADDRESS_PRIVATE},
    {"11.0.0.0", HN_ADDRESS_GLOBAL},
    {"100.63.255.255", HN_ADDRESS_GLOBAL},
    {"100.64.0.0", HN_ADDRESS_PRIVATE},
    {"100.127.255.255", HN_ADDRESS_PRIVATE},
    {"100.128.0.0", HN_ADDRESS_GLOBAL},
    {"126.255.255.255", HN_ADDRESS_GLOBAL},
    {"127.0.0.0", HN_ADDRESS_LOOPBACK},
    {"127.0.0.1", HN_ADDRESS_LOOPBACK},
    {"127.255.255.255", HN_ADDRESS_LOOPBACK},
    {"128.0.0.0", HN_ADDRESS_GLOBAL},
    {"169.253.255.255", HN_ADDRESS_GLOBAL},
    {"169.254.0.0", HN_ADDRESS_LINK_LOCAL},
    {"169.254.169.254", HN_ADDRESS_LINK_LOCAL},
    {"169.254.255.255", HN_ADDRESS_LINK_LOCAL},
    {"169.255.0.0", HN_ADDRESS_GLOBAL},
    {"172.15.255.255", HN_ADDRESS_GLOBAL},
    {"172.16.0.0", HN_ADDRESS_PRIVATE},
    {"172.31.255.255", HN_ADDRESS_PRIVATE},
    {"172.32.0.0", HN_ADDRESS_GLOBAL},
    {"191.255.255.255", HN_ADDRESS_GLOBAL},
    {"192.0.0.0", HN_ADDRESS_RESERVED},
    {"192.0.1.0", HN_ADDRESS_GLOBAL},
    {"192.0.2.255", HN_ADDRESS_RESERVED},
    {"192.0.3.0", HN_ADDRESS_GLOBAL},
    {"192.88.98.255", HN_ADDRESS_GLOBAL},
    {"192.88.99.1", HN_ADDRESS_RESERVED},
    {"192.167.255.255", HN_ADDRESS_GLOBAL},
    {"192.168.0.0", HN_ADDRESS_PRIVATE},
    {"192.168.255.255", HN_ADDRESS_PRIVATE},
    {"192.169.0.0", HN_ADDRESS_GLOBAL},
    {"198.17.255.255", HN_ADDRESS_GLOBAL},
    {"198.18.0.0", HN_ADDRESS_RESERVED},
    {"198.19.255.255", HN_ADDRESS_RESERVED},
    {"198.20.0.0", HN_ADDRESS_GLOBAL},
    {"198.51.100.1", HN_ADDRESS_RESERVED},
    {"198.51.101.0", HN_ADDRESS_GLOBAL},
    {"203.0.113.1", HN_ADDRESS_RESERVED},
    {"203.0.114.0", HN_ADDRESS_GLOBAL},
    {"223.255.255.255", HN_ADDRESS_GLOBAL},
    {"224.0.0.0", HN_ADDRESS_MULTICAST},
    {"239.255.255.255", HN_ADDRESS_MULTICAST},
    {"240.0.0.0", HN_ADDRESS_RESERVED},
    {"255.255.255.255", HN_ADDRESS_RESERVED},
    {"::", HN_ADDRESS_UNSPECIFIED},
    {"::1", HN_ADDRESS_LOOPBACK},
    {"::2", HN_ADDRESS_RESERVED},
    {"::127.0.0.1", HN_ADDRESS_RESERVED},
    {"::8.8.8.8", HN_ADDRESS_RESERVED},
    {"1::1", HN_ADDRESS_RESERVED},
    {"2000::", HN_ADDRESS_GLOBAL},
    {"2001::1", HN_ADDRESS_RESERVED},
    {"2001:1ff:ffff::1", HN_ADDRESS_RESERVED},
    {"2001:200::1", HN_ADDRESS_GLOBAL},
    {"2001:4860:4860::8888", HN_ADDRESS_GLOBAL},
    {"2001:db7:ffff::1", HN_ADDRESS_GLOBAL},
    {"2001:db8::1", HN_ADDRESS_RESERVED},
    {"2001:db8:ffff::1", HN_ADDRESS_RESERVED},
    {"2001:db9::1", HN_ADDRESS_GLOBAL},
    {"3ffe:ffff::1", HN_ADDRESS_GLOBAL},
    {"3fff::1", HN_ADDRESS_RESERVED},
    {"3fff:fff::1", HN_ADDRESS_RESERVED},
    {"3fff:1000::1", HN_ADDRESS_GLOBAL},
    {"4000::1", HN_ADDRESS_RESERVED},
    {"5f00::1", HN_ADDRESS_RESERVED},
    {"100::1", HN_ADDRESS_RESERVED},
    {"fbff::1", HN_ADDRESS_RESERVED},
    {"fc00::1", HN_ADDRESS_PRIVATE},
    {"fd00:ec2::254", HN_ADDRESS_PRIVATE},
    {"fdff:ffff::1", HN_ADDRESS_PRIVATE},
    {"fe00::1", HN_ADDRESS_RESERVED},
    {"fe80::1", HN_ADDRESS_LINK_LOCAL},
    {"fe80::1%lo", HN_ADDRESS_LINK_LOCAL},
    {"febf:ffff::1", HN_ADDRESS_LINK_LOCAL},
    {"fec0::1", HN_ADDRESS_PRIVATE},
    {"feff:ffff::1", HN_ADDRESS_PRIVATE},
    {"ff00::1", HN_ADDRESS_MULTICAST},
    {"ff02::1", HN_ADDRESS_MULTICAST},
    /* Those that stand for an IPv4 address. */
    {"::ffff:127.0.0.1", HN_ADDRESS_LOOPBACK},
    {"::ffff:7f00:1", HN_ADDRESS_LOOPBACK},
    {"::ffff:10.1.2.3", HN_ADDRESS_PRIVATE},
    {"::ffff:169.254.169.254", HN_ADDRESS_LINK_LOCAL},
    {"::ffff:0.0.0.0", HN_ADDRESS_UNSPECIFIED},
    {"::ffff:224.0.0.1", HN_ADDRESS_MULTICAST},
    {"::ffff:255.255.255.255", HN_ADDRESS_RESERVED},
    {"::ffff:8.8.8.8", HN_ADDRESS_GLOBAL},
    {"::ffff:0:127.0.0.1", HN_ADDRESS_LOOPBACK},
    {"::fffe:127.0.0.1", HN_ADDRESS_RESERVED},
    {"64:ff9b::127.0.0.1", HN_ADDRESS_LOOPBACK},
    {"64:ff9b::a00:1", HN_ADDRESS_PRIVATE},
    {"64:ff9b::8.8.8.8", HN_ADDRESS_GLOBAL},
    {"64:ff9b:1::8.8.8.8", HN_ADDRESS_PRIVATE},
    {"64:ff9b:2::8.8.8.8", HN_ADDRESS_RESERVED},
    {"2002:7f00:1::", HN_ADDRESS_LOOPBACK},
    {"2002:a9fe:a9fe::1", HN_ADDRESS_LINK_LOCAL},
    {"2002:c0a8:101::1", HN_ADDRESS_PRIVATE},
    {"2002:808:808::1", HN_ADDRESS_GLOBAL},
    {"2003::1", HN_ADDRESS_GLOBAL},
};

TEST(classes) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_address a;
    test_label(rows[i].text);
    if (CHECK(address_parse(slice_of(rows[i].text), 80, &a)))
      CHECK_INT(address_classify(&a), rows[i].class_of);
  }
}

TEST(texts) {
  CHECK_TEXT(slice_of(address_class_text(HN_ADDRESS_LOOPBACK)),
             "a loopback address");
  for (int c = HN_ADDRESS_GLOBAL; c <= HN_ADDRESS_RESERVED; c++)
    CHECK(address_class_text((enum hn_address_class)c) != NULL);
}

TEST(two_spellings_of_one_place) {
  struct hn_address a, b;
  uint8_t x[HN_ADDRESS_BYTES], y[HN_ADDRESS_BYTES];
  CHECK(address_parse(slice_of("192.0.2.1"), 1, &a));
  CHECK(address_parse(slice_of("::ffff:c000:201"), 2, &b));
  address_get_bytes(&a, x);
  address_get_bytes(&b, y);
  CHECK(memcmp(x, y, sizeof x) == 0);
}

TEST(bits) {
  static const uint8_t a[] = {0xff, 0x80, 0}, b[] = {0xff, 0xc0, 1};
  CHECK(address_bits_equal(a, b, 0));
  CHECK(address_bits_equal(a, b, 8));
  CHECK(address_bits_equal(a, b, 9));
  CHECK(!address_bits_equal(a, b, 10));
  CHECK(!address_bits_equal(a, b, 24));
  CHECK(address_bits_equal(a, a, 24));
}

TEST_MAIN(ROW(classes), ROW(texts), ROW(two_spellings_of_one_place), ROW(bits))
