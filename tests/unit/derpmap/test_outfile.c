/* outfile: the old map, the new one or none, wherever the write is cut. */
#include "outfile.h"

#include "check.h"
#include "fake_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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
		umask(cases[i].mask);
		check_int(write_new(NULL), 0);
		check_int(stat(path, &st), 0);
		check_int(st.st_mode & 07777, cases[i].want);
		check_int(umask(old), cases[i].mask); /* as it was */
	}
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
		cmocka_unit_test(outfile_keeps_the_old_file_when_a_call_fails),
		cmocka_unit_test(outfile_is_whole_when_cut),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
