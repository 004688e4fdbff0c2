/* verify_current: see verify_current.h. */
#include "verify_current.h"

#include "clock.h"
#include "verify_guard.h"

#include <stdlib.h>

/* An engine whose sources have not been read by then, or in the time that one
 * of them may take, takes over all the same: they are away, and what that means
 * is part of its configuration. */
#define READY_MS 10000

struct verify_current {
	/* atomic; owned */
	_Atomic(struct verify *) now;
	/* the one before, while it has questions to answer; or NULL */
	_Atomic(struct verify *) before;
	struct verify_guard guard; /* of both */
	/* used by replace, tick and free; owned; or NULL */
	struct verify *next;
	uint64_t made_ms; /* when it was made */
};

struct verify_current *
verify_current_new(const struct verify_config *config, struct fail *why)
{
	struct verify_current *c = calloc(1, sizeof *c);
	struct verify *v;

	if (c == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	v = verify_new(config, why);
	atomic_init(&c->now, v);
	if (v != NULL)
		return c;
	free(c);
	return NULL;
}

void
verify_current_free(struct verify_current *c)
{
	if (c == NULL)
		return;
	verify_free(c->next);
	verify_free(atomic_load(&c->before));
	verify_free(atomic_load(&c->now));
	free(c);
}

bool
verify_current_ask(struct verify_current *c, const struct derp_key *key,
    const struct netaddr *client, struct verify_answer *answer,
    verify_done_fn *done, void *ctx)
{
	const unsigned side = verify_guard_enter(&c->guard);
	const bool decided =
	    verify_ask(atomic_load(&c->now), key, client, answer, done, ctx);

	verify_guard_leave(&c->guard, side);
	return decided;
}

void *
verify_current_cancel(struct verify_current *c, const struct derp_key *key,
    const struct netaddr *client, verify_matches_fn *matches, const void *arg)
{
	const unsigned side = verify_guard_enter(&c->guard);
	/* in this order: it is put there before it is replaced */
	struct verify *now = atomic_load(&c->now);
	struct verify *before = atomic_load(&c->before);
	void *found = verify_cancel(now, key, client, matches, arg);

	if (found == NULL && before != NULL)
		found = verify_cancel(before, key, client, matches, arg);
	verify_guard_leave(&c->guard, side);
	return found;
}

uint64_t
verify_current_epoch(struct verify_current *c)
{
	const unsigned side = verify_guard_enter(&c->guard);
	const uint64_t epoch = verify_epoch(atomic_load(&c->now));

	verify_guard_leave(&c->guard, side);
	return epoch;
}

void
verify_current_use(struct verify_current *c,
    void (*use)(void *ctx, struct verify *v), void *ctx)
{
	const unsigned side = verify_guard_enter(&c->guard);

	use(ctx, atomic_load(&c->now));
	verify_guard_leave(&c->guard, side);
}

static void
get_ready(void *ctx, struct verify *v)
{
	bool *is_ready = ctx;

	*is_ready = verify_sources_wait_ready(verify_get_sources(v), 0);
}

bool
verify_current_is_ready(struct verify_current *c)
{
	bool is_ready = false;

	verify_current_use(c, get_ready, &is_ready);
	return is_ready;
}

static void
get_counters(void *ctx, struct verify *v)
{
	verify_get_counters(v, ctx);
}

void
verify_current_get_counters(
    struct verify_current *c, struct verify_counters *out)
{
	verify_current_use(c, get_counters, out);
}

void
verify_current_reload(struct verify_current *c)
{
	verify_reload(atomic_load(&c->now));
	if (c->next != NULL)
		verify_reload(c->next);
}

int
verify_current_replace(struct verify_current *c,
    const struct verify_config *config, struct fail *why)
{
	struct verify_config with_before = *config;
	struct verify *next;

	with_before.before = atomic_load(&c->now);
	next = verify_new(&with_before, why);
	if (next == NULL)
		return -1;
	verify_free(c->next);
	c->next = next;
	c->made_ms = clock_now_ms();
	return 0;
}

void
verify_current_drop_next(struct verify_current *c)
{
	verify_free(c->next);
	c->next = NULL;
}

/* Frees the engine before when nobody waits for it any more. */
static void
retire(struct verify_current *c)
{
	struct verify *before = atomic_load(&c->before);

	if (before == NULL || !verify_is_idle(before))
		return;
	atomic_store(&c->before, NULL);
	verify_guard_wait(&c->guard);
	verify_free(before);
}

static bool
next_is_ready(const struct verify_current *c)
{
	const struct verify_sources *sources;
	uint64_t limit_ms;

	if (c->next == NULL || atomic_load(&c->before) != NULL)
		return false;
	sources = verify_get_sources(c->next);
	limit_ms = verify_sources_list_ms(sources);
	if (limit_ms < READY_MS)
		limit_ms = READY_MS;
	return verify_sources_wait_ready(sources, 0) ||
	    clock_now_ms() - c->made_ms >= limit_ms;
}

bool
verify_current_tick(struct verify_current *c)
{
	struct verify *before;

	retire(c);
	verify_take_over_rest(atomic_load(&c->now));
	if (!next_is_ready(c))
		return false;
	before = atomic_load(&c->now);
	atomic_store(&c->before, before);
	atomic_store(&c->now, c->next);
	c->next = NULL;
	/* who asks the one before has done so */
	verify_guard_wait(&c->guard);
	verify_take_over(atomic_load(&c->now), before);
	retire(c);
	return true;
}
