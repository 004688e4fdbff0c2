/*
 * report_junit: findings as JUnit XML, one test case for each finding.
 *
 * Threads: used by one; writes to the stream only.
 */
#ifndef DERPKIT_REPORT_JUNIT_H
#define DERPKIT_REPORT_JUNIT_H

#include "finding.h"

#include <stdio.h>

/* As report_format.write: -1 when memory is short. */
int report_junit(FILE *to, const struct findings *list, bool colour);

#endif
