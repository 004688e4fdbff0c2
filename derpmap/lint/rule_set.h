/*
 * rule_set: a set of rules, by their index in rule_list. Threads: a plain
 * value.
 */
#ifndef DERPKIT_RULE_SET_H
#define DERPKIT_RULE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many rules as a set has room for; a unit test compares. */
#define RULE_SET_MAX 256

struct rule_set {
	uint64_t word[RULE_SET_MAX / 64];
};

/* index is below RULE_SET_MAX. */
void rule_set_add(struct rule_set *set, size_t index);
bool rule_set_has(const struct rule_set *set, size_t index);

/* Adds what is in `more`. */
void rule_set_join(struct rule_set *set, const struct rule_set *more);

/* Whether a rule is in both. */
bool rule_set_meet(const struct rule_set *a, const struct rule_set *b);

#endif
