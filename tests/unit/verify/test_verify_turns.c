/* The engine under a flood of questions from one address: the others have their
 * turn, and what nobody waits for is not asked. */
#include "unit/verify/gated.h"

#include "fetch.h"

#define FLOOD 600
#define THREADS 16 /* of the engine */

static void
allow_slowly(
    struct http_stub *s, const char *request, struct http_stub_reply *reply)
{
	(void)s, (void)request;
	usleep(20 * 1000);
	reply->bytes = "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n"
		       "{\"Allow\":true}";
	reply->then = STUB_KEEP;
}

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

static void
turns_go_round_by_address(void **state)
{
	struct http_stub stub = { .answer = allow_slowly };
	struct verify_config config = { .ask_ms = ENGINE_WAIT_MS };
	struct engine_answers flood = ENGINE_ANSWERS, other = ENGINE_ANSWERS;
	struct verify *v;
	unsigned before;

	(void)state;
	http_stub_open(&stub);
	engine_add(&config, "url", stub.url);
	v = engine_new(&config);
	for (unsigned n = 1; n <= FLOOD; n++)
		check(!ask_from(v, "192.0.2.1", n, &flood));
	check(!ask_from(v, "192.0.2.2", FLOOD + 1, &other));
	engine_await(&other, 1);
	pthread_mutex_lock(&flood.lock);
	before = flood.count;
	pthread_mutex_unlock(&flood.lock);
	check_int(other.last.verdict, VERIFY_ALLOW);
	/* those that were being asked, and a few on slow machines */
	if (before > FLOOD / 2)
		fail_msg("%u of the flood came first", before);
	engine_await(&flood, FLOOD);
	verify_free(v);
	http_stub_close(&stub);
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
