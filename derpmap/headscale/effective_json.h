/*
 * effective_json: an effective map as JSON, described by
 * schemas/effective.schema.json.
 *
 * Threads: as the stream.
 */
#ifndef DERPKIT_EFFECTIVE_JSON_H
#define DERPKIT_EFFECTIVE_JSON_H

#include "effective.h"

#include <stdio.h>

/* Prints it. -1: memory is short; nothing was printed. */
int effective_json(FILE *to, const struct effective *e);

#endif
