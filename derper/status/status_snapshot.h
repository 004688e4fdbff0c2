/*
 * status_snapshot: all clients at about one moment, their rates and orders.
 *
 * Rates are the difference to an earlier snapshot; of a client that is not in
 * that, and without one, over the whole life of its connection.
 *
 * Life: status_snapshot_new -> status_snapshot_add ... ->
 * status_snapshot_finish -> by_key, by_traffic -> status_snapshot_free.
 * Threads: one.
 */
#ifndef DERPKIT_STATUS_SNAPSHOT_H
#define DERPKIT_STATUS_SNAPSHOT_H

#include "status_client.h"

/* Clients that are kept: some 14 MB. More are only counted. */
#define STATUS_SNAPSHOT_MAX 100000

struct status_snapshot {
	/* owned; in the order of their addresses once finished */
	struct status_client *clients;
	size_t count, cap;
	uint64_t left_out; /* clients that are not kept */
	uint64_t taken_ms; /* when it was finished; 0: not yet */
	uint64_t rates_ms; /* what rates are over; 0: the connections' lives */
	/* indices of all clients, owned: by key; by rate, highest first */
	uint32_t *by_key, *by_traffic;
};

/* Empty. Returns owned; NULL when memory is short. */
struct status_snapshot *status_snapshot_new(void);
/* NULL is fine. */
void status_snapshot_free(struct status_snapshot *s);

/* Adds copies. -1 when memory is short. */
int status_snapshot_add(struct status_snapshot *s,
    const struct status_client *clients, size_t count);

/* Sorts, and takes the rates since `before`, a finished snapshot or NULL. -1
 * when memory is short. */
int status_snapshot_finish(struct status_snapshot *s,
    const struct status_snapshot *before, uint64_t now_ms);

/* The client that is i-th in that order, i < count. Borrowed. */
const struct status_client *status_snapshot_at(
    const struct status_snapshot *s, const uint32_t *order, size_t i);

#endif
