/*
 * duplicates: what a map has twice, found by sorting, so that a hostile map of
 * a million nodes costs no more than reading it.
 *
 * For rules. Life: zeroed -> duplicates_add... -> duplicates_visit,
 * which frees it. Threads: used by one.
 */
#ifndef DERPKIT_DUPLICATES_H
#define DERPKIT_DUPLICATES_H

#include "rule.h"

struct duplicate {
	struct slice text; /* borrowed */
	int64_t number;
	const void *of; /* what has this text and this number; borrowed */
	uint32_t index; /* in the order in which they were added */
	uint32_t hash;
};

struct duplicates {
	struct duplicate *v; /* owned */
	size_t n, cap;
};

/* Adds one; short memory sets the findings' failed. */
void duplicates_add(struct rule_run *run, struct duplicates *t,
    struct slice text, int64_t number, const void *of);

/* Calls visit for each that equals one added earlier, with the first such. */
typedef void duplicates_fn(
    struct rule_run *run, const void *first, const void *later);
void duplicates_visit(
    struct rule_run *run, struct duplicates *t, duplicates_fn *visit);

#endif
