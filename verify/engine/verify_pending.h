/*
 * verify_pending: questions to the sources that block: who waits for which
 * answer, whose turn it is, and what was answered a moment ago.
 *
 * One question per key (and per client address, where a source reads it) is in
 * flight; it is one job on a worker thread. A question that a source was spared
 * (verify_breaker.h) waits for a moment without a thread, and is asked when the
 * source answers again.
 *
 * Life: verify_pending_new -> ask, cancel, tick ... -> verify_pending_free.
 * Threads: any; locked inside; no callback runs under the lock.
 */
#ifndef DERPKIT_VERIFY_PENDING_H
#define DERPKIT_VERIFY_PENDING_H

#include "verify_revoke.h"
#include "verify_sources.h"
#include "verify_totals.h"

struct verify_pending;

/* Threads that ask: enough that a slow source is asked about many at once. */
#define VERIFY_PENDING_WORKERS 16

/* Called once with the answer, which is borrowed for the call, on a worker
 * thread (or in verify_pending_free). */
typedef void verify_done_fn(void *ctx, const struct verify_answer *answer);

/* Whether ctx is that of the asker that is looked for. */
typedef bool verify_matches_fn(const void *ctx, const void *arg);

struct verify_pending_config {
	const struct verify_sources *sources; /* borrowed; one of them blocks */
	const struct verify_revoke *revoke;   /* borrowed: the epoch */
	const atomic_bool *stop;              /* borrowed */
	/* borrowed; from_cache and dropped are counted here */
	struct verify_totals *totals;
	uint64_t (*now_ms)(void);
	uint64_t allow_ms, deny_ms; /* an answer is reused; deny 0: default */
	uint64_t ask_ms;            /* that a question may take */
	/* makes the answer of those that block the engine's, and counts it as
	 * that of so many askers */
	void (*conclude)(void *ctx, const struct derp_key *key,
	    const struct netaddr *client, struct verify_answer *answer,
	    uint64_t askers);
	void *ctx;
};

/* The config is copied. NULL with *why. Returns owned. */
struct verify_pending *verify_pending_new(
    const struct verify_pending_config *config, struct fail *why);

/* *stop has been set, and verify_pending_tick been called after that. Waits for
 * running questions, and answers the others with UNKNOWN. NULL is fine. */
void verify_pending_free(struct verify_pending *p);

/* See verify_ask. True: *answer is what the sources that block say, and done is
 * not called. */
bool verify_pending_ask(struct verify_pending *p, const struct derp_key *key,
    const struct netaddr *client, verify_done_fn *done, void *ctx,
    struct verify_answer *answer);

/* See verify_cancel. */
void *verify_pending_cancel(struct verify_pending *p,
    const struct derp_key *key, const struct netaddr *client,
    verify_matches_fn *matches, const void *arg);

/* Every VERIFY_PENDING_TICK_MS: questions that were spared get their turn. Once
 * *stop has been set: all of them do, and none waits any more. */
#define VERIFY_PENDING_TICK_MS 250
void verify_pending_tick(struct verify_pending *p);

/* Questions without an answer now. */
size_t verify_pending_count(struct verify_pending *p);

#endif
