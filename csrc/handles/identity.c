#include "identity.h"

#include "../base/mem.h"

struct hn_identity {
  struct hn_link link;           /* in the session's list, last used first */
  struct hn_tls_options options; /* owned copy */
  const struct hn_tls_library *library; /* static */
  struct hn_tls_context *context;       /* a reference */
  bool is_loaded;
  int64_t loaded_at; /* the time of the step that parsed a slice last */
};

static void identity_free(struct hn_identities *s, struct hn_identity *i) {
  account_give(&s->env->account, HN_IDENTITY_COST);
  list_remove(&i->link);
  tls_context_free(i->context);
  tls_options_fini(&i->options);
  mem_free(i);
}

void identities_init(struct hn_identities *s, struct hn_env *env) {
  s->env = env;
  list_init(&s->all);
}

void identities_fini(struct hn_identities *s) {
  struct hn_link *l;
  while ((l = list_first(&s->all)) != NULL)
    identity_free(s, HN_CONTAINER_OF(l, struct hn_identity, link));
}

static struct hn_identity *identity_find(struct hn_identities *s,
                                         const struct hn_tls_options *o) {
  for (struct hn_link *l = s->all.next; l != &s->all; l = l->next) {
    struct hn_identity *i = HN_CONTAINER_OF(l, struct hn_identity, link);
    if (tls_options_equal(&i->options, o)) return i;
  }
  return NULL;
}

static int identity_fill(struct hn_identity *i, struct hn_parts *parts,
                         const char **detail) {
  const void *table;
  if (part_find(parts, HN_PART_TLS, &table, detail) != 0)
    return HN_ERR_SECURE_CHANNEL_ERROR;
  i->library = table;
  i->options.fault = parts->detail; /* which is free again */
  return i->library->context_new(&i->options, &i->context, detail);
}

static int identity_make(struct hn_identities *s,
                         const struct hn_tls_options *o,
                         struct hn_identity **out, const char **detail) {
  struct hn_account *account = &s->env->account;
  if (!account_take(account, HN_IDENTITY_COST)) return HN_ERR_NOT_ENOUGH_MEMORY;
  struct hn_identity *i = mem_calloc(1, sizeof *i);
  if (!i) {
    account_give(account, HN_IDENTITY_COST);
    return HN_ERR_NOT_ENOUGH_MEMORY;
  }
  list_init(&i->link);
  int rc = tls_options_copy(&i->options, o);
  if (rc == 0) rc = identity_fill(i, &s->env->parts, detail);
  if (rc) {
    identity_free(s, i);
    return rc;
  }
  *out = i;
  return 0;
}

/* A script that changes an option for every request must not keep a trust
 * store for each. True when one went that was not even loaded. */
static bool identity_trim(struct hn_identities *s) {
  size_t n = 0;
  bool wasted = false;
  struct hn_link *l = s->all.next;
  while (l != &s->all) {
    struct hn_identity *i = HN_CONTAINER_OF(l, struct hn_identity, link);
    l = l->next;
    if (++n <= HN_IDENTITIES) continue;
    wasted = wasted || !i->is_loaded;
    identity_free(s, i);
  }
  return wasted;
}

/* One slice in a step, however many requests wait for it. */
static int identity_load(struct hn_identities *s, struct hn_identity *i,
                         int64_t slice, const char **detail) {
  int64_t now = env_now_us(s->env);
  if (i->is_loaded) return 0;
  if (i->loaded_at == now) return HN_AGAIN;
  i->loaded_at = now;
  int rc = i->library->context_load(i->context, slice, detail);
  i->is_loaded = rc == 0;
  if (rc != 0 && rc != HN_AGAIN) identity_free(s, i);
  return rc;
}

int identity_get(struct hn_identities *s, const struct hn_tls_options *options,
                 struct hn_tls_context **out, const char **detail) {
  int64_t slice = HN_IDENTITY_SLICE;
  struct hn_identity *i = identity_find(s, options);
  if (!i) {
    int rc = identity_make(s, options, &i, detail);
    if (rc) return rc;
  }
  list_remove(&i->link);
  list_prepend(&s->all, &i->link);
  /* When more are loaded at a time than are kept, each would be pushed out
   * before its next turn: nobody would ever be done. */
  if (identity_trim(s)) slice = INT64_MAX / 2;
  int rc = identity_load(s, i, slice, detail);
  if (rc == 0) *out = i->context;
  return rc;
}
