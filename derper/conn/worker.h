/*
 * worker: what the connections of one event-loop thread share.
 *
 * The loop, the memory of a turn, the table of connections, the queue of those
 * who wait to log in, what may be kept for all of them together, and when to
 * read them. Packets of a turn stay where they were read; what a destination
 * gets is a list of runs in that memory (outq.h). At the end of the turn every
 * destination is flushed once and the memory is free for the next turn: that,
 * and accepting connections, is service.h.
 *
 * Threads: loop-owned; any thread may post to the mailbox and read the
 * counters. Life: worker_new -> service_new ... -> worker_free.
 */
#ifndef DERPKIT_WORKER_H
#define DERPKIT_WORKER_H

#include "conn_table.h"
#include "counters.h"
#include "log.h"
#include "login_queue.h"
#include "loop.h"
#include "mailbox.h"
#include "memory_budget.h"
#include "outq.h"
#include "pacing.h"
#include "shed_list.h"
#include "stream.h"
#include "turn_memory.h"

struct conn;
struct ip_limit;

/* Handshakes and logins handled in one turn: each costs as much as hundreds of
 * packets, and packets wait for the turn to end. */
#define WORKER_LOGINS_PER_TURN 2
/* Addresses with a login queue of their own; the rest shares one. */
#define WORKER_LOGIN_SOURCES 4096
/* Bytes that may be read in one turn before what was read is flushed: a few
 * chunks batch well and still fit a second-level cache. */
#define WORKER_ARENA (STREAM_READ_ROOM * 4 + STREAM_CHUNK + 256)

/* What may wait for a patient connection, see conn.h: these or a quarter of the
 * worker's unread_bytes, and at least as much as for others. */
#define WORKER_PATIENT_PACKETS 1024
#define WORKER_PATIENT_BYTES ((size_t)8 << 20)

/* Turns of which the time that packets wait is taken: one of so many. */
#define WORKER_WAIT_SAMPLE 16

/* The same for all workers; immutable while they run. */
struct worker_config {
	struct ip_limit *ip_limit;             /* borrowed */
	const struct counters_array *counters; /* borrowed; of all workers */
	/* output queues, see outq.h */
	unsigned queue_depth; /* packets */
	size_t queue_bytes;
	size_t (*frame_len)(const uint8_t *p);
	/* of all clients of a worker, for what they leave unread, and as much
	 * for what they leave unfinished */
	size_t unread_bytes;
	/* of all connections of a worker that are not logged in, see shed.h */
	size_t login_bytes;
	size_t login_slots;
	size_t handshakes, handshakes_per_address; /* in progress */
	uint64_t write_timeout_ms; /* for a socket that takes nothing; 0: none
				    */
	uint64_t batch_delay_us;   /* see pacing.h */
};

/* Connections that were found to be high-rate, see pacing.h; some may have
 * ended or slowed down meanwhile. */
struct worker_high_rate {
	struct conn_addr *addrs; /* owned */
	size_t count, cap;
	uint64_t judged_ms; /* when all of them were judged */
};

struct worker {
	/* immutable */
	const struct worker_config *config; /* borrowed, shared */
	unsigned index;
	struct loop *loop;         /* owned */
	struct mailbox *mailbox;   /* owned; messages get the worker as ctx */
	struct counters *counters; /* borrowed */

	/* connections */
	struct conn_table *conns;
	struct login_queue *logins; /* handshakes and logins */
	/* TLS handshakes that begin when there is room for them, which there
	 * may be when the timer fires */
	struct login_queue *handshakes_to_begin;
	struct loop_timer handshake_timer;
	struct shed_list *slots;      /* of those that are not logged in */
	struct shed_list *handshakes; /* of those in a TLS handshake */
	struct conn *dirty;           /* have something to flush */
	struct conn *ended;           /* to be freed at the end of the turn */
	bool draining;                /* no new ones */

	/* memory and time */
	struct turn_memory *memory;
	struct memory_budget budget;
	struct pacing pacing;
	struct worker_high_rate high_rate;
	struct stream_scratch *scratch; /* owned */
	struct outq_shared out;
	struct outq_shared out_patient; /* of patient connections, see conn.h */

	/* what the layer above does; NULL: nothing */
	/* before the last output of a turn is flushed */
	void (*turn_ending)(void *ctx);
	/* when output is flushed, before the turn's memory is free */
	void (*flushed)(void *ctx);
	void *hook_ctx;

	struct log_limit log_login; /* lines that anybody can cause */
	unsigned turns_noted;       /* see worker_note_turn */
};

/* Returns owned; NULL and the reason. The counters are borrowed. */
struct worker *worker_new(const struct worker_config *config, unsigned index,
    struct counters *counters, struct fail *why);
/* After its connections have been freed. */
void worker_free(struct worker *worker);

/* A packet has waited for so long before it was sent, ns: takes it into the
 * moving average. */
void worker_note_wait(struct worker *worker, uint64_t ns);
/* Packets were flushed, which have waited since the turn began; looks at the
 * clock for every WORKER_WAIT_SAMPLE-th turn. */
void worker_note_turn(struct worker *worker);

/* What was queued in this turn has been flushed: frees the turn's memory. */
void worker_flushed(struct worker *worker);

#endif
