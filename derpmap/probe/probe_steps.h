/*
 * probe_steps: one visit from beginning to end: the order of the steps, and
 * which make sense after which.
 *
 * Threads: any; blocking.
 */
#ifndef DERPKIT_PROBE_STEPS_H
#define DERPKIT_PROBE_STEPS_H

#include "probe_visit.h"

/* Does all steps of the visit. Ends soon after the end of the run. */
void probe_steps(const struct probe_context *c);

#endif
