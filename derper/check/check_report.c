/* check_report: see check_report.h. */
#include "check_report.h"

#include "check_json.h"
#include "check_text.h"

#include <stdio.h>

int
check_report(const struct check_facts *c, bool is_complete, struct fail *why)
{
	json_t *told = check_json(c, is_complete);
	int rc = 0;

	if (told == NULL)
		return fail_set(why, "out of memory");
	if (!c->config->json)
		check_text(stdout, told);
	else if (json_dumpf(told, stdout, JSON_INDENT(2)) == 0)
		putchar('\n');
	if (fflush(stdout) == EOF || ferror(stdout))
		rc = fail_errno(why, "cannot write to standard output");
	json_decref(told);
	return rc;
}
