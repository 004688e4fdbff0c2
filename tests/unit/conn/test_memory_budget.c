/* memory_budget: limits by group, and who is shed. */
#include "check.h"

#include "memory_budget.h"

enum { LIMIT_OUTPUT = 8000, LIMIT_INPUT = 4000, LIMIT_NO_LOGIN = 1000 };

static const size_t limits[MEMORY_GROUPS] = { LIMIT_OUTPUT, LIMIT_INPUT,
	LIMIT_NO_LOGIN };

static void
memory_budget_charges_up_to_the_limit(void **state)
{
	struct memory_share a = { 0 }, b = { 0 };
	struct memory_budget budget;

	(void)state;
	memory_budget_init(&budget, limits);
	check(memory_budget_charge(&budget, &a, MEMORY_OUTPUT_QUEUED, 5000));
	check(memory_budget_charge(&budget, &b, MEMORY_OUTPUT_UNSENT, 2000));
	check(!memory_budget_exceeds(&budget, MEMORY_GROUP_OUTPUT, 1000));
	check(memory_budget_exceeds(&budget, MEMORY_GROUP_OUTPUT, 1001));
	check(!memory_budget_take_pressure(&budget, MEMORY_GROUP_OUTPUT));
	check(!memory_budget_charge(&budget, &b, MEMORY_OUTPUT_QUEUED, 1001));
	check_size(b.held, 2000);
	check_size(memory_budget_used(&budget, MEMORY_GROUP_OUTPUT), 7000);
	/* told once */
	check(memory_budget_take_pressure(&budget, MEMORY_GROUP_OUTPUT));
	check(!memory_budget_take_pressure(&budget, MEMORY_GROUP_OUTPUT));
	check(memory_budget_charge(&budget, &b, MEMORY_OUTPUT_QUEUED, 1000));
	memory_budget_discharge(&budget, &a, MEMORY_OUTPUT_QUEUED, 5000);
	check_size(a.held, 0);
	check_size(memory_budget_used(&budget, MEMORY_GROUP_OUTPUT), 3000);
}

/* Whoever has not logged in takes nothing from those who have. */
static void
memory_budget_keeps_groups_apart(void **state)
{
	struct memory_share input = { 0 }, guest = { 0 };
	struct memory_budget b;

	(void)state;
	memory_budget_init(&b, limits);
	check(memory_budget_charge(&b, &guest, MEMORY_NO_LOGIN, 1000));
	check(!memory_budget_charge(&b, &guest, MEMORY_NO_LOGIN, 1));
	check(memory_budget_charge(&b, &input, MEMORY_INPUT, LIMIT_INPUT));
	check(!memory_budget_charge(&b, &input, MEMORY_INPUT, 1));
	check_size(memory_budget_used(&b, MEMORY_GROUP_NO_LOGIN), 1000);
	check_size(memory_budget_used(&b, MEMORY_GROUP_INPUT), LIMIT_INPUT);
	check_size(memory_budget_used(&b, MEMORY_GROUP_OUTPUT), 0);
	/* after its login a share belongs to the other group */
	memory_budget_discharge(&b, &guest, MEMORY_NO_LOGIN, 1000);
	memory_budget_discharge(&b, &input, MEMORY_INPUT, 10);
	check(memory_budget_charge(&b, &guest, MEMORY_INPUT, 10));
	memory_budget_discharge(&b, &guest, MEMORY_INPUT, 10);
	check(memory_budget_next_to_shed(&b, MEMORY_GROUP_NO_LOGIN) == NULL);
}

static void
memory_budget_notices_what_is_held_already(void **state)
{
	struct memory_share a = { 0 };
	struct memory_budget b;

	(void)state;
	memory_budget_init(&b, limits);
	memory_budget_change(&b, &a, MEMORY_OUTPUT_UNSENT, 0, LIMIT_OUTPUT);
	check(!memory_budget_take_pressure(&b, MEMORY_GROUP_OUTPUT));
	memory_budget_change(
	    &b, &a, MEMORY_OUTPUT_UNSENT, LIMIT_OUTPUT, LIMIT_OUTPUT + 1);
	check(memory_budget_take_pressure(&b, MEMORY_GROUP_OUTPUT));
	check(memory_budget_exceeds(&b, MEMORY_GROUP_OUTPUT, 0));
	check(!memory_budget_charge(&b, &a, MEMORY_OUTPUT_QUEUED, 0));
	check_size(
	    memory_budget_used(&b, MEMORY_GROUP_OUTPUT), LIMIT_OUTPUT + 1);
}

/* Whoever holds most goes, until an eighth of the limit is free; those who hold
 * little stay, the newcomer too. */
