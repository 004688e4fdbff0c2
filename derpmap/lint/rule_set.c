/* rule_set: see rule_set.h. */
#include "rule_set.h"

#define WORDS (RULE_SET_MAX / 64)

void
rule_set_add(struct rule_set *set, size_t index)
{
	set->word[index / 64] |= UINT64_C(1) << (index % 64);
}

bool
rule_set_has(const struct rule_set *set, size_t index)
{
	return (set->word[index / 64] >> (index % 64) & 1) != 0;
}

void
rule_set_join(struct rule_set *set, const struct rule_set *more)
{
	for (size_t i = 0; i < WORDS; i++)
		set->word[i] |= more->word[i];
}

bool
rule_set_meet(const struct rule_set *a, const struct rule_set *b)
{
	for (size_t i = 0; i < WORDS; i++)
		if ((a->word[i] & b->word[i]) != 0)
			return true;
	return false;
}
