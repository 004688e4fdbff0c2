/* clock: both clocks go forward and agree with the system's. */
#include "check.h"

#include "clock.h"

#include <time.h>

static void
clock_is_monotonic(void **state)
{
	const struct timespec nap = { .tv_nsec = 3000000 };
	uint64_t us = clock_now_us(), ms = clock_now_ms();
	struct timespec now;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &now);
	check(us / 1000000 <= (uint64_t)now.tv_sec);
	check(us / 1000000 + 60 >= (uint64_t)now.tv_sec);
	check(ms >= us / 1000 && ms <= us / 1000 + 60000);
	nanosleep(&nap, NULL);
	check(clock_now_us() >= us + 3000);
	check(clock_now_ms() >= ms + 2);
}

static void
clock_wall_is_the_systems(void **state)
{
	int64_t before = (int64_t)time(NULL), now = clock_wall_s();

	(void)state;
	check(now >= before && now <= (int64_t)time(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_is_monotonic),
		cmocka_unit_test(clock_wall_is_the_systems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
