/*
 * loop.h: hn_step, the one function that waits, and the runtime's beginning
 * and end.
 *
 * One round, in this order: run what is ready; wait once, unless there is news
 * for the caller; take look-up answers; step what the reactor reported; expire
 * deadlines. Each thing done is small: a connection moves a portion of bytes
 * (env_portion), a pool closes a few connections. A step finishes the round
 * that a budget has cut short, and goes through one more; it never loops, so
 * that whoever called regains control after one wait at most.
 */
#ifndef HN_CORE_LOOP_H
#define HN_CORE_LOOP_H

#include "receiving.h"
#include "sending.h"

#endif
