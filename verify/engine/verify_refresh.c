/* verify_refresh: see verify_refresh.h. */
#include "verify_refresh.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define IDLE_MS UINT64_C(3600000) /* when no source wants to be called */

struct verify_refresh {
	/* immutable */
	struct verify_source *const *sources; /* borrowed */
	size_t count;
	pthread_t thread;
	bool has_thread;
	/* locked by lock */
	pthread_mutex_t lock;
	pthread_cond_t wake; /* one of the two was set */
	bool run_now;
	bool stopping;
};

static int start(struct verify_refresh *r);

struct verify_refresh *
verify_refresh_new(struct verify_source *const *sources, size_t count)
{
	struct verify_refresh *r = calloc(1, sizeof *r);
	pthread_condattr_t attr;
	bool wanted = false;

	if (r == NULL)
		return NULL;
	r->sources = sources;
	r->count = count;
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->wake, &attr);
	pthread_condattr_destroy(&attr);
	for (size_t i = 0; i < count; i++)
		wanted = wanted || sources[i]->ops->refresh != NULL;
	if (wanted && start(r) == -1) {
		verify_refresh_free(r);
		return NULL;
	}
	return r;
}

/* Calls every source; returns in how many ms the next is due. */
static uint64_t
refresh_all(struct verify_refresh *r, bool forced)
{
	uint64_t soonest_ms = IDLE_MS;

	for (size_t i = 0; i < r->count; i++) {
		struct verify_source *s = r->sources[i];
		uint64_t ms = s->ops->refresh != NULL
		    ? s->ops->refresh(s, forced)
		    : IDLE_MS;

		if (ms < soonest_ms)
			soonest_ms = ms;
	}
	return soonest_ms;
}

static struct timespec
time_in(uint64_t ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

static void *
run(void *ctx)
{
	struct verify_refresh *r = ctx;
	uint64_t wait_ms = refresh_all(r, false);

	for (;;) {
		const struct timespec until = time_in(wait_ms);
		bool forced, stopping;
		int rc = 0;

		pthread_mutex_lock(&r->lock);
		while (!r->run_now && !r->stopping && rc != ETIMEDOUT)
			rc = pthread_cond_timedwait(&r->wake, &r->lock, &until);
		forced = r->run_now;
		stopping = r->stopping;
		r->run_now = false;
		pthread_mutex_unlock(&r->lock);
		if (stopping)
			return NULL;
		wait_ms = refresh_all(r, forced);
	}
}

/* Signals are handled by the main thread, as in thread_pool. */
static int
start(struct verify_refresh *r)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r->has_thread = pthread_create(&r->thread, NULL, run, r) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r->has_thread ? 0 : -1;
}

void
verify_refresh_now(struct verify_refresh *r)
{
	pthread_mutex_lock(&r->lock);
	r->run_now = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

void
verify_refresh_free(struct verify_refresh *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	if (r->has_thread)
		pthread_join(r->thread, NULL);
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
