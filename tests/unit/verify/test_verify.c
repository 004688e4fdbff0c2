/* Unit tests of verify/engine/verify: order, flights, cache and ends. The
 * judging of answers is tested with each source. */
#include "unit/verify/gated.h"

#include "fetch.h"

#define MANY 50

static void
engine_without_sources_allows(void **state)
{
	const struct verify_config config = { 0 };
	struct verify *v = engine_new(&config);
	const struct derp_key zero = { { 0 } };
	struct verify_answer answer;

	(void)state;
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	check(verify_ask(v, &zero, NULL, &answer, NULL, NULL));
	check_int(answer.verdict, VERIFY_ALLOW);
	verify_free(v);
	verify_free(NULL);
}

static void
engine_refuses_the_zero_key(void **state)
{
	struct gated g;
	const struct derp_key zero = { { 0 } };
	struct verify_config config = { 0 };
	struct verify_answer answer;
	struct verify *v;

	(void)state;
	gated_open(&g, HEAD "{\"Allow\":true}", true);
	engine_add(&config, "url", g.stub.url)->outage = VERIFY_OUTAGE_OPEN;
	v = engine_new(&config);
	check(verify_ask(v, &zero, NULL, &answer, NULL, NULL));
	check_int(answer.verdict, VERIFY_DENY);
	check_int(atomic_load(&g.stub.requests), 0);
	verify_free(v);
	gated_close(&g);
}

static void
engine_asks_once_for_many(void **state)
{
	struct engine_answers answers = ENGINE_ANSWERS;
	struct verify_counters counters;
	struct verify_config config = { 0 };
	struct verify *v;
	struct gated g;

	(void)state;
	gated_open(&g, HEAD "{\"Allow\":true}", false);
	engine_add(&config, "url", g.stub.url);
	v = engine_new(&config);
	for (int i = 0; i < MANY; i++)
		check(!ask(v, 1, &answers));
	check(!ask(v, 2, &answers)); /* a flight of its own */
	check_int(answers.count, 0);
	gated_set(&g, true);
	engine_await(&answers, MANY + 1);
	check_int(answers.last.verdict, VERIFY_ALLOW);
	check_int(atomic_load(&g.stub.requests), 2);
	verify_get_counters(v, &counters);
	check_size(counters.asked, MANY + 1);
	check_size(counters.allowed, MANY + 1);
	check_size(counters.from_cache, 0);
	verify_free(v);
	check_int(answers.count, MANY + 1);
	gated_close(&g);
}

static void
engine_asks_for_each_address(void **state)
{
	struct engine_answers answers = ENGINE_ANSWERS;
	struct verify_config config = { 0 };
	const struct derp_key key = engine_key(1);
	struct verify *v;
	struct gated g;

	(void)state;
	gated_open(&g, HEAD "{\"Allow\":true}", false);
	engine_add(&config, "url", g.stub.url);
	v = engine_new(&config);
	for (int i = 0; i < 6; i++) {
		struct netaddr ip;
		struct verify_answer now;

		netaddr_parse_ip(
		    &ip, slice_str(i % 2 == 0 ? "192.0.2.1" : "192.0.2.2"));
		check(!verify_ask(v, &key, &ip, &now, engine_done, &answers));
	}
	gated_set(&g, true);
	engine_await(&answers, 6);
	check_int(atomic_load(&g.stub.requests), 2);
	verify_free(v);
	gated_close(&g);
}

static void
engine_forgets_an_allow_answered_now(void **state)
{
	struct verify_config config = { .context.now_ms = engine_now_ms };
	struct verify *v;
	struct gated g;

	(void)state;
	gated_open(&g, HEAD "{\"Allow\":true}", true);
	engine_add(&config, "url", g.stub.url);
	v = engine_new(&config);
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	/* the node was deleted: its next connect is refused */
	g.bytes = HEAD "{\"Allow\":false}";
	check_int(engine_check(v, 1).verdict, VERIFY_DENY);
	check_int(atomic_load(&g.stub.requests), 2);
	verify_free(v);
	gated_close(&g);
}

