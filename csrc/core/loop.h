/*
 * loop.h: hn_step, the one function that waits, and the runtime's beginning
 * and end.
 *
 * One pass, in this order: run what is ready; wait once, unless there is news
 * for the caller; take look-up answers; step what the reactor reported; expire
 * deadlines. It never loops inside, so that whoever called regains control
 * after one wait at most.
 */
#ifndef HN_CORE_LOOP_H
#define HN_CORE_LOOP_H

#include "receiving.h"
#include "sending.h"

#endif
