/*
 * suppression: comments that say that a finding is meant to be there:
 *
 *     # derpmap: ignore=R16 these two are meshed
 *
 * At the end of a line it is about that line, on a line of its own about the
 * next one that has content. Several rules are separated by commas. A
 * suppression that suppresses nothing, names no rule or gives no reason is a
 * finding itself (S01, S02).
 *
 * Life: zeroed -> suppressions_collect for each file -> suppressions_apply once
 * -> suppressions_clear. Threads: used by one.
 */
#ifndef DERPKIT_SUPPRESSION_H
#define DERPKIT_SUPPRESSION_H

#include "finding.h"
#include "load.h"

struct suppression;

struct suppressions {
	struct suppression *v; /* owned */
	size_t n, cap;
	bool failed; /* memory was short */
};

/* Finds those of the file; what is said of them is added to out, and they
 * borrow from its arena and from the file's name. */
void suppressions_collect(
    struct suppressions *s, const struct load *load, struct findings *out);

/* Takes out what they suppress, unless it is fatal, and adds what is unused. */
void suppressions_apply(struct suppressions *s, struct findings *list);

void suppressions_clear(struct suppressions *s);

#endif
