/*
 * outfile: a result file that appears whole or not at all.
 *
 * Blocking (files). Threads: any, no shared state.
 */
#ifndef DERPKIT_OUTFILE_H
#define DERPKIT_OUTFILE_H

#include "bytes.h"
#include "fail.h"

/* Writes bytes to a new file beside path and renames it to path, mode 0644 as
 * the umask leaves it; an old file stays as it is when anything fails. -1 with
 * *why. */
int outfile_write(const char *path, struct slice bytes, struct fail *why);

#endif
