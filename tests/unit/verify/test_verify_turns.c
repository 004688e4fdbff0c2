/* The engine under a flood of questions from one address: the others have their
 * turn, and what nobody waits for is not asked. */
#include "unit/verify/gated.h"

#include "fetch.h"

#define FLOOD 600
#define THREADS 16 /* of the engine */

static bool
ask_from(struct verify *v, const char *ip, unsigned n,
    struct engine_answers *answers)
{
	const struct derp_key key = engine_key(n);
	struct verify_answer now;
	struct netaddr from = { 0 };

	check_int(netaddr_parse_ip(&from, slice_str(ip)), 0);
	return verify_ask(v, &key, &from, &now, engine_done, answers);
}

/* The one that is not of the flood, and how many of the flood had their answer
 * when it had its own. */
struct other {
	struct engine_answers answers;
	struct engine_answers *flood;
	unsigned before;
};

static void
other_done(void *ctx, const struct verify_answer *answer)
{
	struct other *o = ctx;

	pthread_mutex_lock(&o->flood->lock);
	o->before = o->flood->count;
	pthread_mutex_unlock(&o->flood->lock);
	engine_done(&o->answers, answer);
}

static void
turns_go_round_by_address(void **state)
{
	struct gated g;
	struct verify_config config = { .ask_ms = ENGINE_WAIT_MS };
	struct engine_answers flood = ENGINE_ANSWERS;
	struct other other = { .answers = ENGINE_ANSWERS, .flood = &flood };
	const struct derp_key key = engine_key(FLOOD + 1);
	struct verify_answer now;
	struct netaddr from = { 0 };
	struct verify *v;

	(void)state;
	gated_open(&g, HEAD "{\"Allow\":true}", false);
	engine_add(&config, "url", g.stub.url);
	v = engine_new(&config);
	for (unsigned n = 1; n <= FLOOD; n++)
		check(!ask_from(v, "192.0.2.1", n, &flood));
	check_int(netaddr_parse_ip(&from, slice_str("192.0.2.2")), 0);
	check(!verify_ask(v, &key, &from, &now, other_done, &other));
	gated_set(&g, true);
	engine_await(&other.answers, 1);
	check_int(other.answers.last.verdict, VERIFY_ALLOW);
	/* those that were being asked, and a few on slow machines */
	if (other.before > FLOOD / 2)
		fail_msg("%u of the flood came first", other.before);
	engine_await(&flood, FLOOD);
	verify_free(v);
	gated_close(&g);
}

static bool
is_it(const void *ctx, const void *arg)
{
	return ctx == arg;
}

static void
turns_are_not_for_those_who_left(void **state)
{
	struct gated g;
	struct verify_config config = { .ask_ms = ENGINE_WAIT_MS };
	struct engine_answers flood = ENGINE_ANSWERS, other = ENGINE_ANSWERS;
	struct verify_counters counters;
	struct netaddr from = { 0 };
	struct verify *v;
	unsigned cancelled = 0;

	(void)state;
	gated_open(&g, HEAD "{\"Allow\":true}", false);
	engine_add(&config, "url", g.stub.url);
	v = engine_new(&config);
	check_int(netaddr_parse_ip(&from, slice_str("192.0.2.1")), 0);
	for (unsigned n = 1; n <= FLOOD; n++)
		check(!ask_from(v, "192.0.2.1", n, &flood));
	for (unsigned n = 1; n <= FLOOD; n++) {
		const struct derp_key key = engine_key(n);

		check(verify_cancel(v, &key, &from, is_it, &other) == NULL);
		cancelled +=
		    verify_cancel(v, &key, &from, is_it, &flood) == &flood;
		check(verify_cancel(v, &key, &from, is_it, &flood) == NULL);
	}
	check_int(cancelled, FLOOD);
	check(!ask_from(v, "192.0.2.1", FLOOD + 1, &other));
	gated_set(&g, true);
	engine_await(&other, 1);
	check_int(other.last.verdict, VERIFY_ALLOW);
	verify_get_counters(v, &counters);
	check(counters.dropped >= FLOOD - THREADS);
	check(atomic_load(&g.stub.requests) <= THREADS + 1);
	verify_free(v);
	check_int(flood.count, 0); /* nobody was called who had left */
	gated_close(&g);
}

static int
start(void **state)
{
	(void)state;
	return fetch_global_init();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turns_go_round_by_address),
		cmocka_unit_test(turns_are_not_for_those_who_left),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
