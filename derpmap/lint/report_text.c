/* report_text: see report_text.h. */
#include "report_text.h"

#include "rule_list.h"
#include "sanitize.h"

#include <stdlib.h>
#include <string.h>

static const char *
colour_of(enum severity severity)
{
	switch (severity) {
	case SEVERITY_INFO:
		return "\033[36m";
	case SEVERITY_WARNING:
		return "\033[33m";
	case SEVERITY_ERROR:
		return "\033[31m";
	}
	return "";
}

/* -1: memory is short. */
static int
put_clean(FILE *to, const char *text)
{
	char *clean = sanitize_text(text, true);

	if (clean == NULL)
		return -1;
	fputs(clean, to);
	free(clean);
	return 0;
}

static int
put_finding(FILE *to, const struct finding *f, bool colour)
{
	const struct rule *rule = rule_list_find(f->rule);
	const char *file = strcmp(f->file, "-") == 0 ? "stdin" : f->file;

	if (put_clean(to, file) == -1)
		return -1;
	fprintf(to, ":%u:%u: %s%s%s: ", f->at.line, f->at.column,
	    colour ? colour_of(f->severity) : "", finding_severity(f->severity),
	    colour ? "\033[0m" : "");
	if (put_clean(to, f->message) == -1)
		return -1;
	fprintf(to, " [%s%s%s]\n", f->rule, rule != NULL ? " " : "",
	    rule != NULL ? rule->name : "");
	if (f->fix == NULL)
		return 0;
	fputs("    fix: ", to);
	if (put_clean(to, f->fix) == -1)
		return -1;
	fputc('\n', to);
	return 0;
}

int
report_text(FILE *to, const struct findings *list, bool colour)
{
	for (const struct finding *f = list->first; f != NULL; f = f->next)
		if (put_finding(to, f, colour) == -1)
			return -1;
	return 0;
}
