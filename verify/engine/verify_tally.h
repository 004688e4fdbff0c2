/*
 * verify_tally: what became of the questions to one source and of its lists,
 * counted.
 *
 * Two engines that have the source count in the same place, so that nothing
 * moves when one takes over from the other (verify_totals.h). Life:
 * verify_tally_new, verify_tally_hold -> verify_tally_drop by each holder.
 * Threads: any; atomic inside.
 */
#ifndef DERPKIT_VERIFY_TALLY_H
#define DERPKIT_VERIFY_TALLY_H

#include "verify_answer.h"

#include <stdatomic.h>

struct verify_tally {
	atomic_uint holders;
	/* questions */
	_Atomic uint64_t recalled;        /* answers from memory */
	_Atomic uint64_t asked;           /* questions to the source */
	_Atomic uint64_t allowed, denied; /* what it answered */
	_Atomic uint64_t away, bad, ours; /* faults instead of an answer */
	_Atomic uint64_t failed_open;     /* allowed for its absence */
	_Atomic uint64_t last_good;       /* allowed since it was last asked */
	_Atomic uint64_t spared;  /* not asked: it did not answer others */
	_Atomic uint64_t took_ms; /* all questions together */
	/* lists */
	_Atomic uint64_t replaced, doubted, lost;
};

/* NULL when memory is short. Returns held. */
struct verify_tally *verify_tally_new(void);
/* Returns it, held once more. */
struct verify_tally *verify_tally_hold(struct verify_tally *t);
/* NULL is fine. */
void verify_tally_drop(struct verify_tally *t);

/* Counts an answer of the source. */
void verify_tally_answer(
    struct verify_tally *t, const struct verify_answer *answer);

/* Counts one from memory. */
void verify_tally_recalled(
    struct verify_tally *t, const struct verify_answer *answer);

#endif