static void
engine_reuses_a_refusal_for_a_moment(void **state)
{
	struct verify_config config = { .context.now_ms = engine_now_ms };
	struct verify_counters counters;
	struct verify *v;
	struct gated g;

	(void)state;
	gated_open(&g, HEAD "{\"Allow\":false}", true);
	engine_add(&config, "url", g.stub.url);
	v = engine_new(&config);
	check_int(engine_check(v, 1).verdict, VERIFY_DENY);
	g.bytes = HEAD "{\"Allow\":true}";
	engine_ms += 499;
	check_int(engine_check(v, 1).verdict, VERIFY_DENY);
	check_int(atomic_load(&g.stub.requests), 1);
	engine_ms += 1;
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	check_int(atomic_load(&g.stub.requests), 2);
	verify_get_counters(v, &counters);
	check_size(counters.from_cache, 1);
	check_size(counters.denied, 2);
	verify_free(v);
	gated_close(&g);
}

static void
engine_caches_as_configured(void **state)
{
	struct verify_config config = {
		.context.now_ms = engine_now_ms,
		.cache_allow_ms = 1000,
		.cache_deny_ms = 1,
	};
	struct verify *v;
	struct gated g;

	(void)state;
	gated_open(&g, HEAD "{\"Allow\":true}", true);
	engine_add(&config, "url", g.stub.url);
	v = engine_new(&config);
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	engine_ms += 999;
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	check_int(atomic_load(&g.stub.requests), 1);
	engine_ms += 1;
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	check_int(atomic_load(&g.stub.requests), 2);
	verify_free(v);
	gated_close(&g);
}

static void
engine_keeps_no_answer_that_no_source_gave(void **state)
{
	struct verify_config config = {
		.context.now_ms = engine_now_ms,
		.cache_allow_ms = 1000,
		.cache_deny_ms = 1000,
	};
	struct verify_answer answer;
	struct verify_counters counters;
	struct verify *v;
	struct gated g;

	(void)state;
	gated_open(&g, "", true); /* closes without a word */
	engine_add(&config, "url", g.stub.url)->outage = VERIFY_OUTAGE_OPEN;
	v = engine_new(&config);
	answer = engine_check(v, 1);
	check_int(answer.verdict, VERIFY_ALLOW);
	check(answer.fail_open);
	g.bytes = "HTTP/1.1 500 Oops\r\n\r\n";
	check_int(engine_check(v, 1).verdict, VERIFY_UNKNOWN);
	g.bytes = HEAD "{\"Allow\":true}";
	answer = engine_check(v, 1);
	check_int(answer.verdict, VERIFY_ALLOW);
	check(!answer.fail_open);
	verify_get_counters(v, &counters);
	check_size(counters.failed_open, 1);
	check_size(counters.unknown, 1);
	check_size(counters.from_cache, 0);
	verify_free(v);
	gated_close(&g);
}

/* tailscaled, then the URL, then the list: who is asked, and who answers. */
static void
engine_asks_in_order_and_stops_at_a_refusal(void **state)
{
	static const struct {
		const char *socket, *url;
		unsigned key; /* 1 is in the list, 9 is not */
		int asked_socket, asked_url;
		enum verify_verdict verdict;
		const char *reason;
	} cases[] = {
		{ "{\"Node\":{}}", "{\"Allow\":true}", 1, 1, 1, VERIFY_ALLOW,
		    "peer known to local tailscaled; allowed by the admission "
		    "controller; n1 in node list " },
		{ NULL, "{\"Allow\":true}", 1, 1, 0, VERIFY_DENY,
		    "not found in local tailscaled" },
		{ "no", "{\"Allow\":true}", 1, 1, 0, VERIFY_UNKNOWN,
		    "bad JSON" },
		{ "{\"Node\":{}}", "{\"Allow\":false}", 1, 1, 1, VERIFY_DENY,
		    "admission controller: nodekey:" },
		{ "{\"Node\":{}}", "{\"Allow\":true}", 9, 1, 1, VERIFY_DENY,
		    "not in node list" },
	};

	(void)state;
	write_list(2);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct http_stub local = { 0 }, url = { 0 };
		struct verify_config config = { 0 };
		char socket[108], nodes[108], said[256], told[256];
		struct verify_answer answer;
		struct verify *v;

		snprintf(socket, sizeof socket, "%s", path_of("sock"));
		snprintf(nodes, sizeof nodes, "%s", path_of("nodes"));
		snprintf(said, sizeof said, "%s%s",
		    cases[i].socket != NULL ? HEAD : "HTTP/1.1 404 X\r\n\r\n",
		    cases[i].socket != NULL ? cases[i].socket : "");
		snprintf(told, sizeof told, HEAD "%s", cases[i].url);
		local.reply.bytes = said;
		url.reply.bytes = told;
		http_stub_open_unix(&local, socket);
		http_stub_open(&url);
		engine_add(&config, "tailscaled", socket);
		engine_add(&config, "url", url.url);
		engine_add(&config, "nodes", nodes);
		v = engine_new(&config);
		answer = engine_check(v, cases[i].key);
		check_int(answer.verdict, cases[i].verdict);
		check_contains(answer.reason, cases[i].reason);
		check_int(atomic_load(&local.requests), cases[i].asked_socket);
		check_int(atomic_load(&url.requests), cases[i].asked_url);
		verify_free(v);
		http_stub_close(&local);
		http_stub_close(&url);
	}
}

