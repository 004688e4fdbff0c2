/*
 * verify_feed: what a source has listed or pushed: the set that is in force,
 * how old it is, and how another takes its place.
 *
 * A lookup takes no lock: it finds an immutable set (verify_set.h) or the next
 * one, whole. What a source pushes goes in by verify_feed_replace,
 * verify_feed_confirm and verify_feed_lost; the engine does the same for what a
 * source lists. Keys that lose their right are told to verify_revoke.h, and
 * every change to the observer of the configuration.
 *
 * Life: verify_feed_new -> ... -> verify_feed_free, when no source and nobody
 * else uses it any more. Threads: find, hold and stats from any, without a lock
 * that a change holds; replace, confirm and lost from any, one after the
 * other, locked inside.
 */
#ifndef DERPKIT_VERIFY_FEED_H
#define DERPKIT_VERIFY_FEED_H

#include "verify_event.h"
#include "verify_reply.h"

struct verify_feed;

/* ---- for sources that push */

/* Set: push must return. Readable by fetch. */
const atomic_bool *verify_feed_stop(const struct verify_feed *f);

/* Waits so long, or until verify_feed_stop is set; false then. Also returns
 * early, with *wanted true (which may be NULL), when somebody wants the source
 * read again now: the operator, or a key that is not in the set. */
bool verify_feed_wait(struct verify_feed *f, uint64_t ms, bool *wanted);

enum verify_taken {
	VERIFY_TAKEN,
	/* it is empty, or much smaller than the one in force, which stays: look
	 * again soon; a second one like it will be taken, but an empty one of a
	 * kind that doubts these only when it is believed. The operator is told
	 * once for each size. */
	VERIFY_DOUBTED,
};

/* All nodes that there are now. The set is taken over in every case. `believe`:
 * the operator wants it taken whatever it is. */
enum verify_taken verify_feed_replace(
    struct verify_feed *f, struct verify_set *set, bool believe);

/* The same; settled, unless NULL, is called when it is known which set is in
 * force, and before anybody is disconnected for it: that may ask other sources,
 * and this one, too. */
typedef void verify_feed_settled_fn(void *ctx, enum verify_taken taken);
enum verify_taken verify_feed_replace_then(struct verify_feed *f,
    struct verify_set *set, bool believe, verify_feed_settled_fn *settled,
    void *ctx);

/* What is in force is true now: the source has said so, or its connection is
 * alive; while a set is doubted, only that it is there. replace implies it. */
void verify_feed_confirm(struct verify_feed *f);

/* What is lost next is news, even for the reason it was lost before. */
void verify_feed_tell_again(struct verify_feed *f);

/* The source cannot be reached (AWAY), or what it says cannot be used (BAD).
 * The operator is told once, until it is back. */
void verify_feed_lost(
    struct verify_feed *f, enum verify_fault fault, const char *why);

/* ---- for the engine */

struct verify_feed_config {
	const char *label;                      /* "node list FILE"; copied */
	const struct verify_source_config *row; /* copied */
	const struct verify_source_context *context; /* copied */
	const struct verify_observer *observer;      /* copied */
	const atomic_bool *stop;                     /* borrowed */
	struct verify_tally *tally;                  /* borrowed */
};

/* NULL when memory is short. Returns owned. */
struct verify_feed *verify_feed_new(const struct verify_feed_config *config);
void verify_feed_free(struct verify_feed *f);

/* Before the source has been read: the set of an earlier run, which was true at
 * true_s, seconds since 1970. It counts as the outage policy says. Taken over.
 */
void verify_feed_restore(
    struct verify_feed *f, struct verify_set *set, int64_t true_s);

/* Before the source has been read: what the feed of the same source in another
 * engine has, as true as it is there. False: it has no set. */
bool verify_feed_inherit(struct verify_feed *f, struct verify_feed *from);

/* Changes with every set that is put in force. */
uint64_t verify_feed_generation(const struct verify_feed *f);

/* What it says of a key; no lock. */
enum verify_found verify_feed_find(struct verify_feed *f,
    const struct derp_key *key, struct verify_answer *answer);

/* The set in force, held for the caller: verify_set_drop. NULL: none yet. */
struct verify_set *verify_feed_hold(struct verify_feed *f);

/* Has keys disconnected whose time has run out since the last call. */
void verify_feed_expire(struct verify_feed *f);

/* Wakes verify_feed_wait. */
void verify_feed_wake(struct verify_feed *f, bool wanted);

struct verify_feed_stats {
	size_t keys;
	bool has_set;
	bool was_lost;           /* since this feed was made */
	enum verify_fault fault; /* NONE: the source is there */
	uint64_t age_ms; /* since the set was last true; 0 without a set */
	uint64_t replaced, doubted, lost; /* counts */
};
void verify_feed_stats(struct verify_feed *f, struct verify_feed_stats *out);

#endif
