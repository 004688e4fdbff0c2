/*
 * report_json: findings for programs; see schemas/lint-report.schema.json.
 *
 * Threads: used by one; writes to the stream only.
 */
#ifndef DERPKIT_REPORT_JSON_H
#define DERPKIT_REPORT_JSON_H

#include "finding.h"

#include <stdio.h>

/* As report_format.write: -1 when memory is short. */
int report_json(FILE *to, const struct findings *list, bool colour);

#endif
