/*
 * consistency: whether what the relay counts agrees, and its sources of
 * admission answer: for /debug/check.
 *
 * Threads: any. Source: tailscale derp/derpserver (ConsistencyCheck).
 */
#ifndef DERPKIT_CONSISTENCY_H
#define DERPKIT_CONSISTENCY_H

#include "bytes.h"

struct counters_array;
struct registry;
struct verify_current;

struct consistency {
	const struct counters_array *counters; /* borrowed, like all */
	const struct registry *registry;
	struct verify_current *verify; /* NULL: everybody is admitted */
};

/* Writes what is wrong, with ", " between the parts. True: nothing is. */
bool consistency_check(const struct consistency *c, struct writer *problems);

#endif
