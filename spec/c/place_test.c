/*
 * place_test.c: the table of origins: who holds a place, and what it costs to
 * find one.
 */
#include "test.h"

#include "../../csrc/http/place.h"

static const struct hn_hash_key place_key = {3, 4};

static struct hn_origin place_origin(const char *host) {
  return (struct hn_origin){
      .host = slice_of(host),
      .port = 80,
      .hash = origin_hash(&place_key, slice_of(host), 80),
  };
}

TEST(a_place_goes_with_the_last_who_holds_it) {
  struct hn_places t;
  struct hn_place *a, *again;
  struct hn_origin origin = place_origin("a.test");
  places_init(&t, &place_key);
  CHECK(places_find(&t, &origin) == NULL);
  CHECK_INT(places_take(&t, &origin, &a), 0);
  CHECK_INT(places_take(&t, &origin, &again), 0);
  CHECK(a == again);
  place_let_go(&t, a);
  CHECK(places_find(&t, &origin) == a);
  place_let_go(&t, a);
  CHECK(places_find(&t, &origin) == NULL);
  places_fini(&t);
}

static bool place_fails_whole(void *ctx) {
  struct hn_places t;
  struct hn_place *a;
  struct hn_origin origin = place_origin("a.test");
  (void)ctx;
  places_init(&t, &place_key);
  int rc = places_take(&t, &origin, &a);
  if (rc == 0) place_let_go(&t, a);
  CHECK_INT(t.count, 0);
  places_fini(&t);
  return rc == 0;
}

TEST(without_memory_nothing_is_entered) {
  test_each_failure(place_fails_whole, NULL);
}

TEST(finding_one_of_thousands_costs_what_it_costs_among_ten) {
  enum { MANY = 9500 };
  static struct hn_place *places[MANY];
  struct hn_places t;
  char name[24];
  places_init(&t, &place_key);
  for (int i = 0; i < MANY; i++) {
    (void)snprintf(name, sizeof name, "host-%d.test", i);
    struct hn_origin origin = place_origin(name);
    CHECK_INT(places_take(&t, &origin, &places[i]), 0);
  }
  t.looked_at = 0;
  for (int i = 0; i < MANY; i++) {
    (void)snprintf(name, sizeof name, "HOST-%d.test", i);
    struct hn_origin origin = place_origin(name);
    CHECK(places_find(&t, &origin) == places[i]);
  }
  CHECK(t.looked_at <= 2 * MANY);
  for (int i = 0; i < MANY; i++) place_let_go(&t, places[i]);
  CHECK_INT(t.count, 0);
  places_fini(&t);
}

TEST_MAIN(ROW(a_place_goes_with_the_last_who_holds_it),
          ROW(without_memory_nothing_is_entered),
          ROW(finding_one_of_thousands_costs_what_it_costs_among_ten))
