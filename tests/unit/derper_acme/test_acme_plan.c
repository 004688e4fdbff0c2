/* acme_plan: what is done next for a certificate, and when. */
#include "acme_plan.h"
#include "check.h"

#define S INT64_C(1)
#define MINUTE (60 * S)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define BORN INT64_C(1800000000) /* of the certificate */
#define LIFE (90 * DAY)
#define RENEWAL (60 * DAY) /* after BORN */
#define MS UINT64_C(1000)  /* of a second */

static struct acme_plan plan;
static struct acme_now now;

static int
setup(void **state)
{
	(void)state;
	plan = (struct acme_plan){ 0 };
	now = (struct acme_now){ .ms = 1000 * MS, .s = BORN };
	return 0;
}

/* Both clocks go on. */
static void
pass(int64_t s)
{
	now.ms += (uint64_t)s * MS;
	now.s += s;
}

static void
found(void)
{
	acme_plan_found(&plan, BORN, BORN + LIFE, 0);
	acme_plan_asked(&plan, now, NULL, false, 0);
}

static uint64_t
fail_with(enum acme_fault fault, unsigned retry_after_s, bool has_other)
{
	return acme_plan_failed(&plan, now,
	    &(struct acme_failure){ .fault = fault,
		.retry_after_s = retry_after_s,
		.has_other = has_other },
	    0);
}

/* How many orders are made within that time when all fail so. */
static unsigned
orders_within(
    int64_t s, enum acme_fault fault, unsigned retry_after_s, bool has_other)
{
	const int64_t until_s = now.s + s;
	unsigned orders = 0;

	while (now.s < until_s) {
		if (acme_plan_step(&plan, now) == ACME_STEP_ORDER) {
			orders++;
			fail_with(fault, retry_after_s, has_other);
		}
		now.ms += acme_plan_pause_ms(&plan, now);
		now.s = BORN + (int64_t)(now.ms / MS);
	}
	return orders;
}

static void
acme_plan_orders_when_it_is_due(void **state)
{
	static const struct {
		bool usable;
		int64_t at_s; /* after BORN */
		enum acme_step want;
	} rows[] = {
		{ false, 0, ACME_STEP_ORDER },
		{ true, 0, ACME_STEP_WAIT },
		{ true, RENEWAL - 1, ACME_STEP_WAIT },
		{ true, RENEWAL, ACME_STEP_ORDER },
		{ true, LIFE + 1, ACME_STEP_ORDER },
		{ true, 3650 * DAY, ACME_STEP_ORDER },
		/* the date has jumped back, before it was issued */
		{ true, -3650 * DAY, ACME_STEP_WAIT },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		setup(state);
		if (rows[i].usable)
			found();
		now.s = BORN + rows[i].at_s;
		check_int(acme_plan_step(&plan, now), rows[i].want);
		/* never long, as the date may jump again */
		check(acme_plan_pause_ms(&plan, now) <= ACME_PLAN_LOOK_MS);
	}
}

