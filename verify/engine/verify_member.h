/*
 * verify_member: one source of an engine with all that the engine keeps for it:
 * the feed of what it lists or pushes, its thread, its outage policy, counters.
 *
 * Life: verify_member_open -> verify_member_start -> recall, ask ... -> stop
 * set, verify_member_stop -> verify_member_close. Threads: recall, ask and
 * stats from any, until close; the others from one, before and after all
 * others.
 */
#ifndef DERPKIT_VERIFY_MEMBER_H
#define DERPKIT_VERIFY_MEMBER_H

#include "verify_event.h"
#include "verify_feed.h"

struct verify_member;

/* Opens the source and, if its kind wants that, reads its first list. before is
 * the same source in the engine that is to be replaced, or NULL: what it knows
 * is taken over, and counted on from there. NULL and *why on failure. Returns
 * owned. Everything is copied, but stop borrowed. */
struct verify_member *verify_member_open(const struct verify_source_config *row,
    const struct verify_source_context *context,
    const struct verify_observer *observer, struct verify_member *before,
    const atomic_bool *stop, struct fail *why);

/* Whether it is the source of that row: the same kind, argument, role and
 * options. */
bool verify_member_is(
    const struct verify_member *m, const struct verify_source_config *row);

/* Starts its thread, if it needs one. -1: threads are short. */
int verify_member_start(struct verify_member *m);

/* Ends its thread; *stop has been set. Fine twice, and when never started. Who
 * asks at that time ends soon, and uses what only close frees. */
void verify_member_stop(struct verify_member *m);
void verify_member_close(struct verify_member *m);

/* The source, borrowed; what messages call it: "node list FILE". */
const struct verify_source *verify_member_source(const struct verify_member *m);
const char *verify_member_label(const struct verify_member *m);

/* Whether its keys are a deny list. */
bool verify_member_denies(const struct verify_member *m);

/* Whether verify_member_ask may block. */
bool verify_member_blocks(const struct verify_member *m);

/* Answers from memory, without a lock. False: the source must be asked; of one
 * that does not block, never. */
bool verify_member_recall(struct verify_member *m, const struct derp_key *key,
    struct verify_answer *answer);

/* The same when a list has just come: a key that is not in it is denied, and
 * need not be listed again for. */
bool verify_member_recall_listed(struct verify_member *m,
    const struct derp_key *key, struct verify_answer *answer);

/* Whether it denies the key finally: a deny list that has it, or cannot be read
 * and is closed then; a node that is marked so. No lock. */
bool verify_member_denial(struct verify_member *m, const struct derp_key *key,
    struct verify_answer *answer);

/* Answers from memory, or asks the source. */
void verify_member_ask(struct verify_member *m, const struct verify_question *q,
    struct verify_answer *answer);

/* Whether it is asked once a second only, as it does not answer. */
bool verify_member_is_spared(const struct verify_member *m);

/* See verify_feed.h. NULL: it keeps no set, or has none yet. */
struct verify_set *verify_member_hold(struct verify_member *m);

/* Changes with every set that comes into force. */
uint64_t verify_member_generation(const struct verify_member *m);

/* Once a second or so: keys expire, and, of an engine in force, the last good
 * set is kept on disk. */
void verify_member_tick(struct verify_member *m);

/* Of a source that only answers questions: the interval at which its connected
 * keys are asked about again, 0: never; whether that has gone by since it was
 * last true; the keys that it has allowed, held for the caller, or NULL; and
 * that one is not connected any more, which is not believed of one that was
 * allowed a moment ago: it may be logging in. Due and forget from one thread.
 */
uint64_t verify_member_recheck_ms(const struct verify_member *m);
bool verify_member_recheck_due(struct verify_member *m);
struct verify_set *verify_member_known(struct verify_member *m);
void verify_member_forget(struct verify_member *m, const struct derp_key *key);

/* The address of the client that it last allowed the key to. False: it is not
 * known. */
bool verify_member_client(struct verify_member *m, const struct derp_key *key,
    struct netaddr *client);

/* The operator wants it read again now. */
void verify_member_reload(struct verify_member *m);

/* Whether the first list has come or failed, or there is none to come. */
bool verify_member_is_ready(struct verify_member *m);

/* Counts since the start, also of engines before this one that had the source,
 * and the state now. */
struct verify_member_stats {
	bool keeps_set;
	struct verify_feed_stats feed; /* if keeps_set */
	uint64_t recalled;             /* answers from memory */
	uint64_t asked;                /* questions to the source */
	uint64_t allowed, denied;      /* what it answered */
	uint64_t away, bad, ours;      /* faults instead of an answer */
	uint64_t failed_open;          /* allowed for its absence */
	uint64_t last_good; /* allowed since it was last asked about them */
	uint64_t spared;    /* not asked: it did not answer those before */
	uint64_t took_ms;   /* all questions together */
};
void verify_member_stats(
    struct verify_member *m, struct verify_member_stats *out);

#endif
