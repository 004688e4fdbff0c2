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

#include "log.h"
#include "newfile.h"

#define KEYFILE_MAX 65536 /* bytes of a key file that we read */

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

static enum newfile_outcome
write_new(
    const char *path, const struct derp_private_key *key, struct fail *why)
{
	char hex[DERP_KEY_TEXT], text[DERP_KEY_TEXT + 32];
	enum newfile_outcome made;
	int n;

	if (newfile_make_folders(path, 0755, why) == -1)
		return NEWFILE_FAILED;
	derp_private_key_format(key, hex);
	n = snprintf(text, sizeof text, "{\n\t\"PrivateKey\": \"%s\"\n}", hex);
	sodium_memzero(hex, sizeof hex);
	made = newfile_create(path, slice_of(text, (size_t)n), 0600, why);
	sodium_memzero(text, sizeof text);
	return made;
}

/* -1 with *missing when there is no such file, and then without a reason. */
static int
load_existing(const char *path, struct derp_private_key *key, bool *missing,
    struct fail *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	*missing = fd == -1 && errno == ENOENT;
	if (*missing)
		return -1;
	if (fd == -1)
		return fail_errno(why, "%s", path);
	rc = read_existing(fd, path, key, why);
	close(fd);
	return rc;
}

int
keyfile_load(const char *path, struct derp_private_key *key, struct fail *why)
{
	bool missing;
	int rc = load_existing(path, key, &missing, why);

	if (!missing)
		return rc;
	derp_private_key_generate(key);
	switch (write_new(path, key, why)) {
	case NEWFILE_MADE:
		return 0;
	case NEWFILE_EXISTS:
		break;
	case NEWFILE_FAILED:
		return -1;
	}
	/* another relay was faster, whose key then is ours too */
	rc = load_existing(path, key, &missing, why);
	if (missing)
		fail_set(why, "%s: a link to a file that is not there", path);
	return rc;
}

int
keyfile_try(const char *path, struct derp_private_key *key, bool *missing,
    struct fail *why)
{
	const int rc = load_existing(path, key, missing, why);

	if (!*missing)
		return rc;
	derp_private_key_generate(key);
	return newfile_try(path, why);
}

void
keyfile_warn_readable(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
		log_warn("%s can be read or changed by other users (mode "
			 "%04o): chmod 600 it, and make a new key if they are "
			 "not to be trusted",
		    path, (unsigned)st.st_mode & 07777);
}
