/* width: columns of a terminal. */
#include "check.h"

#include "width.h"

static void
width_counts_columns(void **state)
{
	(void)state;
	check_size(width_of(slice_str("")), 0);
	check_size(width_of(slice_str("abc")), 3);
	check_size(width_of(slice_str("ü")), 1);
	check_size(width_of(slice_str("e\xcc\x81")), 1); /* e and an accent */
	check_size(width_of(slice_str("東京")), 4);
	check_size(width_of(slice_str("\xf0\x9f\x98\x80")), 2);
	check_size(width_of(slice_str("a\xff\xfe")), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(width_counts_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
