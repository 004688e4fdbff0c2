/* Unit tests of verify/engine/verify_current: another engine takes over while
 * questions are asked. */
#include "unit/verify/scripted.h"

#include "verify_config_file.h"

#define ASKERS 4
#define SWAPS 12

/* Whoever holds connections: keys 1..CONNECTED, until they are disconnected. */
#define CONNECTED 300
static atomic_bool gone[CONNECTED + 1];
static _Atomic unsigned disconnected;

static bool
is_connected(void *ctx, const struct derp_key *key)
{
	const unsigned n = bytes_get_u32(key->b + 28);

	(void)ctx;
	return n >= 1 && n <= CONNECTED && !gone[n];
}

static int
revoked(
    void *ctx, const struct derp_key *key, const char *name, const char *reason)
{
	(void)ctx, (void)name, (void)reason;
	if (!atomic_exchange(&gone[bytes_get_u32(key->b + 28)], true))
		disconnected++;
	return 0;
}

static int
connected(void *ctx, struct derp_key **keys, size_t *count)
{
	(void)ctx;
	*count = 0;
	*keys = calloc(CONNECTED, sizeof **keys);
	assert_non_null(*keys);
	for (unsigned n = 1; n <= CONNECTED; n++)
		if (!gone[n])
			(*keys)[(*count)++] = engine_key(n);
	return 0;
}

static void
all_are_connected(void)
{
	disconnected = 0;
	for (unsigned n = 1; n <= CONNECTED; n++)
		gone[n] = false;
}

static struct verify_config
config_of(const char *letters)
{
	struct verify_config config = {
		.watch = { is_connected, revoked, NULL, connected },
	};

	add(&config, letters)->outage = VERIFY_OUTAGE_CLOSED;
	return config;
}

static struct verify_current *
new_current(const struct verify_config *config)
{
	struct fail why = { 0 };
	struct verify_current *c = verify_current_new(config, &why);

	if (c == NULL)
		fail_msg("%s", why.text);
	return c;
}

static void
replace(struct verify_current *c, const struct verify_config *config)
{
	struct fail why = { 0 };

	if (verify_current_replace(c, config, &why) == -1)
		fail_msg("%s", why.text);
	while (!verify_current_tick(c))
		usleep(1000);
}

static void
await_disconnected(unsigned count)
{
	for (unsigned i = 0; i < 4000 && disconnected < count; i++)
		usleep(5000);
	check_int(disconnected, count);
}

/* ---- asking all the time */

struct asker {
	struct verify_current *c;
	struct engine_answers answers;
	pthread_t thread;
	unsigned asked, decided, allowed, cancelled;
	uint64_t epoch; /* of the last answer; it never goes back */
	atomic_bool *stop;
};

static bool
is_same(const void *ctx, const void *arg)
{
	return ctx == arg;
}

/* Or there are more of them than an engine takes. */
#define WAITING_MAX 500

static unsigned
waiting(struct asker *a)
{
	unsigned count;

	pthread_mutex_lock(&a->answers.lock);
	count = a->asked - a->decided - a->cancelled - a->answers.count;
	pthread_mutex_unlock(&a->answers.lock);
	return count;
}

static void *
ask_all_the_time(void *ctx)
{
	struct asker *a = ctx;

	while (!atomic_load(a->stop)) {
		while (waiting(a) >= WAITING_MAX)
			usleep(1000);
		const struct derp_key key = engine_key(a->asked++ % 1000 + 1);
		struct verify_answer answer = { 0 };
		const uint64_t before = verify_current_epoch(a->c);

		if (verify_current_ask(
			a->c, &key, NULL, &answer, engine_done, &a->answers)) {
			a->decided++;
			a->allowed += answer.verdict == VERIFY_ALLOW;
			check(answer.epoch >= before);
		} else if (a->asked % 7 == 0 &&
		    verify_current_cancel(
			a->c, &key, NULL, is_same, &a->answers) != NULL) {
			a->cancelled++;
		}
	}
	return NULL;
}

/* Each question has one answer, also of one that was asked before the change
 * and is answered after it. */
