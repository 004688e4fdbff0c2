/*
 * report_gitlab: findings as GitLab's code quality report, a list of issues.
 *
 * Threads: used by one; writes to the stream only.
 */
#ifndef DERPKIT_REPORT_GITLAB_H
#define DERPKIT_REPORT_GITLAB_H

#include "finding.h"

#include <stdio.h>

/* As report_format.write: -1 when memory is short. */
int report_gitlab(FILE *to, const struct findings *list, bool colour);

#endif
