/* verify_guard: see verify_guard.h. */
#include "verify_guard.h"

#include <sched.h>
#include <time.h>

#define SPINS 100
#define PAUSE_NS 100000

unsigned
verify_guard_enter(struct verify_guard *g)
{
	const unsigned side = atomic_load(&g->side) & 1;

	atomic_fetch_add(&g->readers[side], 1);
	return side;
}

void
verify_guard_leave(struct verify_guard *g, unsigned side)
{
	atomic_fetch_sub(&g->readers[side], 1);
}

/* A reader may have read the side long ago and count itself only now, on
 * either: so both must have been seen empty. Such a late one loads the pointer
 * after that and finds the new one. */
void
verify_guard_wait(struct verify_guard *g)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	for (int phase = 0; phase < 2; phase++) {
		const unsigned side = atomic_fetch_add(&g->side, 1) & 1;

		for (int spins = 0; atomic_load(&g->readers[side]) > 0; spins++)
			if (spins < SPINS)
				sched_yield();
			else
				nanosleep(&pause, NULL);
	}
}
