#include "option.h"

#include <stddef.h>

#include "../http/follow.h"
#include "option_list.h"

enum {
  HN_OPTION_S = 1 << HN_KIND_SESSION,
  HN_OPTION_C = 1 << HN_KIND_CONNECTION,
  HN_OPTION_R = 1 << HN_KIND_REQUEST,
  HN_OPTION_0 = 0,
  HN_OPTION_SR = HN_OPTION_S | HN_OPTION_R,
  HN_OPTION_CR = HN_OPTION_C | HN_OPTION_R,
  HN_OPTION_SCR = HN_OPTION_S | HN_OPTION_C | HN_OPTION_R,
};

typedef int option_get_fn(struct hn_node *n, struct hn_value *out);
typedef int option_set_fn(struct hn_node *n, const struct hn_value *value);

struct option_row {
  struct hn_option_entry entry;
  size_t offset;       /* in struct hn_settings, when get and set are NULL */
  int64_t min, max;    /* of a number */
  option_get_fn *get;
  option_set_fn *set;
};

int64_t option_response_timeout(const struct hn_settings *s) {
  if (s->response_timeout < 0 || s->receive_timeout < 0) return -1;
  return s->response_timeout > s->receive_timeout ? s->response_timeout
                                                  : s->receive_timeout;
}

/* A connection shows its session's current values (winhttp.md 1.2). */
static struct hn_settings *option_settings(struct hn_node *n) {
  return node_kind(n) == HN_KIND_REQUEST ? &request_from(n)->settings
                                         : &session_of(n)->settings;
}

static int64_t *option_context(struct hn_node *n) {
  switch (node_kind(n)) {
    case HN_KIND_SESSION: return &session_of(n)->context_value;
    case HN_KIND_CONNECTION: return &connect_from(n)->context_value;
    default: return &request_from(n)->context_value;
  }
}

static int option_get_response_timeout(struct hn_node *n,
                                       struct hn_value *out) {
  out->number = option_response_timeout(option_settings(n));
  return 0;
}

static int option_set_response_timeout(struct hn_node *n,
                                       const struct hn_value *value) {
  option_settings(n)->response_timeout = value->number;
  return 0;
}

static int option_get_type(struct hn_node *n, struct hn_value *out) {
  out->number = node_kind(n);
  return 0;
}

static int option_get_parent(struct hn_node *n, struct hn_value *out) {
  if (!n->parent) return HN_ERR_INCORRECT_HANDLE_TYPE;
  out->number = (int64_t)n->parent->id;
  return 0;
}

static int option_get_context(struct hn_node *n, struct hn_value *out) {
  out->number = *option_context(n);
  return 0;
}

static int option_set_context(struct hn_node *n,
                              const struct hn_value *value) {
  *option_context(n) = value->number;
  return 0;
}

static int option_get_url(struct hn_node *n, struct hn_value *out) {
  struct hn_request *r = request_from(n);
  buf_clear(&r->raw);
  int rc = request_append_url(r, &r->raw);
  if (rc == 0) out->text = buf_peek(&r->raw);
  return rc;
}

static int option_get_agent(struct hn_node *n, struct hn_value *out) {
  const char *agent = session_of(n)->agent;
  out->text = slice_of(agent ? agent : "");
  return 0;
}

static int option_set_agent(struct hn_node *n, const struct hn_value *value) {
  struct hn_slice text = value->text;
  if (text.n == 0) text.p = NULL;
  return session_set_agent(session_of(n), text);
}

static int option_get_ca_file(struct hn_node *n, struct hn_value *out) {
  const char *path = session_of(n)->ca_file;
  out->text = slice_of(path ? path : "");
  return 0;
}

static int option_set_ca_file(struct hn_node *n,
                              const struct hn_value *value) {
  struct hn_slice text = value->text;
  if (text.n == 0) text.p = NULL;
  return session_set_ca_file(session_of(n), text);
}

/* WinHTTP's "unlimited" is the largest number; 0 stands for 2. */
static int64_t option_show_limit(int64_t limit) {
  return limit == INT64_MAX ? INT32_MAX : limit;
}

static int64_t option_read_limit(int64_t number) {
  if (number == 0) return 2;
  return number == INT32_MAX ? INT64_MAX : number;
}

static int option_get_max_conns(struct hn_node *n, struct hn_value *out) {
  out->number = option_show_limit(session_of(n)->pool.max_per_server);
  return 0;
}

