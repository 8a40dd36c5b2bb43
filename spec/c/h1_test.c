/*
 * h1_test.c: HTTP/1.1 behind the protocol's table: what it writes, what it
 * refuses, and what it says of its connection.
 */
#include "exchange_fixture.h"

static void desk_hear(struct desk *d, const char *text) {
  char heard[512] = {0};
  size_t n = 0;
  while (n < strlen(text)) {
    ssize_t got = recv(d->peer, heard + n, sizeof heard - 1 - n, 0);
    if (got <= 0) break;
    n += (size_t)got;
  }
  CHECK(strcmp(heard, text) == 0);
}

TEST(what_it_writes) {
  static const struct {
    const char *method, *body;
    bool chunked;
    const char *heard;
  } rows[] = {
      {"GET", "", false, "GET / HTTP/1.1\r\n\r\n"},
      {"PUT", "body", false, "PUT / HTTP/1.1\r\n\r\nbody"},
      {"PUT", "body", true, "PUT / HTTP/1.1\r\n\r\n4\r\nbody\r\n0\r\n\r\n"},
      {"PUT", "", true, "PUT / HTTP/1.1\r\n\r\n0\r\n\r\n"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct desk d;
    struct side s;
    desk_open(&d, protocols_h1());
    side_open(&s, &d, 0, rows[i].method, rows[i].body);
    if (rows[i].chunked) s.message.length = HN_LENGTH_CHUNKED;
    CHECK_INT(side_ask(&s, &d, "HTTP/1.1 204 No\r\n\r\n"), 0);
    desk_hear(&d, rows[i].heard);
    CHECK_INT(s.x.sent, strlen(rows[i].body));
    side_close(&s);
    desk_close(&d);
  }
}

/* What is wrong with an answer is said in the request's words. */
TEST(what_it_refuses) {
  static const struct {
    const char *answer;
    bool ends; /* and hangs up */
    int head, body;
    enum hn_fault fault;
  } rows[] = {
      {"HTTP/2.0 200 OK\r\n\r\n", false, HN_ERR_INVALID_SERVER_RESPONSE, 0,
       HN_FAULT_BAD_VERSION},
      {"HTTP/1.1 101 Other\r\n\r\n", false, HN_ERR_INVALID_SERVER_RESPONSE, 0,
       HN_FAULT_UNEXPECTED_UPGRADE},
      {"HTTP/1.1 200 OK\r\nCont", true, HN_ERR_CONNECTION_ERROR, 0,
       HN_FAULT_TRUNCATED_HEAD},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", true, 0,
       HN_ERR_CONNECTION_ERROR, HN_FAULT_TRUNCATED_BODY},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", false, 0,
       HN_ERR_INVALID_SERVER_RESPONSE, HN_FAULT_BAD_CHUNK_SIZE},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct desk d;
    struct side s;
    desk_open(&d, protocols_h1());
    side_open(&s, &d, 0, "GET", "");
    CHECK_INT(side_send(&s, &d), 0);
    desk_accept(&d);
    desk_say(&d, rows[i].answer);
    if (rows[i].ends) shutdown(d.peer, SHUT_WR);
    CHECK_INT(side_head(&s, &d), rows[i].head);
    if (rows[i].head == 0) CHECK_INT(side_read(&s, &d), -rows[i].body);
    CHECK(strstr(s.info.text, fault_text(rows[i].fault)) != NULL);
    CHECK_INT(s.x.sides.rx, HN_RX_DEAD);
    CHECK_INT(d.env.connections, 0);
    side_close(&s);
    desk_close(&d);
  }
}

TEST(interim_answers_are_passed_over) {
  struct desk d;
  struct side s;
  desk_open(&d, protocols_h1());
  side_open(&s, &d, 0, "GET", "");
  CHECK_INT(side_ask(&s, &d,
                     "HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n"
                     "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
            0);
  CHECK_INT(s.x.interim, 1);
  CHECK_INT(s.x.response.status, 404);
  CHECK(!headers_has(&s.answer, "Link"));
  CHECK_INT(s.x.sides.rx, HN_RX_DONE);
  side_close(&s);
  desk_close(&d);
}

TEST(a_server_says_how_long_it_waits) {
  struct desk d;
  struct side s;
  desk_open(&d, protocols_h1());
  side_open(&s, &d, 0, "GET", "");
  CHECK_INT(
      side_ask(&s, &d, "HTTP/1.1 204 No\r\nKeep-Alive: timeout=7\r\n\r\n"), 0);
  struct hn_link *l = list_first(&d.pool.idle);
  CHECK(l != NULL);
  if (l) CHECK_INT(HN_CONTAINER_OF(l, struct hn_conn, link)->patience, 7000);
  side_close(&s);
  desk_close(&d);
}

/* What nobody reads passes by, and the next one finds the connection clean. */
TEST(an_unread_rest_passes_by) {
  struct desk d;
  struct side s;
  desk_open(&d, protocols_h1());
  side_open(&s, &d, 0, "GET", "");
  CHECK_INT(side_ask(&s, &d, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nab"),
            0);
  side_close(&s);
  CHECK_INT(desk_count(&d.pool.draining), 1);
  desk_say(&d, "cdef");
  desk_pump(&d);
  CHECK_INT(desk_count(&d.pool.draining), 0);
  CHECK_INT(desk_count(&d.pool.idle), 1);
  /* Said unasked, it would be believed to be the next one's answer. */
  desk_say(&d, "HTTP/1.1 200 OK\r\n\r\n");
  desk_pump(&d);
  CHECK_INT(d.env.connections, 0);
  desk_close(&d);
}

TEST_MAIN(ROW(what_it_writes), ROW(what_it_refuses),
          ROW(interim_answers_are_passed_over),
          ROW(a_server_says_how_long_it_waits), ROW(an_unread_rest_passes_by))
