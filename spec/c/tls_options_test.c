#include "test.h"

#include "../../csrc/net/tls.h"

static struct hn_tls_options full(void) {
  return (struct hn_tls_options){.ca_file = "a",
                                 .min_version = HN_TLS_1_2,
                                 .max_version = HN_TLS_1_3,
                                 .ignore = HN_TLS_IGNORE_UNKNOWN_CA,
                                 .client_cert = "c",
                                 .client_key = "d",
                                 .client_password = "e",
                                 .pins = "f",
                                 .crl_file = "g",
                                 .revocation = true,
                                 .revocation_offline_ok = true,
                                 .key_log_file = "h"};
}

TEST(protocol_masks) {
  static const struct {
    uint32_t bits, min, max;
    int code;
  } rows[] = {
      {0x800, HN_TLS_1_2, HN_TLS_1_2, 0},
      {0x2000, HN_TLS_1_3, HN_TLS_1_3, 0},
      {0x2800, HN_TLS_1_2, HN_TLS_1_3, 0},
      {0, 7, 7, HN_ERR_INVALID_PARAMETER},
      {0xA8, 7, 7, HN_ERR_INVALID_PARAMETER},
      {0x200, 7, 7, HN_ERR_INVALID_PARAMETER},
      {0x2A00, 7, 7, HN_ERR_INVALID_PARAMETER},
      {0x80002800, 7, 7, HN_ERR_INVALID_PARAMETER},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_tls_options o = {.min_version = 7, .max_version = 7};
    CHECK_INT(tls_options_set_protocols(&o, rows[i].bits), rows[i].code);
    CHECK_INT(o.min_version, rows[i].min);
    CHECK_INT(o.max_version, rows[i].max);
  }
}

/* Each field alone makes a difference: a forgotten one would let two
 * identities share a context. */
TEST(every_field_counts) {
  struct hn_tls_options none = {.ca_file = NULL}, all = full();
  char a[] = "a";
  CHECK(tls_options_equal(&none, &none));
  CHECK(tls_options_equal(&all, &all));
  CHECK(!tls_options_equal(&none, &all));
  all.ca_file = a;
  struct hn_tls_options same = full();
  CHECK(tls_options_equal(&all, &same));
#define DIFFERS(field, value)                                                  \
  do {                                                                         \
    struct hn_tls_options other = full();                                      \
    other.field = value;                                                       \
    test_label(#field);                                                        \
    CHECK(!tls_options_equal(&all, &other));                                   \
    CHECK(!tls_options_equal(&other, &all));                                   \
  } while (0)
#define TEXT_DIFFERS(field)                                                    \
  do {                                                                         \
    DIFFERS(field, NULL);                                                      \
    DIFFERS(field, "");                                                        \
    DIFFERS(field, "x");                                                       \
  } while (0)
  TEXT_DIFFERS(ca_file);
  TEXT_DIFFERS(client_cert);
  TEXT_DIFFERS(client_key);
  TEXT_DIFFERS(client_password);
  TEXT_DIFFERS(pins);
  TEXT_DIFFERS(crl_file);
  TEXT_DIFFERS(key_log_file);
  DIFFERS(min_version, 0);
  DIFFERS(max_version, 0);
  DIFFERS(ignore, 0);
  DIFFERS(revocation, false);
  DIFFERS(revocation_offline_ok, false);
}

static bool try_copy(void *ctx) {
  struct hn_tls_options *from = ctx;
  struct hn_tls_options to = {.pins = "untouched"};
  int rc = tls_options_copy(&to, from);
  if (rc != 0) {
    CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK_TEXT(slice_of(to.pins), "untouched");
    return false;
  }
  CHECK(tls_options_equal(&to, from));
  CHECK(!from->pins || to.pins != from->pins);
  tls_options_fini(&to);
  struct hn_tls_options none = {.ca_file = NULL};
  CHECK(tls_options_equal(&to, &none));
  tls_options_fini(&to);
  return true;
}

TEST(copies) {
  struct hn_tls_options none = {.ca_file = NULL}, all = full();
  test_each_failure(try_copy, &none);
  test_each_failure(try_copy, &all);
}

TEST_MAIN(ROW(protocol_masks), ROW(every_field_counts), ROW(copies))
