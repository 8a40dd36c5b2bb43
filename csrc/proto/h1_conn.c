#include "h1_conn.h"

#include <assert.h>

#include "../base/trace.h"

/* What a table says: 0, the event is illegal, or the next state plus one. */
enum {
  HN_H1_TO_IDLE = HN_H1_IDLE + 1,
  HN_H1_TO_BODY = HN_H1_BODY + 1,
  HN_H1_TO_DONE = HN_H1_DONE + 1,
  HN_H1_TO_CLOSE = HN_H1_MUST_CLOSE + 1,
  HN_H1_TO_SWITCHED = HN_H1_SWITCHED + 1,
  HN_H1_TO_ERROR = HN_H1_ERROR + 1,
};

typedef const unsigned char h1_conn_table[HN_H1_STATES][HN_H1_EVENTS];

static h1_conn_table h1_conn_ours = {
    [HN_H1_IDLE] = {[HN_H1_SEND_HEAD] = HN_H1_TO_BODY},
    [HN_H1_BODY] = {[HN_H1_SEND_END] = HN_H1_TO_DONE},
};

static h1_conn_table h1_conn_theirs = {
    [HN_H1_IDLE] =
        {
            [HN_H1_RECEIVE_INTERIM] = HN_H1_TO_IDLE,
            [HN_H1_RECEIVE_HEAD] = HN_H1_TO_BODY,
            [HN_H1_RECEIVE_SWITCH] = HN_H1_TO_SWITCHED,
            [HN_H1_PEER_CLOSED] = HN_H1_TO_CLOSE,
            [HN_H1_ABORT] = HN_H1_TO_ERROR,
        },
    [HN_H1_BODY] =
        {
            [HN_H1_RECEIVE_END] = HN_H1_TO_DONE,
            [HN_H1_PEER_CLOSED] = HN_H1_TO_BODY,
            [HN_H1_ABORT] = HN_H1_TO_ERROR,
        },
    [HN_H1_DONE] =
        {
            [HN_H1_PEER_CLOSED] = HN_H1_TO_DONE,
            [HN_H1_ABORT] = HN_H1_TO_ERROR,
        },
    [HN_H1_MUST_CLOSE] =
        {
            [HN_H1_PEER_CLOSED] = HN_H1_TO_CLOSE,
            [HN_H1_ABORT] = HN_H1_TO_ERROR,
        },
    [HN_H1_SWITCHED] =
        {
            [HN_H1_PEER_CLOSED] = HN_H1_TO_SWITCHED,
            [HN_H1_ABORT] = HN_H1_TO_ERROR,
        },
    [HN_H1_ERROR] =
        {
            [HN_H1_PEER_CLOSED] = HN_H1_TO_ERROR,
            [HN_H1_ABORT] = HN_H1_TO_ERROR,
        },
};

/* All moves of either machine, those of the coupling rules and of
 * h1_conn_next included; each may be found where it is moved to. */
static void h1_conn_set_state(enum hn_h1_state *at, enum hn_h1_state state) {
  static const char *const names[HN_H1_STATES] = {
      "IDLE", "BODY", "DONE", "MUST_CLOSE", "SWITCHED", "ERROR",
  };
  static const unsigned next[HN_H1_STATES] = {
      [HN_H1_IDLE] = 1u << HN_H1_IDLE | 1u << HN_H1_BODY |
                     1u << HN_H1_SWITCHED | 1u << HN_H1_MUST_CLOSE |
                     1u << HN_H1_ERROR,
      [HN_H1_BODY] = 1u << HN_H1_BODY | 1u << HN_H1_DONE | 1u << HN_H1_ERROR,
      [HN_H1_DONE] = 1u << HN_H1_DONE | 1u << HN_H1_IDLE |
                     1u << HN_H1_MUST_CLOSE | 1u << HN_H1_SWITCHED |
                     1u << HN_H1_ERROR,
      [HN_H1_MUST_CLOSE] = 1u << HN_H1_MUST_CLOSE | 1u << HN_H1_ERROR,
      [HN_H1_SWITCHED] = 1u << HN_H1_SWITCHED | 1u << HN_H1_ERROR,
      [HN_H1_ERROR] = 1u << HN_H1_ERROR,
  };
  static const struct hn_machine machine = {"h1", names, next};
  *at = state_step(&machine, 0, *at, state);
}

void h1_conn_init(struct hn_h1_conn *c) {
  c->ours = c->theirs = HN_H1_IDLE;
  c->keep_alive = true;
  c->gives_up = false;
  c->asked_switch = false;
  c->patience = INT64_MAX;
}

