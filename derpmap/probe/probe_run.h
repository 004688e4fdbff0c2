/*
 * probe_run: all nodes of a plan over all families, a few at a time, then the
 * pairs of nodes of each region, then a look at all of it.
 *
 * A fault of one node takes time of its own visit only; the whole ends at the
 * total time limit, and says so. Threads: uses its own until it returns.
 */
#ifndef DERPKIT_PROBE_RUN_H
#define DERPKIT_PROBE_RUN_H

#include "probe_report.h"

/* Both arguments are borrowed until probe_report_clear. -1 with *why: memory or
 * threads are short; nothing is held then. */
int probe_run(const struct probe_config *config, const struct probe_plan *plan,
    struct probe_report *report, struct fail *why);

#endif
