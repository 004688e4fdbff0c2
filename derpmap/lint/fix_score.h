/*
 * fix_score: how good a text is, so that a fixed one can be compared with the
 * one before.
 *
 * Life: fix_judge -> fix_judged_clear. Threads: used by one.
 */
#ifndef DERPKIT_FIX_SCORE_H
#define DERPKIT_FIX_SCORE_H

#include "finding.h"
#include "load.h"

struct fix_score {
	size_t findings[SEVERITY_COUNT];
	size_t refusals;
	size_t unread; /* bytes from a syntax error on; 0: the reader took it */
	size_t regions, nodes;
};

/* A text, read and judged. */
struct fix_judged {
	struct load load;
	struct arena *arena; /* owned; of the list */
	struct findings list;
	struct fix_score score;
};

/* Reads the text as the file is read, and runs the rules. -1 with *why: memory
 * is short, or the text cannot be loaded; nothing is held then. */
int fix_judge(struct fix_judged *j, const char *file, struct slice text,
    const struct load_how *how, struct fail *why);
void fix_judged_clear(struct fix_judged *j);

/*
 * Whether the text is better than the other one: its reader comes further
 * before it meets a syntax error; otherwise it has no more findings and fewer,
 * or milder, of those that differ, no region or node is lost and the reading
 * program rejects no more.
 */
bool fix_score_is_better(
    const struct fix_score *a, const struct fix_score *than);

#endif
