/*
 * policy_fixture.h: a runtime under a policy, a server that counts, and what an
 * operation on one said to the other.
 */
#ifndef HN_SPEC_POLICY_FIXTURE_H
#define HN_SPEC_POLICY_FIXTURE_H

#include "../../csrc/hinternet_policy.h"
#include "serve_fixture.h"

enum {
  BOTH = HN_ALLOW_HTTP | HN_ALLOW_HTTPS,
};

static _Atomic int served;
static long live; /* blocks when the runtime was made */

static inline void serve_ok(int fd) {
  while (serve_take_head(fd)) {
    served++;
    serve_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  }
}

/* A runtime under a policy, with one session. */
static inline void policy_open(struct client *c, struct hn_policy p) {
  live = mem_live();
  p.size = sizeof p;
  memset(c, 0, sizeof *c);
  CHECK_INT(hn_runtime_new(&c->rt), 0);
  CHECK_INT(hn_set_policy(c->rt, &p), 0);
  CHECK_INT(hn_open(c->rt, none(), HN_OPEN_ASYNC, &c->session), 0);
}

/* A look-up that nobody waits for any more ends a little later. */
static inline void policy_close(struct client *c) {
  hn_runtime_free(c->rt);
  for (int i = 0; i < 5000 && mem_live() != live; i++) serve_nap(1);
}

static inline hn_handle policy_request(struct client *c, const char *host,
                                       unsigned port, unsigned flags) {
  struct hn_request_spec spec = {.flags = flags};
  hn_handle r = 0;
  CHECK_INT(hn_connect(c->rt, c->session, slice_of(host), port, &c->connection),
            0);
  CHECK_INT(hn_open_request(c->rt, c->connection, &spec, &r), 0);
  return r;
}

/* What the last operation that failed said. */
static struct {
  int code, phase;
  char text[300];
} said;

static inline bool heard(struct client *c, hn_handle r, enum hn_op op) {
  struct hn_event e = {0};
  memset(&said, 0, sizeof said);
  if (client_await(c, r, op, &e)) return true;
  said.code = e.code;
  said.phase = e.phase;
  snprintf(said.text, sizeof said.text, "%.*s", (int)e.text.n, e.text.p);
  return false;
}

/* Sends, and receives the head; the code of what failed. */
static inline int policy_go(struct client *c, hn_handle r) {
  if (!CHECK_INT(hn_send(c->rt, r, none(), none(), HN_LENGTH_AUTO), 0) ||
      !heard(c, r, HN_OP_SEND_REQUEST) ||
      !CHECK_INT(hn_receive_response(c->rt, r), 0) ||
      !heard(c, r, HN_OP_RECEIVE_RESPONSE))
    return said.code;
  return 0;
}

static inline int policy_get(struct client *c, const char *host,
                             unsigned port) {
  int rc = hn_connect(c->rt, c->session, slice_of(host), port, &c->connection);
  if (rc) return rc;
  hn_handle r = policy_request(c, host, port, 0);
  rc = policy_go(c, r);
  CHECK_INT(hn_close(c->rt, r), 0);
  return rc;
}

#endif
