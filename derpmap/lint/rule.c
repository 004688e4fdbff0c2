/* rule: see rule.h. */
#include "rule.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 600

static struct finding *
add(struct rule_run *run, enum severity severity, struct doc_pos at,
    const char *message)
{
	struct finding *f = NULL;

	if (at.line == 0)
		at = (struct doc_pos){ .line = 1, .column = 1 };
	if (!run->on_values || !refusals_have(run->refusals, at.offset))
		f = findings_add(run->out, run->rule->id, severity,
		    run->load->file, at, "%s", message);
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

struct doc_pos
rule_pos(
    const struct derpmap_origin *from, const struct derpmap_origin *otherwise)
{
	struct doc_pos at = derpmap_origin_pos(from);

	return at.line != 0 ? at : derpmap_origin_pos(otherwise);
}
