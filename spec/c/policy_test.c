/*
 * policy_test.c: a host's policy against everything a script could try, end to
 * end: servers on loopback that must or must not be reached, options and
 * descriptors.
 */
#include "policy_fixture.h"

enum { EVERYTHING = 0x3ff };

static char location[128]; /* where serve_redirect leads */

static void serve_redirect(int fd) {
  while (serve_take_head(fd)) {
    char head[300];
    snprintf(head, sizeof head,
             "HTTP/1.1 302 Found\r\nLocation: %s\r\n"
             "Content-Length: 0\r\n\r\n",
             location);
    serve_say(fd, head);
  }
}

/* A runtime with a list of one host: 127.0.0.1 at that port. */
static void policy_open_only(struct client *c, unsigned port) {
  char rule[40];
  const char *const hosts[] = {rule, NULL};
  snprintf(rule, sizeof rule, "127.0.0.1:%u", port);
  policy_open(c, (struct hn_policy){.allow = BOTH, .hosts = hosts});
}

TEST(once_and_before_the_first_handle) {
  struct hn_policy p = {.size = sizeof p, .allow = BOTH};
  struct hn_policy bad = {.size = 1};
  hn_runtime *rt;
  hn_handle h;
  CHECK_INT(hn_runtime_new(&rt), 0);
  CHECK_INT(hn_open(rt, none(), 0, &h), 0);
  CHECK_INT(hn_set_policy(rt, &p), HN_ERR_INCORRECT_HANDLE_STATE);
  CHECK_INT(hn_close(rt, h), 0);
  CHECK_INT(hn_set_policy(rt, &bad), HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_set_policy(rt, &p), 0);
  p.allow = EVERYTHING;
  CHECK_INT(hn_set_policy(rt, &p), HN_ERR_INCORRECT_HANDLE_STATE);
  hn_runtime_free(rt);
}

/* Some of the odd spellings of an address are no hosts to us, and some no names
 * to this system's resolver. */
static bool is_refused(int rc) {
  return rc == HN_ERR_ACCESS_DENIED || rc == HN_ERR_NAME_NOT_RESOLVED ||
         rc == HN_ERR_INVALID_PARAMETER || rc == HN_ERR_REDIRECT_FAILED;
}

/* Every spelling of this machine that a resolver may understand. */
TEST(loopback_by_any_name) {
  static const char *const hosts[] = {
      "127.0.0.1",
      "127.0.0.2",
      "127.1",
      "127.0.1",
      "0x7f.1",
      "0x7f000001",
      "0177.0.0.1",
      "2130706433",
      "017700000001",
      "0",
      "0.0.0.0",
      "localhost",
      "LOCALHOST",
      "localhost.",
      "[::1]",
      "[::]",
      "[::ffff:127.0.0.1]",
      "[::ffff:7f00:1]",
      "[64:ff9b::127.0.0.1]",
      "[2002:7f00:1::]",
      "[fe80::1%lo]",
  };
  struct serve s;
  struct client c;
  served = 0;
  serve_start(&s, serve_ok);
  policy_open(&c, (struct hn_policy){.allow = BOTH});
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    test_label(hosts[i]);
    int rc = policy_get(&c, hosts[i], s.port);
    CHECK(is_refused(rc));
    if (rc != HN_ERR_ACCESS_DENIED) continue;
    CHECK_INT(said.phase, HN_PHASE_CONNECT);
    CHECK(strstr(said.text, "(host policy) while connecting to "));
    /* A name says no more than that. */
    if (hosts[i][0] == 'l' || hosts[i][0] == 'L')
      CHECK(strstr(said.text, "access denied: the host is refused (host"));
    else
      CHECK(strstr(said.text, "address (host policy) while connecting to "));
  }
  CHECK_INT(served, 0);
  CHECK_INT(policy_get(&c, "127.0.0.1", 8080), HN_ERR_ACCESS_DENIED);
  CHECK_TEXT(slice_of(said.text),
             "access denied: 127.0.0.1 is a loopback address (host policy) "
             "while connecting to 127.0.0.1:8080");
  policy_close(&c);
  serve_stop(&s);
}

