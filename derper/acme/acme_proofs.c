/* acme_proofs: see acme_proofs.h. */
#include "acme_proofs.h"

#include "newfile.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_ENDING "+http-01"
#define CERTIFICATE_ENDING "+token"
#define OLD_S (60 * 60)
#define PEM_MAX 65536
#define PATH_BYTES (ACME_FOLDER_PATH + 512)

static int
set_path(char path[static PATH_BYTES], const struct acme_folder *f,
    const char *stem, const char *ending)
{
	if ((size_t)snprintf(
		path, PATH_BYTES, "%s/%s%s", f->dir, stem, ending) < PATH_BYTES)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/* Whether it is the name of a token's file; cuts the token out. */
static bool
is_text_name(const char *name, char token[static ACME_TOKEN_MAX])
{
	const size_t n = strlen(name), ending = sizeof TEXT_ENDING - 1;

	if (n <= ending || n - ending >= ACME_TOKEN_MAX ||
	    strcmp(name + n - ending, TEXT_ENDING) != 0)
		return false;
	memcpy(token, name, n - ending);
	token[n - ending] = '\0';
	return true;
}

/* Ours, of which the folder can do nothing. */
static int
verdict_of(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ? -1 : 0;
}

static int
read_text(
    const struct acme_folder *f, const char *token, struct acme_proofs *proofs)
{
	struct acme_proof_text *to = &proofs->texts[proofs->count];
	char path[PATH_BYTES];
	struct slice text;
	struct buf file;
	int rc = 0;

	buf_init(&file, ACME_AUTHORIZATION_TEXT);
	if (set_path(path, f, token, TEXT_ENDING) == -1 ||
	    acme_folder_read(path, &file) == -1) {
		rc = verdict_of(errno);
	} else {
		text = slice_trim(buf_slice(&file));
		if (acme_note_is_authorization(slice_str(token), text)) {
			snprintf(to->token, sizeof to->token, "%s", token);
			snprintf(to->text, sizeof to->text, "%.*s", (int)text.n,
			    (const char *)text.p);
			proofs->count++;
		}
	}
	buf_clear(&file);
	return rc;
}

/* Key and certificate, if they belong together. */
static void
read_pem(struct slice pem, struct acme_proofs *proofs)
{
	static char no_password[] = "";
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = NULL;
	X509 *certificate = NULL;

	if (bio != NULL) {
		key = PEM_read_bio_PrivateKey(bio, NULL, NULL, no_password);
		certificate = PEM_read_bio_X509(bio, NULL, NULL, no_password);
	}
	if (key != NULL && certificate != NULL &&
	    X509_check_private_key(certificate, key) == 1) {
		proofs->key = key;
		proofs->certificate = certificate;
	} else {
		EVP_PKEY_free(key);
		X509_free(certificate);
	}
	BIO_free(bio);
	ERR_clear_error();
}

static int
read_certificate(const struct acme_folder *f, struct acme_proofs *proofs)
{
	char path[PATH_BYTES];
	struct buf file;
	int rc = 0;

	if (f->is_ip)
		return 0;
	buf_init(&file, PEM_MAX);
	if (set_path(path, f, f->name, CERTIFICATE_ENDING) == -1 ||
	    acme_folder_read(path, &file) == -1)
		rc = verdict_of(errno);
	else if (buf_len(&file) > 0)
		read_pem(buf_slice(&file), proofs);
	acme_folder_wipe(&file);
	return rc;
}

int
acme_proofs_read(const struct acme_folder *f, struct acme_proofs *proofs)
{
	DIR *dir = opendir(f->dir);
	char token[ACME_TOKEN_MAX];
	const struct dirent *entry;
	int rc = 0;

	*proofs = (struct acme_proofs){ 0 };
	if (dir == NULL)
		return verdict_of(errno);
	while (rc == 0 && proofs->count < ACME_PROOFS_MAX &&
	    (entry = readdir(dir)) != NULL)
		if (is_text_name(entry->d_name, token))
			rc = read_text(f, token, proofs);
	closedir(dir);
	if (rc == 0)
		rc = read_certificate(f, proofs);
	if (rc == -1)
		acme_proofs_clear(proofs);
	return rc;
}

void
acme_proofs_clear(struct acme_proofs *proofs)
{
	X509_free(proofs->certificate);
	EVP_PKEY_free(proofs->key);
	*proofs = (struct acme_proofs){ 0 };
}

int
acme_proofs_put_text(const struct acme_folder *f, const char *token,
    const char *text, struct fail *why)
{
	char path[PATH_BYTES];

	if (set_path(path, f, token, TEXT_ENDING) == -1)
		return fail_errno(why, "%s", token);
	return newfile_replace(path, slice_str(text), 0600, why);
}

/* Appends the certificate in PEM form. */
static int
put_certificate(struct buf *pem, X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int rc = -1;
	char *p;
	long n;

	if (bio != NULL && PEM_write_bio_X509(bio, certificate) == 1) {
		n = BIO_get_mem_data(bio, &p);
		rc = buf_append(pem, p, (size_t)n);
	}
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

int
acme_proofs_put_certificate(const struct acme_folder *f,
    const struct acme_key *key, X509 *certificate, struct fail *why)
{
	char path[PATH_BYTES];
	struct buf pem;
	int rc;

	if (set_path(path, f, f->name, CERTIFICATE_ENDING) == -1)
		return fail_errno(why, "%s", f->name);
	buf_init(&pem, PEM_MAX);
	if (buf_room(&pem, PEM_MAX) == NULL ||
	    acme_key_write(key, &pem) == -1 ||
	    put_certificate(&pem, certificate) == -1)
		rc = fail_set(why, "out of memory");
	else
		rc = newfile_replace(path, buf_slice(&pem), 0600, why);
	acme_folder_wipe(&pem);
	return rc;
}

void
acme_proofs_remove_text(const struct acme_folder *f, const char *token)
{
	char path[PATH_BYTES];

	if (set_path(path, f, token, TEXT_ENDING) == 0)
		(void)unlink(path);
}

void
acme_proofs_remove_certificate(const struct acme_folder *f)
{
	char path[PATH_BYTES];

	if (set_path(path, f, f->name, CERTIFICATE_ENDING) == 0)
		(void)unlink(path);
}

static void
remove_old(const struct acme_folder *f, const char *name, int64_t now_s)
{
	char path[PATH_BYTES];
	struct stat st;

	if (set_path(path, f, name, "") == 0 && stat(path, &st) == 0 &&
	    S_ISREG(st.st_mode) && st.st_mtime < now_s - OLD_S)
		(void)unlink(path);
}

void
acme_proofs_remove_old(const struct acme_folder *f, int64_t now_s)
{
	DIR *dir = opendir(f->dir);
	char token[ACME_TOKEN_MAX], own[ACME_FOLDER_PATH];
	const struct dirent *entry;

	if (dir == NULL)
		return;
	snprintf(own, sizeof own, "%s%s", f->name, CERTIFICATE_ENDING);
	while ((entry = readdir(dir)) != NULL)
		if (is_text_name(entry->d_name, token) ||
		    strcmp(entry->d_name, own) == 0)
			remove_old(f, entry->d_name, now_s);
	closedir(dir);
}
