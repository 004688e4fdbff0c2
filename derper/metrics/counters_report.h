/*
 * counters_report: all counters in the log, for SIGUSR1 and at the end.
 *
 * Threads: any.
 */
#ifndef DERPKIT_COUNTERS_REPORT_H
#define DERPKIT_COUNTERS_REPORT_H

struct counters_array;
struct registry;

/* In as many lines as it takes, of which those of the notices are the last one;
 * none while all are zero. */
void counters_report(
    const struct counters_array *counters, struct registry *registry);

#endif
