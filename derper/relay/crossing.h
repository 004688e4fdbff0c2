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
#include "config.h"
#include "mailbox.h"
#include "registry.h"

#include <stdatomic.h>

/* Bytes under way to one worker. */
#define CROSSING_MAX (16U << 20)

struct worker;

/* A list of frames with their addresses; a message. */
struct batch {
	struct message message; /* first member */
	struct batch *next;     /* in the receiver's list of arrived batches */
	atomic_size_t *under_way; /* the receiver's count, given back on free */
	size_t used, cap;         /* bytes of entries */
	size_t last_entry;        /* where the last one begins */
	uint8_t bytes[];
};

struct crossing {
	struct batch *first[CONFIG_WORKERS_MAX], *last[CONFIG_WORKERS_MAX];
};

/* Appends a copy of the frame to the batch for addr.worker. -1 when it was
 * dropped: too much under way, or memory is short. */
int crossing_add(
    struct worker *worker, struct conn_addr addr, struct slice frame);

/* Posts all batches. */
void crossing_post(struct worker *worker);

/* Frees a batch and gives its bytes back. */
void crossing_free(struct batch *b);

#endif
