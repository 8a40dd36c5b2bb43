/*
 * duplex.h: a node with operations, one for each side at most: how a wait on it
 * is broken off, and how it gets its turn. Which operations a kind has, and
 * what moves them, it says through its ops (handle.h).
 */
#ifndef HN_CORE_DUPLEX_H
#define HN_CORE_DUPLEX_H

#include "op.h"

/* The operation that runs as `api`, or has completed so and was not yet taken;
 * or NULL. */
HN_INTERNAL struct hn_operation *duplex_operation(struct hn_node *n,
                                                  enum hn_op api);

/* What every start begins with: the handle of that kind, and whether a wait on
 * it was broken off. INVALID_HANDLE, INCORRECT_HANDLE_TYPE. */
HN_INTERNAL int duplex_find(hn_runtime *rt, hn_handle h, enum hn_kind kind,
                            struct hn_node **out);

/* To be stepped before the next wait. */
HN_INTERNAL void duplex_make_ready(struct hn_node *n);

/* True when an operation that had moved `start` bytes before this step has to
 * leave the rest to the next one, for which it is then ready. */
HN_INTERNAL bool duplex_must_pause(struct hn_node *n,
                                   const struct hn_operation *op,
                                   uint64_t start);

/* For a close: completes all that runs with OPERATION_CANCELLED, or drops it
 * when quiet. */
HN_INTERNAL void duplex_cancel(struct hn_node *n, bool quiet);

#endif
