#include "../../csrc/base/slot.h"
#include "test.h"

static char things[64]; /* things to name; never looked at */

static uint64_t put(struct hn_slots *t, uint8_t type, void *ptr) {
  uint64_t id = 0;

  CHECK_INT(slots_put(t, type, ptr, &id), 0);
  return id;
}

TEST(empty) {
  struct hn_slots t;

  slots_init(&t);
  CHECK(slots_get_any(&t, 0) == NULL);
  CHECK(slots_get(&t, 0, 0) == NULL);
  CHECK(slots_get_any(&t, UINT64_MAX) == NULL);
  CHECK(slots_get_any(&t, (uint64_t)1 << 32) == NULL);
  CHECK(!slots_remove(&t, 0));
  CHECK(!slots_remove(&t, (uint64_t)1 << 32));
  slots_fini(&t);
}

TEST(layout_of_an_id) {
  struct hn_slots t;

  slots_init(&t);
  CHECK_INT(put(&t, 3, things), 0x0000000103000000);
  CHECK_INT(put(&t, 255, things), 0x00000001ff000001);
  CHECK_INT(put(&t, 0, things), 0x0000000100000002);
  CHECK(slots_remove(&t, 0x0000000103000000));
  CHECK_INT(put(&t, 5, things), 0x0000000205000000);
  CHECK_INT(slot_type_of(0x00000001ff000001), 255);
  CHECK_INT(slot_index_of(0x00000001ff000001), 1);
  CHECK_INT(slot_type_of(0xffffffff12345678), 0x12);
  CHECK_INT(slot_index_of(0xffffffff12345678), 0x345678);
  slots_fini(&t);
}

TEST(get_checks_all_parts) {
  struct hn_slots t;
  uint64_t id;

  slots_init(&t);
  id = put(&t, 3, &things[1]);
  CHECK(slots_get(&t, id, 3) == &things[1]);
  CHECK(slots_get_any(&t, id) == &things[1]);
  CHECK(slots_get(&t, id, 2) == NULL);
  for (int bit = 0; bit < 64; bit++) {
    uint64_t forged = id ^ (uint64_t)1 << bit;

    CHECK(slots_get_any(&t, forged) == NULL);
    CHECK(slots_get(&t, forged, slot_type_of(forged)) == NULL);
    CHECK(slots_get(&t, forged, 3) == NULL);
    CHECK(!slots_remove(&t, forged));
  }
  CHECK(slots_get(&t, id, 3) == &things[1]);
  CHECK_INT(t.live, 1);
  slots_fini(&t);
}

TEST(a_removed_id_is_dead) {
  struct hn_slots t;
  uint64_t old, fresh;

  slots_init(&t);
  old = put(&t, 1, &things[0]);
  CHECK(slots_remove(&t, old));
  CHECK(slots_get_any(&t, old) == NULL);
  CHECK(!slots_remove(&t, old));
  fresh = put(&t, 1, &things[1]);
  CHECK_INT(slot_index_of(fresh), slot_index_of(old));
  CHECK(fresh != old);
  CHECK(slots_get_any(&t, old) == NULL);
  CHECK(!slots_remove(&t, old));
  CHECK(slots_get_any(&t, fresh) == &things[1]);
  /* What would be the id of a free slot's next tenant. */
  CHECK(slots_remove(&t, fresh));
  CHECK(slots_get_any(&t, fresh + ((uint64_t)1 << 32)) == NULL);
  CHECK(!slots_remove(&t, fresh + ((uint64_t)1 << 32)));
  CHECK_INT(t.live, 0);
  slots_fini(&t);
}

TEST(ids_survive_growth) {
  static uint64_t ids[5000];
  struct hn_slots t;

  slots_init(&t);
  for (size_t i = 0; i < 5000; i++) {
    ids[i] = put(&t, (uint8_t)(i % 256), &things[i % 64]);
  }
  CHECK_INT(t.live, 5000);
  for (size_t i = 0; i < 5000; i++) {
    CHECK(slots_get(&t, ids[i], (uint8_t)(i % 256)) == &things[i % 64]);
    CHECK_INT(slot_index_of(ids[i]), i);
  }
  for (size_t i = 0; i < 5000; i += 2) CHECK(slots_remove(&t, ids[i]));
  for (size_t i = 0; i < 5000; i++) {
    CHECK((slots_get_any(&t, ids[i]) != NULL) == (i % 2 == 1));
  }
  CHECK_INT(t.live, 2500);
  slots_fini(&t);
}

