#include "account.h"

#include <stdalign.h>

#include "mem.h"

/* Stands before each block; as wide as the strictest alignment. */
union account_head {
  size_t size; /* of the block and its head */
  max_align_t align;
};

bool account_take(struct hn_account *a, size_t n) {
  if (!a) return true;
  if (a->limit && (a->used > a->limit || n > a->limit - a->used)) return false;
  a->used += n;
  return true;
}

void account_give(struct hn_account *a, size_t n) {
  if (a) a->used -= n;
}

bool account_is_tight(const struct hn_account *a) {
  return a && a->limit && a->used > a->limit / 2;
}

void *account_alloc(struct hn_account *a, size_t n) {
  union account_head *head;
  if (n > SIZE_MAX - sizeof *head) return NULL;
  n += sizeof *head;
  if (!account_take(a, n)) return NULL;
  head = mem_alloc(n);
  if (!head) {
    account_give(a, n);
    return NULL;
  }
  head->size = n;
  return head + 1;
}

void account_free(struct hn_account *a, void *p) {
  if (!p) return;
  union account_head *head = (union account_head *)p - 1;
  account_give(a, head->size);
  mem_free(head);
}
