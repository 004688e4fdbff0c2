/* Unit tests of verify/engine/verify_lister, through the engine: who waits for
 * a list, and who may bring the next one forward. */
#include "unit/verify/scripted.h"

/* Whoever waits for a list when the engine ends is told, and what they wait at
 * is not freed under them. */
static void
lister_ends_while_keys_wait_for_a_list(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 5; round++) {
		struct engine_answers answers = ENGINE_ANSWERS;
		struct verify_config config = { .context.now_ms =
						    engine_now_ms };
		unsigned later = 0;
		struct verify *v;

		add(&config, "l");
		say(1, 10, VERIFY_LISTED, VERIFY_FAULT_NONE);
		v = new_ready(&config);
		engine_ms += 3000; /* the first list answers no more */
		script.slow_ms = 40;
		hold_lists();
		for (unsigned n = 11; n < 1011; n++) {
			const struct derp_key key = engine_key(n);
			struct verify_answer answer;

			later += !verify_ask(
			    v, &key, NULL, &answer, engine_done, &answers);
		}
		let_all_lists(); /* and it is slow */
		verify_free(v);
		script.slow_ms = 0;
		check_int(later, 1000);
		check_int(answers.count, 1000);
		check_int(answers.allowed, 0);
	}
}

/* Asks about keys that nobody knows, each when the last list is too old. */
static void
ask_about_unknown_keys(struct verify *v)
{
	for (unsigned n = 200; n < 205; n++) {
		engine_ms += 3000;
		check(engine_check(v, n).verdict != VERIFY_ALLOW);
	}
}

/* Or who asks settles a doubt, and who is away is asked at any rate. */
static void
lister_is_not_hurried_by_an_unknown_key(void **state)
{
	for (int away = 0; away <= 1; away++) {
		struct verify_config config = { .context.now_ms =
						    engine_now_ms };
		struct verify *v;

		(void)state;
		add(&config, "l");
		say(1, 100, VERIFY_LISTED, VERIFY_FAULT_NONE);
		v = new_ready(&config);
		say(1, 10, away ? VERIFY_LIST_AWAY : VERIFY_LISTED,
		    VERIFY_FAULT_NONE);
		script.again_ms = away ? 3600000 : 0;
		ask_about_unknown_keys(v);
		check_int(script.lists, 2); /* the first and one that failed */
		check_int(engine_check(v, 50).verdict,
		    away ? VERIFY_UNKNOWN : VERIFY_ALLOW);
		script.again_ms = 0;
		/* the operator does hurry it */
		say(1, 100, VERIFY_LISTED, VERIFY_FAULT_NONE);
		verify_reload(v);
		for (unsigned i = 0; i < 4000 && script.lists < 3; i++)
			usleep(5000);
		check_int(script.lists, 3);
		verify_free(v);
	}
}

/* A source that has been away for long is tried each half a minute, but soon
 * when it keeps somebody out. */
static void
lister_tries_soon_again_for_who_is_kept_out(void **state)
{
	struct verify_config config = { .context.now_ms = engine_now_ms };
	struct verify *v;
	unsigned lists;

	(void)state;
	add(&config, "l");
	say(1, 10, VERIFY_LISTED, VERIFY_FAULT_NONE);
	v = new_ready(&config);
	say(1, 20, VERIFY_LIST_AWAY, VERIFY_FAULT_NONE);
	for (unsigned i = 0; i < 8; i++) {
		lists = script.lists;
		verify_reload(v);
		while (script.lists == lists)
			usleep(1000);
	}
	say(1, 20, VERIFY_LISTED, VERIFY_FAULT_NONE);
	for (unsigned i = 0;
	     i < 3000 && engine_check(v, 20).verdict != VERIFY_ALLOW; i++) {
		engine_ms += 3000;
		usleep(5000);
	}
	check_int(engine_check(v, 20).verdict, VERIFY_ALLOW);
	verify_free(v);
}

/* Who waits while a list is read leaves no request behind that nobody serves:
 * the next one who is not in it has it read again. */
static void
lister_lists_again_after_somebody_waited(void **state)
{
	struct verify_config config = { .context.now_ms = engine_now_ms };
	struct verify *v;

	(void)state;
	add(&config, "l");
	say(1, 10, VERIFY_LISTED, VERIFY_FAULT_NONE);
	v = new_ready(&config);
	script.slow_ms = 200; /* so that who waits looks up several times */
	for (unsigned n = 11; n < 14; n++) {
		struct engine_answers answers = ENGINE_ANSWERS;
		const struct derp_key key = engine_key(n);
		struct verify_answer answer;

		engine_ms += 3000; /* the last list answers no more */
		say(1, n, VERIFY_LISTED, VERIFY_FAULT_NONE);
		check(
		    !verify_ask(v, &key, NULL, &answer, engine_done, &answers));
		engine_await(&answers, 1);
		check_int(answers.allowed, 1);
	}
	check_int(script.lists, 4);
	script.slow_ms = 0;
	verify_free(v);
}

static _Atomic unsigned disconnected;

static bool
is_connected(void *ctx, const struct derp_key *key)
{
	(void)ctx;
	return bytes_get_u32(key->b + 28) == 1;
}

static int
revoked(
    void *ctx, const struct derp_key *key, const char *name, const char *reason)
{
	(void)ctx;
	(void)key;
	(void)name;
	(void)reason;
	disconnected++;
	return 0;
}

/* A key that left is asked about at the other source, which asks this one, too,
 * on behalf of the thread that lists. */
static void
lister_does_not_wait_for_itself(void **state)
{
	struct verify_config config = { .policy = VERIFY_POLICY_ANY,
		.watch = { is_connected, revoked, NULL, NULL },
		.context.now_ms = engine_now_ms };
	struct verify *v;

	(void)state;
	add(&config, "l");
	add(&config, "a");
	say(1, 10, VERIFY_LISTED, VERIFY_FAULT_NONE);
	v = new_ready(&config);
	engine_ms += 3000; /* the first list answers no more */
	say(2, 10, VERIFY_LISTED, VERIFY_FAULT_NONE);
	verify_reload(v);
	for (unsigned i = 0; i < 4000 && disconnected == 0; i++)
		usleep(5000);
	check_int(disconnected, 1);
	check_int(script.asks, 1);
	verify_free(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lister_ends_while_keys_wait_for_a_list),
		cmocka_unit_test(lister_is_not_hurried_by_an_unknown_key),
		cmocka_unit_test(lister_tries_soon_again_for_who_is_kept_out),
		cmocka_unit_test(lister_lists_again_after_somebody_waited),
		cmocka_unit_test(lister_does_not_wait_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
