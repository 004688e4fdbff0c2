/* rule: see rule.h. */
#include "rule.h"

#include "json_fold.h"
#include "place.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 600

static void
describe_line(struct rule_run *run, struct finding *f)
{
	f->excerpt = place_excerpt_text(
	    run->out->arena, run->load->text, f->at, &f->excerpt_column);
	if (f->excerpt == NULL)
		run->out->failed = true;
}

/* Fills in what is at the finding's place. */
static void
describe(struct rule_run *run, struct finding *f)
{
	struct arena *arena = run->out->arena;
	struct place place;

	if (place_find(&place, run->places, f->at.offset, run->on_values) == -1)
		run->out->failed = true;
	f->end = place.end;
	if (doc_note_find(&run->load->doc, DOC_NOTE_UTF16) == NULL)
		describe_line(run, f);
	if (place.path[0] == '\0')
		return;
	f->path = arena_text(arena, place.path, strlen(place.path));
	if (f->path == NULL)
		run->out->failed = true;
}

static struct finding *
add(struct rule_run *run, enum severity severity, struct doc_pos at,
    const char *message)
{
	struct finding *f = NULL;

	bool has_place = at.line != 0;

	if (!has_place)
		at = (struct doc_pos){ .line = 1, .column = 1 };
	if (!run->on_values || !refusals_have(run->refusals, at.offset))
		f = findings_add_text(
		    run->out, run->rule->id, severity, run->file, at, message);
	if (f != NULL && has_place && run->load != NULL)
		describe(run, f);
	return f != NULL ? f : &run->scratch;
}

struct finding *
rule_found(struct rule_run *run, struct doc_pos at, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return add(run, run->rule->severity, at, text);
}

struct finding *
rule_found_as(struct rule_run *run, enum severity severity, struct doc_pos at,
    const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return add(run, severity, at, text);
}

const char *
rule_fix(struct rule_run *run, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	const char *copy;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	copy = arena_text(run->out->arena, text, strlen(text));
	if (copy == NULL)
		run->out->failed = true;
	return copy;
}

void
rule_note(struct finding *f)
{
	f->is_note = true;
}

bool
rule_is_foreign_node(const struct derpmap_node *node)
{
	/* as the clients compare names: case does not matter */
	return slice_ends_nocase(node->host_name.v, ".tailscale.com");
}

bool
rule_is_foreign(const struct derpmap_region *region)
{
	size_t nodes = 0;

	for (size_t i = 0; i < region->node_count; i++) {
		if (region->nodes[i]->is_nil)
			continue;
		nodes++;
		if (!rule_is_foreign_node(region->nodes[i]))
			return false;
	}
	return nodes > 0;
}

const char *
rule_quoted(struct rule_run *run, const char *text)
{
	return rule_fix(
	    run, run->load->dialect == DIALECT_JSON ? "\"%s\"" : "%s", text);
}

bool
rule_sees_all(const struct rule_run *run)
{
	return load_accepted(run->load);
}

const char *
rule_field_name(const struct rule_run *run, const char *yaml)
{
	if (run->load->dialect != DIALECT_JSON)
		return yaml;
	for (enum derpmap_level level = DERPMAP_LEVEL_MAP;
	     level <= DERPMAP_LEVEL_NODE; level++) {
		struct derpmap_fields fields = derpmap_fields(level);

		for (size_t i = 0; i < fields.n; i++)
			if (strcmp(fields.v[i].yaml, yaml) == 0)
				return fields.v[i].json;
	}
	return yaml;
}

const struct doc_node *
rule_field_value(const struct rule_run *run, const struct doc_node *mapping,
    const char *yaml)
{
	const bool is_json = run->load->dialect == DIALECT_JSON;
	const char *name = rule_field_name(run, yaml);

	if (mapping == NULL || mapping->kind != DOC_MAPPING)
		return NULL;
	for (size_t i = 0; i < mapping->count; i++) {
		const struct doc_node *key = mapping->items[2 * i];

		if (key->kind == DOC_SCALAR &&
		    (is_json ? json_fold_eq(key->text, name)
			     : slice_is(key->text, name)))
			return mapping->items[2 * i + 1];
	}
	return NULL;
}

struct doc_pos
rule_pos(
    const struct derpmap_origin *from, const struct derpmap_origin *otherwise)
{
	struct doc_pos at = derpmap_origin_pos(from);

	return at.line != 0 ? at : derpmap_origin_pos(otherwise);
}
