#include "serve_fixture.h"

static const char *answers[4]; /* one a connection's request */
static _Atomic int asked;

static void serve_in_turn(int fd) {
  while (serve_take_head(fd)) serve_say(fd, answers[asked++]);
}

static hn_handle begin(struct client *c, uint64_t total) {
  hn_handle r = client_request(c, "GET");
  struct hn_event e;
  CHECK_INT(hn_send(c->rt, r, none(), none(), total), 0);
  CHECK(client_await(c, r, HN_OP_SEND_REQUEST, &e));
  return r;
}

static void receive(struct client *c, hn_handle r) {
  struct hn_event e;
  CHECK_INT(hn_receive_response(c->rt, r), 0);
  CHECK(client_await(c, r, HN_OP_RECEIVE_RESPONSE, &e));
}

/* What is shown is how every other head looks, whatever the server's did. */
TEST(raw_headers_end_their_lines_in_crlf) {
  static const struct {
    const char *sent, *shown;
  } rows[] = {
      {"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\r\n",
       "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\r\n"},
      {"HTTP/1.1 200 OK\nA: b\nContent-Length: 0\n\n",
       "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nA:b\r\nContent-Length:  0\r\n\r\n",
       "HTTP/1.1 200 OK\r\nA:b\r\nContent-Length:  0\r\n\r\n"},
      {"HTTP/1.1 204 \r\n\r\n", "HTTP/1.1 204 \r\n\r\n"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: b\n\r\n",
       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: b\r\n\r\n"},
  };
  struct serve s;
  struct client c;
  struct hn_slice text;
  serve_start(&s, serve_in_turn);
  client_open(&c, s.port, 0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    asked = 0;
    answers[0] = rows[i].sent;
    test_label(rows[i].sent);
    hn_handle r = begin(&c, HN_LENGTH_AUTO);
    receive(&c, r);
    CHECK_INT(hn_query_raw_headers(c.rt, r, HN_FROM_RESPONSE, &text), 0);
    CHECK_TEXT(text, rows[i].shown);
    CHECK_INT(hn_close(c.rt, r), 0);
  }
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

/* While a redirect is heard, its own head is there; hops are counted. */
TEST(a_redirect_shows_itself_and_is_counted) {
  struct serve s;
  struct client c;
  struct hn_response_line line = {0};
  struct hn_event e = {0};
  asked = 0;
  answers[0] = answers[1] = "HTTP/1.1 302 Found\r\nLocation: /x\r\n"
                            "Content-Length: 0\r\n\r\n";
  answers[2] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  serve_start(&s, serve_in_turn);
  client_open(&c, s.port, HN_STATUS_REDIRECT);
  hn_handle r = begin(&c, HN_LENGTH_AUTO);
  CHECK_INT(hn_query_response_line(c.rt, r, &line),
            HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  for (int hop = 0; hop < 2; hop++) {
    do CHECK_INT(hn_step(c.rt, 10000), 0);
    while (!hn_next_event(c.rt, r, &e));
    CHECK_INT(e.status, HN_STATUS_REDIRECT);
    CHECK_INT(hn_query_response_line(c.rt, r, &line), 0);
    CHECK_INT(line.status, 302);
    CHECK_INT(line.hops, hop);
  }
  CHECK(client_await(&c, r, HN_OP_RECEIVE_RESPONSE, &e));
  CHECK_INT(hn_query_response_line(c.rt, r, &line), 0);
  CHECK_INT(line.status, 200);
  CHECK_INT(line.hops, 2);
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

TEST(nothing_is_unsent_once_the_answer_is_here) {
  struct serve s;
  struct client c;
  struct hn_progress p;
  asked = 0;
  answers[0] = "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n";
  serve_start(&s, serve_in_turn);
  client_open(&c, s.port, 0);
  hn_handle r = begin(&c, HN_LENGTH_CHUNKED);
  CHECK_INT(hn_query_progress(c.rt, r, &p), 0);
  CHECK(p.unsent == HN_LENGTH_CHUNKED);
  receive(&c, r);
  CHECK_INT(hn_query_progress(c.rt, r, &p), 0);
  CHECK(p.unsent == 0);
  hn_handle other = client_request(&c, "GET");
  CHECK_INT(hn_query_progress(c.rt, other, &p), 0);
  CHECK(p.unsent == 0 && p.sent == 0 && p.received == 0);
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

/* What has happened is at least one microsecond from the start. */
TEST(times_are_at_least_one_or_none) {
  struct serve s;
  struct client c;
  int64_t at[HN_MAX_TIMES];
  asked = 0;
  answers[0] = answers[1] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  serve_start(&s, serve_in_turn);
  client_open(&c, s.port, 0);
  for (int round = 0; round < 2; round++) {
    hn_handle r = client_request(&c, "GET");
    CHECK_INT(hn_query_times(c.rt, r, at), HN_ERR_INCORRECT_HANDLE_STATE);
    CHECK(client_exchange(&c, r));
    memset(at, 0x80, sizeof at);
    CHECK_INT(hn_query_times(c.rt, r, at), 0);
    for (size_t i = 0; hn_time_name(i); i++) {
      test_label(hn_time_name(i));
      CHECK(at[i] >= 0);
    }
    CHECK_INT(hn_close(c.rt, r), 0);
  }
  hn_runtime_free(c.rt);
  serve_stop(&s);
}

TEST_MAIN(ROW(raw_headers_end_their_lines_in_crlf),
          ROW(a_redirect_shows_itself_and_is_counted),
          ROW(nothing_is_unsent_once_the_answer_is_here),
          ROW(times_are_at_least_one_or_none))