static void
acme_plan_waits_after_each_kind_of_failure(void **state)
{
	static const struct {
		enum acme_fault fault;
		unsigned retry_after_s;
		int64_t first_s, second_s; /* waits */
		bool told;                 /* to others */
		bool wakes;                /* when somebody wants it at once */
	} rows[] = {
		{ ACME_FAULT_UNREACHABLE, 0, 5, 10, false, true },
		{ ACME_FAULT_UNREACHABLE, 600, 600, 600, true, false },
		{ ACME_FAULT_OURS, 0, 30, 60, false, true },
		{ ACME_FAULT_REFUSED, 0, 600, 1200, true, true },
		{ ACME_FAULT_CHALLENGE, 0, 600, 1200, true, true },
		{ ACME_FAULT_LIMITED, 0, HOUR, 2 * HOUR, true, false },
		{ ACME_FAULT_LIMITED, 7200, 7200, 7200, true, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct acme_note_retry note;

		setup(state);
		check_size(
		    fail_with(rows[i].fault, rows[i].retry_after_s, false),
		    (uint64_t)rows[i].first_s * MS);
		check_int(acme_plan_step(&plan, now), ACME_STEP_WAIT);
		check_int(
		    acme_plan_next_s(&plan, now), now.s + rows[i].first_s);
		check_int(acme_plan_tell(&plan, now, &note), rows[i].told);
		pass(rows[i].first_s - 1);
		check_int(acme_plan_step(&plan, now), ACME_STEP_WAIT);
		pass(1);
		check_int(acme_plan_step(&plan, now), ACME_STEP_ORDER);
		check_size(
		    fail_with(rows[i].fault, rows[i].retry_after_s, false),
		    (uint64_t)rows[i].second_s * MS);
		check_int(acme_plan_woken(&plan, now), rows[i].wakes);
		check_int(acme_plan_step(&plan, now),
		    rows[i].wakes ? ACME_STEP_ORDER : ACME_STEP_WAIT);
	}
}

/* Let's Encrypt allows five failed validations an hour. */
static void
acme_plan_keeps_to_what_authorities_allow(void **state)
{
	setup(state);
	check(orders_within(HOUR, ACME_FAULT_CHALLENGE, 0, true) <= 5);
	setup(state);
	check(orders_within(HOUR, ACME_FAULT_CHALLENGE, 0, false) <= 5);
	setup(state);
	check(orders_within(DAY, ACME_FAULT_LIMITED, 0, false) <= 5);
	/* a proxy that asks for a second each time is not asked each second */
	setup(state);
	check(orders_within(DAY, ACME_FAULT_LIMITED, 1, false) <= 12);
	setup(state);
	check(orders_within(DAY, ACME_FAULT_REFUSED, 0, false) <= 12);
}

/* It is asked all the time, and no less often than twice an hour. */
static void
acme_plan_outlives_an_authority_that_is_away_for_days(void **state)
{
	unsigned orders;

	setup(state);
	orders = orders_within(3 * DAY, ACME_FAULT_UNREACHABLE, 0, false);
	check(orders >= 3 * 48 && orders < 200);
	/* and found again: the first refusal waits no longer than any first */
	check_size(fail_with(ACME_FAULT_REFUSED, 0, false), 600 * MS);
}

static void
acme_plan_counts_kinds_of_failures_apart(void **state)
{
	setup(state);
	check_size(fail_with(ACME_FAULT_REFUSED, 0, false), 600 * MS);
	check_size(fail_with(ACME_FAULT_UNREACHABLE, 0, false), 5 * MS);
	check_size(fail_with(ACME_FAULT_REFUSED, 0, false), 1200 * MS);
	check_size(fail_with(ACME_FAULT_UNREACHABLE, 0, false), 10 * MS);
	acme_plan_issued(&plan, now, BORN, BORN + LIFE);
	check_size(fail_with(ACME_FAULT_REFUSED, 0, false), 600 * MS);
}

static void
acme_plan_tries_the_other_challenge_once(void **state)
{
	struct acme_note_retry note;

	setup(state);
	check_size(fail_with(ACME_FAULT_CHALLENGE, 0, true), MS);
	/* the others leave it alone meanwhile */
	check(acme_plan_tell(&plan, now, &note));
	check_int(note.until_s, now.s + 600);
	pass(1);
	check_int(acme_plan_step(&plan, now), ACME_STEP_ORDER);
	check_size(fail_with(ACME_FAULT_CHALLENGE, 0, true), 1200 * MS);
}

/* Waits go by the clock that does not jump. */
static void
acme_plan_waits_the_same_when_the_date_jumps(void **state)
{
	static const int64_t jumps[] = { -3650 * DAY, -HOUR, HOUR, 3650 * DAY };

	for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
		setup(state);
		fail_with(ACME_FAULT_REFUSED, 0, false);
		now.s += jumps[i];
		check_int(acme_plan_step(&plan, now), ACME_STEP_WAIT);
		check_int(acme_plan_next_s(&plan, now), now.s + 600);
		pass(600);
		check_int(acme_plan_step(&plan, now), ACME_STEP_ORDER);
	}
}

