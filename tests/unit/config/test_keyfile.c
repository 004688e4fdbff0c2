/* keyfile: what is read, what is refused, how a new one is written. */
#include "check.h"
#include "fake_alloc.h"
#include "fake_files.h"

#include "keyfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEX "1011111111111111111111111111111111111111111111111111111111111151"
#define UPPER "A0BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB5B"

static char folder[] = "/tmp/test_keyfile.XXXXXX";

static const char *
path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void
put(const char *name, const char *text, size_t n)
{
	FILE *f = fopen(path_of(name), "w");

	check(f != NULL);
	check_size(fwrite(text, 1, n, f), n);
	fclose(f);
}

static void
put_text(const char *name, const char *text)
{
	put(name, text, strlen(text));
}

/* Bytes of the file; -1 when there is none. */
static int
get(const char *name, char *out, size_t cap)
{
	FILE *f = fopen(path_of(name), "r");
	size_t n;

	if (f == NULL)
		return -1;
	n = fread(out, 1, cap - 1, f);
	out[n] = '\0';
	fclose(f);
	return (int)n;
}

/* Files in the folder whose names begin so. */
static size_t
count(const char *prefix)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	size_t n = 0;

	while ((e = readdir(d)) != NULL)
		n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	closedir(d);
	return n;
}

static int
load(const char *name, struct derp_private_key *key, struct fail *why)
{
	*why = (struct fail){ 0 };
	return keyfile_load(path_of(name), key, why);
}

static void
keyfile_reads_what_upstream_reads(void **state)
{
	static const char *const good[] = {
		"{\n\t\"PrivateKey\": \"privkey:" HEX "\"\n}",
		"{\"privatekey\":\"privkey:" HEX "\"}",
		"{\"PRIVATEKEY\":\"privkey:" HEX "\"}\n\n",
		" {\"Other\":[1,{}],\"PrivateKey\":\"privkey:" HEX
		"\",\"x\":null}",
		"{\"PrivateKey\":\"privkey:" UPPER
		"\",\"PrivateKey\":\"privkey:" HEX "\"}",
	};
	struct derp_private_key key;
	char text[DERP_KEY_TEXT];
	struct fail why;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		put_text("good", good[i]);
		check_int(load("good", &key, &why), 0);
		check_text(why.text, "");
		derp_private_key_format(&key, text);
		check_text(text, "privkey:" HEX);
	}
	put_text("good", "{\"PrivateKey\":\"privkey:" UPPER "\"}");
	check_int(load("good", &key, &why), 0);
	check_int(key.b[0], 0xa0); /* not clamped again */
}

static void
keyfile_refuses_everything_else(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "" },
		{ "{", "line 1" },
		{ "{}", "there is no PrivateKey" },
		{ "[]", "not a JSON object" },
		{ "null", "" },
		{ "\"privkey:" HEX "\"", "" },
		{ "privkey:" HEX, "" },
		{ "{\"PrivateKey\":1}", "not a string" },
		{ "{\"PrivateKey\":null}", "not a string" },
		{ "{\"PrivateKey\":\"\"}", "64 hex digits" },
		{ "{\"PrivateKey\":\"" HEX "\"}", "64 hex digits" },
		{ "{\"PrivateKey\":\"nodekey:" HEX "\"}", "64 hex digits" },
		{ "{\"PrivateKey\":\"privkey:" HEX "0\"}", "64 hex digits" },
		{ "{\"PrivateKey\":\"privkey:" HEX " \"}", "64 hex digits" },
		{ "{\"PrivateKey\":\"privkey:" HEX "\\n\"}", "64 hex digits" },
		{ "{\"PrivateKey\":\"privkey:00000000000000000000000000000000"
		  "00000000000000000000000000000000\"}",
		    "zero" },
		{ "{\"PrivateKey\":\"privkey:" HEX "\"} x", "line 1" },
		{ "{\"PrivateKey\":\"privkey:" HEX "\",}", "line 1" },
		{ "{\"PrivateKeys\":\"privkey:" HEX "\"}", "no PrivateKey" },
	};
	struct derp_private_key key;
	struct fail why;
	char now[512];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		put_text("bad", bad[i].text);
		check_int(load("bad", &key, &why), -1);
		check_contains(why.text, "config: ");
		check_contains(why.text, path_of("bad"));
		check_contains(why.text, bad[i].why);
		/* secrets are not told */
		check(strstr(why.text, "1011111111111") == NULL);
		/* never overwritten */
		check_int(
		    get("bad", now, sizeof now), (int)strlen(bad[i].text));
		check_text(now, bad[i].text);
	}
	check_size(count("bad"), 1);
}

