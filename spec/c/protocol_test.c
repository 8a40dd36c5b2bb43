/*
 * protocol_test.c: many exchanges on one connection: a toy protocol, driven
 * through the exchange and the pool that HTTP/1 uses.
 */
#include "mux_fixture.h"

enum { SIDES = 12 };

struct crowd {
  struct desk d;
  struct side s[SIDES];
  int count;
};

static void crowd_open(struct crowd *w, const struct hn_protocols *p, int count,
                       const char *method) {
  desk_open(&w->d, p);
  w->count = count;
  for (int i = 0; i < count; i++)
    side_open(&w->s[i], &w->d, (size_t)i, method, "");
}

static void crowd_close(struct crowd *w) {
  for (int i = 0; i < w->count; i++) side_close(&w->s[i]);
  desk_close(&w->d);
  CHECK_INT(w->d.env.connections, 0);
}

/* The same, each dial beginning with a look-up: it takes more than one step. */
static void crowd_open_by_name(struct crowd *w, const struct hn_protocols *p,
                               int count) {
  crowd_open(w, p, count, "GET");
  for (int i = 0; i < count; i++) {
    struct hn_pool_wish *wish = &w->s[i].x.setup.wish;
    wish->origin.host = slice_of("localhost");
    wish->limits.max_attempts = 8;
  }
}

static struct hn_exchange *crowd_x(struct crowd *w, int i) {
  return &w->s[i].x;
}

static void crowd_flush(struct crowd *w) {
  pool_flush(&w->d.env);
}

/* Whether the i-th is to be stepped, and nobody before it; then it is not any
 * more. */
static bool crowd_woken(struct crowd *w, int i) {
  struct hn_link *l = list_first(&w->d.env.woken);
  if (!l || HN_CONTAINER_OF(l, struct hn_wake, link)->owner !=
                DESK_OWNER + (uint64_t)i)
    return false;
  list_remove(l);
  return true;
}

static void crowd_hush(struct crowd *w) {
  struct hn_link *l;
  while ((l = list_first(&w->d.env.woken)) != NULL) list_remove(l);
}

/* All send on one connection; what they said has been heard. */
static void crowd_begin(struct crowd *w) {
  CHECK_INT(side_send(&w->s[0], &w->d), 0);
  desk_accept(&w->d);
  for (int i = 1; i < w->count; i++)
    CHECK_INT(exchange_step_send(crowd_x(w, i)), 0);
  for (int i = 0; i < w->count; i++)
    CHECK_INT(exchange_step_head(crowd_x(w, i)), HN_AGAIN);
  crowd_flush(w);
  crowd_hush(w);
  (void)mux_hear(&w->d);
  CHECK_INT(w->d.pool.opened, 1);
}

/* The answer "ok" is here, or comes. */
static void crowd_read(struct crowd *w, int i) {
  CHECK_INT(side_head(&w->s[i], &w->d), 0);
  CHECK_INT(crowd_x(w, i)->response.status, 200);
  CHECK_INT(side_read(&w->s[i], &w->d), 2);
}

/* ------------------------------------------------------------------ writing */

static int writes;
static const struct hn_transport_ops *plain_ops;

static int count_write(struct hn_transport *t, const char *p, size_t n,
                       size_t *put) {
  writes++;
  return plain_ops->write(t, p, n, put);
}

TEST(what_ten_streams_say_leaves_in_one_write) {
  struct hn_transport_ops counting;
  struct crowd w;
  crowd_open(&w, &mux_only, 11, "GET");
  CHECK_INT(side_send(&w.s[0], &w.d), 0);
  crowd_flush(&w);
  plain_ops = crowd_x(&w, 0)->conn->transport->ops;
  counting = *plain_ops;
  counting.write = count_write;
  crowd_x(&w, 0)->conn->transport->ops = &counting;
  writes = 0;
  for (int i = 1; i < 11; i++) {
    CHECK_INT(exchange_step_send(crowd_x(&w, i)), 0);
    CHECK_INT(exchange_step_head(crowd_x(&w, i)), HN_AGAIN);
  }
  CHECK_INT(writes, 0);
  crowd_flush(&w);
  CHECK_INT(writes, 1);
  crowd_flush(&w);
  CHECK_INT(writes, 1);
  desk_accept(&w.d);
  CHECK_TEXT(slice_of(mux_hear(&w.d)),
             "H1 H2 E2 H3 E3 H4 E4 H5 E5 H6 E6 H7 E7 H8 E8 H9 E9 H10 E10 "
             "H11 E11 ");
  CHECK_INT(w.d.pool.opened, 1);
  crowd_x(&w, 0)->conn->transport->ops = plain_ops;
  crowd_close(&w);
}

