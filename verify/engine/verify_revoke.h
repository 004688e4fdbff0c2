/*
 * verify_revoke: a key that may no longer use the relay loses its connections.
 *
 * A source that has a new list in force says so (changed), and then names every
 * key that the old one allowed and the new one does not (left). Each of them is
 * asked about anew, as another source may allow it, and if it is denied,
 * whoever holds connections is told.
 *
 * Nobody gets in between an answer and the registration of its client: every
 * answer carries the epoch at which it was given. Who has registered a client
 * compares it with the epoch then: if it is the same, every later change finds
 * the client registered; if not, the question is asked again.
 *
 * Life: verify_revoke_init -> changed, left ... Threads: any.
 */
#ifndef DERPKIT_VERIFY_REVOKE_H
#define DERPKIT_VERIFY_REVOKE_H

#include "derp_key.h"
#include "netaddr.h"
#include "verify_answer.h"
#include "verify_totals.h"

#include <stdatomic.h>
#include <stddef.h>

/* Who is connected, and from where; the address is not set: not known. */
struct verify_client {
	struct derp_key key;
	struct netaddr addr;
};

/* What whoever holds connections is told, on a thread of the engine, from
 * verify_new on. All zero: nobody holds any. */
struct verify_watch {
	/* Whether anybody with that key is connected. */
	bool (*is_connected)(void *ctx, const struct derp_key *key);
	/* The key must be disconnected; name (of the node, "" when not known)
	 * and reason are borrowed. -1: memory is short; called again soon. */
	int (*revoked)(void *ctx, const struct derp_key *key, const char *name,
	    const char *reason);
	void *ctx;
	/* All who are connected, each key once, to be freed by the caller. -1:
	 * memory is short; called again soon. */
	int (*connected)(
	    void *ctx, struct verify_client **clients, size_t *count);
};

struct verify_revoke {
	/* immutable */
	struct verify_watch watch;
	const atomic_bool *stop; /* no further waits */
	/* borrowed; keys that were disconnected are counted here */
	struct verify_totals *totals;
	/* asks all sources about a key; may block */
	void (*recheck)(void *engine, const struct derp_key *key,
	    struct verify_answer *answer);
	/* the same, although no source has said that something changed */
	void (*ask_again)(void *engine, const struct verify_client *client,
	    struct verify_answer *answer);
	void *engine;
	/* atomic */
	/* not before the engine has taken over, and not when another one has:
	 * nobody is disconnected then */
	atomic_bool in_force;
	_Atomic uint64_t epoch;
};

/* Other keys are in force from here on. */
void verify_revoke_changed(struct verify_revoke *r);

/* The source that changed no longer allows the key. When memory is short it
 * waits until it is not, so that no key is forgotten. */
void verify_revoke_left(
    struct verify_revoke *r, const struct derp_key *key, const char *name);

/* Asks again about the key if it is connected, and has it disconnected when it
 * is denied. Not when it is unknown: nobody is put off the relay by an outage.
 * Returns the answer; ALLOW of one that is not connected. Any thread. */
enum verify_verdict verify_revoke_recheck(
    struct verify_revoke *r, const struct verify_client *client);

uint64_t verify_revoke_epoch(const struct verify_revoke *r);

#endif
