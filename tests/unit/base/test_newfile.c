/* newfile: whole or not at all, whatever fails and wherever it is cut. */
#include "newfile.h"

#include "check.h"
#include "fake_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OLD "what was there before"
#define NEW "and what is to be there from now on, which is longer"

static char folder[] = "/tmp/test_newfile.XXXXXX";
static char path[80];

static void
put(const char *file, const char *text)
{
	FILE *f = fopen(file, "w");

	check(f != NULL);
	check_size(fwrite(text, 1, strlen(text), f), strlen(text));
	check_int(fclose(f), 0);
}

/* What the file holds; NULL when there is none. */
static const char *
get(void)
{
	static char text[256];
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		return NULL;
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

/* How many files there are; removes them if asked to. */
static size_t
go_through(bool removes)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	size_t n = 0;

	check(d != NULL);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			if (removes)
				check_int(unlinkat(dirfd(d), e->d_name, 0), 0);
			n++;
		}
	closedir(d);
	return n;
}

static size_t
sweep(void)
{
	return go_through(true);
}

static size_t
count(void)
{
	return go_through(false);
}

static int
replace(void *ctx)
{
	(void)ctx;
	return newfile_replace(path, slice_str(NEW), 0640, NULL);
}

static int
create(void *ctx)
{
	(void)ctx;
	return newfile_create(path, slice_str(NEW), 0640, NULL) == NEWFILE_MADE
	    ? 0
	    : -1;
}

static int
create_by_link(void *ctx)
{
	fake_files_no_noreplace();
	return create(ctx);
}

static int
replace_unnamed(void *ctx)
{
	fake_files_unnamed();
	return replace(ctx);
}

static int
create_unnamed(void *ctx)
{
	fake_files_unnamed();
	return create(ctx);
}

/* All ways, and whether each may meet an old file. */
static const struct {
	int (*make)(void *ctx);
	const char *old; /* NULL: none */
	bool is_unnamed; /* until it is whole */
	bool may_overwrite;
} ways[] = {
	{ replace, NULL, false, true },
	{ replace, OLD, false, true },
	{ create, NULL, false, false },
	{ create_by_link, NULL, false, false },
	{ replace_unnamed, NULL, true, true },
	{ replace_unnamed, OLD, true, true },
	{ create_unnamed, NULL, true, false },
};

#define WAYS (sizeof ways / sizeof ways[0])

static void
start(size_t way)
{
	sweep();
	if (ways[way].old != NULL)
		put(path, ways[way].old);
}

static void
check_new(void)
{
	struct stat st;

	check_text(get(), NEW);
	check_int(stat(path, &st), 0);
	check_int(st.st_mode & 07777, 0640);
}

/* The old file, the new one or none as before, and with the mode. */
static void
check_whole(size_t way)
{
	const char *now = get();

	if (now != NULL && strcmp(now, NEW) == 0)
		check_new();
	else
		check_text(now, ways[way].old);
}

static void
newfile_writes_the_bytes_with_the_mode(void **state)
{
	mode_t mask = umask(0077);

	(void)state;
	for (size_t way = 0; way < WAYS; way++) {
		start(way);
		check_int(ways[way].make(NULL), 0);
		(void)fake_files_failed();
		check_new();
		check_size(sweep(), 1);
	}
	umask(mask);
	check_int(newfile_replace(path, slice_of(NULL, 0), 0600, NULL), 0);
	check_text(get(), "");
}

static void
newfile_create_keeps_what_is_there(void **state)
{
	struct fail why = { 0 };

	(void)state;
	for (int by_link = 0; by_link < 2; by_link++) {
		sweep();
		put(path, OLD);
		if (by_link == 1)
			fake_files_no_noreplace();
		check_int(newfile_create(path, slice_str(NEW), 0600, &why),
		    NEWFILE_EXISTS);
		(void)fake_files_failed();
		check_text(why.text, "");
		check_text(get(), OLD);
		check_size(sweep(), 1);
		/* a link to nowhere is a name that is taken */
		check_int(symlink("nowhere", path), 0);
		check_int(newfile_create(path, slice_str(NEW), 0600, &why),
		    NEWFILE_EXISTS);
		check_size(sweep(), 1);
	}
}

/* Each call fails in turn: told, nothing lies about, and it can be done
 * again. */
static void
newfile_is_whole_when_a_call_fails(void **state)
{
	(void)state;
	for (size_t way = 0; way < WAYS; way++) {
		int n = 1, told = 0;

		for (;; n++) {
			size_t named;
			int result;

			start(way);
			fake_files_fail_at(n, EIO);
			result = ways[way].make(NULL);
			if (!fake_files_failed())
				break;
			told += result == -1;
			check_whole(way);
			/* only unlink itself, 8th, can leave a second name */
			named = get() != NULL;
			if (ways[way].make == create_by_link && n == 8)
				named++;
			check_size(sweep(), named);
			check_int(ways[way].make(NULL), 0);
			(void)fake_files_failed();
			check_new();
		}
		/* mkostemp, write, fchmod, fsync, close, rename, and open,
		 * fsync and close of the folder, the last without effect;
		 * unnamed: open and linkat, for which there is another way */
		check(n - 1 >= (ways[way].is_unnamed ? 10 : 9));
		check(told >= (ways[way].is_unnamed ? 7 : 8));
	}
}

