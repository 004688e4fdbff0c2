/*
 * crossing: packets on their way to connections of other workers.
 *
 * Frames for another worker are copied into a batch for it; batches are posted
 * once a turn, with one wake-up at most; with none for packets of high-rate
 * clients alone, when the other worker is about to read its own. The receiving
 * worker hands the frames on as runs and gives the batch back to its sender
 * when its turn ends, to be used again; the sender keeps a few and frees the
 * rest. What may be under way to one worker is limited in bytes; beyond that
 * packets are dropped and counted, as a worker that does not keep up must not
 * make the others' memory grow. Frames that are not packets are never dropped
 * for that: they are few, and a client that missed one would go on sending to a
 * key that has left. Threads: loop-owned; what is shared with receivers is
 * atomic. All workers' crossings must live until all mailboxes and turn
 * memories are freed.
 */
#ifndef DERPKIT_CROSSING_H
#define DERPKIT_CROSSING_H

#include "bytes.h"
#include "conn_addr.h"
#include "mailbox.h"
#include "outq.h"
#include "turn_memory.h"

#include <stdatomic.h>

/* Bytes under way to one worker, above which packets are dropped: of everybody,
 * and of those who send little, whom a flood must leave room. */
#define CROSSING_MAX (16U << 20)
#define CROSSING_LIGHT_MAX (2 * CROSSING_MAX)
#define CROSSING_WORKERS_MAX 64
/* Bytes of batches that wait with one worker to be used again. */
#define CROSSING_SPARE_MAX (1U << 20)

struct crossing;

/* A list of frames with their addresses; a message. */
struct batch {
	struct message message;   /* first member */
	struct turn_hold hold;    /* at the receiver, until its turn ends */
	struct crossing *from;    /* borrowed: gets it back */
	atomic_size_t *under_way; /* the receiver's count, given back on release
				   */
	size_t used, cap;         /* bytes of entries */
	size_t last_entry;        /* where the last one begins */
	uint8_t bytes[];
};

/* A count that many workers write to, so far from the next that no two are on
 * one cache line. */
struct crossing_count {
	atomic_size_t bytes; /* atomic */
	uint8_t pad[128 - sizeof(atomic_size_t)];
};

/* What the workers' crossings share. */
struct crossing_shared {
	unsigned workers;
	struct mailbox *mailboxes[CROSSING_WORKERS_MAX];
	struct crossing_count under_way[CROSSING_WORKERS_MAX]; /* to each */
};

struct crossing {
	struct crossing_shared *shared;
	struct counters *counters;
	struct batch *first[CROSSING_WORKERS_MAX], *last[CROSSING_WORKERS_MAX];
	/* some frame of the batches must not wait */
	bool urgent[CROSSING_WORKERS_MAX];
	/* batches to be used again, linked by message.next: */
	struct message *small, *large; /* by their size */
	/* written by receivers, too, so apart from what is not */
	uint8_t pad_before[128];
	struct message *_Atomic returned; /* atomic: by receivers, not sorted */
	atomic_size_t spare;              /* atomic: bytes of all of these */
	uint8_t pad_after[128];
};

/* Whom a frame is from. Small packets at a high rate are still little. */
struct crossing_sender {
	bool is_light; /* who sends little, or the relay itself */
	bool may_wait; /* the frame, for the high-rate clients of the other
			  worker to be read */
};

/* Appends a copy of the frame to the batch for addr.worker. -1 when it was
 * dropped: too much under way, or memory is short. */
int crossing_add(struct crossing *x, struct conn_addr addr,
    enum outq_class class, struct slice frame, struct crossing_sender sender);

/* Posts all batches. */
void crossing_post(struct crossing *x);
/* Frees the batches that were not posted and those that were kept. */
void crossing_clear(struct crossing *x);

#endif
