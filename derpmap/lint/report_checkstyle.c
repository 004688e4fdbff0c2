/* report_checkstyle: see report_checkstyle.h. Source: Checkstyle's XMLLogger.
 */
#include "report_checkstyle.h"

#include "xml_text.h"

#include <string.h>

static void
put_finding(FILE *to, const struct finding *f)
{
	char source[32];

	snprintf(source, sizeof source, "derpmap.%s", f->rule);
	fprintf(to, "    <error line=\"%u\" column=\"%u\" severity=\"%s\"",
	    f->at.line, f->at.column, finding_severity(f->severity));
	xml_text_attribute(to, "message", f->message);
	xml_text_attribute(to, "source", source);
	fputs("/>\n", to);
}

int
report_checkstyle(FILE *to, const struct findings *list, bool colour)
{
	const char *file = NULL;

	(void)colour;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<checkstyle version=\"4.3\">\n",
	    to);
	for (const struct finding *f = list->first; f != NULL; f = f->next) {
		if (file == NULL || strcmp(file, f->file) != 0) {
			fputs(file != NULL ? "  </file>\n" : "", to);
			fputs("  <file", to);
			xml_text_attribute(to, "name", f->file);
			fputs(">\n", to);
		}
		file = f->file;
		put_finding(to, f);
	}
	fputs(file != NULL ? "  </file>\n" : "", to);
	fputs("</checkstyle>\n", to);
	return 0;
}
