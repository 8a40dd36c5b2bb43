#include "handle.h"

#include <assert.h>
#include <string.h>

#include "../http/pool.h"

int node_find_any(const hn_runtime *rt, hn_handle h, struct hn_node **out) {
  assert(rt);
  struct hn_node *n = NULL;
  if (slot_type_of(h) < HN_SLOT_KINDS && !env_is_other(&rt->env))
    n = slots_get_any(&rt->env.slots, h);
  if (!n) return HN_ERR_INVALID_HANDLE;
  *out = n;
  return 0;
}

int node_find(const hn_runtime *rt, hn_handle h, enum hn_kind kind,
              struct hn_node **out) {
  struct hn_node *n;
  int rc = node_find_any(rt, h, &n);
  if (rc) return rc;
  if (slot_type_of(h) != (uint8_t)kind) return HN_ERR_INCORRECT_HANDLE_TYPE;
  *out = n;
  return 0;
}

enum hn_kind node_kind(const struct hn_node *n) {
  return (enum hn_kind)slot_type_of(n->id);
}

/* handle_closing must not fail for want of memory when the time comes. */
static int node_reserve_closing(struct hn_node *n, uint32_t mask) {
  if (n->closing || !(mask & HN_STATUS_HANDLE_CLOSING)) return 0;
  return event_reserve(n->rt, &n->closing);
}

int node_open(hn_runtime *rt, struct hn_node *n, enum hn_kind kind,
              struct hn_node *parent, struct hn_queue *queue) {
  const struct hn_guard *g = rt->env.guard;
  if ((g && rt->handles >= g->max_handles) ||
      !account_take(&rt->env.account, n->ops->size))
    return HN_ERR_NOT_ENOUGH_MEMORY;
  n->rt = rt;
  n->parent = parent;
  n->session = parent ? parent->session : n;
  n->queue = queue;
  n->mask = parent ? parent->mask : 0;
  n->closing = NULL;
  n->unheard = 0;
  list_init(&n->sibling);
  list_init(&n->children);
  list_init(&n->ready);
  list_init(&n->hold);
  int rc = node_reserve_closing(n, n->mask);
  if (rc == 0) rc = slots_put(&rt->env.slots, (uint8_t)kind, n, &n->id);
  if (rc) {
    event_unreserve(rt, n->closing);
    n->closing = NULL;
    account_give(&rt->env.account, n->ops->size);
    return rc;
  }
  list_append(parent ? &parent->children : &rt->sessions, &n->sibling);
  rt->handles++;
  return 0;
}

int node_notify(struct hn_node *n, uint32_t status, uint64_t number,
                struct hn_slice text) {
  if (!(n->mask & status)) return 0;
  const struct hn_event e = {
      .handle = n->id, .status = status, .number = number, .text = text};
  int rc = event_post(n->rt, n->queue, &e);
  if (rc || !(status & HN_STATUS_HOLDS)) return rc;
  n->unheard++;
  list_remove(&n->hold); /* for one before, of what was broken off */
  return 0;
}

/* The tree has three floors, so recursion is bounded by its build. */
static void node_kill(struct hn_node *n) {
  slots_remove(&n->rt->env.slots, n->id);
  n->rt->handles--;
  for (struct hn_link *l = n->children.next; l != &n->children; l = l->next)
    node_kill(HN_CONTAINER_OF(l, struct hn_node, sibling));
}

static void node_cancel(struct hn_node *n, bool quiet) {
  n->ops->cancel(n, quiet);
  for (struct hn_link *l = n->children.next; l != &n->children; l = l->next)
    node_cancel(HN_CONTAINER_OF(l, struct hn_node, sibling), quiet);
}

static void node_post_closing(struct hn_node *n) {
  if (!n->closing || !(n->mask & HN_STATUS_HANDLE_CLOSING)) return;
  n->closing->event.status = HN_STATUS_HANDLE_CLOSING;
  n->closing->event.number = n->id;
  event_post_reserved(n->rt, n->queue, n->id, n->closing);
  n->closing = NULL;
}

