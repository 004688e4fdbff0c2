/*
 * report_checkstyle: findings as Checkstyle's XML, which many tools import.
 *
 * Threads: used by one; writes to the stream only.
 */
#ifndef DERPKIT_REPORT_CHECKSTYLE_H
#define DERPKIT_REPORT_CHECKSTYLE_H

#include "finding.h"

#include <stdio.h>

/* As report_format.write: -1 when memory is short. */
int report_checkstyle(FILE *to, const struct findings *list, bool colour);

#endif
