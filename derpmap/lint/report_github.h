/*
 * report_github: findings as workflow commands of GitHub Actions, which
 * annotate the changed lines.
 *
 * Threads: used by one; writes to the stream only.
 */
#ifndef DERPKIT_REPORT_GITHUB_H
#define DERPKIT_REPORT_GITHUB_H

#include "finding.h"

#include <stdio.h>

/* As report_format.write: -1 when memory is short. */
int report_github(FILE *to, const struct findings *list, bool colour);

#endif