static void
newfile_is_whole_when_cut(void **state)
{
	(void)state;
	for (size_t way = 0; way < WAYS; way++) {
		int n = 1;

		for (start(way); fake_files_try_exit(n, ways[way].make, NULL);
		     n++) {
			check_whole(way);
			/* open, write, fchmod, fsync and linkat come before
			 * there is a name */
			if (ways[way].is_unnamed && n <= 5)
				check_size(count(), ways[way].old != NULL);
			/* a restart; a new file may be there already */
			if (get() == NULL || ways[way].may_overwrite)
				check_int(ways[way].make(NULL), 0);
			(void)fake_files_failed();
			check_new();
			start(way);
		}
		check_new();
		check(n - 1 >= 9);
	}
}

/* What a filesystem does not support is not a failure. */
static void
newfile_lives_without_a_sync_of_the_folder(void **state)
{
	(void)state;
	sweep();
	fake_files_fail_at(7, EACCES); /* open */
	check_int(replace(NULL), 0);
	check(fake_files_failed());
	fake_files_fail_at(8, EINVAL); /* fsync */
	check_int(replace(NULL), 0);
	check(fake_files_failed());
	fake_files_fail_at(8, EIO);
	check_int(replace(NULL), -1);
	check(fake_files_failed());
}

static void
newfile_tells_what_failed(void **state)
{
	struct fail why = { 0 };
	char text[5000];

	(void)state;
	sweep();
	fake_files_fail_at(4, ENOSPC);
	check_int(newfile_replace(path, slice_str(NEW), 0600, &why), -1);
	check(fake_files_failed());
	snprintf(text, sizeof text, "%s: No space left on device", path);
	check_text(why.text, text);
	check_size(sweep(), 0);

	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	why = (struct fail){ 0 };
	check_int(newfile_replace(text, slice_str(NEW), 0600, &why), -1);
	check_contains(why.text, "xxx");
	check_int(
	    newfile_create(text, slice_str(NEW), 0600, NULL), NEWFILE_FAILED);
	check_int(newfile_make_folders(text, 0700, NULL), -1);
	check_int(newfile_replace("", slice_str(NEW), 0600, NULL), -1);
}

static void
newfile_needs_no_folder_in_the_name(void **state)
{
	char full[80];

	(void)state;
	sweep();
	check_int(chdir(folder), 0);
	memcpy(full, path, sizeof full);
	snprintf(path, sizeof path, "bare");
	check_int(newfile_make_folders(path, 0700, NULL), 0);
	check_int(replace(NULL), 0);
	check_new();
	memcpy(path, full, sizeof full);
	check_int(chdir("/"), 0);
}

static void
newfile_makes_folders(void **state)
{
	char deep[120], part[160];
	struct fail why = { 0 };
	struct stat st;

	(void)state;
	snprintf(deep, sizeof deep, "%s/.a/b//c/file", folder);
	for (int i = 0; i < 2; i++)
		check_int(newfile_make_folders(deep, 0700, &why), 0);
	check_int(newfile_replace(deep, slice_str(NEW), 0600, &why), 0);
	snprintf(part, sizeof part, "%s/.a/b", folder);
	check_int(stat(part, &st), 0);
	check_int(st.st_mode & 0777, 0700);
	snprintf(part, sizeof part, "%s/under/it", deep);
	check_int(newfile_make_folders(part, 0700, &why), -1);
	check_contains(why.text, deep);
	check_contains(why.text, ": Not a directory");
}

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/file", folder);
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

/* Says what the real one says, in the same words. */
static void
try_is_right(const char *name)
{
	struct fail tried = { 0 }, real = { 0 };
	int rc = newfile_try(name, &tried);
	int real_rc = newfile_make_folders(name, 0755, &real);

	if (real_rc == 0)
		real_rc = newfile_replace(name, slice_str(NEW), 0600, &real);
	check_int(rc, real_rc);
	check_text(tried.text, real.text);
}

static void
newfile_try_judges_and_makes_nothing(void **state)
{
	char name[160], file[100];
	struct stat st;

	(void)state;
	sweep();
	snprintf(name, sizeof name, "%s/a/b/c", folder);
	check_int(newfile_try(name, NULL), 0);
	check_int(newfile_try_folders(name, NULL), 0);
	check_int((int)count(), 0);
	snprintf(file, sizeof file, "%s/file", folder);
	put(file, OLD);
	check_int(newfile_try(file, NULL), 0);
	check_int(stat(file, &st), 0);
	check_size((size_t)st.st_size, strlen(OLD));
	snprintf(name, sizeof name, "%s/x", file);
	try_is_right(name);
	snprintf(name, sizeof name, "%s/x/y", file);
	try_is_right(name);
	check_int(newfile_try_folders(name, NULL), -1);
	try_is_right(file);
	check_size(sweep(), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newfile_writes_the_bytes_with_the_mode),
		cmocka_unit_test(newfile_create_keeps_what_is_there),
		cmocka_unit_test(newfile_is_whole_when_a_call_fails),
		cmocka_unit_test(newfile_is_whole_when_cut),
		cmocka_unit_test(newfile_lives_without_a_sync_of_the_folder),
		cmocka_unit_test(newfile_tells_what_failed),
		cmocka_unit_test(newfile_needs_no_folder_in_the_name),
		cmocka_unit_test(newfile_makes_folders),
		cmocka_unit_test(newfile_try_judges_and_makes_nothing),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
