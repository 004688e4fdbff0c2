/* memory_trim: see memory_trim.h. */
#include "memory_trim.h"

#include <malloc.h>

#define TRIM_CONNECTIONS 1000 /* whose memory is worth giving back */

/* Whether there should be much memory that nobody uses: that of many
 * connections that have ended, or of the handshakes of as many that have begun
 * and now rest. */
static bool
is_worth_trimming(const struct memory_trim *t, size_t open)
{
	const bool many_ended =
	    t->most_open - open >= TRIM_CONNECTIONS && open <= t->most_open / 2;
	const bool many_began =
	    open >= 2 * t->trimmed_open + TRIM_CONNECTIONS &&
	    open < t->last_open + TRIM_CONNECTIONS / 10;

	return many_ended || many_began;
}

void
memory_trim(struct memory_trim *t, struct ip_limit *connections)
{
	size_t most, open = ip_limit_open(connections, &most);

	if (most > t->most_open)
		t->most_open = most;
	if (is_worth_trimming(t, open)) {
		malloc_trim(0);
		t->most_open = t->trimmed_open = open;
	}
	t->last_open = open;
}
