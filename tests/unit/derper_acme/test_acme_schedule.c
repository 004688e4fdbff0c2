/* acme_schedule: when certificates are renewed, and failures tried again. */
#include "acme_schedule.h"
#include "check.h"

#define DAY_S (24 * 60 * 60)
#define MINUTE_MS 60000

static void
acme_schedule_renews_in_the_last_third(void **state)
{
	const int64_t from_s = 1800000000;

	(void)state;
	check_int(acme_schedule_renewal(from_s, from_s + 90 * DAY_S, NULL, 0),
	    from_s + 60 * DAY_S);
	/* up to a tenth of it earlier */
	check_int(acme_schedule_renewal(from_s, from_s + 90 * DAY_S, NULL, 0.5),
	    from_s + 60 * DAY_S - 3 * DAY_S / 2);
	check_int(acme_schedule_renewal(from_s, from_s + 6 * DAY_S, NULL, 0),
	    from_s + 4 * DAY_S);
	/* but not a year before the end */
	check_int(acme_schedule_renewal(from_s, from_s + 3650 * DAY_S, NULL, 0),
	    from_s + 3620 * DAY_S);
}

static void
acme_schedule_follows_suggestions(void **state)
{
	const int64_t to_s = 90 * DAY_S;
	struct acme_window window = { 10 * DAY_S, 12 * DAY_S };

	(void)state;
	check_int(acme_schedule_renewal(0, to_s, &window, 0), 10 * DAY_S);
	check_int(acme_schedule_renewal(0, to_s, &window, 0.5), 11 * DAY_S);
	/* one that lets it expire is not followed */
	window = (struct acme_window){ 100 * DAY_S, 101 * DAY_S };
	check_int(acme_schedule_renewal(0, to_s, &window, 0.5), 81 * DAY_S);
	/* nor one that is past, before it is used at all */
	window = (struct acme_window){ -2 * DAY_S, -DAY_S };
	check_int(acme_schedule_renewal(0, to_s, &window, 0.5), to_s / 20);
}

static void
acme_schedule_waits_longer_and_longer(void **state)
{
	static const struct {
		enum acme_fault fault;
		unsigned failures, asked_s;
		uint64_t want_ms;
	} rows[] = {
		{ ACME_FAULT_UNREACHABLE, 1, 0, 5000 },
		{ ACME_FAULT_UNREACHABLE, 2, 0, 10000 },
		{ ACME_FAULT_UNREACHABLE, 4000000000, 0, 30 * MINUTE_MS },
		{ ACME_FAULT_UNREACHABLE, 1, 77, 77000 },
		{ ACME_FAULT_UNREACHABLE, 1, 1, 5000 },
		/* fewer than five an hour */
		{ ACME_FAULT_CHALLENGE, 1, 0, 10 * MINUTE_MS },
		{ ACME_FAULT_REFUSED, 99, 0, 180 * MINUTE_MS },
		{ ACME_FAULT_LIMITED, 1, 0, 60 * MINUTE_MS },
		{ ACME_FAULT_LIMITED, 1, 90, 90000 },
		{ ACME_FAULT_LIMITED, 1, 1, MINUTE_MS },
		{ ACME_FAULT_LIMITED, 5, 1, 16 * MINUTE_MS },
		{ ACME_FAULT_LIMITED, 99, 1, 720 * MINUTE_MS },
		{ ACME_FAULT_LIMITED, 1, 86400, 86400000 },
		{ ACME_FAULT_OURS, 1, 0, MINUTE_MS / 2 },
		{ ACME_FAULT_OURS, 99, 0, 10 * MINUTE_MS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check_size(acme_schedule_retry_ms(rows[i].fault,
			       rows[i].failures, rows[i].asked_s, 0),
		    rows[i].want_ms);
	check_size(
	    acme_schedule_retry_ms(ACME_FAULT_UNREACHABLE, 1, 0, 0.5), 5500);
}

static void
acme_schedule_asks_as_often_as_wanted(void **state)
{
	(void)state;
	check_size(acme_schedule_ask_ms(0), 360 * MINUTE_MS);
	check_size(acme_schedule_ask_ms(1), MINUTE_MS);
	check_size(acme_schedule_ask_ms(3600), 60 * MINUTE_MS);
	check_size(acme_schedule_ask_ms(4000000), 1440 * MINUTE_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acme_schedule_renews_in_the_last_third),
		cmocka_unit_test(acme_schedule_follows_suggestions),
		cmocka_unit_test(acme_schedule_waits_longer_and_longer),
		cmocka_unit_test(acme_schedule_asks_as_often_as_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
