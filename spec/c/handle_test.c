/*
 * handle_test.c: the public functions against arguments that make no sense: no
 * pointer where one is needed ends the program by an assertion, and any number
 * gets an answer.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../csrc/hinternet_url.h"
#include "policy_fixture.h"

static bool is_child(void) {
  const struct rlimit none = {0, 0};
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    return true;
  }
  int status = 0;
  CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  return false;
}

/* That an assertion ends it. */
#define DIES(call)                                                             \
  do {                                                                         \
    test_label(#call);                                                         \
    if (is_child()) {                                                          \
      (void)(call);                                                            \
      _exit(0);                                                                \
    }                                                                          \
  } while (0)

static const struct hn_slice nowhere = {NULL, 1};

TEST(a_runtime_is_needed_and_room_for_results) {
  hn_runtime *rt = NULL;
  hn_handle h = 0;
  size_t n = 0;
  int fd = 0;
  struct hn_event e;
  struct hn_policy p = {.size = sizeof p};
  CHECK_INT(hn_runtime_new(&rt), 0);
  DIES(hn_runtime_new(NULL));
  DIES(hn_runtime_claim(NULL, NULL));
  DIES(hn_step(NULL, 0));
  DIES(hn_wake(NULL));
  DIES(hn_set_budget(NULL, 0));
  DIES(hn_budget(NULL));
  DIES(hn_pollable(NULL, &fd));
  DIES(hn_pollable(rt, NULL));
  DIES(hn_next_timeout(NULL));
  DIES(hn_next_event(NULL, 0, &e));
  DIES(hn_next_event(rt, 0, NULL));
  DIES(hn_take_result(NULL, 0, HN_OP_READ_DATA, &e));
  DIES(hn_take_result(rt, 0, HN_OP_READ_DATA, NULL));
  DIES(hn_try_result(NULL, 0, HN_OP_READ_DATA, &e));
  DIES(hn_try_result(rt, 0, HN_OP_READ_DATA, NULL));
  DIES(hn_set_policy(NULL, &p));
  DIES(hn_set_policy(rt, NULL));
  DIES(hn_memory_used(NULL));
  DIES(hn_sleep(NULL, 0, &h));
  DIES(hn_sleep(rt, 0, NULL));
  DIES(hn_open(NULL, none(), 0, &h));
  DIES(hn_open(rt, none(), 0, NULL));
  DIES(hn_open(rt, nowhere, 0, &h));
  DIES(hn_live(NULL, &n, &n));
  DIES(hn_live(rt, NULL, &n));
  DIES(hn_live(rt, &n, NULL));
  hn_runtime_free(NULL);
  hn_runtime_free(rt);
}

TEST(handles_are_asked_with_room_for_the_answer) {
  hn_runtime *rt = NULL;
  bool yes;
  hn_handle h = 0;
  uint32_t mask;
  char text[8];
  struct hn_request_spec spec = {0};
  struct hn_value v = {.type = HN_TYPE_TEXT};
  CHECK_INT(hn_runtime_new(&rt), 0);
  DIES(hn_close(NULL, 1));
  DIES(hn_discard(NULL, 1));
  DIES(hn_is_valid(NULL, 1));
  DIES(hn_parent(NULL, 1, &h));
  DIES(hn_parent(rt, 1, NULL));
  DIES(hn_session_of(rt, 1, NULL));
  DIES(hn_is_async(NULL, 1, &yes));
  DIES(hn_is_async(rt, 1, NULL));
  DIES(hn_describe(NULL, 1, text, sizeof text));
  DIES(hn_describe(rt, 1, NULL, 1));
  DIES(hn_set_mask(NULL, 1, 0));
  DIES(hn_get_mask(NULL, 1, &mask));
  DIES(hn_get_mask(rt, 1, NULL));
  DIES(hn_connect(NULL, 1, slice_of("a"), 0, &h));
  DIES(hn_connect(rt, 1, nowhere, 0, &h));
  DIES(hn_connect(rt, 1, slice_of("a"), 0, NULL));
  DIES(hn_open_request(rt, 1, NULL, &h));
  DIES(hn_open_request(rt, 1, &spec, NULL));
  struct hn_slice *const parts[] = {&spec.method, &spec.path, &spec.version,
                                    &spec.referrer, &spec.accept};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    *parts[i] = nowhere;
    DIES(hn_open_request(rt, 1, &spec, &h));
    *parts[i] = none();
  }
  DIES(hn_set_option(NULL, 1, slice_of("context_value"), &v));
  DIES(hn_set_option(rt, 1, nowhere, &v));
  DIES(hn_set_option(rt, 1, slice_of("context_value"), NULL));
  v.text = nowhere;
  DIES(hn_set_option(rt, 1, slice_of("ca_file"), &v));
  DIES(hn_query_option(rt, 1, slice_of("ca_file"), NULL));
  DIES(hn_query_option(rt, 1, nowhere, &v));
  v.type = HN_TYPE_INTEGER; /* then the text is nobody's */
  CHECK_INT(hn_set_option(rt, 1, none(), &v), HN_ERR_INVALID_HANDLE);
  hn_runtime_free(rt);
}

