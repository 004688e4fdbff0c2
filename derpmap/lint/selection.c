/* selection: see selection.h. */
#include "selection.h"

#include "quote.h"
#include "rule_list.h"

#include <string.h>
#include <strings.h>

int
selection_init(struct selection *s, struct arena *a)
{
	s->rules = arena_alloc(a, rule_list_count(), sizeof *s->rules);
	return s->rules != NULL ? 0 : -1;
}

int
selection_copy(
    struct selection *to, const struct selection *from, struct arena *a)
{
	if (selection_init(to, a) == -1)
		return -1;
	memcpy(to->rules, from->rules, rule_list_count() * sizeof *to->rules);
	return 0;
}

void
selection_none(struct selection *s)
{
	for (size_t i = 0; i < rule_list_count(); i++)
		s->rules[i].is_off = true;
}

bool
selection_fits(const struct rule *rule, struct slice pattern)
{
	size_t n = strlen(rule->id);

	if (slice_is(pattern, "all") || slice_is(pattern, rule->name))
		return true;
	return pattern.n > 0 && pattern.n <= n &&
	    strncasecmp((const char *)pattern.p, rule->id, pattern.n) == 0;
}

static int
fail_pattern(struct slice pattern, struct fail *why)
{
	char quoted[QUOTE_TEXT];

	return fail_set(why, "no rule is called %s; see derpmap lint --list",
	    quote_text(quoted, pattern));
}

/* Calls for each rule that the pattern fits. -1: there is none. */
static int
set_one(struct selection *s, struct slice pattern,
    void (*set)(struct selection_rule *rule, enum severity severity),
    enum severity severity, struct fail *why)
{
	bool found = false;

	for (size_t i = 0; i < rule_list_count(); i++) {
		if (!selection_fits(rule_list_at(i), pattern))
			continue;
		set(&s->rules[i], severity);
		found = true;
	}
	return found ? 0 : fail_pattern(pattern, why);
}

static void
turn_on(struct selection_rule *rule, enum severity unused)
{
	(void)unused;
	rule->is_off = false;
}

static void
turn_off(struct selection_rule *rule, enum severity unused)
{
	(void)unused;
	rule->is_off = true;
}

static void
override(struct selection_rule *rule, enum severity severity)
{
	rule->is_off = false;
	rule->has_severity = true;
	rule->severity = severity;
}

int
selection_set(
    struct selection *s, struct slice patterns, bool on, struct fail *why)
{
	struct slice pattern, rest = patterns;
	bool more = true;

	while (more) {
		more = slice_cut(rest, ',', &pattern, &rest);
		if (set_one(s, slice_trim(pattern), on ? turn_on : turn_off,
			SEVERITY_INFO, why) == -1)
			return -1;
	}
	return 0;
}

int
selection_set_severity(struct selection *s, struct slice pattern,
    struct slice severity, struct fail *why)
{
	char quoted[QUOTE_TEXT];

	if (slice_is(severity, "off"))
		return set_one(s, pattern, turn_off, SEVERITY_INFO, why);
	for (size_t i = 0; i < SEVERITY_COUNT; i++)
		if (slice_is(severity, finding_severity_name(i)))
			return set_one(
			    s, pattern, override, (enum severity)i, why);
	return fail_set(why,
	    "a severity is info, warning, error or off, not %s",
	    quote_text(quoted, severity));
}

int
selection_set_override(struct selection *s, struct slice text, struct fail *why)
{
	struct slice pattern, severity;
	char quoted[QUOTE_TEXT];

	if (!slice_cut(text, '=', &pattern, &severity))
		return fail_set(
		    why, "%s is not RULE=SEVERITY", quote_text(quoted, text));
	return selection_set_severity(
	    s, slice_trim(pattern), slice_trim(severity), why);
}

bool
selection_has(
    const struct selection *s, const char *id, enum severity *severity)
{
	size_t i = rule_list_index(id);

	if (s->rules[i].is_off)
		return false;
	if (s->rules[i].has_severity)
		*severity = s->rules[i].severity;
	return true;
}
