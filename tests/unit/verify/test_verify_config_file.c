/* Unit tests of verify/engine/verify_config_file: a file that is kept in force.
 */
#include "unit/verify/take_over.h"

#include "verify_config_file.h"

struct reads {
	const char *letters; /* NULL: the file is bad */
	const char *bad;     /* for that reason */
	uint8_t digest;
	unsigned count, told_bad, told_in_force;
};

static int
read_config(void *ctx, struct verify_config *config, struct fail *why)
{
	struct reads *r = ctx;

	r->count++;
	if (r->letters == NULL)
		return fail_set(why, "%s", r->bad);
	*config = config_of(r->letters);
	config->digest[0] = r->digest;
	return 0;
}

static void
count_told(void *ctx, bool is_bad, const char *text)
{
	struct reads *r = ctx;

	r->told_bad += is_bad;
	r->told_in_force += strstr(text, " is in force") != NULL;
}

/* Whether another engine takes over, if it is let. */
static bool
takes_over(struct verify_current *c)
{
	bool took = false;

	for (unsigned i = 0; i < 50; i++, usleep(1000))
		took |= verify_current_tick(c);
	return took;
}

/* Until the first one has taken over that was read, and that a poll may have
 * let. */
static void
await_first(struct verify_config_file *f, const struct reads *r)
{
	const uint64_t since_ms = clock_now_ms();

	while (r->told_in_force == 0 && !verify_current_tick(f->current))
		nap(since_ms);
}

/* A poll lets the next engine take over, too, and the one that read the file
 * may be the one: what was told says it, whoever did it. */
static void
await_in_force(struct verify_config_file *f, const struct reads *r)
{
	const uint64_t since_ms = clock_now_ms();

	for (; r->told_in_force == 0; nap(since_ms))
		verify_config_file_poll(f, false);
}

/* What was written after it was read, and before the engine began; a text of
 * the same size and time; and a bad one after one that is still to take over.
 */
static void
config_file_misses_no_change(void **state)
{
	char path[] = "/tmp/config-file-XXXXXX";
	struct reads r = { .letters = "a", .bad = "bad" };
	const struct verify_config_file_events events = { read_config,
		count_told, &r };
	struct verify_config config = config_of("a");
	const int fd = mkstemp(path);
	struct verify_config_file f;
	unsigned told;

	(void)state;
	assert_true(fd != -1);
	all_are_connected();
	say(1, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	config.stamp = filestamp_of(path);
	check_int(write(fd, "x", 1), 1);
	verify_config_file_init(
	    &f, new_current(&config), path, &config, &events);
	verify_config_file_poll(&f, false);
	verify_config_file_poll(&f, false);
	check_int(r.count, 1);
	await_first(&f, &r);
	told = r.told_in_force;
	verify_config_file_poll(&f, true);
	check_int(r.count, 2);
	check(!takes_over(f.current)); /* the same text */
	r.digest = 1;
	r.letters = "l";
	hold_lists(); /* so that it is still to take over */
	verify_config_file_poll(&f, true);
	check_int(r.count, 3);
	r.letters = NULL;
	verify_config_file_poll(&f, true);
	check_int(r.told_bad, 1);
	let_all_lists();
	check(!takes_over(f.current));
	check_int(r.told_in_force, told); /* nor did a poll let it */
	verify_current_free(f.current);
	close(fd);
	unlink(path);
}

/* What was wrong for a while only is tried again, and told when it is something
 * else. */
static void
config_file_tries_a_bad_one_again(void **state)
{
	struct reads r = { .letters = NULL, .bad = "no list yet" };
	const struct verify_config_file_events events = { read_config,
		count_told, &r };
	struct verify_config config = config_of("a");
	struct verify_config_file f;

	(void)state;
	all_are_connected();
	say(1, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	config.stamp = filestamp_of("/dev/null");
	verify_config_file_init(
	    &f, new_current(&config), "/dev/null", &config, &events);
	verify_config_file_poll(&f, true);
	check_int(r.count, 1);
	for (unsigned i = 0; i < 2 * VERIFY_CONFIG_FILE_RETRY; i++)
		verify_config_file_poll(&f, false);
	check_int(r.count, 3);
	check_int(r.told_bad, 1);
	r.bad = "another thing";
	for (unsigned i = 0; i < VERIFY_CONFIG_FILE_RETRY; i++)
		verify_config_file_poll(&f, false);
	check_int(r.told_bad, 2);
	r.letters = "l";
	for (unsigned i = 0; i < VERIFY_CONFIG_FILE_RETRY; i++)
		verify_config_file_poll(&f, false);
	check_int(r.count, 5);
	await_in_force(&f, &r);
	for (unsigned i = 0; i < VERIFY_CONFIG_FILE_RETRY; i++)
		verify_config_file_poll(&f, false);
	check_int(r.count, 5);
	check_int(r.told_in_force, 1);
	verify_current_free(f.current);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_file_misses_no_change),
		cmocka_unit_test(config_file_tries_a_bad_one_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