static int option_set_max_conns(struct hn_node *n,
                                const struct hn_value *value) {
  session_of(n)->pool.max_per_server = option_read_limit(value->number);
  return 0;
}

static int option_get_max_conns_1_0(struct hn_node *n, struct hn_value *out) {
  out->number = option_show_limit(session_of(n)->pool.max_per_1_0_server);
  return 0;
}

static int option_set_max_conns_1_0(struct hn_node *n,
                                    const struct hn_value *value) {
  session_of(n)->pool.max_per_1_0_server = option_read_limit(value->number);
  return 0;
}

static void option_add(struct hn_value *record, struct hn_field *room,
                       enum hn_type type, const char *name, int64_t number) {
  room[record->count].name = name;
  room[record->count].value = (struct hn_value){.type = type, .number = number};
  record->count++;
}

/* Only what happened is in the record. */
static int option_get_times(struct hn_node *n, struct hn_value *out) {
  static const char *const names[] = {
#define HN_X(name, text) text,
    HN_TIME_LIST(HN_X)
#undef HN_X
  };
  struct hn_request *r = request_from(n);
  const int64_t *at = r->exchange.times.at;
  if (r->state == HN_REQUEST_NEW) return HN_ERR_INCORRECT_HANDLE_STATE;
  out->fields = n->rt->record;
  for (int i = HN_TIME_START + 1; i < HN_TIMES; i++)
    if (at[i])
      option_add(out, n->rt->record, HN_TYPE_SPAN, names[i], at[i] - at[0]);
  return 0;
}

static int option_get_stats(struct hn_node *n, struct hn_value *out) {
  struct hn_request *r = request_from(n);
  const struct hn_exchange *x = &r->exchange;
  struct hn_field *f = n->rt->record;
  if (r->state == HN_REQUEST_NEW) return HN_ERR_INCORRECT_HANDLE_STATE;
  out->fields = f;
  option_add(out, f, HN_TYPE_INTEGER, "request_size", (int64_t)x->written);
  option_add(out, f, HN_TYPE_INTEGER, "request_body_size", (int64_t)x->sent);
  option_add(out, f, HN_TYPE_INTEGER, "response_header_size",
             (int64_t)x->head_size);
  option_add(out, f, HN_TYPE_INTEGER, "response_body_size",
             (int64_t)x->body_size);
  option_add(out, f, HN_TYPE_INTEGER, "received", (int64_t)x->received);
  option_add(out, f, HN_TYPE_BOOLEAN, "connection_reused", x->reused);
  option_add(out, f, HN_TYPE_BOOLEAN, "retried", x->retried);
  option_add(out, f, HN_TYPE_INTEGER, "redirects",
             r->hop ? r->hop->count : 0);
  return 0;
}

static int option_get_protocol(struct hn_node *n, struct hn_value *out) {
  (void)n;
  out->number = 0;
  return 0;
}

static int option_get_opened(struct hn_node *n, struct hn_value *out) {
  out->number = (int64_t)session_of(n)->pool.opened;
  return 0;
}

static int option_get_reused(struct hn_node *n, struct hn_value *out) {
  out->number = (int64_t)session_of(n)->pool.reused;
  return 0;
}

#define OPTION_DAY (24 * 3600 * 1000)

static const struct hn_word option_policies[] = {
  {"never", HN_REDIRECT_NEVER},
  {"disallow_https_to_http", HN_REDIRECT_DISALLOW_HTTPS_TO_HTTP},
  {"always", HN_REDIRECT_ALWAYS},
  {NULL, 0},
};

static const struct hn_word option_codings[] = {
  {"gzip", HN_CODING_GZIP},   {"deflate", HN_CODING_DEFLATE},
  {"br", HN_CODING_BROTLI},   {"zstd", HN_CODING_ZSTD},
  {NULL, 0},
};

static const struct option_row option_table[] = {
#define HN_X(text_name, code, kind, query, settable, field, least, most,      \
             names, help)                                                     \
  {.entry = {.name = text_name,                                               \
             .number = code,                                                  \
             .type = HN_TYPE_##kind,                                          \
             .query_levels = HN_OPTION_##query,                               \
             .set_levels = HN_OPTION_##settable,                              \
             .text = help,                                                    \
             .words = names},                                                 \
   .offset = offsetof(struct hn_settings, field),                             \
   .min = least,                                                              \
   .max = most},
  HN_OPTION_STORED_LIST(HN_X)
