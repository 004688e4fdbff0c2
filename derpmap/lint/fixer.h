/*
 * fixer: applies the edits of findings to a text, and nothing else.
 *
 * Edits are tried before they are kept: all that are not at the place of
 * another one; when the text is not better (see fix_score.h), again without
 * those that the findings of the new text blame; at last by halves. This is
 * repeated as long as it helps, so that fixing twice changes nothing, unless
 * the file has more slips of syntax than there are passes. Each trial costs
 * what it costs to lint the text; how many there are does not depend on the
 * number of findings, and is bounded for edits that do harm.
 *
 * Threads: used by one.
 */
#ifndef DERPKIT_FIXER_H
#define DERPKIT_FIXER_H

#include "buf.h"
#include "finding.h"
#include "load.h"

/* Takes the findings out of the list that must stay as they are. The load is
 * that of the text being fixed. */
typedef void fixer_choose_fn(
    void *ctx, const struct load *load, struct findings *list);

struct fixer_config {
	const char *file; /* name, borrowed */
	const struct load_how *how;
	fixer_choose_fn *choose;
	void *ctx;
};

#define FIXER_RULES_MAX 32

/* What was done. An edit may bring findings to light that were not to be seen
 * before, so that what is left is not what was there less what was fixed. */
struct fixer_result {
	size_t count;  /* findings whose edits were made */
	size_t trials; /* texts that were judged: what it has cost */
	struct {
		const char *id;
		size_t count;
	} rules[FIXER_RULES_MAX]; /* of these rules, in the order met; those
				     without room are in count only */
	size_t rule_count;
	size_t left[SEVERITY_COUNT]; /* wanted findings of the new text */
};

/*
 * Appends the fixed text to out. -1 with *why: memory is short, or the text
 * cannot be loaded.
 */
int fixer_run(struct buf *out, struct fixer_result *result, struct slice text,
    const struct fixer_config *config, struct fail *why);

#endif
