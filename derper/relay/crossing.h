/*
 * crossing: packets on their way to connections of other workers.
 *
 * Frames for another worker are copied into a batch for it; batches are posted
 * once a turn, with one wake-up at most. The receiving worker hands the frames
 * on as runs and frees the batch when its turn ends. What may be under way to
 * one worker is limited in bytes; beyond that packets are dropped and counted,
 * as a worker that does not keep up must not make the others' memory grow.
 * Threads: loop-owned; the counts of bytes under way are atomic.
 */
#ifndef DERPKIT_CROSSING_H
#define DERPKIT_CROSSING_H

#include "bytes.h"
#include "conn_addr.h"
#include "mailbox.h"
#include "outq.h"
#include "turn_memory.h"

#include <stdatomic.h>

/* Bytes under way to one worker. */
#define CROSSING_MAX (16U << 20)
#define CROSSING_WORKERS_MAX 64

/* A list of frames with their addresses; a message. */
struct batch {
	struct message message;   /* first member */
	struct turn_hold hold;    /* at the receiver, until its turn ends */
	atomic_size_t *under_way; /* the receiver's count, given back on free */
	size_t used, cap;         /* bytes of entries */
	size_t last_entry;        /* where the last one begins */
	uint8_t bytes[];
};

/* What the workers' crossings share. */
struct crossing_shared {
	unsigned workers;
	struct mailbox *mailboxes[CROSSING_WORKERS_MAX];
	atomic_size_t under_way[CROSSING_WORKERS_MAX]; /* bytes */
};

struct crossing {
	struct crossing_shared *shared;
	struct counters *counters;
	struct batch *first[CROSSING_WORKERS_MAX], *last[CROSSING_WORKERS_MAX];
};

/* Appends a copy of the frame to the batch for addr.worker. -1 when it was
 * dropped: too much under way, or memory is short. */
int crossing_add(struct crossing *x, struct conn_addr addr,
    enum outq_class class, struct slice frame);

/* Posts all batches. */
void crossing_post(struct crossing *x);
/* Frees the batches that were not posted. */
void crossing_clear(struct crossing *x);

#endif