/* Whatever the order of the answers, each wakes whom it is for. */
TEST(each_answer_wakes_its_own_exchange) {
  struct crowd w;
  crowd_open(&w, &mux_only, 5, "GET");
  crowd_begin(&w);
  for (int i = 4; i >= 0; i--) {
    mux_answer(&w.d, (uint8_t)(i + 1));
    desk_pump(&w.d);
    CHECK(crowd_woken(&w, i));
    CHECK(list_is_empty(&w.d.env.woken));
    crowd_read(&w, i);
    CHECK_INT(desk_count(&w.d.pool.idle), i == 0);
  }
  CHECK_INT(w.d.pool.reused, 4);
  crowd_close(&w);
}

/* Nothing of HTTP/1 is in it, and what it means is heeded. */
TEST(a_message_is_said_in_the_protocols_own_way) {
  char bytes[256] = "";
  struct crowd w;
  crowd_open(&w, &mux_only, 2, "GET");
  CHECK_INT(headers_apply_lines(&w.s[0].fields, HN_ADD,
                                slice_of("Host: example.org:8\r\n"
                                         "Accept: */*\r\n"
                                         "Connection: close, X-Hop\r\n"
                                         "Keep-Alive: 5\r\n"
                                         "X-Hop: 1\r\n"
                                         "Content-Length: 0\r\n")),
            0);
  CHECK_INT(side_send(&w.s[0], &w.d), 0);
  desk_accept(&w.d);
  crowd_flush(&w);
  CHECK(recv(w.d.peer, bytes, sizeof bytes - 1, MSG_DONTWAIT) > 3);
  CHECK_TEXT(slice_of(bytes + 3),
             "GET / example.org:8\nAccept=*/*\nContent-Length=0\n");
  CHECK_INT(side_send(&w.s[1], &w.d), 0);
  CHECK_INT(w.d.pool.opened, 2);
  exchange_abort(crowd_x(&w, 0));
  CHECK_INT(w.d.env.connections, 1);
  crowd_close(&w);
}

/* ------------------------------------------------------------------- lines */

TEST(nobody_dials_while_a_dial_may_be_shared) {
  struct crowd w;
  crowd_open_by_name(&w, &mux_only, 4);
  for (int i = 0; i < 4; i++)
    CHECK_INT(exchange_step_send(crowd_x(&w, i)), HN_AGAIN);
  CHECK_INT(w.d.env.connections, 1);
  CHECK_INT(side_send(&w.s[0], &w.d), 0);
  for (int i = 1; i < 4; i++) {
    CHECK(crowd_woken(&w, i));
    CHECK_INT(exchange_step_send(crowd_x(&w, i)), 0);
  }
  CHECK_INT(w.d.pool.opened, 1);
  crowd_close(&w);
}

/* Those who have a stream keep it; the others come as there is room. */
TEST(a_room_that_shrinks) {
  struct crowd w;
  crowd_open(&w, &mux_only, 5, "GET");
  w.count = 2;
  crowd_begin(&w);
  w.count = 5;
  mux_say(&w.d, 'M', 0, "\1");
  desk_pump(&w.d);
  for (int i = 2; i < 5; i++)
    CHECK_INT(exchange_step_send(crowd_x(&w, i)), HN_AGAIN);
  mux_answer(&w.d, 1);
  desk_pump(&w.d);
  CHECK(crowd_woken(&w, 0));
  crowd_read(&w, 0);
  CHECK(list_is_empty(&w.d.env.woken)); /* one too many before */
  mux_answer(&w.d, 2);
  crowd_read(&w, 1);
  CHECK(crowd_woken(&w, 1) && crowd_woken(&w, 2));
  CHECK_INT(exchange_step_send(crowd_x(&w, 2)), 0);
  CHECK(list_is_empty(&w.d.env.woken));
  mux_say(&w.d, 'M', 0, "\3");
  desk_pump(&w.d);
  CHECK(crowd_woken(&w, 3) && crowd_woken(&w, 4));
  CHECK_INT(exchange_step_send(crowd_x(&w, 3)), 0);
  CHECK_INT(exchange_step_send(crowd_x(&w, 4)), 0);
  CHECK_INT(w.d.pool.opened, 1);
  crowd_close(&w);
}

