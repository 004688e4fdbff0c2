/* fixer: see fixer.h. */
#include "fixer.h"

#include "lint.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_MAX ((size_t)1 << 30)
#define TRIALS_MAX                                                \
	256 /* texts tried in one pass; what is left is not fixed \
	     */
/* a text with a slip in each line takes one pass for each */
#define PASSES_MAX 64
/* bytes of all texts tried in all passes; a large text is given fewer trials */
#define TRIED_MAX ((size_t)128 << 20)
#define TEXT_MAX ((size_t)256 << 20)

/* How good a text is. */
struct score {
	size_t findings[SEVERITY_COUNT];
	size_t refusals;
	size_t unread; /* bytes from a syntax error on; 0: the reader took it */
	size_t regions, nodes;
};

/* A text, read and judged. */
struct judged {
	struct load load;
	struct arena *arena; /* owned; of the list */
	struct findings list;
	struct score score;
};

/* One pass over a text. */
struct pass {
	const struct fixer_config *config;
	struct slice text;
	const struct finding **candidates; /* owned; by the start of the edit */
	bool *chosen;                      /* owned */
	size_t count;
	struct score best;
	size_t trials;
	size_t *tried;   /* borrowed; bytes of all texts tried */
	struct buf made; /* the text of the last trial */
	struct fail *why;
	bool failed;
};

/* --- how good a text is --- */

static void
count_map(struct score *s, const struct derpmap *m)
{
	s->regions = m->region_count;
	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++)
			s->nodes += !m->regions[i]->nodes[j]->is_nil;
}

static struct score
score_of(const struct judged *j)
{
	const struct doc *doc = &j->load.doc;
	struct score s = { .unread = 0 };
	const struct derpmap_diagnostic *d;

	for (const struct finding *f = j->list.first; f != NULL; f = f->next)
		s.findings[f->severity]++;
	for (d = j->load.map.diagnostics; d != NULL; d = d->next)
		s.refusals += d->refuses;
	count_map(&s, &j->load.map);
	if (doc->error != DOC_OK)
		s.unread = j->load.text.n - doc->error_at.offset + 1;
	return s;
}

static size_t
total(const struct score *s)
{
	size_t sum = 0;

	for (size_t i = 0; i < SEVERITY_COUNT; i++)
		sum += s->findings[i];
	return sum;
}

static bool
is_better(const struct score *a, const struct score *than)
{
	size_t worst = SEVERITY_ERROR;

	if (a->regions < than->regions || a->nodes < than->nodes)
		return false;
	/* what comes to light once a text can be read was there before */
	if (a->unread != than->unread)
		return a->unread < than->unread;
	/* the worst severity that differs decides */
	while (worst > 0 && a->findings[worst] == than->findings[worst])
		worst--;
	return a->findings[worst] < than->findings[worst] &&
	    total(a) <= total(than) && a->refusals <= than->refusals;
}

static void
judged_clear(struct judged *j)
{
	load_close(&j->load);
	arena_free(j->arena);
}

static int
judge(struct judged *j, struct slice text, const struct fixer_config *config,
    struct fail *why)
{
	*j = (struct judged){ .arena = arena_new(ARENA_MAX) };
	if (j->arena == NULL)
		return fail_set(why, "not enough memory");
	if (load_text_as(&j->load, config->file, text, config->how, why) ==
	    -1) {
		arena_free(j->arena);
		return -1;
	}
	findings_init(&j->list, j->arena);
	lint_run(&j->load, &j->list);
	if (j->list.failed) {
		judged_clear(j);
		return fail_set(why, "not enough memory");
	}
	j->score = score_of(j);
	return 0;
}

/* --- the edits of a pass --- */

/* The offsets that a finding's edits span: they are in no order. */
static void
extent(const struct finding *f, size_t *start, size_t *end)
{
	*start = f->edit->start.offset;
	*end = f->edit->end.offset;
	for (const struct finding_edit *e = f->edit; e != NULL; e = e->next) {
		if (e->start.offset < *start)
			*start = e->start.offset;
		if (e->end.offset > *end)
			*end = e->end.offset;
	}
}

static int
by_extent(const void *a, const void *b)
{
	size_t x, y, end;

	extent(*(const struct finding *const *)a, &x, &end);
	extent(*(const struct finding *const *)b, &y, &end);
	return x < y ? -1 : x > y;
}

/* Collects the findings that can be fixed. -1: memory is short. */
static int
collect(struct pass *p, const struct findings *list)
{
	p->candidates =
	    reallocarray(NULL, list->count + 1, sizeof(const struct finding *));
	p->chosen = calloc(list->count + 1, sizeof *p->chosen);
	if (p->candidates == NULL || p->chosen == NULL)
		return fail_set(p->why, "not enough memory");
	for (const struct finding *f = list->first; f != NULL; f = f->next)
		if (f->edit != NULL)
			p->candidates[p->count++] = f;
	qsort((void *)p->candidates, p->count, sizeof(const struct finding *),
	    by_extent);
	return 0;
}

static int
by_start(const void *a, const void *b)
{
	const struct finding_edit *x = *(const struct finding_edit *const *)a;
	const struct finding_edit *y = *(const struct finding_edit *const *)b;

	if (x->start.offset != y->start.offset)
		return x->start.offset < y->start.offset ? -1 : 1;
	return x->end.offset < y->end.offset ? -1
					     : x->end.offset > y->end.offset;
}

/* The edits of what is chosen, by place. Returns owned; NULL when memory is
 * short. */