TEST(requests_too) {
  hn_runtime *rt = NULL;
  struct hn_slice s;
  CHECK_INT(hn_runtime_new(&rt), 0);
  DIES(hn_add_header(rt, 1, nowhere, none(), HN_ADD));
  DIES(hn_add_header(rt, 1, none(), nowhere, HN_ADD));
  DIES(hn_add_headers(rt, 1, nowhere, HN_ADD));
  DIES(hn_add_headers(NULL, 1, none(), HN_ADD));
  DIES(hn_send(NULL, 1, none(), none(), 0));
  DIES(hn_send(rt, 1, nowhere, none(), 0));
  DIES(hn_send(rt, 1, none(), nowhere, 0));
  DIES(hn_write(NULL, 1, none()));
  DIES(hn_write(rt, 1, nowhere));
  DIES(hn_write_from(NULL, 1, 0, 1));
  DIES(hn_read_to(NULL, 1, 0, 1));
  DIES(hn_receive_response(NULL, 1));
  DIES(hn_query_data_available(NULL, 1));
  DIES(hn_read(NULL, 1, 1, HN_READ_SOME));
  DIES(hn_cancel(NULL, 1, HN_OP_NONE));
  DIES(hn_refuse(NULL, 1));
  DIES(hn_hear(NULL, 1, true));
  DIES(hn_await(NULL, 1, HN_OP_READ_DATA));
  DIES(hn_query_header(rt, 1, HN_FROM_RESPONSE, none(), 0, NULL));
  DIES(hn_query_header(rt, 1, HN_FROM_RESPONSE, nowhere, 0, &s));
  DIES(hn_query_raw_headers(rt, 1, HN_FROM_RESPONSE, NULL));
  DIES(hn_query_response_line(rt, 1, NULL));
  DIES(hn_query_progress(rt, 1, NULL));
  DIES(hn_query_times(rt, 1, NULL));
  DIES(hn_query_method(rt, 1, NULL));
  hn_runtime_free(rt);
}

TEST(urls_and_dates_too) {
  struct hn_url_parts p = {.port = -1};
  char room[8];
  size_t n = sizeof room;
  int64_t t;
  unsigned flags;
  DIES(hn_crack_url(slice_of("http://a/"), 0, room, n, NULL));
  DIES(hn_crack_url(nowhere, 0, room, n, &p));
  DIES(hn_crack_url(slice_of("http://a/"), 0, NULL, n, &p));
  DIES(hn_create_url(NULL, 0, room, &n));
  DIES(hn_create_url(&p, 0, room, NULL));
  DIES(hn_create_url(&p, 0, NULL, &n));
  struct hn_slice *const parts[] = {&p.scheme, &p.user, &p.password,
                                    &p.host,   &p.path, &p.extra};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    *parts[i] = nowhere;
    DIES(hn_create_url(&p, 0, room, &n));
    *parts[i] = none();
  }
  DIES(hn_resolve_url(nowhere, none(), room, &n));
  DIES(hn_resolve_url(none(), nowhere, room, &n));
  DIES(hn_resolve_url(none(), none(), NULL, &n));
  DIES(hn_resolve_url(none(), none(), room, NULL));
  DIES(hn_format_date(0, NULL));
  DIES(hn_parse_date(none(), 0, NULL));
  DIES(hn_parse_date(nowhere, 0, &t));
  DIES(hn_feature_at(0, NULL));
  DIES(hn_scheme_flags(nowhere, &flags));
  DIES(hn_scheme_flags(none(), NULL));
}

TEST(numbers_past_the_last_of_a_list) {
  static const size_t past[] = {100000, SIZE_MAX - 1, SIZE_MAX};
  bool built;
  for (size_t i = 0; i < sizeof past / sizeof *past; i++) {
    CHECK(!hn_error_at(past[i]));
    CHECK(!hn_status_at(past[i]));
    CHECK(!hn_option_at(past[i]));
    CHECK(!hn_feature_at(past[i], &built));
    CHECK(!hn_time_name(past[i]));
  }
  CHECK(hn_time_name(0) && !strstr(hn_time_name(0), "start_0"));
  static const int odd[] = {-1, INT32_MIN, INT32_MAX, 8, 0};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
    CHECK(!hn_phase_name(odd[i]));
  CHECK_TEXT(slice_of(hn_error_text(INT32_MIN)), "unknown error");
  CHECK_INT(hn_kind_of(UINT64_MAX), 0);
  CHECK_INT(hn_kind_of(0), 0);
}

