/*
 * runtime_test.c: the whole engine under random schedules. Each makes a
 * runtime, opens sessions, connections and requests on it, does random things
 * with random handles, alive or stale, while a server misbehaves, and lets some
 * allocations fail. Afterwards the books must be even: each operation completed
 * once, nothing was heard of a handle after its handle_closing, children went
 * before parents, no body ended early in silence, no step kept coming back
 * without anything to do, and neither memory nor descriptors are left.
 *
 * HN_SEED=n repeats one schedule, HN_SCHEDULES=n says how many there are. Most
 * are short and hardly wait; each LONG_EVERY-th takes its time.
 */
#include <dirent.h>
#include <fcntl.h>

#include "../../csrc/hinternet_option.h"
#include "../../csrc/hinternet_policy.h"
#include "schedule_fixture.h"

enum { LONG_EVERY = 100, MAX_THINGS = 64, MAX_SPIN = 300 };
enum { SEND_SIDE, RECEIVE_SIDE };

/* What a path's body may come to; -1: it never ends well. */
struct place {
  const char *path;
  int64_t sizes[2];
};

/* clang-format off */
static const struct place places[] = {
  {"plain", {1000, 1000}},    {"big", {SCHEDULE_BIG, SCHEDULE_BIG}},
  {"chunked", {1000, 1000}},  {"gzip", {1000, -1}},
  {"bad_gzip", {-1, -1}},     {"slow", {1000, 1000}},
  {"reset", {-1, -1}},        {"away", {1000, 500}},
  {"truncated", {-1, -1}},    {"hang_up", {-1, -1}},
  {"silent", {-1, -1}},       {"stalled", {-1, -1}},
  {"until_close", {1000, 1000}}, {"garbage", {-1, -1}},
  {"extra", {1000, 1000}},    {"once", {1000, 1000}},
  {"loop", {0, 0}},           {"redirect", {1000, 3}},
  {"interim", {1000, 1000}},  {"empty", {0, 0}},
  {"early", {1000, 1000}},
};
/* clang-format on */
enum { PLACES = sizeof places / sizeof *places };

struct thing {
  hn_handle id;
  int kind, parent; /* index of the parent, -1: none */
  bool open, discarded, ended, is_async, is_head;
  bool is_deaf; /* no status is posted for it */
  int must[2];  /* operations of each side that have to complete */
  int may[2];   /* and those that may have been dropped */
  const struct place *place;
  uint64_t offset; /* bytes of the body read so far */
  int stage;       /* what it might do next: 0 send, 1 receive, 2 read */
};

struct world {
  struct schedule_server *server;
  hn_runtime *rt;
  uint64_t random;
  int null_fd;
  int fd; /* what a foreign loop watches; -1: it does not */
  bool is_long;
  struct thing things[MAX_THINGS];
  int count;
};

static unsigned chance(struct world *w, unsigned n) {
  w->random ^= w->random << 13;
  w->random ^= w->random >> 7;
  w->random ^= w->random << 17;
  return (unsigned)(w->random >> 20) % n;
}

static struct hn_slice none(void) {
  return slice_make(NULL, 0);
}

/* ------------------------------------------------------------------- events */

static struct thing *find(struct world *w, hn_handle id) {
  for (int i = 0; i < w->count; i++)
    if (w->things[i].id == id) return &w->things[i];
  return NULL;
}

static bool is_below(const struct world *w, const struct thing *t, int top) {
  for (; t->parent >= 0; t = &w->things[t->parent])
    if (t->parent == top) return true;
  return false;
}

static void on_end(const struct thing *t, uint64_t size) {
  bool fits = (t->is_head && size == 0) ||
              (int64_t)size == t->place->sizes[0] ||
              (int64_t)size == t->place->sizes[1];
  if (!fits) fprintf(stderr, "%s ended at %d\n", t->place->path, (int)size);
  CHECK(fits);
}

static void on_bytes(struct thing *t, struct hn_slice text) {
  bool same = true;
  for (size_t i = 0; i < text.n; i++)
    same = same && text.p[i] == (char)('a' + (t->offset + i) % 26);
  CHECK(same);
  t->offset += text.n;
}

