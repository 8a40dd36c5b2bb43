/*
 * waiter_test.c: whoever stands in line gets his turn, whatever happens to the
 * others: many exchanges over a toy protocol, stepped only when they are woken
 * or their own dial has news, while they, the peer and its connections come and
 * go at random; in the end everybody must be through.
 */
#include <fcntl.h>

#include "mux_fixture.h"

enum { SIDES = 8, PEERS = 16, ROUNDS = 120, SEEDS = 150 };

struct street {
  struct desk d;
  struct side s[SIDES];
  bool open[SIDES];
  int peers[PEERS];          /* descriptors; -1: none */
  uint8_t asked[PEERS][256]; /* numbers that wait for an answer */
  uint32_t dice;
};

static const struct hn_protocols mux_too = {
    .alpn = {"\x03mux", 4}, .list = mux_alone, .count = 1, .may_share = true};

static unsigned roll(struct street *w, unsigned n) {
  w->dice = w->dice * 1664525u + 1013904223u;
  return (w->dice >> 8) % n;
}

/* As far as it goes; closed when it is through. */
static void street_step(struct street *w, int i) {
  struct hn_exchange *x = &w->s[i].x;
  char piece[16];
  size_t got = 0;
  if (!w->open[i]) return;
  int rc = exchange_step_send(x);
  if (rc == 0) rc = exchange_step_head(x);
  while (rc == 0 && x->sides.rx == HN_RX_BODY)
    rc = exchange_read(x, piece, sizeof piece, &got);
  if (rc == HN_AGAIN) return;
  side_close(&w->s[i]);
  w->open[i] = false;
}

static void street_begin(struct street *w, int i) {
  if (w->open[i]) return;
  w->d.protocols = roll(w, 3) ? &mux_only : &mux_too;
  side_open(&w->s[i], &w->d, (size_t)i, "GET", "");
  w->s[i].message.repeatable = roll(w, 2) != 0;
  if (roll(w, 2)) {
    w->s[i].x.setup.wish.origin.host = slice_of("localhost");
    w->s[i].x.setup.wish.limits.max_attempts = 8;
  }
  w->open[i] = true;
  street_step(w, i);
}

static void street_leave(struct street *w, int i) {
  if (!w->open[i]) return;
  side_close(&w->s[i]);
  w->open[i] = false;
}

/* ---------------------------------------------------------------- the engine
 */

static void street_step_owner(struct street *w, const struct hn_conn *c) {
  if (c->owner) street_step(w, (int)(c->owner - DESK_OWNER));
}

static void street_wake(struct street *w) {
  struct hn_link woken, *l;
  list_init(&woken);
  list_splice(&woken, &w->d.env.woken);
  while ((l = list_first(&woken)) != NULL) {
    uint64_t owner = HN_CONTAINER_OF(l, struct hn_wake, link)->owner;
    list_remove(l);
    street_step(w, (int)(owner - DESK_OWNER));
  }
}

/* False when nothing came for so many ms. */
static bool street_look(struct street *w, int64_t max_wait) {
  struct hn_ready ready[16];
  struct hn_resolved answer;
  size_t count = 0, answers = 0;
  CHECK_INT(reactor_wait(w->d.env.reactor, max_wait, ready, 16, &count), 0);
  w->d.env.now_us = clock_now_us();
  while (resolver_take(w->d.env.resolver, env_now(&w->d.env), &answer)) {
    struct hn_conn *c = slots_get(&w->d.env.slots, answer.tag, HN_SLOT_CONN);
    answers++;
    if (!c || !c->dial) continue;
    dial_give_resolved(c->dial, &answer);
    street_step_owner(w, c);
  }
  for (size_t i = 0; i < count; i++) {
    struct hn_conn *c = slots_get(&w->d.env.slots, ready[i].tag, HN_SLOT_CONN);
    if (!c) continue;
    conn_mark_ready(c, ready[i].what);
    if (c->owner)
      street_step_owner(w, c);
    else
      pool_on_ready(c);
  }
  return count + answers > 0;
}

/* What is to be done before a wait. */
static void street_run(struct street *w) {
  struct hn_link *l;
  street_wake(w);
  while ((l = list_first(&w->d.env.unfinished)) != NULL) {
    list_remove(l);
    pool_on_ready(HN_CONTAINER_OF(l, struct hn_conn, again));
  }
  pool_flush(&w->d.env);
}

/* ------------------------------------------------------------------ the peer
 */

static void peer_hang_up(struct street *w, int i) {
  if (w->peers[i] >= 0) close(w->peers[i]);
  w->peers[i] = -1;
  memset(w->asked[i], 0, sizeof w->asked[i]);
}

static void peer_accept(struct street *w) {
  int fd;
  while ((fd = accept(w->d.listener, NULL, NULL)) >= 0) {
    int i = 0;
    while (i < PEERS - 1 && w->peers[i] >= 0) i++;
    peer_hang_up(w, i);
    w->peers[i] = fd;
  }
}

