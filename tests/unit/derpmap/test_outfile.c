/* outfile: the old map, the new one or none, wherever the write is cut. */
#include "outfile.h"

#include "check.h"
#include "fake_files.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define OLD "regions: {}\n"
#define NEW "regions:\n  900:\n    regionid: 900\n"

static char folder[] = "/tmp/test_outfile.XXXXXX";
static char path[80];

static int
write_new(void *ctx)
{
	(void)ctx;
	return outfile_write(path, slice_str(NEW), NULL);
}

/* 'o'ld, 'n'ew, '-': none; anything else fails the test. */
static char
get(void)
{
	char text[256] = { 0 };
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return '-';
	check(fread(text, 1, sizeof text - 1, f) > 0);
	fclose(f);
	if (strcmp(text, OLD) == 0)
		return 'o';
	check_text(text, NEW);
	return 'n';
}

static void
put_old(void)
{
	check_int(outfile_write(path, slice_str(OLD), NULL), 0);
}

static void
outfile_asks_the_umask(void **state)
{
	static const struct {
		mode_t mask, want;
	} cases[] = { { 0, 0644 }, { 022, 0644 }, { 077, 0600 } };
	mode_t old = umask(0);
	struct stat st;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		(void)unlink(path);
		umask(cases[i].mask);
		check_int(write_new(NULL), 0);
		check_int(stat(path, &st), 0);
		check_int(st.st_mode & 07777, cases[i].want);
		check_int(umask(old), cases[i].mask); /* as it was */
	}
}

static void
outfile_keeps_mode_and_owner(void **state)
{
	struct stat st;

	(void)state;
	put_old();
	check_int(chmod(path, 0640), 0);
	if (geteuid() == 0)
		check_int(chown(path, 1, 2), 0);
	check_int(write_new(NULL), 0);
	check_int(get(), 'n');
	check_int(stat(path, &st), 0);
	check_int(st.st_mode & 07777, 0640);
	if (geteuid() == 0) {
		check_int(st.st_uid, 1);
		check_int(st.st_gid, 2);
	}
	check_int(unlink(path), 0);
}

static void
outfile_follows_links(void **state)
{
	char link[100], other[100];
	struct stat st;

	(void)state;
	put_old();
	snprintf(link, sizeof link, "%s/link", folder);
	snprintf(other, sizeof other, "%s/other", folder);
	check_int(symlink("other", link), 0);
	check_int(symlink("derp.yaml", other), 0);
	check_int(outfile_write(link, slice_str(NEW), NULL), 0);
	check_int(lstat(link, &st), 0);
	check(S_ISLNK(st.st_mode));
	check_int(get(), 'n');
	/* to nothing, which is then made */
	check_int(unlink(path), 0);
	check_int(outfile_write(link, slice_str(NEW), NULL), 0);
	check_int(get(), 'n');
	/* in a circle */
	check_int(unlink(other), 0);
	check_int(symlink("link", other), 0);
	check_int(outfile_write(link, slice_str(NEW), NULL), -1);
	check_int(unlink(other), 0);
	check_int(unlink(link), 0);
	check_int(unlink(path), 0);
}

static void *
read_fifo(void *to)
{
	char *text = to;
	FILE *f = fopen(path, "r");

	text[fread(text, 1, 255, f)] = '\0';
	fclose(f);
	return NULL;
}

static void
outfile_writes_through_what_is_not_a_file(void **state)
{
	char text[256] = "";
	struct stat st;
	pthread_t reader;

	(void)state;
	check_int(mkfifo(path, 0600), 0);
	check_int(pthread_create(&reader, NULL, read_fifo, text), 0);
	check_int(write_new(NULL), 0);
	check_int(pthread_join(reader, NULL), 0);
	check_text(text, NEW);
	check_int(lstat(path, &st), 0);
	check(S_ISFIFO(st.st_mode));
	check_int(unlink(path), 0);
	check_int(outfile_write("/dev/null", slice_str(NEW), NULL), 0);
	check_int(lstat("/dev/null", &st), 0);
	check(S_ISCHR(st.st_mode));
	check_int(outfile_write("/dev/full", slice_str(NEW), NULL), -1);
	check_int(outfile_write(folder, slice_str(NEW), NULL), -1);
}

