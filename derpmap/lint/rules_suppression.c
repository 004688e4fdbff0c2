/* rules_suppression: what is said of suppressions, which suppression.c finds
 * when everything else is known. */
#include "rule_groups.h"

static const struct rule rules[] = {
	{ "S01", "unused-suppression", SEVERITY_WARNING, RULE_ANY, { 0 },
	    "a suppression that suppresses nothing",
	    "The comment would hide what comes later. Remove it.",
	    "derpmap itself" },
	{ "S02", "bad-suppression", SEVERITY_WARNING, RULE_ANY, { 0 },
	    "a suppression that cannot be read, or gives no reason",
	    "The form is `# derpmap: ignore=RULE reason`, several rules are "
	    "separated by commas.",
	    "derpmap itself" },
};

const struct rule_group rules_suppression = { rules,
	sizeof rules / sizeof rules[0] };