TEST(what_is_allowed_works) {
  struct serve s;
  struct client c;
  const char *const hosts[] = {"LocalHost", "127.0.0.0/8", NULL};
  serve_start(&s, serve_ok);
  policy_open_only(&c, s.port);
  CHECK_INT(policy_get(&c, "127.0.0.1", s.port), 0);
  CHECK_INT(policy_get(&c, "[::ffff:127.0.0.1]", s.port), 0);
  CHECK_INT(policy_get(&c, "localhost", s.port), HN_ERR_ACCESS_DENIED);
  CHECK_INT(policy_get(&c, "127.0.0.1", s.port + 1), HN_ERR_ACCESS_DENIED);
  CHECK_TEXT(slice_of(hn_phase_name(said.phase)), "connect");
  CHECK(strstr(said.text, "not in the list (host policy) while connecting to "
                          "127.0.0.1:"));
  policy_close(&c);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK,
                                     .hosts = hosts});
  CHECK_INT(policy_get(&c, "LOCALHOST", s.port), 0);
  CHECK(policy_get(&c, "localhost.", s.port) != HN_ERR_ACCESS_DENIED);
  CHECK_INT(policy_get(&c, "127.0.0.1", s.port), 0);
  policy_close(&c);
  serve_stop(&s);
}

TEST(schemes) {
  struct serve s;
  struct client c;
  serve_start(&s, serve_ok);
  policy_open(&c,
              (struct hn_policy){.allow = HN_ALLOW_HTTPS | HN_ALLOW_LOOPBACK});
  CHECK_INT(policy_get(&c, "127.0.0.1", s.port), HN_ERR_ACCESS_DENIED);
  CHECK(strstr(said.text, "access denied: http is not allowed (host policy)"));
  policy_close(&c);
  policy_open(&c,
              (struct hn_policy){.allow = HN_ALLOW_HTTP | HN_ALLOW_LOOPBACK});
  CHECK_INT(policy_get(&c, "127.0.0.1", s.port), 0);
  hn_handle r = policy_request(&c, "127.0.0.1", s.port, HN_REQUEST_SECURE);
  CHECK_INT(policy_go(&c, r), HN_ERR_ACCESS_DENIED);
  CHECK(strstr(said.text, "access denied: https is not allowed (host "
                          "policy)"));
  policy_close(&c);
  serve_stop(&s);
}

/* A server in the list that leads elsewhere. */
TEST(redirects) {
  struct serve from, to;
  struct client c;
  static const char *const places[] = {
      "http://127.0.0.1:%u/",
      "http://localhost:%u/",
      "http://127.1:%u/",
      "https://127.0.0.1:%u/",
      "//127.0.0.1:%u/",
      "http://[::1]:%u/",
      "http://0x7f.1:%u/",
      "http://user@127.0.0.1:%u/",
      "http://[::ffff:127.0.0.1]:%u/",
  };
  served = 0;
  serve_start(&from, serve_redirect);
  serve_start(&to, serve_ok);
  policy_open_only(&c, from.port);
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    test_label(places[i]);
    /* The format is one of the table's. */
    const char *mark = strstr(places[i], "%u");
    snprintf(location, sizeof location, "%.*s%u%s", (int)(mark - places[i]),
             places[i], to.port, mark + 2);
    CHECK(is_refused(policy_get(&c, "127.0.0.1", from.port)));
  }
  CHECK_INT(served, 0);
  policy_close(&c);
  CHECK_INT(said.code, HN_ERR_ACCESS_DENIED);
  /* By its address it is refused when every name is in the list. */
  static const char *const names[] = {"127.1",     "0x7f.1",    "2130706433",
                                      "localhost", "127.0.0.1", "[::1]"};
  char rule[40];
  const char *const hosts[] = {rule, "*", NULL};
  snprintf(rule, sizeof rule, "127.0.0.1:%u", from.port);
  policy_open(&c, (struct hn_policy){.allow = BOTH, .hosts = hosts});
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    test_label(names[i]);
    snprintf(location, sizeof location, "http://%s:%u/", names[i], to.port);
    CHECK(is_refused(policy_get(&c, "127.0.0.1", from.port)));
    if (said.code == HN_ERR_ACCESS_DENIED)
      CHECK(strstr(said.text, names[i][0] == 'l'
                                  ? "the host is refused (host policy)"
                                  : "is a loopback address (host policy)"));
  }
  CHECK_INT(said.code, HN_ERR_ACCESS_DENIED);
  CHECK_INT(served, 0);
  policy_close(&c);
  serve_stop(&from);
  serve_stop(&to);
}

