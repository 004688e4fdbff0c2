/*
 * report_junit: see report_junit.h. Source: the schema of Ant's JUnit reports
 * in the form that Jenkins and GitLab take.
 *
 * A finding is a test case that failed; an information is one that passed,
 * because a failed test case fails a build. A run without findings has one
 * test case that passed, so that a report is never taken as missing.
 */
#include "report_junit.h"

#include "rule_list.h"
#include "xml_text.h"

static void
put_failure(FILE *to, const struct finding *f)
{
	fputs("      <failure", to);
	xml_text_attribute(to, "type", finding_severity(f->severity));
	xml_text_attribute(to, "message", f->message);
	fputs(">", to);
	xml_text_content(to, f->file);
	fprintf(to, ":%u:%u: ", f->at.line, f->at.column);
	xml_text_content(to, f->message);
	if (f->fix != NULL) {
		fputs("\nfix: ", to);
		xml_text_content(to, f->fix);
	}
	fputs("</failure>\n", to);
}

static void
put_case(FILE *to, const struct finding *f)
{
	const struct rule *rule = rule_list_find(f->rule);
	char name[128];

	snprintf(name, sizeof name, "%s %s %u:%u", f->rule,
	    rule != NULL ? rule->name : "", f->at.line, f->at.column);
	fputs("    <testcase", to);
	xml_text_attribute(to, "classname", f->file);
	xml_text_attribute(to, "name", name);
	fputs(" time=\"0\">\n", to);
	if (f->severity == SEVERITY_INFO) {
		fputs("      <system-out>", to);
		xml_text_content(to, f->message);
		fputs("</system-out>\n", to);
	} else {
		put_failure(to, f);
	}
	fputs("    </testcase>\n", to);
}

int
report_junit(FILE *to, const struct findings *list, bool colour)
{
	size_t failures = 0, tests = list->count > 0 ? list->count : 1;

	(void)colour;
	for (const struct finding *f = list->first; f != NULL; f = f->next)
		failures += f->severity > SEVERITY_INFO;
	fprintf(to,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<testsuites name=\"derpmap lint\" tests=\"%zu\" "
	    "failures=\"%zu\">\n"
	    "  <testsuite name=\"derpmap lint\" tests=\"%zu\" "
	    "failures=\"%zu\" errors=\"0\" time=\"0\">\n",
	    tests, failures, tests, failures);
	for (const struct finding *f = list->first; f != NULL; f = f->next)
		put_case(to, f);
	if (list->first == NULL)
		fputs("    <testcase classname=\"derpmap\" "
		      "name=\"no findings\" time=\"0\"/>\n",
		    to);
	fputs("  </testsuite>\n</testsuites>\n", to);
	return 0;
}