/* What the state of one machine lets the other do. */
static bool h1_conn_allows(const struct hn_h1_conn *c, enum hn_h1_event event) {
  bool asked = c->ours != HN_H1_IDLE;

  switch (event) {
  /* RFC 9112 9.3: an answer to nothing would be taken for the answer to the
   * next request. */
  case HN_H1_RECEIVE_INTERIM:
  case HN_H1_RECEIVE_HEAD: return asked;
  case HN_H1_RECEIVE_SWITCH: return asked && c->asked_switch;
  case HN_H1_PEER_CLOSED: return !asked || c->theirs != HN_H1_IDLE;
  case HN_H1_SEND_HEAD:
  case HN_H1_SEND_END:
  case HN_H1_RECEIVE_END:
  case HN_H1_ABORT:
  case HN_H1_EVENTS: break;
  }
  return true;
}

/* What the state of one machine makes of the other. */
static void h1_conn_couple(struct hn_h1_conn *c) {
  if (c->ours == HN_H1_ERROR || c->theirs == HN_H1_ERROR) {
    h1_conn_set_state(&c->ours, HN_H1_ERROR);
    h1_conn_set_state(&c->theirs, HN_H1_ERROR);
  }
  if (c->theirs == HN_H1_MUST_CLOSE && c->ours == HN_H1_IDLE) {
    h1_conn_set_state(&c->ours, HN_H1_MUST_CLOSE);
  }
  /* RFC 9110 7.8: we change protocols at the end of our message, not in it. */
  if (c->theirs == HN_H1_SWITCHED && c->ours == HN_H1_DONE) {
    h1_conn_set_state(&c->ours, HN_H1_SWITCHED);
  }
  /* RFC 9112 9.6 */
  if (c->ours == HN_H1_DONE && c->theirs == HN_H1_DONE && !c->keep_alive) {
    h1_conn_set_state(&c->ours, HN_H1_MUST_CLOSE);
    h1_conn_set_state(&c->theirs, HN_H1_MUST_CLOSE);
  }
}

int h1_conn_event(struct hn_h1_conn *c, enum hn_h1_event event) {
  bool sending = event == HN_H1_SEND_HEAD || event == HN_H1_SEND_END;
  enum hn_h1_state *state = sending ? &c->ours : &c->theirs;
  unsigned next =
      sending ? h1_conn_ours[*state][event] : h1_conn_theirs[*state][event];
  bool legal = next != 0 && h1_conn_allows(c, event);

  if (event == HN_H1_PEER_CLOSED) c->keep_alive = false;
  h1_conn_set_state(state, legal ? (enum hn_h1_state)(next - 1) : HN_H1_ERROR);
  h1_conn_couple(c);
  if (legal) return 0;
  return sending ? HN_ERR_INCORRECT_HANDLE_STATE
                 : HN_ERR_INVALID_SERVER_RESPONSE;
}

/* RFC 9112 9.3, in its order. */
static bool h1_conn_persists(int minor, const struct hn_headers *fields) {
  if (headers_has_element(fields, "Connection", "close")) return false;
  return minor >= 1 || headers_has_element(fields, "Connection", "keep-alive");
}

void h1_conn_note_request(struct hn_h1_conn *c, int minor,
                          const struct hn_headers *fields) {
  if (!h1_conn_persists(minor, fields)) h1_conn_give_up(c);
  c->asked_switch = headers_has(fields, "Upgrade") &&
                    headers_has_element(fields, "Connection", "upgrade");
}

/* The seconds of "timeout=5"; said in another way, nothing is said. */
static void h1_conn_note_patience(struct hn_h1_conn *c,
                                  struct hn_slice keep_alive) {
  const struct hn_slice name = slice_of("timeout=");
  struct hn_slice element;
  uint64_t seconds;
  while (slice_next_element(&keep_alive, &element)) {
    if (slice_starts_nocase(element, name) &&
        slice_to_u64(slice_from(element, name.n), &seconds) &&
        seconds < INT64_MAX / 1000)
      c->patience = (int64_t)seconds * 1000;
  }
}

void h1_conn_note_response(struct hn_h1_conn *c, int minor,
                           const struct hn_headers *fields) {
  struct hn_slice value;
  if (headers_find(fields, slice_of("Keep-Alive"), 0, &value))
    h1_conn_note_patience(c, value);
  if (!h1_conn_persists(minor, fields)) c->keep_alive = false;
}

void h1_conn_note_close(struct hn_h1_conn *c) {
  c->keep_alive = false;
}

void h1_conn_give_up(struct hn_h1_conn *c) {
  c->keep_alive = false;
  c->gives_up = true;
}

bool h1_conn_may_go_on(const struct hn_h1_conn *c) {
  return c->ours == HN_H1_DONE && c->keep_alive;
}

bool h1_conn_is_reusable(const struct hn_h1_conn *c) {
  return c->ours == HN_H1_DONE && c->theirs == HN_H1_DONE && c->keep_alive;
}

void h1_conn_next(struct hn_h1_conn *c) {
  assert(h1_conn_is_reusable(c));
  h1_conn_set_state(&c->ours, HN_H1_IDLE);
  h1_conn_set_state(&c->theirs, HN_H1_IDLE);
  c->asked_switch = false;
}