/* Another name, other addresses: for a host of no list, and of a list. */
TEST(overrides) {
  static const char *const names[] = {"localhost", "127.0.0.1", "::1",
                                      "::ffff:127.0.0.1"};
  struct serve s;
  struct client c;
  served = 0;
  serve_start(&s, serve_ok);
  policy_open(&c, (struct hn_policy){.allow = BOTH});
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    hn_handle r = policy_request(&c, "www.example.org", s.port, 0);
    test_label(names[i]);
    CHECK_INT(client_try_text(&c, r, "resolution_hostname", names[i]), 0);
    CHECK_INT(policy_go(&c, r), HN_ERR_ACCESS_DENIED);
    CHECK(strstr(said.text, names[i][0] == 'l'
                                ? "the host is refused (host policy)"
                                : "is a loopback address (host policy)"));
    r = policy_request(&c, "www.example.org", s.port, 0);
    CHECK_INT(client_try_text(&c, r, "resolve_to", "10.0.0.1, 127.0.0.1"), 0);
    CHECK_INT(policy_go(&c, r), HN_ERR_ACCESS_DENIED);
  }
  policy_close(&c);
  policy_open_only(&c, s.port);
  hn_handle r = policy_request(&c, "127.0.0.1", s.port, 0);
  CHECK_INT(client_try_text(&c, r, "resolution_hostname", "localhost"), 0);
  CHECK_INT(policy_go(&c, r), HN_ERR_ACCESS_DENIED);
  CHECK(strstr(said.text, "not in the list (host policy)"));
  CHECK_INT(client_try_text(&c, r, "resolution_hostname", ""), 0);
  CHECK_INT(client_try_text(&c, r, "resolve_to", "127.0.0.1, 8.8.8.8"), 0);
  CHECK_INT(policy_go(&c, r), HN_ERR_ACCESS_DENIED);
  CHECK(strstr(said.text, "a given address is not in the list"));
  CHECK_INT(served, 0);
  CHECK_INT(client_try_text(&c, r, "resolve_to", "127.0.0.1"), 0);
  CHECK_INT(policy_go(&c, r), 0);
  CHECK_INT(served, 1);
  policy_close(&c);
  serve_stop(&s);
}

/* The addresses that may not be tried are left out, the others are not. */
TEST(one_good_address_of_several) {
  struct serve s;
  struct client c;
  char rule[40];
  const char *const hosts[] = {rule, "*", NULL};
  serve_start(&s, serve_ok);
  snprintf(rule, sizeof rule, "127.0.0.1:%u", s.port);
  policy_open(&c, (struct hn_policy){.allow = BOTH, .hosts = hosts});
  hn_handle r = policy_request(&c, "www.example.org", s.port, 0);
  CHECK_INT(client_try_text(&c, r, "resolve_to", "::1, 127.0.0.2, 127.0.0.1"),
            0);
  CHECK_INT(policy_go(&c, r), 0);
  policy_close(&c);
  serve_stop(&s);
}