/* What a shell has written there before stays. */
static void
outfile_goes_on_where_a_descriptor_is(void **state)
{
	static const char *const folders[] = { "/dev/fd", "/proc/self/fd" };
	char name[40], text[256];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		FILE *f = fopen(path, "w+");

		check(f != NULL);
		check(fputs("before\n", f) >= 0 && fflush(f) == 0);
		snprintf(name, sizeof name, "%s/%d", folders[i], fileno(f));
		check_int(outfile_write(name, slice_str(NEW), NULL), 0);
		rewind(f);
		text[fread(text, 1, sizeof text - 1, f)] = '\0';
		fclose(f);
		check_text(text, "before\n" NEW);
		check_int(unlink(path), 0);
	}
}

/* As a user who may write the file, but not its folder: it is written over. */
static void
write_without_room(void)
{
	const struct rlimit size = { sizeof OLD, sizeof OLD };

	if (setresgid(65534, 65534, 65534) == -1 ||
	    setresuid(65534, 65534, 65534) == -1)
		_exit(2);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &size);
	_exit(outfile_write(path, slice_str(NEW), NULL) == -1 ? 0 : 1);
}

static void
outfile_keeps_the_old_bytes_without_room(void **state)
{
	int status = 0;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	put_old();
	check_int(chown(path, 65534, 65534), 0);
	check_int(chmod(folder, 0755), 0);
	child = fork();
	if (child == 0)
		write_without_room();
	check(waitpid(child, &status, 0) == child);
	check_int(status, 0);
	check_int(get(), 'o');
	check_int(unlink(path), 0);
}

/* As a user who may write the folder, but not the file. */
static void
outfile_asks_the_old_file(void **state)
{
	int status = 0;
	pid_t child;

	(void)state;
	put_old();
	check_int(chmod(path, 0400), 0);
	check_int(chmod(folder, 0777), 0);
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && setuid(65534) == -1)
			_exit(2);
		_exit(write_new(NULL) == -1 && get() != 'n' ? 0 : 1);
	}
	check_int(waitpid(child, &status, 0), child);
	check_int(status, 0);
	check_int(get(), 'o');
	check_int(unlink(path), 0);
}

static void
outfile_keeps_the_old_file_when_a_call_fails(void **state)
{
	int n = 1, told = 0, result;
	bool failed;

	(void)state;
	do {
		put_old();
		fake_files_fail_at(n++, ENOSPC);
		result = write_new(NULL);
		failed = fake_files_failed();
		told += result == -1;
		/* the sync of the folder, 7 and 8, comes after the rename */
		check_int(get(), result == 0 || n - 1 >= 7 ? 'n' : 'o');
	} while (failed);
	check_int(told, 8);
	check_int(result, 0);
}

static void
outfile_is_whole_when_cut(void **state)
{
	int n, seen_old = 0, seen_new = 0;

	(void)state;
	put_old();
	for (n = 1; fake_files_try_exit(n, write_new, NULL); n++) {
		seen_old += get() == 'o';
		seen_new += get() == 'n';
		check_int(write_new(NULL), 0);
		check_int(get(), 'n');
		put_old();
	}
	check_int(seen_old, 6); /* mkostemp up to rename */
	check_int(seen_new, n - 1 - 6);
}

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/derp.yaml", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outfile_asks_the_umask),
		cmocka_unit_test(outfile_keeps_mode_and_owner),
		cmocka_unit_test(outfile_follows_links),
		cmocka_unit_test(outfile_writes_through_what_is_not_a_file),
		cmocka_unit_test(outfile_goes_on_where_a_descriptor_is),
		cmocka_unit_test(outfile_keeps_the_old_bytes_without_room),
		cmocka_unit_test(outfile_asks_the_old_file),
		cmocka_unit_test(outfile_keeps_the_old_file_when_a_call_fails),
		cmocka_unit_test(outfile_is_whole_when_cut),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
