/* fix_score: see fix_score.h. */
#include "fix_score.h"

#include "lint.h"

#define ARENA_MAX ((size_t)1 << 30)

static void
count_map(struct fix_score *s, const struct derpmap *m)
{
	s->regions = m->region_count;
	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++)
			s->nodes += !m->regions[i]->nodes[j]->is_nil;
}

static struct fix_score
score_of(const struct fix_judged *j)
{
	const struct doc *doc = &j->load.doc;
	struct fix_score s = { .unread = 0 };
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
total(const struct fix_score *s)
{
	size_t sum = 0;

	for (size_t i = 0; i < SEVERITY_COUNT; i++)
		sum += s->findings[i];
	return sum;
}

bool
fix_score_is_better(const struct fix_score *a, const struct fix_score *than)
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

void
fix_judged_clear(struct fix_judged *j)
{
	load_close(&j->load);
	arena_free(j->arena);
	j->arena = NULL;
}

int
fix_judge(struct fix_judged *j, const char *file, struct slice text,
    const struct load_how *how, struct fail *why)
{
	*j = (struct fix_judged){ .arena = arena_new(ARENA_MAX) };
	if (j->arena == NULL)
		return fail_set(why, "not enough memory");
	if (load_text_as(&j->load, file, text, how, why) == -1) {
		arena_free(j->arena);
		return -1;
	}
	findings_init(&j->list, j->arena);
	lint_run(&j->load, &j->list);
	if (j->list.failed) {
		fix_judged_clear(j);
		return fail_set(why, "not enough memory");
	}
	j->score = score_of(j);
	return 0;
}
