/* report_github: see report_github.h. Source: "Workflow commands for GitHub
 * Actions", and the escapes of the runner's ActionCommand. */
#include "report_github.h"

#include "rule_list.h"
#include "utf8.h"

/* Prints the text with % and line ends escaped, in a property also what ends
 * one. Other control characters, and what is not UTF-8, become U+FFFD, because
 * the command is shown in a log. */
static void
put_escaped(FILE *to, const char *text, bool property)
{
	struct slice rest = slice_str(text);

	while (rest.n > 0) {
		uint32_t code = 0;
		size_t n = utf8_next(rest, &code);
		bool special = code == '%' || code == '\r' || code == '\n' ||
		    (property && (code == ':' || code == ','));

		if (special)
			fprintf(to, "%%%02X", code);
		else if (n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
			fputs("\xef\xbf\xbd", to);
		else
			fwrite(rest.p, 1, n, to);
		n = n > 0 ? n : 1;
		rest = slice_of(rest.p + n, rest.n - n);
	}
}

static const char *
command_of(enum severity severity)
{
	switch (severity) {
	case SEVERITY_INFO:
		return "notice";
	case SEVERITY_WARNING:
		return "warning";
	case SEVERITY_ERROR:
		return "error";
	}
	return "";
}

static void
put_finding(FILE *to, const struct finding *f)
{
	const struct rule *rule = rule_list_find(f->rule);

	fprintf(to, "::%s file=", command_of(f->severity));
	put_escaped(to, f->file, true);
	fprintf(to, ",line=%u,col=%u", f->at.line, f->at.column);
	/* columns are only taken when the finding is within one line */
	if (f->end.line == f->at.line && f->end.column > f->at.column)
		fprintf(
		    to, ",endLine=%u,endColumn=%u", f->end.line, f->end.column);
	fprintf(to, ",title=%s%s%s::", f->rule, rule != NULL ? " " : "",
	    rule != NULL ? rule->name : "");
	put_escaped(to, f->message, false);
	if (f->fix != NULL) {
		fputs("%0Afix: ", to);
		put_escaped(to, f->fix, false);
	}
	fputc('\n', to);
}

int
report_github(FILE *to, const struct findings *list, bool colour)
{
	(void)colour;
	for (const struct finding *f = list->first; f != NULL; f = f->next)
		put_finding(to, f);
	return 0;
}
