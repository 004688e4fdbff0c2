/*
 * status_batch: a message that walks the clients of a worker, some in each
 * turn.
 *
 * The asker posts it to the worker, which fills it with the next clients and
 * posts it back. The asker takes them out and posts it again, until it is done.
 * So a worker spends a bounded time in any turn, keeps nothing, allocates
 * nothing, and is asked for more only as fast as the asker can take it. Clients
 * that join or leave meanwhile may be among them or not.
 *
 * Life: status_batch_new -> status_batch_post ... -> status_batch_free, by
 * whoever holds it. Threads: of one at a time.
 */
#ifndef DERPKIT_STATUS_BATCH_H
#define DERPKIT_STATUS_BATCH_H

#include "mailbox.h"
#include "status_client.h"

/* Connections that are looked at in one turn: about as much time as receiving
 * so many packets. */
#define STATUS_BATCH_MAX 128
/* Places in the table, of which many are free after many have left. */
#define STATUS_BATCH_SLOTS 4096

struct status_batch {
	struct message message; /* first member */
	/* immutable */
	struct mailbox *worker, *asker; /* borrowed */
	/* Called on the asker's loop; takes the batch. */
	void (*filled)(void *ctx, struct status_batch *b);
	void *ctx;
	/* state of the walk; all zero at first */
	uint32_t at;
	bool done;
	uint64_t took_us; /* the worker's time, in all */
	/* of the last turn */
	size_t count;
	struct status_client clients[STATUS_BATCH_MAX];
};

/* Returns owned; NULL when memory is short. filled and ctx are to be set. */
struct status_batch *status_batch_new(
    struct mailbox *worker, struct mailbox *asker);
void status_batch_free(struct status_batch *b);

/* Takes the batch, which comes back by `filled`. A mailbox that is freed with
 * it frees it. */
void status_batch_post(struct status_batch *b);

#endif
