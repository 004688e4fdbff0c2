/* histogram: buckets are contiguous and quantiles are within 1 %. */
#include "histogram.h"

/* cmocka.h wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct histogram h;

static int
clear(void **state)
{
	(void)state;
	h = (struct histogram){ 0 };
	return 0;
}

static void
assert_near(uint64_t got, uint64_t want)
{
	if (got * 100 < want * 99 || got * 100 > want * 101)
		fail_msg("got %lu, want %lu", (unsigned long)got,
		    (unsigned long)want);
}

static void
histogram_of_nothing_is_zero(void **state)
{
	(void)state;
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
}

static void
histogram_gives_back_every_magnitude(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 40; bit++) {
		for (unsigned third = 0; third < 3; third++) {
			uint64_t v = (((uint64_t)1 << bit) * (3 + third)) / 3;

			h = (struct histogram){ 0 };
			histogram_add(&h, v);
			histogram_add(&h, v * 2);
			assert_near(histogram_quantile(&h, 0.5), v);
		}
	}
}

static void
histogram_finds_quantiles(void **state)
{
	(void)state;
	for (uint64_t v = 1; v <= 100000; v++)
		histogram_add(&h, v * 1000);
	assert_near(histogram_quantile(&h, 0.5), 50000000);
	assert_near(histogram_quantile(&h, 0.99), 99000000);
	assert_near(histogram_quantile(&h, 0.999), 99900000);
	assert_int_equal(histogram_quantile(&h, 1), 100000000);
}

static void
histogram_keeps_what_is_too_long(void **state)
{
	(void)state;
	histogram_add(&h, UINT64_MAX);
	assert_int_equal(h.count, 1);
	assert_int_equal(histogram_quantile(&h, 0.5), UINT64_MAX);
}

static void
histogram_merges(void **state)
{
	static struct histogram other;

	(void)state;
	histogram_add(&h, 100);
	histogram_add(&other, 900);
	histogram_add(&other, 900);
	histogram_merge(&h, &other);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.max_ns, 900);
	assert_near(histogram_quantile(&h, 0.1), 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(histogram_of_nothing_is_zero, clear),
		cmocka_unit_test_setup(
		    histogram_gives_back_every_magnitude, clear),
		cmocka_unit_test_setup(histogram_finds_quantiles, clear),
		cmocka_unit_test_setup(histogram_keeps_what_is_too_long, clear),
		cmocka_unit_test_setup(histogram_merges, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
