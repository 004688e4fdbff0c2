/* Unit tests of verify/engine: sources that list, push and answer as the test
 * wants, through the engine: what an outage means, second looks, who lists how
 * often, the last good set on disk, keys that are asked about again. */
#include "unit/verify/scripted.h"

static struct verify_member_stats
stats_of(struct verify *v)
{
	struct verify_member_stats stats;

	verify_member_stats(verify_get_sources(v)->list[0], &stats);
	return stats;
}

static void
await_fault(struct verify *v, enum verify_fault fault)
{
	const uint64_t until_ms = clock_now_ms() + ENGINE_WAIT_MS;

	while (stats_of(v).feed.fault != fault) {
		check(clock_now_ms() < until_ms);
		usleep(1000);
	}
}

/* Whether key 1, which was known, and key 9, which never was, get in. */
static const struct {
	const char *can;
	enum verify_outage outage;
	enum verify_listed listed;
	enum verify_fault fault;
	bool known, unknown;
} outages[] = {
	{ "l", VERIFY_OUTAGE_CLOSED, VERIFY_LIST_AWAY, VERIFY_FAULT_AWAY, 0,
	    0 },
	{ "l", VERIFY_OUTAGE_CLOSED, VERIFY_LIST_BAD, VERIFY_FAULT_BAD, 0, 0 },
	{ "l", VERIFY_OUTAGE_OPEN, VERIFY_LIST_AWAY, VERIFY_FAULT_AWAY, 1, 1 },
	{ "l", VERIFY_OUTAGE_OPEN, VERIFY_LIST_BAD, VERIFY_FAULT_BAD, 1, 0 },
	{ "l", VERIFY_OUTAGE_OPEN, VERIFY_LIST_OURS, VERIFY_FAULT_OURS, 1, 0 },
	{ "l", VERIFY_OUTAGE_LAST_GOOD, VERIFY_LIST_AWAY, VERIFY_FAULT_AWAY, 1,
	    0 },
	{ "l", VERIFY_OUTAGE_LAST_GOOD, VERIFY_LIST_BAD, VERIFY_FAULT_BAD, 1,
	    0 },
	{ "a", VERIFY_OUTAGE_CLOSED, 0, VERIFY_FAULT_AWAY, 0, 0 },
	{ "a", VERIFY_OUTAGE_OPEN, 0, VERIFY_FAULT_AWAY, 1, 1 },
	{ "a", VERIFY_OUTAGE_OPEN, 0, VERIFY_FAULT_BAD, 0, 0 },
	{ "a", VERIFY_OUTAGE_OPEN, 0, VERIFY_FAULT_OURS, 0, 0 },
	{ "a", VERIFY_OUTAGE_LAST_GOOD, 0, VERIFY_FAULT_AWAY, 1, 0 },
	{ "a", VERIFY_OUTAGE_LAST_GOOD, 0, VERIFY_FAULT_BAD, 1, 0 },
	{ "a", VERIFY_OUTAGE_LAST_GOOD, 0, VERIFY_FAULT_OURS, 0, 0 },
	{ "al", VERIFY_OUTAGE_CLOSED, VERIFY_LIST_AWAY, VERIFY_FAULT_AWAY, 0,
	    0 },
	{ "al", VERIFY_OUTAGE_LAST_GOOD, VERIFY_LIST_AWAY, VERIFY_FAULT_AWAY, 1,
	    0 },
	{ "al", VERIFY_OUTAGE_OPEN, VERIFY_LIST_AWAY, VERIFY_FAULT_AWAY, 1, 1 },
	{ "al", VERIFY_OUTAGE_OPEN, VERIFY_LIST_BAD, VERIFY_FAULT_BAD, 1, 0 },
};

static void
member_admits_in_an_outage_by_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof outages / sizeof outages[0]; i++) {
		struct verify_config config = { .cache_deny_ms = 1,
			.context.wall_s = engine_wall_s };
		struct verify *v;
		bool known, unknown;

		add(&config, outages[i].can)->outage = outages[i].outage;
		config.sources[0].outage_ms = 3600000;
		say(1, 3, VERIFY_LISTED, VERIFY_FAULT_NONE);
		v = new_ready(&config);
		check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
		say(1, 3, outages[i].listed, outages[i].fault);
		if (strchr(outages[i].can, 'l') != NULL) {
			verify_reload(v);
			await_fault(v, outages[i].fault);
		}
		known = engine_check(v, 1).verdict == VERIFY_ALLOW;
		unknown = engine_check(v, 9).verdict == VERIFY_ALLOW;
		if (known != outages[i].known || unknown != outages[i].unknown)
			fail_msg("row %zu (%s): known %d, unknown %d", i,
			    outages[i].can, known, unknown);
		/* it is back, and says another thing */
		say(2, 3, VERIFY_LISTED, VERIFY_FAULT_NONE);
		verify_reload(v);
		if (strchr(outages[i].can, 'l') != NULL)
			await_fault(v, VERIFY_FAULT_NONE);
		check_int(engine_check(v, 2).verdict, VERIFY_ALLOW);
		check_int(engine_check(v, 9).verdict, VERIFY_DENY);
		verify_free(v);
	}
}

