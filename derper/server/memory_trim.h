/*
 * memory_trim: gives the memory of connections that have ended back to the
 * system, which the allocator of itself keeps for good.
 *
 * Threads: the main thread's.
 */
#ifndef DERPKIT_MEMORY_TRIM_H
#define DERPKIT_MEMORY_TRIM_H

#include "ip_limit.h"

/* Open connections, as they were; { 0 } at first. */
struct memory_trim {
	size_t most_open;    /* since memory was given back */
	size_t trimmed_open; /* when it was */
	size_t last_open;    /* when last looked at */
};

/* Looks whether it is worth it, and does it. Called every second or so. */
void memory_trim(struct memory_trim *t, struct ip_limit *connections);

#endif
