/*
 * landlock: which files this process may still open.
 *
 * Paths are added, then the rules are put in force for the calling thread and
 * all threads that it starts later; so this is done before any thread is. What
 * is open already stays open. Sockets are not concerned.
 *
 * Life: landlock_open -> landlock_allow ... -> landlock_enforce or
 * landlock_close. Threads: the main thread's, before others run. Source:
 * landlock(7).
 */
#ifndef DERPKIT_LANDLOCK_H
#define DERPKIT_LANDLOCK_H

#include "fail.h"

#include <stdbool.h>
#include <stdint.h>

struct landlock {
	int fd;       /* of the rules; -1: none */
	int abi;      /* version that the kernel has */
	uint64_t all; /* rights that it knows */
};

/* 0; -1 and the reason where the kernel has no Landlock. */
int landlock_open(struct landlock *l, struct fail *why);

/* Allows to read the file, or all files below the folder; with `write` also to
 * create, change, rename and remove them. A path that does not exist is left
 * out without an error: there is nothing to open. -1 and the reason else. */
int landlock_allow(
    struct landlock *l, const char *path, bool write, struct fail *why);

/* Puts the rules in force and closes them. Needs no_new_privs. */
int landlock_enforce(struct landlock *l, struct fail *why);

void landlock_close(struct landlock *l);

#endif
