/*
 * filestamp: what tells that a file was replaced or rewritten.
 *
 * Blocking (files). Threads: plain values.
 */
#ifndef DERPKIT_FILESTAMP_H
#define DERPKIT_FILESTAMP_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct filestamp {
	ino_t inode;
	off_t size;
	struct timespec mtime;
};

/* Of the file at path; all zero when there is none. */
struct filestamp filestamp_of(const char *path);

/* Whether both are of one file that was not written in between. */
bool filestamp_eq(const struct filestamp *a, const struct filestamp *b);

#endif
