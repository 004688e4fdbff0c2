/*
 * verify_guard: when may an object be freed that readers find without a lock?
 *
 * A reader enters, loads the pointer, uses the object, leaves. Who has put
 * another pointer in its place waits until every reader that may have found the
 * old one has left. Readers never wait; there are two counts of them, so that
 * new ones do not keep the writer waiting.
 *
 * Life: { 0 }. Threads: enter and leave from any; wait from one at a time. All
 * accesses are sequentially consistent, the pointer's must be, too.
 */
#ifndef DERPKIT_VERIFY_GUARD_H
#define DERPKIT_VERIFY_GUARD_H

#include <stdatomic.h>
#include <stddef.h>

struct verify_guard {
	atomic_uint side; /* that new readers take */
	atomic_size_t readers[2];
};

/* Returns what leave needs. Between the two there are microseconds. */
unsigned verify_guard_enter(struct verify_guard *g);
void verify_guard_leave(struct verify_guard *g, unsigned side);

/* Returns when all readers have left that had entered before. */
void verify_guard_wait(struct verify_guard *g);

#endif
