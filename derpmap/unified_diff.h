/*
 * unified_diff: what is different between two texts, as `diff -u` prints it.
 *
 * Lines end with LF. Small differences are found exactly (Myers); beyond
 * UNIFIED_DIFF_MAX lines everything between the first and the last difference
 * is one.
 *
 * Threads: used by one; writes to the stream only.
 */
#ifndef DERPKIT_UNIFIED_DIFF_H
#define DERPKIT_UNIFIED_DIFF_H

#include "bytes.h"

#include <stdio.h>

#define UNIFIED_DIFF_MAX 2000 /* lines removed and added */

/* Prints nothing when the texts are the same. -1: memory is short. */
int unified_diff_print(
    FILE *to, const char *name, struct slice old, struct slice new);

#endif
