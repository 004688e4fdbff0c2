/*
 * watchers: the mesh peers of one worker that are told who comes and leaves.
 *
 * Each turn they get their next changes (presence.h), a number of them in all,
 * in turn; so 10,000 keys for a watcher that has just come take no turn for
 * long. One whose socket is full gets nothing until it has room: what it has
 * not been told is in nobody's queue.
 *
 * Life: watchers_init -> watchers_add, watchers_remove, watchers_turn ... .
 * Threads: loop-owned; watchers_wake by any.
 */
#ifndef DERPKIT_WATCHERS_H
#define DERPKIT_WATCHERS_H

#include "presence.h"

#include <stdatomic.h>

struct conn;
struct worker;

/* Frames to watchers in one turn of a worker. */
#define WATCHERS_PER_TURN 512

struct watcher;

struct watchers {
	/* borrowed; immutable */
	struct worker *worker;
	struct presence *presence; /* NULL: there are none */
	/* owned by their clients; the one whose turn it is first */
	struct watcher *first;
	atomic_bool any;     /* atomic: there are some */
	atomic_bool changed; /* atomic: since the last turn */
};

void watchers_init(
    struct watchers *all, struct worker *worker, struct presence *presence);

/* The connection watches, or watches again: *w is what watchers_remove wants,
 * NULL before. -1 when memory is short or there are too many. */
int watchers_add(struct watchers *all, struct conn *conn, struct watcher **w);
/* It watches no more. NULL is fine. */
void watchers_remove(struct watchers *all, struct watcher *w);

/* Something has changed: the worker has a turn soon if it has watchers. Any
 * thread. */
void watchers_wake(struct watchers *all);
/* Tells as much as may be told in one turn; before its output is flushed. */
void watchers_turn(struct watchers *all);

#endif
