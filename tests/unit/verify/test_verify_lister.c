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
		for (unsigned n = 11; n < 1011; n++) {
			const struct derp_key key = engine_key(n);
			struct verify_answer answer;

			later += !verify_ask(
			    v, &key, NULL, &answer, engine_done, &answers);
		}
		usleep(30000);
		verify_free(v);
		script.slow_ms = 0;
		check_int(later, 1000);
		check_int(answers.count, 1000);
		check_int(answers.allowed, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lister_ends_while_keys_wait_for_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
