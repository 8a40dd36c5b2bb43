/*
 * option.c: WinHttpSetOption and WinHttpQueryOption over the table of
 * option_list.h.
 */
#include <assert.h>
#include <limits.h>

#include "../net/file.h"
#include "option_list.h"
#include "policy.h"

/* A time that no clock reaches; a moment and it can still be added. */
#define HN_OPTION_AGES (INT64_MAX / 4)

const struct hn_option_entry *hn_option_at(size_t i) {
  const struct option_row *row = option_row_at(i);
  return row ? &row->entry : NULL;
}

static int64_t *option_place(struct hn_node *n, const struct option_row *row) {
  char *base = row->base == HN_BASE_SETTINGS ? (char *)option_settings(n)
                                             : (char *)session_of(n);
  return (int64_t *)(void *)(base + row->offset);
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
  if (row->base == HN_BASE_TEXTS) return option_set_text(n, row, v.text);
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
  if (row->base == HN_BASE_TEXTS) {
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