static void on_success(struct thing *t, const struct hn_event *e) {
  if (e->status == HN_STATUS_SENDREQUEST_COMPLETE) t->stage = 1;
  if (e->status == HN_STATUS_HEADERS_AVAILABLE) {
    t->offset = 0;
    t->stage = 2;
  }
  if (e->status == HN_STATUS_DATA_AVAILABLE && e->number == 0)
    on_end(t, t->offset);
  if (e->status != HN_STATUS_READ_COMPLETE) return;
  on_bytes(t, e->text);
  if (e->text.n == 0) t->offset += e->number; /* went to the file */
  if (!e->ended) return;
  on_end(t, t->offset);
  t->stage = 0;
}

static void on_completion(struct thing *t, const struct hn_event *e) {
  bool sends = e->op == HN_OP_SEND_REQUEST || e->op == HN_OP_WRITE_DATA;
  int side = sends ? SEND_SIDE : RECEIVE_SIDE;
  CHECK(t->must[side] + t->may[side] > 0);
  if (t->must[side] > 0)
    t->must[side]--;
  else
    t->may[side]--;
  if (e->status != HN_STATUS_REQUEST_ERROR) {
    on_success(t, e);
    return;
  }
  t->stage = 0;
  CHECK(e->code != 0 && e->code != HN_ERR_INTERNAL_ERROR && e->text.n > 0);
  if (e->code != HN_ERR_NOT_ENOUGH_MEMORY) CHECK(e->phase != HN_PHASE_NONE);
}

/* Whoever takes the events of one handle alone may see a parent's first. */
static void on_closing(struct world *w, struct thing *t, bool in_order) {
  int index = (int)(t - w->things);
  CHECK(!t->open);
  CHECK_INT(t->must[SEND_SIDE] + t->must[RECEIVE_SIDE], 0);
  for (int i = 0; i < w->count && in_order; i++)
    if (w->things[i].parent == index)
      CHECK(w->things[i].ended || w->things[i].discarded ||
            w->things[i].is_deaf);
  t->ended = true;
}

static void on_event(struct world *w, const struct hn_event *e, bool in_order) {
  struct thing *t = find(w, e->handle);
  CHECK(t != NULL);
  if (!t) return;
  CHECK(!t->ended && !t->discarded);
  if (e->op)
    on_completion(t, e);
  else if (e->status == HN_STATUS_HANDLE_CLOSING)
    on_closing(w, t, in_order);
}

static void take(struct world *w, hn_handle scope, int most) {
  struct hn_event e;
  bool in_order = scope == 0 || hn_kind_of(scope) == HN_KIND_SESSION;
  while (most-- > 0 && hn_next_event(w->rt, scope, &e))
    on_event(w, &e, in_order);
}

/* ------------------------------------------------------------------ actions */

/* What a call may answer for a handle in its state. */
static void judge(const struct thing *t, int code) {
  if (!t->open)
    CHECK_INT(code, HN_ERR_INVALID_HANDLE);
  else
    CHECK(code != HN_ERR_INVALID_HANDLE && code != HN_ERR_INTERNAL_ERROR &&
          code >= 0);
}

static struct thing *add(struct world *w, hn_handle id, int kind, int parent) {
  struct thing *t = &w->things[w->count++];
  *t = (struct thing){.id = id, .kind = kind, .parent = parent, .open = true};
  CHECK(hn_is_valid(w->rt, id) && hn_kind_of(id) == kind);
  return t;
}

static void set(struct world *w, hn_handle h, const char *name,
                enum hn_type type, int64_t number) {
  struct hn_value v = {.type = type, .number = number};
  (void)hn_set_option(w->rt, h, slice_of(name), &v);
}

