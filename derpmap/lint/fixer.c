/* fixer: see fixer.h. */
#include "fixer.h"

#include "fix_plan.h"
#include "fix_score.h"

#include <string.h>

/* times that what is to blame is left out, before halves are tried */
#define BLAME_MAX 8
/* texts tried by halves in one pass, besides two for each time that the
 * candidates can be halved; what is left is not fixed */
#define HALVES_MAX 32
/* so few candidates are always tried by halves */
#define FEW 16
/* a text with a slip in each line takes one pass for each */
#define PASSES_MAX 64
/* all texts tried: so many times what is to be fixed, or these bytes */
#define TRIED_TIMES 24
#define TRIED_MIN ((size_t)16 << 20)
#define TEXT_MAX ((size_t)256 << 20)

struct fixer {
	const struct fixer_config *config;
	struct fixer_result *result;
	struct buf text;       /* as far as it is fixed */
	struct fix_judged now; /* what it is */
	bool is_chosen;        /* its findings are the wanted ones only */
	struct buf made;       /* the text of the last trial */
	size_t left;           /* bytes of texts that may still be tried */
	struct fail *why;
	bool failed;
};

/* One pass that tries halves. */
struct halving {
	struct fixer *fixer;
	struct fix_plan *plan;
	struct fix_score best;
	size_t left; /* trials */
};

enum outcome {
	FIXED,   /* the text is better now */
	DO_HARM, /* it is known of each candidate why it does not help */
	UNCLEAR,
};

static int
no_memory(struct fixer *x)
{
	x->failed = true;
	return fail_set(x->why, "not enough memory");
}

static int
judge(struct fixer *x, struct fix_judged *j, struct slice text)
{
	x->result->trials++;
	if (fix_judge(j, x->config->file, text, x->config->how, x->why) == 0)
		return 0;
	x->failed = true;
	return -1;
}

/* Makes the text with what is chosen and judges it. -1: there is none, or too
 * much was tried already. */
static int
try_chosen(struct fixer *x, struct fix_plan *plan, struct fix_judged *made)
{
	const size_t bytes = plan->text.n;

	if (x->failed || x->left < bytes)
		return -1;
	switch (fix_plan_write(plan, &x->made)) {
	case FIX_PLAN_OVERLAPS:
		return -1;
	case FIX_PLAN_NO_MEMORY:
		return no_memory(x);
	case FIX_PLAN_MADE:
		break;
	}
	x->left -= bytes;
	return judge(x, made, buf_slice(&x->made));
}

static void
note_fixed(struct fixer_result *result, const char *rule)
{
	size_t i = 0;

	result->count++;
	while (i < result->rule_count && strcmp(result->rules[i].id, rule) != 0)
		i++;
	if (i == FIXER_RULES_MAX)
		return;
	if (i == result->rule_count)
		result->rules[result->rule_count++].id = rule;
	result->rules[i].count++;
}

/* Puts the text that was made last in the place of the one before. */
static void
take(struct fixer *x, const struct fix_plan *plan, struct fix_judged *made)
{
	const struct buf before = x->text;

	for (size_t i = 0; i < plan->count; i++)
		if (plan->chosen[i])
			note_fixed(x->result, plan->candidates[i]->rule);
	fix_judged_clear(&x->now);
	x->now = *made;
	x->is_chosen = false;
	x->text = x->made;
	x->made = before;
}

static size_t
error_of(const struct fix_judged *j)
{
	const struct doc *doc = &j->load.doc;

	return doc->error != DOC_OK ? doc->error_at.offset : SIZE_MAX;
}

/* Tries all edits, and again without those to blame as long as that is no
 * better. */
static enum outcome
fix_at_once(struct fixer *x, struct fix_plan *plan)
{
	fix_plan_choose_apart(plan);
	for (int i = 0; i < BLAME_MAX && fix_plan_chosen(plan) > 0; i++) {
		struct fix_judged made;
		size_t blamed;

		if (try_chosen(x, plan, &made) == -1)
			return UNCLEAR;
		if (fix_score_is_better(&made.score, &x->now.score)) {
			take(x, plan, &made);
			return FIXED;
		}
		blamed = fix_plan_blame(plan, &made.list, error_of(&made));
		fix_judged_clear(&made);
		if (blamed == 0)
			return UNCLEAR;
	}
	return fix_plan_chosen(plan) == 0 ? DO_HARM : UNCLEAR;
}

