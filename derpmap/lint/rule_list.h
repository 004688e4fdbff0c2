/*
 * rule_list: all rules. What is printed of rules, and the test that each has
 * cases, come from here. Threads: immutable.
 */
#ifndef DERPKIT_RULE_LIST_H
#define DERPKIT_RULE_LIST_H

#include "rule.h"

size_t rule_list_count(void);

/* The rule at index, below the count, in the order in which rules run. */
const struct rule *rule_list_at(size_t index);

/* The rule with this id, or NULL. */
const struct rule *rule_list_find(const char *id);

/* The index of the rule with this id; the count: there is none. */
size_t rule_list_index(const char *id);

/* Writes where the rule is explained: RULE_LIST_URL bytes with NUL are enough
 * for any rule of the list. Returns out. */
#define RULE_LIST_URL 512
const char *rule_list_url(
    char out[static RULE_LIST_URL], const struct rule *rule);

/* Fills out, with room for rule_list_count(), in the order for people: letters
 * as they first come, then numbers. */
void rule_list_sorted(const struct rule **out);

#endif