/* The bound of a last known good is kept. */
static void
member_forgets_what_is_too_old(void **state)
{
	for (int lists = 0; lists <= 1; lists++) {
		struct verify_config config = { .context.wall_s = engine_wall_s,
			.context.now_ms = engine_now_ms };
		struct verify *v;

		(void)state;
		engine_ms = 100000;
		engine_s = 100000;
		add(&config, lists ? "l" : "a")->outage =
		    VERIFY_OUTAGE_LAST_GOOD;
		config.sources[0].outage_ms = 10000;
		say(1, 1, VERIFY_LISTED, VERIFY_FAULT_NONE);
		v = new_ready(&config);
		check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
		say(1, 1, VERIFY_LIST_AWAY, VERIFY_FAULT_AWAY);
		verify_reload(v);
		if (lists)
			await_fault(v, VERIFY_FAULT_AWAY);
		engine_ms += 9999;
		engine_s += 9;
		check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
		check_int(engine_check(v, 1).origin, VERIFY_FROM_LAST_GOOD);
		engine_ms += 2;
		engine_s += 1;
		check_int(engine_check(v, 1).verdict, VERIFY_UNKNOWN);
		verify_free(v);
	}
}

/* A denial ends what was good before. */
static void
member_forgets_a_key_that_is_denied(void **state)
{
	struct verify_config config = { .cache_deny_ms = 1 };
	struct verify *v;

	(void)state;
	add(&config, "a")->outage = VERIFY_OUTAGE_LAST_GOOD;
	say(1, 1, 0, VERIFY_FAULT_NONE);
	v = new_ready(&config);
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	say(2, 2, 0, VERIFY_FAULT_NONE);
	check_int(engine_check(v, 1).verdict, VERIFY_DENY);
	usleep(5000);
	say(2, 2, 0, VERIFY_FAULT_AWAY);
	check_int(engine_check(v, 1).verdict, VERIFY_UNKNOWN);
	verify_free(v);
}

/* While lists are held: the next one has those keys. */
static void
look(unsigned first, unsigned last)
{
	say(first, last, VERIFY_LISTED, VERIFY_FAULT_NONE);
	let_one_list();
}

static void
member_looks_twice_at_a_list_that_shrank(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify_config config = { .context.notice = engine_notice,
		.context.notice_ctx = &notices };
	struct verify *v;

	(void)state;
	add(&config, "l")->refresh_ms = 50;
	say(1, 100, VERIFY_LISTED, VERIFY_FAULT_NONE);
	v = new_ready(&config);
	hold_lists(); /* one look at a time */
	look(1, 10);
	engine_await_notice(&notices, "has 10 keys now; keeping the 100 keys");
	check_int(engine_check(v, 50).verdict, VERIFY_ALLOW);
	look(1, 10);
	engine_await_notice(&notices, "reloaded: 10 keys (was 100)");
	let_all_lists(); /* one that is not in it may need another look */
	check_int(engine_check(v, 50).verdict, VERIFY_DENY);
	hold_lists();
	/* empty: the same */
	look(1, 0);
	engine_await_notice(&notices, "is empty now; keeping the 10 keys");
	check_int(engine_check(v, 5).verdict, VERIFY_ALLOW);
	look(1, 0);
	engine_await_notice(&notices, "reloaded: 0 keys (was 10)");
	/* another look that does not agree is a first one again */
	look(1, 100);
	engine_await_notice(&notices, "reloaded: 100 keys");
	look(1, 0);
	engine_await_notice(&notices, "is empty now");
	look(1, 100);
	engine_await_notice(&notices, "reloaded: 100 keys (was 100)");
	check_int(engine_check(v, 50).verdict, VERIFY_ALLOW);
	let_all_lists();
	verify_free(v);
}

#define CROWD 10000
#define UNKNOWN 100