/* A number of an enum that is none of its names. */
TEST(words_that_are_none) {
  struct serve s;
  struct client c;
  struct hn_slice text;
  struct hn_event e;
  serve_start(&s, serve_ok);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK});
  hn_handle r = policy_request(&c, "127.0.0.1", s.port, 0), h = r;
  CHECK_INT(hn_open(c.rt, none(), 1, &h), HN_ERR_INVALID_PARAMETER);
  struct hn_request_spec spec = {.flags = 1};
  CHECK_INT(hn_open_request(c.rt, c.connection, &spec, &h),
            HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_connect(c.rt, c.session, slice_of("a"), 65536, &h),
            HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_connect(c.rt, c.session, slice_of("a"), UINT32_MAX, &h),
            HN_ERR_INVALID_PARAMETER);
  CHECK_INT(h, r); /* untouched */
  CHECK_INT(policy_go(&c, r), 0);
  for (int odd = -1; odd < 10; odd += 4) {
    CHECK_INT(hn_read(c.rt, r, 1, (enum hn_read_mode)odd),
              HN_ERR_INVALID_PARAMETER);
    CHECK_INT(hn_query_header(c.rt, r, (enum hn_header_source)odd,
                              slice_of("Host"), 0, &text),
              HN_ERR_INVALID_PARAMETER);
    CHECK_INT(hn_query_raw_headers(c.rt, r, (enum hn_header_source)odd, &text),
              HN_ERR_INVALID_PARAMETER);
  }
  static const int ops[] = {-1, 6, INT32_MAX};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    enum hn_op op = (enum hn_op)ops[i];
    CHECK_INT(hn_cancel(c.rt, r, op), HN_ERR_INVALID_PARAMETER);
    CHECK_INT(hn_await(c.rt, r, op), HN_ERR_INVALID_PARAMETER);
    CHECK(!hn_take_result(c.rt, r, op, &e));
    CHECK(!hn_try_result(c.rt, r, op, &e));
  }
  CHECK_INT(hn_await(c.rt, r, HN_OP_NONE), HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_add_header(c.rt, r, slice_of("A"), slice_of("b"), 1),
            HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_add_headers(c.rt, r, slice_of("A: b"), 0x2),
            HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_query_header(c.rt, r, HN_FROM_RESPONSE, slice_of("a"), SIZE_MAX,
                            &text),
            HN_ERR_HEADER_NOT_FOUND);
  CHECK_INT(hn_read_to(c.rt, r, -1, 1), HN_ERR_INVALID_PARAMETER);
  CHECK_INT(hn_describe(c.rt, r, NULL, 0), HN_ERR_INSUFFICIENT_BUFFER);
  /* None of it has harmed the request. */
  CHECK_INT(hn_read(c.rt, r, SIZE_MAX, HN_READ_FILL), 0);
  CHECK(heard(&c, r, HN_OP_READ_DATA));
  policy_close(&c);
  serve_stop(&s);
}

/* What no Content-Length can say to others: many read it as a signed number. */
TEST(totals_near_the_end_of_numbers) {
  static const uint64_t wrong[] = {UINT64_MAX - 2, UINT64_MAX - 1000,
                                   (uint64_t)INT64_MAX + 1};
  static const char *const fields[] = {
      "Content-Length: 18446744073709551613",
      "Content-Length: 9223372036854775808",
      "Content-Length: 18446744073709551617",
  };
  struct serve s;
  struct client c;
  serve_start(&s, serve_ok);
  policy_open(&c, (struct hn_policy){.allow = BOTH | HN_ALLOW_LOOPBACK});
  for (size_t i = 0; i < 3; i++) {
    hn_handle r = policy_request(&c, "127.0.0.1", s.port, 0);
    CHECK_INT(hn_send(c.rt, r, none(), none(), wrong[i]),
              HN_ERR_INVALID_PARAMETER);
    CHECK_INT(hn_send(c.rt, r, none(), slice_of("x"), wrong[i]),
              HN_ERR_INVALID_PARAMETER);
    CHECK_INT(hn_send(c.rt, r, slice_of(fields[i]), none(), HN_LENGTH_AUTO),
              HN_ERR_INVALID_PARAMETER);
  }
  hn_handle r = policy_request(&c, "127.0.0.1", s.port, 0);
  CHECK_INT(hn_send(c.rt, r, none(), none(), INT64_MAX), 0);
  CHECK(heard(&c, r, HN_OP_SEND_REQUEST));
  struct hn_progress p;
  CHECK_INT(hn_query_progress(c.rt, r, &p), 0);
  CHECK(p.unsent == INT64_MAX && p.announced == INT64_MAX && p.given == 0);
  CHECK_INT(hn_send(c.rt, r, none(), none(), HN_LENGTH_CHUNKED), 0);
  CHECK(heard(&c, r, HN_OP_SEND_REQUEST));
  policy_close(&c);
  serve_stop(&s);
}

TEST_MAIN(ROW(a_runtime_is_needed_and_room_for_results),
          ROW(handles_are_asked_with_room_for_the_answer), ROW(requests_too),
          ROW(urls_and_dates_too), ROW(numbers_past_the_last_of_a_list),
          ROW(words_that_are_none), ROW(totals_near_the_end_of_numbers))