/* ------------------------------------------------------------------ endings */

TEST(one_is_cancelled_among_others) {
  struct crowd w;
  crowd_open(&w, &mux_only, 3, "GET");
  crowd_begin(&w);
  exchange_abort(crowd_x(&w, 1));
  crowd_flush(&w);
  CHECK_TEXT(slice_of(mux_hear(&w.d)), "R2 ");
  mux_answer(&w.d, 1);
  mux_answer(&w.d, 2); /* nobody wants it any more */
  mux_answer(&w.d, 3);
  crowd_read(&w, 0);
  crowd_read(&w, 2);
  CHECK_INT(desk_count(&w.d.pool.idle), 1);
  crowd_close(&w);
}

/* One that reads no further, too. */
TEST(one_leaves_the_rest_of_its_body) {
  struct crowd w;
  crowd_open(&w, &mux_only, 2, "GET");
  crowd_begin(&w);
  mux_say(&w.d, 'H', 1, "200");
  mux_say(&w.d, 'D', 1, "some");
  CHECK_INT(side_head(&w.s[0], &w.d), 0);
  exchange_close(crowd_x(&w, 0));
  crowd_flush(&w);
  CHECK_TEXT(slice_of(mux_hear(&w.d)), "R1 ");
  mux_answer(&w.d, 2);
  crowd_read(&w, 1);
  CHECK_INT(desk_count(&w.d.pool.idle), 1);
  crowd_close(&w);
}

/* Whatever its method, as often as it is worth it. */
TEST(an_unprocessed_one_is_sent_again) {
  struct crowd w;
  crowd_open(&w, &mux_only, 2, "POST");
  for (int i = 0; i < 2; i++) w.s[i].message.repeatable = false;
  crowd_begin(&w);
  for (int i = 0; i < HN_X_RETRIES; i++) {
    mux_say(&w.d, 'R', (uint8_t)(i + 2), "u");
    desk_pump(&w.d);
    CHECK_INT(exchange_step_head(crowd_x(&w, 1)), HN_AGAIN);
    crowd_flush(&w);
    CHECK_INT(mux_hear(&w.d)[0], 'H');
  }
  CHECK_INT(crowd_x(&w, 1)->retries, HN_X_RETRIES);
  CHECK_INT(w.d.pool.opened, 1);
  mux_say(&w.d, 'R', HN_X_RETRIES + 2, "u");
  desk_pump(&w.d);
  CHECK_INT(exchange_step_head(crowd_x(&w, 1)), HN_ERR_CONNECTION_ERROR);
  /* One that was begun is not, and the neighbour does not suffer. */
  mux_answer(&w.d, 1);
  crowd_read(&w, 0);
  crowd_close(&w);
}

/* What comes by write can be had only once. */
TEST(an_unprocessed_one_without_its_whole_body_fails) {
  struct crowd w;
  crowd_open(&w, &mux_only, 1, "POST");
  w.s[0].message.length = 4;
  CHECK_INT(side_send(&w.s[0], &w.d), 0);
  size_t put = 0;
  CHECK_INT(exchange_write(crowd_x(&w, 0), slice_of("body"), &put), 0);
  CHECK_INT(put, 4);
  desk_accept(&w.d);
  CHECK_INT(exchange_step_head(crowd_x(&w, 0)), HN_AGAIN);
  mux_say(&w.d, 'R', 1, "u");
  CHECK_INT(side_head(&w.s[0], &w.d), HN_ERR_CONNECTION_ERROR);
  crowd_close(&w);
}

