/*
 * selection: which rules are wanted, and with which severity.
 *
 * Rules are named by patterns: an id (R16), the beginning of ids (R, N1), a
 * name (multi-node-region) or `all`.
 *
 * Life: selection_init over an arena; everything is borrowed from it. Threads:
 * used by one at a time.
 */
#ifndef DERPKIT_SELECTION_H
#define DERPKIT_SELECTION_H

#include "fail.h"
#include "rule.h"

struct selection_rule {
	bool is_off;
	bool has_severity;
	enum severity severity; /* when has_severity */
};

struct selection {
	struct selection_rule *rules; /* by index in rule_list */
};

/* All rules, with their own severities. -1 when memory is short. */
int selection_init(struct selection *s, struct arena *a);

/* -1 when memory is short. */
int selection_copy(
    struct selection *to, const struct selection *from, struct arena *a);

/* Turns all rules off, so that only those that follow are wanted. */
void selection_none(struct selection *s);

/* Turns the rules of a comma-separated list of patterns on or off. -1 with
 * *why: a pattern fits no rule. */
int selection_set(
    struct selection *s, struct slice patterns, bool on, struct fail *why);

/* Sets the severity of what the pattern fits: info, warning, error, off. */
int selection_set_severity(struct selection *s, struct slice pattern,
    struct slice severity, struct fail *why);

/* The same from "R16=error". */
int selection_set_override(
    struct selection *s, struct slice text, struct fail *why);

/* Whether a rule fits the pattern. */
bool selection_fits(const struct rule *rule, struct slice pattern);

/* Whether the rule of this id is on; sets *severity when it is overridden. */
bool selection_has(
    const struct selection *s, const char *id, enum severity *severity);

#endif
