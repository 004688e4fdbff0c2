/* diff_text: a difference for people. Threads: one. */
#ifndef DERPKIT_DIFF_TEXT_H
#define DERPKIT_DIFF_TEXT_H

#include "diff.h"

#include <stdio.h>

/* Prints it, with terminal escapes when colour is set; nothing when there is no
 * difference. -1: memory is short. */
int diff_text(FILE *to, const struct diff *d, bool colour);

#endif
