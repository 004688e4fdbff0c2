/*
 * verify_reply: what the set of a source says of a key, in view of how the
 * source is now.
 *
 * Threads: pure over a set that nobody changes.
 */
#ifndef DERPKIT_VERIFY_REPLY_H
#define DERPKIT_VERIFY_REPLY_H

#include "verify_source.h"

enum verify_found {
	VERIFY_FEED_ANSWERS, /* *answer is set */
	VERIFY_FEED_MISSES,  /* the key is not there, or expired; *answer is a
				denial that says so */
	VERIFY_FEED_UNREADY, /* there is no set that counts */
};

struct verify_reply {
	const char *label; /* of the source: "node list FILE" */
	const struct verify_source_config *row;
	enum verify_fault fault; /* that it has now */
	uint64_t age_ms;         /* since it was last true */
	int64_t now_s;           /* wall-clock time */
};

/* *answer in every case. set may be NULL: none yet. */
enum verify_found verify_reply(const struct verify_reply *r,
    const struct verify_set *set, const struct derp_key *key,
    struct verify_answer *answer);

/* Whether a set of that age counts, by the outage policy. */
bool verify_reply_is_in_force(const struct verify_reply *r);

/* "cannot be reached" */
const char *verify_reply_fault_word(enum verify_fault fault);

#endif
