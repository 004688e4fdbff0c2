/* acme_folder: see acme_folder.h. */
#include "acme_folder.h"

#include "newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define FILE_MAX 262144 /* bytes of a file that are read */

static int
set_path(char to[static ACME_FOLDER_PATH], const char *dir, const char *name,
    const char *suffix, struct fail *why)
{
	if ((size_t)snprintf(to, ACME_FOLDER_PATH, "%s/%s%s", dir, name,
		suffix) < ACME_FOLDER_PATH)
		return 0;
	return fail_set(why, "-certdir is too long");
}

int
acme_folder_init(struct acme_folder *f, const char *dir, const char *name,
    bool is_ip, struct fail *why)
{
	char stem[256];

	*f = (struct acme_folder){ .is_ip = is_ip };
	if ((size_t)snprintf(stem, sizeof stem, "%s", name) >= sizeof stem)
		return fail_set(why, "-hostname is too long");
	for (char *p = stem; is_ip && *p != '\0'; p++)
		if (*p == ':')
			*p = '.';
	if (set_path(f->cert, dir, stem, is_ip ? ".crt" : "", why) == -1 ||
	    set_path(f->key, dir, stem, is_ip ? ".key" : "", why) == -1 ||
	    set_path(f->lock, dir, stem, "+lock", why) == -1 ||
	    set_path(f->account, dir,
		is_ip ? "acme-account.key" : "acme_account+key", "", why) == -1)
		return -1;
	/* as autocert named it before 2018 */
	return is_ip
	    ? 0
	    : set_path(f->old_account, dir, "acme_account.key", "", why);
}

int
acme_folder_make(const struct acme_folder *f, struct fail *why)
{
	struct fail inner = { 0 };

	if (newfile_make_folders(f->cert, 0700, &inner) == 0)
		return 0;
	return fail_set(why, "mkdir %s", inner.text);
}

/* Appends the file; -1 with errno. */
static int
read_file(const char *path, struct buf *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = -1;
	int saved;

	if (fd == -1)
		return -1;
	for (;;) {
		uint8_t *room = buf_room(to, 4096);

		errno = EFBIG;
		if (room == NULL)
			break;
		n = read(fd, room, 4096);
		if (n <= 0)
			break;
		buf_added(to, (size_t)n);
		n = -1;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return n == 0 ? 0 : -1;
}

int
acme_folder_read_cert(const struct acme_folder *f, struct buf *pem)
{
	return read_file(f->cert, pem);
}

/* Forgets bytes that hold a key. */
static void
wipe(struct buf *secret)
{
	if (secret->p != NULL)
		sodium_memzero(secret->p, secret->cap);
	buf_clear(secret);
}

/* NULL and the reason; *missing when there is no such file. */
static struct acme_key *
read_account(const char *path, bool *missing, struct fail *why)
{
	struct acme_key *key = NULL;
	struct fail inner = { 0 };
	struct buf pem;

	buf_init(&pem, 2 * 4096);
	*missing = false;
	if (read_file(path, &pem) == -1) {
		*missing = errno == ENOENT;
		if (!*missing)
			fail_errno(why, "account key: %s", path);
	} else {
		key = acme_key_read(buf_slice(&pem), &inner);
		if (key == NULL)
			fail_set(why, "account key: %s: %s", path, inner.text);
	}
	wipe(&pem);
	return key;
}

/* Of two relays that make one at once, one reads the other's. */
static struct acme_key *
make_account(const char *path, struct fail *why)
{
	struct acme_key *key = acme_key_make(why);
	enum newfile_outcome outcome = NEWFILE_FAILED;
	struct fail inner = { 0 };
	struct buf pem;
	bool missing;

	if (key == NULL)
		return NULL;
	buf_init(&pem, ACME_KEY_PEM_MAX);
	if (acme_key_write(key, &pem) == -1)
		fail_set(&inner, "out of memory");
	else
		outcome = newfile_create(path, buf_slice(&pem), 0600, &inner);
	wipe(&pem);
	if (outcome == NEWFILE_MADE)
		return key;
	acme_key_free(key);
	if (outcome == NEWFILE_EXISTS)
		return read_account(path, &missing, why);
	fail_set(why, "account key: %s", inner.text);
	return NULL;
}

struct acme_key *
acme_folder_account(const struct acme_folder *f, struct fail *why)
{
	const char *const paths[] = { f->account, f->old_account };
	struct acme_key *key;
	bool missing;

	for (size_t i = 0; i < 2 && paths[i][0] != '\0'; i++) {
		key = read_account(paths[i], &missing, why);
		if (!missing)
			return key;
	}
	return make_account(f->account, why);
}

/* One file, so that key and certificate always belong together. */
static int
save_name(const struct acme_folder *f, const struct acme_key *key,
    struct slice chain, struct fail *why)
{
	struct buf pem;
	int rc;

	buf_init(&pem, FILE_MAX + ACME_KEY_PEM_MAX);
	if (acme_key_write(key, &pem) == -1 ||
	    buf_append(&pem, chain.p, chain.n) == -1)
		rc = fail_set(why, "out of memory");
	else
		rc = newfile_replace(f->cert, buf_slice(&pem), 0600, why);
	wipe(&pem);
	return rc;
}

/* Cut between the two it leaves a pair that is refused, and ordered anew. */
static int
save_pair(const struct acme_folder *f, const struct acme_key *key,
    struct slice chain, struct fail *why)
{
	struct buf pem;
	int rc;

	buf_init(&pem, ACME_KEY_PEM_MAX);
	if (acme_key_write(key, &pem) == -1)
		rc = fail_set(why, "out of memory");
	else
		rc = newfile_replace(f->key, buf_slice(&pem), 0600, why);
	wipe(&pem);
	return rc == 0 ? newfile_replace(f->cert, chain, 0644, why) : -1;
}

int
acme_folder_save(const struct acme_folder *f, const struct acme_key *key,
    struct slice chain, struct fail *why)
{
	return f->is_ip ? save_pair(f, key, chain, why)
			: save_name(f, key, chain, why);
}

int
acme_folder_lock(const struct acme_folder *f, bool *is_busy, struct fail *why)
{
	int fd = open(f->lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	*is_busy = false;
	if (fd == -1)
		return fail_errno(why, "%s", f->lock);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	*is_busy = errno == EWOULDBLOCK;
	fail_errno(why, "lock %s", f->lock);
	close(fd);
	return -1;
}
