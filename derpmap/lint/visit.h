/*
 * visit: calls a rule for everything in a file that its row says it judges.
 *
 * Threads: as the run.
 */
#ifndef DERPKIT_VISIT_H
#define DERPKIT_VISIT_H

#include "rule.h"

/* Calls the checks of run->rule. has_map: the text was decoded so far that
 * there are values. */
void visit_file(struct rule_run *run, bool has_map);

#endif
