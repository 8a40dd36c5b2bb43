#include "option.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>

#include "../proto/follow.h"
#include "../net/file.h"
#include "../proto/url.h"
#include "option_list.h"
#include "option_value.h"
#include "policy.h"

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
typedef int option_check_fn(struct hn_node *n, struct hn_slice text);

struct option_row {
  struct hn_option_entry entry;
  size_t offset; /* in struct hn_settings, when get and set are NULL */
  option_get_fn *get;
  option_set_fn *set;
  bool is_text; /* in struct hn_texts, at `text` */
  enum hn_text text;
  option_check_fn *check; /* of a text; may be NULL */
};

/* A time that no clock reaches; a moment and it can still be added. */
#define HN_OPTION_AGES (INT64_MAX / 4)

static const struct hn_word option_policies[] = {
    {"never", HN_REDIRECT_NEVER},
    {"disallow_https_to_http", HN_REDIRECT_DISALLOW_HTTPS_TO_HTTP},
    {"always", HN_REDIRECT_ALWAYS},
    {NULL, 0},
};

static const struct hn_word option_codings[] = {
    {"gzip", HN_CODING_GZIP},
    {"deflate", HN_CODING_DEFLATE},
    {"br", HN_CODING_BROTLI},
    {"zstd", HN_CODING_ZSTD},
    {NULL, 0},
};

static const struct hn_word option_protocols[] = {
    {"tls1_2", HN_TLS_1_2},
    {"tls1_3", HN_TLS_1_3},
    {NULL, 0},
};

static const struct hn_word option_ignores[] = {
    {"ignore_unknown_ca", HN_TLS_IGNORE_UNKNOWN_CA},
    {"ignore_cert_wrong_usage", HN_TLS_IGNORE_WRONG_USAGE},
    {"ignore_cert_cn_invalid", HN_TLS_IGNORE_CN_INVALID},
    {"ignore_cert_date_invalid", HN_TLS_IGNORE_DATE_INVALID},
    {"ignore_all_cert_errors", 0x3300},
    {"ignore_weak_signature", HN_TLS_IGNORE_WEAK_SIGNATURE},
    {"ignore_invalid_cert", HN_TLS_IGNORE_INVALID_CERT},
    {NULL, 0},
};

static const struct hn_word option_disables[] = {
    {"cookies", HN_DISABLE_COOKIES},
    {"redirects", HN_DISABLE_REDIRECTS},
    {"authentication", HN_DISABLE_AUTHENTICATION},
    {"keep_alive", HN_DISABLE_KEEP_ALIVE},
    {NULL, 0},
};

static const struct hn_word option_enables[] = {
    {"ssl_revocation", HN_ENABLE_SSL_REVOCATION},
    {NULL, 0},
};

static const struct hn_word option_no_delays[] = {
    {"auto", HN_TCP_NO_DELAY_AUTO},
    {"on", HN_TCP_NO_DELAY_ON},
    {"off", HN_TCP_NO_DELAY_OFF},
    {NULL, 0},
};

static int option_check_path(struct hn_node *n, struct hn_slice text) {
  struct hn_unix_path path;
  const char *detail;
  (void)n;
  if (text.n == 0) return 0;
  return address_parse_path(text, &path, &detail);
}

static int option_check_addresses(struct hn_node *n, struct hn_slice text) {
  struct hn_addresses list;
  (void)n;
  if (text.n == 0) return 0;
  return address_parse_list(text, &list) ? 0 : HN_ERR_INVALID_PARAMETER;
}

static int option_check_host(struct hn_node *n, struct hn_slice text) {
  (void)n;
  if (text.n == 0) return 0;
  return url_is_host(text) ? 0 : HN_ERR_INVALID_PARAMETER;
}

/* A plain request has nobody to show a certificate to (winhttp.md 3.1). */
static int option_check_client_cert(struct hn_node *n, struct hn_slice text) {
  (void)text;
  return node_kind(n) == HN_KIND_REQUEST && !request_from(n)->opened_secure
             ? HN_ERR_INCORRECT_HANDLE_STATE
             : 0;
}

/* Connections made from elsewhere must not serve the next request. */
static int option_check_local(struct hn_node *n, struct hn_slice text) {
  struct hn_session *s = session_of(n);
  struct hn_address local = {0};
  if (text.n > 0 && !address_parse(text, 0, &local))
    return HN_ERR_INVALID_PARAMETER;
  s->tuning.local = local;
  pool_retire(&s->pool);
  return 0;
}

static int option_check_interface(struct hn_node *n, struct hn_slice text) {
  struct hn_session *s = session_of(n);
  int rc = tcp_tune_set_interface(&s->tuning, text);
  if (rc == 0) pool_retire(&s->pool);
  return rc;
}

static const struct option_row option_table[] = {
#define HN_X(text_name, code, kind, query, settable, field, least, most,       \
             names, help)                                                      \
  {.entry = {.name = text_name,                                                \
             .number = code,                                                   \
             .type = HN_TYPE_##kind,                                           \
             .query_levels = HN_OPTION_##query,                                \
             .set_levels = HN_OPTION_##settable,                               \
             .text = help,                                                     \
             .words = names,                                                   \
             .min = least,                                                     \
             .max = most},                                                     \
   .offset = offsetof(struct hn_settings, field)},
    HN_OPTION_STORED_LIST(HN_X)
