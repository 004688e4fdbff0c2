/* lint: see lint.h. The table itself is in lint_table.c. */
#include "lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 600

const struct lint_rule *
lint_rule_find(const char *id)
{
	size_t count;
	const struct lint_rule *rules = lint_rules(&count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(rules[i].id, id) == 0)
			return &rules[i];
	return NULL;
}

/* --- what was refused --- */

static int
by_offset(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

static bool
is_refused(const struct lint *l, size_t offset)
{
	return l->refused_count > 0 &&
	    bsearch(&offset, l->refused, l->refused_count, sizeof offset,
		by_offset) != NULL;
}

/* Fills l->refused. -1: memory is short. */
static int
note_refusals(struct lint *l)
{
	const struct derpmap_remark *r;
	size_t count = 0, *offsets;

	for (r = l->load->map.remarks; r != NULL; r = r->next)
		count += r->refuses;
	if (count == 0)
		return 0;
	offsets = reallocarray(NULL, count, sizeof *offsets);
	if (offsets == NULL)
		return -1;
	for (r = l->load->map.remarks; r != NULL; r = r->next)
		if (r->refuses)
			offsets[l->refused_count++] = r->at.offset;
	qsort(offsets, count, sizeof *offsets, by_offset);
	l->refused = offsets;
	return 0;
}

/* Whether the decoder looked into the mapping: not where a key is refused. */
static bool
is_decoded(const struct lint *l, const struct derpmap_origin *from)
{
	const struct doc_node *n;

	if (l->refused_count == 0 || from->value == NULL)
		return true;
	n = doc_resolve(from->value);
	for (size_t i = 0; n->kind == DOC_MAPPING && i < n->count; i++)
		if (is_refused(l, n->items[2 * i]->start.offset))
			return false;
	return true;
}

/* Whether the decoder went on to the end: some errors stop yaml.v3. */
static bool
was_stopped(const struct load *load)
{
	const struct derpmap_remark *r;

	for (r = load->map.remarks; r != NULL; r = r->next)
		if (r->kind == DERPMAP_BAD_TAG ||
		    r->kind == DERPMAP_BAD_BINARY ||
		    r->kind == DERPMAP_BAD_MERGE ||
		    r->kind == DERPMAP_BAD_ALIAS || r->kind == DERPMAP_PANIC)
			return true;
	return false;
}

bool
lint_whole(const struct lint *l)
{
	return load_accepted(l->load);
}

/* --- the runner --- */

struct found {
	struct finding *f;
	size_t index;
};

static int
by_content(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	size_t p = x->f->at.offset, q = y->f->at.offset;
	int order = by_offset(&p, &q);

	if (order == 0)
		order = strcmp(x->f->message, y->f->message);
	return order != 0 ? order : by_offset(&x->index, &y->index);
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
	unsigned form = load->dialect == DIALECT_JSON ? LINT_JSON : LINT_YAML;
	bool has_map = load->doc.error == DOC_OK && !was_stopped(load);
	struct lint l = { .load = load, .out = out };
	const struct lint_rule *rules;
	size_t count;

	rules = lint_rules(&count);
	if (note_refusals(&l) == -1) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct finding **head = out->end;
		size_t before = out->count;

		if ((rules[i].forms & form) == 0 ||
		    (rules[i].needs_map && !has_map))
			continue;
		l.rule = &rules[i];
		rules[i].fn(&l);
		drop_repeats(out, head, before);
	}
	free((void *)(uintptr_t)l.refused);
}

/* --- for rules --- */

static struct finding *
found(struct lint *l, enum severity severity, struct doc_pos at,
    const char *message)
{
	struct finding *f = NULL;

	if (at.line == 0)
		at = (struct doc_pos){ .line = 1, .column = 1 };
	if (!l->rule->needs_map || !is_refused(l, at.offset))
		f = findings_add(l->out, l->rule->id, severity, l->load->file,
		    at, "%s", message);
	return f != NULL ? f : &l->scratch;
}

struct finding *
lint_found(struct lint *l, struct doc_pos at, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return found(l, l->rule->severity, at, text);
}

struct finding *
lint_found_as(struct lint *l, enum severity severity, struct doc_pos at,
    const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return found(l, severity, at, text);
}

const char *
lint_fix(struct lint *l, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	const char *copy;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	copy = arena_text(l->out->arena, text, strlen(text));
	if (copy == NULL)
		l->out->failed = true;
	return copy;
}

const char *
lint_name(const struct lint *l, const char *yaml)
{
	for (enum derpmap_level level = DERPMAP_LEVEL_MAP;
	     level <= DERPMAP_LEVEL_NODE; level++) {
		struct derpmap_fields fields = derpmap_fields(level);

		for (size_t i = 0; i < fields.n; i++)
			if (strcmp(fields.v[i].yaml, yaml) == 0 &&
			    l->load->dialect == DIALECT_JSON)
				return fields.v[i].json;
	}
	return yaml;
}

void
lint_each_remark(
    struct lint *l, enum derpmap_remark_kind kind, lint_remark_fn *visit)
{
	const struct derpmap_remark *r;

	for (r = l->load->map.remarks; r != NULL; r = r->next)
		if (r->kind == kind)
			visit(l, r);
}

void
lint_each_region(struct lint *l, lint_region_fn *visit)
{
	const struct derpmap *m = &l->load->map;

	for (size_t i = 0; i < m->region_count; i++)
		if (!m->regions[i]->is_nil &&
		    is_decoded(l, &m->regions[i]->from))
			visit(l, m->regions[i]);
}

void
lint_each_node(struct lint *l, lint_node_fn *visit)
{
	const struct derpmap *m = &l->load->map;

	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++) {
			const struct derpmap_node *n = m->regions[i]->nodes[j];

			if (!n->is_nil && is_decoded(l, &n->from))
				visit(l, m->regions[i], n);
		}
}

struct doc_pos
lint_at(
    const struct derpmap_origin *from, const struct derpmap_origin *otherwise)
{
	struct doc_pos at = derpmap_origin_pos(from);

	return at.line != 0 ? at : derpmap_origin_pos(otherwise);
}