/* A list that changes counts at once, whatever the cache holds. */
static void
engine_does_not_cache_the_list(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify_config config = {
		.cache_allow_ms = 1000000,
		.context.notice = engine_notice,
		.context.notice_ctx = &notices,
	};
	struct verify *v;
	struct gated g;

	(void)state;
	write_list(2);
	gated_open(&g, HEAD "{\"Allow\":true}", true);
	engine_add(&config, "url", g.stub.url);
	engine_add(&config, "nodes", path_of("nodes"));
	v = engine_new(&config);
	check_int(engine_check(v, 2).verdict, VERIFY_ALLOW);
	write_list(1);
	verify_reload(v);
	engine_await_notice(&notices, "reloaded: 1 keys (was 2)");
	check_int(engine_check(v, 2).verdict, VERIFY_DENY);
	check_int(atomic_load(&g.stub.requests), 1);
	verify_free(v);
	gated_close(&g);
}

/* A list that has the key answers at once; the URL is asked about others. */
static void
engine_asks_memory_first_under_any(void **state)
{
	struct engine_answers answers = ENGINE_ANSWERS;
	struct verify_config config = { .policy = VERIFY_POLICY_ANY };
	struct verify_answer answer;
	struct verify *v;
	struct gated g;

	(void)state;
	write_list(2);
	gated_open(&g, HEAD "{\"Allow\":true}", true);
	engine_add(&config, "url", g.stub.url);
	engine_add(&config, "nodes", path_of("nodes"));
	v = engine_new(&config);
	check(ask(v, 1, &answers)); /* answered now */
	check_int(atomic_load(&g.stub.requests), 0);
	check_int(engine_check(v, 9).verdict, VERIFY_ALLOW);
	check_int(atomic_load(&g.stub.requests), 1);
	g.bytes = HEAD "{\"Allow\":false}";
	answer = engine_check(v, 9);
	check_int(answer.verdict, VERIFY_DENY);
	check_contains(answer.reason, "not allowed; peer nodekey:");
	g.bytes = "HTTP/1.1 500 Oops\r\n\r\n";
	check_int(engine_check(v, 8).verdict, VERIFY_UNKNOWN);
	verify_free(v);
	gated_close(&g);
}

static void
engine_answers_everybody_when_freed(void **state)
{
	struct engine_answers answers = ENGINE_ANSWERS;
	struct verify_config config = { .ask_ms = 60000 };
	const uint64_t start_ms = clock_now_ms();
	struct verify *v;
	uint64_t took_ms;
	struct gated g;

	(void)state;
	gated_open(&g, NULL, false);
	engine_add(&config, "url", g.stub.url)->outage = VERIFY_OUTAGE_OPEN;
	v = engine_new(&config);
	/* more than there are workers, so that some are queued */
	for (unsigned n = 1; n <= MANY; n++)
		check(!ask(v, n, &answers));
	while (atomic_load(&g.stub.requests) == 0)
		usleep(1000); /* some are under way */
	verify_free(v);
	took_ms = clock_now_ms() - start_ms;
	gated_close(&g);
	check_int(answers.count, MANY);
	/* given up is not unreachable: no fail-open */
	check_int(answers.allowed, 0);
	check_int(answers.last.verdict, VERIFY_UNKNOWN);
	check(took_ms < ENGINE_WAIT_MS);
}

/* A controller that hangs, and more logins than workers: everyone has his
 * answer when the time of one question is over, or fail-open would be none. */
static void
engine_keeps_the_time_limit_when_all_hang(void **state)
{
	struct engine_answers answers = ENGINE_ANSWERS;
	struct verify_config config = { .ask_ms = 500 };
	const uint64_t start_ms = clock_now_ms();
	struct verify_counters counters;
	struct verify *v;
	struct gated g;

	(void)state;
	gated_open(&g, NULL, false);
	engine_add(&config, "url", g.stub.url)->outage = VERIFY_OUTAGE_OPEN;
	v = engine_new(&config);
	for (unsigned n = 1; n <= 12 * MANY; n++)
		check(!ask(v, n, &answers));
	engine_await(&answers, 12 * MANY);
	check(clock_now_ms() - start_ms >= 495);
	/* one after the other on 16 workers they would take 19 s */
	check(clock_now_ms() - start_ms < 15000);
	verify_get_counters(v, &counters);
	check_size(counters.failed_open, 12 * MANY);
	verify_free(v);
	gated_close(&g);
}

