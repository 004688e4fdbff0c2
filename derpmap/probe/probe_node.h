/*
 * probe_node: one visit from beginning to end: the order of the steps, and
 * which make sense after which.
 *
 * Threads: any; blocking.
 */
#ifndef DERPKIT_PROBE_NODE_H
#define DERPKIT_PROBE_NODE_H

#include "probe_visit.h"

/* Does all steps of the visit. Ends soon after the end of the run. */
void probe_node(const struct probe_context *c);

#endif
