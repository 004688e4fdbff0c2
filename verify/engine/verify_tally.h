/*
 * verify_tally: what became of the questions to one source, counted.
 *
 * Life: { 0 }. Threads: any; atomic inside.
 */
#ifndef DERPKIT_VERIFY_TALLY_H
#define DERPKIT_VERIFY_TALLY_H

#include "verify_answer.h"

#include <stdatomic.h>

struct verify_tally {
	_Atomic uint64_t recalled;        /* answers from memory */
	_Atomic uint64_t asked;           /* questions to the source */
	_Atomic uint64_t allowed, denied; /* what it answered */
	_Atomic uint64_t away, bad, ours; /* faults instead of an answer */
	_Atomic uint64_t failed_open;     /* allowed for its absence */
	_Atomic uint64_t last_good;       /* allowed since it was last asked */
	_Atomic uint64_t spared;  /* not asked: it did not answer others */
	_Atomic uint64_t took_ms; /* all questions together */
};

/* Counts an answer of the source. */
void verify_tally_answer(
    struct verify_tally *t, const struct verify_answer *answer);

/* Counts one from memory. */
void verify_tally_recalled(
    struct verify_tally *t, const struct verify_answer *answer);

/* Adds the counts of the other one, which begin anew there. */
void verify_tally_take(struct verify_tally *t, struct verify_tally *from);

#endif
