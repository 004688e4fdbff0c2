/* Unit tests of verify/engine/verify_file, through the engine: a list that
 * changes under it in every way that editors, scripts and accidents have. */
#include "unit/verify/engine.h"

#include <sys/resource.h>
#include <sys/stat.h>

#define LOOK_MS 50

static const char *
list_path(void)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/nodes", engine_dir());
	return path;
}

/* Writes the keys first..first+count-1 to the path, in place. */
static void
write_keys(const char *path, unsigned first, unsigned count)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (unsigned n = first; n < first + count; n++)
		fprintf(f, "%s node-%u\n", engine_key_text(n), n);
	check_int(fclose(f), 0);
}

static void
write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	check_int(fclose(f), 0);
}

/* The same by a new file that takes the name. */
static void
replace_keys(unsigned first, unsigned count)
{
	char path[160];

	snprintf(path, sizeof path, "%s.new", list_path());
	write_keys(path, first, count);
	check_int(rename(path, list_path()), 0);
}

static struct verify *
new_engine(struct engine_notices *notices)
{
	struct verify_config config = {
		.context.notice = engine_notice,
		.context.notice_ctx = notices,
		.context.wall_s = engine_wall_s,
		.context.refresh_ms = LOOK_MS,
	};

	engine_add(&config, "nodes", list_path());
	return engine_new(&config);
}

static uint64_t
listed(struct verify *v)
{
	struct verify_counters counters;

	verify_get_counters(v, &counters);
	return counters.nodes_listed;
}

static void
file_answers_at_once(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	const struct derp_key known = engine_key(2), unknown = engine_key(99);
	struct verify_answer answer;
	struct verify_counters counters;
	struct verify *v;
	char want[VERIFY_REASON_MAX];

	(void)state;
	write_keys(list_path(), 1, 3);
	v = new_engine(&notices);
	check(verify_ask(v, &known, NULL, &answer, NULL, NULL));
	check_int(answer.verdict, VERIFY_ALLOW);
	snprintf(want, sizeof want, "node-2 in node list %s", list_path());
	check_text(answer.reason, want);
	check(verify_ask(v, &unknown, NULL, &answer, NULL, NULL));
	check_int(answer.verdict, VERIFY_DENY);
	snprintf(want, sizeof want,
	    "peer %s not authorized (not in node list %s)", engine_key_text(99),
	    list_path());
	check_text(answer.reason, want);
	verify_get_counters(v, &counters);
	check_size(counters.asked, 2);
	check_size(counters.allowed, 1);
	check_size(counters.denied, 1);
	check_size(counters.nodes_listed, 3);
	verify_free(v);
}

static void
file_is_read_again_when_replaced(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify *v;

	(void)state;
	write_keys(list_path(), 1, 3);
	v = new_engine(&notices);
	check_int(engine_check(v, 4).verdict, VERIFY_DENY);
	replace_keys(2, 3);
	engine_await_notice(&notices, "reloaded: 3 keys (was 3)\n");
	check_int(engine_check(v, 4).verdict, VERIFY_ALLOW);
	check_int(engine_check(v, 1).verdict, VERIFY_DENY);
	verify_free(v);
}

static void
file_is_read_again_when_written(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify *v;

	(void)state;
	write_keys(list_path(), 1, 3);
	v = new_engine(&notices);
	write_keys(list_path(), 1, 5);
	engine_await_notice(&notices, "reloaded: 5 keys (was 3)\n");
	check_int(engine_check(v, 5).verdict, VERIFY_ALLOW);
	/* the same size and another key: the time tells */
	write_keys(list_path(), 2, 5);
	engine_await_notice(&notices, "reloaded: 5 keys (was 5)\n");
	check_int(engine_check(v, 1).verdict, VERIFY_DENY);
	verify_free(v);
}

static void
file_is_read_at_once_when_asked(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify *v;

	(void)state;
	write_keys(list_path(), 1, 3);
	v = new_engine(&notices);
	/* unchanged, and read all the same */
	verify_reload(v);
	engine_await_notice(&notices, "reloaded: 3 keys (was 3)\n");
	verify_free(v);
}

static void
file_that_turns_bad_leaves_the_last_good_list(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify *v;
	char want[256];

	(void)state;
	write_keys(list_path(), 1, 3);
	v = new_engine(&notices);

	write_text(list_path(), "# fine\nnodekey:12\n");
	snprintf(want, sizeof want,
	    "node list is bad, keeping the 3 keys of the last good one: "
	    "%s:2: \"nodekey:12\" is not a valid node key",
	    list_path());
	engine_await_notice(&notices, want);
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);

	check_int(unlink(list_path()), 0);
	engine_await_notice(&notices, "cannot open: No such file");
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);

	write_text(list_path(), "");
	engine_await_notice(
	    &notices, "is empty now; keeping the 3 keys of the last good list");
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	check_size(listed(v), 3);

	check_int(unlink(list_path()), 0);
	check_int(mkdir(list_path(), 0700), 0);
	engine_await_notice(&notices, "is not a regular file");
	check_int(rmdir(list_path()), 0);

	write_keys(list_path(), 2, 3);
	engine_await_notice(&notices, "reloaded: 3 keys (was 3)\n");
	check_int(engine_check(v, 1).verdict, VERIFY_DENY);
	verify_free(v);
}

/* A key that is removed while descriptors are short is gone as soon as they are
 * not. */