static void
current_loses_no_question_and_answers_none_twice(void **state)
{
	atomic_bool stop = false;
	static struct asker askers[ASKERS];
	struct verify_config config = config_of("a");
	struct verify_current *c;
	uint64_t asked = 0, answered = 0;

	(void)state;
	say(1, 1000, VERIFY_LISTED, VERIFY_FAULT_NONE);
	all_are_connected();
	c = new_current(&config);
	for (unsigned i = 0; i < ASKERS; i++) {
		askers[i] = (struct asker){
			.c = c, .answers = ENGINE_ANSWERS, .stop = &stop
		};
		pthread_create(
		    &askers[i].thread, NULL, ask_all_the_time, &askers[i]);
	}
	for (unsigned i = 0; i < SWAPS; i++) {
		config = config_of(i % 2 == 0 ? "la" : "a");
		replace(c, &config);
	}
	stop = true;
	for (unsigned i = 0; i < ASKERS; i++) {
		struct asker *a = &askers[i];

		pthread_join(a->thread, NULL);
		engine_await(&a->answers, a->asked - a->decided - a->cancelled);
		asked += a->asked;
		answered += a->decided + a->answers.count + a->cancelled;
		check_int(
		    a->allowed + a->answers.allowed + a->cancelled, a->asked);
	}
	verify_current_free(c); /* answers nothing any more */
	for (unsigned i = 0; i < ASKERS; i++)
		check_int(askers[i].decided + askers[i].answers.count +
			askers[i].cancelled,
		    askers[i].asked);
	check_size(answered, asked);
	check_int(disconnected, 0);
}

/* ---- who may stay */

