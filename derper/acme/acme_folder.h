/*
 * acme_folder: the files of ordered certificates, as Go's autocert and the Go
 * derper name and write them.
 *
 * For a DNS name HOST holds key and chain, and acme_account+key the account's
 * key; for an address there are IP.crt, IP.key (":" as ".") and
 * acme-account.key. Each appears whole or not at all, and the two of an address
 * are put in place of old ones so that what a crash leaves between can be put
 * right by acme_folder_recover. HOST+lock is held by the relay that orders, so
 * that of several with one folder only one does. Threads: any; no shared state.
 * Blocking (files).
 */
#ifndef DERPKIT_ACME_FOLDER_H
#define DERPKIT_ACME_FOLDER_H

#include "acme_key.h"
#include "fail.h"

#define ACME_FOLDER_PATH 4096
#define ACME_FOLDER_FILE_MAX 262144 /* bytes of a file that are read */

/* Paths; cert and key are the same for a DNS name. */
struct acme_folder {
	char cert[ACME_FOLDER_PATH], key[ACME_FOLDER_PATH];
	char new_cert[ACME_FOLDER_PATH], new_key[ACME_FOLDER_PATH];
	char account[ACME_FOLDER_PATH];
	char old_account[ACME_FOLDER_PATH]; /* read when there is no other */
	char lock[ACME_FOLDER_PATH];
	char order[ACME_FOLDER_PATH], retry[ACME_FOLDER_PATH]; /* acme_memory */
	const char *dir, *name;                                /* borrowed */
	bool is_ip;
};

/* The paths in a folder for a name, both borrowed. -1 and the reason when they
 * are too long. */
int acme_folder_init(struct acme_folder *f, const char *dir, const char *name,
    bool is_ip, struct fail *why);

/* Makes the folder (0700) where it is missing. -1 and the reason. */
int acme_folder_make(const struct acme_folder *f, struct fail *why);

/* Whether it could: makes nothing. */
int acme_folder_try(const struct acme_folder *f, struct fail *why);

/* Completes or takes back what a crash has left of acme_folder_save: key and
 * certificate of an address belong together afterwards. -1 and the reason. */
int acme_folder_recover(const struct acme_folder *f, struct fail *why);

/* Appends the file to an empty buffer, which may hold a key afterwards: its
 * memory does not move. -1 with errno, EFBIG for one that does not fit. */
int acme_folder_read(const char *path, struct buf *to);

/* Frees a buffer that holds a key. */
void acme_folder_wipe(struct buf *secret);

/* The account's key, made where there is none. Returns owned; NULL and the
 * reason. */
struct acme_key *acme_folder_account(
    const struct acme_folder *f, struct fail *why);

/* Writes key and chain. -1 and the reason; the old ones are then still there,
 * or, for an address, what acme_folder_recover makes whole. */
int acme_folder_save(const struct acme_folder *f, const struct acme_key *key,
    struct slice chain, struct fail *why);

/* Takes the lock: a descriptor to be closed, which gives it back; -1 with
 * *is_busy when another relay has it, -1 and the reason otherwise. */
int acme_folder_lock(
    const struct acme_folder *f, bool *is_busy, struct fail *why);

#endif
