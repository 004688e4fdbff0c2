/*
 * handover: packets on their way to connections of other cores.
 *
 * Frames for another core are copied into a batch for it; batches are posted
 * once a turn, with one wake-up at most. The receiving core hands the frames on
 * as runs and frees the batch when its turn ends. What may be under way to one
 * core is limited in bytes; beyond that packets are dropped and counted, as a
 * core that does not keep up must not make the others' memory grow.
 * Threads: loop-owned; the counts of bytes under way are atomic.
 */
#ifndef DERPKIT_HANDOVER_H
#define DERPKIT_HANDOVER_H

#include "bytes.h"
#include "config.h"
#include "mailbox.h"
#include "peers.h"

#include <stdatomic.h>

/* Bytes under way to one core. */
#define HANDOVER_MAX (16U << 20)

struct core;

/* A list of frames with their addresses; a letter. */
struct batch {
	struct mail mail;   /* first member */
	struct batch *next; /* in the receiver's list of arrived batches */
	atomic_size_t *under_way; /* the receiver's count, given back on free */
	size_t used, cap;         /* bytes of entries */
	size_t last_entry;        /* where the last one begins */
	uint8_t bytes[];
};

struct handover {
	struct batch *first[CONFIG_CORES_MAX], *last[CONFIG_CORES_MAX];
};

/* Appends a copy of the frame to the batch for addr.core. -1 when it was
 * dropped: too much under way, or memory is short. */
int handover_add(struct core *core, struct peer_addr addr, struct slice frame);

/* Posts all batches. */
void handover_post(struct core *core);

/* Frees a batch and gives its bytes back. */
void handover_free(struct batch *b);

#endif
