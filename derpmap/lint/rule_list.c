/* rule_list: see rule_list.h. */
#include "rule_list.h"

#include "rule_groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rule_group *const groups[] = { &rules_text, &rules_kind,
	&rules_key, &rules_absent, &rules_parse, &rules_libyaml, &rules_region,
	&rules_node, &rules_hostname, &rules_address, &rules_port, &rules_tls,
	&rules_online, &rules_config, &rules_source, &rules_embedded,
	&rules_config_last, &rules_suppression, &rules_derper };

#define GROUP_COUNT (sizeof groups / sizeof groups[0])

size_t
rule_list_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < GROUP_COUNT; i++)
		count += groups[i]->n;
	return count;
}

const struct rule *
rule_list_at(size_t index)
{
	size_t i = 0;

	while (index >= groups[i]->n)
		index -= groups[i++]->n;
	return &groups[i]->v[index];
}

size_t
rule_list_index(const char *id)
{
	size_t index = 0;

	for (size_t i = 0; i < GROUP_COUNT; i++)
		for (size_t j = 0; j < groups[i]->n; j++, index++)
			if (groups[i]->v[j].id[0] == id[0] &&
			    strcmp(groups[i]->v[j].id, id) == 0)
				return index;
	return index;
}

const struct rule *
rule_list_find(const char *id)
{
	size_t index = rule_list_index(id);

	return index < rule_list_count() ? rule_list_at(index) : NULL;
}

const char *
rule_list_url(char out[static RULE_LIST_URL], const struct rule *rule)
{
	/* the anchor that Markdown viewers make of the rule's heading */
	snprintf(out, RULE_LIST_URL, "%s#%c%s-%s", DERPKIT_RULES_URL,
	    rule->id[0] - 'A' + 'a', rule->id + 1, rule->name);
	return out;
}

/* The first group that has the letter. */
static size_t
letter_rank(char letter)
{
	size_t i = 0;

	while (groups[i]->v[0].id[0] != letter)
		i++;
	return i;
}

static int
by_letter_then_number(const void *a, const void *b)
{
	const struct rule *x = *(const struct rule *const *)a;
	const struct rule *y = *(const struct rule *const *)b;
	size_t p = letter_rank(x->id[0]), q = letter_rank(y->id[0]);

	return p != q ? (p > q) - (p < q) : strcmp(x->id, y->id);
}

void
rule_list_sorted(const struct rule **out)
{
	size_t n = 0;

	for (size_t i = 0; i < GROUP_COUNT; i++)
		for (size_t j = 0; j < groups[i]->n; j++)
			out[n++] = &groups[i]->v[j];
	qsort((void *)out, n, sizeof *out, by_letter_then_number);
}
