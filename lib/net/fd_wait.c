/* fd_wait: see fd_wait.h. */
#include "fd_wait.h"

#include "clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

/* Milliseconds left, for poll. */
static int
left_of(uint64_t deadline_ms)
{
	const uint64_t now = clock_now_ms();

	if (now >= deadline_ms)
		return 0;
	if (deadline_ms - now > INT_MAX)
		return INT_MAX;
	return (int)(deadline_ms - now);
}

int
fd_wait(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&p, 1, left_of(deadline_ms));
	while (n == -1 && errno == EINTR);
	return n;
}
