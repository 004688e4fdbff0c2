/*
 * verify: may this node key use the relay?
 *
 * The admission engine as a library: no global state, no printing, no exit.
 * It asks the sources of its configuration in order, until their policy is
 * decided. Sources that block are asked on worker threads, with one question
 * per key in flight (and per client address, where a source reads it); their
 * answers are cached for a short time. Questions take turns by client address
 * (verify_queue.h), so that a flood from one address delays nobody else's.
 *
 * Life: verify_new -> verify_ask / verify_check ... -> verify_free, which waits
 * for running questions and answers the waiting ones with UNKNOWN. Threads: all
 * functions from any thread; locked inside; no callback runs under a lock.
 */
#ifndef DERPKIT_VERIFY_H
#define DERPKIT_VERIFY_H

#include "verify_answer.h"
#include "verify_config.h"
#include "verify_pending.h"
#include "verify_sources.h"

struct verify;

/* Makes an engine; texts of the config are copied. Fails when a source cannot
 * be opened, as a node list that cannot be read. A configuration without
 * sources allows everybody. fetch_global_init must have been called if a URL or
 * a socket is configured. Returns owned. */
struct verify *verify_new(const struct verify_config *config, struct fail *why);
/* Whether verify_new would find all sources in order: opens them, which reads
 * the first lists of files, and closes them. Starts no thread, asks nobody,
 * writes nothing. -1 and the reason that verify_new would give. */
int verify_try(const struct verify_config *config, struct fail *why);
/* Blocks for up to a second when questions are running. NULL is fine. Nobody
 * may be asking any more. */
void verify_free(struct verify *v);

/*
 * Asks without blocking. True: *answer is set now and done is not called.
 * False: done(ctx, ...) is called later, exactly once, on another thread.
 * client is the client's address and may be NULL.
 */
bool verify_ask(struct verify *v, const struct derp_key *key,
    const struct netaddr *client, struct verify_answer *answer,
    verify_done_fn *done, void *ctx);

/*
 * Nobody waits for an answer any more: the asker whose ctx `matches` is not
 * called, and the question not asked if it was waiting for its turn and nobody
 * else waits for it. key and client are those it was asked with. Returns the
 * ctx, which is the caller's again, or NULL when done() has been called or is
 * about to be.
 */
void *verify_cancel(struct verify *v, const struct derp_key *key,
    const struct netaddr *client, verify_matches_fn *matches, const void *arg);

/* Asks and waits. Not on an event loop. */
void verify_check(struct verify *v, const struct derp_key *key,
    const struct netaddr *client, struct verify_answer *answer);

/* Changes when keys may have lost their right to the relay. An answer that has
 * another epoch than this when its client has been registered must be asked for
 * again (verify_revoke.h). Any thread, no lock. */
uint64_t verify_epoch(const struct verify *v);

/* Asks every source in turn, waiting for each, and tells what it says; *answer
 * is what the policy makes of it. Nothing comes from the cache or is put into
 * it. Not on an event loop. */
void verify_explain(struct verify *v, const struct derp_key *key,
    verify_explain_fn *tell, void *ctx, struct verify_answer *answer);

/*
 * From here on v is in force in place of the one that its config named as
 * `before`, which nobody asks any more, and which disconnects nobody and writes
 * no file any more. Every connected key is asked about.
 */
void verify_take_over(struct verify *v, struct verify *before);

/* Begins to ask about every connected key if verify_take_over could not, for
 * lack of threads. Once a second or so. */
void verify_take_over_rest(struct verify *v);

/* Whether no question waits for an answer. Nobody is asking. */
bool verify_is_idle(struct verify *v);

/* Has files checked for changes now instead of at the next interval (SIGHUP).
 * Returns at once; the engine's own thread does it, and notice tells the
 * result. */
void verify_reload(struct verify *v);

/* The sources, borrowed: their states, counts and nodes (verify_sources.h). */
const struct verify_sources *verify_get_sources(const struct verify *v);

/* Counts since the start, for metrics: an engine whose config names one as
 * `before` counts on in the same place. No lock. */
struct verify_counters {
	uint64_t asked, from_cache, allowed, denied, unknown, failed_open;
	uint64_t dropped;      /* questions that nobody waited for any more */
	uint64_t nodes_listed; /* keys in memory now */
	uint64_t revoked;      /* keys that were disconnected */
};
void verify_get_counters(struct verify *v, struct verify_counters *out);

#endif
