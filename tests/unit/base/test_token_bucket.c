/* token_bucket: rates hold in the long run, bursts at once, debts are paid. */
#include "check.h"

#include "token_bucket.h"

#include <math.h>

static void
token_bucket_lets_a_burst_pass(void **state)
{
	struct token_bucket b = token_bucket_of(10, 3, 0);

	(void)state;
	for (int i = 0; i < 3; i++)
		check_size(token_bucket_take(&b, 1, 0), 0);
	check_size(token_bucket_take(&b, 1, 0), 100001);
	/* whoever comes next waits after it */
	check_size(token_bucket_take(&b, 1, 0), 200001);
	check_size(token_bucket_take(&b, 0, 100000), 100001);
	/* and it is not fuller than full */
	check_size(token_bucket_wait_us(&b, 3, 60000000), 0);
	check_size(token_bucket_wait_us(&b, 4, 60000000), 100001);
}

/* However large the pieces are, and however late somebody comes. */
static void
token_bucket_keeps_its_rate(void **state)
{
	static const double pieces[] = { 1, 700, 65536, 200000 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct token_bucket b = token_bucket_of(1e6, 65568, 5);
		uint64_t now_us = 5;
		double taken = 0;

		while (now_us < 10000005) {
			now_us += token_bucket_take(&b, pieces[i], now_us);
			taken += pieces[i];
		}
		check(taken >= 10e6 + 65568 - pieces[i]);
		check(taken <= 10e6 + 65568 + 2 * pieces[i] + 100);
	}
}

static void
token_bucket_can_be_without_limit(void **state)
{
	struct token_bucket none = token_bucket_of(0, 0, 0),
			    inf = token_bucket_of(HUGE_VAL, 1, 0),
			    slow = token_bucket_of(1e-30, 1, 0);

	(void)state;
	check_size(token_bucket_take(&none, 1e18, 0), 0);
	check_size(token_bucket_take(&inf, 1e18, 0), 0);
	check_size(token_bucket_wait_us(&inf, 1e18, 0), 0);
	check_size(token_bucket_take(&slow, 2, 0), UINT64_C(1000000000000000));
	check(isinf(token_bucket_room(&none, 0, 0)));
	check(isinf(token_bucket_room(&inf, 0, 0)));
	check_size(token_bucket_full_us(&inf), 0);
	/* a clock that is behind changes nothing */
	slow = token_bucket_of(1, 1, 1000);
	check_size(token_bucket_take(&slow, 1, 0), 0);
}

/* Room is what may be taken without waiting for longer than is said, and the
 * bucket is full when it has earned what is missing. */
static void
token_bucket_tells_room_and_when_it_is_full(void **state)
{
	struct token_bucket b = token_bucket_of(1000, 500, 7);

	(void)state;
	check(token_bucket_room(&b, 0, 7) == 500);
	check(token_bucket_room(&b, 250000, 7) == 750);
	check_size(token_bucket_full_us(&b), 7);
	(void)token_bucket_take(&b, 600, 7);
	check(token_bucket_room(&b, 0, 7) == -100);
	check(token_bucket_room(&b, 250000, 7) == 150);
	check_size(token_bucket_full_us(&b), 600008);
	check(token_bucket_room(&b, 0, 300007) == 200);
	check_size(token_bucket_full_us(&b), 600008);
	check(token_bucket_room(&b, 0, 700007) == 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(token_bucket_lets_a_burst_pass),
		cmocka_unit_test(token_bucket_keeps_its_rate),
		cmocka_unit_test(token_bucket_can_be_without_limit),
		cmocka_unit_test(token_bucket_tells_room_and_when_it_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