#undef HN_X
#define HN_X(text_name, code, kind, query, settable, getter, setter, least,   \
             most, names, help)                                               \
  {.entry = {.name = text_name,                                               \
             .number = code,                                                  \
             .type = HN_TYPE_##kind,                                          \
             .query_levels = HN_OPTION_##query,                               \
             .set_levels = HN_OPTION_##settable,                              \
             .text = help,                                                    \
             .words = names},                                                 \
   .min = least,                                                              \
   .max = most,                                                               \
   .get = getter,                                                             \
   .set = setter},
  HN_OPTION_COMPUTED_LIST(HN_X)
#undef HN_X
#define HN_X(code, text_name) {.entry = {.name = text_name, .number = code}},
  HN_OPTION_REFUSED_LIST(HN_X)
#undef HN_X
};

enum { HN_OPTION_COUNT = sizeof option_table / sizeof option_table[0] };

const struct hn_option_entry *hn_option_at(size_t i) {
  return i < HN_OPTION_COUNT ? &option_table[i].entry : NULL;
}

static const struct option_row *option_find(struct hn_slice name) {
  for (size_t i = 0; i < HN_OPTION_COUNT; i++)
    if (slice_equal(name, slice_of(option_table[i].entry.name)))
      return &option_table[i];
  return NULL;
}

static int64_t *option_place(struct hn_node *n, const struct option_row *row) {
  return (int64_t *)(void *)((char *)option_settings(n) + row->offset);
}

static int option_check(const struct option_row *row,
                        const struct hn_value *value) {
  if (value->type != row->entry.type) return HN_ERR_INVALID_PARAMETER;
  if (value->type == HN_TYPE_TEXT) return 0;
  if (value->type == HN_TYPE_TIME && value->number == -1) return 0;
  if (value->type == HN_TYPE_FLAGS && (value->number & ~row->max))
    return HN_ERR_INVALID_PARAMETER;
  if (value->number < row->min || value->number > row->max)
    return HN_ERR_INVALID_PARAMETER;
  return 0;
}

/* The row of a name, if the handle may be asked or told it. */
static int option_find_row(hn_runtime *rt, hn_handle h, struct hn_slice name,
                           struct hn_node **n, const struct option_row **out) {
  int rc = node_find_any(rt, h, n);
  if (rc) return rc;
  const struct option_row *row = option_find(name);
  if (!row) return HN_ERR_INVALID_OPTION;
  *out = row;
  return 0;
}

int hn_set_option(hn_runtime *rt, hn_handle h, struct hn_slice name,
                  const struct hn_value *value) {
  struct hn_node *n;
  const struct option_row *row;
  int rc = option_find_row(rt, h, name, &n, &row);
  if (rc) return rc;
  unsigned level = 1u << node_kind(n);
  unsigned any = row->entry.query_levels | row->entry.set_levels;
  if (any == 0) return HN_ERR_INVALID_OPTION;
  if (!(any & level)) return HN_ERR_INCORRECT_HANDLE_TYPE;
  if (row->entry.set_levels == 0) return HN_ERR_OPTION_NOT_SETTABLE;
  if (!(row->entry.set_levels & level)) return HN_ERR_INCORRECT_HANDLE_TYPE;
  rc = option_check(row, value);
  if (rc) return rc;
  if (row->set) return row->set(n, value);
  *option_place(n, row) = value->number;
  return 0;
}

int hn_query_option(hn_runtime *rt, hn_handle h, struct hn_slice name,
                    struct hn_value *out) {
  struct hn_node *n;
  const struct option_row *row;
  int rc = option_find_row(rt, h, name, &n, &row);
  if (rc) return rc;
  /* Not supported, or only ever set: INVALID_PARAMETER (winhttp.md 2.11). */
  if (row->entry.query_levels == 0) return HN_ERR_INVALID_PARAMETER;
  if (!(row->entry.query_levels & (1u << node_kind(n))))
    return HN_ERR_INCORRECT_HANDLE_TYPE;
  struct hn_value v = {.type = row->entry.type};
  if (row->get)
    rc = row->get(n, &v);
  else
    v.number = *option_place(n, row);
  if (rc == 0) *out = v;
  return rc;
}
