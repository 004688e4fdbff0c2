/*
 * rtt_sampler: counts the round-trip times of a worker's clients.
 *
 * Every ten seconds the kernel is asked about each of them, a part per turn, so
 * that packets never wait for it. Each sample counts in one bucket. Life:
 * rtt_sampler_start -> the worker's end. Threads: loop-owned.
 * Source: tailscale derp/derpserver/derpserver_linux.go.
 */
#ifndef DERPKIT_RTT_SAMPLER_H
#define DERPKIT_RTT_SAMPLER_H

#include "loop.h"

struct worker;

#define RTT_SAMPLER_ROUND_MS 10000
/* Connections looked at in one turn, each for a system call. */
#define RTT_SAMPLER_STEP 128
/* Places in the table, of which many are free after many have left. */
#define RTT_SAMPLER_SLOTS 4096

struct rtt_sampler {
	struct worker *worker; /* borrowed */
	struct loop_timer timer;
	uint64_t round_ms; /* when this round began */
	uint32_t at;       /* in the table of connections */
};

/* The first round begins in RTT_SAMPLER_ROUND_MS. -1 when memory is short. */
int rtt_sampler_start(struct rtt_sampler *s, struct worker *worker);
#endif
