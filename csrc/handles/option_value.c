/*
 * option_value.c: options whose value has to be computed.
 */
#include "option_value.h"

/* A connection shows its session's current values (winhttp.md 1.2). */
struct hn_settings *option_settings(struct hn_node *n) {
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

int option_get_response_timeout(struct hn_node *n, struct hn_value *out) {
  out->number = settings_response_timeout(option_settings(n));
  return 0;
}

int option_get_type(struct hn_node *n, struct hn_value *out) {
  out->number = node_kind(n);
  return 0;
}

int option_get_parent(struct hn_node *n, struct hn_value *out) {
  if (!n->parent) return HN_ERR_INCORRECT_HANDLE_TYPE;
  out->number = (int64_t)n->parent->id;
  return 0;
}

int option_get_context(struct hn_node *n, struct hn_value *out) {
  out->number = *option_context(n);
  return 0;
}

int option_set_context(struct hn_node *n, const struct hn_value *value) {
  *option_context(n) = value->number;
  return 0;
}

int option_get_url(struct hn_node *n, struct hn_value *out) {
  struct hn_request *r = request_from(n);
  buf_clear(&r->raw);
  int rc = request_append_url(r, &r->raw);
  if (rc == 0) out->text = buf_peek(&r->raw);
  return rc;
}

int option_get_fragment(struct hn_node *n, struct hn_value *out) {
  const struct hn_request *r = request_from(n);
  out->text = r->hop ? hop_fragment(r->hop) : slice_of("");
  return 0;
}

int option_get_agent(struct hn_node *n, struct hn_value *out) {
  out->text = session_agent(session_of(n));
  return 0;
}

int option_set_agent(struct hn_node *n, const struct hn_value *value) {
  struct hn_slice text = value->text;
  if (text.n == 0) text.p = NULL;
  return session_set_agent(session_of(n), text);
}

/* WinHTTP's "unlimited" is the largest number; 0 stands for 2. */
static int64_t option_show_limit(int64_t limit) {
  return limit == INT64_MAX ? INT32_MAX : limit;
}

static int64_t option_read_limit(int64_t number) {
  if (number == 0) return 2;
  return number == INT32_MAX ? INT64_MAX : number;
}

int option_get_max_conns(struct hn_node *n, struct hn_value *out) {
  out->number = option_show_limit(session_of(n)->pool.max_per_server);
  return 0;
}

int option_set_max_conns(struct hn_node *n, const struct hn_value *value) {
  struct hn_pool *p = &session_of(n)->pool;
  pool_set_limits(p, option_read_limit(value->number), p->max_per_1_0_server);
  return 0;
}

int option_get_max_conns_1_0(struct hn_node *n, struct hn_value *out) {
  out->number = option_show_limit(session_of(n)->pool.max_per_1_0_server);
  return 0;
}

int option_set_max_conns_1_0(struct hn_node *n, const struct hn_value *value) {
  struct hn_pool *p = &session_of(n)->pool;
  pool_set_limits(p, p->max_per_server, option_read_limit(value->number));
  return 0;
}

int option_get_idle_time(struct hn_node *n, struct hn_value *out) {
  int64_t keep = session_of(n)->pool.keep;
  out->number = keep == INT64_MAX ? -1 : keep;
  return 0;
}

int option_set_idle_time(struct hn_node *n, const struct hn_value *value) {
  int64_t keep = value->number < 0 ? INT64_MAX : value->number;
  pool_set_keep(&session_of(n)->pool, keep);
  return 0;
}

void option_add(struct hn_node *n, struct hn_value *record, enum hn_type type,
                const char *name, int64_t number) {
  struct hn_field *room = n->rt->record;
  room[record->count].name = name;
  room[record->count].value = (struct hn_value){.type = type, .number = number};
  record->fields = room;
  record->count++;
}

void option_add_text(struct hn_node *n, struct hn_value *record,
                     const char *name, struct hn_slice text) {
  option_add(n, record, HN_TYPE_TEXT, name, 0);
  n->rt->record[record->count - 1].value.text = text;
}

/* Only what happened is in the record. */
int option_get_times(struct hn_node *n, struct hn_value *out) {
  static const char *const names[] = {
#define HN_X(name, text) text,
      HN_TIME_LIST(HN_X)
#undef HN_X
  };
  struct hn_request *r = request_from(n);
  const int64_t *at = r->exchange.times.at;
  if (r->state == HN_REQUEST_NEW) return HN_ERR_INCORRECT_HANDLE_STATE;
  for (int i = HN_TIME_START + 1; i < HN_TIMES; i++)
    if (at[i]) option_add(n, out, HN_TYPE_SPAN, names[i], at[i] - at[0]);
  return 0;
}

int option_get_stats(struct hn_node *n, struct hn_value *out) {
  struct hn_request *r = request_from(n);
  const struct hn_exchange *x = &r->exchange;
  if (r->state == HN_REQUEST_NEW) return HN_ERR_INCORRECT_HANDLE_STATE;
  option_add(n, out, HN_TYPE_INTEGER, "request_size", (int64_t)x->written);
  option_add(n, out, HN_TYPE_INTEGER, "request_body_size", (int64_t)x->sent);
  option_add(n, out, HN_TYPE_INTEGER, "response_header_size",
             (int64_t)x->head_size);
  option_add(n, out, HN_TYPE_INTEGER, "response_body_size",
             (int64_t)x->body_size);
  option_add(n, out, HN_TYPE_INTEGER, "received", (int64_t)x->received);
  option_add(n, out, HN_TYPE_BOOLEAN, "connection_reused", x->reused);
  option_add(n, out, HN_TYPE_BOOLEAN, "retried", x->retries > 0);
  option_add(n, out, HN_TYPE_INTEGER, "redirects", r->hop ? r->hop->count : 0);
  return 0;
}

int option_get_poll_budget(struct hn_node *n, struct hn_value *out) {
  out->number = n->rt->budget > 0 ? n->rt->budget : -1;
  return 0;
}

int option_set_poll_budget(struct hn_node *n, const struct hn_value *value) {
  return budget_ask(n->rt, &session_of(n)->budget,
                    value->number < 0 ? 0 : value->number);
}

int option_get_protocol(struct hn_node *n, struct hn_value *out) {
  (void)n;
  out->number = 0;
  return 0;
}

int option_get_error(struct hn_node *n, struct hn_value *out) {
  out->number = request_from(n)->info.system;
  return 0;
}

/* Bits accumulate (winhttp.md 3.1, row 63). What nobody knows is not there, so
 * it is disabled already. */
int option_set_disable(struct hn_node *n, const struct hn_value *value) {
  request_from(n)->settings.disabled |= value->number;
  return 0;
}

int option_set_expire(struct hn_node *n, const struct hn_value *value) {
  struct hn_request *r = request_from(n);
  (void)value;
  if (!r->begun) return HN_ERR_INCORRECT_HANDLE_STATE;
  exchange_expire(&r->exchange);
  return 0;
}

int option_get_fallback(struct hn_node *n, struct hn_value *out) {
  out->number = session_of(n)->tuning.stagger > 0;
  return 0;
}

int option_set_fallback(struct hn_node *n, const struct hn_value *value) {
  session_of(n)->tuning.stagger = value->number ? HN_TCP_STAGGER : 0;
  return 0;
}
