/* lint: see lint.h. */
#include "lint.h"

#include "derper_start.h"
#include "effective.h"
#include "field_words.h"
#include "place.h"
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

static bool
has_rule(void *ctx, struct finding *f)
{
	(void)ctx;
	return f->rule != NULL;
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

/* Whether each is further on in the text than the one before, as most rules
 * find: nothing is there twice then. */
static bool
is_ascending(const struct findings *list)
{
	for (const struct finding *f = list->first; f != NULL; f = f->next)
		if (f->next != NULL && f->next->at.offset <= f->at.offset)
			return false;
	return true;
}

/* Drops what one rule found twice. */
static void
drop_repeats(struct findings *list)
{
	size_t count = list->count, n = 0;
	struct found *all;

	if (is_ascending(list))
		return;
	all = reallocarray(NULL, count, sizeof *all);
	if (all == NULL) {
		list->failed = true;
		return;
	}
	for (struct finding *f = list->first; f != NULL; f = f->next, n++)
		all[n] = (struct found){ f, n };
	qsort(all, count, sizeof *all, by_content);
	for (size_t i = 1; i < count; i++)
		if (all[i].f->at.offset == all[i - 1].f->at.offset &&
		    strcmp(all[i].f->message, all[i - 1].f->message) == 0)
			all[i].f->rule = NULL;
	free(all);
	findings_keep(list, has_rule, NULL);
}

/* Adds what one rule found to what all did. */
static void
take_findings(struct findings *out, struct findings *own, unsigned forms)
{
	drop_repeats(own);
	if (forms == RULE_JSON)
		field_words_to_json(own, own->first);
	findings_join(out, own);
}

void
lint_begin(struct lint *l, struct findings *out, size_t file_count)
{
	*l = (struct lint){ .out = out,
		.call = { .sees_all = true },
		.is_alone = file_count <= 1 };
}

/* Whether the text was decoded so far that there are values to judge. */
static bool
has_map(const struct load *load)
{
	/* an empty text is an empty map */
	return (load->doc.error == DOC_OK || load->doc.root != NULL) &&
	    !was_stopped(load) && load->kind.kind != FILEKIND_HTML &&
	    load->kind.kind != FILEKIND_TEMPLATE;
}

/* Whether what the rule finds tells why the file could not be judged: without
 * it a file that nobody can read would have no findings when other rules are
 * asked for. */
static bool
tells_unread(const struct rule *rule, const struct load *load)
{
	return (rule->checks.file != NULL &&
		   (load->doc.error != DOC_OK || !has_map(load))) ||
	    (rule->checks.diagnostic != NULL && was_stopped(load));
}

static void
mark_fatal(struct findings *list)
{
	for (struct finding *f = list->first; f != NULL; f = f->next)
		f->is_fatal |= f->severity == SEVERITY_ERROR;
}

/* The runs of all rules about these forms: copies of *like, each with a list of
 * its own in lists. Returns how many. */
static size_t
make_runs(struct rule_run *runs, struct findings *lists,
    const struct rule_run *like, unsigned forms)
{
	size_t n = 0;

	for (size_t i = 0; i < rule_list_count(); i++) {
		if ((rule_list_at(i)->forms & forms) == 0)
			continue;
		findings_init(&lists[n], like->out->arena);
		runs[n] = *like;
		runs[n].rule = rule_list_at(i);
		runs[n].out = &lists[n];
		n++;
	}
	return n;
}

/* Runs the rules about these forms over a file. -1: memory is short. */
static int
run_rules(const struct rule_run *like, unsigned forms)
{
	const size_t count = rule_list_count();
	struct findings *lists = reallocarray(NULL, count, sizeof *lists);
	struct rule_run *runs = reallocarray(NULL, count, sizeof *runs);
	int result = -1;
	size_t n;

	if (lists != NULL && runs != NULL) {
		n = make_runs(runs, lists, like, forms);
		result = visit_file(runs, n, has_map(like->load));
		for (size_t i = 0; i < n; i++) {
			if (tells_unread(runs[i].rule, like->load))
				mark_fatal(&lists[i]);
			take_findings(like->out, &lists[i], forms);
		}
	}
	free(runs);
	free(lists);
	return result;
}

/* Runs one check of a rule about a whole call or a configuration. */
static void
run_check(struct rule_run *run, const struct rule *rule,
    void (*check)(struct rule_run *run))
{
	struct findings *out = run->out;
	struct findings own;

	if (check == NULL)
		return;
	findings_init(&own, out->arena);
	run->rule = rule;
	run->out = &own;
	run->others = out;
	check(run);
	run->out = out;
	take_findings(out, &own, RULE_ANY);
}

/* Keeps a region for what is judged at the end. */
static void
keep_region(struct lint *l, const struct load *load,
    const struct derpmap_region *region)
{
	struct rule_call *c = &l->call;

	if (c->region_count == c->region_cap) {
		size_t cap = c->region_cap == 0 ? 16 : 2 * c->region_cap;
		struct rule_call_region *regions =
		    reallocarray(c->regions, cap, sizeof *regions);

		if (regions == NULL) {
			l->out->failed = true;
			return;
		}
		c->regions = regions;
		c->region_cap = cap;
	}
	c->regions[c->region_count] = (struct rule_call_region){
		.key = region->key,
		.file = load->file,
		.file_index = c->file_count,
		.at = region->from.key != NULL
		    ? region->from.key->start
		    : derpmap_origin_pos(&region->from),
		.is_nil = region->is_nil,
	};
	if (!l->is_alone)
		c->regions[c->region_count].digest = region_digest_of(region);
	c->region_count++;
}

/* Keeps what is judged when all files are read. */
static void
keep_file(struct lint *l, const struct load *load)
{
	const struct derpmap *m = &load->map;

	if (load->kind.kind == FILEKIND_NODE_LIST ||
	    load->kind.kind == FILEKIND_OTHER)
		return; /* it has no part in the map */
	l->call.sees_all &= load_accepted(load) && load->kind.map != NULL;
	l->call.has_defaults |=
	    load->kind.kind == FILEKIND_POLICY && !m->omit_default_regions.v;
	for (size_t i = 0; i < m->region_count; i++)
		keep_region(l, load, m->regions[i]);
	l->call.file_count++;
}

void
lint_file(struct lint *l, const struct load *load)
{
	unsigned form = load->dialect == DIALECT_JSON ? RULE_JSON : RULE_YAML;
	struct place_finder places;
	struct refusals refusals;
	struct rule_run run = {
		.file = load->file,
		.load = load,
		.places = &places,
		.call = &l->call,
		.sights = l->sights,
		.refusals = &refusals,
		.out = l->out,
	};

	place_finder_init(&places, l->out->arena, load->doc.root);
	if (refusals_init(&refusals, &load->map) == -1) {
		l->out->failed = true;
		return;
	}
	if (run_rules(&run, form) == -1)
		l->out->failed = true;
	refusals_clear(&refusals);
	keep_file(l, load);
}

void
lint_end(struct lint *l)
{
	struct rule_run run = { .call = &l->call, .out = l->out };

	for (size_t i = 0; i < rule_list_count(); i++)
		if (l->call.file_count > 0)
			run_check(&run, rule_list_at(i),
			    rule_list_at(i)->checks.call);
	free(l->call.regions);
	l->call.regions = NULL;
}

void
lint_run(const struct load *load, struct findings *out)
{
	struct lint l;

	lint_begin(&l, out, 1);
	lint_file(&l, load);
	lint_end(&l);
}

void
lint_config(const struct effective *e, const struct compose_ports *compose,
    struct findings *out)
{
	/* places are in the configuration; there is no map in it */
	const struct load load = { .file = e->config->file,
		.text = e->config->text,
		.dialect = DIALECT_HEADSCALE,
		.doc = e->config->doc };
	struct place_finder places;
	struct rule_run run = { .file = load.file,
		.load = &load,
		.places = &places,
		.out = out,
		.effective = e,
		.compose = compose };

	place_finder_init(&places, out->arena, load.doc.root);
	for (size_t i = 0; i < rule_list_count(); i++)
		run_check(
		    &run, rule_list_at(i), rule_list_at(i)->checks.config);
	if (!e->config->is_read)
		mark_fatal(out);
}

void
lint_derper(const struct derper_start *start, struct findings *out)
{
	const struct load load = { .text = start->text };
	struct findings own;
	struct place_finder places;
	struct rule_run run = {
		.load = &load, .places = &places, .start = start, .out = &own
	};

	findings_init(&own, out->arena);
	place_finder_init(&places, out->arena, NULL);
	for (size_t i = 0; i < rule_list_count(); i++)
		if ((rule_list_at(i)->forms & RULE_DERPER) != 0)
			run_check(&run, rule_list_at(i),
			    rule_list_at(i)->checks.file);
	for (struct finding *f = own.first; f != NULL; f = f->next)
		derper_start_place(start, f);
	findings_join(out, &own);
}
