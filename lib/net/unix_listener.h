/*
 * unix_listener: a listening unix socket with a path.
 *
 * A socket that a program left there which is gone is replaced; one that
 * somebody listens on is not, and neither is anything else. Life:
 * unix_listener_open -> (listener_start takes the descriptor) ->
 * unix_listener_remove. Threads: start-up and end; the umask of the process is
 * changed for a moment.
 */
#ifndef DERPKIT_UNIX_LISTENER_H
#define DERPKIT_UNIX_LISTENER_H

#include "fail.h"
#include "filestamp.h"

struct unix_listener {
	const char *path;      /* borrowed */
	struct filestamp made; /* of the file */
};

/* A bound, listening, non-blocking socket whose file has that mode from the
 * beginning. Returns the descriptor, owned by the caller; -1 and the reason. */
int unix_listener_open(
    struct unix_listener *l, const char *path, mode_t mode, struct fail *why);

/* Whether that would do, as far as rights and what is there tell: makes and
 * removes nothing. -1 and the reason. */
int unix_listener_try(const char *path, struct fail *why);

/* Removes the file, unless it is another one by now. Fine on { 0 }. */
void unix_listener_remove(struct unix_listener *l);

#endif
