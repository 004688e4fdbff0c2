/*
 * status_traffic: which clients sent or got bytes between two snapshots.
 *
 * It remembers the totals of the snapshot before. Life: status_traffic_new ->
 * status_traffic_next ... -> status_traffic_free. Threads: each of
 * one at a time.
 * Source: tailscale derp/derpserver/derpserver_linux.go, ServeDebugTraffic.
 */
#ifndef DERPKIT_STATUS_TRAFFIC_H
#define DERPKIT_STATUS_TRAFFIC_H

#include "status_snapshot.h"

struct status_traffic;

/* Those who watch at a time, in the process. */
#define STATUS_TRAFFIC_MAX 8

/* Returns owned; NULL when there are too many, or memory is short. */
struct status_traffic *status_traffic_new(void);
/* NULL is fine. */
void status_traffic_free(struct status_traffic *t);

/* A round: for each connection whose totals are not those of the snapshot
 * before, or that was not in it, a line
 *
 *	{"Sent":BYTES,"Recv":BYTES,"Key":"nodekey:HEX","UniqueSenders":COUNT}
 *
 * with its totals, by address; then an empty line. The last member is left out
 * when it is 0. Returns owned, *len bytes; NULL when memory is short, and
 * nothing is remembered then.
 *
 * DIFFERS: upstream's UniqueSenders is an estimate of all who ever sent to the
 * client; ours is exact, of those who have not left, as they are kept for that
 * anyway. */
char *status_traffic_next(struct status_traffic *t,
    const struct status_snapshot *snapshot, size_t *len);

#endif
