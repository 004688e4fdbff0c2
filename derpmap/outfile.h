/*
 * outfile: a result that goes where the user says.
 *
 * A regular file appears whole or not at all, and keeps its owner, group and
 * mode; one that its mode forbids to write is not written. A symbolic link is
 * followed. What is not a regular file, a device or a FIFO, is written through.
 *
 * Blocking (files). Threads: one, it reads the process's umask by setting it.
 */
#ifndef DERPKIT_OUTFILE_H
#define DERPKIT_OUTFILE_H

#include "bytes.h"
#include "fail.h"

/*
 * Puts bytes (borrowed) into what is at path; a new file has mode 0644 as the
 * umask leaves it. A regular file is replaced in one step, see newfile.h; where
 * that cannot be done with the same owner, or the folder may not be written, it
 * is written in place as a shell would. -1 with "PATH: REASON" in *why.
 */
int outfile_write(const char *path, struct slice bytes, struct fail *why);

#endif