/* Whether what is chosen makes a better text than what was best. */
static bool
is_improvement(struct halving *h)
{
	struct fix_judged made;
	bool better;

	if (h->left == 0)
		return false;
	h->left--;
	if (try_chosen(h->fixer, h->plan, &made) == -1)
		return false;
	better = fix_score_is_better(&made.score, &h->best);
	if (better)
		h->best = made.score;
	fix_judged_clear(&made);
	return better;
}

/* Chooses what helps of the candidates from low to below high. The depth is
 * that of halving. */
static void
halve(struct halving *h, size_t low, size_t high)
{
	fix_plan_choose(h->plan, low, high, true);
	if (is_improvement(h))
		return;
	fix_plan_choose(h->plan, low, high, false);
	if (high - low < 2)
		return;
	halve(h, low, low + (high - low) / 2);
	halve(h, low + (high - low) / 2, high);
}

/* Finds by trying halves what helps. Whether the text is better now. */
static bool
fix_by_halves(struct fixer *x, struct fix_plan *plan)
{
	struct halving h = { .fixer = x,
		.plan = plan,
		.best = x->now.score,
		.left = HALVES_MAX };
	struct fix_judged made;

	for (size_t n = plan->count; n > 1; n /= 2)
		h.left += 2;
	fix_plan_choose(plan, 0, plan->count, false);
	halve(&h, 0, plan->count);
	if (x->failed || fix_plan_chosen(plan) == 0)
		return false;
	/* the last trial may have been another text */
	if (fix_plan_write(plan, &x->made) != FIX_PLAN_MADE) {
		no_memory(x);
		return false;
	}
	if (judge(x, &made, buf_slice(&x->made)) == -1)
		return false;
	take(x, plan, &made);
	return true;
}

/* Leaves the wanted findings of the text. */
static void
choose_wanted(struct fixer *x)
{
	if (!x->is_chosen)
		x->config->choose(x->config->ctx, &x->now.load, &x->now.list);
	x->is_chosen = true;
}

/* One pass; whether the text is better now. */
static bool
run_pass(struct fixer *x)
{
	struct fix_plan plan;
	enum outcome outcome = DO_HARM;
	bool few;
	int result = fix_plan_note(&plan, buf_slice(&x->text), &x->now.list);

	if (result == 0) {
		choose_wanted(x);
		result = fix_plan_init(&plan, &x->now.list);
	}
	if (result == -1)
		no_memory(x);
	else if (plan.count > 0)
		outcome = fix_at_once(x, &plan);
	few = plan.count > 0 && plan.count <= FEW;
	if ((outcome == UNCLEAR || (outcome == DO_HARM && few)) &&
	    fix_by_halves(x, &plan))
		outcome = FIXED;
	fix_plan_clear(&plan);
	return outcome == FIXED;
}

static void
count_left(struct fixer *x)
{
	choose_wanted(x);
	for (const struct finding *f = x->now.list.first; f != NULL;
	     f = f->next)
		x->result->left[f->severity]++;
}

static int
run(struct fixer *x, struct buf *out)
{
	struct slice text;

	if (judge(x, &x->now, buf_slice(&x->text)) == -1)
		return -1;
	for (int i = 0; i < PASSES_MAX && run_pass(x); i++)
		;
	if (!x->failed && x->result->count > 0)
		count_left(x);
	text = buf_slice(&x->text);
	if (!x->failed && text.n > 0 && buf_append(out, text.p, text.n) == -1)
		no_memory(x);
	fix_judged_clear(&x->now);
	return x->failed ? -1 : 0;
}

int
fixer_run(struct buf *out, struct fixer_result *result, struct slice text,
    const struct fixer_config *config, struct fail *why)
{
	struct fixer x = { .config = config, .result = result, .why = why };
	int status = 0;

	*result = (struct fixer_result){ .count = 0 };
	x.left =
	    text.n < TRIED_MIN / TRIED_TIMES ? TRIED_MIN : text.n * TRIED_TIMES;
	buf_init(&x.text, TEXT_MAX);
	buf_init(&x.made, TEXT_MAX);
	if (text.n > 0 && buf_append(&x.text, text.p, text.n) == -1)
		status = no_memory(&x);
	if (status == 0)
		status = run(&x, out);
	buf_clear(&x.text);
	buf_clear(&x.made);
	return status;
}
