/*
 * lint_twins: what a map has twice, found by sorting, so that a hostile map of
 * a million nodes costs no more than reading it.
 *
 * Inside the rules. Life: zeroed -> lint_twins_add... -> lint_twins_visit,
 * which frees it. Threads: used by one.
 */
#ifndef DERPKIT_LINT_TWINS_H
#define DERPKIT_LINT_TWINS_H

#include "lint.h"

struct lint_twin {
	struct slice text; /* borrowed */
	int64_t number;
	const void *of; /* what has this text and this number; borrowed */
	size_t index;
};

struct lint_twins {
	struct lint_twin *v; /* owned */
	size_t n, cap;
};

/* Adds one; short memory sets the findings' failed. */
void lint_twins_add(struct lint *l, struct lint_twins *t, struct slice text,
    int64_t number, const void *of);

/* Calls visit for each that equals one added earlier, with the first such. */
typedef void lint_twin_fn(struct lint *l, const void *first, const void *later);
void lint_twins_visit(
    struct lint *l, struct lint_twins *t, lint_twin_fn *visit);

#endif
