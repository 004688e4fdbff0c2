/* unix_listener: the mode of the file, what is replaced, what is removed. */
#include "check.h"

#include "unix_listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char dir[40], path[64];
	struct unix_listener listener;
	int fd;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct fail why = { 0 };

	snprintf(f->dir, sizeof f->dir, "/tmp/derpkit-unix-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof f->path, "%s/s", f->dir);
	f->fd = unix_listener_open(&f->listener, f->path, 0640, &why);
	check_text(why.text, "");
	check(f->fd != -1);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static bool
exists(const struct fixture *f)
{
	return access(f->path, F_OK) == 0;
}

static void
unix_listener_has_its_mode_from_the_beginning(void **state)
{
	struct fixture *f = *state;
	const mode_t mask = umask(0);
	struct stat st;

	umask(mask); /* as it was before */
	check_int(stat(f->path, &st), 0);
	check_int(st.st_mode & 07777, 0640);
	check(mask != (~0640 & 0777));
}

static void
unix_listener_replaces_only_what_nobody_uses(void **state)
{
	struct fixture *f = *state;
	struct unix_listener second;
	struct fail why = { 0 };
	FILE *file;
	int fd;

	check_int(unix_listener_open(&second, f->path, 0600, &why), -1);
	check_contains(why.text, "Address already in use");
	unix_listener_remove(&second); /* nothing */
	check(exists(f));
	close(f->fd);
	usleep(20000); /* the time of the file must differ */
	why = (struct fail){ 0 };
	fd = unix_listener_open(&second, f->path, 0600, &why);
	check_text(why.text, "");
	unix_listener_remove(&f->listener); /* not its file any more */
	check(exists(f));
	unix_listener_remove(&second);
	check(!exists(f));
	close(fd);
	file = fopen(f->path, "w");
	fclose(file);
	f->fd = unix_listener_open(&second, f->path, 0600, &why);
	check_int(f->fd, -1);
	check(exists(f));
}

static void
unix_listener_refuses_bad_paths(void **state)
{
	struct unix_listener l;
	struct fail why = { 0 };
	char path[200];

	(void)state;
	memset(path, 'x', sizeof path);
	path[108] = '\0';
	check_int(unix_listener_open(&l, path, 0600, &why), -1);
	check_contains(why.text, "longer than 107 bytes");
	why = (struct fail){ 0 };
	check_int(unix_listener_open(&l, "", 0600, &why), -1);
	check_contains(why.text, "path is empty");
	why = (struct fail){ 0 };
	check_int(unix_listener_open(&l, "/nowhere/s", 0600, &why), -1);
	check_contains(why.text, "/nowhere/s: No such file");
}

/* The verdict of an attempt is that of opening; it leaves nothing. */
static void
unix_listener_try_judges_and_makes_nothing(void **state)
{
	struct fixture *f = *state;
	struct unix_listener l;
	char other[80];
	struct fail why = { 0 }, real = { 0 };

	/* somebody listens there */
	check_int(unix_listener_try(f->path, &why), -1);
	check_int(unix_listener_open(&l, f->path, 0600, &real), -1);
	check_text(why.text, real.text);
	/* nobody does any more */
	close(f->fd);
	check_int(unix_listener_try(f->path, NULL), 0);
	check(exists(f));
	snprintf(other, sizeof other, "%s/other", f->dir);
	check_int(unix_listener_try(other, NULL), 0);
	check_int(access(other, F_OK), -1);
	why = real = (struct fail){ 0 };
	snprintf(other, sizeof other, "%s/none/other", f->dir);
	check_int(unix_listener_try(other, &why), -1);
	check_int(unix_listener_open(&l, other, 0600, &real), -1);
	check_text(why.text, real.text);
	f->fd = dup(STDERR_FILENO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    unix_listener_has_its_mode_from_the_beginning, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    unix_listener_replaces_only_what_nobody_uses, setup,
		    teardown),
		cmocka_unit_test(unix_listener_refuses_bad_paths),
		cmocka_unit_test_setup_teardown(
		    unix_listener_try_judges_and_makes_nothing, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
