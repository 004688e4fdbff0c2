/* keyfile: see keyfile.h. */
#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYFILE_MAX 65536 /* bytes of a key file that we read */
#define KEYFILE_PATH_MAX 4096

static int
parse(struct slice text, struct derp_private_key *key, struct fail *why)
{
	json_error_t error;
	json_t *root = json_loadb((const char *)text.p, text.n, 0, &error);
	const char *name, *value = NULL;
	json_t *member;
	int rc = 0;

	if (root == NULL)
		return fail_at(why, (unsigned)error.line,
		    (unsigned)error.column, "line %d, column %d: %s",
		    error.line, error.column, error.text);
	if (!json_is_object(root))
		rc = fail_set(why, "not a JSON object");
	/* Go matches member names in any case */
	json_object_foreach(root, name, member)
	{
		if (strcasecmp(name, "PrivateKey") != 0)
			continue;
		value = json_string_value(member);
		if (value == NULL)
			rc = fail_set(why, "PrivateKey is not a string");
	}
	if (rc == 0 && value == NULL)
		rc = fail_set(why, "there is no PrivateKey in it");
	if (rc == 0 && derp_private_key_parse(key, slice_str(value)) == -1)
		rc = fail_set(
		    why, "PrivateKey is not \"privkey:\" and 64 hex digits");
	if (rc == 0 && sodium_is_zero(key->b, sizeof key->b))
		rc = fail_set(why, "PrivateKey is zero");
	json_decref(root);
	return rc;
}

static int
read_existing(
    int fd, const char *path, struct derp_private_key *key, struct fail *why)
{
	uint8_t text[KEYFILE_MAX];
	struct fail inner = { 0 };
	struct stat st;
	size_t n = 0;
	ssize_t got;
	int rc;

	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		return fail_set(why, "%s: not a regular file", path);
	while ((got = read(fd, text + n, sizeof text - n)) > 0)
		n += (size_t)got;
	if (got == -1)
		return fail_errno(why, "%s", path);
	if (n == sizeof text)
		return fail_set(why, "config: %s: too long", path);
	rc = parse(slice_of(text, n), key, &inner);
	sodium_memzero(text, sizeof text);
	if (rc == -1)
		fail_set(why, "config: %s: %s", path, inner.text);
	return rc;
}

/* Makes the folders above path. */
static int
make_parents(const char *path, struct fail *why)
{
	char copy[KEYFILE_PATH_MAX];

	if (strlen(path) >= sizeof copy)
		return fail_set(why, "%s: name too long", path);
	memcpy(copy, path, strlen(path) + 1);
	for (char *p = strchr(copy + 1, '/'); p != NULL;
	     p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(copy, 0777) == -1 && errno != EEXIST)
			return fail_errno(why, "%s", copy);
		*p = '/';
	}
	return 0;
}

static int
write_all(int fd, const char *text, size_t n)
{
	ssize_t wrote;

	for (size_t at = 0; at < n; at += (size_t)wrote) {
		wrote = write(fd, text + at, n - at);
		if (wrote == -1)
			return -1;
	}
	return 0;
}

/* Makes the rename itself survive a power cut. */
static void
sync_folder(const char *path)
{
	char copy[KEYFILE_PATH_MAX];
	char *slash;
	int fd;

	memcpy(copy, path, strlen(path) + 1);
	slash = strrchr(copy, '/');
	if (slash == NULL)
		return;
	slash[slash == copy ? 1 : 0] = '\0';
	fd = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return;
	(void)fsync(fd);
	close(fd);
}

static int
write_new(
    const char *path, const struct derp_private_key *key, struct fail *why)
{
	char temp[KEYFILE_PATH_MAX + 16];
	char hex[DERP_KEY_TEXT], text[DERP_KEY_TEXT + 32];
	int fd, n;
	bool ok;

	if (make_parents(path, why) == -1)
		return -1;
	snprintf(temp, sizeof temp, "%s.tmpXXXXXX", path);
	derp_private_key_format(key, hex);
	n = snprintf(text, sizeof text, "{\n\t\"PrivateKey\": \"%s\"\n}", hex);
	sodium_memzero(hex, sizeof hex);
	fd = mkostemp(temp, O_CLOEXEC); /* mode 0600 */
	if (fd == -1)
		return fail_errno(why, "%s", temp);
	ok = write_all(fd, text, (size_t)n) == 0 && fsync(fd) == 0;
	sodium_memzero(text, sizeof text);
	if (close(fd) == -1)
		ok = false;
	if (ok && rename(temp, path) == 0) {
		sync_folder(path);
		return 0;
	}
	fail_errno(why, "%s", path);
	(void)unlink(temp);
	return -1;
}

int
keyfile_load(const char *path, struct derp_private_key *key, struct fail *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	if (fd != -1) {
		rc = read_existing(fd, path, key, why);
		close(fd);
		return rc;
	}
	if (errno != ENOENT)
		return fail_errno(why, "%s", path);
	derp_private_key_generate(key);
	return write_new(path, key, why);
}
