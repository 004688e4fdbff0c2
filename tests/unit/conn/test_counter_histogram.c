/* counter_histogram: buckets and their bounds. */
#include "check.h"

#include "counter_histogram.h"

static void
counter_histogram_puts_values_in_buckets(void **state)
{
	static const struct counter_histogram_bounds bounds = { 3,
		{ 0, 10, 100 } };
	static const uint64_t values[] = { 0, 0, 1, 10, 11, 100, 101,
		UINT32_MAX };
	static const uint64_t want[COUNTER_HISTOGRAM_BOUNDS + 1] = { 2, 2, 2,
		2 };
	struct counter_histogram_values sum = { .sum = 1 };
	struct counter_histogram h = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		counter_histogram_add(&h, &bounds, values[i]);
	counter_histogram_read(&sum, &h);
	for (size_t i = 0; i <= COUNTER_HISTOGRAM_BOUNDS; i++)
		check_size(sum.buckets[i], want[i]);
	check_size(sum.sum, 1 + 1 + 10 + 11 + 100 + 101 + (size_t)UINT32_MAX);
	/* of several workers */
	counter_histogram_read(&sum, &h);
	check_size(sum.buckets[1], 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counter_histogram_puts_values_in_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