/* All that is told until a send has ended, one event a line. */
static void policy_listen(struct client *c, hn_handle r, char *out,
                          size_t size) {
  struct hn_event e = {0};
  size_t at = 0;
  *out = '\0';
  CHECK_INT(hn_set_mask(c->rt, r, UINT32_MAX), 0);
  CHECK_INT(hn_send(c->rt, r, none(), none(), HN_LENGTH_AUTO), 0);
  for (int i = 0; i < 1000 && e.op != HN_OP_SEND_REQUEST; i++) {
    CHECK_INT(hn_step(c->rt, 100), 0);
    while (hn_next_event(c->rt, 0, &e) && at < size)
      at += (size_t)snprintf(out + at, size - at, "%x %.*s %.*s\n", e.status,
                             (int)e.text.n, e.text.p, (int)e.host.n, e.host.p);
  }
}

TEST(a_refused_name_says_only_that_it_is_refused) {
  struct serve s;
  struct client c;
  char heard_of[2000], rule[40], expected[200];
  const char *const hosts[] = {rule, "*", NULL};
  serve_start(&s, serve_ok);
  snprintf(rule, sizeof rule, "127.0.0.1:%u", s.port);
  policy_open(&c, (struct hn_policy){.allow = BOTH, .hosts = hosts});
  hn_handle r = policy_request(&c, "localhost", s.port + 1, 0);
  policy_listen(&c, r, heard_of, sizeof heard_of);
  snprintf(expected, sizeof expected,
           "1 localhost \n200000 access denied: the host is refused (host "
           "policy) while connecting to localhost:%u localhost:%u\n",
           s.port + 1, s.port + 1);
  CHECK_TEXT(slice_of(heard_of), expected);
  /* Of several only those that may be reached are told. */
  r = policy_request(&c, "www.example.org", s.port, 0);
  CHECK_INT(client_try_text(&c, r, "resolve_to", "::1,127.0.0.2,127.0.0.1"), 0);
  policy_listen(&c, r, heard_of, sizeof heard_of);
  CHECK(strstr(heard_of, "\n2 127.0.0.1 \n4 127.0.0.1 \n"));
  CHECK(!strstr(heard_of, "::1") && !strstr(heard_of, "127.0.0.2"));
  policy_close(&c);
  serve_stop(&s);
}

TEST(host_fields) {
  static const struct {
    const char *lines;
    bool ok;
  } rows[] = {
      {"Host: evil.example\r\n", false},
      {"host: 127.0.0.1:1\r\n", false},
      {"Host: 127.0.0.1.evil.example\r\n", false},
      {"Host: 127.0.0.1:80:80\r\n", false},
      {"Host: [127.0.0.1\r\n", false},
      {"Host:\r\n", false},
      {"Host: 127.0.0.1\r\n", true},
      {"Host: 127.0.0.2:65535\r\n", true},
      {"Host: 127.0.0.2:65534\r\n", false},
      {"Host: 127.0.0.2:65536\r\n", false},
      {"Host: 127.0.0.2:\r\n", false},
  };
  struct serve s;
  struct client c;
  serve_start(&s, serve_ok);
  char rule[40];
  const char *const hosts[] = {rule, "127.0.0.2:65535", NULL};
  snprintf(rule, sizeof rule, "127.0.0.1:%u", s.port);
  policy_open(&c, (struct hn_policy){.allow = BOTH, .hosts = hosts});
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    hn_handle r = policy_request(&c, "127.0.0.1", s.port, 0);
    test_label(rows[i].lines);
    CHECK_INT(
        hn_add_headers(c.rt, r, slice_of(rows[i].lines), HN_ADD_OR_REPLACE), 0);
    CHECK_INT(policy_go(&c, r), rows[i].ok ? 0 : HN_ERR_ACCESS_DENIED);
  }
  CHECK(served > 0);
  policy_close(&c);
  serve_stop(&s);
}

