/* infile: see infile.h. */
#include "infile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_CHUNK 65536

static bool
is_stdin(const char *path)
{
	return strcmp(path, "-") == 0;
}

const char *
infile_name(const char *path)
{
	return is_stdin(path) ? "stdin" : path;
}

/* Bytes to begin with: all that a regular file has, and one more, which shows
 * its end. */
static size_t
first_chunk(int fd, size_t max)
{
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    (uintmax_t)st.st_size > max)
		return READ_CHUNK;
	return (size_t)st.st_size + 1;
}

static int
read_all(
    struct buf *text, int fd, const char *path, size_t max, struct fail *why)
{
	size_t chunk = first_chunk(fd, max);
	ssize_t n;

	do {
		uint8_t *room = buf_room(text, chunk);

		if (room == NULL)
			return fail_set(why, "%s: not enough memory", path);
		n = read(fd, room, chunk);
		if (n > 0) {
			buf_added(text, (size_t)n);
			chunk =
			    (size_t)n < chunk ? chunk - (size_t)n : READ_CHUNK;
		}
	} while (
	    (n > 0 && buf_len(text) <= max) || (n == -1 && errno == EINTR));
	if (n == -1)
		return fail_errno(why, "%s", path);
	if (buf_len(text) > max)
		return fail_set(why, "%s: larger than %zu bytes", path, max);
	return 0;
}

int
infile_read(struct buf *text, const char *path, size_t max, struct fail *why)
{
	int fd = STDIN_FILENO, result;

	buf_init(text, max + 2 * READ_CHUNK);
	if (path[0] == '\0')
		return fail_set(why, "the name of the input file is empty");
	if (!is_stdin(path))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return fail_errno(why, "%s", path);
	result = read_all(text, fd, path, max, why);
	if (!is_stdin(path))
		close(fd);
	return result;
}

int
infile_check_regular(const char *path, struct fail *why)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return fail_set(why, "%s: not a regular file", path);
	return 0;
}
