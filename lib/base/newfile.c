/* newfile: see newfile.h. */
#include "newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_temp(char *temp, const char *path, struct slice bytes,
    mode_t mode, const struct stat *like);
static int replace(const char *path, struct slice bytes, mode_t mode,
    const struct stat *like, struct fail *why);
static int name_free(const char *temp, const char *path);
static int sync_folder(const char *path);

int
newfile_replace(
    const char *path, struct slice bytes, mode_t mode, struct fail *why)
{
	return replace(path, bytes, mode, NULL, why);
}

int
newfile_replace_like(const char *path, struct slice bytes,
    const struct stat *like, struct fail *why)
{
	return replace(path, bytes, like->st_mode & 07777, like, why);
}

static int
replace(const char *path, struct slice bytes, mode_t mode,
    const struct stat *like, struct fail *why)
{
	char temp[PATH_MAX];

	if (write_temp(temp, path, bytes, mode, like) == -1)
		return fail_errno(why, "%s", path);
	if (rename(temp, path) == -1) {
		fail_errno(why, "%s", path);
		(void)unlink(temp);
		return -1;
	}
	if (sync_folder(path) == -1)
		return fail_errno(why, "%s", path);
	return 0;
}

enum newfile_outcome
newfile_create(
    const char *path, struct slice bytes, mode_t mode, struct fail *why)
{
	char temp[PATH_MAX];

	if (write_temp(temp, path, bytes, mode, NULL) == -1) {
		fail_errno(why, "%s", path);
		return NEWFILE_FAILED;
	}
	if (name_free(temp, path) == -1) {
		const bool exists = errno == EEXIST;

		if (!exists)
			fail_errno(why, "%s", path);
		(void)unlink(temp);
		return exists ? NEWFILE_EXISTS : NEWFILE_FAILED;
	}
	if (sync_folder(path) == -1) {
		fail_errno(why, "%s", path);
		return NEWFILE_FAILED;
	}
	return NEWFILE_MADE;
}

static int
write_all(int fd, struct slice bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		bytes = slice_of(bytes.p + n, bytes.n - (size_t)n);
	}
	return 0;
}

/* Gives the file the owner and group of another; nothing to do when it has
 * them. */
static int
set_owner(int fd, const struct stat *like)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	if (st.st_uid == like->st_uid && st.st_gid == like->st_gid)
		return 0;
	return fchown(fd, like->st_uid, like->st_gid);
}

/* All bytes in a file beside the path, on the disk, with the owner of `like`
 * unless that is NULL; its name goes to temp, of PATH_MAX bytes. -1 with errno
 * and no file. */
static int
write_temp(char *temp, const char *path, struct slice bytes, mode_t mode,
    const struct stat *like)
{
	int n = snprintf(temp, PATH_MAX, "%s.XXXXXX", path), fd, e;

	if (n < 0 || n >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (write_all(fd, bytes) == -1 ||
	    (like != NULL && set_owner(fd, like) == -1) ||
	    fchmod(fd, mode) == -1 || fsync(fd) == -1) {
		e = errno;
		(void)close(fd);
	} else if (close(fd) == -1) {
		e = errno;
	} else {
		return 0;
	}
	(void)unlink(temp);
	errno = e;
	return -1;
}

/* Gives temp the path's name if that is free. A filesystem without such a
 * rename (NFS) has hard links; a crash then leaves both names. */
static int
name_free(const char *temp, const char *path)
{
	if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if ((errno != EINVAL && errno != ENOSYS) || link(temp, path) == -1)
		return -1;
	(void)unlink(temp);
	return 0;
}

/* Makes a new name last through a power cut. */
static int
sync_folder(const char *path)
{
	char folder[PATH_MAX] = ".";
	const char *slash = strrchr(path, '/');
	int fd, result, e;

	if (slash != NULL)
		snprintf(folder, sizeof folder, "%.*s",
		    slash == path ? 1 : (int)(slash - path), path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return errno == EACCES ? 0 : -1;
	result = fsync(fd);
	e = errno;
	(void)close(fd);
	errno = e;
	return result == 0 || e == EINVAL ? 0 : -1;
}

int
newfile_make_folders(const char *path, mode_t mode, struct fail *why)
{
	char folder[PATH_MAX];

	if (path[0] == '\0')
		return 0;
	if ((size_t)snprintf(folder, sizeof folder, "%s", path) >=
	    sizeof folder) {
		errno = ENAMETOOLONG;
		return fail_errno(why, "%s", path);
	}
	for (char *p = strchr(folder + 1, '/'); p != NULL;
	     p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(folder, mode) == -1 && errno != EEXIST)
			return fail_errno(why, "%s", folder);
		*p = '/';
	}
	return 0;
}