#undef HN_X
#define HN_X(text_name, code, kind, query, settable, getter, setter, least,    \
             most, names, help)                                                \
  {.entry = {.name = text_name,                                                \
             .number = code,                                                   \
             .type = HN_TYPE_##kind,                                           \
             .query_levels = HN_OPTION_##query,                                \
             .set_levels = HN_OPTION_##settable,                               \
             .text = help,                                                     \
             .words = names,                                                   \
             .min = least,                                                     \
             .max = most},                                                     \
   .get = getter,                                                              \
   .set = setter},
        HN_OPTION_COMPUTED_LIST(HN_X)
#undef HN_X
#define HN_X(text_name, code, query, settable, which, checker, help)           \
  {.entry = {.name = text_name,                                                \
             .number = code,                                                   \
             .type = HN_TYPE_TEXT,                                             \
             .query_levels = HN_OPTION_##query,                                \
             .set_levels = HN_OPTION_##settable,                               \
             .text = help},                                                    \
   .is_text = true,                                                            \
   .text = HN_TEXT_##which,                                                    \
   .check = checker},
            HN_OPTION_TEXT_LIST(HN_X)
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

static bool option_is_time(const struct hn_value *value) {
  return value->type == HN_TYPE_TIME || value->type == HN_TYPE_SPAN;
}

static int option_check(const struct option_row *row,
                        const struct hn_value *value) {
  if (value->type != row->entry.type) return HN_ERR_INVALID_PARAMETER;
  if (value->type == HN_TYPE_TEXT || value->type == HN_TYPE_NONE) return 0;
  if (option_is_time(value) && value->number == -1) return 0;
  if (value->type == HN_TYPE_FLAGS && (value->number & ~row->entry.max))
    return HN_ERR_INVALID_PARAMETER;
  if (value->number < row->entry.min || value->number > row->entry.max)
    return HN_ERR_INVALID_PARAMETER;
  return 0;
}

static const char *option_get_text(struct hn_node *n, enum hn_text which) {
  return node_kind(n) == HN_KIND_REQUEST ? request_text(request_from(n), which)
                                         : session_of(n)->texts.at[which];
}

/* A path is what it was when it was given, wherever the process goes then. */
static int option_keep_text(struct hn_texts *t, const struct option_row *row,
                            struct hn_slice text) {
  if (text.n == 0 || !policy_is_file(row->text))
    return texts_set(t, row->text, text);
  struct hn_buf path;
  buf_init(&path, 2 * PATH_MAX);
  int rc = file_append_absolute(text, &path);
  if (rc == 0) rc = texts_set(t, row->text, buf_peek(&path));
  buf_fini(&path);
  return rc == HN_ERR_NOT_ENOUGH_MEMORY || rc == 0 ? rc
                                                   : HN_ERR_INVALID_PARAMETER;
}

static int option_set_text(struct hn_node *n, const struct option_row *row,
                           struct hn_slice text) {
  struct hn_texts *t = &session_of(n)->texts;
  int rc = policy_check_text(n, row->text, text);
  if (rc == 0 && row->check) rc = row->check(n, text);
  if (rc) return rc;
  if (node_kind(n) == HN_KIND_REQUEST) {
    struct hn_request *r = request_from(n);
    if (!r->texts) r->texts = mem_calloc(1, sizeof *r->texts);
    if (!r->texts) return HN_ERR_NOT_ENOUGH_MEMORY;
    r->texts->account = &n->rt->env.account;
    t = r->texts;
  }
  return option_keep_text(t, row, text);
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

static int option_apply(struct hn_node *n, const struct option_row *row,
                        const struct hn_value *value) {
  struct hn_value v = *value;
  if (row->is_text) return option_set_text(n, row, v.text);
  if (option_is_time(&v) && v.number > HN_OPTION_AGES)
    v.number = HN_OPTION_AGES;
  if (row->set) return row->set(n, &v);
  *option_place(n, row) = v.number;
  return 0;
}

int hn_set_option(hn_runtime *rt, hn_handle h, struct hn_slice name,
                  const struct hn_value *value) {
  assert(value);
  assert(value->type != HN_TYPE_TEXT || slice_is_sound(value->text));
  assert(slice_is_sound(name));
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
  if (rc == 0) rc = option_apply(n, row, value);
  runtime_note(rt); /* some close connections, for which others wait */
  return rc;
}

int hn_query_option(hn_runtime *rt, hn_handle h, struct hn_slice name,
                    struct hn_value *out) {
  assert(out && slice_is_sound(name));
  struct hn_node *n;
  const struct option_row *row;
  int rc = option_find_row(rt, h, name, &n, &row);
  if (rc) return rc;
  /* Not supported, or only ever set: INVALID_PARAMETER (winhttp.md 2.11). */
  if (row->entry.query_levels == 0) return HN_ERR_INVALID_PARAMETER;
  if (!(row->entry.query_levels & (1u << node_kind(n))))
    return HN_ERR_INCORRECT_HANDLE_TYPE;
  struct hn_value v = {.type = row->entry.type};
  if (row->is_text) {
    const char *text = option_get_text(n, row->text);
    v.text = slice_of(text ? text : "");
  } else if (row->get) {
    rc = row->get(n, &v);
  } else {
    v.number = *option_place(n, row);
  }
  if (rc == 0) *out = v;
  return rc;
}