TEST(a_retired_connection_ends_with_what_it_has) {
  struct crowd w;
  crowd_open(&w, &mux_only, 3, "POST");
  w.count = 2;
  crowd_begin(&w);
  w.count = 3;
  const struct hn_conn *old = crowd_x(&w, 0)->conn;
  mux_say(&w.d, 'G', 1, "");
  desk_pump(&w.d);
  CHECK(crowd_woken(&w, 1)); /* the peer has not begun with it */
  CHECK_INT(exchange_step_head(crowd_x(&w, 1)), HN_AGAIN);
  CHECK(crowd_x(&w, 1)->conn != old);
  CHECK_INT(side_send(&w.s[1], &w.d), 0);
  CHECK_INT(side_send(&w.s[2], &w.d), 0);
  CHECK(crowd_x(&w, 2)->conn == crowd_x(&w, 1)->conn);
  CHECK_INT(w.d.env.connections, 2);
  mux_answer(&w.d, 1);
  crowd_read(&w, 0);
  CHECK_INT(w.d.env.connections, 1);
  crowd_close(&w);
}

/* We retire it: the same, and the peer is told. */
TEST(a_pool_that_retires_spares_what_runs) {
  struct crowd w;
  crowd_open(&w, &mux_only, 3, "GET");
  w.count = 2;
  crowd_begin(&w);
  w.count = 3;
  pool_retire(&w.d.pool);
  crowd_flush(&w);
  CHECK_TEXT(slice_of(mux_hear(&w.d)), "G2 ");
  CHECK_INT(side_send(&w.s[2], &w.d), 0);
  CHECK_INT(w.d.pool.opened, 2);
  mux_answer(&w.d, 1);
  mux_answer(&w.d, 2);
  crowd_read(&w, 0);
  crowd_read(&w, 1);
  CHECK_INT(w.d.env.connections, 1);
  crowd_close(&w);
}

/* Who has had nothing, and may be repeated, goes to another one; all of them to
 * the same. */
TEST(a_connection_that_dies) {
  struct crowd w;
  crowd_open(&w, &mux_only, 5, "GET");
  w.s[1].message.repeatable = false;
  crowd_begin(&w);
  mux_say(&w.d, 'H', 1, "200");
  CHECK_INT(side_head(&w.s[0], &w.d), 0);
  crowd_hush(&w);
  desk_hang_up(&w.d);
  desk_pump(&w.d);
  CHECK(crowd_woken(&w, 0) && crowd_woken(&w, 1) && crowd_woken(&w, 2));
  CHECK_INT(w.d.env.connections, 1); /* they are still on it */
  CHECK_INT(side_read(&w.s[0], &w.d), -HN_ERR_CONNECTION_ERROR);
  CHECK_INT(exchange_step_head(crowd_x(&w, 1)), HN_ERR_CONNECTION_ERROR);
  CHECK_INT(w.d.env.connections, 1);
  for (int i = 2; i < 5; i++)
    CHECK_INT(exchange_step_head(crowd_x(&w, i)), HN_AGAIN);
  CHECK_INT(w.d.env.connections, 1); /* another */
  CHECK_INT(w.d.pool.opened, 2);
  desk_accept(&w.d);
  for (int i = 2; i < 5; i++) {
    mux_answer(&w.d, (uint8_t)(i - 1));
    crowd_read(&w, i);
  }
  crowd_close(&w);
}

/* Its timers carry its tag: they are no exchange's. */
TEST(a_timer_ends_the_whole_connection) {
  struct crowd w;
  crowd_open(&w, &mux_only, 2, "GET");
  crowd_begin(&w);
  pool_on_conn_timer(crowd_x(&w, 0)->conn);
  CHECK(crowd_woken(&w, 0) && crowd_woken(&w, 1));
  for (int i = 0; i < 2; i++)
    CHECK_INT(exchange_step_head(crowd_x(&w, i)), HN_ERR_TIMEOUT);
  CHECK_INT(w.d.env.connections, 0);
  crowd_close(&w);
}

/* -------------------------------------------------------------------- dials */

