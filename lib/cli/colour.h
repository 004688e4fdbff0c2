/*
 * colour: whether output may have terminal escapes.
 *
 * Threads: start-up only.
 */
#ifndef DERPKIT_COLOUR_H
#define DERPKIT_COLOUR_H

#include <stdbool.h>
#include <stddef.h>

enum colour_when {
	COLOUR_AUTO,
	COLOUR_ALWAYS,
	COLOUR_NEVER,
};

/* The name of the n-th value, for opts.h; NULL after the last. */
const char *colour_name(size_t n);

/* Whether to colour what goes to fd. AUTO: it is a terminal, TERM is not dumb,
 * and NO_COLOR is unset or empty (no-color.org). */
bool colour_wanted(enum colour_when when, int fd);

#endif
