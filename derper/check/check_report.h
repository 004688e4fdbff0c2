/*
 * check_report: what -check-config prints, for people or as JSON.
 *
 * Threads: the main thread's.
 */
#ifndef DERPKIT_CHECK_REPORT_H
#define DERPKIT_CHECK_REPORT_H

#include "check_facts.h"

/* Prints it on standard output, as the configuration wants it. Not complete:
 * the flags were refused, and nothing but errors and warnings is known. -1 and
 * the reason. */
int check_report(
    const struct check_facts *c, bool is_complete, struct fail *why);

#endif