static void
engine_bounds_what_waits(void **state)
{
	struct engine_answers answers = ENGINE_ANSWERS;
	struct verify_config config = { .ask_ms = 60000 };
	struct verify_answer answer;
	struct verify *v;
	struct gated g;
	unsigned turned_away = 0;

	(void)state;
	gated_open(&g, NULL, false);
	engine_add(&config, "url", g.stub.url);
	v = engine_new(&config);
	for (unsigned i = 0; i < 1100; i++) /* for one key */
		turned_away += ask(v, 1, &answers);
	check_int(turned_away, 1100 - 1024);
	turned_away = 0;
	for (unsigned n = 2; n < 16500; n++) { /* for many */
		const struct derp_key key = engine_key(n);

		if (!verify_ask(v, &key, NULL, &answer, engine_done, &answers))
			continue;
		turned_away++;
		check_int(answer.verdict, VERIFY_UNKNOWN);
		check_text(
		    answer.reason, "too many verification questions at once");
	}
	check_int(turned_away, 16498 - 16383);
	verify_free(v);
	check_int(answers.count, 1024 + 16383);
	gated_close(&g);
}

/* Loops, reload and outages at once; for the thread sanitizer. */
struct askers {
	struct verify *v;
	struct engine_answers *answers;
	atomic_uint answered_now;
};

static void *
askers_run(void *ctx)
{
	struct askers *c = ctx;

	for (unsigned n = 0; n < 200; n++) {
		if (ask(c->v, n % 7 + 1, c->answers))
			atomic_fetch_add(&c->answered_now, 1);
		if (n % 50 == 0)
			verify_reload(c->v);
	}
	return NULL;
}

static void
engine_is_used_by_many_threads(void **state)
{
	struct engine_answers answers = ENGINE_ANSWERS;
	struct verify_config config = { .cache_allow_ms = 1 };
	struct askers askers = { .answers = &answers };
	struct verify_counters counters;
	pthread_t threads[4];
	struct gated g;

	(void)state;
	write_list(5);
	gated_open(&g, HEAD "{\"Allow\":true}", true);
	engine_add(&config, "url", g.stub.url);
	engine_add(&config, "nodes", path_of("nodes"));
	askers.v = engine_new(&config);
	for (size_t i = 0; i < 4; i++)
		check_int(
		    pthread_create(&threads[i], NULL, askers_run, &askers), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	engine_await(&answers, 800 - atomic_load(&askers.answered_now));
	verify_get_counters(askers.v, &counters);
	check_size(counters.asked, 800);
	check_size(counters.allowed + counters.denied + counters.unknown, 800);
	check(counters.allowed > 0 && counters.denied > 0);
	verify_free(askers.v);
	gated_close(&g);
}

static int
start(void **state)
{
	(void)state;
	return fetch_global_init();
}

static int
end(void **state)
{
	(void)state;
	return engine_remove((const char *const[]){ "sock", "nodes", NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(engine_without_sources_allows),
		cmocka_unit_test(engine_refuses_the_zero_key),
		cmocka_unit_test(engine_asks_once_for_many),
		cmocka_unit_test(engine_asks_for_each_address),
		cmocka_unit_test(engine_forgets_an_allow_answered_now),
		cmocka_unit_test(engine_reuses_a_refusal_for_a_moment),
		cmocka_unit_test(engine_caches_as_configured),
		cmocka_unit_test(engine_keeps_no_answer_that_no_source_gave),
		cmocka_unit_test(engine_asks_in_order_and_stops_at_a_refusal),
		cmocka_unit_test(engine_does_not_cache_the_list),
		cmocka_unit_test(engine_asks_memory_first_under_any),
		cmocka_unit_test(engine_answers_everybody_when_freed),
		cmocka_unit_test(engine_keeps_the_time_limit_when_all_hang),
		cmocka_unit_test(engine_bounds_what_waits),
		cmocka_unit_test(engine_is_used_by_many_threads),
	};

	return cmocka_run_group_tests(tests, start, end);
}
