/* acme_answers, acme_proofs, acme_watch: what one program puts into the folder
 * the other shows. */
#include "acme_answers.h"

#include "acme_proof.h"
#include "acme_watch.h"
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME "derp.example.org"
#define PATIENCE_MS 20000

static char dir[] = "/tmp/test_acme_answers.XXXXXX";
static struct acme_folder folder;
static struct acme_answers *ours, *theirs;

static int
start(void **state)
{
	(void)state;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int
setup(void **state)
{
	(void)state;
	check_int(acme_folder_init(&folder, dir, NAME, false, NULL), 0);
	ours = acme_answers_new(&folder);
	theirs = acme_answers_new(&folder);
	return ours != NULL && theirs != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	(void)state;
	acme_answers_free(ours);
	acme_answers_free(theirs);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			check_int(unlinkat(dirfd(d), e->d_name, 0), 0);
	closedir(d);
	return 0;
}

static const char *
find(struct acme_answers *a, const char *token)
{
	static char text[ACME_AUTHORIZATION_TEXT];
	struct writer w = writer_of(text, sizeof text - 1);

	if (!acme_answers_find(a, slice_str(token), &w))
		return "";
	text[w.n] = '\0';
	return text;
}

static void
show(enum acme_kind kind, const char *token)
{
	struct fail unshared = { 0 }, why = { 0 };
	char text[64];

	snprintf(text, sizeof text, "%s.print", token);
	check_int(
	    acme_answers_show(ours, kind, token, text, &unshared, &why), 0);
	check_text(unshared.text, "");
	check_text(why.text, "");
}

static void
read_theirs(void)
{
	struct acme_proofs proofs;

	check_int(acme_proofs_read(&folder, &proofs), 0);
	acme_answers_share(theirs, &proofs);
}

static void
put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	check(f != NULL);
	fputs(text, f);
	fclose(f);
}

static void
acme_answers_are_shared(void **state)
{
	(void)state;
	show(ACME_HTTP_01, "token");
	check_text(find(ours, "token"), "token.print");
	check_text(find(theirs, "token"), "");
	read_theirs();
	check_text(find(theirs, "token"), "token.print");
	check_text(find(theirs, ""), "");
	acme_answers_hide(ours);
	check_text(find(ours, "token"), "");
	read_theirs();
	check_text(find(theirs, "token"), "");
}

static void
acme_answers_share_certificates(void **state)
{
	struct acme_proofs proofs;

	(void)state;
	show(ACME_TLS_ALPN_01, "token");
	check_int(acme_proofs_read(&folder, &proofs), 0);
	check(proofs.certificate != NULL && proofs.key != NULL);
	check_int(X509_check_host(proofs.certificate, NAME, 0, 0, NULL), 1);
	acme_proofs_clear(&proofs);
	acme_answers_hide(ours);
	check_int(acme_proofs_read(&folder, &proofs), 0);
	check_null(proofs.certificate);
	acme_proofs_clear(&proofs);
}

/* Whoever may write to the folder may not have us say what he likes. */
static void
acme_answers_show_nothing_else(void **state)
{
	struct acme_proofs proofs;
	char name[32];

	(void)state;
	put("a+http-01", "<script>");
	put("b+http-01", "a.print");
	put("c+http-01", "");
	put("+http-01", ".print");
	put(NAME "+token", "garbage");
	put("d+http-01", "d.print\n");
	check_int(acme_proofs_read(&folder, &proofs), 0);
	check_size(proofs.count, 1);
	check_text(proofs.texts[0].text, "d.print");
	check_null(proofs.certificate);
	acme_proofs_clear(&proofs);
	for (int i = 0; i < 3 * ACME_PROOFS_MAX; i++) {
		char text[32];

		snprintf(name, sizeof name, "t%d+http-01", i);
		snprintf(text, sizeof text, "t%d.print", i);
		put(name, text);
	}
	check_int(acme_proofs_read(&folder, &proofs), 0);
	check_size(proofs.count, ACME_PROOFS_MAX);
	acme_proofs_clear(&proofs);
}

/* Then it is not known what is there: neither the folder, nor with one
 * descriptor a file in it, can be opened. */
static void
acme_proofs_are_not_forgotten_in_a_shortage(void **state)
{
	struct acme_proofs proofs;
	struct rlimit old, low;
	int next;

	(void)state;
	show(ACME_HTTP_01, "token");
	next = open("/dev/null", O_RDONLY);
	check(next >= 0);
	close(next);
	check_int(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	for (int more = 0; more <= 1; more++) {
		low.rlim_cur = (rlim_t)(next + more);
		check_int(setrlimit(RLIMIT_NOFILE, &low), 0);
		check_int(acme_proofs_read(&folder, &proofs), -1);
		check_int(setrlimit(RLIMIT_NOFILE, &old), 0);
		check_size(proofs.count, 0);
	}
	check_int(acme_proofs_read(&folder, &proofs), 0);
	check_size(proofs.count, 1);
	acme_proofs_clear(&proofs);
}

/* A program that was killed has left them. */
static void
acme_proofs_of_the_dead_are_removed(void **state)
{
	const int64_t now_s = (int64_t)time(NULL);
	char path[256];

	(void)state;
	put("a+http-01", "a.print");
	put(NAME "+token", "x");
	put(NAME, "kept");
	acme_proofs_remove_old(&folder, now_s);
	snprintf(path, sizeof path, "%s/a+http-01", dir);
	check(access(path, F_OK) == 0);
	acme_proofs_remove_old(&folder, now_s + 2 * 60 * 60);
	check(access(path, F_OK) == -1);
	snprintf(path, sizeof path, "%s/" NAME "+token", dir);
	check(access(path, F_OK) == -1);
	check(access(folder.cert, F_OK) == 0);
}

/* Waits until theirs shows that. */
static void
wait_for(const char *token, const char *want)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (strcmp(find(theirs, token), want) == 0)
			return;
		usleep(1000);
	}
	check_text(find(theirs, token), want);
}

static void
acme_watch_sees_what_comes_and_goes(void **state)
{
	struct acme_watch *w = acme_watch_start(&folder, theirs, NULL);

	(void)state;
	check(w != NULL);
	for (int i = 0; i < 5; i++) {
		char token[16], text[32];

		snprintf(token, sizeof token, "t%d", i);
		snprintf(text, sizeof text, "t%d.print", i);
		show(ACME_HTTP_01, token);
		wait_for(token, text);
		acme_answers_hide(ours);
		wait_for(token, "");
	}
	acme_watch_stop(w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(acme_answers_are_shared),
		TEST(acme_answers_share_certificates),
		TEST(acme_answers_show_nothing_else),
		TEST(acme_proofs_are_not_forgotten_in_a_shortage),
		TEST(acme_proofs_of_the_dead_are_removed),
		TEST(acme_watch_sees_what_comes_and_goes),
	};

	return cmocka_run_group_tests(tests, start, end);
}
