/*
 * spelling: which known name somebody may have meant who wrote another.
 *
 * Life: spelling_of -> spelling_consider for each known name -> spelling_best.
 * Threads: a plain value.
 */
#ifndef DERPKIT_SPELLING_H
#define DERPKIT_SPELLING_H

#include "bytes.h"

#define SPELLING_MAX 64 /* bytes; nothing is near to a longer word */

struct spelling {
	struct slice word; /* borrowed */
	const char *best;  /* borrowed; NULL: nothing is near */
	unsigned distance; /* of best, or what it would have to be below */
};

struct spelling spelling_of(struct slice word);
void spelling_consider(struct spelling *s, const char *name);

/* The nearest of the names in spelling, at most a third of the letters off; of
 * equally near ones the first. NULL when none is near. */
const char *spelling_best(const struct spelling *s);

#endif