/* All come back at once: those that are listed wait for nobody, and each of the
 * others costs one question. */
static void
member_asks_once_for_each_of_many(void **state)
{
	struct engine_answers answers = ENGINE_ANSWERS;
	struct verify_config config = { .cache_deny_ms = 100000 };
	unsigned now = 0, later = 0;
	struct verify *v;

	(void)state;
	add(&config, "al");
	say(1, CROWD, VERIFY_LISTED, VERIFY_FAULT_NONE);
	v = new_ready(&config);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned n = 1; n <= CROWD + UNKNOWN; n++) {
			const struct derp_key key = engine_key(n);
			struct verify_answer answer = { 0 };

			if (verify_ask(
				v, &key, NULL, &answer, engine_done, &answers))
				now++;
			else
				later++;
			if (n <= CROWD)
				check_int(answer.verdict, VERIFY_ALLOW);
		}
	engine_await(&answers, later);
	check_int(now + later, 3 * (CROWD + UNKNOWN));
	check(now >= 3 * CROWD);
	check_int(script.asks, UNKNOWN);
	check_int(script.lists, 1);
	verify_free(v);
}

/* The same where a source can only list: one list for all of them, and while it
 * runs nobody who is known waits. */
static void
member_lists_once_for_many(void **state)
{
	struct engine_answers answers = ENGINE_ANSWERS;
	struct verify_config config = { .context.now_ms = engine_now_ms };
	struct verify_answer answer = { 0 };
	struct derp_key key;
	unsigned later = 0;
	struct verify *v;

	(void)state;
	add(&config, "l");
	say(1, 10, VERIFY_LISTED, VERIFY_FAULT_NONE);
	v = new_ready(&config);
	engine_ms += 3000; /* the first list answers questions no more */
	say(1, 11, VERIFY_LISTED, VERIFY_FAULT_NONE);
	hold_lists();
	script.lists = 0;
	for (unsigned n = 11; n < 1011; n++) {
		key = engine_key(n);
		later +=
		    !verify_ask(v, &key, NULL, &answer, engine_done, &answers);
	}
	check_int(later, 1000);
	key = engine_key(1);
	check(verify_ask(v, &key, NULL, &answer, engine_done, &answers));
	check_int(answer.verdict, VERIFY_ALLOW);
	let_all_lists();
	engine_await(&answers, later);
	/* nor one for those who come a moment later */
	for (unsigned n = 2000; n < 2100; n++)
		check_int(engine_check(v, n).verdict, VERIFY_DENY);
	check_int(script.lists, 1);
	check_int(answers.allowed, 1); /* who has registered meanwhile */
	verify_free(v);
}

/* Asks about so many keys without waiting. */
static void
ask_many(struct verify *v, unsigned first, unsigned count,
    struct engine_answers *answers)
{
	for (unsigned n = first; n < first + count; n++) {
		const struct derp_key key = engine_key(n);
		struct verify_answer answer;

		check(
		    !verify_ask(v, &key, NULL, &answer, engine_done, answers));
	}
}

/* Who does not answer is asked once a second, but not where that would admit
 * everybody for longer than the outage. */
static void
member_spares_who_does_not_answer(void **state)
{
	for (int open = 0; open <= 1; open++) {
		struct engine_answers answers = ENGINE_ANSWERS;
		struct verify_config config = { .context.now_ms =
						    engine_now_ms };
		struct verify *v;

		(void)state;
		add(&config, "a")->outage =
		    open ? VERIFY_OUTAGE_OPEN : VERIFY_OUTAGE_CLOSED;
		say(1, 1, 0, VERIFY_FAULT_AWAY);
		v = new_ready(&config);
		for (unsigned n = 0; n < 5; n++)
			engine_check(v, 100 + n);
		ask_many(v, 110, 15, &answers);
		engine_await(&answers, 15);
		check_int(script.asks, open ? 20 : 5);
		check_int(stats_of(v).spared == 0, open);
		check_int(answers.allowed, open ? 15 : 0);
		engine_ms += 1300;
		say(1, 1, 0, VERIFY_FAULT_NONE);
		check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
		check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
		verify_free(v);
	}
}

/* An engine whose source did not answer, and is spared from here on. */
static struct verify *
new_spared(void)
{
	struct verify_config config = { .context.now_ms = engine_now_ms };
	struct verify *v;

	add(&config, "a")->outage = VERIFY_OUTAGE_CLOSED;
	say(1, 200, 0, VERIFY_FAULT_AWAY);
	v = new_ready(&config);
	for (unsigned n = 0; n < 5; n++)
		engine_check(v, 1000 + n);
	return v;
}

