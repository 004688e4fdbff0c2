/*
 * verify_wake: a wait for a time, which others can end early.
 *
 * Life: verify_wake_init -> wait, ring ... -> verify_wake_clear. Threads: one
 * waits, any ring; locked inside.
 */
#ifndef DERPKIT_VERIFY_WAKE_H
#define DERPKIT_VERIFY_WAKE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct verify_wake {
	pthread_mutex_t lock;
	pthread_cond_t rung;
	/* locked by lock */
	bool is_rung;
	bool wanted;
};

void verify_wake_init(struct verify_wake *w);
void verify_wake_clear(struct verify_wake *w);

/* Ends the wait, or the next one. wanted: is told to who waits. */
void verify_wake_ring(struct verify_wake *w, bool wanted);

/* Waits ms at most. Returns false when *stop is set; who sets it rings.
 * *wanted, which may be NULL, is what a ring since the last wait said. */
bool verify_wake_wait(
    struct verify_wake *w, uint64_t ms, const atomic_bool *stop, bool *wanted);

#endif
