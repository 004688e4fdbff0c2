/*
 * fix_plan: the edits that could be made to a text, which of them are chosen,
 * and the text that they make.
 *
 * A candidate is a finding with edits, which are made together or not at all.
 * When a text that was made is not better, the findings of the new text tell
 * which candidates to leave out: those whose finding is still there, and those
 * whose edit is the last one before what was not found in the old text.
 *
 * Life: fix_plan_note (all findings of the old text) -> fix_plan_init -> ... ->
 * fix_plan_clear. Threads: used by one.
 */
#ifndef DERPKIT_FIX_PLAN_H
#define DERPKIT_FIX_PLAN_H

#include "buf.h"
#include "finding.h"

struct fix_plan_edit;
struct fix_plan_mark;

struct fix_plan {
	struct slice text;                 /* borrowed */
	const struct finding **candidates; /* owned; by the place of the edit */
	bool *chosen;                      /* owned; of each candidate */
	size_t count;
	struct fix_plan_edit *edits; /* owned; of all candidates, by place */
	size_t edit_count;
	struct fix_plan_mark *marks; /* owned; what was found where */
	size_t mark_count;
};

/* Notes what is found in the text, which is borrowed. -1: memory is short; to
 * be cleared all the same. */
int fix_plan_note(
    struct fix_plan *p, struct slice text, const struct findings *all);

/* Takes the findings that may be fixed, borrowed, as candidates; none is
 * chosen. -1: memory is short. */
int fix_plan_init(struct fix_plan *p, const struct findings *wanted);
void fix_plan_clear(struct fix_plan *p);

/* Chooses all candidates but those whose edits are at the place of another one.
 */
void fix_plan_choose_apart(struct fix_plan *p);

/* Chooses the candidates from first to before end, or none of them. */
void fix_plan_choose(
    struct fix_plan *p, size_t first, size_t end, bool is_chosen);

/* How many candidates are chosen. */
size_t fix_plan_chosen(const struct fix_plan *p);

enum fix_plan_made {
	FIX_PLAN_MADE,
	FIX_PLAN_OVERLAPS, /* two edits are about the same place */
	FIX_PLAN_NO_MEMORY,
};

/* Puts the text with the chosen edits into out, in place of what is there. */
enum fix_plan_made fix_plan_write(struct fix_plan *p, struct buf *out);

/* Leaves the candidates out that are to blame for what is found in the text
 * that was written last, which has a syntax error at `error` (SIZE_MAX: none).
 * Returns how many. */
size_t fix_plan_blame(
    struct fix_plan *p, const struct findings *found, size_t error);

#endif
