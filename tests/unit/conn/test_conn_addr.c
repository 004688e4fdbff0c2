/* conn_addr: equality of all its parts. */
#include "check.h"

#include "conn_addr.h"

static void
conn_addr_eq_compares_all_parts(void **state)
{
	const struct conn_addr a = { .worker = 1, .slot = 2, .generation = 3 };
	struct conn_addr b = a;

	(void)state;
	check(conn_addr_eq(a, b));
	b.worker = 2;
	check(!conn_addr_eq(a, b));
	b = a;
	b.slot = 3;
	check(!conn_addr_eq(a, b));
	b = a;
	b.generation = 4;
	check(!conn_addr_eq(a, b));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conn_addr_eq_compares_all_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
