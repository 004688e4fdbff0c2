/* fake_files: see fake_files.h. */
#include "fake_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define CUT 99 /* exit status of a child that was ended at a call */

static int left; /* calls up to the ordered one; 0: none is ordered */
static int with; /* errno; 0: the process ends */
static bool came;
static bool no_noreplace, unnamed;

void
fake_files_fail_at(int n, int error)
{
	came = false;
	left = n;
	with = error;
}

void
fake_files_no_noreplace(void)
{
	no_noreplace = true;
}

void
fake_files_unnamed(void)
{
	unnamed = true;
}

bool
fake_files_failed(void)
{
	left = 0;
	unnamed = false;
	no_noreplace = false;
	return came;
}

bool
fake_files_try_exit(int n, int (*f)(void *ctx), void *ctx)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		fake_files_fail_at(n, 0);
		_exit(f(ctx) == 0 ? 0 : 1);
	}
	check(child > 0);
	check_int(waitpid(child, &status, 0), child);
	check(WIFEXITED(status));
	if (WEXITSTATUS(status) == CUT)
		return true;
	check_int(WEXITSTATUS(status), 0);
	return false;
}

/* Whether this call is the ordered one; does not return when it ends the
 * process. */
static bool
ordered(void)
{
	if (left == 0 || --left > 0)
		return false;
	came = true;
	if (with == 0)
		_exit(CUT);
	errno = with;
	return true;
}

/* The linker gives these names their meaning, see ld(1), --wrap. */
#define WRAP(name, parameters, arguments)                        \
	int __real_##name parameters;                            \
	int __wrap_##name parameters;                            \
	int __wrap_##name parameters                             \
	{                                                        \
		return ordered() ? -1 : __real_##name arguments; \
	}

WRAP(mkostemp, (char *path, int flags), (path, flags))
WRAP(fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(fsync, (int fd), (fd))
WRAP(rename, (const char *from, const char *to), (from, to))
WRAP(link, (const char *from, const char *to), (from, to))
WRAP(unlink, (const char *path), (path))
WRAP(mkdir, (const char *path, mode_t mode), (path, mode))

int __real_linkat(
    int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(
    int from_fd, const char *from, int to_fd, const char *to, int flags);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_close(int fd);
int __wrap_close(int fd);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __real_renameat2(
    int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(
    int from_fd, const char *from, int to_fd, const char *to, unsigned flags);

/* No file with a name is made by this call: otherwise there is no mode. */
int
__wrap_open(const char *path, int flags, ...)
{
	if ((flags & O_TMPFILE) == O_TMPFILE) {
		if (unnamed)
			return ordered() ? -1 : __real_open(path, flags, 0600);
		errno = EOPNOTSUPP;
		return -1;
	}
	return ordered() ? -1 : __real_open(path, flags);
}

int
__wrap_linkat(
    int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	return ordered() ? -1 : __real_linkat(from_fd, from, to_fd, to, flags);
}

/* As on Linux, the descriptor is closed also when that fails. */
int
__wrap_close(int fd)
{
	if (!ordered())
		return __real_close(fd);
	(void)__real_close(fd);
	errno = with;
	return -1;
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	if (left != 1)
		return ordered() ? -1 : __real_write(fd, p, n);
	check_int(__real_write(fd, p, n / 2), n / 2);
	(void)ordered();
	return -1;
}

int
__wrap_renameat2(
    int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	if (ordered())
		return -1;
	if (no_noreplace) {
		errno = EINVAL;
		return -1;
	}
	return __real_renameat2(from_fd, from, to_fd, to, flags);
}
