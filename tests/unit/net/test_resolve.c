/* Unit tests of lib/net/resolve. */
#include "resolve.h"

#include <stdio.h>

#include "check.h"
#include "clock.h"

static void
resolve_answers_addresses_itself(void **state)
{
	struct resolve_answer answer;

	(void)state;
	check_int(resolve_name("192.0.2.7", 0, &answer, NULL), RESOLVE_OK);
	check_size(answer.n, 1);
	check(answer.v[0].is_v4);
	check_int(resolve_name("2001:db8::7", 0, &answer, NULL), RESOLVE_OK);
	check(!answer.v[0].is_v4);
}

static void
resolve_finds_localhost(void **state)
{
	struct resolve_answer answer;
	struct fail why = { .text = "" };
	bool found = false;

	(void)state;
	check_int(
	    resolve_name("localhost", clock_now_ms() + 20000, &answer, &why),
	    RESOLVE_OK);
	check(answer.n > 0);
	for (size_t i = 0; i < answer.n; i++)
		found = found || netaddr_is_loopback(&answer.v[i]);
	check(found);
}

static void
resolve_refuses_what_is_not_a_name(void **state)
{
	char name[RESOLVE_NAME_MAX + 2];
	struct resolve_answer answer;
	struct fail why = { .text = "" };

	(void)state;
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	check_int(resolve_name(name, clock_now_ms() + 1000, &answer, &why),
	    RESOLVE_NONE);
	check_int(resolve_name("", clock_now_ms() + 1000, &answer, &why),
	    RESOLVE_NONE);
	check_text(why.text, "not a host name");
}

/* The deadline has come: who asks does not wait, and the thread that does ends
 * by itself. */
static void
resolve_keeps_its_deadline(void **state)
{
	const uint64_t start = clock_now_ms();
	struct resolve_answer answer;
	char name[64];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "no-such-host-%d.invalid", i);
		check(resolve_name(name, start, &answer, NULL) != RESOLVE_OK);
		check_size(answer.n, 0);
	}
	check(clock_now_ms() - start < 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolve_answers_addresses_itself),
		cmocka_unit_test(resolve_finds_localhost),
		cmocka_unit_test(resolve_refuses_what_is_not_a_name),
		cmocka_unit_test(resolve_keeps_its_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
