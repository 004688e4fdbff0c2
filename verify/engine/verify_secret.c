/* verify_secret: see verify_secret.h. */
#include "verify_secret.h"

#include "bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Takes the first line of the text. */
static int
take(struct slice text, struct verify_secret *secret, struct fail *why)
{
	struct slice line, rest;

	slice_cut(text, '\n', &line, &rest);
	line = slice_trim(line);
	if (line.n == 0)
		return fail_set(why, "is empty");
	if (line.n > VERIFY_SECRET_MAX)
		return fail_set(
		    why, "is longer than %d bytes", VERIFY_SECRET_MAX);
	for (struct reader r = { .rest = line }; r.rest.n > 0;) {
		const uint8_t byte = reader_u8(&r);

		if (byte <= ' ' || byte > '~')
			return fail_set(
			    why, "has a byte that is not printable ASCII");
	}
	memcpy(secret->text, line.p, line.n);
	secret->text[line.n] = '\0';
	return 0;
}

/* Not of a FIFO or a device, which would block or never end. */
static int
read_file(const char *file, struct verify_secret *secret, struct fail *why)
{
	uint8_t bytes[VERIFY_SECRET_MAX + 3]; /* its line end, and one more */
	const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n;
	int rc = -1;

	if (fd == -1)
		return fail_errno(why, "cannot open");
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		fail_set(why, "is not a regular file");
	} else {
		n = read(fd, bytes, sizeof bytes);
		rc = n == -1 ? fail_errno(why, "cannot read")
			     : take(slice_of(bytes, (size_t)n), secret, why);
	}
	close(fd);
	sodium_memzero(bytes, sizeof bytes);
	return rc;
}

int
verify_secret_load(const struct verify_secret_place *place,
    struct verify_secret *secret, struct fail *why)
{
	const char *value;
	struct fail reason = { 0 };

	secret->text[0] = '\0';
	if (place->file != NULL) {
		if (read_file(place->file, secret, &reason) == 0)
			return 0;
		return fail_set(
		    why, "secret in %s: %s", place->file, reason.text);
	}
	value = getenv(place->variable);
	if (value == NULL)
		fail_set(&reason, "is not set");
	else if (take(slice_str(value), secret, &reason) == 0)
		return 0;
	return fail_set(
	    why, "environment variable %s: %s", place->variable, reason.text);
}

void
verify_secret_wipe(struct verify_secret *secret)
{
	sodium_memzero(secret, sizeof *secret);
}

bool
verify_secret_is_exposed(const struct verify_secret_place *place)
{
	struct stat st;

	return place->file != NULL && stat(place->file, &st) == 0 &&
	    (st.st_mode & S_IROTH) != 0;
}
