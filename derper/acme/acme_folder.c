/* acme_folder: see acme_folder.h. */
#include "acme_folder.h"

#include "cert.h"
#include "newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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

	*f = (struct acme_folder){ .is_ip = is_ip, .dir = dir, .name = name };
	if ((size_t)snprintf(stem, sizeof stem, "%s", name) >= sizeof stem)
		return fail_set(why, "-hostname is too long");
	for (char *p = stem; is_ip && *p != '\0'; p++)
		if (*p == ':')
			*p = '.';
	if (set_path(f->cert, dir, stem, is_ip ? ".crt" : "", why) == -1 ||
	    set_path(f->key, dir, stem, is_ip ? ".key" : "", why) == -1 ||
	    set_path(f->new_cert, dir, stem, ".crt+new", why) == -1 ||
	    set_path(f->new_key, dir, stem, ".key+new", why) == -1 ||
	    set_path(f->lock, dir, stem, "+lock", why) == -1 ||
	    set_path(f->order, dir, stem, "+order", why) == -1 ||
	    set_path(f->retry, dir, stem, "+retry", why) == -1 ||
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

int
acme_folder_try(const struct acme_folder *f, struct fail *why)
{
	struct fail inner = { 0 };

	if (newfile_try_folders(f->cert, &inner) == 0)
		return 0;
	return fail_set(why, "mkdir %s", inner.text);
}

/* Reads up to n bytes; -1 with errno. */
static int
read_all(int fd, struct buf *to, size_t n)
{
	uint8_t *room = buf_room(to, n);
	ssize_t got;

	if (room == NULL) {
		errno = ENOMEM;
		return -1;
	}
	for (size_t done = 0;; done += (size_t)got) {
		got = done < n ? read(fd, room + done, n - done) : 0;
		if (got == -1 && errno == EINTR)
			got = 0;
		else if (got <= 0) {
			buf_added(to, done);
			return (int)got;
		}
	}
}

int
acme_folder_read(const char *path, struct buf *to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int rc = -1, saved;

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		rc = -1;
	else if (!S_ISREG(st.st_mode) || st.st_size < 0 ||
	    (uint64_t)st.st_size > to->max)
		errno = S_ISDIR(st.st_mode) ? EISDIR : EFBIG;
	else
		rc = st.st_size > 0 ? read_all(fd, to, (size_t)st.st_size) : 0;
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

void
acme_folder_wipe(struct buf *secret)
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

	buf_init(&pem, 2 * ACME_KEY_PEM_MAX);
	*missing = false;
	if (acme_folder_read(path, &pem) == -1) {
		*missing = errno == ENOENT;
		if (!*missing)
			fail_errno(why, "account key: %s", path);
	} else {
		key = acme_key_read(buf_slice(&pem), &inner);
		if (key == NULL)
			fail_set(why, "account key: %s: %s", path, inner.text);
	}
	acme_folder_wipe(&pem);
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
	if (buf_room(&pem, ACME_KEY_PEM_MAX) == NULL ||
	    acme_key_write(key, &pem) == -1)
		fail_set(&inner, "out of memory");
	else
		outcome = newfile_create(path, buf_slice(&pem), 0600, &inner);
	acme_folder_wipe(&pem);
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

	buf_init(&pem, ACME_FOLDER_FILE_MAX + ACME_KEY_PEM_MAX);
	/* room for all of it before there is a key in it that would stay behind
	 * when it moves */
	if (buf_room(&pem, ACME_KEY_PEM_MAX + chain.n) == NULL ||
	    acme_key_write(key, &pem) == -1 ||
	    buf_append(&pem, chain.p, chain.n) == -1)
		rc = fail_set(why, "out of memory");
	else
		rc = newfile_replace(f->cert, buf_slice(&pem), 0600, why);
	acme_folder_wipe(&pem);
	return rc;
}

static int
write_key(const char *path, const struct acme_key *key, struct fail *why)
{
	struct buf pem;
	int rc;

	buf_init(&pem, ACME_KEY_PEM_MAX);
	if (buf_room(&pem, ACME_KEY_PEM_MAX) == NULL ||
	    acme_key_write(key, &pem) == -1)
		rc = fail_set(why, "out of memory");
	else
		rc = newfile_replace(path, buf_slice(&pem), 0600, why);
	acme_folder_wipe(&pem);
	return rc;
}

static int
put_in_place(const char *from, const char *to, struct fail *why)
{
	return rename(from, to) == 0 ? 0 : fail_errno(why, "%s", to);
}

/* Both are on the disk before either is put in its place, so that nothing but a
 * crash can come between the two renames. */
static int
save_pair(const struct acme_folder *f, const struct acme_key *key,
    struct slice chain, struct fail *why)
{
	if (write_key(f->new_key, key, why) == -1 ||
	    newfile_replace(f->new_cert, chain, 0644, why) == -1 ||
	    put_in_place(f->new_key, f->key, why) == -1)
		return -1;
	return put_in_place(f->new_cert, f->cert, why);
}

/* A certificate may be left, for the key that is in its place already or is
 * left, too; a key alone belongs to nothing. */
int
acme_folder_recover(const struct acme_folder *f, struct fail *why)
{
	const bool has_cert = access(f->new_cert, F_OK) == 0;
	const bool has_key = access(f->new_key, F_OK) == 0;

	if (!f->is_ip || (!has_cert && !has_key))
		return 0;
	if (has_cert &&
	    cert_check_pair(f->new_cert, has_key ? f->new_key : f->key, f->name,
		NULL) == 0) {
		if (has_key && put_in_place(f->new_key, f->key, why) == -1)
			return -1;
		return put_in_place(f->new_cert, f->cert, why);
	}
	if ((has_cert && unlink(f->new_cert) == -1) ||
	    (has_key && unlink(f->new_key) == -1))
		return fail_errno(why, "%s", f->new_key);
	return 0;
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
