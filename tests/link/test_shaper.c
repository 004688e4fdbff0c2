/* shaper: rate, delay, queue and loss of one direction, without a clock. */
#include "shaper.h"

/* cmocka.h wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static const uint8_t bytes[1500] = { 1, 2, 3 };

static void
offer(struct shaper *s, size_t len, uint64_t now_ns)
{
	shaper_offer(s, slice_of(bytes, len), now_ns);
}

/* How many have arrived by then; the order and contents are right. */
static unsigned
take_all(struct shaper *s, uint64_t now_ns)
{
	struct slice packet;
	unsigned count = 0;

	while (shaper_take(s, now_ns, &packet)) {
		assert_memory_equal(packet.p, bytes, packet.n);
		count++;
	}
	return count;
}

static void
shaper_delays_without_a_rate(void **state)
{
	struct shaper_config config = { .delay_ns = 10 * MS };
	struct shaper *s = shaper_new(&config);

	(void)state;
	assert_true(shaper_due_ns(s) == SHAPER_NEVER);
	offer(s, 100, 5 * MS);
	offer(s, 100, 6 * MS);
	assert_true(shaper_due_ns(s) == 15 * MS);
	assert_int_equal(take_all(s, 15 * MS - 1), 0);
	assert_int_equal(take_all(s, 15 * MS), 1);
	assert_int_equal(take_all(s, 16 * MS), 1);
	assert_true(shaper_due_ns(s) == SHAPER_NEVER);
	shaper_free(s);
}

static void
shaper_sends_at_its_rate(void **state)
{
	/* 1000 bytes take 1 ms */
	struct shaper_config config = { .rate_bit_per_s = 8000000,
		.queue_bytes = 1 << 20,
		.delay_ns = 3 * MS };
	struct shaper *s = shaper_new(&config);

	(void)state;
	for (int i = 0; i < 100; i++)
		offer(s, 1000, 0);
	for (unsigned ms = 4; ms <= 103; ms++) {
		assert_int_equal(take_all(s, ms * MS - 1), 0);
		assert_int_equal(take_all(s, ms * MS), 1);
	}
	/* idle time is not saved up */
	offer(s, 1000, 500 * MS);
	offer(s, 1000, 500 * MS);
	assert_int_equal(take_all(s, 504 * MS), 1);
	assert_int_equal(take_all(s, 505 * MS), 1);
	shaper_free(s);
}

static void
shaper_drops_the_newest_when_full(void **state)
{
	struct shaper_config config = { .rate_bit_per_s = 8000000,
		.queue_bytes = 3000 };
	struct shaper *s = shaper_new(&config);

	(void)state;
	for (int i = 0; i < 5; i++)
		offer(s, 1000, 0);
	assert_int_equal(shaper_counts(s)->dropped, 2);
	assert_int_equal(take_all(s, 2 * MS), 2);
	offer(s, 1000, 2 * MS);
	offer(s, 500, 2 * MS);
	assert_int_equal(shaper_counts(s)->dropped, 2);
	offer(s, 1000, 2 * MS);
	assert_int_equal(shaper_counts(s)->dropped, 3);
	assert_int_equal(take_all(s, 10 * MS), 3);
	assert_int_equal(shaper_counts(s)->delivered, 5);
	assert_int_equal(shaper_counts(s)->bytes, 4500);
	shaper_free(s);
}

static void
shaper_holds_no_more_than_its_limit(void **state)
{
	struct shaper_config config = { .delay_ns = MS };
	struct shaper *s = shaper_new(&config);

	(void)state;
	for (unsigned i = 0; i < SHAPER_HELD_MAX + 7; i++)
		offer(s, 1, 0);
	assert_int_equal(shaper_counts(s)->dropped, 7);
	assert_int_equal(take_all(s, MS), SHAPER_HELD_MAX);
	/* those that are under way are freed with it */
	offer(s, 1, MS);
	shaper_free(s);
}

static void
shaper_loses_its_share_at_random(void **state)
{
	struct shaper_config config = { .loss_ppm = 20000, .seed = 7 };
	struct shaper *s = shaper_new(&config);
	uint64_t in_a_row = 0, longest = 0, lost = 0;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		offer(s, 1, i);
		in_a_row = shaper_counts(s)->lost > lost ? in_a_row + 1 : 0;
		longest = in_a_row > longest ? in_a_row : longest;
		lost = shaper_counts(s)->lost;
		take_all(s, i);
	}
	/* 2000 expected; the standard deviation is 44 */
	assert_in_range(lost, 1780, 2220);
	assert_in_range(longest, 2, 6);
	assert_int_equal(shaper_counts(s)->delivered, 100000 - lost);
	shaper_free(s);
}

static void
shaper_loses_nothing_or_all_when_told(void **state)
{
	struct shaper_config none = { .seed = 1 };
	struct shaper_config all = { .loss_ppm = SHAPER_PPM };
	struct shaper *s = shaper_new(&none);

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		offer(s, 1, 0);
	assert_int_equal(take_all(s, 0), 10000);
	shaper_free(s);
	s = shaper_new(&all);
	for (unsigned i = 0; i < 10000; i++)
		offer(s, 1, 0);
	assert_int_equal(shaper_counts(s)->lost, 10000);
	assert_int_equal(take_all(s, 0), 0);
	shaper_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shaper_delays_without_a_rate),
		cmocka_unit_test(shaper_sends_at_its_rate),
		cmocka_unit_test(shaper_drops_the_newest_when_full),
		cmocka_unit_test(shaper_holds_no_more_than_its_limit),
		cmocka_unit_test(shaper_loses_its_share_at_random),
		cmocka_unit_test(shaper_loses_nothing_or_all_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
