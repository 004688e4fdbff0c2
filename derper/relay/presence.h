/*
 * presence: which keys are connected here, in the order of what happened last,
 * for the relays of the mesh that watch.
 *
 * There is no queue for each watcher. All keys are in one list, the one that
 * came or left last at its end; a watcher is a place in that list. What it has
 * not been told yet is what comes after its place: a key that comes and leaves
 * often meanwhile is one entry, and one more watcher costs nothing when a key
 * comes. So a slow watcher makes nothing grow but the list of those that have
 * left, which are forgotten when all watchers were told. Beyond
 * PRESENCE_GONE_MAX of them the watcher that is told last is given up.
 *
 * A watcher begins before the first key: to it, what is here comes now. As
 * upstream, a key is told of again with each further connection, and said to
 * have left with its last one only.
 *
 * Life: presence_new -> presence_join, presence_leave ..., presence_watch ->
 * presence_take ... -> presence_unwatch -> presence_free. Threads: any; locked
 * inside; of a watcher, one at a time. Source: tailscale
 * derp/derpserver/derpserver.go (broadcastPeerStateChangeLocked, addWatcher).
 */
#ifndef DERPKIT_PRESENCE_H
#define DERPKIT_PRESENCE_H

#include "derp_key.h"
#include "netaddr.h"

#include <stdatomic.h>

struct presence;

/* Watchers at a time. */
#define PRESENCE_WATCHERS_MAX 64
/* Keys that have left and that some watcher is still to be told of. */
#define PRESENCE_GONE_MAX 65536

/* An element of the list. */
struct presence_link {
	struct presence_link *next, *prev;
	bool is_watcher;
};

/* Embedded in its owner, who keeps it until presence_unwatch. */
struct presence_watcher {
	struct presence_link link; /* its place */
	struct presence_watcher *next;
	uint64_t since;       /* what has happened before it began */
	uint64_t seen;        /* what it has been told */
	atomic_bool given_up; /* atomic: it is told nothing more */
};

struct presence_change {
	struct derp_key key;
	bool here;           /* false: it has left */
	struct netaddr addr; /* of its newest connection */
	uint8_t flags;       /* likewise; enum derp_present_flags */
};

/* For at most max keys at a time. Returns owned; NULL when memory is short. */
struct presence *presence_new(size_t max);
void presence_free(struct presence *p);

/* A connection of the key has come. -1 when memory or the limit is reached. */
int presence_join(struct presence *p, const struct derp_key *key,
    const struct netaddr *addr, uint8_t flags);
/* A connection of the key, for which presence_join was 0, has left. */
void presence_leave(struct presence *p, const struct derp_key *key);

/* Begins to watch, all zero at first; or begins again. -1: there are too many.
 */
int presence_watch(struct presence *p, struct presence_watcher *w);
/* Idempotent. */
void presence_unwatch(struct presence *p, struct presence_watcher *w);
/* Whether there is something that it was not told. No lock. */
bool presence_has_news(struct presence *p, const struct presence_watcher *w);
/* The next changes, at most max of them, and how many these are. After 0 of
 * them there may still be others: presence_has_news tells. */
size_t presence_take(struct presence *p, struct presence_watcher *w,
    struct presence_change *out, size_t max);

/* Watchers now, for tests. No lock. */
size_t presence_watchers(struct presence *p);

#endif
