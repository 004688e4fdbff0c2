/* check_config: see check_config.h. */
#include "check_config.h"

#include "check_report.h"
#include "log.h"

#include <stdlib.h>

enum { STATUS_STARTS = 0, STATUS_DOES_NOT = 1 };

/* Owned by the caller; NULL, which it says, without memory: the facts are too
 * large for a stack. */
static struct check_facts *
new_facts(void)
{
	struct check_facts *facts = calloc(1, sizeof *facts);

	if (facts == NULL)
		log_error("derper: out of memory");
	return facts;
}

/* The verdict; what cannot be told must not look like a good one. */
static int
report(struct check_facts *facts, bool is_complete)
{
	struct fail why = { 0 };
	int status = facts->errors.n > 0 ? STATUS_DOES_NOT : STATUS_STARTS;

	if (check_report(facts, is_complete, &why) == -1) {
		log_error("derper: %s", why.text);
		status = STATUS_DOES_NOT;
	}
	check_facts_clear(facts);
	free(facts);
	return status;
}

int
check_config_run(const struct config *config)
{
	struct check_facts *facts = new_facts();

	if (facts == NULL)
		return STATUS_DOES_NOT;
	check_facts_look(facts, config);
	return report(facts, true);
}

int
check_config_refused(const struct config *config, const char *why)
{
	struct check_facts *facts = new_facts();

	if (facts == NULL)
		return STATUS_DOES_NOT;
	check_facts_refuse(facts, config, why);
	return report(facts, false);
}
