/* Tests of filestamp: what counts as a change of a file. */
#include "check.h"

#include "filestamp.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
filestamp_tells_what_changed(void **state)
{
	char dir[] = "/tmp/derpkit-stamp-XXXXXX", path[64], other[64];
	const struct timespec then[2] = { { .tv_sec = 7 }, { .tv_sec = 7 } };
	struct filestamp none, first, same, later, moved;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/a", dir);
	snprintf(other, sizeof other, "%s/b", dir);
	none = filestamp_of(path);
	check_int(none.inode, 0);
	write_file(path, "one");
	first = filestamp_of(path);
	same = filestamp_of(path);
	check(!filestamp_eq(&none, &first));
	check(filestamp_eq(&first, &same));
	check_int(utimensat(AT_FDCWD, path, then, 0), 0);
	later = filestamp_of(path);
	check(!filestamp_eq(&first, &later));
	write_file(path, "longer");
	check_int(utimensat(AT_FDCWD, path, then, 0), 0);
	same = filestamp_of(path);
	check(!filestamp_eq(&later, &same));
	write_file(other, "longer");
	check_int(utimensat(AT_FDCWD, other, then, 0), 0);
	check_int(rename(other, path), 0);
	moved = filestamp_of(path);
	check(!filestamp_eq(&same, &moved));
	unlink(path);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filestamp_tells_what_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
