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
    {"::1%no-such-interfac", NULL}, /* a name of the length that has no NUL */
    {"::1%no-such", NULL},
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
  check_order("abC", "aCb");
  check_order("ABcd", "AcBd");
  check_order("abCD", "aCbD");
  check_order("ABCDe", "AeBCD");
  check_order("aBCDE", "aBCDE");
  check_order("ABCDefghIJKLmnop", "AeBfCgDhImJnKoLp");
}

struct list_row {
  const char *text;
  size_t count; /* 0: refused */
  const char *last;
};

static const struct list_row lists[] = {
    {"127.0.0.1", 1, "127.0.0.1"},
    {"127.0.0.1,::1", 2, "::1"},
    {" [::1] ,\t10.0.0.1 , ", 2, "10.0.0.1"},
    {"::1, ::1, ::2", 3, "::2"},
    {"1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9,"
     "1.1.1.10,1.1.1.11,1.1.1.12,1.1.1.13,1.1.1.14,1.1.1.15,1.1.1.16",
     16, "1.1.1.16"},
    {"1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9,"
     "1.1.1.10,1.1.1.11,1.1.1.12,1.1.1.13,1.1.1.14,1.1.1.15,1.1.1.16,1.1.1.17",
     0, NULL},
    {"", 0, NULL},
    {" , ,", 0, NULL},
    {"localhost", 0, NULL},
    {"127.0.0.1, localhost", 0, NULL},
    {"127.0.0.1 ::1", 0, NULL},
    {"127.0.0.1:80", 0, NULL},
};

TEST(lists_of_literals) {
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    const struct list_row *row = &lists[i];
    struct hn_addresses a = {.count = 99};
    char text[HN_ADDRESS_TEXT];
    test_label(row->text);
    bool ok = address_parse_list(test_guarded(0, slice_of(row->text)), &a);
    CHECK_INT(ok, row->count > 0);
    CHECK_INT(a.count, ok ? row->count : 99);
    if (!ok || a.count == 99) continue;
    address_format(&a.list[a.count - 1], text);
    CHECK_TEXT(slice_of(text), row->last);
    CHECK_INT(address_port(&a.list[0]), 0);
    address_set_port(&a, 8443);
    CHECK_INT(address_port(&a.list[0]), 8443);
    CHECK_INT(address_port(&a.list[a.count - 1]), 8443);
  }
}

static void check_path(struct hn_slice path, socklen_t size,
                       const char *wrong) {
  struct hn_unix_path a = {.size = 77};
  const char *detail = NULL;
  char text[HN_PATH_TEXT];
  int rc = address_parse_path(test_guarded(0, path), &a, &detail);
  CHECK_INT(rc, wrong ? HN_ERR_INVALID_PARAMETER : 0);
  CHECK_TEXT(slice_of(detail ? detail : ""), wrong ? wrong : "");
  CHECK_INT(a.size, wrong ? 77 : size);
  if (rc != 0) return;
  CHECK_INT(a.name.sun_family, AF_UNIX);
  CHECK_INT(a.name.sun_path[0], path.p[0] == '@' ? '\0' : path.p[0]);
  address_format_path(&a, text);
  CHECK(slice_equal(slice_of(text), path));
}

/* 2 bytes of family, then the path with a NUL, or the abstract name alone. */
TEST(paths) {
  char text[200];
  memset(text, 'x', sizeof text);
  check_path(slice_of("/run/x.sock"), 2 + 12, NULL);
  check_path(slice_of("x"), 2 + 2, NULL);
  check_path(slice_of("@x"), 2 + 2, NULL);
  check_path(slice_make(text, 107), 2 + 108, NULL);
  text[0] = '@';
  check_path(slice_make(text, 107), 2 + 107, NULL);
  check_path(slice_make(text, 108), 0, "path of a Unix socket is too long");
  text[0] = '/';
  check_path(slice_make(text, 108), 0, "path of a Unix socket is too long");
  check_path(slice_make(text, 200), 0, "path of a Unix socket is too long");
  check_path(slice_of(""), 0, "path of a Unix socket is empty");
  check_path(slice_of("@"), 0, "path of a Unix socket is empty");
  check_path(slice_make("/x\0y", 4), 0, "path of a Unix socket holds a NUL");
  check_path(slice_make("@\0y", 3), 0, "path of a Unix socket holds a NUL");
  check_path(slice_make("\0y", 2), 0, "path of a Unix socket holds a NUL");
}

/* As the system may hand them out. */
TEST(odd_paths_format) {
  struct hn_unix_path a;
  char text[HN_PATH_TEXT];
  memset(&a, 'x', sizeof a);
  a.name.sun_family = AF_UNIX;
  a.size = sizeof a.name; /* filled to the brim, without a NUL */
  address_format_path(&a, text);
  CHECK_INT(strlen(text), sizeof a.name.sun_path);
  a.size = sizeof a.name + 1;
  address_format_path(&a, text);
  CHECK_INT(strlen(text), sizeof a.name.sun_path);
  a.size = 2;
  address_format_path(&a, text);
  CHECK_TEXT(slice_of(text), "");
  a.size = 0;
  address_format_path(&a, text);
  CHECK_TEXT(slice_of(text), "");
  a.size = 3; /* an empty name, as some systems say it */
  a.name.sun_path[0] = '\0';
  address_format_path(&a, text);
  CHECK_TEXT(slice_of(text), "");
}

TEST(a_host_is_the_same_in_any_case_but_for_its_zone) {
  static const struct {
    const char *a, *b;
    bool same;
  } rows[] = {
      {"a.test", "A.Test", true},
      {"a.test", "b.test", false},
      {"fe80::A", "fe80::a", true},
      {"fe80::1%eth0", "fe80::1%eth0", true},
      {"fe80::1%eth0", "fe80::1%ETH0", false},
      {"fe80::1%eth0", "fe80::1", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_label(rows[i].b);
    CHECK(address_is_same_host(slice_of(rows[i].a), slice_of(rows[i].b)) ==
          rows[i].same);
  }
}

TEST_MAIN(ROW(literals), ROW(holds_the_port), ROW(a_nul_is_no_end),
          ROW(nothing_formats_as_nothing), ROW(families_take_turns),
          ROW(lists_of_literals), ROW(paths), ROW(odd_paths_format),
          ROW(a_host_is_the_same_in_any_case_but_for_its_zone))