static void
file_is_read_again_after_a_shortage(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct rlimit before, few;
	struct verify *v;
	char path[160];
	int taken[1024];
	int n = 0;

	(void)state;
	write_keys(list_path(), 1, 3);
	v = new_engine(&notices);
	snprintf(path, sizeof path, "%s.new", list_path());
	write_keys(path, 2, 2);
	check_int(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 200;
	check_int(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (n < 1024 && (taken[n] = dup(0)) != -1)
		n++;
	check(n < 1024); /* they are used up */
	check_int(rename(path, list_path()), 0);
	engine_await_notice(&notices, "oo many open files");
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	while (n > 0)
		close(taken[--n]);
	check_int(setrlimit(RLIMIT_NOFILE, &before), 0);
	engine_await_notice(&notices, "2 keys (was 3)\n");
	check_int(engine_check(v, 1).verdict, VERIFY_DENY);
	verify_free(v);
}

static void
file_says_a_bad_list_once(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify *v;

	(void)state;
	write_keys(list_path(), 1, 3);
	v = new_engine(&notices);
	for (int gone = 0; gone <= 1; gone++) {
		if (gone)
			check_int(unlink(list_path()), 0);
		else
			write_text(list_path(), "bad\n");
		engine_await_notice(&notices, "is bad");
		usleep(6 * LOOK_MS * 1000); /* some more looks */
		pthread_mutex_lock(&notices.lock);
		check_text(notices.text, "");
		pthread_mutex_unlock(&notices.lock);
	}
	verify_free(v);
}

static void
file_says_when_it_shrank(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify *v;

	(void)state;
	write_keys(list_path(), 1, 9);
	v = new_engine(&notices);
	replace_keys(1, 3);
	engine_await_notice(&notices,
	    "reloaded: 3 keys (was 9); less than half of them are left\n");
	check_int(engine_check(v, 9).verdict, VERIFY_DENY);
	verify_free(v);
}

static void
file_members_expire_by_the_clock(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify_answer answer;
	struct verify *v;
	char text[512];

	(void)state;
	snprintf(text, sizeof text,
	    "[{\"node_key\":\"%s\",\"name\":\"b\",\"expiry\":{\"seconds\":"
	    "5000}}]",
	    engine_key_text(1));
	write_text(list_path(), text);
	v = new_engine(&notices);
	engine_s = 4999;
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	engine_s = 5000;
	answer = engine_check(v, 1);
	check_int(answer.verdict, VERIFY_DENY);
	check_contains(answer.reason,
	    "not authorized (b expired 1970-01-01T01:23:20Z in node list ");
	verify_free(v);
}

static void
file_must_be_good_at_start(void **state)
{
	struct verify_config config = { 0 };
	struct fail why = { 0 };
	char want[256];

	(void)state;
	engine_add(&config, "nodes", list_path());
	unlink(list_path());
	check_null(verify_new(&config, &why));
	snprintf(want, sizeof want,
	    "%s: cannot open: No such file or directory", list_path());
	check_text(why.text, want);
	write_text(list_path(), "\n\nmkey:1\n");
	why = (struct fail){ 0 };
	check_null(verify_new(&config, &why));
	snprintf(want, sizeof want, "%s:3: \"mkey:1\" is not a valid node key",
	    list_path());
	check_contains(why.text, want);
	check_int(why.line, 3);
}

/* Who empties the list and says so revokes the last key, too. */
static void
file_that_is_emptied_is_believed_when_told(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify *v;

	(void)state;
	write_keys(list_path(), 1, 3);
	v = new_engine(&notices);
	replace_keys(1, 0);
	engine_await_notice(&notices, "keeping the 3 keys");
	/* it is said once, however often it is looked at */
	usleep(LOOK_MS * 1000 * 20);
	check_text(notices.text, "");
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	verify_reload(v);
	engine_await_notice(&notices, "reloaded: 0 keys (was 3)");
	check_int(engine_check(v, 1).verdict, VERIFY_DENY);
	verify_free(v);
}

static void
file_that_is_emptied_is_believed_when_allowed(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify_config config = {
		.context.notice = engine_notice,
		.context.notice_ctx = &notices,
		.context.refresh_ms = LOOK_MS,
		.context.allow_empty = true,
	};
	struct verify *v;

	(void)state;
	write_keys(list_path(), 1, 3);
	engine_add(&config, "nodes", list_path());
	v = engine_new(&config);
	replace_keys(1, 0);
	engine_await_notice(&notices, "reloaded: 0 keys (was 3)");
	check_int(engine_check(v, 1).verdict, VERIFY_DENY);
	verify_free(v);
}

static void
file_may_be_empty_at_start(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify *v;

	(void)state;
	write_text(list_path(), "null\n");
	v = new_engine(&notices);
	engine_await_notice(&notices, "is empty: it admits nobody");
	check_int(engine_check(v, 1).verdict, VERIFY_DENY);
	write_keys(list_path(), 1, 1);
	engine_await_notice(&notices, "reloaded: 1 keys (was 0)\n");
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	verify_free(v);
}

static int
end(void **state)
{
	(void)state;
	return engine_remove((const char *const[]){ "nodes", NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_answers_at_once),
		cmocka_unit_test(file_is_read_again_when_replaced),
		cmocka_unit_test(file_is_read_again_when_written),
		cmocka_unit_test(file_is_read_at_once_when_asked),
		cmocka_unit_test(file_that_turns_bad_leaves_the_last_good_list),
		cmocka_unit_test(file_is_read_again_after_a_shortage),
		cmocka_unit_test(file_says_a_bad_list_once),
		cmocka_unit_test(file_says_when_it_shrank),
		cmocka_unit_test(file_members_expire_by_the_clock),
		cmocka_unit_test(file_must_be_good_at_start),
		cmocka_unit_test(file_that_is_emptied_is_believed_when_told),
		cmocka_unit_test(file_that_is_emptied_is_believed_when_allowed),
		cmocka_unit_test(file_may_be_empty_at_start),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
