/*
 * verify_recall: what a source that is asked has allowed before, and when that
 * counts in place of an answer.
 *
 * The keys are in a verify_known, which two engines that have the source share;
 * how long they count is what this engine's configuration says. Plain memory of
 * the caller. Life: { 0 } -> verify_recall_init -> ... -> verify_recall_clear.
 * Threads: any, between init and clear.
 */
#ifndef DERPKIT_VERIFY_RECALL_H
#define DERPKIT_VERIFY_RECALL_H

#include "verify_known.h"
#include "verify_source.h"

struct verify_recall {
	/* immutable */
	struct verify_known *known; /* held; NULL: nothing is remembered */
	enum verify_outage outage;
	int64_t outage_s; /* what was allowed counts so long; 0: forever */
	int64_t (*wall_s)(void);
};

/* The row's outage is not DEFAULT. before, which may be NULL, is of the same
 * source in the engine that is to be replaced. -1: memory is short. */
int verify_recall_init(struct verify_recall *r,
    const struct verify_source_config *row,
    const struct verify_source_context *context,
    const struct verify_recall *before);
/* Fine on { 0 }, and twice. */
void verify_recall_clear(struct verify_recall *r);

/* The source has answered the question so. */
void verify_recall_put(struct verify_recall *r, const struct verify_question *q,
    enum verify_verdict verdict);

/* What *answer, which the source did not give, becomes when it allowed the key
 * before and that counts. True: it does. */
bool verify_recall_find(const struct verify_recall *r,
    const struct derp_key *key, struct verify_answer *answer);

/* See verify_member.h: known, forget, client. */
struct verify_set *verify_recall_set(const struct verify_recall *r);
void verify_recall_forget(struct verify_recall *r, const struct derp_key *key);
bool verify_recall_client(const struct verify_recall *r,
    const struct derp_key *key, struct netaddr *client);

#endif
