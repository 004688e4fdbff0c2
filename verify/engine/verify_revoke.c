/* verify_revoke: see verify_revoke.h. */
#include "verify_revoke.h"

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

/* Until whoever holds the connections has memory for it. The question may have
 * been asked before another engine took over, which decides from then on. */
static void
disconnect(struct verify_revoke *r, const struct derp_key *key,
    const char *name, const char *reason)
{
	const struct timespec delay = { .tv_nsec = RETRY_MS * 1000000 };
	const struct verify_watch *w = &r->watch;

	if (!atomic_load(&r->in_force))
		return;
	while (w->revoked(w->ctx, key, name, reason) == -1) {
		if (atomic_load(r->stop) || !atomic_load(&r->in_force))
			return;
		nanosleep(&delay, NULL);
	}
	atomic_fetch_add(&r->totals->revoked, 1);
}

static bool
is_connected(const struct verify_revoke *r, const struct derp_key *key)
{
	return r->watch.revoked != NULL && atomic_load(&r->in_force) &&
	    r->watch.is_connected(r->watch.ctx, key);
}

void
verify_revoke_left(
    struct verify_revoke *r, const struct derp_key *key, const char *name)
{
	struct verify_answer answer = { 0 };

	if (!is_connected(r, key))
		return;
	r->recheck(r->engine, key, &answer);
	/* unknown is a denial here as it is at login */
	if (answer.verdict != VERIFY_ALLOW)
		disconnect(r, key, name, answer.reason);
}

enum verify_verdict
verify_revoke_recheck(
    struct verify_revoke *r, const struct verify_client *client)
{
	const struct derp_key *key = &client->key;
	struct verify_answer answer = { 0 };

	if (!is_connected(r, key))
		return VERIFY_ALLOW;
	r->ask_again(r->engine, client, &answer);
	if (answer.verdict == VERIFY_DENY) {
		/* whoever is about to be registered has an older answer */
		verify_revoke_changed(r);
		disconnect(r, key, "", answer.reason);
	}
	return answer.verdict;
}
