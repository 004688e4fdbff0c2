/* verify_breaker: see verify_breaker.h. */
#include "verify_breaker.h"

#include <sodium.h>

#define FAILURES_MAX 5  /* in a row, before it opens */
#define PAUSE_MS 1000   /* between two questions then */
#define PAUSE_MORE 250u /* at random, so that relays do not ask together */

bool
verify_breaker_allows(struct verify_breaker *b, uint64_t now_ms)
{
	uint64_t next_ms = atomic_load(&b->next_ms);

	if (!verify_breaker_is_open(b))
		return true;
	if (now_ms < next_ms)
		return false;
	/* whoever moves the time on asks */
	return atomic_compare_exchange_strong(
	    &b->next_ms, &next_ms, now_ms + PAUSE_MS);
}

bool
verify_breaker_is_open(const struct verify_breaker *b)
{
	return atomic_load(&b->failures) >= FAILURES_MAX;
}

void
verify_breaker_told(struct verify_breaker *b, uint64_t now_ms, bool answered)
{
	if (answered) {
		atomic_store(&b->failures, 0);
		return;
	}
	if (atomic_fetch_add(&b->failures, 1) + 1 >= FAILURES_MAX)
		atomic_store(&b->next_ms,
		    now_ms + PAUSE_MS + randombytes_uniform(PAUSE_MORE));
}