static void
keyfile_refuses_what_is_no_file(void **state)
{
	struct derp_private_key key;
	struct fail why;

	(void)state;
	check_int(mkdir(path_of("dir"), 0700), 0);
	check_int(load("dir", &key, &why), -1);
	check_contains(why.text, "not a regular file");
	check_int(mkfifo(path_of("fifo"), 0600), 0);
	check_int(load("fifo", &key, &why), -1); /* and does not wait */
	check_contains(why.text, "not a regular file");
	put("file", "x", 1);
	check_int(load("file/key", &key, &why), -1);
	check_contains(why.text, "Not a directory");
	check_int(keyfile_load("/dev/null", &key, &why), -1);
	check_int(keyfile_load("/proc/nowhere/key", &key, NULL), -1);
}

/* A file that is too long to be one is refused, not read in part. */
static void
keyfile_refuses_a_huge_file(void **state)
{
	static char text[80000];
	struct derp_private_key key;
	struct fail why;

	(void)state;
	memset(text, ' ', sizeof text);
	snprintf(text, 100, "{\"PrivateKey\":\"privkey:%s\"}", HEX);
	text[strlen(text)] = ' ';
	put("huge", text, sizeof text);
	text[70000] = '!'; /* what lies behind what is read */
	put("huge", text, sizeof text);
	check_int(load("huge", &key, &why), -1);
}

static void
check_written(const char *name, const struct derp_private_key *key)
{
	char text[512], want[512], hex[DERP_KEY_TEXT];
	struct stat st;

	derp_private_key_format(key, hex);
	snprintf(want, sizeof want, "{\n\t\"PrivateKey\": \"%s\"\n}", hex);
	check_int(get(name, text, sizeof text), (int)strlen(want));
	check_text(text, want);
	check_int(stat(path_of(name), &st), 0);
	check_int(st.st_mode & 07777, 0600);
}

static void
keyfile_makes_a_missing_file(void **state)
{
	struct derp_private_key key, again;
	struct fail why;
	mode_t old = umask(0);

	(void)state;
	check_int(load("new", &key, &why), 0);
	check_written("new", &key);
	check_size(count("new"), 1);
	check_int(key.b[0] & 7, 0);
	check_int(key.b[31] & 0xc0, 0x40);
	check_int(load("new", &again, &why), 0);
	check_bytes(again.b, key.b, DERP_KEY);
	/* with its folders */
	check_int(load("a/b//c/new", &key, &why), 0);
	check_written("a/b//c/new", &key);
	umask(old);
	/* a name without a folder */
	check_int(chdir(folder), 0);
	check_int(keyfile_load("bare", &key, &why), 0);
	check_written("bare", &key);
}

/* Nothing half written stays when the disk is full. */
static void
keyfile_leaves_nothing_when_writing_fails(void **state)
{
	struct rlimit old, low;
	struct derp_private_key key;
	struct fail why;

	(void)state;
	check_int(getrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t n = 0; n < 80; n += 13) {
		low = (struct rlimit){ n, old.rlim_max };
		check_int(setrlimit(RLIMIT_FSIZE, &low), 0);
		check_int(load("full", &key, &why), -1);
		check_int(setrlimit(RLIMIT_FSIZE, &old), 0);
		check_contains(why.text, "File too large");
		check_size(count("full"), 0);
	}
	check_int(load("full", &key, &why), 0);
	check_written("full", &key);
}

/* Killed at any moment: there is no file or a whole one, never a part. */
static void
keyfile_is_whole_or_absent_when_killed(void **state)
{
	unsigned seed = 1;
	size_t whole = 0, absent = 0;
	char text[512];

	(void)state;
	for (int i = 0; i < 150; i++) {
		int status, n, begun[2];
		pid_t child;
		char byte;

		(void)unlink(path_of("killed"));
		check_int(pipe(begun), 0);
		child = fork();
		if (child == 0) {
			struct derp_private_key key;
			struct fail why;

			for (;;) {
				(void)!write(begun[1], "", 1);
				(void)load("killed", &key, &why);
				(void)unlink(path_of("killed"));
			}
		}
		check_int(read(begun[0], &byte, 1), 1);
		usleep((useconds_t)rand_r(&seed) % 3000);
		kill(child, SIGKILL);
		check_int(waitpid(child, &status, 0), child);
		check(WIFSIGNALED(status));
		close(begun[0]);
		close(begun[1]);
		n = get("killed", text, sizeof text);
		if (n != -1) {
			struct derp_private_key key;
			struct fail why;

			whole++;
			check_int(n, 4 + 14 + 72 + 2 + 1);
			check_int(load("killed", &key, &why), 0);
		} else {
			absent++;
		}
	}
	check(whole > 0 && absent > 0);
}

