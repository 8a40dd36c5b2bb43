#include "option.h"

#include <stddef.h>

enum {
  HN_OPTION_S = 1 << HN_KIND_SESSION,
  HN_OPTION_C = 1 << HN_KIND_CONNECTION,
  HN_OPTION_R = 1 << HN_KIND_REQUEST,
  HN_OPTION_SCR = HN_OPTION_S | HN_OPTION_C | HN_OPTION_R,
};

typedef int option_get_fn(struct hn_node *n, struct hn_value *out);
typedef int option_set_fn(struct hn_node *n, const struct hn_value *value);

struct option_row {
  struct hn_option_entry entry;
  unsigned set_levels; /* entry.levels may be queried, these may be set */
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

static int option_get_opened(struct hn_node *n, struct hn_value *out) {
  out->number = (int64_t)session_of(n)->pool.opened;
  return 0;
}

static int option_get_reused(struct hn_node *n, struct hn_value *out) {
  out->number = (int64_t)session_of(n)->pool.reused;
  return 0;
}

#define OPTION_AT(field) offsetof(struct hn_settings, field)
#define OPTION_DAY (24 * 3600 * 1000)

/* name, number, type, levels, query, set, text; levels that set, place,
 * least, most, get, set. */
static const struct option_row option_table[] = {
  {{"resolve_timeout", 2, HN_TYPE_TIME, HN_OPTION_SCR, true, true,
    "longest name resolution"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(resolve_timeout), 1, OPTION_DAY, NULL,
   NULL},
  {{"connect_timeout", 3, HN_TYPE_TIME, HN_OPTION_SCR, true, true,
    "longest connect, for each address, and TLS handshake"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(connect_timeout), 1, OPTION_DAY, NULL,
   NULL},
  {{"connect_retries", 4, HN_TYPE_INTEGER, HN_OPTION_S | HN_OPTION_R, true,
    true, "addresses of a host that are tried"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(connect_retries), 1, HN_MAX_ADDRESSES,
   NULL, NULL},
  {{"send_timeout", 5, HN_TYPE_TIME, HN_OPTION_SCR, true, true,
    "longest time in which nothing can be sent"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(send_timeout), 1, OPTION_DAY, NULL,
   NULL},
  {{"receive_timeout", 6, HN_TYPE_TIME, HN_OPTION_SCR, true, true,
    "longest time in which nothing of the body arrives"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(receive_timeout), 1, OPTION_DAY, NULL,
   NULL},
  {{"receive_response_timeout", 7, HN_TYPE_TIME, HN_OPTION_SCR, true, true,
    "longest wait for the whole response head"},
   HN_OPTION_S | HN_OPTION_R, 0, 1, OPTION_DAY, option_get_response_timeout,
   option_set_response_timeout},
  {{"total_timeout", 0, HN_TYPE_TIME, HN_OPTION_S | HN_OPTION_R, true, true,
    "longest time from a send to the end of the response's body"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(total_timeout), 1, OPTION_DAY, NULL,
   NULL},
  {{"handle_type", 9, HN_TYPE_INTEGER, HN_OPTION_SCR, true, false,
    "1 session, 2 connection, 3 request"},
   0, 0, 0, 0, option_get_type, NULL},
  {{"parent_handle", 21, HN_TYPE_HANDLE, HN_OPTION_C | HN_OPTION_R, true,
    false, "the handle it was made from"},
   0, 0, 0, 0, option_get_parent, NULL},
  {{"url", 34, HN_TYPE_TEXT, HN_OPTION_R, true, false,
    "the full URL of the request"},
   0, 0, 0, 0, option_get_url, NULL},
  {{"user_agent", 41, HN_TYPE_TEXT, HN_OPTION_S, true, true,
    "the User-Agent field; empty: none"},
   HN_OPTION_S, 0, 0, 0, option_get_agent, option_set_agent},
  {{"context_value", 45, HN_TYPE_INTEGER, HN_OPTION_SCR, true, true,
    "a number of the caller's, copied to children"},
   HN_OPTION_SCR, 0, INT64_MIN, INT64_MAX, option_get_context,
   option_set_context},
  {{"max_conns_per_server", 73, HN_TYPE_INTEGER, HN_OPTION_S, true, true,
    "connections to one server; further requests wait; 0 is 2"},
   HN_OPTION_S, 0, 0, INT32_MAX, option_get_max_conns, option_set_max_conns},
  {{"max_conns_per_1_0_server", 74, HN_TYPE_INTEGER, HN_OPTION_S, true, true,
    "the same for a server that speaks HTTP/1.0; 0 is 2"},
   HN_OPTION_S, 0, 0, INT32_MAX, option_get_max_conns_1_0,
   option_set_max_conns_1_0},
  {{"redirect_policy", 88, HN_TYPE_INTEGER, HN_OPTION_S | HN_OPTION_R, true,
    true, "0 never, 1 not from https to http, 2 always"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(redirect_policy), 0, 2, NULL, NULL},
  {{"max_http_automatic_redirects", 89, HN_TYPE_INTEGER,
    HN_OPTION_S | HN_OPTION_R, true, true, "hops that are followed"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(max_redirects), 0, 1000, NULL, NULL},
  {{"reject_userpwd_in_url", 100, HN_TYPE_BOOLEAN, HN_OPTION_S | HN_OPTION_R,
    true, true, "a redirect to a URL with credentials fails"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(reject_userpwd), 0, 1, NULL, NULL},
  {{"max_http_status_continue", 90, HN_TYPE_INTEGER, HN_OPTION_S | HN_OPTION_R,
    true, true, "interim (1xx) responses that are skipped"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(max_http_status_continue), 0, 1000,
   NULL, NULL},
  {{"max_response_header_size", 91, HN_TYPE_INTEGER, HN_OPTION_S | HN_OPTION_R,
    true, true, "largest response head in bytes"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(max_response_header_size), 64,
   16 * 1024 * 1024, NULL, NULL},
  {{"max_response_drain_size", 92, HN_TYPE_INTEGER, HN_OPTION_S | HN_OPTION_R,
    true, true, "unread body read away to keep its connection"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(max_response_drain_size), 0,
   (int64_t)1 << 40, NULL, NULL},
  {{"request_times", 142, HN_TYPE_RECORD, HN_OPTION_R, true, false,
    "when the parts of the exchange happened, in seconds from its start"},
   0, 0, 0, 0, option_get_times, NULL},
  {{"request_stats", 146, HN_TYPE_RECORD, HN_OPTION_R, true, false,
    "bytes sent and received, and whether the connection was used before"},
   0, 0, 0, 0, option_get_stats, NULL},
  {{"decompression", 118, HN_TYPE_INTEGER, HN_OPTION_S | HN_OPTION_R, true,
    true, "codings asked for and undone: 1 gzip, 2 deflate, 4 br, 8 zstd"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(decompression), 0, 15, NULL, NULL},
  {{"max_decoded_size", 0, HN_TYPE_INTEGER, HN_OPTION_S | HN_OPTION_R, true,
    true, "largest size a compressed body may unpack to"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(max_decoded_size), 0,
   (int64_t)1 << 46, NULL, NULL},
  {{"max_response_body", 0, HN_TYPE_INTEGER, HN_OPTION_S | HN_OPTION_R, true,
    true, "largest body that read(\"a\") takes"},
   HN_OPTION_S | HN_OPTION_R, OPTION_AT(max_response_body), 0,
   (int64_t)1 << 46, NULL, NULL},
  {{"ca_file", 0, HN_TYPE_TEXT, HN_OPTION_S, true, true,
    "PEM file of trusted certificates; empty: the system's"},
   HN_OPTION_S, 0, 0, 0, option_get_ca_file, option_set_ca_file},
  {{"connections_opened", 0, HN_TYPE_INTEGER, HN_OPTION_S, true, false,
    "connections dialled by the session"},
   0, 0, 0, 0, option_get_opened, NULL},
  {{"connections_reused", 0, HN_TYPE_INTEGER, HN_OPTION_S, true, false,
    "requests sent on a connection that had served before"},
   0, 0, 0, 0, option_get_reused, NULL},
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
  if (value->number < row->min || value->number > row->max)
    return HN_ERR_INVALID_PARAMETER;
  return 0;
}

int hn_set_option(hn_runtime *rt, hn_handle h, struct hn_slice name,
                  const struct hn_value *value) {
  struct hn_node *n;
  int rc = node_find_any(rt, h, &n);
  if (rc) return rc;
  const struct option_row *row = option_find(name);
  if (!row) return HN_ERR_INVALID_OPTION;
  unsigned level = 1u << node_kind(n);
  if (!(row->entry.levels & level)) return HN_ERR_INCORRECT_HANDLE_TYPE;
  if (!row->entry.can_set) return HN_ERR_OPTION_NOT_SETTABLE;
  if (!(row->set_levels & level)) return HN_ERR_INCORRECT_HANDLE_TYPE;
  rc = option_check(row, value);
  if (rc) return rc;
  if (row->set) return row->set(n, value);
  *option_place(n, row) = value->number;
  return 0;
}

int hn_query_option(hn_runtime *rt, hn_handle h, struct hn_slice name,
                    struct hn_value *out) {
  struct hn_node *n;
  int rc = node_find_any(rt, h, &n);
  if (rc) return rc;
  const struct option_row *row = option_find(name);
  if (!row) return HN_ERR_INVALID_OPTION;
  if (!(row->entry.levels & (1u << node_kind(n))))
    return HN_ERR_INCORRECT_HANDLE_TYPE;
  struct hn_value v = {.type = row->entry.type};
  if (row->get)
    rc = row->get(n, &v);
  else
    v.number = *option_place(n, row);
  if (rc == 0) *out = v;
  return rc;
}
