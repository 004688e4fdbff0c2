/*
 * probe_json: the report for programs; schemas/probe-report.schema.json.
 *
 * Threads: writes to the stream only.
 */
#ifndef DERPKIT_PROBE_JSON_H
#define DERPKIT_PROBE_JSON_H

#include "probe_report.h"

#include <stdio.h>

/* One object; on one line when it is one of many. -1: memory is short. */
int probe_json(FILE *to, const struct probe_report *report, bool one_line);

#endif
