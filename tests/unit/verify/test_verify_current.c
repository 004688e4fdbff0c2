/* Unit tests of verify/engine/verify_current: another engine takes over while
 * questions are asked. */
#include "unit/verify/take_over.h"

#include "fake_alloc.h"

#define ASKERS 4
#define SWAPS 12

static void
await_disconnected(unsigned count)
{
	const uint64_t since_ms = clock_now_ms();

	while (disconnected < count)
		nap(since_ms);
	check_int(disconnected, count);
}

static void
await_asks(unsigned count)
{
	const uint64_t since_ms = clock_now_ms();

	while (script.asks < count)
		nap(since_ms);
}

/* ---- asking once, and the counts */

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

static void
read_second_stats(void *ctx, struct verify *v)
{
	verify_member_stats(verify_get_sources(v)->list[1], ctx);
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

/* Reads the counts all the time: none falls. */
struct counts_reader {
	struct verify_current *c;
	pthread_t thread;
	unsigned reads, fell;
	atomic_bool *stop;
};

static void
read_both(void *ctx, struct verify *v)
{
	struct verify_member_stats stats;
	uint64_t *counts = ctx; /* of the engine, and of its only source */
	struct verify_counters counters;

	verify_get_counters(v, &counters);
	verify_member_stats(verify_get_sources(v)->list[0], &stats);
	counts[0] = counters.asked;
	counts[1] = stats.recalled + stats.asked;
}

static void *
read_all_the_time(void *ctx)
{
	struct counts_reader *r = ctx;
	uint64_t before[2] = { 0 }, now[2];

	while (!atomic_load(r->stop)) {
		verify_current_use(r->c, read_both, now);
		r->fell += now[0] < before[0] || now[1] < before[1];
		before[0] = now[0];
		before[1] = now[1];
		r->reads++;
	}
	return NULL;
}

/* Whoever reads the counts takes a fall for a new start. */
static void
current_has_counts_that_never_fall(void **state)
{
	atomic_bool stop = false;
	static struct asker asker;
	struct counts_reader reader = { .stop = &stop };
	struct verify_config config = config_of("a");

	(void)state;
	say(1, 1000, VERIFY_LISTED, VERIFY_FAULT_NONE);
	all_are_connected();
	reader.c = new_current(&config);
	asker = (struct asker){
		.c = reader.c, .answers = ENGINE_ANSWERS, .stop = &stop
	};
	pthread_create(&asker.thread, NULL, ask_all_the_time, &asker);
	pthread_create(&reader.thread, NULL, read_all_the_time, &reader);
	for (unsigned i = 0; i < 5 * SWAPS; i++)
		replace(reader.c, &config);
	stop = true;
	pthread_join(asker.thread, NULL);
	pthread_join(reader.thread, NULL);
	verify_current_free(reader.c);
	check_int(reader.fell, 0);
	check(reader.reads > 0);
}

/* One who reads for long, and so keeps a change from its end. */
struct long_reader {
	struct verify_current *c;
	atomic_bool reads, may_end;
};

static void
read_for_long(void *ctx, struct verify *v)
{
	struct long_reader *r = ctx;

	(void)v;
	r->reads = true;
	while (!r->may_end)
		usleep(1000);
}

static void *
run_long_reader(void *ctx)
{
	struct long_reader *r = ctx;

	verify_current_use(r->c, read_for_long, r);
	return NULL;
}

static void *
run_change(void *ctx)
{
	await_take_over(ctx);
	return NULL;
}

struct short_reader {
	struct verify_current *c;
	struct verify_counters counters;
	atomic_bool has_read;
};

static void *
run_short_reader(void *ctx)
{
	struct short_reader *r = ctx;

	verify_current_get_counters(r->c, &r->counters);
	r->has_read = true;
	return NULL;
}

/* A worker that writes metrics then has its clients to serve. */
static void
current_is_read_without_waiting_for_a_change(void **state)
{
	struct verify_config config = config_of("a");
	static struct long_reader reader;
	static struct short_reader other;
	pthread_t threads[3];
	const uint64_t since_ms = clock_now_ms();
	struct fail why = { 0 };
	uint64_t epoch;

	(void)state;
	say(1, 1000, VERIFY_LISTED, VERIFY_FAULT_NONE);
	all_are_connected();
	reader.c = other.c = new_current(&config);
	check_int(check_current(reader.c, 1), VERIFY_ALLOW);
	epoch = verify_current_epoch(reader.c);
	check_int(verify_current_replace(reader.c, &config, &why), 0);
	pthread_create(&threads[0], NULL, run_long_reader, &reader);
	while (!reader.reads)
		nap(since_ms);
	pthread_create(&threads[1], NULL, run_change, reader.c);
	while (verify_current_epoch(reader.c) == epoch)
		nap(since_ms);
	pthread_create(&threads[2], NULL, run_short_reader, &other);
	while (!other.has_read)
		nap(since_ms);
	check_size(other.counters.asked, 1);
	check_size(other.counters.allowed, 1);
	reader.may_end = true;
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	verify_current_free(reader.c);
}

/* A source that is configured twice counts each for itself, before and after.
 */
static void
current_counts_equal_sources_apart(void **state)
{
	struct verify_config config = config_of("a");
	struct verify_current *c;

	(void)state;
	config.watch =
	    (struct verify_watch){ .revoked = NULL }; /* asks nothing itself */
	say(1, 1000, VERIFY_LISTED, VERIFY_FAULT_NONE);
	add(&config, "a")->outage = VERIFY_OUTAGE_CLOSED;
	c = new_current(&config);
	check_int(check_current(c, 1), VERIFY_ALLOW);
	for (unsigned i = 0; i < 2; i++) {
		struct verify_member_stats first, second;

		verify_current_use(c, read_stats, &first);
		verify_current_use(c, read_second_stats, &second);
		check_size(first.asked, 1);
		check_size(second.asked, 1);
		replace(c, &config);
	}
	verify_current_free(c);
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
	await_asks(CONNECTED);
	check_int(disconnected, 0);
	say(2, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	await_disconnected(1);
	check(gone[1]);
	verify_current_free(c);
}

/* A source that wants to know where a client is is told so of those who are
 * connected, too, although it never allowed them before. */
static void
current_asks_about_who_is_connected_with_the_address(void **state)
{
	struct verify_config config = config_of("l");
	struct verify_current *c;

	(void)state;
	all_are_connected();
	say(1, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	c = new_current(&config);
	script.asks = 0;
	config = config_of("ac");
	replace(c, &config);
	await_asks(CONNECTED);
	verify_current_free(c);
	check_int(disconnected, 0);
}

/* Who is not allowed any more goes also when there were no threads to ask about
 * them at first. */
static void
current_judges_later_when_memory_is_short(void **state)
{
	struct verify_config config = config_of("a");
	struct verify_current *c;
	struct fail why = { 0 };
	uint64_t since_ms;

	(void)state;
	all_are_connected();
	say(1, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	c = new_current(&config);
	say(101, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	check_int(verify_current_replace(c, &config, &why), 0);
	fake_alloc_fail_at(1);
	await_take_over(c);
	check(fake_alloc_failed());
	since_ms = clock_now_ms();
	while (disconnected < 100) {
		nap(since_ms);
		verify_current_tick(c);
	}
	verify_current_free(c);
	check_int(disconnected, 100);
}

/* ---- what goes on */

/* Until the list of its source has failed. */
static void
await_away(struct verify_current *c)
{
	const uint64_t since_ms = clock_now_ms();
	struct verify_member_stats stats;

	verify_current_reload(c);
	for (;;) {
		verify_current_use(c, read_stats, &stats);
		if (stats.feed.fault == VERIFY_FAULT_AWAY)
			return;
		nap(since_ms);
	}
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
	uint64_t since_ms;

	(void)state;
	all_are_connected();
	config.sources[0].outage = VERIFY_OUTAGE_LAST_GOOD;
	say(1, CONNECTED, VERIFY_LISTED, VERIFY_FAULT_NONE);
	c = new_current(&config);
	since_ms = clock_now_ms();
	while (check_current(c, 7) != VERIFY_ALLOW)
		nap(since_ms);
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
	await_take_over(c);
	check_int(check_current(c, 2), VERIFY_ALLOW);
	check_int(check_current(c, 1), VERIFY_UNKNOWN);
	verify_current_free(c);
}

/* A bound that comes, or becomes shorter, with a new configuration is for what
 * was true before it, too: what is asked, and what is listed. */
static void
current_keeps_a_new_bound_of_what_was_good(void **state)
{
	static const char *const kinds[] = { "a", "l" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct verify_config config = config_of(kinds[i]);
		struct verify_current *c;

		all_are_connected();
		engine_s = 100000;
		engine_ms = 100000;
		config.context.wall_s = engine_wall_s;
		config.context.now_ms = engine_now_ms;
		config.sources[0].outage = VERIFY_OUTAGE_LAST_GOOD;
		config.sources[0].outage_ms = i == 0 ? 0 : 3600000;
		say(1, 1, VERIFY_LISTED, VERIFY_FAULT_NONE);
		c = new_current(&config);
		check_int(check_current(c, 1), VERIFY_ALLOW);
		say(1, 1, VERIFY_LIST_AWAY, VERIFY_FAULT_AWAY);
		config.sources[0].outage_ms = 5000;
		replace(c, &config);
		check_int(check_current(c, 1), VERIFY_ALLOW);
		if (i == 1)
			await_away(c);
		engine_ms += 5001;
		engine_s += 5;
		check_int(check_current(c, 1), VERIFY_UNKNOWN);
		verify_current_free(c);
	}
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    current_loses_no_question_and_answers_none_twice),
		cmocka_unit_test(
		    current_judges_who_is_connected_by_the_new_set),
		cmocka_unit_test(current_has_counts_that_never_fall),
		cmocka_unit_test(current_is_read_without_waiting_for_a_change),
		cmocka_unit_test(current_counts_equal_sources_apart),
		cmocka_unit_test(current_asks_again_about_who_is_not_known),
		cmocka_unit_test(
		    current_asks_about_who_is_connected_with_the_address),
		cmocka_unit_test(current_judges_later_when_memory_is_short),
		cmocka_unit_test(current_keeps_counts_and_lists),
		cmocka_unit_test(
		    current_knows_what_was_answered_before_it_took_over),
		cmocka_unit_test(
		    current_keeps_the_old_one_when_the_new_one_cannot_be_made),
		cmocka_unit_test(current_keeps_a_new_bound_of_what_was_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
