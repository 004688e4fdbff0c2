/*
 * outfile: a result file that appears whole or not at all.
 *
 * Blocking (files). Threads: one, it reads the process's umask by setting it.
 */
#ifndef DERPKIT_OUTFILE_H
#define DERPKIT_OUTFILE_H

#include "bytes.h"
#include "fail.h"

/* Puts bytes (borrowed) into the file at path, mode 0644 as the umask leaves
 * it; an old file is replaced at once, see newfile.h. -1 with *why. */
int outfile_write(const char *path, struct slice bytes, struct fail *why);

#endif
