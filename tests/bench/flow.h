/*
 * flow: pairs of clients, one sending to the other as fast as it may.
 *
 * Paced: writes leave at even distances, the pairs taking turns. What a sender
 * cannot write because its socket is full it owes, up to a limit: what is
 * beyond it was never offered, and is counted as held back (the relay pushed
 * back) or late (we were too slow). Unstoppable (rate 0): every sender writes
 * whenever its socket takes something, whatever is lost.
 * Every packet carries its pair, its number and bytes that depend on both.
 * Threads: one flow_worker each; see load.h.
 */
#ifndef DERPKIT_FLOW_H
#define DERPKIT_FLOW_H

#include "load_run.h"

struct flow_counts { /* packets; those sent in the measuring window */
	uint64_t sent;
	uint64_t lost;       /* a later one arrived, this one never did */
	uint64_t unfinished; /* behind the last one that arrived */
	uint64_t reordered;  /* number not above the last one */
	uint64_t corrupt;    /* wrong length, source or content */
	uint64_t delivered;  /* arrived during the window, whenever sent */
	uint64_t held_back;  /* not offered: the socket was full */
	uint64_t late;       /* not offered: the load tool was too slow */
	uint64_t broken;     /* connections that ended */
};

struct flow_worker {
	struct load *load;
	unsigned index; /* takes the pairs index, index + threads, ... */
	struct flow_counts counts;
	struct fail why; /* of the first broken connection */
};

/* A thread's body: logs in, waits at the gate, runs all phases. ctx is a
 * struct flow_worker. */
void *flow_run(void *ctx);

#endif
