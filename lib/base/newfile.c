/* newfile: see newfile.h. */
#include "newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_ENDING "XXXXXX" /* what mkostemp puts letters in place of */
#define TEMP_LETTERS (sizeof TEMP_ENDING - 1)

static int write_temp(char *temp, const char *path, struct slice bytes,
    mode_t mode, const struct stat *like);
static void folder_of(char folder[static PATH_MAX], const char *path);
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

int
newfile_write(int fd, struct slice bytes)
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

/* All bytes, owner and mode, on the disk. -1 with errno. */
static int
fill(int fd, struct slice bytes, mode_t mode, const struct stat *like)
{
	if (newfile_write(fd, bytes) == -1 ||
	    (like != NULL && set_owner(fd, like) == -1) ||
	    fchmod(fd, mode) == -1)
		return -1;
	return fsync(fd);
}

/* Ends temp, which ends with six X, with random letters. */
static void
choose_name(char *temp)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	char *end = temp + strlen(temp) - TEMP_LETTERS;
	uint8_t random[TEMP_LETTERS];

	randombytes_buf(random, sizeof random);
	for (size_t i = 0; i < TEMP_LETTERS; i++)
		end[i] = letters[random[i] % (sizeof letters - 1)];
}

/* Gives a file without a name one like temp, which is set. -1 with errno. */
static int
give_name(int fd, char *temp)
{
	char open_file[sizeof "/proc/self/fd/" + 3 * sizeof fd];
	int result;

	snprintf(open_file, sizeof open_file, "/proc/self/fd/%d", fd);
	do {
		choose_name(temp);
		result = linkat(
		    AT_FDCWD, open_file, AT_FDCWD, temp, AT_SYMLINK_FOLLOW);
	} while (result == -1 && errno == EEXIST);
	return result;
}

/* Closes it; the errno that was before stays. */
static void
give_up(int fd)
{
	const int e = errno;

	(void)close(fd);
	errno = e;
}

/* Writes a file that has no name until it is whole, so that whoever is killed
 * meanwhile leaves nothing. *is_possible: whether this filesystem, this kernel
 * and what we may do have such files; if not, nothing is left of it. */
static int
write_unnamed(char *temp, const char *path, struct slice bytes, mode_t mode,
    const struct stat *like, bool *is_possible)
{
	char folder[PATH_MAX];
	int fd;

	folder_of(folder, path);
	fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	*is_possible = fd != -1;
	if (fd == -1)
		return -1;
	if (fill(fd, bytes, mode, like) == -1) {
		give_up(fd);
		return -1;
	}
	*is_possible = give_name(fd, temp) == 0;
	if (!*is_possible) {
		give_up(fd);
		return -1;
	}
	return close(fd);
}

static int
write_named(
    char *temp, struct slice bytes, mode_t mode, const struct stat *like)
{
	const int fd = mkostemp(temp, O_CLOEXEC);

	if (fd == -1)
		return -1;
	if (fill(fd, bytes, mode, like) == 0)
		return close(fd);
	give_up(fd);
	return -1;
}

/* All bytes in a file beside the path, on the disk, with the owner of `like`
 * unless that is NULL; its name goes to temp, of PATH_MAX bytes. -1 with errno
 * and no file. */
static int
write_temp(char *temp, const char *path, struct slice bytes, mode_t mode,
    const struct stat *like)
{
	const int n = snprintf(temp, PATH_MAX, "%s." TEMP_ENDING, path);
	bool is_possible;
	int result, e;

	if (n < 0 || n >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	result = write_unnamed(temp, path, bytes, mode, like, &is_possible);
	if (!is_possible) {
		snprintf(temp, PATH_MAX, "%s." TEMP_ENDING, path);
		result = write_named(temp, bytes, mode, like);
	}
	if (result == -1) {
		e = errno;
		(void)unlink(temp); /* if it had come so far */
		errno = e;
	}
	return result;
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

/* The folder that the path is in. */
static void
folder_of(char folder[static PATH_MAX], const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		snprintf(folder, PATH_MAX, ".");
	else
		snprintf(folder, PATH_MAX, "%.*s",
		    slash == path ? 1 : (int)(slash - path), path);
}

/* Makes a new name last through a power cut. */
static int
sync_folder(const char *path)
{
	char folder[PATH_MAX];
	int fd, result, e;

	folder_of(folder, path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return errno == EACCES ? 0 : -1;
	result = fsync(fd);
	e = errno;
	(void)close(fd);
	errno = e;
	return result == 0 || e == EINVAL ? 0 : -1;
}

static int
copy_path(char to[static PATH_MAX], const char *path, struct fail *why)
{
	if ((size_t)snprintf(to, PATH_MAX, "%s", path) < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return fail_errno(why, "%s", path);
}

int
newfile_make_folders(const char *path, mode_t mode, struct fail *why)
{
	char folder[PATH_MAX];

	if (path[0] == '\0')
		return 0;
	if (copy_path(folder, path, why) == -1)
		return -1;
	for (char *p = strchr(folder + 1, '/'); p != NULL;
	     p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(folder, mode) == -1 && errno != EEXIST)
			return fail_errno(why, "%s", folder);
		*p = '/';
	}
	return 0;
}

/* Whether we may make something in the folder. -1 with errno. */
static int
may_write(const char *folder)
{
	struct stat st;

	if (stat(folder, &st) == -1)
		return -1;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return -1;
	}
	return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS);
}

/* *is_new: the folder of the path would be a new one. */
static int
try_folders(const char *path, bool *is_new, struct fail *why)
{
	char folder[PATH_MAX], parent[PATH_MAX];
	struct stat st;

	*is_new = false;
	if (path[0] == '\0')
		return 0;
	if (copy_path(folder, path, why) == -1)
		return -1;
	for (char *p = strchr(folder + 1, '/'); p != NULL;
	     p = strchr(p + 1, '/')) {
		*p = '\0';
		if (lstat(folder, &st) == -1) {
			folder_of(parent, folder);
			if (errno != ENOENT || may_write(parent) == -1)
				return fail_errno(why, "%s", folder);
			*is_new = true;
			return 0; /* what is below will be ours */
		}
		*p = '/';
	}
	return 0;
}

int
newfile_try_folders(const char *path, struct fail *why)
{
	bool is_new;

	return try_folders(path, &is_new, why);
}

int
newfile_try(const char *path, struct fail *why)
{
	char folder[PATH_MAX];
	bool is_new;

	if (try_folders(path, &is_new, why) == -1)
		return -1;
	if (is_new)
		return 0;
	folder_of(folder, path);
	return may_write(folder) == 0 ? 0 : fail_errno(why, "%s", path);
}