static void
await_spared(struct verify *v)
{
	const uint64_t until_ms = clock_now_ms() + ENGINE_WAIT_MS;

	while (stats_of(v).spared == 0) {
		check(clock_now_ms() < until_ms);
		usleep(1000);
	}
}

/* Less than who waits for a spared source waits, by real time. */
#define PATIENCE_MS 1000

/* Whoever comes while a source is spared is not refused for the end of its
 * outage: all are asked about as soon as it answers one. */
static void
member_asks_for_those_that_wait_when_the_source_is_back(void **state)
{
	uint64_t began_ms, took_ms;

	(void)state;
	do {
		struct engine_answers answers = ENGINE_ANSWERS;
		struct verify *v = new_spared();

		say(1, 200, 0, VERIFY_FAULT_NONE); /* nobody has noticed yet */
		began_ms = clock_now_ms();
		ask_many(v, 1, 200, &answers);
		await_spared(v);
		engine_ms += 1300;
		took_ms = clock_now_ms() - began_ms;
		engine_await(&answers, 200);
		if (took_ms < PATIENCE_MS) { /* or they gave up before */
			check_int(answers.allowed, 200);
			check_int(script.asks, 205);
		}
		verify_free(v);
	} while (took_ms >= PATIENCE_MS);
}

/* A source that answers once and is away again: who waits for it is asked about
 * once more for that one answer, and not again and again. */
static void
member_asks_nobody_in_a_circle(void **state)
{
	struct engine_answers answers = ENGINE_ANSWERS;
	struct verify *v = new_spared();

	(void)state;
	say(1, 200, 0, VERIFY_FAULT_NONE);
	script.once = true;
	ask_many(v, 1, 200, &answers);
	await_spared(v);
	engine_ms += 1300;
	engine_await(&answers, 200);
	/* at first, after the answer, and one at each tick */
	check(stats_of(v).spared <= 3 * 200);
	verify_free(v);
}

/* Nor does anybody wait for it when the engine ends. */
static void
member_answers_those_that_wait_for_a_spared_source_at_the_end(void **state)
{
	struct engine_answers answers = ENGINE_ANSWERS;
	struct verify *v = new_spared();

	(void)state;
	ask_many(v, 1, 50, &answers);
	verify_free(v);
	check_int(answers.count, 50);
	check_int(answers.allowed, 0);
}

/* A relay that starts while its source is away knows its members. */
static void
member_knows_its_last_good_set_after_a_restart(void **state)
{
	for (int lists = 0; lists <= 1; lists++) {
		struct verify_config config = { .context.last_good =
						    engine_dir() };
		struct verify *v;

		(void)state;
		add(&config, lists ? "l" : "a")->outage =
		    VERIFY_OUTAGE_LAST_GOOD;
		config.sources[0].outage_ms = 3600000;
		say(1, 3, VERIFY_LISTED, VERIFY_FAULT_NONE);
		v = new_ready(&config);
		check_int(engine_check(v, 2).verdict, VERIFY_ALLOW);
		verify_free(v);
		say(1, 3, VERIFY_LIST_AWAY, VERIFY_FAULT_AWAY);
		v = new_ready(&config);
		check_int(engine_check(v, 2).verdict, VERIFY_ALLOW);
		check_int(engine_check(v, 2).origin, VERIFY_FROM_LAST_GOOD);
		check(engine_check(v, 9).verdict != VERIFY_ALLOW);
		verify_free(v);
		/* nor does the second run forget them */
		v = new_ready(&config);
		check_int(engine_check(v, 2).verdict, VERIFY_ALLOW);
		verify_free(v);
	}
}

/* What was true later than now may be of any age. */
static void
member_does_not_count_on_a_clock_set_back(void **state)
{
	for (int lists = 0; lists <= 1; lists++) {
		struct verify_config config = { .context.last_good =
						    engine_dir(),
			.context.wall_s = engine_wall_s };
		struct verify *v;

		(void)state;
		engine_s = 200000;
		add(&config, lists ? "l" : "a")->outage =
		    VERIFY_OUTAGE_LAST_GOOD;
		config.sources[0].outage_ms = 3600000;
		say(1, 3, VERIFY_LISTED, VERIFY_FAULT_NONE);
		v = new_ready(&config);
		check_int(engine_check(v, 2).verdict, VERIFY_ALLOW);
		verify_free(v);
		say(1, 3, VERIFY_LIST_AWAY, VERIFY_FAULT_AWAY);
		engine_s -= 100;
		v = new_ready(&config);
		check_int(engine_check(v, 2).verdict, VERIFY_UNKNOWN);
		verify_free(v);
	}
}