/* What is out may have to go out once more, and is not judged again then. */
TEST(host_fields_after_the_send) {
  static const char *const hosts[] = {"127.0.0.1", NULL};
  struct serve s;
  struct client c;
  serve_start(&s, serve_ok);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK,
                                     .hosts = hosts});
  hn_handle r = policy_request(&c, "127.0.0.1", s.port, 0);
  struct hn_slice host = slice_of("Host"), other = slice_of("example.org");
  CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_AUTO), 0);
  CHECK(heard(&c, r, HN_OP_SEND_REQUEST));
  CHECK_INT(hn_add_header(c.rt, r, host, other, HN_ADD_OR_REPLACE),
            HN_ERR_INVALID_PARAMETER);
  CHECK_INT(
      hn_add_headers(c.rt, r, slice_of("A: b\r\nHost: example.org"), HN_ADD),
      HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_receive_response(c.rt, r), 0);
  CHECK(heard(&c, r, HN_OP_RECEIVE_RESPONSE));
  CHECK_INT(hn_add_header(c.rt, r, host, other, HN_ADD_OR_REPLACE), 0);
  CHECK_INT(policy_go(&c, r), HN_ERR_ACCESS_DENIED);
  policy_close(&c);
  serve_stop(&s);
}

TEST(unix_sockets) {
  static const char path[] = "@hn_policy_test";
  struct serve s;
  struct client c;
  served = 0;
  serve_start_local(&s, serve_ok, path);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK |
                                              HN_ALLOW_FILES});
  hn_handle r = policy_request(&c, "127.0.0.1", 80, 0);
  CHECK_INT(client_try_text(&c, c.session, "unix_socket", path),
            HN_ERR_ACCESS_DENIED);
  CHECK_INT(client_try_text(&c, r, "unix_socket", path), HN_ERR_ACCESS_DENIED);
  CHECK_INT(client_try_text(&c, r, "unix_socket", ""), 0);
  policy_close(&c);
  CHECK_INT(served, 0);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_UNIX_SOCKETS});
  r = policy_request(&c, "www.example.org", 80, 0);
  CHECK_INT(client_try_text(&c, r, "unix_socket", path), 0);
  CHECK_INT(policy_go(&c, r), 0);
  CHECK_INT(served, 1);
  policy_close(&c);
  serve_stop(&s);
}

struct option_row {
  const char *name;
  unsigned needs;
};

static const struct option_row option_rows[] = {
    {"ca_file", HN_ALLOW_FILES | HN_ALLOW_UNVERIFIED},
    {"client_cert_context", HN_ALLOW_FILES},
    {"client_key_file", HN_ALLOW_FILES},
    {"crl_file", HN_ALLOW_FILES},
    {"key_log_file", HN_ALLOW_FILES},
    {"unix_socket", HN_ALLOW_UNIX_SOCKETS},
};

/* What these mean is known: they must be of this machine. */
static const struct option_row local_rows[] = {
    {"interface", HN_ALLOW_INTERFACE},
    {"local_address", HN_ALLOW_LOCAL_ADDRESS},
};

TEST(options_that_reach_out) {
  for (unsigned allow = 0; allow <= EVERYTHING; allow++) {
    struct client c;
    policy_open(&c, (struct hn_policy){.allow = allow});
    for (size_t i = 0; i < sizeof option_rows / sizeof *option_rows; i++) {
      const struct option_row *row = &option_rows[i];
      bool ok = (allow & row->needs) == row->needs;
      test_label(row->name);
      CHECK_INT(client_try_text(&c, c.session, row->name, "/tmp/x"),
                ok ? 0 : HN_ERR_ACCESS_DENIED);
    }
    for (size_t i = 0; i < sizeof local_rows / sizeof *local_rows; i++) {
      const struct option_row *row = &local_rows[i];
      test_label(row->name);
      CHECK_INT(client_try_text(&c, c.session, row->name,
                                i == 0 ? "lo" : "127.0.0.1"),
                allow & row->needs ? 0 : HN_ERR_ACCESS_DENIED);
      CHECK_INT(client_try_text(&c, c.session, row->name, ""), 0);
    }
    struct hn_value v = {.type = HN_TYPE_FLAGS, .number = 0x100};
    test_label("security_flags");
    CHECK_INT(hn_set_option(c.rt, c.session, slice_of("security_flags"), &v),
              allow & HN_ALLOW_UNVERIFIED ? 0 : HN_ERR_ACCESS_DENIED);
    v.number = 0;
    CHECK_INT(hn_set_option(c.rt, c.session, slice_of("security_flags"), &v),
              0);
    policy_close(&c);
  }
}