TEST(a_wrapped_slot_is_retired) {
  struct hn_slots t;
  uint64_t first, last, next;

  slots_init(&t);
  first = put(&t, 1, &things[0]);
  CHECK(slots_remove(&t, first));
  t.items[0].id = (uint64_t)(UINT32_MAX - 1) << 32;
  last = put(&t, 1, &things[1]);
  CHECK_INT(slot_index_of(last), 0);
  CHECK_INT(last >> 32, UINT32_MAX);
  CHECK(slots_get_any(&t, last) == &things[1]);
  CHECK(slots_remove(&t, last));
  CHECK_INT(t.live, 0);
  for (int i = 0; i < 100; i++) {
    next = put(&t, 1, &things[2]);
    CHECK_INT(slot_index_of(next), 1);
    CHECK(slots_remove(&t, next));
  }
  CHECK(slots_get_any(&t, first) == NULL);
  CHECK(slots_get_any(&t, last) == NULL);
  /* A generation that would have wrapped to 0. */
  CHECK(slots_get_any(&t, (uint64_t)1 << 24) == NULL);
  CHECK(slots_get_any(&t, 0) == NULL);
  CHECK(!slots_remove(&t, (uint64_t)1 << 24));
  slots_fini(&t);
}

TEST(a_full_table) {
  struct hn_slots t;
  uint64_t id = 42;

  /* As if all slots were taken, without the memory for them. */
  slots_init(&t);
  t.count = t.room = t.live = HN_SLOT_MAX;
  CHECK_INT(slots_put(&t, 1, things, &id), HN_ERR_NOT_ENOUGH_MEMORY);
  CHECK_INT(id, 42);
  CHECK_INT(t.live, HN_SLOT_MAX);
  slots_init(&t);
}

enum { HELD = 512, STALE = 4096, ROUNDS = 1000 * 1000 };

struct history {
  uint64_t held[HELD]; /* 0: none */
  uint64_t stale[STALE];
  uint32_t random;
};

static uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/* Puts or removes one, then tries an id that died some time ago. */
static bool churn(struct hn_slots *t, struct history *h, size_t round) {
  uint32_t r = next_random(&h->random);
  uint64_t *id = &h->held[r % HELD];
  uint64_t stale = h->stale[next_random(&h->random) % STALE];
  uint8_t type = (uint8_t)(1 + *id % 7);
  bool ok = true;

  if (*id == 0) {
    ok = slots_put(t, (uint8_t)(1 + r % 7), &h->held[r % HELD], id) == 0;
    type = (uint8_t)(1 + r % 7);
    ok = ok && slots_get(t, *id, type) == id;
  } else {
    ok = slots_get_any(t, *id) == id && slots_remove(t, *id) &&
         !slots_remove(t, *id);
    h->stale[round % STALE] = *id;
    *id = 0;
  }
  return ok && slots_get_any(t, stale) == NULL && !slots_remove(t, stale);
}

TEST(a_million_rounds) {
  static struct history h;
  struct hn_slots t;
  uint32_t held = 0;

  slots_init(&t);
  h.random = 20240503;
  for (size_t i = 0; i < ROUNDS; i++) {
    if (!CHECK(churn(&t, &h, i))) break;
  }
  for (size_t i = 0; i < HELD; i++) held += h.held[i] != 0;
  CHECK_INT(t.live, held);
  CHECK(t.count <= HELD);
  for (size_t i = 0; i < STALE; i++) {
    CHECK(slots_get_any(&t, h.stale[i]) == NULL);
  }
  slots_fini(&t);
}

static bool fill_a_table(void *ctx) {
  struct hn_slots t;
  uint64_t id = 42;
  uint32_t done = 0;
  int code = 0;

  slots_init(&t);
  while (code == 0 && done < 200) {
    id = 42;
    code = slots_put(&t, 1, ctx, &id);
    if (code == 0) done++;
  }
  if (code != 0) {
    CHECK_INT(code, HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK_INT(id, 42);
  }
  CHECK_INT(t.live, done);
  /* Reuse needs no memory. */
  if (done > 0) {
    mem_fail_at(1);
    CHECK(slots_remove(&t, (uint64_t)1 << 32 | 1 << 24));
    CHECK_INT(slots_put(&t, 1, ctx, &id), 0);
    CHECK_INT(slot_index_of(id), 0);
    mem_fail_at(0);
  }
  slots_fini(&t);
  return code == 0;
}

TEST(every_allocation_fails) {
  test_each_failure(fill_a_table, things);
}

TEST_MAIN(ROW(empty), ROW(layout_of_an_id), ROW(get_checks_all_parts),
          ROW(a_removed_id_is_dead), ROW(ids_survive_growth),
          ROW(a_wrapped_slot_is_retired), ROW(a_full_table),
          ROW(a_million_rounds), ROW(every_allocation_fails))
