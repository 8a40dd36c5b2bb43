/*
 * account.h: the bytes that one user of the engine holds, counted where they
 * are taken and given back, and how many they may be.
 *
 * Beyond the limit taking fails as an allocation does. An account belongs to
 * one thread; it must outlive what was taken on it. A NULL account counts
 * nothing.
 */
#ifndef HN_BASE_ACCOUNT_H
#define HN_BASE_ACCOUNT_H

#include "err.h"

struct hn_account {
  size_t used;
  size_t limit; /* 0: none */
};

/* False when that would be too much; then nothing is taken. */
HN_INTERNAL bool account_take(struct hn_account *a, size_t n);
HN_INTERNAL void account_give(struct hn_account *a, size_t n);

/* More than half the limit is used: nothing should be kept for later. */
HN_INTERNAL bool account_is_tight(const struct hn_account *a);

/* Memory that remembers its size, for what a library allocates through us; NULL
 * beyond the limit too. p may be NULL. */
HN_INTERNAL void *account_alloc(struct hn_account *a, size_t n);
HN_INTERNAL void account_free(struct hn_account *a, void *p);

#endif