static void
acme_plan_hears_of_failures_of_others(void **state)
{
	static const struct {
		int64_t since, until; /* after now */
		uint64_t want_s;      /* to wait; 0: not at all */
	} rows[] = {
		{ -60, 540, 540 },
		{ -600, 0, 0 },
		{ -7200, -3600, 0 },
		/* its writer's clock, or this one's before, was ahead */
		{ 3600, 4200, 600 },
		{ 3650 * DAY, 3650 * DAY + 600, 600 },
		/* no more than anything may make us wait */
		{ 0, 400 * DAY, 103680 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct acme_note_retry note = { .fault = ACME_FAULT_REFUSED,
			.failures = 3 };

		setup(state);
		note.since_s = now.s + rows[i].since;
		note.until_s = now.s + rows[i].until;
		check_int(
		    acme_plan_heard(&plan, now, &note), rows[i].want_s > 0);
		check_int(acme_plan_step(&plan, now),
		    rows[i].want_s > 0 ? ACME_STEP_WAIT : ACME_STEP_ORDER);
		check_size(plan.retry_ms,
		    rows[i].want_s > 0 ? now.ms + rows[i].want_s * MS : 0);
		/* its failures count here, too */
		check_size(fail_with(ACME_FAULT_REFUSED, 0, false), 4800 * MS);
	}
}

/* As after a restart. */
static void
acme_plan_hears_what_it_has_told(void **state)
{
	struct acme_note_retry note;

	setup(state);
	fail_with(ACME_FAULT_LIMITED, 7200, false);
	check(acme_plan_tell(&plan, now, &note));
	plan = (struct acme_plan){ 0 };
	pass(60);
	check(acme_plan_heard(&plan, now, &note));
	check(!acme_plan_woken(&plan, now));
	pass(7200 - 61);
	check_int(acme_plan_step(&plan, now), ACME_STEP_WAIT);
	pass(1);
	check_int(acme_plan_step(&plan, now), ACME_STEP_ORDER);
	/* what it knows to be later stays */
	fail_with(ACME_FAULT_REFUSED, 0, false);
	note.since_s = now.s;
	note.until_s = now.s + 1;
	check(!acme_plan_heard(&plan, now, &note));
	check(acme_plan_woken(&plan, now));
}

static void
acme_plan_holds_after_a_success(void **state)
{
	struct acme_window past = { BORN - 10 * DAY, BORN - 9 * DAY };

	setup(state);
	acme_plan_issued(&plan, now, BORN, BORN + LIFE);
	acme_plan_found(&plan, BORN, BORN + LIFE, 0);
	check_int(acme_plan_step(&plan, now), ACME_STEP_ASK);
	check(acme_plan_asked(&plan, now, &past, true, 0));
	check(!acme_plan_asked(&plan, now, &past, true, 0));
	/* an authority that suggests the past for ever gets no order each turn
	 */
	check_int(acme_plan_step(&plan, now), ACME_STEP_WAIT);
	check(acme_plan_woken(&plan, now));
	acme_plan_asked(&plan, now, &past, true, 0);
	check_int(acme_plan_step(&plan, now), ACME_STEP_WAIT);
	pass(LIFE / 20 - 1);
	acme_plan_asked(&plan, now, &past, true, 0);
	check_int(acme_plan_step(&plan, now), ACME_STEP_WAIT);
	pass(1);
	check_int(acme_plan_step(&plan, now), ACME_STEP_ORDER);
}

/* Somebody has removed the file to have another. */
static void
acme_plan_orders_what_is_gone_within_an_hour(void **state)
{
	setup(state);
	acme_plan_issued(&plan, now, BORN, BORN + LIFE);
	acme_plan_missing(&plan, 0);
	check_int(acme_plan_step(&plan, now), ACME_STEP_WAIT);
	pass(HOUR - 1);
	check_int(acme_plan_step(&plan, now), ACME_STEP_WAIT);
	pass(1);
	check_int(acme_plan_step(&plan, now), ACME_STEP_ORDER);
	setup(state);
	acme_plan_issued(&plan, now, BORN, BORN + LIFE);
	acme_plan_missing(&plan, 0);
	check(acme_plan_woken(&plan, now));
	check_int(acme_plan_step(&plan, now), ACME_STEP_ORDER);
	/* what is known of its dates or not: never at once */
	setup(state);
	acme_plan_issued(&plan, now, 0, 0);
	check_int(acme_plan_step(&plan, now), ACME_STEP_WAIT);
}

static void
acme_plan_saves_before_anything_else(void **state)
{
	setup(state);
	found();
	now.s += LIFE;
	plan.unsaved = true;
	check_int(acme_plan_step(&plan, now), ACME_STEP_SAVE);
	fail_with(ACME_FAULT_OURS, 0, false);
	check_int(acme_plan_step(&plan, now), ACME_STEP_WAIT);
	pass(30);
	check_int(acme_plan_step(&plan, now), ACME_STEP_SAVE);
	acme_plan_issued(&plan, now, BORN, BORN + LIFE);
	check(!plan.unsaved);
}

static void
acme_plan_asks_again_when_told(void **state)
{
	static const struct {
		bool has_window, offered;
		unsigned retry_after_s;
		int64_t want_s;
	} rows[] = {
		{ false, false, 0, DAY },
		{ false, true, 0, HOUR },
		{ false, true, 7200, 7200 },
		{ true, true, 0, 6 * HOUR },
		{ true, true, 1, MINUTE },
	};
	struct acme_window window = { BORN + 50 * DAY, BORN + 51 * DAY };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		setup(state);
		acme_plan_found(&plan, BORN, BORN + LIFE, 0);
		check_int(acme_plan_step(&plan, now), ACME_STEP_ASK);
		acme_plan_asked(&plan, now, rows[i].has_window ? &window : NULL,
		    rows[i].offered, rows[i].retry_after_s);
		pass(rows[i].want_s - 1);
		check_int(acme_plan_step(&plan, now), ACME_STEP_WAIT);
		pass(1);
		check_int(acme_plan_step(&plan, now), ACME_STEP_ASK);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acme_plan_orders_when_it_is_due),
		cmocka_unit_test(acme_plan_waits_after_each_kind_of_failure),
		cmocka_unit_test(acme_plan_keeps_to_what_authorities_allow),
		cmocka_unit_test(
		    acme_plan_outlives_an_authority_that_is_away_for_days),
		cmocka_unit_test(acme_plan_counts_kinds_of_failures_apart),
		cmocka_unit_test(acme_plan_tries_the_other_challenge_once),
		cmocka_unit_test(acme_plan_waits_the_same_when_the_date_jumps),
		cmocka_unit_test(acme_plan_hears_of_failures_of_others),
		cmocka_unit_test(acme_plan_hears_what_it_has_told),
		cmocka_unit_test(acme_plan_holds_after_a_success),
		cmocka_unit_test(acme_plan_orders_what_is_gone_within_an_hour),
		cmocka_unit_test(acme_plan_saves_before_anything_else),
		cmocka_unit_test(acme_plan_asks_again_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
