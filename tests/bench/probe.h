/*
 * probe: a quiet pair that measures latency.
 *
 * A sends 64 bytes to B, B sends them back: two hops through the relay. Pings
 * leave on schedule, whether or not the last one is back, and each is timed
 * from when it should have left: a relay that stalls cannot hide it. Pings that
 * never come back are counted, and enter the histogram as if they had taken
 * until the end of the drain phase.
 * The thread asks for real-time priority, so that it measures the relay and
 * not the load tool beside it. Threads: one probe_worker; see load.h.
 */
#ifndef DERPKIT_PROBE_H
#define DERPKIT_PROBE_H

#include "load_run.h"

struct probe_worker {
	struct load *load;
	bool realtime; /* priority was granted */
	uint64_t sent; /* in the measuring window */
	uint64_t lost; /* of those */
	uint64_t broken;
	struct histogram rtt;
	struct fail why;
};

/* A thread's body. ctx is a struct probe_worker. */
void *probe_run(void *ctx);

#endif
