/* lint: see lint.h. */
#include "lint.h"

#include "effective.h"
#include "rule_list.h"
#include "visit.h"

#include <stdlib.h>
#include <string.h>

/* Whether the decoder went on to the end: some errors stop yaml.v3. */
static bool
was_stopped(const struct load *load)
{
	const struct derpmap_diagnostic *r;

	for (r = load->map.diagnostics; r != NULL; r = r->next)
		if (r->kind == DERPMAP_BAD_TAG ||
		    r->kind == DERPMAP_BAD_BINARY ||
		    r->kind == DERPMAP_BAD_MERGE ||
		    r->kind == DERPMAP_BAD_ALIAS || r->kind == DERPMAP_PANIC)
			return true;
	return false;
}

struct found {
	struct finding *f;
	size_t index;
};

static int
order_of(size_t a, size_t b)
{
	return a < b ? -1 : a > b;
}

static int
by_content(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int order = order_of(x->f->at.offset, y->f->at.offset);

	if (order == 0)
		order = strcmp(x->f->message, y->f->message);
	return order != 0 ? order : order_of(x->index, y->index);
}

/* Drops what one rule found twice: from *head on, list->count - before. */
static void
drop_repeats(struct findings *list, struct finding **head, size_t before)
{
	size_t count = list->count - before, n = 0;
	struct found *all;

	if (count < 2)
		return;
	all = reallocarray(NULL, count, sizeof *all);
	if (all == NULL) {
		list->failed = true;
		return;
	}
	for (struct finding *f = *head; f != NULL; f = f->next, n++)
		all[n] = (struct found){ f, n };
	qsort(all, count, sizeof *all, by_content);
	for (size_t i = 1; i < count; i++)
		if (all[i].f->at.offset == all[i - 1].f->at.offset &&
		    strcmp(all[i].f->message, all[i - 1].f->message) == 0)
			all[i].f->rule = NULL;
	free(all);
	list->count = before;
	list->end = head;
	for (struct finding *f = *head; f != NULL; f = f->next)
		if (f->rule != NULL) {
			*list->end = f;
			list->end = &f->next;
			list->count++;
		}
	*list->end = NULL;
}

void
lint_run(const struct load *load, struct findings *out)
{
	unsigned form = load->dialect == DIALECT_JSON ? RULE_JSON : RULE_YAML;
	bool has_map = load->doc.error == DOC_OK && !was_stopped(load);
	struct refusals refusals;
	struct rule_run run = {
		.load = load, .refusals = &refusals, .out = out
	};

	if (refusals_init(&refusals, &load->map) == -1) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < rule_list_count(); i++) {
		struct finding **head = out->end;
		size_t before = out->count;

		run.rule = rule_list_at(i);
		if ((run.rule->forms & form) == 0)
			continue;
		visit_file(&run, has_map);
		drop_repeats(out, head, before);
	}
	refusals_clear(&refusals);
}

void
lint_config(const struct effective *e, struct findings *out)
{
	/* places are in the configuration; there is no map in it */
	const struct load load = { .file = e->config->file,
		.text = e->config->text,
		.dialect = DIALECT_HEADSCALE,
		.doc = e->config->doc };
	struct rule_run run = { .load = &load, .out = out, .effective = e };

	for (size_t i = 0; i < rule_list_count(); i++) {
		struct finding **head = out->end;
		size_t before = out->count;

		run.rule = rule_list_at(i);
		if (run.rule->checks.config == NULL)
			continue;
		run.rule->checks.config(&run);
		drop_repeats(out, head, before);
	}
}
