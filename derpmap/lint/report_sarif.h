/*
 * report_sarif: findings as SARIF 2.1.0 (OASIS), as GitHub code scanning reads
 * it.
 *
 * Threads: used by one; writes to the stream only.
 */
#ifndef DERPKIT_REPORT_SARIF_H
#define DERPKIT_REPORT_SARIF_H

#include "finding.h"

#include <stdio.h>

/* As report_format.write: -1 when memory is short. */
int report_sarif(FILE *to, const struct findings *list, bool colour);

#endif
