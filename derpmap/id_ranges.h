/*
 * id_ranges: region ids as they are named on a command line: 900,950-959.
 *
 * Life: id_ranges_add for each word. Threads: a plain value.
 */
#ifndef DERPKIT_ID_RANGES_H
#define DERPKIT_ID_RANGES_H

#include "bytes.h"
#include "fail.h"

#define ID_RANGES_MAX 1024

struct id_range {
	int64_t first, last;
	bool is_used; /* id_ranges_use has found an id in it */
};

/* All zero: no id. */
struct id_ranges {
	struct id_range v[ID_RANGES_MAX];
	size_t n;
};

/* Adds ids and ranges with commas between them. -1 with *why. */
int id_ranges_add(struct id_ranges *r, struct slice text, struct fail *why);

/* Whether the id is one of them; remembers that it was asked for. */
bool id_ranges_use(struct id_ranges *r, int64_t id);

/* The first range in which no id was found, or NULL. */
const struct id_range *id_ranges_unused(const struct id_ranges *r);

#endif
