/* acme_folder: key and certificate belong together, wherever it is cut. */
#include "acme_folder.h"

#include "../acme/make_chain.h"
#include "cert.h"
#include "check.h"
#include "fake_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define IP "203.0.113.7"
#define NAME "derp.example.org"
#define CALLS_MAX 200

static char dir[] = "/tmp/test_acme_folder.XXXXXX";
static struct acme_key *old_key, *new_key;
static struct acme_folder folder;
static struct buf old_chain, new_chain;

static int
start(void **state)
{
	const int64_t now_s = (int64_t)time(NULL);

	(void)state;
	old_key = acme_key_make(NULL);
	new_key = acme_key_make(NULL);
	buf_init(&old_chain, 65536);
	buf_init(&new_chain, 65536);
	make_chain(&old_chain, acme_key_pkey(old_key), old_key,
	    "IP:" IP ",DNS:" NAME, now_s - 60, now_s + 3600);
	make_chain(&new_chain, acme_key_pkey(new_key), old_key,
	    "IP:" IP ",DNS:" NAME, now_s - 60, now_s + 7200);
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	acme_key_free(old_key);
	acme_key_free(new_key);
	buf_clear(&old_chain);
	buf_clear(&new_chain);
	return rmdir(dir);
}

/* Removes all files; how many there were. */
static size_t
sweep(void)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	size_t n = 0;

	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			check_int(unlinkat(dirfd(d), e->d_name, 0), 0);
			n++;
		}
	closedir(d);
	return n;
}

static int
save_new(void *ctx)
{
	(void)ctx;
	return acme_folder_save(&folder, new_key, buf_slice(&new_chain), NULL);
}

static int
recover(void *ctx)
{
	(void)ctx;
	return acme_folder_recover(&folder, NULL);
}

static void
save_old(bool is_ip)
{
	check_int(
	    acme_folder_init(&folder, dir, is_ip ? IP : NAME, is_ip, NULL), 0);
	check_int(
	    acme_folder_save(&folder, old_key, buf_slice(&old_chain), NULL), 0);
}

static void
check_pair(void)
{
	struct fail why = { 0 };

	check_int(
	    cert_check_pair(folder.cert, folder.key, folder.name, &why), 0);
	check_text(why.text, "");
}

/* Killed at any system call, of the recovery, too: there is a pair that works,
 * and a new one can be written over what is left. */
static void
acme_folder_survives_a_crash(void **state)
{
	bool cut = true;

	(void)state;
	for (int ip = 0; ip < 2; ip++) {
		cut = true;
		for (int n = 1; cut; n++) {
			check(n < CALLS_MAX);
			save_old(ip != 0);
			cut = fake_files_try_exit(n, save_new, NULL);
			for (int m = 1; fake_files_try_exit(m, recover, NULL);
			     m++)
				check(m < CALLS_MAX);
			check_pair();
			check(access(folder.new_cert, F_OK) == -1);
			check(access(folder.new_key, F_OK) == -1);
			check_int(save_new(NULL), 0);
			check_pair();
			sweep();
		}
	}
}

/* The disk is full at any of them: the old pair stays, or the new one is
 * there. */
static void
acme_folder_survives_a_full_disk(void **state)
{
	bool failed = true;

	(void)state;
	for (int ip = 0; ip < 2; ip++) {
		failed = true;
		for (int n = 1; failed; n++) {
			check(n < CALLS_MAX);
			save_old(ip != 0);
			fake_files_fail_at(n, ENOSPC);
			(void)save_new(NULL);
			failed = fake_files_failed();
			check_int(recover(NULL), 0);
			check_pair();
			sweep();
		}
	}
}

static void
acme_folder_recovers_nothing_from_nothing(void **state)
{
	(void)state;
	save_old(true);
	check_int(recover(NULL), 0);
	check_int((int)sweep(), 2);
	check_int(recover(NULL), 0);
	check_int((int)sweep(), 0);
}

static void
acme_folder_reads_whole_files_or_none(void **state)
{
	struct buf text;

	(void)state;
	save_old(false);
	buf_init(&text, ACME_FOLDER_FILE_MAX);
	check_int(acme_folder_read(folder.cert, &text), 0);
	check_slice(
	    slice_of(buf_slice(&text).p + buf_len(&text) - buf_len(&old_chain),
		buf_len(&old_chain)),
	    buf_slice(&old_chain));
	acme_folder_wipe(&text);
	buf_init(&text, buf_len(&old_chain));
	check_int(acme_folder_read(folder.cert, &text), -1);
	check_int(errno, EFBIG);
	check_int(acme_folder_read(dir, &text), -1);
	check_int(errno, EISDIR);
	buf_clear(&text);
	sweep();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acme_folder_survives_a_crash),
		cmocka_unit_test(acme_folder_survives_a_full_disk),
		cmocka_unit_test(acme_folder_recovers_nothing_from_nothing),
		cmocka_unit_test(acme_folder_reads_whole_files_or_none),
	};

	return cmocka_run_group_tests(tests, start, end);
}