static void
memory_budget_sheds_the_largest(void **state)
{
	struct memory_share large[2] = { 0 }, small[20] = { 0 }, *s;
	struct memory_budget b;
	int shed = 0;

	(void)state;
	memory_budget_init(&b, limits);
	check(memory_budget_next_to_shed(&b, MEMORY_GROUP_OUTPUT) == NULL);
	for (int i = 0; i < 20; i++)
		check(memory_budget_charge(
		    &b, &small[i], MEMORY_OUTPUT_QUEUED, 100));
	/* grown in steps, as queues do */
	for (int i = 0; i < 30; i++)
		for (int k = 0; k < 2; k++)
			check(memory_budget_charge(
			    &b, &large[k], MEMORY_OUTPUT_QUEUED, 100));
	check(!memory_budget_charge(&b, &small[0], MEMORY_OUTPUT_QUEUED, 1));
	while (
	    (s = memory_budget_next_to_shed(&b, MEMORY_GROUP_OUTPUT)) != NULL) {
		check(s == &large[0] || s == &large[1]);
		memory_budget_discharge(&b, s, MEMORY_OUTPUT_QUEUED, s->held);
		shed++;
	}
	check_int(shed, 1);
	check(
	    !memory_budget_exceeds(&b, MEMORY_GROUP_OUTPUT, LIMIT_OUTPUT / 8));
	check(memory_budget_charge(&b, &small[0], MEMORY_OUTPUT_QUEUED, 1));
}

/* Of equals the one that has held it for longest. */
static void
memory_budget_sheds_the_oldest_of_equals(void **state)
{
	struct memory_share shares[10] = { 0 };
	struct memory_budget b;

	(void)state;
	memory_budget_init(&b, limits);
	for (int i = 0; i < 10; i++)
		check(
		    memory_budget_charge(&b, &shares[i], MEMORY_NO_LOGIN, 100));
	/* neither from the middle, nor when the first has gone */
	memory_budget_discharge(&b, &shares[4], MEMORY_NO_LOGIN, 100);
	memory_budget_discharge(&b, &shares[0], MEMORY_NO_LOGIN, 100);
	check(memory_budget_charge(&b, &shares[4], MEMORY_NO_LOGIN, 100));
	check_ptr(
	    memory_budget_next_to_shed(&b, MEMORY_GROUP_NO_LOGIN), &shares[1]);
	memory_budget_discharge(&b, &shares[1], MEMORY_NO_LOGIN, 100);
	check(memory_budget_next_to_shed(&b, MEMORY_GROUP_NO_LOGIN) == NULL);
	check(memory_budget_charge(&b, &shares[0], MEMORY_NO_LOGIN, 120));
	check_ptr(
	    memory_budget_next_to_shed(&b, MEMORY_GROUP_NO_LOGIN), &shares[2]);
}

/* What changes a little keeps its place; what becomes larger loses it. */
static void
memory_budget_keeps_the_place_of_what_changes_little(void **state)
{
	struct memory_share a = { 0 }, c = { 0 };
	struct memory_budget b;

	(void)state;
	memory_budget_init(&b, limits);
	memory_budget_change(&b, &a, MEMORY_NO_LOGIN, 0, 500);
	memory_budget_change(&b, &c, MEMORY_NO_LOGIN, 0, 500);
	memory_budget_change(&b, &a, MEMORY_NO_LOGIN, 500, 510);
	check_size(memory_budget_used(&b, MEMORY_GROUP_NO_LOGIN), 1010);
	check(memory_budget_take_pressure(&b, MEMORY_GROUP_NO_LOGIN));
	check_ptr(memory_budget_next_to_shed(&b, MEMORY_GROUP_NO_LOGIN), &a);
	memory_budget_change(&b, &a, MEMORY_NO_LOGIN, 510, 200);
	check(!memory_budget_take_pressure(&b, MEMORY_GROUP_NO_LOGIN));
	memory_budget_change(&b, &a, MEMORY_NO_LOGIN, 200, 500);
	check(!memory_budget_take_pressure(&b, MEMORY_GROUP_NO_LOGIN));
	check_ptr(memory_budget_next_to_shed(&b, MEMORY_GROUP_NO_LOGIN), &c);
	memory_budget_discharge(&b, &a, MEMORY_NO_LOGIN, 500);
	check_size(a.held, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_budget_charges_up_to_the_limit),
		cmocka_unit_test(memory_budget_keeps_groups_apart),
		cmocka_unit_test(memory_budget_notices_what_is_held_already),
		cmocka_unit_test(memory_budget_sheds_the_largest),
		cmocka_unit_test(memory_budget_sheds_the_oldest_of_equals),
		cmocka_unit_test(
		    memory_budget_keeps_the_place_of_what_changes_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
