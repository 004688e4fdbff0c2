/* diff_json: a difference as JSON (schemas/diff.schema.json). Threads: one. */
#ifndef DERPKIT_DIFF_JSON_H
#define DERPKIT_DIFF_JSON_H

#include "diff.h"

#include <stdio.h>

/* Prints it. -1: memory is short, or it cannot be written. */
int diff_json(FILE *to, const struct diff *d);

#endif
