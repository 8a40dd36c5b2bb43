/*
 * handle.h: the tree of handles, and closing, which is the same for every kind.
 *
 * Each session, connection and request begins with a struct hn_node. An id
 * finds its node through the slot table, so a stale one finds nothing.
 *
 * Closing a node closes all below it, in this order: every id dies, top-down;
 * every running operation completes once with OPERATION_CANCELLED; then, from
 * the leaves up, handle_closing is posted and the node is freed. Events are
 * values, so nothing refers to a node afterwards.
 */
#ifndef HN_CORE_HANDLE_H
#define HN_CORE_HANDLE_H

#include "event.h"

struct hn_node;
struct hn_operation;

enum hn_side { HN_SIDE_SEND, HN_SIDE_RECEIVE, HN_SIDES };

/* What the engine does to a node, whatever kind of handle it is. */
struct hn_node_ops {
  size_t size; /* of the record, for the account */
  /* Completes what runs with OPERATION_CANCELLED (not when quiet) and lets go
   * of the network. */
  void (*cancel)(struct hn_node *n, bool quiet);
  /* Its mask has changed. NOT_ENOUGH_MEMORY. May be NULL. */
  int (*listen)(struct hn_node *n);
  /* Frees the node and what it owns. */
  void (*destroy)(struct hn_node *n);
  /* What it points at and its state in one word, see hn_describe. */
  void (*describe)(const struct hn_node *n, struct hn_buf *out);
  /* A timer tagged with its id has expired. NULL: it has none. */
  void (*expire)(struct hn_node *n, const struct hn_timer *t);

  /* Those of a kind with operations (duplex.h); NULL for the others. */

  uint32_t apis; /* which ones: 1u << enum hn_op, several; numbers below 32 */
  /* Moves what runs as far as it goes. */
  void (*step)(struct hn_node *n);
  /* Whether a step would read what its connection has to say. NULL: it never
   * has one. */
  bool (*reads)(const struct hn_node *n);
  /* What it announced (HN_STATUS_HOLDS) has been heard: it goes on, if it still
   * waits for that. NULL: it waits for nothing of the kind. */
  void (*go_on)(struct hn_node *n);
  /* A wait was broken off, and nothing runs any more: nobody can say which
   * bytes the caller has seen. */
  void (*break_off)(struct hn_node *n);
  /* Says where it was when an operation fails with this code. */
  const struct hn_errinfo *(*blame)(struct hn_node *n, int code);
};

struct hn_node {
  const struct hn_node_ops *ops;
  hn_runtime *rt; /* borrowed */
  hn_handle id;
  struct hn_node *parent;  /* borrowed; NULL: none, as a session has */
  struct hn_node *session; /* borrowed; itself for a session */
  struct hn_link sibling;
  struct hn_link children; /* hn_node.sibling; owned */
  struct hn_link ready;    /* in the runtime's list of what is to be stepped */
  struct hn_link hold;     /* in env->told, or env->hearing */
  unsigned unheard; /* HN_STATUS_HOLDS events of it that were not taken */
  struct hn_operation *operations[HN_SIDES]; /* its own; NULL: none */
  struct hn_queue *queue;                    /* borrowed: the session's */
  uint32_t mask;                             /* statuses to post */
  struct hn_event_record *closing; /* owned: reserved for handle_closing */
};

/* Enters a node into the table and under its parent (NULL: it is a session, or
 * like one), which hands down its mask and queue. The caller has set ops and
 * zeroed the rest. NOT_ENOUGH_MEMORY; then nothing is entered. */
HN_INTERNAL int node_open(hn_runtime *rt, struct hn_node *n, enum hn_kind kind,
                          struct hn_node *parent, struct hn_queue *queue);

/* The node of an id of that kind: INVALID_HANDLE for a stale or foreign id,
 * INCORRECT_HANDLE_TYPE for another kind. */
HN_INTERNAL int node_find(const hn_runtime *rt, hn_handle h, enum hn_kind kind,
                          struct hn_node **out);
HN_INTERNAL int node_find_any(const hn_runtime *rt, hn_handle h,
                              struct hn_node **out);

HN_INTERNAL enum hn_kind node_kind(const struct hn_node *n);

/* Posts a notification if the node's mask asks for it. NOT_ENOUGH_MEMORY. */
HN_INTERNAL int node_notify(struct hn_node *n, uint32_t status, uint64_t number,
                            struct hn_slice text);

/* Closes the node and all below it, see above. Quiet: nothing is posted, and
 * what was queued for them is dropped. */
HN_INTERNAL void node_close(struct hn_node *n, bool quiet);

#endif
