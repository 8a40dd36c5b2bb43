#include "../../csrc/proto/h1_conn.h"
#include "test.h"

/* One letter for each state, in the enum's order. */
static const char letters[] = "IBDMSE";

/* What each event makes of each pair of states (ours, theirs) that can come
 * about, keep-alive and a switch being asked for. "!" stands for an event of
 * ours out of turn, "?" for one of the peer's; both end in ERROR. */
struct row {
  const char *pair;
  /* send head, send end, interim, head, switch, end, closed, abort */
  const char *after[HN_H1_EVENTS];
};

static const struct row rows[] = {
    {"II", {"BI", "!", "?", "?", "?", "?", "MM", "EE"}},
    {"BI", {"!", "DI", "BI", "BB", "BS", "?", "?", "EE"}},
    {"DI", {"!", "!", "DI", "DB", "SS", "?", "?", "EE"}},
    {"BB", {"!", "DB", "?", "?", "?", "BD", "BB", "EE"}},
    {"DB", {"!", "!", "?", "?", "?", "DD", "DB", "EE"}},
    {"BD", {"!", "DD", "?", "?", "?", "?", "BD", "EE"}},
    {"DD", {"!", "!", "?", "?", "?", "?", "MM", "EE"}},
    {"MM", {"!", "!", "?", "?", "?", "?", "MM", "EE"}},
    {"BS", {"!", "SS", "?", "?", "?", "?", "BS", "EE"}},
    {"SS", {"!", "!", "?", "?", "?", "?", "SS", "EE"}},
    {"EE", {"!", "!", "?", "?", "?", "?", "EE", "EE"}},
};

enum { ROWS = sizeof rows / sizeof *rows };

static enum hn_h1_state state_of(char letter) {
  return (enum hn_h1_state)(strchr(letters, letter) - letters);
}

static struct hn_h1_conn conn_at(const char *pair) {
  struct hn_h1_conn c;

  h1_conn_init(&c);
  c.ours = state_of(pair[0]);
  c.theirs = state_of(pair[1]);
  c.asked_switch = true;
  return c;
}

static void check_event(const struct hn_h1_conn *from, int event,
                        const char *after) {
  struct hn_h1_conn c = *from;
  int code = h1_conn_event(&c, (enum hn_h1_event)event);
  char label[80];

  snprintf(label, sizeof label, "%d %d, event %d", (int)from->ours,
           (int)from->theirs, event);
  test_label(label);
  CHECK_INT(code, after[0] == '!'   ? HN_ERR_INCORRECT_HANDLE_STATE
                  : after[0] == '?' ? HN_ERR_INVALID_SERVER_RESPONSE
                                    : 0);
  if (code != 0) after = "EE";
  CHECK_INT(c.ours, state_of(after[0]));
  CHECK_INT(c.theirs, state_of(after[1]));
}

TEST(every_event_in_every_state) {
  for (size_t i = 0; i < ROWS; i++) {
    struct hn_h1_conn c = conn_at(rows[i].pair);

    for (int event = 0; event < HN_H1_EVENTS; event++) {
      check_event(&c, event, rows[i].after[event]);
    }
  }
}

/* The table above has all pairs that can come about: none of its events, nor
 * the loss of keep-alive, leads out of it. */
TEST(the_table_is_closed) {
  for (size_t i = 0; i < ROWS * HN_H1_EVENTS * 4; i++) {
    struct hn_h1_conn c = conn_at(rows[i / 4 / HN_H1_EVENTS].pair);
    bool found = false;

    c.keep_alive = i % 2 == 0;
    c.asked_switch = i / 2 % 2 == 0;
    (void)h1_conn_event(&c, (enum hn_h1_event)(i / 4 % HN_H1_EVENTS));
    for (size_t k = 0; k < ROWS; k++) {
      if (state_of(rows[k].pair[0]) == c.ours &&
          state_of(rows[k].pair[1]) == c.theirs) {
        found = true;
      }
    }
    CHECK(found);
  }
}

/* Without keep-alive only the last end differs; unasked, only the 101. */
TEST(without_keep_alive_or_switch) {
  for (size_t i = 0; i < ROWS; i++) {
    for (int event = 0; event < HN_H1_EVENTS; event++) {
      struct hn_h1_conn c = conn_at(rows[i].pair);
      const char *after = rows[i].after[event];

      if (strcmp(rows[i].pair, "DD") == 0) continue;
      c.keep_alive = false;
      check_event(&c, event, strcmp(after, "DD") == 0 ? "MM" : after);
      c.keep_alive = true;
      c.asked_switch = false;
      check_event(&c, event, event == HN_H1_RECEIVE_SWITCH ? "?" : after);
    }
  }
}

/* Every reusable connection is DONE on both sides and may go on. */
TEST(reuse) {
  for (size_t i = 0; i < ROWS; i++) {
    struct hn_h1_conn c = conn_at(rows[i].pair);

    test_label(rows[i].pair);
    CHECK_INT(h1_conn_is_reusable(&c), strcmp(rows[i].pair, "DD") == 0);
    if (h1_conn_is_reusable(&c)) {
      h1_conn_next(&c);
      CHECK_INT(c.ours, HN_H1_IDLE);
      CHECK_INT(c.theirs, HN_H1_IDLE);
      CHECK(c.keep_alive);
      CHECK(!c.asked_switch);
    }
    c = conn_at(rows[i].pair);
    h1_conn_note_close(&c);
    CHECK(!h1_conn_is_reusable(&c));
  }
}

TEST(a_new_one_remembers_nothing) {
  struct hn_h1_conn c;
  memset(&c, 0xff, sizeof c);
  h1_conn_init(&c);
  CHECK_INT(c.ours, HN_H1_IDLE);
  CHECK_INT(c.theirs, HN_H1_IDLE);
  CHECK(c.keep_alive && !c.gives_up && !c.asked_switch);
  CHECK_INT(c.patience, INT64_MAX);
}