static void peer_hear(struct street *w, int i) {
  unsigned char b[4096];
  if (w->peers[i] < 0) return;
  ssize_t n = recv(w->peers[i], b, sizeof b, MSG_DONTWAIT);
  if (n == 0) peer_hang_up(w, i);
  for (ssize_t at = 0; at + 3 <= n; at += 3 + b[at + 2]) {
    if (b[at] == 'H') w->asked[i][b[at + 1]] = 1;
    if (b[at] == 'R') w->asked[i][b[at + 1]] = 0;
  }
}

static void peer_say(struct street *w, int i, char kind, uint8_t number,
                     const char *text) {
  char frame[8] = {kind, (char)number, (char)strlen(text)};
  memcpy(frame + 3, text, strlen(text));
  if (w->peers[i] >= 0)
    (void)send(w->peers[i], frame, 3 + strlen(text), MSG_NOSIGNAL);
}

static void peer_answer(struct street *w, int i, uint8_t number) {
  peer_say(w, i, 'H', number, "200");
  peer_say(w, i, 'D', number, "ok");
  peer_say(w, i, 'E', number, "");
  w->asked[i][number] = 0;
}

/* One of those who wait for an answer of this one; 0: nobody does. */
static uint8_t peer_asked(struct street *w, int i) {
  unsigned from = roll(w, 256);
  for (unsigned n = 0; n < 256; n++)
    if (w->asked[i][(from + n) % 256]) return (uint8_t)(from + n);
  return 0;
}

static void peer_act(struct street *w, int i) {
  static const char *const rooms[] = {"\1", "\2", "\3"};
  uint8_t number = peer_asked(w, i);
  switch (roll(w, 12)) {
  case 0: peer_hang_up(w, i); break;
  case 1: peer_say(w, i, 'G', number, ""); break;
  case 2:
  case 3: peer_say(w, i, 'M', 0, rooms[roll(w, 3)]); break;
  case 4:
  case 5:
    peer_say(w, i, 'R', number, roll(w, 2) ? "u" : "");
    w->asked[i][number] = 0;
    break;
  default:
    if (number) peer_answer(w, i, number);
    break;
  }
}

/* ------------------------------------------------------------------ the test
 */

static void street_open(struct street *w, uint32_t seed) {
  memset(w, 0, sizeof *w);
  desk_open(&w->d, &mux_only);
  CHECK_INT(fcntl(w->d.listener, F_SETFL, O_NONBLOCK), 0);
  for (int i = 0; i < PEERS; i++) w->peers[i] = -1;
  w->dice = seed;
  if (roll(w, 2)) w->d.pool.max_per_server = 1 + roll(w, 3);
}

static void street_close(struct street *w) {
  for (int i = 0; i < SIDES; i++) street_leave(w, i);
  for (int i = 0; i < PEERS; i++) peer_hang_up(w, i);
  desk_close(&w->d);
  CHECK_INT(w->d.env.connections, 0);
}

static void street_act(struct street *w) {
  int i = (int)roll(w, SIDES), p = (int)roll(w, 4);
  switch (roll(w, 8)) {
  case 0: street_leave(w, i); break;
  case 1:
  case 2: street_begin(w, i); break;
  case 3:
    if (w->open[i]) exchange_expire(&w->s[i].x);
    break;
  case 4:
    if (roll(w, 8) == 0) pool_retire(&w->d.pool);
    break;
  default: peer_act(w, p); break;
  }
  peer_accept(w);
  for (int n = 0; n < PEERS; n++) peer_hear(w, n);
  if (roll(w, 3) == 0) return;
  street_run(w);
  (void)street_look(w, 0);
}

static int street_left(const struct street *w) {
  int left = 0;
  for (int i = 0; i < SIDES; i++) left += w->open[i];
  return left;
}

/* Whoever is still there is answered, and nobody waits for anything else: false
 * when nothing comes although somebody is left. */
static bool street_settle(struct street *w) {
  street_run(w);
  if (street_left(w) == 0) return true;
  peer_accept(w);
  for (int i = 0; i < PEERS; i++) {
    uint8_t number;
    peer_hear(w, i);
    while ((number = peer_asked(w, i)) != 0) peer_answer(w, i, number);
  }
  return street_look(w, list_is_empty(&w->d.env.woken) ? 5000 : 0) ||
         !list_is_empty(&w->d.env.woken);
}

TEST(everybody_gets_his_turn_whatever_happens) {
  static struct street w;
  for (uint32_t seed = 1; seed <= SEEDS; seed++) {
    char label[32];
    snprintf(label, sizeof label, "seed %u", seed);
    test_label(label);
    street_open(&w, seed);
    for (int i = 0; i < ROUNDS; i++) street_act(&w);
    for (int i = 0; i < SIDES; i++) street_begin(&w, i);
    for (int i = 0; i < PEERS; i++) peer_say(&w, i, 'M', 0, "\2");
    while (street_left(&w) > 0 && street_settle(&w)) continue;
    CHECK_INT(street_left(&w), 0);
    street_close(&w);
  }
}

TEST_MAIN(ROW(everybody_gets_his_turn_whatever_happens))