/* Whoever the new set does not have is closed, and nobody else. */
static void
current_judges_who_is_connected_by_the_new_set(void **state)
{
	static const char *const kinds[] = { "l", "a", "la" };

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct verify_config config = config_of("a");
		struct verify_current *c;

		all_are_connected();
		say(1, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
		c = new_current(&config);
		say(101, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
		usleep(20000);
		check_int(disconnected, 0); /* by nobody before */
		config = config_of(kinds[i]);
		replace(c, &config);
		await_disconnected(100);
		for (unsigned n = 1; n <= CONNECTED; n++)
			check_int(gone[n], n <= 100);
		verify_current_free(c);
		check_int(disconnected, 100);
	}
}

/* A key about which no source can tell stays, and is asked about again. */
static void
current_asks_again_about_who_is_not_known(void **state)
{
	struct verify_config config = config_of("a");
	struct verify_current *c;

	(void)state;
	all_are_connected();
	say(1, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	c = new_current(&config);
	say(2, CONNECTED, 0, VERIFY_FAULT_BAD);
	script.asks = 0;
	replace(c, &config);
	while (script.asks < CONNECTED)
		usleep(1000);
	check_int(disconnected, 0);
	say(2, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	await_disconnected(1);
	check(gone[1]);
	verify_current_free(c);
}

/* ---- what goes on */

static unsigned
check_current(struct verify_current *c, unsigned n)
{
	struct engine_answers answers = ENGINE_ANSWERS;
	const struct derp_key key = engine_key(n);
	struct verify_answer answer;

	if (verify_current_ask(c, &key, NULL, &answer, engine_done, &answers))
		return answer.verdict;
	engine_await(&answers, 1);
	return answers.last.verdict;
}

static void
read_stats(void *ctx, struct verify *v)
{
	verify_member_stats(verify_get_sources(v)->list[0], ctx);
}

/* Counts of the engine and of a source that both configurations have; and the
 * list of such a source, which may be away when the other one takes over. */
static void
current_keeps_counts_and_lists(void **state)
{
	struct verify_config config = config_of("l");
	struct verify_counters counters;
	struct verify_member_stats stats;
	struct verify_current *c;

	(void)state;
	all_are_connected();
	config.sources[0].outage = VERIFY_OUTAGE_LAST_GOOD;
	say(1, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	c = new_current(&config);
	while (check_current(c, 7) != VERIFY_ALLOW)
		usleep(1000);
	verify_current_get_counters(c, &counters);
	verify_current_use(c, read_stats, &stats);
	say(1, CONNECTED, VERIFY_LIST_AWAY, VERIFY_FAULT_AWAY);
	for (unsigned i = 0; i < 3; i++) {
		struct verify_counters now;
		struct verify_member_stats of_source;

		replace(c, &config);
		check_int(check_current(c, 7), VERIFY_ALLOW);
		verify_current_get_counters(c, &now);
		verify_current_use(c, read_stats, &of_source);
		check(now.asked >= counters.asked + i + 1);
		check(now.allowed >= counters.allowed + i + 1);
		check_size(now.nodes_listed, CONNECTED);
		check(of_source.recalled >= stats.recalled + i + 1);
		check(of_source.feed.replaced >= stats.feed.replaced);
	}
	check_int(disconnected, 0);
	verify_current_free(c);
}

/* A key that was allowed, or denied, by the engine before while the one that is
 * to take over was waiting for its sources is so for that one, too. */
static void
current_knows_what_was_answered_before_it_took_over(void **state)
{
	struct verify_config config = config_of("a");
	struct verify_current *c;
	struct fail why = { 0 };

	(void)state;
	all_are_connected();
	config.sources[0].outage = VERIFY_OUTAGE_LAST_GOOD;
	say(1, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	c = new_current(&config);
	check_int(check_current(c, 1), VERIFY_ALLOW);
	check_int(verify_current_replace(c, &config, &why), 0);
	say(2, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	check_int(check_current(c, 1), VERIFY_DENY);
	check_int(check_current(c, 2), VERIFY_ALLOW);
	say(2, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_AWAY);
	while (!verify_current_tick(c))
		usleep(1000);
	check_int(check_current(c, 2), VERIFY_ALLOW);
	check_int(check_current(c, 1), VERIFY_UNKNOWN);
	verify_current_free(c);
}

/* What cannot be made changes nothing. */
static void
current_keeps_the_old_one_when_the_new_one_cannot_be_made(void **state)
{
	struct verify_config config = config_of("a"), bad = { 0 };
	struct fail why = { 0 };
	struct verify_current *c;

	(void)state;
	all_are_connected();
	say(1, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	c = new_current(&config);
	engine_add(&bad, "nodes", "/nonexistent/nodes");
	check_int(verify_current_replace(c, &bad, &why), -1);
	check(strstr(why.text, "/nonexistent/nodes") != NULL);
	check(!verify_current_tick(c));
	check_int(check_current(c, 1), VERIFY_ALLOW);
	check_int(check_current(c, CONNECTED + 1), VERIFY_DENY);
	check_int(disconnected, 0);
	verify_current_free(c);
}

/* ---- the file */

struct reads {
	const char *letters; /* NULL: the file is bad */
	uint8_t digest;
	unsigned count, told_bad;
};

static int
read_config(void *ctx, struct verify_config *config, struct fail *why)
{
	struct reads *r = ctx;

	r->count++;
	if (r->letters == NULL)
		return fail_set(why, "bad");
	*config = config_of(r->letters);
	config->digest[0] = r->digest;
	return 0;
}

static void
count_told(void *ctx, bool is_bad, const char *text)
{
	struct reads *r = ctx;

	(void)text;
	r->told_bad += is_bad;
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

/* What was written after it was read, and before the engine began; a text of
 * the same size and time; and a bad one after one that is still to take over.
 */
static void
config_file_misses_no_change(void **state)
{
	char path[] = "/tmp/config-file-XXXXXX";
	struct reads r = { .letters = "a" };
	const struct verify_config_file_events events = { read_config,
		count_told, &r };
	struct verify_config config = config_of("a");
	const int fd = mkstemp(path);
	struct verify_config_file f;

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
	takes_over(f.current);
	verify_config_file_poll(&f, true);
	check_int(r.count, 2);
	check(!takes_over(f.current)); /* the same text */
	r.digest = 1;
	r.letters = "l";
	say(1, CONNECTED, VERIFY_LIST_AWAY, VERIFY_FAULT_AWAY);
	verify_config_file_poll(&f, true);
	check_int(r.count, 3);
	r.letters = NULL;
	verify_config_file_poll(&f, true);
	check_int(r.told_bad, 1);
	say(1, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	check(!takes_over(f.current));
	verify_current_free(f.current);
	close(fd);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    current_loses_no_question_and_answers_none_twice),
		cmocka_unit_test(
		    current_judges_who_is_connected_by_the_new_set),
		cmocka_unit_test(current_asks_again_about_who_is_not_known),
		cmocka_unit_test(current_keeps_counts_and_lists),
		cmocka_unit_test(
		    current_knows_what_was_answered_before_it_took_over),
		cmocka_unit_test(
		    current_keeps_the_old_one_when_the_new_one_cannot_be_made),
		cmocka_unit_test(config_file_misses_no_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