/* No text option that names a path is missing from the table above. */
TEST(every_option_that_names_a_file) {
  const struct hn_option_entry *o;
  for (size_t i = 0; (o = hn_option_at(i)) != NULL; i++) {
    bool known = false;
    if (o->type != HN_TYPE_TEXT || o->set_levels == 0) continue;
    if (!strstr(o->text, "file") && !strstr(o->text, "path")) continue;
    if (strstr(o->name, "password")) continue;
    for (size_t k = 0; k < sizeof option_rows / sizeof *option_rows; k++)
      known = known || strcmp(option_rows[k].name, o->name) == 0;
    test_label(o->name);
    CHECK(known);
  }
}

TEST(descriptors) {
  struct serve s;
  struct client c;
  serve_start(&s, serve_ok);
  for (int allowed = 0; allowed < 2; allowed++) {
    int code = allowed ? 0 : HN_ERR_ACCESS_DENIED;
    int pipe_fds[2];
    CHECK_INT(pipe(pipe_fds), 0);
    policy_open(&c,
                (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK |
                                            (allowed ? HN_ALLOW_FILES : 0)});
    hn_handle r = policy_request(&c, "127.0.0.1", s.port, 0);
    CHECK_INT(hn_send(c.rt, r, none(), none(), 5), 0);
    CHECK(heard(&c, r, HN_OP_SEND_REQUEST));
    CHECK_INT(hn_write_from(c.rt, r, pipe_fds[0], 5), code);
    CHECK_INT(hn_write_from(c.rt, r, -1, 5), HN_ERR_INVALID_PARAMETER);
    CHECK_INT(hn_close(c.rt, r), 0);
    r = policy_request(&c, "127.0.0.1", s.port, 0);
    CHECK_INT(policy_go(&c, r), 0);
    CHECK_INT(hn_read_to(c.rt, r, pipe_fds[1], 2), code);
    policy_close(&c);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
  }
  serve_stop(&s);
}

TEST(a_second_session_has_the_same_policy) {
  struct serve s;
  struct client c;
  served = 0;
  serve_start(&s, serve_ok);
  policy_open(&c, (struct hn_policy){.allow = BOTH});
  for (int i = 0; i < 3; i++) {
    CHECK_INT(policy_get(&c, "127.0.0.1", s.port), HN_ERR_ACCESS_DENIED);
    CHECK_INT(hn_close(c.rt, c.session), 0);
    CHECK_INT(hn_open(c.rt, none(), HN_OPEN_ASYNC, &c.session), 0);
  }
  CHECK_INT(served, 0);
  policy_close(&c);
  serve_stop(&s);
}

TEST_MAIN(ROW(once_and_before_the_first_handle), ROW(loopback_by_any_name),
          ROW(what_is_allowed_works), ROW(schemes), ROW(redirects),
          ROW(overrides), ROW(one_good_address_of_several),
          ROW(a_refused_name_says_only_that_it_is_refused), ROW(host_fields),
          ROW(host_fields_after_the_send), ROW(unix_sockets),
          ROW(options_that_reach_out), ROW(every_option_that_names_a_file),
          ROW(descriptors), ROW(a_second_session_has_the_same_policy))
