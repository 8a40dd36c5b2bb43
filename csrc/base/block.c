#include "block.h"

#include <stdalign.h>
#include <string.h>

#include "mem.h"

/* Stands before each record; as wide as the strictest alignment. */
union block_head {
  struct block *block;    /* while it is in use */
  union block_head *next; /* in its block's free list */
  max_align_t align;
};

struct block {
  struct hn_link link; /* among those with room, or in no list */
  union block_head *free;
  size_t used;
  size_t fresh; /* records from here on were never taken */
  union block_head heads[];
};

static struct block *block_of(struct hn_link *l) {
  return HN_CONTAINER_OF(l, struct block, link);
}

/* Heads that a record takes, with its own. */
static size_t block_stride(const struct hn_blocks *b) {
  size_t head = sizeof(union block_head);
  return 1 + (b->size + head - 1) / head;
}

void blocks_init(struct hn_blocks *b, size_t size) {
  list_init(&b->open);
  b->size = size;
}

static void block_free(struct block *k) {
  list_remove(&k->link);
  mem_free(k);
}

void blocks_fini(struct hn_blocks *b) {
  struct hn_link *l;
  while ((l = list_first(&b->open)) != NULL) block_free(block_of(l));
}

static struct block *block_new(struct hn_blocks *b) {
  size_t room = HN_BLOCK_RECORDS * block_stride(b) * sizeof(union block_head);
  struct block *k = mem_calloc(1, sizeof *k + room);
  if (k) list_append(&b->open, &k->link);
  return k;
}

void *blocks_take(struct hn_blocks *b) {
  struct hn_link *l = list_first(&b->open);
  struct block *k = l ? block_of(l) : block_new(b);
  if (!k) return NULL;
  union block_head *head = k->free;
  if (head) {
    k->free = head->next;
    memset(head + 1, 0, b->size);
  } else {
    head = &k->heads[k->fresh++ * block_stride(b)];
  }
  if (++k->used == HN_BLOCK_RECORDS) list_remove(&k->link);
  head->block = k;
  return head + 1;
}

/* One block is kept for the next record. */
void blocks_give(struct hn_blocks *b, void *p) {
  union block_head *head = (union block_head *)p - 1;
  struct block *k = head->block;
  head->next = k->free;
  k->free = head;
  if (k->used-- == HN_BLOCK_RECORDS) list_append(&b->open, &k->link);
  bool alone = b->open.next == b->open.prev;
  if (k->used == 0 && (!alone || HN_BLOCK_RECORDS == 1)) block_free(k);
}
