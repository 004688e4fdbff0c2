/*
 * effective_text: an effective map for people.
 *
 * Threads: as the stream.
 */
#ifndef DERPKIT_EFFECTIVE_TEXT_H
#define DERPKIT_EFFECTIVE_TEXT_H

#include "effective.h"

#include <stdio.h>

/* Prints it. Text of files is escaped. */
void effective_text(FILE *to, const struct effective *e);

#endif