static const struct finding_edit **
chosen_edits(const struct pass *p, size_t *count)
{
	const struct finding_edit **v;
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++)
		for (const struct finding_edit *e = p->candidates[i]->edit;
		     p->chosen[i] && e != NULL; e = e->next)
			n++;
	*count = n;
	v = reallocarray(NULL, n + 1, sizeof(const struct finding_edit *));
	n = 0;
	for (size_t i = 0; v != NULL && i < p->count; i++)
		for (const struct finding_edit *e = p->candidates[i]->edit;
		     p->chosen[i] && e != NULL; e = e->next)
			v[n++] = e;
	if (v != NULL)
		qsort((void *)v, n, sizeof(const struct finding_edit *),
		    by_start);
	return v;
}

static int
put(struct buf *out, struct slice bytes)
{
	return bytes.n == 0 ? 0 : buf_append(out, bytes.p, bytes.n);
}

/* Makes the text with what is chosen. false: two edits are about the same
 * place; -1 is told by p->failed. */
static bool
make_text(struct pass *p)
{
	size_t count, at = 0;
	const struct finding_edit **v = chosen_edits(p, &count);
	bool fits = v != NULL, full = v == NULL;

	buf_clear(&p->made);
	for (size_t i = 0; fits && !full && i < count; i++) {
		size_t start = v[i]->start.offset, end = v[i]->end.offset;

		/* two insertions at one place have no order */
		fits = start >= at && end <= p->text.n && start <= end &&
		    !(i > 0 && v[i - 1]->start.offset == start);
		if (fits)
			full =
			    put(&p->made,
				slice_of(p->text.p + at, start - at)) == -1 ||
			    put(&p->made, slice_str(v[i]->text)) == -1;
		at = end;
	}
	if (fits && !full)
		full = put(&p->made,
			   slice_of(p->text.p + at, p->text.n - at)) == -1;
	free((void *)v);
	if (full) {
		fail_set(p->why, "not enough memory");
		p->failed = true;
	}
	return fits && !full;
}

/* Whether what is chosen makes a better text than what was best. */
static bool
is_improvement(struct pass *p)
{
	struct judged j;
	bool better;

	if (p->trials == TRIALS_MAX || *p->tried >= TRIED_MAX || p->failed)
		return false;
	p->trials++;
	*p->tried += p->text.n;
	if (!make_text(p))
		return false;
	if (judge(&j, buf_slice(&p->made), p->config, p->why) == -1) {
		p->failed = true;
		return false;
	}
	better = is_better(&j.score, &p->best);
	if (better)
		p->best = j.score;
	judged_clear(&j);
	return better;
}

/* Chooses what helps of the candidates from low to below high. The depth is
 * that of halving. */
static void
choose(struct pass *p, size_t low, size_t high)
{
	for (size_t i = low; i < high; i++)
		p->chosen[i] = true;
	if (is_improvement(p))
		return;
	for (size_t i = low; i < high; i++)
		p->chosen[i] = false;
	if (high - low < 2)
		return;
	choose(p, low, low + (high - low) / 2);
	choose(p, low + (high - low) / 2, high);
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

/* Puts the text with what is chosen in the place of the one before. */
static int
take_chosen(struct pass *p, struct buf *text, struct fixer_result *result)
{
	/* the last trial may have been another text */
	if (!make_text(p))
		return -1;
	for (size_t i = 0; i < p->count; i++)
		if (p->chosen[i])
			note_fixed(result, p->candidates[i]->rule);
	buf_clear(text);
	return put(text, buf_slice(&p->made)) == -1
	    ? fail_set(p->why, "not enough memory")
	    : 0;
}

/* One pass: text is replaced by a better one; *changed tells. */
static int
run_pass(struct buf *text, bool *changed, size_t *tried,
    struct fixer_result *fixed, const struct fixer_config *config,
    struct fail *why)
{
	struct pass p = { .config = config,
		.text = buf_slice(text),
		.tried = tried,
		.why = why };
	struct judged j;
	int result = -1;

	*changed = false;
	if (judge(&j, p.text, config, why) == -1)
		return -1;
	buf_init(&p.made, TEXT_MAX);
	p.best = j.score;
	config->choose(config->ctx, &j.load, &j.list);
	if (collect(&p, &j.list) == 0) {
		if (p.count > 0)
			choose(&p, 0, p.count);
		result = p.failed ? -1 : 0;
	}
	for (size_t i = 0; result == 0 && i < p.count; i++)
		*changed |= p.chosen[i];
	if (*changed)
		result = take_chosen(&p, text, fixed);
	free((void *)p.candidates);
	free(p.chosen);
	buf_clear(&p.made);
	judged_clear(&j);
	return result;
}

/* Counts the wanted findings of the text. -1: it cannot be judged. */
static int
count_left(struct fixer_result *result, struct slice text,
    const struct fixer_config *config, struct fail *why)
{
	struct judged j;

	if (judge(&j, text, config, why) == -1)
		return -1;
	config->choose(config->ctx, &j.load, &j.list);
	for (const struct finding *f = j.list.first; f != NULL; f = f->next)
		result->left[f->severity]++;
	judged_clear(&j);
	return 0;
}

int
fixer_run(struct buf *out, struct fixer_result *result, struct slice text,
    const struct fixer_config *config, struct fail *why)
{
	bool changed = true;
	size_t tried = 0;
	struct buf work;
	int status;

	*result = (struct fixer_result){ .count = 0 };
	buf_init(&work, TEXT_MAX);
	status =
	    put(&work, text) == -1 ? fail_set(why, "not enough memory") : 0;
	for (int i = 0; i < PASSES_MAX && status == 0 && changed; i++)
		status = run_pass(&work, &changed, &tried, result, config, why);
	if (status == 0 && result->count > 0)
		status = count_left(result, buf_slice(&work), config, why);
	if (status == 0 && put(out, buf_slice(&work)) == -1)
		status = fail_set(why, "not enough memory");
	buf_clear(&work);
	return status;
}
