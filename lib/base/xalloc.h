/*
 * xalloc: allocation that prints and exits on failure.
 *
 * For command-line programs and daemon start-up only; libraries and the
 * running relay report failure instead. Returns owned: free with free().
 */
#ifndef DERPKIT_XALLOC_H
#define DERPKIT_XALLOC_H

#include <stddef.h>

/* Zeroed memory of count elements of size bytes. */
void *xcalloc(size_t count, size_t size);

/* A copy of the text. */
char *xstrdup(const char *text);

/* Formatted text. */
__attribute__((format(printf, 1, 2))) char *xprintf(const char *fmt, ...);

#endif