static void node_end(struct hn_node *n, bool quiet) {
  struct hn_link *l;
  while ((l = list_first(&n->children)) != NULL)
    node_end(HN_CONTAINER_OF(l, struct hn_node, sibling), quiet);
  /* A session takes along what handles closed before it have left behind:
   * nobody can ask for it any more. */
  if (quiet)
    event_drop_handle(n->rt, n->queue, n->parent ? n->id : 0);
  else
    node_post_closing(n);
  event_unreserve(n->rt, n->closing);
  account_give(&n->rt->env.account, n->ops->size);
  list_remove(&n->sibling);
  list_remove(&n->ready);
  list_remove(&n->hold);
  n->ops->destroy(n);
}

void node_close(struct hn_node *n, bool quiet) {
  hn_runtime *rt = n->rt;
  node_kill(n);
  node_cancel(n, quiet);
  node_end(n, quiet);
  runtime_note(rt);
}

int hn_close(hn_runtime *rt, hn_handle h) {
  struct hn_node *n;
  int rc = node_find_any(rt, h, &n);
  if (rc) return rc;
  node_close(n, false);
  pool_flush(&rt->env);
  return 0;
}

void hn_discard(hn_runtime *rt, hn_handle h) {
  struct hn_node *n;
  if (node_find_any(rt, h, &n) == 0) node_close(n, true);
}

bool hn_is_valid(const hn_runtime *rt, hn_handle h) {
  struct hn_node *n;
  return node_find_any(rt, h, &n) == 0;
}

int hn_kind_of(hn_handle h) {
  uint8_t type = slot_type_of(h);
  return type < HN_SLOT_KINDS ? type : 0;
}

uint32_t hn_index_of(hn_handle h) {
  return slot_index_of(h);
}

void hn_live(const hn_runtime *rt, size_t *handles, size_t *operations) {
  assert(rt && handles && operations);
  bool other = env_is_other(&rt->env);
  *handles = other ? 0 : rt->handles;
  *operations = other ? 0 : rt->operations;
}

int hn_parent(const hn_runtime *rt, hn_handle h, hn_handle *out) {
  assert(out);
  struct hn_node *n;
  int rc = node_find_any(rt, h, &n);
  if (rc == 0) *out = n->parent ? n->parent->id : 0;
  return rc;
}

int hn_session_of(const hn_runtime *rt, hn_handle h, hn_handle *out) {
  assert(out);
  struct hn_node *n;
  int rc = node_find_any(rt, h, &n);
  if (rc == 0) *out = n->session->id;
  return rc;
}

int hn_is_async(const hn_runtime *rt, hn_handle h, bool *out) {
  assert(out);
  struct hn_node *n;
  int rc = node_find_any(rt, h, &n);
  if (rc == 0) *out = n->queue->is_async;
  return rc;
}

int hn_describe(const hn_runtime *rt, hn_handle h, char *text, size_t size) {
  assert(text || size == 0);
  struct hn_node *n;
  int rc = node_find_any(rt, h, &n);
  if (rc) return rc;
  if (size == 0) return HN_ERR_INSUFFICIENT_BUFFER;
  struct hn_buf b;
  buf_init(&b, HN_MAX_URL + 2 * HN_MAX_HOST);
  n->ops->describe(n, &b);
  struct hn_slice s = slice_sub(buf_peek(&b), 0, size - 1);
  if (s.n) memcpy(text, s.p, s.n);
  text[s.n] = '\0';
  buf_fini(&b);
  return 0;
}

int hn_set_mask(hn_runtime *rt, hn_handle h, uint32_t mask) {
  struct hn_node *n;
  int rc = node_find_any(rt, h, &n);
  if (rc == 0) rc = node_reserve_closing(n, mask);
  if (rc) return rc;
  uint32_t old = n->mask;
  n->mask = mask;
  if (n->ops->listen) rc = n->ops->listen(n);
  if (rc) n->mask = old;
  return rc;
}

int hn_get_mask(const hn_runtime *rt, hn_handle h, uint32_t *mask) {
  assert(mask);
  struct hn_node *n;
  int rc = node_find_any(rt, h, &n);
  if (rc == 0) *mask = n->mask;
  return rc;
}
