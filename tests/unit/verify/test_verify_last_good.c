/* Unit tests of verify/engine/verify_last_good: whatever happens while the file
 * is written, one whole set is in it. */
#include "unit/verify/engine.h"
#include "verify_last_good.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define KILLS 25
#define MANY 5000
#define MORE 6000

static const char *
path_of(void)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/set", engine_dir());
	return path;
}

static struct verify_set *
set_of(unsigned count)
{
	struct verify_set *set = verify_set_new();

	assert_non_null(set);
	for (unsigned i = 1; i <= count; i++) {
		const struct verify_set_node node = { .key = engine_key(i),
			.name = "node",
			.expires_s = VERIFY_SET_NEVER };

		check_int(verify_set_add(set, &node, NULL), 0);
	}
	verify_set_seal(set);
	return set;
}

/* The set in the file: its size says which one it is, and the time that goes
 * with it. */
static size_t
load(void)
{
	struct fail why = { 0 };
	int64_t true_s = 0;
	struct verify_set *set =
	    verify_last_good_load(path_of(), &true_s, &why);
	size_t count;

	if (set == NULL)
		fail_msg("no set: %s", why.text);
	count = verify_set_count(set);
	check_int(true_s, (int64_t)count);
	verify_set_drop(set);
	return count;
}

static void
save(const struct verify_set *set)
{
	struct fail why = { 0 };

	if (verify_last_good_save(
		path_of(), set, (int64_t)verify_set_count(set), &why) == -1)
		fail_msg("%s", why.text);
}

static unsigned
files(void)
{
	DIR *dir = opendir(engine_dir());
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 2; /* . and .. */
}

/* Writes one set and the other until it is killed, and tells each time. */
static void
write_for_ever(int told)
{
	struct verify_set *sets[2] = { set_of(MANY), set_of(MORE) };

	for (unsigned i = 0;; i++) {
		if (write(told, "", 1) != 1)
			_exit(1);
		if (verify_last_good_save(path_of(), sets[i % 2],
			(int64_t)verify_set_count(sets[i % 2]), NULL) == -1)
			_exit(2);
	}
}

static void
last_good_survives_kill(void **state)
{
	unsigned seen[2] = { 0 };

	(void)state;
	check(engine_dir()[0] != '\0'); /* one for all processes */
	for (unsigned i = 0; i < KILLS; i++) {
		int told[2], status;
		char byte;
		pid_t pid;

		check_int(pipe(told), 0);
		pid = fork();
		check(pid != -1);
		if (pid == 0)
			write_for_ever(told[1]);
		close(told[1]);
		/* in the middle of one of the first files */
		for (unsigned n = 0; n < 2 + i % 3; n++)
			check_int(read(told[0], &byte, 1), 1);
		usleep(i * 37 % 1000);
		check_int(kill(pid, SIGKILL), 0);
		check_int(waitpid(pid, &status, 0), pid);
		check(WIFSIGNALED(status));
		close(told[0]);
		switch (load()) {
		case MANY:
			seen[0]++;
			break;
		case MORE:
			seen[1]++;
			break;
		default:
			fail_msg("neither set");
		}
	}
	check_int(seen[0] + seen[1], KILLS);
}

/* A file that may not grow: what a full disk does, but for the errno. */
static void
last_good_keeps_the_old_set_without_room(void **state)
{
	struct rlimit before, small;
	struct verify_set *old = set_of(MANY), *now = set_of(MORE);
	struct fail why = { 0 };
	unsigned count;

	(void)state;
	save(old);
	count = files();
	check_int(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 65536;
	signal(SIGXFSZ, SIG_IGN);
	check_int(setrlimit(RLIMIT_FSIZE, &small), 0);
	check_int(verify_last_good_save(path_of(), now, MORE, &why), -1);
	check_int(setrlimit(RLIMIT_FSIZE, &before), 0);
	check(strstr(why.text, "ile too large") != NULL);
	check_int(load(), MANY);
	check_int(files(), count); /* what was begun is gone */
	save(now);
	check_int(load(), MORE);
	verify_set_drop(old);
	verify_set_drop(now);
}

static void
last_good_is_for_its_owner(void **state)
{
	struct verify_set *set = set_of(3);
	struct stat st;

	(void)state;
	unlink(path_of());
	umask(0);
	save(set);
	check_int(stat(path_of(), &st), 0);
	check_int(st.st_mode & 0777, 0600);
	check_int(load(), 3);
	verify_set_drop(set);
}

/* A file that breaks off anywhere is not used, in part or whole. */
static void
last_good_that_breaks_off_is_not_used(void **state)
{
	static char text[65536];
	struct verify_set *set = set_of(20), *again;
	FILE *f;
	size_t n;

	(void)state;
	save(set);
	f = fopen(path_of(), "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof text, f);
	fclose(f);
	/* of the last line only the name may be short */
	for (size_t i = 0; i + strlen(" node\n") < n; i++) {
		struct fail why = { 0 };
		int64_t true_s;

		if (verify_last_good_parse(slice_of(text, i), &true_s, &why) !=
		    NULL)
			fail_msg("the first %zu of %zu bytes are used", i, n);
	}
	again =
	    verify_last_good_parse(slice_of(text, n), &(int64_t){ 0 }, NULL);
	assert_non_null(again);
	check_int(verify_set_count(again), 20);
	verify_set_drop(again);
	verify_set_drop(set);
}

static int
end(void **state)
{
	DIR *dir = opendir(engine_dir());
	struct dirent *one;
	char path[512];

	(void)state;
	while (dir != NULL && (one = readdir(dir)) != NULL) {
		snprintf(path, sizeof path, "%s/%s", engine_dir(), one->d_name);
		unlink(path);
	}
	closedir(dir);
	return rmdir(engine_dir());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_good_survives_kill),
		cmocka_unit_test(last_good_keeps_the_old_set_without_room),
		cmocka_unit_test(last_good_is_for_its_owner),
		cmocka_unit_test(last_good_that_breaks_off_is_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
