/*
 * environment: the variables that override headscale's configuration, from the
 * process's own environment or from a file.
 *
 * Only names that begin with HEADSCALE_ are kept. A file has NAME=VALUE lines
 * as systemd's EnvironmentFile= and Docker Compose's env_file read them: blank
 * lines and lines that begin with # or ; are skipped, a pair of quotes around
 * the whole value is removed, the last of several wins.
 *
 * Life: everything is borrowed from the arena. Threads: immutable once read.
 */
#ifndef DERPKIT_ENVIRONMENT_H
#define DERPKIT_ENVIRONMENT_H

#include "arena.h"
#include "bytes.h"
#include "fail.h"

#define ENVIRONMENT_FILE_MAX ((size_t)1 << 20) /* bytes */

struct environment_variable {
	struct slice name, value; /* from these functions NUL-terminated */
	unsigned line;            /* in the file; 0: of the process */
};

struct environment {
	const char *file; /* borrowed; NULL: the process's own */
	struct environment_variable *v;
	size_t n;
};

/* From a NULL-terminated array of NAME=VALUE, such as environ. -1: memory is
 * short. */
int environment_from_process(
    struct environment *e, struct arena *a, char *const *variables);

/* From a file. -1 with *why: it cannot be read, a line is not NAME=VALUE, or
 * memory is short. */
int environment_from_file(
    struct environment *e, struct arena *a, const char *path, struct fail *why);

/* The variable with this name, or NULL; it may be empty, which headscale
 * ignores. */
const struct environment_variable *environment_find(
    const struct environment *e, const char *name);

#endif
