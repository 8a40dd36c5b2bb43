#include "test.h"

#include <arpa/inet.h>
#include <net/if.h>

#include "../../csrc/net/address.h"

struct literal_row {
  const char *text;
  const char *back; /* NULL: no literal */
};

static const struct literal_row literals[] = {
  {"127.0.0.1", "127.0.0.1"},
  {"0.0.0.0", "0.0.0.0"},
  {"255.255.255.255", "255.255.255.255"},
  {"::1", "::1"},
  {"[::1]", "::1"},
  {"[2001:DB8:0:0::7]", "2001:db8::7"},
  {"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
  {"fe80::1%lo", "fe80::1%lo"},
  {"[fe80::1%1]", "fe80::1%lo"},
  {"fe80::1%123456", "fe80::1%123456"},
  {"2001:db8:1111:2222:3333:4444:5555:6666",
   "2001:db8:1111:2222:3333:4444:5555:6666"},
  {"", NULL},
  {"localhost", NULL},
  {"127.1", NULL},
  {"2130706433", NULL},
  {"0x7f.0.0.1", NULL},
  {"256.0.0.1", NULL},
  {"1.2.3.4.5", NULL},
  {"1.2.3.4 ", NULL},
  {"[127.0.0.1]", NULL},
  {"[::1", NULL},
  {"::1]", NULL},
  {"[]", NULL},
  {"::1%", NULL},
  {"::1%0", NULL},
  {"::1%4294967296", NULL},
  {"::1%no-such-interface-at-all", NULL},
  {":::1", NULL},
  {"2001:db8:1111:2222:3333:4444:5555:6666:7777", NULL},
  {"0000000000000000000000000000000000000000000000000000000000001::", NULL},
};

TEST(literals) {
  for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
    const struct literal_row *row = &literals[i];
    struct hn_address a;
    char text[HN_ADDRESS_TEXT];
    memset(&a, 0x5a, sizeof a);
    test_label(row->text);
    bool ok = address_parse(test_guarded(0, slice_of(row->text)), 8080, &a);
    CHECK_INT(ok, row->back != NULL);
    if (!ok || !row->back) continue;
    address_format(&a, text);
    CHECK_TEXT(slice_of(text), row->back);
  }
}

TEST(holds_the_port) {
  struct hn_address a;
  CHECK(address_parse(slice_of("1.2.3.4"), 65535, &a));
  CHECK_INT(ntohs(a.u.v4.sin_port), 65535);
  CHECK_INT(a.size, sizeof(struct sockaddr_in));
  CHECK(address_parse(slice_of("::1"), 443, &a));
  CHECK_INT(ntohs(a.u.v6.sin6_port), 443);
  CHECK_INT(a.size, sizeof(struct sockaddr_in6));
}

TEST(a_nul_is_no_end) {
  struct hn_address a;
  CHECK(!address_parse(slice_make("1.2.3.4\0x", 9), 80, &a));
  CHECK(!address_parse(slice_make("::1\0x", 5), 80, &a));
  CHECK(!address_parse(slice_make("::1%lo\0x", 8), 80, &a));
}

TEST(nothing_formats_as_nothing) {
  struct hn_address a = {.size = 0};
  char text[HN_ADDRESS_TEXT] = "x";
  address_format(&a, text);
  CHECK_TEXT(slice_of(text), "");
}

/* One character an address: "6" or "4" by family. */
static void check_order(const char *in, const char *out) {
  struct hn_addresses a = {.count = strlen(in)};
  test_label(in);
  for (size_t i = 0; i < a.count; i++) {
    bool six = in[i] >= 'A' && in[i] <= 'Z';
    address_parse(slice_of(six ? "::1" : "127.0.0.1"), (unsigned)in[i],
                  &a.list[i]);
  }
  address_interleave(&a);
  CHECK_INT(a.count, strlen(in));
  for (size_t i = 0; i < a.count; i++)
    CHECK_INT(ntohs(a.list[i].u.v4.sin_port), out[i]);
}

TEST(families_take_turns) {
  check_order("", "");
  check_order("a", "a");
  check_order("aB", "aB");
  check_order("abc", "abc");
  check_order("ABcd", "AcBd");
  check_order("abCD", "aCbD");
  check_order("ABCDe", "AeBCD");
  check_order("aBCDE", "aBCDE");
  check_order("ABCDefghIJKLmnop", "AeBfCgDhImJnKoLp");
}

TEST_MAIN(ROW(literals), ROW(holds_the_port), ROW(a_nul_is_no_end),
          ROW(nothing_formats_as_nothing), ROW(families_take_turns))
