/*
 * verify_diff: in what two sets of one source differ.
 *
 * Threads: pure over sets that nobody changes.
 */
#ifndef DERPKIT_VERIFY_DIFF_H
#define DERPKIT_VERIFY_DIFF_H

#include "verify_set.h"

struct verify_diff {
	const struct verify_set *old; /* NULL: empty */
	const struct verify_set *now;
	bool denies;        /* the sets are deny lists */
	bool allow_expired; /* expired keys are allowed */
	int64_t now_s;      /* wall-clock time */
};

/* A node that is not the same in both. Borrowed for the call. */
struct verify_difference {
	const struct verify_set_node *old, *now; /* NULL: not in it */
	/* the key may no longer do what it could: it was allowed and is not,
	 * or it is denied and was not */
	bool lost;
};

/* Calls each for every difference, those of the old set first. */
void verify_diff_each(const struct verify_diff *d,
    void (*each)(void *ctx, const struct verify_difference *difference),
    void *ctx);

#endif
