/* report: see report.h. */
#include "report.h"

#include "report_checkstyle.h"
#include "report_github.h"
#include "report_gitlab.h"
#include "report_json.h"
#include "report_junit.h"
#include "report_sarif.h"
#include "report_text.h"

#include <string.h>

static const struct report_format formats[] = {
	{ "text", report_text, "for people, as compilers do", true },
	{ "json", report_json, "for programs; see its schema", false },
	{ "sarif", report_sarif, "SARIF 2.1.0", false },
	{ "github", report_github, "annotations of GitHub Actions", true },
	{ "gitlab", report_gitlab, "GitLab's code quality report", false },
	{ "junit", report_junit, "JUnit XML", false },
	{ "checkstyle", report_checkstyle, "Checkstyle XML", false },
};

const struct report_format *
report_format(size_t n)
{
	return n < sizeof formats / sizeof formats[0] ? &formats[n] : NULL;
}

const char *
report_format_name(size_t n)
{
	const struct report_format *format = report_format(n);

	return format != NULL ? format->name : NULL;
}

static void
put_count(FILE *to, const struct findings *list, enum severity severity,
    const char **separator)
{
	size_t count = list->hidden[severity];

	for (const struct finding *f = list->first; f != NULL; f = f->next)
		count += f->severity == severity;
	if (count == 0)
		return;
	fprintf(to, "%s%zu %s%s", *separator, count, finding_severity(severity),
	    count == 1 ? "" : "s");
	*separator = ", ";
}

void
report_summary(FILE *to, const struct findings *list)
{
	const char *separator = "";

	put_count(to, list, SEVERITY_ERROR, &separator);
	put_count(to, list, SEVERITY_WARNING, &separator);
	put_count(to, list, SEVERITY_INFO, &separator);
	if (*separator == '\0')
		fputs("no findings", to);
}
