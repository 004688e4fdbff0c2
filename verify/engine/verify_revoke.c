/* verify_revoke: see verify_revoke.h. */
#include "verify_revoke.h"

#include <string.h>
#include <time.h>

#define RETRY_MS 50 /* while memory is short */

void
verify_revoke_changed(struct verify_revoke *r)
{
	atomic_fetch_add(&r->epoch, 1);
}

uint64_t
verify_revoke_epoch(const struct verify_revoke *r)
{
	return atomic_load(&r->epoch);
}

void
verify_revoke_left(
    struct verify_revoke *r, const struct derp_key *key, const char *name)
{
	const struct timespec delay = { .tv_nsec = RETRY_MS * 1000000 };
	const struct verify_watch *w = &r->watch;
	struct verify_answer answer;

	if (w->revoked == NULL || !w->is_connected(w->ctx, key))
		return;
	memset(&answer, 0, sizeof answer);
	r->recheck(r->engine, key, &answer);
	/* unknown is a denial here as it is at login */
	if (answer.verdict == VERIFY_ALLOW)
		return;
	while (w->revoked(w->ctx, key, name, answer.reason) == -1) {
		if (atomic_load(r->stop))
			return;
		nanosleep(&delay, NULL);
	}
	atomic_fetch_add(&r->count, 1);
}
