/*
 * report_text: findings for people, as compilers print them, a fix below each.
 *
 * Threads: used by one; writes to the stream only.
 */
#ifndef DERPKIT_REPORT_TEXT_H
#define DERPKIT_REPORT_TEXT_H

#include "finding.h"

#include <stdio.h>

/* As report_format.write: -1 when memory is short. */
int report_text(FILE *to, const struct findings *list, bool colour);

#endif
