/*
 * infile: a whole file or standard input, with a limit.
 *
 * Blocking. Threads: any, each with its own buffer.
 */
#ifndef DERPKIT_INFILE_H
#define DERPKIT_INFILE_H

#include "buf.h"
#include "fail.h"

/* How a path is shown in messages: "stdin" for "-". */
const char *infile_name(const char *path);

/*
 * Reads all of the file at path, or of standard input when path is "-", into
 * *text, which is initialised here; free it with buf_clear, also on failure.
 * -1 with *why ("PATH: reason"): it cannot be read, or has more than max bytes.
 */
int infile_read(
    struct buf *text, const char *path, size_t max, struct fail *why);

/* Whether the file at path is a regular one, or is missing, which infile_read
 * tells: for those who must not wait for the writer of a pipe. -1 with *why. */
int infile_check_regular(const char *path, struct fail *why);

#endif