static void set_times(struct world *w, hn_handle h) {
  static const char *const names[] = {
      "connect_timeout",          "send_timeout",
      "receive_timeout",          "resolve_timeout",
      "receive_response_timeout", "total_timeout",
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (chance(w, 3) == 0) set(w, h, names[i], HN_TYPE_TIME, 1 + chance(w, 40));
}

static void open_session(struct world *w) {
  hn_handle h;
  bool is_async = chance(w, 3) > 0;
  if (hn_open(w->rt, slice_of("schedule"), is_async ? HN_OPEN_ASYNC : 0, &h))
    return;
  struct thing *t = add(w, h, HN_KIND_SESSION, -1);
  t->is_async = is_async;
  (void)hn_set_mask(w->rt, h,
                    chance(w, 3) ? 0xffffffff : HN_STATUS_HANDLE_CLOSING);
  set_times(w, h);
  if (chance(w, 2))
    set(w, h, "max_conns_per_server", HN_TYPE_INTEGER, 1 + chance(w, 3));
  if (chance(w, 3) == 0)
    set(w, h, "max_response_drain_size", HN_TYPE_INTEGER, chance(w, 2000));
  if (chance(w, 4) == 0) set(w, h, "redirect_policy", HN_TYPE_INTEGER, 0);
}

/* Options that requests under way have already been guided by. */
static void change_session(struct world *w, struct thing *t) {
  static const char *const texts[][2] = {
      {"resolve_to", "127.0.0.1"},
      {"resolve_to", "127.0.0.1, 127.0.0.1"},
      {"resolve_to", ""},
      {"local_address", "127.0.0.2"},
      {"local_address", "127.0.0.3"},
      {"local_address", ""},
      {"user_agent", "another"},
  };
  const char *const *text = texts[chance(w, 7)];
  struct hn_value v = {.type = HN_TYPE_TEXT, .text = slice_of(text[1])};
  judge(t, hn_set_option(w->rt, t->id, slice_of(text[0]), &v));
  if (chance(w, 2))
    set(w, t->id, "max_conns_per_server", HN_TYPE_INTEGER, 1 + chance(w, 3));
}

static void open_connection(struct world *w, int parent) {
  struct thing *p = &w->things[parent];
  hn_handle h;
  struct hn_slice host = slice_of(chance(w, 6) ? "127.0.0.1" : "localhost");
  int rc = hn_connect(w->rt, p->id, host, w->server->port, &h);
  judge(p, rc);
  if (rc == 0) add(w, h, HN_KIND_CONNECTION, parent)->is_async = p->is_async;
}

static void open_request(struct world *w, int parent) {
  static const char *const methods[] = {"GET", "GET", "HEAD", "POST", "PUT"};
  struct thing *p = &w->things[parent];
  const struct place *place = &places[chance(w, PLACES)];
  const char *method = methods[chance(w, 5)];
  char path[40];
  hn_handle h;
  snprintf(path, sizeof path, "/%s", place->path);
  struct hn_request_spec spec = {.method = slice_of(method),
                                 .path = slice_of(path)};
  int rc = hn_open_request(w->rt, p->id, &spec, &h);
  judge(p, rc);
  if (rc) return;
  struct thing *t = add(w, h, HN_KIND_REQUEST, parent);
  t->is_async = p->is_async;
  t->place = place;
  t->is_head = !strcmp(method, "HEAD");
  if (chance(w, 4) == 0) set_times(w, h);
  t->is_deaf = chance(w, 3) == 0 && hn_set_mask(w->rt, h, 0) == 0;
}

/* An operation was asked for: it is owed if it began. In a sync session one
 * that nobody awaits may be dropped. */
static void note_start(struct world *w, struct thing *t, int code,
                       enum hn_op op) {
  bool sends = op == HN_OP_SEND_REQUEST || op == HN_OP_WRITE_DATA;
  int side = sends ? SEND_SIDE : RECEIVE_SIDE;
  judge(t, code);
  if (code) return;
  if (t->is_async || chance(w, 4)) {
    CHECK_INT(hn_await(w->rt, t->id, op), 0);
    t->must[side]++;
  } else {
    t->may[side]++;
  }
}

static void start_send(struct world *w, struct thing *t) {
  struct hn_slice headers = none(), body = none();
  uint64_t total = HN_LENGTH_AUTO;
  const char *pattern = w->server->pattern;
  if (chance(w, 4) == 0) headers = slice_of("Expect: 100-continue");
  if (chance(w, 20) == 0) headers = slice_of("no header");
  if (chance(w, 2)) body = slice_make(pattern, chance(w, 3000));
  if (chance(w, 8) == 0) body = slice_make(pattern, SCHEDULE_BIG);
  if (chance(w, 6) == 0) total = HN_LENGTH_CHUNKED;
  if (chance(w, 6) == 0) total = body.n + chance(w, 4000);
  note_start(w, t, hn_send(w->rt, t->id, headers, body, total),
             HN_OP_SEND_REQUEST);
}

static void start_write(struct world *w, struct thing *t) {
  struct hn_slice data = {w->server->pattern, chance(w, 2000)};
  if (chance(w, 8) == 0) data.n = SCHEDULE_BIG;
  note_start(w, t, hn_write(w->rt, t->id, data), HN_OP_WRITE_DATA);
}

static void start_read(struct world *w, struct thing *t) {
  static const enum hn_read_mode modes[] = {HN_READ_SOME, HN_READ_FILL,
                                            HN_READ_ALL};
  int code;
  if (chance(w, 4) == 0)
    code = hn_read_to(w->rt, t->id, w->null_fd, 1 + chance(w, 3000));
  else
    code = hn_read(w->rt, t->id, 1 + chance(w, 5000), modes[chance(w, 3)]);
  note_start(w, t, code, HN_OP_READ_DATA);
}

static void cancel(struct world *w, struct thing *t) {
  static const enum hn_op ops[] = {HN_OP_NONE, HN_OP_SEND_REQUEST,
                                   HN_OP_RECEIVE_RESPONSE, HN_OP_READ_DATA};
  enum hn_op op = ops[chance(w, 4)];
  judge(t, hn_cancel(w->rt, t->id, op));
  for (int side = 0; side < 2; side++) {
    bool dropped =
        op == HN_OP_NONE || (op == HN_OP_SEND_REQUEST) == (side == SEND_SIDE);
    if (!dropped) continue;
    t->may[side] += t->must[side];
    t->must[side] = 0;
  }
}

static void look(struct world *w, struct thing *t) {
  struct hn_slice text;
  struct hn_value v;
  struct hn_progress progress;
  char line[200];
  (void)hn_query_raw_headers(w->rt, t->id, HN_FROM_RESPONSE, &text);
  (void)hn_query_option(w->rt, t->id, slice_of("request_stats"), &v);
  (void)hn_query_option(w->rt, t->id, slice_of("connection_info"), &v);
  (void)hn_query_progress(w->rt, t->id, &progress);
  judge(t, hn_describe(w->rt, t->id, line, sizeof line));
  (void)hn_add_headers(w->rt, t->id, slice_of("X-More: 1"), HN_ADD_OR_REPLACE);
}

static void start_receive(struct world *w, struct thing *t) {
  note_start(w, t, hn_receive_response(w->rt, t->id), HN_OP_RECEIVE_RESPONSE);
}

static void start_query(struct world *w, struct thing *t) {
  note_start(w, t, hn_query_data_available(w->rt, t->id),
             HN_OP_QUERY_DATA_AVAILABLE);
}

static void try_results(struct world *w, struct thing *t) {
  struct hn_event e;
  for (int op = HN_OP_RECEIVE_RESPONSE; op <= HN_OP_SEND_REQUEST; op++)
    if (hn_try_result(w->rt, t->id, (enum hn_op)op, &e)) {
      CHECK(e.handle == t->id && (int)e.op == op);
      on_event(w, &e, true);
    }
}

/* Mostly what comes next, now and then anything. */
static void use_request(struct world *w, struct thing *t) {
  typedef void (*step_fn)(struct world * w, struct thing * t);
  static const step_fn next[] = {start_send, start_receive, start_read};
  static const step_fn others[] = {start_send,  start_receive, start_read,
                                   start_write, start_query,   look};
  struct hn_progress progress = {0};
  (void)hn_query_progress(w->rt, t->id, &progress);
  if (progress.unsent > 0 && chance(w, 2))
    start_write(w, t);
  else if (chance(w, 60) == 0)
    cancel(w, t);
  else if (chance(w, 4) == 0)
    try_results(w, t);
  else if (chance(w, 4))
    next[t->stage](w, t);
  else
    others[chance(w, 6)](w, t);
}

/* ------------------------------------------------------------------ closing */

static void note_closed(struct world *w, int index, bool discarded) {
  bool session = w->things[index].kind == HN_KIND_SESSION;
  for (int i = 0; i < w->count; i++) {
    struct thing *t = &w->things[i];
    if (i != index && !is_below(w, t, index)) continue;
    /* A discarded session takes along what is queued for older ones. */
    if (discarded && (t->open || session)) {
      t->discarded = true;
      memset(t->must, 0, sizeof t->must);
    }
    CHECK(!hn_is_valid(w->rt, t->id));
    t->open = false;
  }
}

static void close_thing(struct world *w, int index) {
  struct thing *t = &w->things[index];
  if (chance(w, 4) == 0) {
    bool was_open = t->open;
    hn_discard(w->rt, t->id);
    if (was_open) note_closed(w, index, true);
  } else {
    bool was_open = t->open;
    int rc = hn_close(w->rt, t->id);
    CHECK_INT(rc, was_open ? 0 : HN_ERR_INVALID_HANDLE);
    if (rc == 0) note_closed(w, index, false);
  }
}

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Steps that need not wait must come to an end by themselves. */
static void check_spin(struct world *w) {
  CHECK_INT(hn_set_budget(w->rt, 0), 0);
  for (int i = 0; i < MAX_SPIN; i++) {
    int64_t start = now_us();
    CHECK_INT(hn_step(w->rt, 3), 0);
    if (now_us() - start >= 1000) return;
  }
  CHECK(!"the step spins");
}

/* A foreign loop is woken whenever there is something to do. */
static void check_told(struct world *w) {
  if (w->fd >= 0 && hn_next_timeout(w->rt) == 0)
    CHECK_INT(is_readable(w->fd, 1000), 1);
}

static void change_loop(struct world *w) {
  static const int64_t budgets[] = {0, 1, 20, 1000};
  if (chance(w, 2)) {
    CHECK_INT(hn_set_budget(w->rt, budgets[chance(w, 4)]), 0);
  } else if (w->fd < 0) {
    int rc = hn_pollable(w->rt, &w->fd);
    CHECK(rc == 0 || rc == HN_ERR_NOT_SUPPORTED);
  }
}

static void step(struct world *w) {
  int64_t wait = w->is_long ? chance(w, 3) : chance(w, 16) == 0;
  CHECK_INT(hn_step(w->rt, wait), 0);
}

/* Some handle, mostly a request, alive or not; -1: there is none. */
static int choose(struct world *w) {
  int index = -1;
  for (int i = 0; i < 4 && w->count > 0; i++) {
    index = (int)chance(w, (unsigned)w->count);
    if (w->things[index].kind == HN_KIND_REQUEST && w->things[index].open)
      break;
  }
  return index;
}

static void act(struct world *w) {
  unsigned what = chance(w, 40);
  int index = choose(w);
  struct thing *t = index < 0 ? NULL : &w->things[index];
  bool room = w->count < MAX_THINGS;
  if (what < 12) {
    step(w);
  } else if (what < 18) {
    take(w, chance(w, 4) || !t ? 0 : t->id, 1 + (int)chance(w, 40));
  } else if (what == 18) {
    if (w->is_long)
      check_spin(w);
    else
      change_loop(w);
  } else if (room && (!t || (what == 19 && chance(w, 4) == 0))) {
    open_session(w);
  } else if (t && what == 20 && chance(w, 2) == 0) {
    close_thing(w, index);
  } else if (t && t->kind == HN_KIND_SESSION) {
    if (chance(w, 3) == 0)
      change_session(w, t);
    else if (room)
      open_connection(w, index);
  } else if (t && t->kind == HN_KIND_CONNECTION) {
    if (room) open_request(w, index);
  } else if (t) {
    use_request(w, t);
  }
}

/* ---------------------------------------------------------------- schedules */

static int count_descriptors(void) {
  int n = 0;
  DIR *dir = opendir("/proc/self/fd");
  while (readdir(dir)) n++;
  closedir(dir);
  return n;
}

static void end_world(struct world *w) {
  size_t handles, operations;
  for (int i = 0; i < w->count; i++)
    if (w->things[i].open && w->things[i].parent < 0) close_thing(w, i);
  take(w, 0, 1000000);
  hn_live(w->rt, &handles, &operations);
  CHECK_INT(handles, 0);
  CHECK_INT(operations, 0);
  for (int i = 0; i < w->count; i++)
    CHECK_INT(w->things[i].must[0] + w->things[i].must[1], 0);
}

/* The text taken last may be a whole body: another take lets go of it. */
static void check_memory(struct world *w) {
  struct hn_event e;
  hn_handle h;
  if (hn_open(w->rt, none(), 0, &h)) return; /* it left no room for this */
  CHECK_INT(hn_set_mask(w->rt, h, HN_STATUS_HANDLE_CLOSING), 0);
  CHECK_INT(hn_close(w->rt, h), 0);
  CHECK(hn_next_event(w->rt, 0, &e));
  CHECK_INT(hn_memory_used(w->rt), 0);
}

/* Little memory, few connections and handles: everything fails now and then. */
static void limit(struct world *w) {
  struct hn_policy p = {
      .size = sizeof p,
      .allow = HN_ALLOW_HTTP | HN_ALLOW_HTTPS | HN_ALLOW_LOOPBACK |
               HN_ALLOW_FILES | HN_ALLOW_UNIX_SOCKETS | HN_ALLOW_UNVERIFIED,
      .max_handles = 5 + chance(w, 60),
      .max_connections = 1 + chance(w, 6),
      .max_memory = 20000 + chance(w, 1000000),
  };
  CHECK_INT(hn_set_policy(w->rt, &p), 0);
}

static void run(struct schedule_server *server, uint64_t seed, int null_fd) {
  struct world w = {.server = server, .null_fd = null_fd};
  char label[40];
  int descriptors = count_descriptors();
  long live = mem_live();
  snprintf(label, sizeof label, "HN_SEED=%llu", (unsigned long long)seed);
  test_label(label);
  w.random = seed * 0x9e3779b97f4a7c15u + 1;
  w.fd = -1;
  w.is_long = seed % LONG_EVERY == 0;
  for (int i = 0; i < 8; i++) (void)chance(&w, 2);
  CHECK_INT(hn_runtime_new(&w.rt), 0);
  if (chance(&w, 3) == 0) limit(&w);
  bool starved = chance(&w, 4) == 0;
  for (unsigned n = w.is_long ? 300 : 10 + chance(&w, 60); n > 0; n--) {
    if (starved && chance(&w, 8) == 0) mem_fail_at(1 + (long)chance(&w, 12));
    act(&w);
    check_told(&w);
  }
  mem_fail_at(0);
  if (chance(&w, 8)) {
    end_world(&w);
    check_memory(&w);
  }
  hn_runtime_free(w.rt);
  CHECK(schedule_server_is_quiet(server));
  for (int i = 0; i < 5000 && mem_live() != live; i++) schedule_nap(1);
  CHECK_INT(mem_live(), live); /* an abandoned look-up ends a little later */
  for (int i = 0; i < 100 && count_descriptors() != descriptors; i++)
    schedule_nap(1);
  CHECK_INT(count_descriptors(), descriptors);
  test_label(NULL);
}

static uint64_t setting(const char *name, uint64_t usual) {
  const char *text = getenv(name);
  return text ? strtoull(text, NULL, 10) : usual;
}

TEST(the_books_are_even_after_any_schedule) {
  static struct schedule_server server;
  uint64_t only = setting("HN_SEED", 0);
  uint64_t count = setting("HN_SCHEDULES", 10000);
  int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  schedule_server_start(&server);
  for (uint64_t seed = 1; seed <= count && only == 0; seed++)
    run(&server, seed, null_fd);
  if (only) run(&server, only, null_fd);
  schedule_server_stop(&server);
  close(null_fd);
}

TEST_MAIN(ROW(the_books_are_even_after_any_schedule))
