/*
 * status_collector: takes snapshots of all clients from the workers.
 *
 * Workers are asked only when somebody wants to know, all of them at once, each
 * by one batch that goes to and fro (status_batch.h). The first snapshot after
 * a while is the base that rates are taken from, and another follows. A
 * snapshot is used for as many times longer than workers took to make it that
 * this costs them half a percent of their time at most, whoever asks and how
 * often. It is forgotten when nobody has asked for a while.
 *
 * Life: status_collector_new -> status_collector_get ... ->
 * status_collector_free, before the mailboxes. Threads: loop-owned.
 */
#ifndef DERPKIT_STATUS_COLLECTOR_H
#define DERPKIT_STATUS_COLLECTOR_H

#include "loop.h"
#include "mailbox.h"
#include "status_snapshot.h"

#define STATUS_COLLECTOR_KEEP_MS 1000 /* a snapshot is used, at least */
#define STATUS_COLLECTOR_COST 200     /* times that workers took for it */
#define STATUS_COLLECTOR_BASE_MS 1000 /* from the base to the next */
#define STATUS_COLLECTOR_FORGET_MS 60000

struct status_collector;

struct status_collector_config {
	struct loop *loop;       /* borrowed */
	struct mailbox *mailbox; /* borrowed: the loop's */
	/* of the workers, worker_count of them; borrowed */
	struct mailbox *const *workers;
	unsigned worker_count;
	/* A snapshot that status_collector_get did not have is there; NULL:
	 * memory was short. */
	void (*ready)(void *ctx, const struct status_snapshot *snapshot);
	void *ctx;
};

/* Returns owned; NULL when memory is short. */
struct status_collector *status_collector_new(
    const struct status_collector_config *config);
void status_collector_free(struct status_collector *c);

/* The snapshot, borrowed until the loop's next turn; NULL: it is being made,
 * and ready is called. */
const struct status_snapshot *status_collector_get(struct status_collector *c);

#endif
