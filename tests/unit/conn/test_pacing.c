/* pacing: the worker's rate, the clients' rates, full reads. */
#include "check.h"

#include "pacing.h"

enum { DELAY_US = 500 };

/* One window in which so many packets pass per second, each counted twice: on
 * this worker and on others. */
static uint64_t
shared_window(struct pacing *p, uint64_t *now_us, struct pacing_load *load,
    uint64_t own_per_s, uint64_t others_per_s)
{
	check(!pacing_window_is_over(p, *now_us / 1000 + PACING_WINDOW_MS - 1));
	*now_us += PACING_WINDOW_MS * 1000;
	check(pacing_window_is_over(p, *now_us / 1000));
	load->own += 2 * own_per_s * PACING_WINDOW_MS / 1000;
	load->all += 2 * (own_per_s + others_per_s) * PACING_WINDOW_MS / 1000;
	pacing_take_rate(p, *now_us / 1000, load);
	return pacing_end_turn(p, *now_us);
}

/* The same for the only worker. */
static uint64_t
window(struct pacing *p, uint64_t *now_us, struct pacing_load *load,
    uint64_t per_s)
{
	return shared_window(p, now_us, load, per_s, 0);
}

static void
start(struct pacing *p, uint64_t delay_us, uint64_t *now_us,
    struct pacing_load *load)
{
	*now_us = 5000000;
	*load = (struct pacing_load){ 0 };
	pacing_init(p, delay_us);
	pacing_take_rate(p, *now_us / 1000, load);
}

static void
pacing_puts_off_at_a_high_rate_only(void **state)
{
	struct pacing_load load;
	uint64_t now_us, until_us;
	struct pacing p;

	(void)state;
	start(&p, DELAY_US, &now_us, &load);
	check_size(window(&p, &now_us, &load, 0), 0);
	check_size(window(&p, &now_us, &load, PACING_RATE_PER_S), 0);
	until_us = window(&p, &now_us, &load, PACING_RATE_PER_S + 1000);
	check_size(until_us, now_us + DELAY_US);
	/* within the next window it stays so */
	check_size(pacing_end_turn(&p, now_us + 10), now_us + 10 + DELAY_US);
	check_size(window(&p, &now_us, &load, PACING_RATE_PER_S - 1000), 0);
}

static void
pacing_never_puts_off_without_a_delay(void **state)
{
	struct pacing_load load;
	uint64_t now_us;
	struct pacing p;

	(void)state;
	start(&p, 0, &now_us, &load);
	for (int i = 0; i < 5; i++)
		check_size(window(&p, &now_us, &load, 1000000), 0);
}

/* The load of all counts, not that of each; what is shared costs more turns, so
 * these are farther apart. */
static void
pacing_is_not_turned_off_by_more_workers(void **state)
{
	enum { EACH = PACING_RATE_PER_S / 4 + 100 };
	struct pacing_load load;
	uint64_t now_us, until_us;
	struct pacing p;

	(void)state;
	start(&p, DELAY_US, &now_us, &load);
	/* of two */
	until_us = shared_window(&p, &now_us, &load, 2 * EACH, 2 * EACH);
	check_size(until_us, now_us + DELAY_US + DELAY_US / 2);
	/* of four */
	until_us = shared_window(&p, &now_us, &load, EACH, 3 * EACH);
	check_size(until_us, now_us + DELAY_US + DELAY_US * 3 / 4);
	/* of many, with much to do for each */
	until_us = shared_window(&p, &now_us, &load, 50000, 31 * 50000);
	check(until_us > now_us + DELAY_US * 19 / 10);
	check(until_us <= now_us + DELAY_US * 2);
	/* all of them together have little to do */
	check_size(shared_window(&p, &now_us, &load, EACH, 2 * EACH), 0);
}

/* A worker to which nothing comes within a delay gathers nothing. */
static void
pacing_puts_off_only_where_something_gathers(void **state)
{
	const uint64_t least = PACING_GATHERED_MIN * 1000000 / DELAY_US;
	struct pacing_load load;
	uint64_t now_us;
	struct pacing p;

	(void)state;
	start(&p, DELAY_US, &now_us, &load);
	check_size(shared_window(&p, &now_us, &load, least - 100, 1000000), 0);
	check(shared_window(&p, &now_us, &load, least, 1000000) != 0);
	check_size(shared_window(&p, &now_us, &load, 0, 1000000), 0);
}

static void
pacing_does_not_wait_when_reads_are_full(void **state)
{
	struct pacing_load load;
	uint64_t now_us, until_us;
	struct pacing p;

	(void)state;
	start(&p, DELAY_US, &now_us, &load);
	check_size(window(&p, &now_us, &load, 0), 0);
	pacing_read(&p, PACING_FULL_READ * 2 - 1);
	pacing_read(&p, 2);
	check_size(window(&p, &now_us, &load, 50000), 0);
	/* of each turn anew */
	pacing_read(&p, PACING_FULL_READ * 2 - 1);
	pacing_read(&p, 1);
	until_us = window(&p, &now_us, &load, 50000);
	check_size(until_us, now_us + DELAY_US);
}

static void
count_packets(struct pacing_client *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		pacing_count_packet(c, 100);
}

static void
pacing_judges_clients_once_a_window(void **state)
{
	struct pacing_load load;
	uint64_t now_us, now_ms = 5000;
	struct pacing_client c = { 0 };
	struct pacing p;
	bool high_rate = true;

	(void)state;
	start(&p, DELAY_US, &now_us, &load);
	check_size(window(&p, &now_us, &load, 0), 0);
	check(window(&p, &now_us, &load, 50000) != 0);
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
	check_size(window(&p, &now_us, &load, 100), 0);
	count_packets(&c, 1000);
	now_ms += PACING_CLIENT_WINDOW_MS;
	high_rate = true;
	check(pacing_judge(&p, &c, now_ms, &high_rate));
	check(!high_rate);
}

static void
pacing_knows_who_sends_little(void **state)
{
	struct pacing_client c = { 0 };
	struct pacing p;
	bool high_rate;

	(void)state;
	pacing_init(&p, DELAY_US);
	check(pacing_judge(&p, &c, 5000, &high_rate));
	pacing_count_packet(&c, PACING_LIGHT_BYTES);
	check(pacing_is_light(&c));
	pacing_count_packet(&c, 1);
	check(!pacing_is_light(&c));
	check(pacing_judge(&p, &c, 5000 + PACING_CLIENT_WINDOW_MS, &high_rate));
	check(pacing_is_light(&c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pacing_puts_off_at_a_high_rate_only),
		cmocka_unit_test(pacing_is_not_turned_off_by_more_workers),
		cmocka_unit_test(pacing_puts_off_only_where_something_gathers),
		cmocka_unit_test(pacing_never_puts_off_without_a_delay),
		cmocka_unit_test(pacing_does_not_wait_when_reads_are_full),
		cmocka_unit_test(pacing_judges_clients_once_a_window),
		cmocka_unit_test(pacing_knows_who_sends_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
