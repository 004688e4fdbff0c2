/*
 * verify_totals: what became of the questions to an engine, counted.
 *
 * An engine that takes over from another one counts in the same place: nothing
 * moves, and who reads finds no count that falls. Life: verify_totals_new,
 * verify_totals_hold -> verify_totals_drop by each holder. Threads: any; atomic
 * inside.
 */
#ifndef DERPKIT_VERIFY_TOTALS_H
#define DERPKIT_VERIFY_TOTALS_H

#include "verify_answer.h"

#include <stdatomic.h>

struct verify_totals {
	atomic_uint holders;
	_Atomic uint64_t asked;
	_Atomic uint64_t allowed, denied, unknown; /* what was answered */
	_Atomic uint64_t failed_open;              /* of those allowed */
	_Atomic uint64_t from_cache;
	_Atomic uint64_t dropped; /* nobody waited for them any more */
	_Atomic uint64_t revoked; /* keys that were disconnected */
};

/* NULL when memory is short. Returns held. */
struct verify_totals *verify_totals_new(void);
/* Returns it, held once more. */
struct verify_totals *verify_totals_hold(struct verify_totals *t);
/* NULL is fine. */
void verify_totals_drop(struct verify_totals *t);

/* Counts an answer that is given to so many askers. */
void verify_totals_answer(struct verify_totals *t,
    const struct verify_answer *answer, uint64_t askers);

#endif
