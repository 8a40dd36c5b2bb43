/*
 * origin_test.c: what makes two connections interchangeable.
 */
#include "test.h"

#include "../../csrc/net/origin.h"

static const struct hn_hash_key origin_key = {1, 2};

static struct hn_origin origin_of(const char *host, unsigned port) {
  return (struct hn_origin){
      .host = slice_of(host),
      .port = port,
      .hash = origin_hash(&origin_key, slice_of(host), port),
  };
}

TEST(hosts_are_the_same_in_any_case) {
  struct hn_origin a = origin_of("a.test", 80), b = origin_of("A.TEST", 80);
  CHECK(origin_equal(&a, &b));
  CHECK(origin_hash_all(&origin_key, &a) == origin_hash_all(&origin_key, &b));
}

/* Two interfaces may differ in case alone. */
TEST(zones_are_the_same_only_as_they_are_written) {
  struct hn_origin a = origin_of("fe80::1%lan", 80);
  struct hn_origin b = origin_of("fe80::1%LAN", 80);
  CHECK(!origin_equal(&a, &b));
}

TEST(each_part_makes_a_difference) {
  int identity;
  struct hn_origin a = origin_of("a.test", 80), others[6];
  for (size_t i = 0; i < 6; i++) others[i] = a;
  others[0] = origin_of("b.test", 80);
  others[1] = origin_of("a.test", 81);
  others[2].route = (struct hn_route){HN_ROUTE_NAME, slice_of("10.0.0.1")};
  others[3].route = (struct hn_route){HN_ROUTE_ADDRESSES, slice_of("10.0.0.1")};
  others[4].route = (struct hn_route){HN_ROUTE_NAME, slice_of("10.0.0.2")};
  others[5].tls = (struct hn_tls_context *)(void *)&identity;
  for (size_t i = 0; i < 6; i++) {
    CHECK(!origin_equal(&a, &others[i]));
    CHECK(origin_hash_all(&origin_key, &a) !=
          origin_hash_all(&origin_key, &others[i]));
    for (size_t j = 0; j < i; j++) CHECK(!origin_equal(&others[i], &others[j]));
  }
}

static bool origin_copies(void *ctx) {
  struct hn_origin a = origin_of("a.test", 80), copy;
  (void)ctx;
  a.route = (struct hn_route){HN_ROUTE_UNIX, slice_of("/run/a")};
  if (origin_copy(&copy, &a)) return false;
  CHECK(origin_equal(&a, &copy));
  CHECK(copy.host.p != a.host.p && copy.route.via.p != a.route.via.p);
  origin_fini(&copy);
  return true;
}

TEST(a_copy_has_its_own_texts) {
  test_each_failure(origin_copies, NULL);
}

TEST_MAIN(ROW(hosts_are_the_same_in_any_case),
          ROW(zones_are_the_same_only_as_they_are_written),
          ROW(each_part_makes_a_difference), ROW(a_copy_has_its_own_texts))