/* What both heads say about persistence; fields are "Name: value" lines. */
struct note_row {
  int request_minor;
  const char *request;
  int response_minor;
  const char *response;
  bool keep_alive, asked_switch;
};

static const struct note_row note_rows[] = {
    {1, "", 1, "", true, false},
    {1, "", 1, "Connection: close", false, false},
    {1, "", 1, "connection: x, CLOSE", false, false},
    {1, "", 1, "Connection: x\r\nConnection: close", false, false},
    {1, "", 1, "Connection: closed", true, false},
    {1, "", 1, "Connection: keep-alive, close", false, false},
    {1, "", 1, "Proxy-Connection: close", true, false},
    {1, "", 2, "", true, false},
    {1, "", 0, "", false, false},
    {1, "", 0, "Connection: keep-alive", true, false},
    {1, "", 0, "Connection: Keep-Alive, close", false, false},
    {1, "Connection: close", 1, "", false, false},
    {1, "Connection: close", 1, "Connection: keep-alive", false, false},
    {0, "", 1, "", false, false},
    {0, "Connection: keep-alive", 1, "", true, false},
    {0, "Connection: keep-alive", 0, "Connection: keep-alive", true, false},
    {1, "Upgrade: websocket\r\nConnection: Upgrade", 1, "", true, true},
    {1, "Upgrade: h2c\r\nConnection: a, upgrade", 1, "", true, true},
    {1, "Upgrade: websocket", 1, "", true, false},
    {1, "Connection: upgrade", 1, "", true, false},
};

TEST(notes) {
  for (size_t i = 0; i < sizeof note_rows / sizeof *note_rows; i++) {
    const struct note_row *row = &note_rows[i];
    struct hn_headers request, response;
    struct hn_h1_conn c;
    char label[16];

    snprintf(label, sizeof label, "row %zu", i);
    test_label(label);
    headers_init(&request, 1000, 10);
    headers_init(&response, 1000, 10);
    if (row->request[0] != '\0') {
      CHECK_INT(headers_apply_lines(&request, 0, slice_of(row->request)), 0);
    }
    if (row->response[0] != '\0') {
      CHECK_INT(headers_apply_lines(&response, 0, slice_of(row->response)), 0);
    }
    h1_conn_init(&c);
    h1_conn_note_request(&c, row->request_minor, &request);
    h1_conn_note_response(&c, row->response_minor, &response);
    CHECK_INT(c.keep_alive, row->keep_alive);
    CHECK_INT(c.asked_switch, row->asked_switch);
    headers_fini(&request);
    headers_fini(&response);
  }
}

/* A final head before our body is out: reusable only once it is. */
TEST(early_response) {
  struct hn_h1_conn c;

  h1_conn_init(&c);
  CHECK_INT(h1_conn_event(&c, HN_H1_SEND_HEAD), 0);
  CHECK_INT(h1_conn_event(&c, HN_H1_RECEIVE_INTERIM), 0);
  CHECK_INT(h1_conn_event(&c, HN_H1_RECEIVE_HEAD), 0);
  CHECK_INT(h1_conn_event(&c, HN_H1_RECEIVE_END), 0);
  CHECK(!h1_conn_is_reusable(&c));
  CHECK_INT(h1_conn_event(&c, HN_H1_SEND_END), 0);
  CHECK(h1_conn_is_reusable(&c));
}

/* A body that ends with the connection. */
TEST(until_close) {
  struct hn_h1_conn c;

  h1_conn_init(&c);
  CHECK_INT(h1_conn_event(&c, HN_H1_SEND_HEAD), 0);
  CHECK_INT(h1_conn_event(&c, HN_H1_SEND_END), 0);
  CHECK_INT(h1_conn_event(&c, HN_H1_RECEIVE_HEAD), 0);
  h1_conn_note_close(&c);
  CHECK_INT(h1_conn_event(&c, HN_H1_PEER_CLOSED), 0);
  CHECK_INT(h1_conn_event(&c, HN_H1_RECEIVE_END), 0);
  CHECK_INT(c.ours, HN_H1_MUST_CLOSE);
  CHECK(!h1_conn_is_reusable(&c));
}

/* What a server says about the time it waits for the next request. */
TEST(patience) {
  static const struct {
    const char *fields;
    int64_t patience;
  } cases[] = {
      {"Keep-Alive: timeout=5, max=100\r\n", 5000},
      {"keep-alive: max=7,  TIMEOUT=1\r\n", 1000},
      {"Keep-Alive: timeout=0\r\n", 0},
      {"Keep-Alive: max=1\r\n", INT64_MAX},
      {"Keep-Alive: timeout=soon\r\n", INT64_MAX},
      {"Keep-Alive: timeout=-1\r\n", INT64_MAX},
      {"Keep-Alive: timeout=9223372036854775807\r\n", INT64_MAX},
      {"Connection: keep-alive\r\n", INT64_MAX},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct hn_h1_conn c;
    struct hn_headers h;
    test_label(cases[i].fields);
    h1_conn_init(&c);
    headers_init(&h, 1000, 10);
    CHECK_INT(headers_apply_lines(&h, HN_ADD, slice_of(cases[i].fields)), 0);
    h1_conn_note_response(&c, 1, &h);
    CHECK_INT(c.patience, cases[i].patience);
    headers_fini(&h);
  }
}

TEST_MAIN(ROW(every_event_in_every_state), ROW(a_new_one_remembers_nothing),
          ROW(the_table_is_closed), ROW(without_keep_alive_or_switch),
          ROW(reuse), ROW(notes), ROW(early_response), ROW(until_close),
          ROW(patience))
