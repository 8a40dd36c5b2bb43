#include "tls_starve_fixture.h"

#ifndef ROUNDS
#define ROUNDS 150
#endif

/* Files of each kind, and the options that name them. */
static char both_pem[] = "/tmp/hn_both_XXXXXX";
static char locked_pem[] = "/tmp/hn_lock_XXXXXX";
static char bag[] = "/tmp/hn_bag_XXXXXX";
static char list_pem[] = "/tmp/hn_list_XXXXXX";

static const struct {
  const char *label, *cert, *key, *password, *list;
} rows[] = {
    {"authorities", NULL, NULL, NULL, NULL},
    {"a list", NULL, NULL, NULL, list_pem},
    {"PEM", both_pem, NULL, NULL, NULL},
    {"a locked key", both_pem, locked_pem, "secret", NULL},
    {"PKCS#12", bag, NULL, "secret", NULL},
};

static void make_files(void) {
  struct fixture_wish w = {.name = "me",
                           .usage = "clientAuth",
                           .from = -FIXTURE_DAY,
                           .to = FIXTURE_DAY};
  struct fixture_cert me = fixture_sign(&w, &authority);
  fixture_write_key(me.key, me.cert, NULL, both_pem);
  fixture_write_key(me.key, NULL, "secret", locked_pem);
  fixture_write_bag(&me, "secret", bag);
  fixture_write_crl(&authority, NULL, -FIXTURE_DAY, FIXTURE_DAY, list_pem);
  fixture_drop(&me);
}

static void drop_files(void) {
  unlink(both_pem);
  unlink(locked_pem);
  unlink(bag);
  unlink(list_pem);
}

/* A context, whose n-th allocation of the library fails; 0: none. Answers how
 * many there were. */
static long starve(const struct hn_tls_options *o, long n, int *rc,
                   const char **detail) {
  struct hn_tls_context *c = NULL;
  long asked = starve_asked;
  *detail = NULL;
  starve_countdown = n;
  *rc = fixture_context(o, &c, detail);
  starve_countdown = 0;
  tls_context_free(c);
  return starve_asked - asked;
}

/* A failing allocation, be it the library's own, is told as that and not as a
 * fault of the files. There are too many to try them all. */
TEST(allocations_failing) {
  make_files();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct hn_tls_options o = pair_options();
    const char *detail;
    int rc;
    o.client_cert = rows[i].cert;
    o.client_key = rows[i].key;
    o.client_password = rows[i].password;
    o.crl_file = rows[i].list;
    test_label(rows[i].label);
    long most = starve(&o, 0, &rc, &detail);
    CHECK_INT(rc, 0);
    CHECK(most > 500);
    for (long n = 1; n <= most; n += 1 + most / ROUNDS) {
      char label[60];
      snprintf(label, sizeof label, "%s, allocation %ld", rows[i].label, n);
      test_label(label);
      (void)starve(&o, n, &rc, &detail);
      if (rc != 0) CHECK_INT(rc, HN_ERR_NOT_ENOUGH_MEMORY);
      if (rc != 0) CHECK_TEXT(slice_of(detail), NULL);
    }
  }
  drop_files();
}

STARVE_MAIN(ROW(allocations_failing))
