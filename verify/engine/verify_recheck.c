/* verify_recheck: see verify_recheck.h. */
#include "verify_recheck.h"

#include "thread_pool.h"
#include "verify_clock.h"

#include <stdlib.h>
#include <time.h>

#define THREADS 8 /* questions at once; logins have threads of their own */
#define QUEUE 64  /* keys that wait for one */
#define FULL_NS 2000000
#define TICK_MS 1000 /* how often is looked whether a source is due */

struct verify_recheck {
	/* immutable */
	const struct verify_sources *sources;
	struct verify_revoke *revoke;
	const atomic_bool *stop;
	struct verify_clock *clock;  /* owned */
	struct thread_pool *threads; /* owned */
};

struct job {
	struct verify_recheck *r;
	struct verify_client client;
};

static void
run(void *ctx, bool cancelled)
{
	struct job *job = ctx;

	if (!cancelled)
		(void)verify_revoke_recheck(job->r->revoke, &job->client);
	free(job);
}

/* Waits while the queue is full, so that all keys get their turn. */
static void
post(struct verify_recheck *r, const struct derp_key *key)
{
	const struct timespec pause = { .tv_nsec = FULL_NS };
	struct job *job = malloc(sizeof *job);

	if (job == NULL) /* its turn comes again */
		return;
	*job = (struct job){ .r = r, .client = { .key = *key } };
	while (thread_pool_post(r->threads, run, job) == -1) {
		if (atomic_load(r->stop)) {
			free(job);
			return;
		}
		nanosleep(&pause, NULL);
	}
}

static void
recheck_all(struct verify_recheck *r, struct verify_member *member)
{
	struct verify_set *set = verify_member_known(member);
	struct verify_set_node node;

	for (size_t i = 0;
	     set != NULL && i < verify_set_count(set) && !atomic_load(r->stop);
	     i++) {
		verify_set_at(set, i, &node);
		if (r->revoke->watch.is_connected(
			r->revoke->watch.ctx, &node.key))
			post(r, &node.key);
		else
			verify_member_forget(member, &node.key);
	}
	verify_set_drop(set);
}

static void
tick(void *ctx)
{
	struct verify_recheck *r = ctx;

	/* what is known belongs to the engine in force, too */
	if (!atomic_load(&r->revoke->in_force))
		return;
	for (size_t i = 0; i < r->sources->count; i++)
		if (verify_member_recheck_due(r->sources->list[i]))
			recheck_all(r, r->sources->list[i]);
}

int
verify_recheck_new(struct verify_recheck **out,
    const struct verify_sources *sources, struct verify_revoke *revoke,
    const atomic_bool *stop)
{
	struct verify_recheck *r;
	uint64_t soonest_ms = 0;

	*out = NULL;
	for (size_t i = 0; i < sources->count; i++) {
		const uint64_t ms = verify_member_recheck_ms(sources->list[i]);

		if (ms != 0 && (soonest_ms == 0 || ms < soonest_ms))
			soonest_ms = ms;
	}
	if (soonest_ms == 0 || revoke->watch.is_connected == NULL)
		return 0;
	r = calloc(1, sizeof *r);
	if (r == NULL)
		return -1;
	r->sources = sources;
	r->revoke = revoke;
	r->stop = stop;
	r->threads = thread_pool_new(THREADS, QUEUE);
	if (r->threads != NULL)
		r->clock = verify_clock_new(
		    soonest_ms < TICK_MS ? soonest_ms : TICK_MS, tick, r);
	if (r->clock != NULL) {
		*out = r;
		return 0;
	}
	verify_recheck_free(r);
	return -1;
}

void
verify_recheck_free(struct verify_recheck *r)
{
	if (r == NULL)
		return;
	verify_clock_free(r->clock);
	thread_pool_free(r->threads);
	free(r);
}
