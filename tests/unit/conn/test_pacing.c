/* pacing: the worker's rate, the clients' rates, full reads. */
#include "check.h"

#include "pacing.h"

enum { DELAY_US = 500 };

/* One window in which `packets` pass per second, each counted twice. */
static uint64_t
window(struct pacing *p, uint64_t *now_us, uint64_t *passed, uint64_t per_s)
{
	*now_us += PACING_WINDOW_MS * 1000;
	*passed += 2 * per_s * PACING_WINDOW_MS / 1000;
	return pacing_end_turn(p, *now_us, *passed);
}

static void
pacing_puts_off_at_a_high_rate_only(void **state)
{
	uint64_t now_us = 5000000, passed = 0, until_us;
	struct pacing p;

	(void)state;
	pacing_init(&p, DELAY_US);
	check_size(window(&p, &now_us, &passed, 0), 0);
	check_size(window(&p, &now_us, &passed, PACING_RATE_PER_S), 0);
	until_us = window(&p, &now_us, &passed, PACING_RATE_PER_S + 1000);
	check_size(until_us, now_us + DELAY_US);
	/* within the next window it stays so */
	check_size(
	    pacing_end_turn(&p, now_us + 10, passed), now_us + 10 + DELAY_US);
	check_size(window(&p, &now_us, &passed, PACING_RATE_PER_S - 1000), 0);
}

static void
pacing_never_puts_off_without_a_delay(void **state)
{
	uint64_t now_us = 5000000, passed = 0;
	struct pacing p;

	(void)state;
	pacing_init(&p, 0);
	for (int i = 0; i < 5; i++)
		check_size(window(&p, &now_us, &passed, 1000000), 0);
}

static void
pacing_does_not_wait_when_reads_are_full(void **state)
{
	uint64_t now_us = 5000000, passed = 0, until_us;
	struct pacing p;

	(void)state;
	pacing_init(&p, DELAY_US);
	check_size(window(&p, &now_us, &passed, 0), 0);
	pacing_read(&p, PACING_FULL_READ * 2 - 1);
	pacing_read(&p, 2);
	check_size(window(&p, &now_us, &passed, 50000), 0);
	/* of each turn anew */
	pacing_read(&p, PACING_FULL_READ * 2 - 1);
	pacing_read(&p, 1);
	until_us = window(&p, &now_us, &passed, 50000);
	check_size(until_us, now_us + DELAY_US);
}

static void
count_packets(struct pacing_client *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		pacing_count_packet(c);
}

static void
pacing_judges_clients_once_a_window(void **state)
{
	uint64_t now_us = 5000000, passed = 0, now_ms = 5000;
	struct pacing_client c = { 0 };
	struct pacing p;
	bool high_rate = true;

	(void)state;
	pacing_init(&p, DELAY_US);
	check_size(window(&p, &now_us, &passed, 0), 0);
	check(window(&p, &now_us, &passed, 50000) != 0);
	check(pacing_judge(&p, &c, now_ms, &high_rate));
	check(!high_rate);
	count_packets(&c, 26);
	now_ms += PACING_CLIENT_WINDOW_MS - 1;
	check(!pacing_judge(&p, &c, now_ms, &high_rate));
	now_ms++;
	check(pacing_judge(&p, &c, now_ms, &high_rate));
	check(high_rate);
	/* just the limit, counted from the last judgement on */
	count_packets(&c, 25);
	now_ms += PACING_CLIENT_WINDOW_MS;
	check(pacing_judge(&p, &c, now_ms, &high_rate));
	check(!high_rate);
	/* nobody is while the worker has little to do */
	check_size(window(&p, &now_us, &passed, 100), 0);
	count_packets(&c, 1000);
	now_ms += PACING_CLIENT_WINDOW_MS;
	high_rate = true;
	check(pacing_judge(&p, &c, now_ms, &high_rate));
	check(!high_rate);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pacing_puts_off_at_a_high_rate_only),
		cmocka_unit_test(pacing_never_puts_off_without_a_delay),
		cmocka_unit_test(pacing_does_not_wait_when_reads_are_full),
		cmocka_unit_test(pacing_judges_clients_once_a_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