TEST(a_dial_whose_owner_goes_is_handed_on) {
  struct crowd w;
  crowd_open_by_name(&w, &mux_only, 3);
  for (int i = 0; i < 3; i++)
    CHECK_INT(exchange_step_send(crowd_x(&w, i)), HN_AGAIN);
  exchange_close(crowd_x(&w, 0));
  exchange_close(crowd_x(&w, 1)); /* called, and does not come */
  CHECK(crowd_woken(&w, 2));
  CHECK_INT(side_send(&w.s[2], &w.d), 0);
  CHECK_INT(w.d.pool.opened, 1);
  CHECK(!crowd_x(&w, 2)->reused);
  crowd_close(&w);
}

TEST(a_dial_that_nobody_wants_is_closed) {
  struct crowd w;
  crowd_open_by_name(&w, &mux_only, 2);
  for (int i = 0; i < 2; i++)
    CHECK_INT(exchange_step_send(crowd_x(&w, i)), HN_AGAIN);
  exchange_close(crowd_x(&w, 0));
  CHECK_INT(w.d.env.connections, 1);
  exchange_close(crowd_x(&w, 1));
  CHECK_INT(w.d.env.connections, 0);
  crowd_close(&w);
}

TEST(when_a_dial_fails_the_next_in_line_dials) {
  struct hn_address a;
  struct crowd w;
  crowd_open_by_name(&w, &mux_only, 3);
  int refusing = fixture_refuse("127.0.0.1", &a);
  for (int i = 0; i < 3; i++) {
    crowd_x(&w, i)->setup.wish.origin.port = address_port(&a);
    CHECK_INT(exchange_step_send(crowd_x(&w, i)), HN_AGAIN);
  }
  for (int i = 0; i < 3; i++) {
    CHECK(i == 0 || crowd_woken(&w, i));
    CHECK(list_is_empty(&w.d.env.woken));
    CHECK_INT(side_send(&w.s[i], &w.d), HN_ERR_CANNOT_CONNECT);
    CHECK_INT(w.d.pool.opened, i + 1);
  }
  close(refusing);
  crowd_close(&w);
}

/* Its owner may stop it there. */
TEST(nobody_waits_for_a_dial_on_hold) {
  struct crowd w;
  crowd_open_by_name(&w, &mux_only, 3);
  for (int i = 0; i < 2; i++)
    CHECK_INT(exchange_step_send(crowd_x(&w, i)), HN_AGAIN);
  exchange_hold(crowd_x(&w, 0));
  CHECK(crowd_woken(&w, 1));
  CHECK_INT(exchange_step_send(crowd_x(&w, 1)), HN_AGAIN);
  CHECK_INT(w.d.pool.opened, 2);
  CHECK_INT(exchange_step_send(crowd_x(&w, 2)), HN_AGAIN);
  exchange_close(crowd_x(&w, 0));
  CHECK_INT(exchange_step_send(crowd_x(&w, 2)), HN_AGAIN);
  CHECK_INT(w.d.env.connections, 1);
  crowd_close(&w);
}

/* It was told that it will be sent, and is not. */
TEST(one_that_goes_before_it_began_harms_nobody) {
  struct hn_news_log log = {.mask = HN_STATUS_SENDING_REQUEST,
                            .holds = HN_STATUS_SENDING_REQUEST};
  struct crowd w;
  crowd_open(&w, &mux_only, 2, "GET");
  CHECK_INT(side_send(&w.s[0], &w.d), 0);
  desk_accept(&w.d);
  crowd_x(&w, 1)->log = &log;
  CHECK_INT(exchange_step_send(crowd_x(&w, 1)), HN_AGAIN);
  CHECK_INT(log.held, HN_STATUS_SENDING_REQUEST);
  exchange_hold(crowd_x(&w, 1));
  CHECK_INT(crowd_x(&w, 0)->conn->streams, 2);
  exchange_abort(crowd_x(&w, 1));
  CHECK_INT(crowd_x(&w, 0)->conn->streams, 1);
  CHECK_INT(exchange_step_head(crowd_x(&w, 0)), HN_AGAIN);
  mux_answer(&w.d, 1);
  crowd_read(&w, 0);
  CHECK_TEXT(slice_of(mux_hear(&w.d)), "H1 E1 ");
  crowd_close(&w);
}

