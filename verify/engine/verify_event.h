/*
 * verify_event: what an engine tells an observer: nodes that came and went,
 * sources that were lost and are back.
 *
 * A plain value. Threads: the observer is called on threads of the engine, by
 * several at once, no lock is held; it must not block for long, and must not
 * call the engine.
 */
#ifndef DERPKIT_VERIFY_EVENT_H
#define DERPKIT_VERIFY_EVENT_H

#include "derp_key.h"

#include <stddef.h>
#include <stdint.h>

enum verify_event_kind {
	VERIFY_EVENT_ADDED,   /* the source names the node now */
	VERIFY_EVENT_REMOVED, /* it does not any more */
	VERIFY_EVENT_CHANGED, /* name, expiry or flags */
	VERIFY_EVENT_EXPIRED,
	VERIFY_EVENT_LISTED, /* the source's first set: count nodes, which are
				not told one by one */
	VERIFY_EVENT_LOST,   /* the source: text says why */
	VERIFY_EVENT_BACK,
	VERIFY_EVENT_DOUBTED, /* a set of `count` nodes needs a second look */
};

/* Everything is borrowed for the call. */
struct verify_event {
	enum verify_event_kind kind;
	const char *source; /* "node list FILE" */
	/* of the first four; of REMOVED as it was, of the others as it is */
	const struct verify_set_node *node;
	size_t count; /* nodes that the source names now */
	const char *text;
	int64_t wall_s;
};

/* All zero: nobody observes. */
struct verify_observer {
	void (*tell)(void *ctx, const struct verify_event *what);
	void *ctx;
};

/* "added", "lost": for output. */
const char *verify_event_name(enum verify_event_kind kind);

#endif
