/*
 * account.c: account: what closed requests leave behind for the next ones is on
 * the runtime's account, and too large a head is given up.
 */
#include "host.h"

enum { KEPT = 20, SMALL = 20000, LARGE = 200000 };

static char text[LARGE];

/* That many requests open at once, each with so large a head, and closed. */
static size_t fill_and_close(hn_runtime *rt, hn_handle connection,
                             size_t size) {
  const struct hn_request_spec spec = {0};
  hn_handle r[KEPT];
  for (int i = 0; i < KEPT; i++) {
    CHECK(hn_open_request(rt, connection, &spec, &r[i]) == 0);
    CHECK(hn_add_header(rt, r[i], (struct hn_slice){"X", 1},
                        (struct hn_slice){text, size}, HN_ADD) == 0);
  }
  CHECK(hn_memory_used(rt) > KEPT * size);
  for (int i = 0; i < KEPT; i++) CHECK(hn_close(rt, r[i]) == 0);
  return hn_memory_used(rt);
}

int main(void) {
  hn_runtime *rt = NULL;
  hn_handle session, connection;
  memset(text, 'x', sizeof text);
  CHECK(hn_runtime_new(&rt) == 0);
  CHECK(hn_open(rt, (struct hn_slice){NULL, 0}, 0, &session) == 0);
  CHECK(hn_connect(rt, session, (struct hn_slice){"a", 1}, 0, &connection) ==
        0);
  CHECK(fill_and_close(rt, connection, LARGE) < LARGE);
  size_t kept = fill_and_close(rt, connection, SMALL);
  CHECK(kept > KEPT * SMALL / 2 && kept < 3 * KEPT * SMALL);
  /* Used again, and no more than that. */
  CHECK(fill_and_close(rt, connection, SMALL) == kept);
  CHECK(fill_and_close(rt, connection, LARGE) < LARGE);
  hn_runtime_free(rt);
  return 0;
}
