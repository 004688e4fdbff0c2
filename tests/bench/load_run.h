/*
 * load_run: what the parts of derp-load share: the orders, the phases of a run
 * and its results.
 *
 * Every worker thread logs its clients in, then waits at the gate; main opens
 * it for all at once and fixes the times of the phases: warm up until `from`,
 * measure until `to`, drain until `end`. Threads: struct load and the times
 * are immutable once the gate is open; each result belongs to its worker until
 * it has been joined.
 */
#ifndef DERPKIT_LOAD_RUN_H
#define DERPKIT_LOAD_RUN_H

#include "histogram.h"
#include "load_peer.h"

#include <pthread.h>

#define LOAD_PACKET_MIN 16 /* bytes: number of the pair and of the packet */
#define LOAD_PACKET_MAX 8192
#define LOAD_PER_WRITE_MAX 64

struct load_gate {
	pthread_barrier_t arrived;                 /* all have logged in */
	pthread_barrier_t opened;                  /* the times are set */
	uint64_t begin_ns, from_ns, to_ns, end_ns; /* monotonic */
};

struct load {
	struct relay relay;
	struct relay far; /* where receivers are; else the same */
	/* traffic */
	unsigned threads;
	unsigned pairs; /* receivers, and senders as long as each has one */
	unsigned destinations; /* receivers of each sender */
	unsigned packet;       /* bytes */
	unsigned per_write;    /* packets */
	uint64_t rate;         /* packets per second in total; 0: unstoppable */
	/* latency */
	unsigned probe_hz; /* 0: none */
	unsigned probe_packet;
	/* crowd */
	unsigned clients;
	unsigned concurrency;
	/* phases */
	uint64_t warmup_ns, measure_ns, drain_ns;
	struct load_gate gate;
};

/* Monotonic time. */
uint64_t load_run_now_ns(void);

/* Both barriers of the gate, on a worker. */
void load_run_wait_for_gate(struct load *load);

/* For what cannot go on: prints it and exits with 2. */
__attribute__((format(printf, 1, 2), noreturn)) void load_run_die(
    const char *fmt, ...);

#endif
