/*
 * visit: calls rules for everything in a file that their rows say they judge.
 *
 * The map is walked once for all rules, which is much kinder to the caches
 * than once for each; what one rule finds is in a list of its own, so that the
 * order of the findings is still that of the rules.
 *
 * Threads: as the runs.
 */
#ifndef DERPKIT_VISIT_H
#define DERPKIT_VISIT_H

#include "rule.h"

/* Calls the checks of each run->rule. has_map: the text was decoded so far
 * that there are values. -1: memory is short. */
int visit_file(struct rule_run *runs, size_t n, bool has_map);

#endif
