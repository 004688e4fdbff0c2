/*
 * status_report: a relay's status on a terminal, or in a pipe.
 *
 * Threads: the main thread of a command.
 */
#ifndef DERPKIT_STATUS_REPORT_H
#define DERPKIT_STATUS_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Prints what /status.json told; with colour, escapes for a terminal. What a
 * terminal would obey in names is escaped. */
void status_report(FILE *to, const json_t *status, bool colour);

#endif
