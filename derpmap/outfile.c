/* outfile: see outfile.h. */
#include "outfile.h"

#include "newfile.h"
#include "num.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* symbolic links to follow, as Linux does */

/* What the umask would make of 0644; the temporary file does not ask it. */
static mode_t
wanted_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return (mode_t)0644 & ~mask;
}

/* Replaces the path by what the symbolic link there says. -1 with errno. */
static int
follow_link(char path[static PATH_MAX])
{
	char to[PATH_MAX], *slash = strrchr(path, '/');
	ssize_t n = readlink(path, to, sizeof to - 1);
	size_t folder = slash != NULL ? (size_t)(slash - path) + 1 : 0;

	if (n == -1)
		return -1;
	to[n] = '\0';
	if (to[0] == '/')
		folder = 0;
	if (folder + (size_t)n >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path + folder, to, (size_t)n + 1);
	return 0;
}

/* Whether a name stands for an open file, which another file must not take the
 * place of: /dev/stdout leads there. */
static bool
is_open_file(const char *path)
{
	return strncmp(path, "/proc/", 6) == 0 ||
	    strncmp(path, "/dev/fd/", 8) == 0;
}

/* Follows all links and tells what is at the end, which may be missing: then
 * *exists is false. Stops at the name of an open file. -1 with errno. */
static int
find_target(char target[static PATH_MAX], const char *path, struct stat *st,
    bool *exists)
{
	if ((size_t)snprintf(target, PATH_MAX, "%s", path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (int i = 0; i < LINKS_MAX; i++) {
		*exists = lstat(target, st) == 0;
		if (!*exists)
			return errno == ENOENT ? 0 : -1;
		if (!S_ISLNK(st->st_mode) || is_open_file(target))
			return 0;
		if (follow_link(target) == -1)
			return -1;
	}
	errno = ELOOP;
	return -1;
}

/* A descriptor of ours by its name goes on where it is, as when a shell has
 * written to it before; -1 for other paths. */
static int
copy_open_file(const char *path)
{
	static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/" };
	uint64_t fd;

	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		const size_t n = strlen(folders[i]);

		if (strncmp(path, folders[i], n) == 0 &&
		    num_parse_decimal(slice_str(path + n), INT_MAX, &fd) == 0)
			return fcntl((int)fd, F_DUPFD_CLOEXEC, 3);
	}
	return -1;
}

/* Takes the room for n bytes before the old ones are written over, so that a
 * full disk leaves them as they were. -1 and errno. */
static int
take_room(int fd, size_t n)
{
	struct stat st;
	int error;

	if (fstat(fd, &st) == -1)
		return -1;
	if (!S_ISREG(st.st_mode) || (off_t)n <= st.st_size)
		return 0;
	error = posix_fallocate(fd, 0, (off_t)n);
	if (error == 0 || error == EOPNOTSUPP || error == EINVAL)
		return 0;
	if (ftruncate(fd, st.st_size) == -1)
		return -1;
	errno = error;
	return -1;
}

/* Cuts a file that was longer; devices and pipes have no length. */
static int
cut(int fd, size_t n)
{
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return 0;
	return ftruncate(fd, (off_t)n);
}

/* Writes into what is there, as a shell's > does. */
static int
write_through(const char *path, struct slice bytes, struct fail *why)
{
	const int copy = copy_open_file(path);
	const int fd =
	    copy != -1 ? copy : open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);

	if (fd == -1)
		return fail_errno(why, "%s", path);
	if ((copy == -1 && take_room(fd, bytes.n) == -1) ||
	    newfile_write(fd, bytes) == -1 ||
	    (copy == -1 && cut(fd, bytes.n) == -1)) {
		fail_errno(why, "%s", path);
		close(fd);
		return -1;
	}
	return close(fd) == 0 ? 0 : fail_errno(why, "%s", path);
}

static int
replace(const char *path, struct slice bytes, const struct stat *st,
    struct fail *why)
{
	struct fail first = { .text = "" };

	/* a new name would not ask the old file */
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == -1)
		return fail_errno(why, "%s", path);
	errno = 0;
	if (newfile_replace_like(path, bytes, st, &first) == 0)
		return 0;
	if (errno == EPERM || errno == EACCES)
		return write_through(path, bytes, why);
	return fail_set(why, "%s", first.text);
}

int
outfile_write(const char *path, struct slice bytes, struct fail *why)
{
	char target[PATH_MAX];
	struct stat st;
	bool exists;

	if (path[0] == '\0')
		return fail_set(why, "the name of the output file is empty");
	if (find_target(target, path, &st, &exists) == -1)
		return fail_errno(why, "%s", path);
	if (!exists)
		return newfile_replace(target, bytes, wanted_mode(), why);
	if (S_ISREG(st.st_mode) && !is_open_file(target))
		return replace(target, bytes, &st, why);
	return write_through(target, bytes, why);
}