/* Connections of the only connected key, 1. */
static _Atomic unsigned disconnected;

static bool
is_connected(void *ctx, const struct derp_key *key)
{
	(void)ctx;
	return bytes_get_u32(key->b + 28) == 1 && disconnected == 0;
}

static int
revoked(
    void *ctx, const struct derp_key *key, const char *name, const char *reason)
{
	(void)ctx;
	(void)key;
	(void)name;
	check_contains(reason, "asked");
	disconnected++;
	return 0;
}

static void
member_asks_again_about_who_is_connected(void **state)
{
	struct verify_config config = { .watch = { is_connected, revoked, NULL,
					    NULL } };
	const uint64_t until_ms = clock_now_ms() + ENGINE_WAIT_MS;
	struct verify *v;
	uint64_t epoch;

	(void)state;
	add(&config, "a")->recheck_ms = 20;
	say(1, 1, 0, VERIFY_FAULT_NONE);
	v = new_ready(&config);
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	epoch = verify_epoch(v);
	/* an outage disconnects nobody */
	say(1, 1, 0, VERIFY_FAULT_BAD);
	usleep(200000);
	check_int(disconnected, 0);
	say(2, 2, 0, VERIFY_FAULT_NONE);
	while (disconnected == 0) {
		check(clock_now_ms() < until_ms);
		usleep(2000);
	}
	check(verify_epoch(v) != epoch);
	verify_free(v);
}

/* A deny list beats every source that allows, at once and for those who are
 * connected. */
static void
member_that_denies_beats_all(void **state)
{
	for (int any = 0; any <= 1; any++) {
		struct verify_config config = {
			.policy = any ? VERIFY_POLICY_ANY : VERIFY_POLICY_ALL,
			.watch = { is_connected, revoked, NULL, NULL }
		};
		struct verify_answer answer = { 0 };
		struct verify *v;

		(void)state;
		disconnected = 1;
		add(&config, "l")->role = VERIFY_ROLE_DENY;
		add(&config, "a");
		say(1, 1, VERIFY_LISTED, VERIFY_FAULT_NONE);
		v = new_ready(&config);
		answer = engine_check(v, 1);
		check_int(answer.verdict, VERIFY_DENY);
		check(answer.is_final);
		check_contains(answer.reason, "denied by scripted l");
		say(2, 2, VERIFY_LISTED, VERIFY_FAULT_NONE);
		verify_reload(v);
		while (engine_check(v, 2).verdict != VERIFY_DENY)
			usleep(1000);
		say(1, 1, VERIFY_LIST_AWAY, VERIFY_FAULT_NONE);
		check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
		verify_free(v);
	}
}

/* Also one that is named after a source whose set has the key. */
static void
member_that_denies_beats_a_set(void **state)
{
	struct verify_config config = { .policy = VERIFY_POLICY_ANY };
	struct verify *v;

	(void)state;
	add(&config, "l");
	add(&config, "l")->role = VERIFY_ROLE_DENY;
	say(1, 1, VERIFY_LISTED, VERIFY_FAULT_NONE);
	v = new_ready(&config);
	check_int(engine_check(v, 1).verdict, VERIFY_DENY);
	verify_free(v);
}

static int
end(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", engine_dir());
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(member_admits_in_an_outage_by_policy),
		cmocka_unit_test(member_forgets_what_is_too_old),
		cmocka_unit_test(member_forgets_a_key_that_is_denied),
		cmocka_unit_test(member_looks_twice_at_a_list_that_shrank),
		cmocka_unit_test(member_asks_once_for_each_of_many),
		cmocka_unit_test(member_lists_once_for_many),
		cmocka_unit_test(member_spares_who_does_not_answer),
		cmocka_unit_test(
		    member_asks_for_those_that_wait_when_the_source_is_back),
		cmocka_unit_test(member_asks_nobody_in_a_circle),
		cmocka_unit_test(
		    member_answers_those_that_wait_for_a_spared_source_at_the_end),
		cmocka_unit_test(
		    member_knows_its_last_good_set_after_a_restart),
		cmocka_unit_test(member_does_not_count_on_a_clock_set_back),
		cmocka_unit_test(member_asks_again_about_who_is_connected),
		cmocka_unit_test(member_that_denies_beats_all),
		cmocka_unit_test(member_that_denies_beats_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