/* Then everybody dials for himself, from then on without waiting. */
TEST(an_origin_that_shares_nothing_is_remembered) {
  static const struct hn_protocol *both[2];
  struct hn_protocols either = {
      .alpn = {"\x03mux", 4}, .list = both, .count = 2, .may_share = true};
  struct crowd w;
  both[0] = &mux_protocol;
  both[1] = protocol_h1();
  crowd_open_by_name(&w, &either, 4);
  for (int i = 0; i < 3; i++)
    CHECK_INT(exchange_step_send(crowd_x(&w, i)), HN_AGAIN);
  CHECK_INT(w.d.pool.opened, 1);
  CHECK_INT(side_send(&w.s[0], &w.d), 0);
  CHECK(crowd_woken(&w, 1) && crowd_woken(&w, 2));
  for (int i = 1; i < 3; i++) (void)exchange_step_send(crowd_x(&w, i));
  CHECK_INT(w.d.pool.opened, 3);
  for (int i = 0; i < 4; i++) side_close(&w.s[i]);
  CHECK_INT(w.d.pool.places.count, 0);
  for (int i = 0; i < 4; i++) side_open(&w.s[i], &w.d, (size_t)i, "GET", "");
  for (int i = 0; i < 3; i++) (void)exchange_step_send(crowd_x(&w, i));
  CHECK_INT(w.d.pool.opened, 6);
  crowd_close(&w);
}

/* Under one origin each takes what it can use. */
TEST(a_wish_uses_only_what_it_can_speak) {
  struct crowd w;
  crowd_open(&w, &mux_only, 3, "GET");
  crowd_x(&w, 1)->setup.wish.protocols = protocols_h1();
  exchange_begin(crowd_x(&w, 1), &w.s[1].message);
  CHECK_INT(side_send(&w.s[0], &w.d), 0);
  CHECK_INT(side_send(&w.s[1], &w.d), 0);
  CHECK_INT(w.d.pool.opened, 2);
  CHECK(crowd_x(&w, 1)->protocol == protocol_h1());
  CHECK_INT(exchange_step_send(crowd_x(&w, 2)), 0);
  CHECK(crowd_x(&w, 2)->conn == crowd_x(&w, 0)->conn);
  crowd_close(&w);
}

/* With every allocation failing in turn, of two that share. */
TEST(without_memory_one_fails_and_the_other_goes_on) {
  for (long n = 1;; n++) {
    struct crowd w;
    crowd_open_by_name(&w, &mux_only, 2);
    mem_fail_at(n);
    int first = side_send(&w.s[0], &w.d);
    int second = side_send(&w.s[1], &w.d);
    mem_fail_at(0);
    CHECK(first == 0 || first == HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK(second == 0 || second == HN_ERR_NOT_ENOUGH_MEMORY);
    CHECK(first == 0 || second == 0);
    crowd_close(&w);
    if (first == 0 && second == 0) break;
  }
}

TEST_MAIN(ROW(what_ten_streams_say_leaves_in_one_write),
          ROW(each_answer_wakes_its_own_exchange),
          ROW(a_message_is_said_in_the_protocols_own_way),
          ROW(nobody_dials_while_a_dial_may_be_shared),
          ROW(a_room_that_shrinks), ROW(one_is_cancelled_among_others),
          ROW(one_leaves_the_rest_of_its_body),
          ROW(an_unprocessed_one_is_sent_again),
          ROW(an_unprocessed_one_without_its_whole_body_fails),
          ROW(a_retired_connection_ends_with_what_it_has),
          ROW(a_pool_that_retires_spares_what_runs),
          ROW(a_connection_that_dies), ROW(a_timer_ends_the_whole_connection),
          ROW(a_dial_whose_owner_goes_is_handed_on),
          ROW(a_dial_that_nobody_wants_is_closed),
          ROW(when_a_dial_fails_the_next_in_line_dials),
          ROW(nobody_waits_for_a_dial_on_hold),
          ROW(one_that_goes_before_it_began_harms_nobody),
          ROW(an_origin_that_shares_nothing_is_remembered),
          ROW(a_wish_uses_only_what_it_can_speak),
          ROW(without_memory_one_fails_and_the_other_goes_on))
