/* outfile: see outfile.h. */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* What the umask would make of 0644; mkostemp does not ask it. */
static mode_t
wanted_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return (mode_t)0644 & ~mask;
}

int
outfile_write(const char *path, struct slice bytes, struct fail *why)
{
	char temp[PATH_MAX];
	int n = snprintf(temp, sizeof temp, "%s.XXXXXX", path), fd;

	if (n < 0 || (size_t)n >= sizeof temp)
		return fail_set(why, "%s: the name is too long", path);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd == -1)
		return fail_errno(why, "%s", path);
	if (write_all(fd, bytes) == -1 || fchmod(fd, wanted_mode()) == -1 ||
	    fsync(fd) == -1) {
		fail_errno(why, "%s", path);
		close(fd);
		goto remove_temp;
	}
	if (close(fd) == -1 || rename(temp, path) == -1) {
		fail_errno(why, "%s", path);
		goto remove_temp;
	}
	return 0;

remove_temp:
	unlink(temp);
	return -1;
}
