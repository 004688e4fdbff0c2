/*
 * newfile: a file that appears whole or not at all.
 *
 * The bytes go to a file without a name, mode 0600 until they are complete,
 * which is synced, named PATH.XXXXXX, takes the path's name in one step and
 * whose folder is synced: whatever interrupts this, a crash or a power cut too,
 * the path names the old file, the new one or none, never a part. What fails
 * leaves no temporary file, and what is killed none unless it is between the
 * two names. Where files without a name cannot be had (O_TMPFILE: NFS, no
 * /proc) the file has its temporary name from the start, and a crash may leave
 * it.
 *
 * Blocking (files): at start-up and in tools, on no loop. Threads: any, no
 * shared state.
 */
#ifndef DERPKIT_NEWFILE_H
#define DERPKIT_NEWFILE_H

#include <sys/types.h>

#include "bytes.h"
#include "fail.h"

enum newfile_outcome {
	NEWFILE_MADE,
	NEWFILE_EXISTS, /* something has that name, it is as it was */
	NEWFILE_FAILED, /* with *why */
};

/*
 * Writes the bytes (borrowed) to the path with that mode exactly, whatever the
 * umask; a file that is there is replaced. -1 and "PATH: REASON" in *why; the
 * old file is then still there, unless it was the sync of the folder that
 * failed. A filesystem without such a sync, or a folder that may not be read,
 * is not a failure.
 */
int newfile_replace(
    const char *path, struct slice bytes, mode_t mode, struct fail *why);

/* The same in place of a file that is there and whose owner, group and mode the
 * new one gets; `like` is what stat says of it. Also -1 when they cannot be
 * given (errno EPERM): the old file is then untouched. */
struct stat;
int newfile_replace_like(const char *path, struct slice bytes,
    const struct stat *like, struct fail *why);

/* The same for a path that must be free: what is there, a dangling symbolic
 * link too, is never replaced. */
enum newfile_outcome newfile_create(
    const char *path, struct slice bytes, mode_t mode, struct fail *why);

/* Writes all of the bytes to an open file. -1 with errno; a part may be there
 * then. */
int newfile_write(int fd, struct slice bytes);

/* Makes the missing folders above the path, with that mode as the umask leaves
 * it. -1 and "FOLDER: REASON" in *why; those made before stay. */
int newfile_make_folders(const char *path, mode_t mode, struct fail *why);

/* Whether newfile_make_folders could make the missing folders, and whether
 * newfile_replace or newfile_create could then write the path, as far as rights
 * and what is there tell: nothing is made. -1 and the reason that they would
 * give. */
int newfile_try_folders(const char *path, struct fail *why);
int newfile_try(const char *path, struct fail *why);

#endif
