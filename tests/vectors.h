/*
 * vectors: known-good bytes from files of "name hex" lines.
 *
 * Life: none; the caller gives the memory. Threads: the test's own.
 */
#ifndef DERPKIT_VECTORS_H
#define DERPKIT_VECTORS_H

#include "check.h"
#include "encode.h"

#include <stdio.h>

/* The vector of that name in tests/vectors/FILE, decoded to at most cap bytes
 * at out; returns how many. A missing one fails the test. */
static inline size_t
vector_get(const char *file, const char *name, uint8_t *out, size_t cap)
{
	char path[512], line[1024], got[64], hex[900];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof path, TESTS_DIR "/vectors/%s", file);
	f = fopen(path, "r");
	check(f != NULL);
	while (n == 0 && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "%63s %899s", got, hex) == 2 &&
		    strcmp(got, name) == 0)
			n = strlen(hex) / 2;
	fclose(f);
	if (n == 0)
		print_error("no vector %s in %s\n", name, path);
	check(n > 0 && n <= cap);
	check_int(decode_hex(out, n, slice_str(hex)), 0);
	return n;
}

#endif
