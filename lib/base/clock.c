/* clock: see clock.h. */
#include "clock.h"

#include <time.h>

uint64_t
clock_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t
clock_now_ms(void)
{
	return clock_now_us() / 1000;
}

int64_t
clock_wall_s(void)
{
	return (int64_t)time(NULL);
}
