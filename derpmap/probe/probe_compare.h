/*
 * probe_compare: what only a look at all visits of a run shows: nodes without
 * any address, families that this machine does not have, two nodes that are
 * one relay, what the time limit left undone.
 *
 * Threads: one at a time.
 */
#ifndef DERPKIT_PROBE_COMPARE_H
#define DERPKIT_PROBE_COMPARE_H

#include "probe_report.h"

/* Adds findings of nodes. -1: memory is short. */
int probe_compare(struct probe_report *report);

#endif