static int
load_cut(void *ctx)
{
	struct derp_private_key key;

	(void)ctx;
	return keyfile_load(path_of("x/cut"), &key, NULL);
}

/* The same at each of its system calls: afterwards there is no file or a whole
 * one, and the next start has a key that lasts. */
static void
keyfile_is_whole_or_absent_when_cut(void **state)
{
	struct derp_private_key key, again;
	struct fail why;
	char text[512];
	int n, whole = 0;

	(void)state;
	for (n = 1; fake_files_try_exit(n, load_cut, NULL); n++) {
		if (get("x/cut", text, sizeof text) != -1) {
			whole++;
			check_size(strlen(text), 4 + 14 + 72 + 2 + 1);
		}
		check_int(load("x/cut", &key, &why), 0);
		check_written("x/cut", &key);
		check_int(load("x/cut", &again, &why), 0);
		check_bytes(again.b, key.b, DERP_KEY);
		check_int(unlink(path_of("x/cut")), 0);
	}
	check(n - 1 >= 10);
	check_int(whole, 3); /* cut at the sync of the folder */
}

static void
keyfile_can_be_made_after_a_call_failed(void **state)
{
	struct derp_private_key key, again;
	struct fail why;
	bool failed = true;
	int n, told = 0;

	(void)state;
	(void)unlink(path_of("x/cut"));
	for (n = 1; failed; n++) {
		fake_files_fail_at(n, EIO);
		told += load("x/cut", &key, &why) == -1;
		failed = fake_files_failed();
		check_int(load("x/cut", &key, &why), 0);
		check_written("x/cut", &key);
		check_int(load("x/cut", &again, &why), 0);
		check_bytes(again.b, key.b, DERP_KEY);
		check_int(unlink(path_of("x/cut")), 0);
	}
	check(told >= 10);
}

/* Who is second takes the key of the first and never replaces it. */
static void
keyfile_does_not_replace_what_came_meanwhile(void **state)
{
	struct derp_private_key key;
	int status, from[2];
	uint8_t first[8][DERP_KEY];

	(void)state;
	check_int(pipe(from), 0);
	for (int round = 0; round < 20; round++) {
		(void)unlink(path_of("both"));
		for (int i = 0; i < 8; i++)
			if (fork() == 0) {
				int rc =
				    keyfile_load(path_of("both"), &key, NULL);

				_exit(rc == 0 &&
					    write(from[1], key.b, DERP_KEY) ==
						DERP_KEY
					? 0
					: 1);
			}
		for (int i = 0; i < 8; i++) {
			check(wait(&status) > 0);
			check_int(status, 0);
			check_int(read(from[0], first[i], DERP_KEY), DERP_KEY);
			check_bytes(first[i], first[0], DERP_KEY);
		}
	}
	close(from[0]);
	close(from[1]);
}

static void
keyfile_names_a_dangling_link(void **state)
{
	struct derp_private_key key;
	struct fail why;

	(void)state;
	check_int(symlink("nowhere", path_of("link")), 0);
	check_int(load("link", &key, &why), -1);
	check_contains(why.text, path_of("link"));
	check_contains(why.text, "a link to a file that is not there");
}

static void
keyfile_survives_lack_of_memory(void **state)
{
	struct derp_private_key key;
	struct fail why;
	int rc = -1;

	(void)state;
	json_set_alloc_funcs(fake_alloc_malloc, free);
	put_text("memory", "{\"PrivateKey\":\"privkey:" HEX "\"}");
	for (size_t n = 1; rc == -1; n++) {
		fake_alloc_fail_at(n);
		rc = load("memory", &key, &why);
		check(fake_alloc_failed() == (rc == -1));
	}
	check_int(key.b[0], 0x10);
}

static int
make_folder(void **state)
{
	(void)state;
	return sodium_init() != -1 && mkdtemp(folder) != NULL ? 0 : -1;
}

static int
remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") == 0 ? system(command) : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyfile_reads_what_upstream_reads),
		cmocka_unit_test(keyfile_refuses_everything_else),
		cmocka_unit_test(keyfile_refuses_what_is_no_file),
		cmocka_unit_test(keyfile_refuses_a_huge_file),
		cmocka_unit_test(keyfile_makes_a_missing_file),
		cmocka_unit_test(keyfile_leaves_nothing_when_writing_fails),
		cmocka_unit_test(keyfile_is_whole_or_absent_when_killed),
		cmocka_unit_test(keyfile_is_whole_or_absent_when_cut),
		cmocka_unit_test(keyfile_can_be_made_after_a_call_failed),
		cmocka_unit_test(keyfile_does_not_replace_what_came_meanwhile),
		cmocka_unit_test(keyfile_names_a_dangling_link),
		cmocka_unit_test(keyfile_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
